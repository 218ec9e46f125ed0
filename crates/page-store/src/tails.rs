//! The raw records of all streams that something was written of since the store was opened, and what the store keeps of
//! each stream: how many of its records count, and what its newest batch said of itself.
//!
//! That is an entry of the stream like any other, so it is written whole with the batch, and an idle stream costs
//! nothing. A stream's files are read and checked when the first batch of it comes, or at opening if the owner asks.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::load::{decode_bytes, encode_bytes};
use super::tail::{DIRECTORY, Range, Tail, remove, sync_directory};
use super::view::Shared;
use crate::backend::{Batch, OWN_KEY};
use crate::{StoreError, StreamKey};

/// Streams whose file may be open, with something in it that is not synced.
const OPEN_FILES: usize = 256;

/// What the store keeps of a stream, under the empty key.
#[derive(Debug, Clone, Default, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(crate) struct StreamMeta {
    pub(crate) tail: Range,
    pub(crate) body: Option<Vec<u8>>,
}

impl StreamMeta {
    /// Of the newest batch; nothing of a stream of which nothing was written.
    pub(crate) fn read(shared: &Shared, stream: StreamKey) -> Result<Self, StoreError> {
        shared.get((stream, OWN_KEY))?.map_or_else(|| Ok(Self::default()), |entry| decode_bytes(&entry))
    }
}

/// A file that counts no longer.
#[derive(Debug)]
struct Stale {
    path: PathBuf,
    /// The batch whose meta says so.
    batch: u64,
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Tails {
    directory: PathBuf,
    streams: HashMap<StreamKey, Tail>,
    /// Whose newest records are not synced.
    unsynced: BTreeSet<StreamKey>,
    stale: Vec<Stale>,
    /// Batches that were taken.
    taken: u64,
    buffer: Vec<u8>,
}

impl Tails {
    /// Of the store in `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            streams: HashMap::new(),
            unsynced: BTreeSet::new(),
            stale: Vec::new(),
            taken: 0,
            buffer: Vec::new(),
        }
    }

    /// Reads what counts of a stream, and fails if anything of it is missing or damaged.
    pub(crate) fn check(&mut self, shared: &Shared, stream: StreamKey) -> Result<(), StoreError> {
        let range = StreamMeta::read(shared, stream)?.tail;
        let tail = Tail::open(&self.directory, stream, range)?;
        self.streams.insert(stream, tail);
        Ok(())
    }

    /// Batches that were taken.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Appends a batch's raw records to their file, and puts what the store keeps of the stream into the batch.
    pub(crate) fn take(&mut self, batch: &mut Batch, shared: &Shared) -> Result<(), StoreError> {
        self.taken = self.taken.saturating_add(1);
        let (records, body) = (batch.take_tail(), batch.take_meta());
        if records.is_empty() && body.is_none() {
            return Ok(());
        }
        let stream = batch.stream();
        if !self.streams.contains_key(&stream) {
            self.check(shared, stream)?;
        }
        let Some(tail) = self.streams.get_mut(&stream) else { return Ok(()) };
        if !records.is_empty() {
            let (stale, taken) = (&mut self.stale, self.taken);
            self.unsynced.insert(stream);
            tail.append(records, &mut self.buffer, |path| stale.push(Stale { path, batch: taken }))?;
        }
        let body = if body.is_some() { body } else { StreamMeta::read(shared, stream)?.body };
        batch.put_own(&encode_bytes(&StreamMeta { tail: tail.range(), body }));
        if self.unsynced.len() >= OPEN_FILES { self.sync() } else { Ok(()) }
    }

    /// Makes what was appended durable: before the meta that counts it counts.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        let mut made_folder = false;
        for stream in core::mem::take(&mut self.unsynced) {
            if let Some(tail) = self.streams.get_mut(&stream) {
                made_folder |= tail.sync()?;
            }
        }
        if made_folder { sync_directory(&self.directory.join(DIRECTORY)) } else { Ok(()) }
    }

    /// Removes what counts no longer, now that the metas of the first `batches` are on disk.
    pub(crate) fn drop_stale(&mut self, batches: u64) -> Result<(), StoreError> {
        let (stale, kept): (Vec<_>, _) = self.stale.drain(..).partition(|stale| stale.batch <= batches);
        self.stale = kept;
        stale.iter().try_for_each(|stale| remove(&stale.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::View;

    #[test]
    fn a_file_that_counts_no_longer_stays_until_the_meta_that_says_so_is_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let shared = Shared::new(View { is_open: true, ..View::default() });
        let mut tails = Tails::new(directory.path());
        let mut take = |stream, sequence| {
            let mut batch = Batch::of(StreamKey(stream));
            batch.push_tail(sequence, vec![1; 10].into());
            tails.take(&mut batch, &shared).unwrap();
        };
        // The third batch leaves a gap behind it, so that the first no longer counts.
        take(1, 1);
        take(2, 1);
        take(1, 5);
        let first = directory.path().join("tail/00000001/00000000000000000001");
        tails.drop_stale(2).unwrap();
        assert!(first.exists());
        tails.drop_stale(3).unwrap();
        assert!(!first.exists());
        assert!(directory.path().join("tail/00000002/00000000000000000001").exists());
    }
}
