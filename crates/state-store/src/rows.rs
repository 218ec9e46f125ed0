//! The store of a projection: rows of bytes in its own encoding, and the heads they were folded up to.

use std::path::{Path, PathBuf};

use loopledger_types::{CountyCode, Head, Service, StreamId};

use crate::checkpoint::{HeadAt, LAYOUT, decode_heads, encode_heads};
use crate::{
    Backend, Batch, Memory, OnPoint, OpenReport, Options, PageStore, Reason, StoreError, StreamKey, Visit, stream_key,
};

/// Rows to a checkpoint; a projection with more submits several at successive boundaries.
pub const MAX_ROWS: usize = 262_144;
/// Bytes of keys and rows to a checkpoint. One may wait while another is written.
pub const MAX_ROW_BYTES: usize = 256 * 1024 * 1024;

/// How far a projection had come with one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamProgress {
    pub stream: StreamId,
    /// The newest commit whose effects are stored.
    pub head: Head,
    /// Where the record after the head may be read from. A hint: the head's hash decides.
    pub offset: u64,
}

/// How far a projection had come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowsProgress {
    pub streams: Vec<StreamProgress>,
    /// What the projection says of itself, in its own encoding.
    pub extra: Vec<u8>,
}

/// A projection's rows. One submitter, any number of readers. Unlike a writer's store, a row is found once it is
/// written, not once it is submitted.
#[derive(Debug)]
pub struct RowStore {
    backend: Box<dyn Backend>,
    /// Whether other rows are in the same store, which somebody else closes.
    is_shared: bool,
}

impl RowStore {
    /// With what a [`PageStore`] is opened that holds rows, of one projection or of several: [`over`](Self::over) takes one
    /// of its streams.
    pub fn options(owner: &str, schema: u16, on_point: Option<OnPoint>) -> Options {
        let schema = u32::from(LAYOUT).rotate_left(16) | u32::from(schema);
        // Checkpoints may be large: only one waits.
        Options { on_point, queue: 1, ..Options::new(owner, schema) }
    }

    /// Rows over what belongs to them in a store.
    pub fn over(backend: impl Backend) -> Self {
        Self { backend: Box::new(backend), is_shared: false }
    }

    /// A county's rows in a store that holds those of others too, and is not closed with them.
    pub fn of_county(store: &PageStore, county: CountyCode) -> Self {
        let key = stream_key(StreamId { service: Service::Ledger, county });
        Self { backend: Box::new(store.stream(key)), is_shared: true }
    }

    /// Opens the rows of `owner`, alone in `directory`, whose encoding is of version `schema`, or moves aside what is there. Without room on its
    /// disk it holds nothing until it is opened again.
    pub fn open(
        directory: &Path,
        owner: &str,
        schema: u16,
        on_point: Option<OnPoint>,
    ) -> Result<(Self, OpenReport), StoreError> {
        let (store, report) = PageStore::open_or_absent(directory, &Self::options(owner, schema, on_point))?;
        Ok((Self::over(store.stream(StreamKey::default())), report))
    }

    /// Rows in `memory`, which survives the store.
    pub fn in_memory(memory: Memory) -> Self {
        memory.open();
        Self::over(memory)
    }

    /// An empty batch of these rows.
    pub fn batch(&self) -> Batch {
        self.backend.batch()
    }

    /// How far the newest written checkpoint had come; `None`: empty.
    pub fn progress(&self) -> Result<Option<RowsProgress>, StoreError> {
        let Some(meta) = self.backend.meta()? else { return Ok(None) };
        let (heads, extra) = decode_heads(&meta)?;
        let streams = heads.into_iter().map(|(stream, head, offset)| StreamProgress { stream, head, offset });
        Ok(Some(RowsProgress { streams: streams.collect(), extra }))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.backend.get(key)
    }

    /// Every row under `prefix` in key order; the empty prefix: all.
    pub fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.backend.scan(prefix, visit)
    }

    /// Whether a checkpoint would be taken now; stays true until one is submitted.
    pub fn has_room(&self) -> bool {
        self.backend.has_room()
    }

    /// Queues rows, put and deleted through a [batch](Self::batch), with the heads they belong to: written whole or not at all.
    /// At most [`MAX_ROWS`] and [`MAX_ROW_BYTES`]. Never waits.
    pub fn submit(&self, progress: &RowsProgress, mut rows: Batch) -> Result<(), StoreError> {
        if rows.entries() > MAX_ROWS {
            return Err(StoreError::TooLarge { size: rows.entries(), limit: MAX_ROWS, unit: "rows" });
        }
        if rows.bytes() > MAX_ROW_BYTES {
            return Err(StoreError::TooLarge { size: rows.bytes(), limit: MAX_ROW_BYTES, unit: "bytes of rows" });
        }
        let heads: Vec<HeadAt> = progress.streams.iter().map(|one| (one.stream, one.head, one.offset)).collect();
        rows.set_meta(encode_heads(&heads, &progress.extra));
        self.backend.submit(Box::new(Some(rows)))
    }

    /// Waits until everything submitted is written and on disk.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.backend.flush()
    }

    /// Flushes, and lets the directory go unless it is shared. Nothing else may be asked afterwards.
    pub fn close(&self) -> Result<(), StoreError> {
        if self.is_shared { self.backend.flush() } else { self.backend.close() }
    }

    /// Closes the store without care and opens what is on disk again: what was submitted and is not there is forgotten,
    /// as after a crash.
    pub fn reopen(&self) -> Result<OpenReport, StoreError> {
        self.backend.reopen()
    }

    /// Closes the store and moves it aside, because it turned out to be unusable. Never for a lost tail.
    pub fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        self.backend.condemn(why)
    }

    /// Closes the store in good order and moves it aside: evidence of a loss that was accepted.
    pub fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        self.backend.retire()
    }
}
