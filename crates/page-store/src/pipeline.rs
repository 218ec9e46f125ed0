//! Writes to sled, a few at a time, one store at a time.
//!
//! sled 0.34 can deadlock: the thread that opens a new segment holds a lock while it waits for a truncation of the
//! file, which waits in the queue of a pool of seven threads, which may all be writing buffers and wait for that lock.
//! The pool is the process's. So never so many buffers of 512 KiB are under way: after so many
//! bytes that with what sled moves along there are at most five, everything is synced, and stores take turns. sled
//! cleans up a leaf (119 KiB at most) whenever it writes one again. Nine blocks (63 KiB) bring that about twice, when
//! their empty places are made (see [`super::shelf`]): some 300 KiB, so that 384 KiB as counted here are 1.6 MB. A
//! change elsewhere may write three leaves again and counts four times as much: some 14 are a sync. sled's own flushing
//! thread, which writes when it likes, is turned off.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sled::{Db, IVec, Tree};

use super::page::Page;
use super::parts;
use super::space::Space;
use crate::StoreError;

/// Bytes after which everything is synced.
const SYNC_BYTES: usize = 384 * 1024;
/// A change of other than a prepared place counts so many times: sled may write its leaf again, split it, and clean up.
const CHANGE_WEIGHT: usize = 4;
/// And for this many bytes at least.
const CHANGE_BYTES: usize = 7 * 1024;
/// What an empty value counts for: one of nine splits a leaf of such, whereupon sled cleans up two leaves.
const PREPARED_BYTES: usize = 1024;
/// What a tree made or dropped counts for: the list of all is rewritten, and a few bytes for each of its leaves.
const TREE_BYTES: usize = 28 * 1024;

/// Held by the store that has something under way.
static TURN: Mutex<()> = Mutex::new(());

#[derive(Debug)]
pub(crate) struct Pipeline {
    db: Db,
    space: Space,
    unsynced: usize,
    /// Since it was opened.
    changed: usize,
    turn: Option<MutexGuard<'static, ()>>,
}

impl Pipeline {
    pub(crate) const fn new(db: Db, space: Space) -> Self {
        Self { db, space, unsynced: 0, changed: 0, turn: None }
    }

    /// The one tree of all that is not a block.
    pub(crate) fn tree(&self) -> &Tree {
        &self.db
    }

    /// Names of the trees under `prefix`, ascending.
    pub(crate) fn tree_names(&self, prefix: &[u8]) -> impl Iterator<Item = IVec> {
        let mut names = self.db.tree_names();
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        names.into_iter()
    }

    /// A tree that must be there.
    pub(crate) fn find_tree(&self, name: &[u8]) -> Result<Tree, StoreError> {
        let missing = StoreError::Corrupt("a run's tree is missing");
        let found = self.db.tree_names().iter().any(|found| **found == *name);
        if found { self.db.open_tree(name).map_err(failed) } else { Err(missing) }
    }

    pub(crate) fn make_tree(&mut self, name: &[u8]) -> Result<Tree, StoreError> {
        self.begin()?;
        let tree = self.db.open_tree(name).map_err(failed)?;
        self.changed(TREE_BYTES)?;
        Ok(tree)
    }

    /// Drops the first tree under `prefix`; whether there was one.
    pub(crate) fn drop_tree(&mut self, prefix: &[u8]) -> Result<bool, StoreError> {
        let Some(name) = self.tree_names(prefix).next() else { return Ok(false) };
        self.begin()?;
        self.db.drop_tree(name).map_err(failed)?;
        self.changed(TREE_BYTES)?;
        Ok(true)
    }

    /// Writes an empty value, whose place a page takes later.
    pub(crate) fn prepare(&mut self, tree: &Tree, key: &[u8]) -> Result<(), StoreError> {
        self.begin()?;
        tree.insert(key, IVec::default()).map_err(failed)?;
        self.changed(PREPARED_BYTES)
    }

    /// Writes a page, whole or not at all.
    pub(crate) fn write(&mut self, key: &[u8], page: &Page) -> Result<(), StoreError> {
        let tree = Tree::clone(&self.db);
        self.insert(&tree, key, page, weight(page))
    }

    /// The same in a tree of blocks, in a place that was prepared.
    pub(crate) fn fill(&mut self, tree: &Tree, key: &[u8], page: &Page) -> Result<(), StoreError> {
        let weight = if parts::count(page) == 1 { page.bytes().len() } else { weight(page) };
        self.insert(tree, key, page, weight)
    }

    fn insert(&mut self, tree: &Tree, key: &[u8], page: &Page, weight: usize) -> Result<(), StoreError> {
        self.begin()?;
        let written = if parts::count(page) == 1 {
            tree.insert(key, page.bytes()).map(|_| ())
        } else {
            let mut batch = sled::Batch::default();
            parts::split(key, page).for_each(|(key, value)| batch.insert(key, value));
            tree.apply_batch(batch)
        };
        written.map_err(failed)?;
        self.changed(weight)
    }

    /// Removes up to `count` keys under `prefix`; whether there were any.
    pub(crate) fn remove(&mut self, prefix: &[u8], count: usize) -> Result<bool, StoreError> {
        let found: Result<Vec<_>, _> = self.db.scan_prefix(prefix).keys().take(count).collect();
        let found = found.map_err(failed)?;
        for key in &found {
            self.begin()?;
            self.db.remove(key).map_err(failed)?;
            self.changed(CHANGE_WEIGHT.saturating_mul(CHANGE_BYTES))?;
        }
        Ok(!found.is_empty())
    }

    /// Roughly the bytes that were written since it was opened.
    pub(crate) const fn changed_bytes(&self) -> usize {
        self.changed
    }

    /// Waits for all that is under way, and lets the others have their turn.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        if self.turn.is_some() {
            let synced = self.db.flush().map(|_| ()).map_err(failed);
            self.unsynced = 0;
            self.turn = None;
            // The lock is not fair.
            std::thread::yield_now();
            return synced;
        }
        Ok(())
    }

    /// Looks for room while no other store of this process takes any.
    fn begin(&mut self) -> Result<(), StoreError> {
        if self.turn.is_none() {
            let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
            self.space.check(0)?;
            self.turn = Some(turn);
        }
        Ok(())
    }

    fn changed(&mut self, bytes: usize) -> Result<(), StoreError> {
        self.unsynced = self.unsynced.saturating_add(bytes);
        self.changed = self.changed.saturating_add(bytes);
        if self.unsynced >= SYNC_BYTES { self.sync() } else { Ok(()) }
    }
}

/// What a change of other than a prepared place counts for.
fn weight(page: &Page) -> usize {
    page.bytes().len().max(CHANGE_BYTES).saturating_mul(CHANGE_WEIGHT)
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
pub(crate) fn failed(error: sled::Error) -> StoreError {
    match &error {
        sled::Error::Io(source) => StoreError::io("sled", source),
        sled::Error::Corruption { .. } => StoreError::Corrupt("sled finds its files damaged"),
        // It does not do its work any more for anybody in this process, once one of its threads has panicked.
        sled::Error::ReportableBug(what) if what.contains("IO thread") => StoreError::Resource(what.clone()),
        sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => {
            StoreError::Failed(error.to_string())
        }
    }
}
