//! What the typed layers need of a store of bytes: implemented by [`PageStore`](crate::PageStore) and
//! [`Memory`](crate::Memory).

use core::fmt::Debug;
use std::path::PathBuf;

use bytes::Bytes;

use crate::{OpenReport, Reason, StoreError};
use crate::{Page, PageBuilder, TAIL_RECORDS, key_hash};

/// Which stream a key belongs to: the first part of every key, so that one store holds many streams and the entries of
/// each lie together. What it means is the owner's affair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey(pub u32);

/// A raw record of the log with its sequence.
pub type TailRecord = (u64, Bytes);

/// What is written of one stream atomically: puts and deletes (later ones win), meta, and raw records of the newest
/// commits. A key has at least one byte: the empty one is the store's own.
#[derive(Debug, Default)]
pub struct Batch {
    stream: StreamKey,
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

impl Batch {
    /// For a store of a single stream, whose key is the default one.
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`Backend::batch`].
    pub fn of(stream: StreamKey) -> Self {
        Self { stream, ..Self::default() }
    }

    /// Whose entries these are.
    pub const fn stream(&self) -> StreamKey {
        self.stream
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

    /// What a backend of another kind writes.
    pub fn into_content(mut self) -> Content {
        let (meta, tail) = (self.take_meta(), self.take_tail());
        Content { meta, tail, pages: self.seal() }
    }

    pub(crate) fn take_meta(&mut self) -> Option<Vec<u8>> {
        self.meta.take()
    }

    /// The last records without a gap.
    pub(crate) fn take_tail(&mut self) -> Vec<TailRecord> {
        newest_without_gap(core::mem::take(&mut self.tail))
    }

    /// Puts an entry of the store's own.
    pub(crate) fn put_own(&mut self, value: &[u8]) {
        self.push(OWN_KEY, Some(value));
    }

    pub(crate) fn seal(mut self) -> Vec<HashedPage> {
        self.seal_page();
        self.sealed
    }

    fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.open.push(key, value);
        self.open_hashes.push(key_hash((self.stream, key)));
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(key.len()).saturating_add(value.map_or(0, <[u8]>::len));
        if self.open.is_full() {
            self.seal_page();
        }
    }

    fn seal_page(&mut self) {
        if !self.open.is_empty() {
            let hashes = core::mem::take(&mut self.open_hashes);
            self.sealed.push(HashedPage { page: self.open.seal(self.stream), hashes });
        }
    }
}

/// What a batch holds.
#[derive(Debug)]
pub struct Content {
    pub meta: Option<Vec<u8>>,
    /// Without a gap.
    pub tail: Vec<TailRecord>,
    pages: Vec<HashedPage>,
}

impl Content {
    /// Keys with their new values, or that they are deleted; later ones win.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.pages.iter().flat_map(|hashed| hashed.page.entries())
    }
}

/// Under which key a stream's entries hold what the store keeps of the stream itself.
pub(crate) const OWN_KEY: &[u8] = &[];

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
        if let Some(made) = self.take() {
            *batch = made;
        }
    }
}

/// Sees an entry of a scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// The part of a store of bytes that belongs to one stream, with one submitter and any number of readers. Nothing here
/// is async.
///
/// A store may hold other streams beside it. Of those nothing is seen here, but they share the files: what fails a store,
/// closes it or moves it aside does so for all its streams. One that was opened again through another stream's handle
/// has failed for this one, until this one opens it again too: its owner must hear that what it submitted may be gone.
pub trait Backend: Debug + Send + Sync + 'static {
    /// The newest written value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Every entry under `prefix` in key order.
    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError>;

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// The newest raw records, oldest first.
    fn tail(&self) -> Result<Vec<TailRecord>, StoreError>;

    /// An empty batch of this stream.
    fn batch(&self) -> Batch;

    /// Whether a submission would be taken now; stays true until something is submitted. Streams do not take each
    /// other's room.
    fn has_room(&self) -> bool;

    /// Queues a batch of this stream; batches are written in order, each atomically. Never waits.
    fn submit(&self, submission: Box<dyn Submission>) -> Result<(), StoreError>;

    /// Waits until everything submitted is written and on disk, of other streams too.
    fn flush(&self) -> Result<(), StoreError>;

    /// Writes what was submitted, syncs, and releases the directory. Everything else fails afterwards, for all streams.
    fn close(&self) -> Result<(), StoreError>;

    /// Why nothing more is written, if that is so. What was written or submitted before can still be read.
    fn failure(&self) -> Option<StoreError>;

    /// Whether the disk takes anything now. Blocks.
    fn probe(&self) -> Result<(), StoreError>;

    /// Closes the store without care and opens what is on disk again, or moves that aside and starts empty. What was
    /// submitted and is not on disk is forgotten, as after a crash. If it fails the store is closed, and may be opened
    /// again later. If that was done through another stream's handle since this one's owner last opened the store, it is
    /// not done again. Blocks.
    fn reopen(&self) -> Result<OpenReport, StoreError>;

    /// The newest sequence of which a raw record is left on disk, also where the store does not count it: in a store that
    /// was damaged, or that is older than its raw records. Read from the disk, so ask before anything is submitted.
    fn remembered(&self) -> Option<u64> {
        None
    }

    /// The raw records up to [`remembered`](Self::remembered), newest without a gap, oldest first. Read from the disk.
    fn salvage(&self) -> Vec<TailRecord> {
        Vec::new()
    }

    /// Closes the store without care and moves its directory aside, because the owner will rebuild it: all its streams.
    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError>;

    /// Closes the store in good order and moves its directory aside, with all its streams: evidence of a loss that was
    /// accepted.
    fn retire(&self) -> Result<Option<PathBuf>, StoreError>;
}
