//! What belongs to one stream of a store: hands the store's thread work, and reads.

use core::fmt;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{Arc, RwLockReadGuard};

use super::folder::{self, move_aside};
use super::opening::{Opened, kind_of};
use super::readable::check_readable;
use super::store::PageStore;
use super::tail;
use super::tails::StreamMeta;
use super::thread::{Place, Work, Write};
use super::view::Shared;
use crate::backend::{Backend, Batch, Submission, TailRecord, Visit};
use crate::{OpenReport, Reason, StoreError, StreamKey};

/// What a disk must take, with room to spare, before a store that failed is opened again: a save may well need as much.
const PROBE_BYTES: u64 = 4 * 1024 * 1024;

/// One stream of a [`PageStore`].
pub struct PageStream {
    store: PageStore,
    stream: StreamKey,
    /// Batches of the stream that wait.
    waiting: Arc<AtomicUsize>,
    /// The opening of the store that the owner knows of. After a later one nothing is read or written: what was
    /// submitted before may be lost, and the owner must hear that first.
    opening: AtomicU64,
}

impl fmt::Debug for PageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageStream({:?}, {:08x})", self.store, self.stream.0)
    }
}

impl PageStream {
    pub(crate) fn new(store: PageStore, stream: StreamKey) -> Self {
        let opening = AtomicU64::new(store.opened().opening);
        Self { store, stream, waiting: Arc::default(), opening }
    }

    /// Waits until all background work is done too: for measurements and tests.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.ask(Work::Settle)
    }

    /// The store, unless it was opened again, or moved aside, for another stream.
    fn opened(&self) -> Result<RwLockReadGuard<'_, Opened>, StoreError> {
        let opened = self.store.opened();
        if self.knows(&opened) {
            return Ok(opened);
        }
        Err(StoreError::Failed("it was closed, or opened again, because of another stream".to_owned()))
    }

    fn knows(&self, opened: &Opened) -> bool {
        opened.opening == self.opening.load(Ordering::Acquire)
    }

    fn shared(&self) -> Result<Arc<Shared>, StoreError> {
        self.opened().map(|opened| Arc::clone(&opened.shared))
    }

    fn sender(&self) -> Result<Sender<Work>, StoreError> {
        if let Some(error) = self.failure() {
            return Err(error);
        }
        self.opened()?.thread.as_ref().map(|(work, _)| work.clone()).ok_or(StoreError::Closed)
    }

    fn ask(&self, question: impl FnOnce(SyncSender<Result<(), StoreError>>) -> Work) -> Result<(), StoreError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.sender()?.send(question(reply)).map_err(|_| self.gone())?;
        answer.recv().unwrap_or_else(|_| Err(self.gone()))
    }

    /// Why the thread does not answer.
    fn gone(&self) -> StoreError {
        self.failure().unwrap_or(StoreError::Closed)
    }

    /// Closes the store and moves its directory aside, unless that was done because of another stream.
    fn set_aside(&self, kind: &str) -> Result<Option<PathBuf>, StoreError> {
        let mut opened = self.store.changing();
        if !self.knows(&opened) {
            return Ok(None);
        }
        opened.stop();
        let directory = self.store.directory();
        check_readable(directory, &self.store.options().checked)?;
        let aside = move_aside(directory, kind)?;
        opened.opening = opened.opening.saturating_add(1);
        self.opening.store(opened.opening, Ordering::Release);
        Ok(Some(aside))
    }
}

impl Backend for PageStream {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared()?.get((self.stream, key))
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut cursor = self.shared()?.cursor((self.stream, prefix))?;
        while let Some((_, (key, value))) = cursor.peek() {
            // The store's own entry has the empty key.
            if let Some(value) = value.filter(|_| !key.is_empty()) {
                visit(key, value)?;
            }
            cursor.advance()?;
        }
        Ok(())
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError> {
        StreamMeta::read(self.shared()?.as_ref(), self.stream).map(|meta| meta.body)
    }

    fn tail(&self) -> Result<Vec<TailRecord>, StoreError> {
        let shared = self.shared()?;
        let mut range = StreamMeta::read(&shared, self.stream)?.tail;
        loop {
            let records = tail::counted(self.store.directory(), self.stream, range);
            let newest = StreamMeta::read(&shared, self.stream)?.tail;
            if records.is_ok() || newest == range {
                return records;
            }
            // What it read was removed meanwhile.
            range = newest;
        }
    }

    fn batch(&self) -> Batch {
        Batch::of(self.stream)
    }

    fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Acquire) < self.store.options().queue
    }

    fn submit(&self, submission: Box<dyn Submission>) -> Result<(), StoreError> {
        let work = self.sender()?;
        if !self.has_room() {
            return Err(StoreError::Full);
        }
        let place = Place::take(&self.waiting);
        let write = Write { stream: self.stream, submission, place };
        work.send(Work::Write(write)).map_err(|_| self.gone())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.ask(Work::Sync)
    }

    fn close(&self) -> Result<(), StoreError> {
        let flushed = self.flush();
        let mut opened = self.store.changing();
        if self.knows(&opened) {
            opened.stop();
        }
        flushed
    }

    fn failure(&self) -> Option<StoreError> {
        match self.opened() {
            Ok(opened) => opened.status.failed.get().cloned(),
            Err(error) => Some(error),
        }
    }

    fn probe(&self) -> Result<(), StoreError> {
        let directory = self.store.directory();
        let path = directory.join("probe");
        let write = || {
            let mut file = folder::without_waiting().write(true).create(true).truncate(true).open(&path)?;
            io::copy(&mut io::repeat(0).take(PROBE_BYTES), &mut file)?;
            file.sync_all()
        };
        let trying = |error: io::Error| StoreError::resource("trying the disk", &error);
        // It is not there if the store was moved aside.
        std::fs::create_dir_all(directory).map_err(trying)?;
        self.store.options().space(directory).check(PROBE_BYTES)?;
        let written = write();
        let removed = std::fs::remove_file(&path);
        written.and(removed).map_err(trying)
    }

    fn reopen(&self) -> Result<OpenReport, StoreError> {
        let mut opened = self.store.changing();
        if self.knows(&opened) || !opened.is_working() {
            opened.stop();
            folder::forget_cached(self.store.directory());
            let mut again = Opened::start(self.store.directory(), self.store.options())?;
            again.opening = opened.opening.saturating_add(1);
            *opened = again;
        }
        self.opening.store(opened.opening, Ordering::Release);
        Ok(opened.report.clone())
    }

    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        let reason = Reason::Condemned(why.to_owned());
        Ok(self.set_aside(kind_of(&reason))?.map(|aside| (aside, reason)))
    }

    fn remembered(&self) -> Option<u64> {
        let directory = self.store.directory();
        // Also beside a store that is not empty: what was moved aside may have known more than the log has now.
        let asides = folder::moved_aside(directory).into_iter().filter_map(|aside| tail::newest(&aside, self.stream));
        tail::newest(directory, self.stream).into_iter().chain(asides).max()
    }

    fn salvage(&self) -> Vec<TailRecord> {
        let directory = self.store.directory();
        let asides = folder::moved_aside(directory);
        let all = core::iter::once(directory).chain(asides.iter().map(PathBuf::as_path));
        let all = all.map(|folder| tail::salvage(folder, self.stream));
        all.max_by_key(|records| records.last().map(|(sequence, _)| *sequence)).unwrap_or_default()
    }

    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        self.close()?;
        self.set_aside("evidence")
    }
}
