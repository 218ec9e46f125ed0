//! How the state lies in the row store, and how it is loaded again.
//!
//! A checkpoint is larger than one atomic write, so it is written in parts: every page carries the generation of its
//! checkpoint, and only the last part says that the generation counts. Loading takes of each page the newest that
//! counts; what is newer belongs to a checkpoint that was cut short, what is older is left over. Both are deleted later.

use core::time::Duration;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc;

use loopledger_event_log::Offset;
use loopledger_ledger::{CHECKPOINT_VERSION, Concerns, Ledger, LoadError, PageKey};
use loopledger_state_store::{Reason, RowStore, RowsProgress, StoreError};
use loopledger_types::{CountyCode, Head, Service, StreamId};

use crate::index::CommitIndex;
use crate::shared::Folded;

/// Pages that are read ahead of the one being loaded.
const PAGES_AHEAD: usize = 256;

const PAGES: u8 = b'P';
const OFFSETS: u8 = b'I';

/// What a projection began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartReport {
    /// There was nothing: everything is folded from the beginning.
    Empty,
    /// The state of a checkpoint; only what came after is folded.
    Loaded { commits: u64, took: Duration },
    /// There is no room on the store's disk: everything is folded from the beginning, and the store opened later.
    Absent { why: StoreError },
    /// The checkpoint could not be used: it was moved aside, and everything is folded from the beginning.
    MovedAside { to: Option<PathBuf>, why: Reason },
}

/// The version of everything that is saved here: of the ledger's pages, and of this module's own rows.
pub(crate) fn schema() -> u16 {
    const OWN: u16 = 3;
    u16::try_from(CHECKPOINT_VERSION).unwrap_or(u16::MAX).rotate_left(8) | OWN
}

/// A page of a generation as a key.
pub(crate) fn page_row(page: PageKey, generation: u32) -> [u8; 10] {
    let mut row = [PAGES; 10];
    let parts = page.to_bytes().into_iter().chain(generation.to_be_bytes());
    row.iter_mut().skip(1).zip(parts).for_each(|(slot, byte)| *slot = byte);
    row
}

fn page_of(row: &[u8]) -> Option<(PageKey, u32)> {
    let (page, generation) = row.strip_prefix(&[PAGES])?.split_first_chunk::<5>()?;
    Some((PageKey::from_bytes(*page), u32::from_be_bytes(generation.try_into().ok()?)))
}

/// Offsets of a stream as a key. They need no generation: an offset never changes.
pub(crate) fn offsets_row(service: Service, number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_be_bytes();
    [OFFSETS, service_byte(service), a, b, c, d]
}

fn service_byte(service: Service) -> u8 {
    u8::try_from(service.index()).unwrap_or(u8::MAX)
}

/// What the store says of itself besides heads: which generation counts, how many pages it has (so that a missing one
/// is noticed), and the newest commit of each service that others name and that it has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) generation: u32,
    pub(crate) pages: u32,
    pub(crate) referenced: [u64; 5],
}

impl Extra {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = [self.generation.to_be_bytes(), self.pages.to_be_bytes()].concat();
        out.extend(self.referenced.into_iter().flat_map(u64::to_be_bytes));
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk::<4>()?;
        let (pages, mut rest) = rest.split_first_chunk::<4>()?;
        let (generation, pages) = (u32::from_be_bytes(*generation), u32::from_be_bytes(*pages));
        let mut referenced = [0; 5];
        for referenced in &mut referenced {
            let (next, after) = rest.split_first_chunk::<8>()?;
            (*referenced, rest) = (u64::from_be_bytes(*next), after);
        }
        rest.is_empty().then_some(Self { generation, pages, referenced })
    }
}

/// What is known of the rows in the store.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    pub(crate) progress: RowsProgress,
    pub(crate) extra: Extra,
    /// The generation of each page that counts.
    pub(crate) pages: HashMap<PageKey, u32>,
    /// Rows that do not count, to be deleted.
    pub(crate) leftover: Vec<(PageKey, u32)>,
}

impl Saved {
    pub(crate) fn head(&self, stream: StreamId) -> (Head, Offset) {
        let known = self.progress.streams.iter().find(|known| known.stream == stream);
        known.map_or((Head::EMPTY, Offset::START), |known| (known.head, Offset(known.offset)))
    }
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadFailure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LoadError),
    #[error("{0}")]
    Inconsistent(&'static str),
}

