//! A sorted run: blocks of entries in sled, with the first key of each block and a filter in memory.

use super::filter::Filter;
use super::keys;
use super::page::{Key, Page, PageBuilder, seal_one};
use super::parts::fetch;
use super::pipeline::Pipeline;
use super::shelf::Shelves;
use crate::{StoreError, StreamKey};

/// The first key of every block, with its stream (big endian) before it: blocks are of one stream each.
#[derive(Debug, Default)]
struct Index {
    keys: Vec<u8>,
    ends: Vec<u32>,
}

impl Index {
    fn push(&mut self, (stream, key): Key<'_>) {
        self.keys.extend_from_slice(&stream.0.to_be_bytes());
        self.push_rest(key);
    }

    /// The rest of a key, or a whole one with its stream.
    fn push_rest(&mut self, key: &[u8]) {
        self.keys.extend_from_slice(key);
        self.ends.push(u32::try_from(self.keys.len()).expect("an index is far below 4 GiB"));
    }

    fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("an index is far below 4 GiB")
    }

    fn get(&self, block: u32) -> Option<&[u8]> {
        let at = usize::try_from(block).ok()?;
        let end = usize::try_from(*self.ends.get(at)?).ok()?;
        let start = match at.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()?,
            None => 0,
        };
        self.keys.get(start..end)
    }

    /// The last block whose first key is not above `key`.
    fn find(&self, (stream, key): Key<'_>) -> Option<u32> {
        let stream = stream.0.to_be_bytes();
        let is_before =
            |first: &[u8]| first.split_first_chunk().is_some_and(|(of, first)| (of, first) <= (&stream, key));
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = u32::midpoint(low, high);
            if self.get(middle).is_some_and(is_before) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }
}

/// How a manifest names a run.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(crate) struct RunEntry {
    pub(crate) id: u64,
    pub(crate) level: u8,
    pub(crate) entries: u64,
    pub(crate) blocks: u32,
    pub(crate) index_chunks: u32,
    pub(crate) filter_chunks: u32,
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) entry: RunEntry,
    index: Index,
    filter: Filter,
    shelves: Shelves,
}

impl Run {
    /// Reads index and filter of a run that the manifest names.
    pub(crate) fn load(pipeline: &Pipeline, entry: RunEntry) -> Result<Self, StoreError> {
        let tree = pipeline.tree();
        let mut index = Index::default();
        for chunk in 0..entry.index_chunks {
            fetch(tree, &keys::part(keys::INDEX, entry.id, chunk))?.entries().for_each(|(key, _)| index.push_rest(key));
        }
        let mut bytes = Vec::new();
        for chunk in 0..entry.filter_chunks {
            let page = fetch(tree, &keys::part(keys::FILTER, entry.id, chunk))?;
            bytes.extend_from_slice(page.entry(0).and_then(|(_, value)| value).unwrap_or_default());
        }
        let filter = Filter::from_bytes(&bytes).ok_or(StoreError::Corrupt("a run's filter has another size"))?;
        if index.len() != entry.blocks {
            return Err(StoreError::Corrupt("a run's index has another length"));
        }
        let shelves = Shelves::find(pipeline, entry.id, entry.blocks)?;
        Ok(Self { entry, index, filter, shelves })
    }

    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        self.filter.may_contain(hash)
    }

    /// The block that holds `key` if the run does; the first one for keys below it.
    pub(crate) fn block_for(&self, key: Key<'_>) -> u32 {
        self.index.find(key).unwrap_or(0)
    }

    /// Block number `block`; `None` past the end.
    pub(crate) fn block(&self, block: u32) -> Result<Option<Page>, StoreError> {
        if block < self.entry.blocks { self.shelves.get(block).map(Some) } else { Ok(None) }
    }
}

/// What a builder wants written.
#[derive(Debug)]
pub(crate) enum Write {
    Block(u32, Page),
    /// A piece of the index or the filter, with its key.
    Chunk([u8; 13], Page),
}

/// Makes a run, one small write after another.
#[derive(Debug)]
pub(crate) struct RunBuilder {
    entry: RunEntry,
    block: PageBuilder,
    /// Whose entries the block holds.
    stream: StreamKey,
    index: Index,
    filter: Filter,
    /// First block that the index chunks written so far do not cover.
    indexed: u32,
    shelves: Shelves,
}

impl RunBuilder {
    /// A run of at most `keys` keys.
    pub(crate) fn new(id: u64, level: u8, keys: u64) -> Self {
        let entry = RunEntry { id, level, entries: 0, blocks: 0, index_chunks: 0, filter_chunks: 0 };
        let filter = Filter::for_keys(keys);
        Self {
            entry,
            block: PageBuilder::default(),
            stream: StreamKey::default(),
            index: Index::default(),
            filter,
            indexed: 0,
            shelves: Shelves::default(),
        }
    }

    pub(crate) const fn id(&self) -> u64 {
        self.entry.id
    }

    /// Takes the next entry in key order; gives a block when one is full, or its stream at its end.
    pub(crate) fn push(&mut self, key: Key<'_>, hash: u64, value: Option<&[u8]>) -> Option<Write> {
        let ended = (key.0 != self.stream && !self.block.is_empty()).then(|| self.seal_block());
        if self.block.is_empty() {
            self.stream = key.0;
            self.index.push(key);
        }
        self.block.push(key.1, value);
        self.filter.insert(hash);
        self.entry.entries = self.entry.entries.saturating_add(1);
        ended.or_else(|| (self.block.is_full()).then(|| self.seal_block()))
    }

    /// After the last entry: the remaining writes one by one, then nothing.
    pub(crate) fn finish(&mut self) -> Option<Write> {
        if !self.block.is_empty() {
            return Some(self.seal_block());
        }
        if self.entry.entries == 0 {
            return None;
        }
        if let Some(chunk) = self.filter.chunk(self.entry.filter_chunks) {
            let key = keys::part(keys::FILTER, self.entry.id, self.entry.filter_chunks);
            self.entry.filter_chunks = self.entry.filter_chunks.saturating_add(1);
            return Some(Write::Chunk(key, seal_one(&chunk)));
        }
        let mut chunk = PageBuilder::default();
        while let Some(first) = self.index.get(self.indexed).filter(|_| !chunk.is_full()) {
            chunk.push(first, Some(&[]));
            self.indexed = self.indexed.saturating_add(1);
        }
        if chunk.is_empty() {
            return None;
        }
        let key = keys::part(keys::INDEX, self.entry.id, self.entry.index_chunks);
        self.entry.index_chunks = self.entry.index_chunks.saturating_add(1);
        Some(Write::Chunk(key, chunk.seal(StreamKey::default())))
    }

    /// Writes what was wanted; gives its size.
    pub(crate) fn write(&mut self, pipeline: &mut Pipeline, write: &Write) -> Result<usize, StoreError> {
        match write {
            Write::Block(number, page) => {
                self.shelves.put(pipeline, self.entry.id, *number, page)?;
                Ok(page.bytes().len())
            }
            Write::Chunk(key, page) => {
                pipeline.write(key, page)?;
                Ok(page.bytes().len())
            }
        }
    }

    /// The finished run; `None` if nothing was left to keep.
    pub(crate) fn into_run(self) -> Option<Run> {
        let Self { entry, index, filter, shelves, .. } = self;
        (entry.entries > 0).then_some(Run { entry, index, filter, shelves })
    }

    fn seal_block(&mut self) -> Write {
        let number = self.entry.blocks;
        self.entry.blocks = number.saturating_add(1);
        Write::Block(number, self.block.seal(self.stream))
    }
}
