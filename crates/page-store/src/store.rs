//! The handle: opens a store on a thread of its own, and hands it work.

use core::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::folder::{self, move_aside};
use super::opening::{Opened, kind_of};
use super::overlay::FULL_KEYS;
use super::readable::check_readable;
use super::space::Space;
use super::tail;
use super::thread::Work;
use super::view::Shared;
use crate::backend::{Backend, Submission, TailRecord, Visit};
use crate::{OpenReport, Reason, StoreError};

/// Batches that may wait by default; with two overlays this bounds the memory of what is not in a run.
const QUEUE: usize = 4;
/// What a disk must take, with room to spare, before a store that failed is opened again: a save may well need as much.
const PROBE_BYTES: u64 = 4 * 1024 * 1024;

/// Called at named points with their name: a test kills the process there.
pub type OnPoint = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Says how many bytes the disk has left: a test plays a full one.
pub type OnSpace = Arc<dyn Fn() -> u64 + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    /// Whose store this is, e.g. a stream's name: another's is never read.
    pub owner: String,
    /// Version of what the owner writes; a store of another one is moved aside.
    pub schema: u32,
    /// Bound of sled's cache. Small: what is hot is in the owner's memory.
    pub cache_bytes: u64,
    /// Keys after which what was written is turned into a run. Fewer make tests merge soon.
    pub overlay_keys: usize,
    /// Batches that may wait to be written.
    pub queue: usize,
    pub on_point: Option<OnPoint>,
    pub on_space: Option<OnSpace>,
}

impl Options {
    pub fn new(owner: impl Into<String>, schema: u32) -> Self {
        Self {
            owner: owner.into(),
            schema,
            cache_bytes: 8 * 1024 * 1024,
            overlay_keys: FULL_KEYS,
            queue: QUEUE,
            on_point: None,
            on_space: None,
        }
    }

    pub(crate) fn space(&self, directory: &Path) -> Space {
        Space { directory: directory.to_path_buf(), on_space: self.on_space.clone() }
    }

    pub(crate) fn point(&self, name: &'static str) {
        if let Some(on_point) = &self.on_point {
            on_point(name);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, schema, cache_bytes, overlay_keys: _, queue: _, on_point: _, on_space: _ } = self;
        write!(f, "Options({owner}, schema {schema}, cache {cache_bytes} bytes)")
    }
}

/// A store in a directory, written by a thread of its own.
pub struct PageStore {
    directory: PathBuf,
    options: Options,
    /// Another one after it was opened again.
    opened: RwLock<Opened>,
}

impl fmt::Debug for PageStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageStore({})", self.directory.display())
    }
}

impl PageStore {
    /// Opens what is in `directory`, or moves it aside, says so, and starts empty.
    pub fn open(directory: &Path, options: &Options) -> Result<(Self, OpenReport), StoreError> {
        let (opened, report) = Opened::start(directory, options)?;
        let opened = RwLock::new(opened);
        Ok((Self { directory: directory.to_path_buf(), options: options.clone(), opened }, report))
    }

    /// The same; but if there is no room on its disk, it holds nothing until it is [opened again](Backend::reopen), and
    /// has [failed](Backend::failure) until then.
    pub fn open_or_absent(directory: &Path, options: &Options) -> Result<(Self, OpenReport), StoreError> {
        match Self::open(directory, options) {
            Err(error @ StoreError::OutOfSpace(_)) => {
                let opened = RwLock::new(Opened::absent(directory, options, error.clone()));
                let report = OpenReport { absent: Some(error), ..OpenReport::default() };
                Ok((Self { directory: directory.to_path_buf(), options: options.clone(), opened }, report))
            }
            opened => opened,
        }
    }

    /// Waits until all background work is done too: for measurements and tests.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.ask(Work::Settle)
    }

    fn opened(&self) -> RwLockReadGuard<'_, Opened> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> RwLockWriteGuard<'_, Opened> {
        self.opened.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.opened().shared)
    }

    fn sender(&self) -> Result<Sender<Work>, StoreError> {
        if let Some(error) = self.failure() {
            return Err(error);
        }
        self.opened().thread.as_ref().map(|(work, _)| work.clone()).ok_or(StoreError::Closed)
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
}

impl Backend for PageStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared().get(key)
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut cursor = self.shared().cursor(prefix)?;
        while let Some((key, value)) = cursor.peek() {
            if let Some(value) = value {
                visit(key, value)?;
            }
            cursor.advance()?;
        }
        Ok(())
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared().with(|view| view.check_open().map(|()| view.meta.clone()))
    }

    fn tail(&self) -> Result<Vec<TailRecord>, StoreError> {
        self.shared().tail()
    }

    fn has_room(&self) -> bool {
        self.opened().status.waiting.load(Ordering::Acquire) < self.options.queue
    }

    fn submit(&self, submission: Box<dyn Submission>) -> Result<(), StoreError> {
        let work = self.sender()?;
        if !self.has_room() {
            return Err(StoreError::Full);
        }
        self.opened().status.waiting.fetch_add(1, Ordering::AcqRel);
        work.send(Work::Write(submission)).map_err(|_| self.gone())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.ask(Work::Sync)
    }

    fn close(&self) -> Result<(), StoreError> {
        let flushed = self.flush();
        self.changing().stop();
        flushed
    }

    fn failure(&self) -> Option<StoreError> {
        self.opened().status.failed.get().cloned()
    }

    fn probe(&self) -> Result<(), StoreError> {
        self.options.space(&self.directory).check(PROBE_BYTES)?;
        let path = self.directory.join("probe");
        let write = || {
            let mut file = folder::without_waiting().write(true).create(true).truncate(true).open(&path)?;
            io::copy(&mut io::repeat(0).take(PROBE_BYTES), &mut file)?;
            file.sync_all()
        };
        let written = write();
        let removed = std::fs::remove_file(&path);
        written.and(removed).map_err(|error| StoreError::resource("trying the disk", &error))
    }

    fn reopen(&self) -> Result<OpenReport, StoreError> {
        let mut opened = self.changing();
        opened.stop();
        folder::forget_cached(&self.directory);
        let (again, report) = Opened::start(&self.directory, &self.options)?;
        *opened = again;
        Ok(report)
    }

    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        self.changing().stop();
        check_readable(&self.directory)?;
        let reason = Reason::Condemned(why.to_owned());
        Ok(Some((move_aside(&self.directory, kind_of(&reason))?, reason)))
    }

    fn remembered(&self) -> Option<u64> {
        self.opened().remembered
    }

    fn salvage(&self) -> Vec<TailRecord> {
        let asides = folder::moved_aside(&self.directory);
        let all = core::iter::once(&self.directory).chain(&asides).map(|folder| tail::salvage(folder));
        all.max_by_key(|records| records.last().map(|(sequence, _)| *sequence)).unwrap_or_default()
    }

    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        self.close()?;
        move_aside(&self.directory, "evidence").map(Some)
    }
}