/// Reads everything; the first rows of a store that holds no whole checkpoint are leftovers.
pub(crate) fn load(store: &RowStore, county: CountyCode) -> Result<(Folded, CommitIndex, Saved), LoadFailure> {
    let Some(progress) = store.progress()? else {
        return Ok((Folded::new(county), CommitIndex::default(), Saved::default()));
    };
    let extra = Extra::decode(&progress.extra).ok_or(LoadFailure::Inconsistent("its progress cannot be read"))?;
    let mut saved = Saved { progress, extra, ..Saved::default() };
    let ledger = load_pages(store, county, &mut saved)?;
    if u32::try_from(saved.pages.len()) != Ok(extra.pages) {
        return Err(LoadFailure::Inconsistent("pages are missing"));
    }
    let index = CommitIndex::default();
    for service in Service::ALL {
        let (head, offset) = saved.head(StreamId { service, county });
        if ledger.head(service).head != head {
            return Err(LoadFailure::Inconsistent("its pages are of other heads"));
        }
        let mut rows = Vec::new();
        store.scan(&[OFFSETS, service_byte(service)], &mut |_, value| {
            rows.push(value.to_vec());
            Ok(())
        })?;
        let loaded = index.load(service, head, offset, &rows);
        loaded.ok_or(LoadFailure::Inconsistent("its commit index has a gap"))?;
    }
    Ok((Folded { ledger }, index, saved))
}

/// What the rows of a store are that was opened again, without reading what they say.
pub(crate) fn survey(store: &RowStore) -> Result<Saved, LoadFailure> {
    let Some(progress) = store.progress()? else { return Ok(Saved::default()) };
    let extra = Extra::decode(&progress.extra).ok_or(LoadFailure::Inconsistent("its progress cannot be read"))?;
    let (pages, leftover) = read_pages(store, extra.generation, |_, _| {})?;
    Ok(Saved { progress, extra, pages, leftover })
}

/// One thread reads, this one decodes.
fn load_pages(store: &RowStore, county: CountyCode, saved: &mut Saved) -> Result<Ledger, LoadFailure> {
    let newest = saved.extra.generation;
    let (out, pages) = mpsc::sync_channel(PAGES_AHEAD);
    std::thread::scope(|scope| {
        // Pages after a damaged one are not used.
        let reading = scope.spawn(move || read_pages(store, newest, |key, bytes| drop(out.send((key, bytes)))));
        let ledger = if newest == 0 {
            pages.iter().for_each(drop);
            Ok(Ledger::new(county, Concerns::SERVICES))
        } else {
            Ledger::load(county, Concerns::SERVICES, pages)
        };
        let (found, leftover) = reading.join().map_err(|_| LoadFailure::Inconsistent("reading it panicked"))??;
        saved.pages = found;
        saved.leftover = leftover;
        Ok(ledger?)
    })
}

type Found = (HashMap<PageKey, u32>, Vec<(PageKey, u32)>);

fn read_pages(store: &RowStore, counts: u32, mut take: impl FnMut(PageKey, Vec<u8>)) -> Result<Found, StoreError> {
    let mut found = HashMap::new();
    let mut leftover = Vec::new();
    // Rows come by page, then by generation: the last that counts is known when the next page begins.
    let mut newest: Option<(PageKey, u32, Vec<u8>)> = None;
    let mut give = |page: Option<(PageKey, u32, Vec<u8>)>| {
        if let Some((key, generation, bytes)) = page {
            found.insert(key, generation);
            take(key, bytes);
        }
    };
    store.scan(&[PAGES], &mut |row, value| {
        let (key, generation) = page_of(row).ok_or(StoreError::Corrupt("a page has no such key"))?;
        if generation > counts {
            leftover.push((key, generation));
            return Ok(());
        }
        let older = newest.replace((key, generation, value.to_vec()));
        match older {
            Some((same, older, _)) if same == key => leftover.push((key, older)),
            other => give(other),
        }
        Ok(())
    })?;
    give(newest);
    Ok((found, leftover))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_store_reads_back() {
        let referenced = [1, 0, u64::MAX, 70_000, 5];
        for extra in [Extra { generation: 7, pages: 70_000, referenced }, Extra::default()] {
            assert_eq!(Extra::decode(&extra.encode()), Some(extra));
        }
        for length in [7, 47, 49, 56] {
            assert_eq!(Extra::decode(&vec![0; length]), None, "{length}");
        }
        let page = PageKey { table: 9, page: 70_000 };
        assert_eq!(page_of(&page_row(page, 3)), Some((page, 3)));
        assert!(page_row(page, 3) < page_row(page, 4));
    }
}
