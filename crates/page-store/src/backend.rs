//! What the typed layers need of a store of bytes: implemented by [`PageStore`](crate::PageStore) and
//! [`Memory`](crate::Memory).

use core::fmt::Debug;
use std::path::PathBuf;

use bytes::Bytes;

use crate::{Entry, Page, PageBuilder, TAIL_RECORDS, key_hash};
use crate::{OpenReport, Reason, StoreError};

/// A raw record of the log with its sequence.
pub type TailRecord = (u64, Bytes);

/// A page before it is sealed: almost always one value of sled's. Some 60 to 200 entries.
const PAGE_BYTES: usize = 6 * 1024;

/// What is written atomically: puts and deletes (later ones win), meta, and raw records of the newest commits.
#[derive(Debug, Default)]
pub struct Batch {
    open: PageBuilder,
    open_hashes: Vec<u64>,
    sealed: Vec<HashedPage>,
    meta: Option<Vec<u8>>,
    tail: Vec<TailRecord>,
    entries: usize,
    bytes: usize,
}

/// A page and the hashes of its keys.
#[derive(Debug)]
pub(crate) struct HashedPage {
    pub(crate) page: Page,
    pub(crate) hashes: Vec<u64>,
}

/// A batch ready to be written.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) pages: Vec<HashedPage>,
    pub(crate) meta: Option<Vec<u8>>,
    pub(crate) tail: Vec<TailRecord>,
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.push(key, Some(value));
    }

    pub fn delete(&mut self, key: &[u8]) {
        self.push(key, None);
    }

    /// Replaces what the store says of itself.
    pub fn set_meta(&mut self, meta: Vec<u8>) {
        self.meta = Some(meta);
    }

    /// Adds the raw record of the next commit. Only the newest [`TAIL_RECORDS`] without a gap are kept.
    pub fn push_tail(&mut self, sequence: u64, record: Bytes) {
        self.bytes = self.bytes.saturating_add(record.len());
        self.tail.push((sequence, record));
    }

    /// Puts and deletes so far.
    pub const fn entries(&self) -> usize {
        self.entries
    }

    /// Bytes of keys, values and records so far.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn seal(mut self) -> Sealed {
        self.seal_page();
        Sealed { pages: self.sealed, meta: self.meta, tail: newest_without_gap(self.tail) }
    }

    fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.open.push(key, value);
        self.open_hashes.push(key_hash(key));
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(key.len()).saturating_add(value.map_or(0, <[u8]>::len));
        if self.open.size() >= PAGE_BYTES {
            self.seal_page();
        }
    }

    fn seal_page(&mut self) {
        if !self.open.is_empty() {
            let hashes = core::mem::take(&mut self.open_hashes);
            self.sealed.push(HashedPage { page: self.open.seal(), hashes });
        }
    }
}

impl Sealed {
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.pages.iter().flat_map(|hashed| hashed.page.entries())
    }
}

/// The last records without a gap between them, at most as many as are kept.
pub(crate) fn newest_without_gap(mut tail: Vec<TailRecord>) -> Vec<TailRecord> {
    let follows = |pair: &[TailRecord]| match pair {
        [(before, _), (after, _)] => before.checked_add(1) == Some(*after),
        _ => true,
    };
    let gap = tail.windows(2).rposition(|pair| !follows(pair)).map_or(0, |at| at.saturating_add(1));
    let surplus = tail.len().saturating_sub(TAIL_RECORDS);
    tail.split_off(gap.max(surplus))
}

/// A batch that is made on the store's thread.
pub trait Submission: Send {
    fn fill(&mut self, batch: &mut Batch);

    /// The batch is readable; called before anything else is written.
    fn written(&mut self) {}
}

/// A batch made already.
impl Submission for Option<Batch> {
    fn fill(&mut self, batch: &mut Batch) {
        *batch = self.take().unwrap_or_default();
    }
}

/// Sees an entry of a scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// A store of bytes with one submitter and any number of readers. Nothing here is async.
pub trait Backend: Debug + Send + Sync + 'static {
    /// The newest written value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Every entry under `prefix` in key order.
    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError>;

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// The newest raw records, oldest first.
    fn tail(&self) -> Result<Vec<TailRecord>, StoreError>;

    /// Whether a submission would be taken now; stays true until something is submitted.
    fn has_room(&self) -> bool;

    /// Queues a batch; batches are written in order, each atomically. Never waits.
    fn submit(&self, submission: Box<dyn Submission>) -> Result<(), StoreError>;

    /// Waits until everything submitted is written and on disk.
    fn flush(&self) -> Result<(), StoreError>;

    /// Writes what was submitted, syncs, and releases the directory. Everything else fails afterwards.
    fn close(&self) -> Result<(), StoreError>;

    /// Why nothing more is written, if that is so. What was written or submitted before can still be read.
    fn failure(&self) -> Option<StoreError>;

    /// Whether the disk takes anything now. Blocks.
    fn probe(&self) -> Result<(), StoreError>;

    /// Closes the store without care and opens what is on disk again, or moves that aside and starts empty. What was
    /// submitted and is not on disk is forgotten, as after a crash. If it fails the store is closed, and may be opened
    /// again later. Blocks.
    fn reopen(&self) -> Result<OpenReport, StoreError>;

    /// The newest sequence of which a raw record is left on disk, also where the store does not count it: in a store that
    /// was damaged, or that is older than its raw records.
    fn remembered(&self) -> Option<u64> {
        None
    }

    /// The raw records up to [`remembered`](Self::remembered), newest without a gap, oldest first. Read from the disk.
    fn salvage(&self) -> Vec<TailRecord> {
        Vec::new()
    }

    /// Closes the store without care and moves its directory aside, because the owner will rebuild it.
    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError>;

    /// Closes the store in good order and moves its directory aside: evidence of a loss that was accepted.
    fn retire(&self) -> Result<Option<PathBuf>, StoreError>;
}
