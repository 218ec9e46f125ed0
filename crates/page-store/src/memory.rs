//! The same store in memory: for tests, simulation, and processes that need no restart.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::TAIL_RECORDS;
use crate::backend::{Backend, Batch, Submission, TailRecord, Visit};
use crate::{OpenReport, Reason, StoreError, StreamKey};

/// One stream of it; [`stream`](Self::stream) gives others. Clones share what is stored, so a clone kept outside plays
/// the disk across a restart.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    store: Arc<Mutex<Stored>>,
    stream: StreamKey,
}

#[derive(Debug, Default)]
struct Stored {
    streams: BTreeMap<StreamKey, Kept>,
    is_full: bool,
    /// How often room is asked for in vain after each checkpoint, and how often it will be from now on.
    refusals: u32,
    refusals_left: u32,
}

/// What is stored of a stream.
#[derive(Debug, Clone, Default)]
struct Kept {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    meta: Option<Vec<u8>>,
    tail: VecDeque<TailRecord>,
    /// Until its owner opens it again.
    has_failed: bool,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    /// Another stream in the same memory.
    #[must_use]
    pub fn stream(&self, stream: StreamKey) -> Self {
        self.stored().streams.entry(stream).or_default();
        Self { store: Arc::clone(&self.store), stream }
    }

    /// What is stored now, apart from what will be: plays a backup.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut streams = self.stored().streams.clone();
        for kept in streams.values_mut() {
            kept.has_failed = false;
        }
        let copy = Stored { streams, ..Stored::default() };
        Self { store: Arc::new(Mutex::new(copy)), stream: self.stream }
    }

    /// Plays a disk that is full, or has room again. As on disk, what is submitted to it is lost, and the store has
    /// failed until it is opened again.
    pub fn set_full(&self, is_full: bool) {
        self.stored().is_full = is_full;
    }

    /// Plays a slow disk: after each checkpoint there is no room for another until it was asked for so many times.
    pub fn set_slow(&self, refusals: u32) {
        let mut stored = self.stored();
        (stored.refusals, stored.refusals_left) = (refusals, refusals);
    }

    /// Begins anew for a store: that one before it had failed says nothing.
    pub fn open(&self) {
        self.stored().kept(self.stream).has_failed = false;
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn kept(&mut self, stream: StreamKey) -> &mut Kept {
        self.streams.entry(stream).or_default()
    }

    fn check(&mut self, stream: StreamKey) -> Result<(), StoreError> {
        if self.kept(stream).has_failed { Err(full()) } else { Ok(()) }
    }

    /// Forgets all streams. The owners of others must open it again.
    fn forget(&mut self, stream: StreamKey) {
        let streams = self.streams.keys().map(|one| (*one, Kept { has_failed: *one != stream, ..Kept::default() }));
        *self = Self { streams: streams.collect(), ..Self::default() };
    }
}

fn full() -> StoreError {
    StoreError::OutOfSpace("memory that plays a full disk".to_owned())
}

impl Backend for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.stored().kept(self.stream).entries.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut stored = self.stored();
        let from = stored.kept(self.stream).entries.range(prefix.to_vec()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).try_for_each(|(key, value)| visit(key, value))
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.stored().kept(self.stream).meta.clone())
    }

    fn tail(&self) -> Result<Vec<TailRecord>, StoreError> {
        Ok(self.stored().kept(self.stream).tail.iter().cloned().collect())
    }

    fn batch(&self) -> Batch {
        Batch::of(self.stream)
    }

    fn has_room(&self) -> bool {
        let left = &mut self.stored().refusals_left;
        let has_room = *left == 0;
        *left = left.saturating_sub(1);
        has_room
    }

    fn submit(&self, mut submission: Box<dyn Submission>) -> Result<(), StoreError> {
        let mut batch = self.batch();
        submission.fill(&mut batch);
        let content = batch.into_content();
        let mut stored = self.stored();
        stored.check(self.stream)?;
        if stored.is_full {
            // Noticed by the next call: a disk is written later, too.
            for kept in stored.streams.values_mut() {
                kept.has_failed = true;
            }
            return Ok(());
        }
        let kept = stored.kept(self.stream);
        for (key, value) in content.entries() {
            match value {
                Some(value) => kept.entries.insert(key.to_vec(), value.to_vec()),
                None => kept.entries.remove(key),
            };
        }
        if content.meta.is_some() {
            kept.meta = content.meta;
        }
        for (sequence, record) in content.tail {
            let newest = kept.tail.back().map(|(newest, _)| *newest);
            if newest.is_some_and(|newest| sequence <= newest) {
                continue;
            }
            if newest.and_then(|newest| newest.checked_add(1)) != Some(sequence) {
                kept.tail.clear();
            }
            kept.tail.push_back((sequence, record));
        }
        let surplus = kept.tail.len().saturating_sub(TAIL_RECORDS);
        kept.tail.drain(..surplus);
        drop(stored);
        submission.written();
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.stored().check(self.stream)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.stored().check(self.stream)
    }

    fn failure(&self) -> Option<StoreError> {
        self.stored().check(self.stream).err()
    }

    fn probe(&self) -> Result<(), StoreError> {
        if self.stored().is_full { Err(full()) } else { Ok(()) }
    }

    fn reopen(&self) -> Result<OpenReport, StoreError> {
        self.probe()?;
        self.open();
        Ok(OpenReport::default())
    }

    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        let _ = why;
        self.stored().forget(self.stream);
        Ok(None)
    }

    /// There is nowhere to move it to: it is forgotten.
    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        self.stored().forget(self.stream);
        Ok(None)
    }
}
