//! The same store in memory: for tests, simulation, and processes that need no restart.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::TAIL_RECORDS;
use crate::backend::{Backend, Batch, Submission, TailRecord, Visit};
use crate::{OpenReport, Reason, StoreError};

/// Clones share what is stored, so a clone kept outside plays the disk across a restart.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Stored>>);

#[derive(Debug, Default)]
struct Stored {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    meta: Option<Vec<u8>>,
    tail: VecDeque<TailRecord>,
    is_full: bool,
    has_failed: bool,
    /// How often room is asked for in vain after each checkpoint, and how often it will be from now on.
    refusals: u32,
    refusals_left: u32,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    /// What is stored now, apart from what will be: plays a backup.
    #[must_use]
    pub fn copy(&self) -> Self {
        let stored = self.stored();
        let (entries, meta, tail) = (stored.entries.clone(), stored.meta.clone(), stored.tail.clone());
        let copy = Stored { entries, meta, tail, ..Stored::default() };
        Self(Arc::new(Mutex::new(copy)))
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
        self.stored().has_failed = false;
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn check(&self) -> Result<(), StoreError> {
        if self.has_failed { Err(full()) } else { Ok(()) }
    }
}

fn full() -> StoreError {
    StoreError::OutOfSpace("memory that plays a full disk".to_owned())
}

impl Backend for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.stored().entries.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let stored = self.stored();
        let from = stored.entries.range(prefix.to_vec()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).try_for_each(|(key, value)| visit(key, value))
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.stored().meta.clone())
    }

    fn tail(&self) -> Result<Vec<TailRecord>, StoreError> {
        Ok(self.stored().tail.iter().cloned().collect())
    }

    fn has_room(&self) -> bool {
        let left = &mut self.stored().refusals_left;
        let has_room = *left == 0;
        *left = left.saturating_sub(1);
        has_room
    }

    fn submit(&self, mut submission: Box<dyn Submission>) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        submission.fill(&mut batch);
        let sealed = batch.seal();
        let mut stored = self.stored();
        stored.check()?;
        if stored.is_full {
            // Noticed by the next call: a disk is written later, too.
            stored.has_failed = true;
            return Ok(());
        }
        for (key, value) in sealed.entries() {
            match value {
                Some(value) => stored.entries.insert(key.to_vec(), value.to_vec()),
                None => stored.entries.remove(key),
            };
        }
        if sealed.meta.is_some() {
            stored.meta = sealed.meta;
        }
        for (sequence, record) in sealed.tail {
            let newest = stored.tail.back().map(|(newest, _)| *newest);
            if newest.is_some_and(|newest| sequence <= newest) {
                continue;
            }
            if newest.and_then(|newest| newest.checked_add(1)) != Some(sequence) {
                stored.tail.clear();
            }
            stored.tail.push_back((sequence, record));
        }
        let surplus = stored.tail.len().saturating_sub(TAIL_RECORDS);
        stored.tail.drain(..surplus);
        drop(stored);
        submission.written();
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.stored().check()
    }

    fn close(&self) -> Result<(), StoreError> {
        self.stored().check()
    }

    fn failure(&self) -> Option<StoreError> {
        self.stored().check().err()
    }

    fn probe(&self) -> Result<(), StoreError> {
        if self.stored().is_full { Err(full()) } else { Ok(()) }
    }

    fn reopen(&self) -> Result<OpenReport, StoreError> {
        self.probe()?;
        self.stored().has_failed = false;
        Ok(OpenReport::default())
    }

    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        let _ = why;
        *self.stored() = Stored::default();
        Ok(None)
    }

    /// There is nowhere to move it to: it is forgotten.
    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        *self.stored() = Stored::default();
        Ok(None)
    }
}
