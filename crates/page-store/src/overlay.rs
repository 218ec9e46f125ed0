//! What checkpoints wrote since the last run was made: their pages, and where the newest version of each key lies.
//! Bounded: the engine turns it into a run.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;

use super::page::{Key, Page};
use crate::StreamKey;

/// By default an overlay of so many keys is full: they are some 10 MB and sort in milliseconds.
pub(crate) const FULL_KEYS: usize = 65_536;
/// The same bound for large values, counting superseded ones too.
const FULL_BYTES: usize = 16 * 1024 * 1024;
/// And for many versions of few keys, which are sorted all: so many to a key.
const FULL_VERSIONS: usize = 2;
/// And for many tiny checkpoints: an opening reads at most twice as many pages.
const FULL_PAGES: usize = 4_096;

/// Number of a page, and at which of its bytes an entry begins.
pub(crate) type Place = (u32, u32);

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u64,
    place: Place,
}

#[derive(Debug, Default)]
pub(crate) struct Overlay {
    pages: Vec<Page>,
    table: HashTable<Slot>,
    bytes: usize,
    entries: usize,
}

impl Overlay {
    /// Takes a page whose entries hash to `hashes`; later entries are newer.
    pub(crate) fn insert(&mut self, page: Page, hashes: &[u64]) {
        let number = u32::try_from(self.pages.len()).expect("an overlay is bounded");
        let count = page.count();
        self.bytes = self.bytes.saturating_add(page.bytes().len());
        self.pages.push(page);
        let pages = &self.pages;
        let key_at = |place: Place| key_at(pages, place);
        self.entries = self.entries.saturating_add(hashes.len());
        let offsets = pages.last().into_iter().flat_map(|page| (0..count).map_while(|entry| page.offset(entry)));
        for (offset, &hash) in offsets.zip(hashes) {
            let place = (number, offset);
            let same = |slot: &Slot| slot.hash == hash && key_at(slot.place) == key_at(place);
            match self.table.entry(hash, same, |slot| slot.hash) {
                TableEntry::Occupied(mut slot) => slot.get_mut().place = place,
                TableEntry::Vacant(slot) => {
                    slot.insert(Slot { hash, place });
                }
            }
        }
    }

    /// The newest version of `key`, or that it was deleted; `None`: not mentioned here.
    #[expect(clippy::option_option, reason = "not mentioned, deleted, or a value: as in a page")]
    pub(crate) fn get(&self, key: Key<'_>, hash: u64) -> Option<Option<&[u8]>> {
        let slot = self.table.find(hash, |slot| slot.hash == hash && key_at(&self.pages, slot.place) == key)?;
        let (page, offset) = slot.place;
        let page = self.page(page)?;
        Some(page.value(&page.span_at(offset)?))
    }

    pub(crate) fn is_full(&self, keys: usize) -> bool {
        self.table.len() >= keys
            || self.entries >= keys.saturating_mul(FULL_VERSIONS)
            || self.bytes >= FULL_BYTES
            || self.pages.len() >= FULL_PAGES
    }

    /// The pages from number `first` on, in the order they came.
    pub(crate) fn pages_from(&self, first: usize) -> Vec<Page> {
        self.pages.get(first..).unwrap_or_default().to_vec()
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn keys(&self) -> usize {
        self.table.len()
    }

    /// The pages, of one stream or of all: all versions in the order they came.
    pub(crate) fn snapshot(&self, stream: Option<StreamKey>) -> Vec<Page> {
        let wanted = |page: &&Page| stream.is_none_or(|stream| page.stream() == stream);
        self.pages.iter().filter(wanted).cloned().collect()
    }

    fn page(&self, number: u32) -> Option<&Page> {
        self.pages.get(usize::try_from(number).ok()?)
    }
}

/// The key at `place`.
pub(crate) fn key_at(pages: &[Page], place: Place) -> Key<'_> {
    let page = usize::try_from(place.0).ok().and_then(|number| pages.get(number));
    page.map_or_else(Key::default, |page| (page.stream(), page.key_at(place.1).unwrap_or_default()))
}
