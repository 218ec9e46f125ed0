//! Dense tables: rows in the order of first mention, found by key, saved by the page.
//!
//! The number of a row depends on the order of reading, so numbers never leave the crate, and nothing that is compared
//! between ledgers (a digest, a listing) may be ordered by them.

use core::hash::{BuildHasher, BuildHasherDefault, Hash};

use hashbrown::HashTable;
use loopledger_types::IdHasher;

use super::{Reader, Table, Writer};

/// A key or value of fixed meaning that can be saved.
pub(crate) trait Row: Sized {
    fn write(&self, out: &mut Writer);
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// Rows in a page.
const PAGE_ROWS: usize = 256;
const PAGE_ROWS_U32: u32 = 256;

/// Rows that lie together in memory, whole pages of them. One long vector would hold up to twice what is in it.
const CHUNK_ROWS: usize = 16 * PAGE_ROWS;

#[derive(Debug)]
pub(crate) struct Rows<K, V> {
    /// All but the last are full.
    chunks: Vec<Vec<(K, V)>>,
    /// Row numbers by the hash of their key.
    index: HashTable<u32>,
    /// Pages that changed since the last cut, one bit each.
    dirty: Vec<u64>,
    /// Pages of the cut that are still to be taken, as they are now.
    frozen: Vec<u64>,
    /// Words of `frozen` before this one are empty.
    frozen_from: usize,
    /// Pages of the cut that changed before they were taken, as they were.
    kept: Vec<(u32, Vec<u8>)>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            index: HashTable::new(),
            dirty: Vec::new(),
            frozen: Vec::new(),
            frozen_from: 0,
            kept: Vec::new(),
        }
    }
}

impl<K: Eq + Hash + Row, V: Row> Rows<K, V> {
    /// The number of the row with `key`.
    pub(crate) fn find(&self, key: &K) -> Option<u32> {
        self.index.find(hash(key), |number| self.key(*number) == Some(key)).copied()
    }

    /// The number of the row with `key`, made if there is none.
    pub(crate) fn find_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> u32 {
        let hash_of_key = hash(&key);
        let rows = &self.chunks;
        let same = |number: &u32| row(rows, *number).is_some_and(|(k, _)| *k == key);
        if let Some(number) = self.index.find(hash_of_key, same) {
            return *number;
        }
        self.push(hash_of_key, key, make())
    }

    fn len(&self) -> usize {
        let before = self.chunks.len().saturating_sub(1).saturating_mul(CHUNK_ROWS);
        before.saturating_add(self.chunks.last().map_or(0, Vec::len))
    }

    fn push(&mut self, hash_of_key: u64, key: K, value: V) -> u32 {
        let number = u32::try_from(self.len()).expect("a county has fewer than 2^32 of anything");
        self.keep(number);
        match self.chunks.last_mut().filter(|chunk| chunk.len() < CHUNK_ROWS) {
            Some(chunk) => chunk.push((key, value)),
            None => self.chunks.push(vec![(key, value)]),
        }
        let rows = &self.chunks;
        self.index.insert_unique(hash_of_key, number, |n| row(rows, *n).map_or(0, |(k, _)| hash(k)));
        self.touch(number);
        number
    }

    pub(crate) fn key(&self, number: u32) -> Option<&K> {
        row(&self.chunks, number).map(|(key, _)| key)
    }

    pub(crate) fn value(&self, number: u32) -> Option<&V> {
        row(&self.chunks, number).map(|(_, value)| value)
    }

    /// Changes a row, which is then to be saved.
    pub(crate) fn update(&mut self, number: u32, change: impl FnOnce(&mut V)) {
        self.keep(number);
        let (chunk, slot) = chunk_and_slot(number);
        if let Some((_, value)) = self.chunks.get_mut(chunk).and_then(|rows| rows.get_mut(slot)) {
            change(value);
            self.touch(number);
        }
    }

    /// Every row with its number, in the order of first mention.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &K, &V)> {
        (0_u32..).zip(self.chunks.iter().flatten()).map(|(number, (key, value))| (number, key, value))
    }

    fn touch(&mut self, number: u32) {
        let (word, bit) = place(number);
        if word >= self.dirty.len() {
            self.dirty.resize(word.saturating_add(1), 0);
        }
        if let Some(bits) = self.dirty.get_mut(word) {
            *bits |= bit;
        }
    }

    /// Puts the row's page by if it is about to change and belongs to a cut that was not taken yet.
    fn keep(&mut self, number: u32) {
        let (word, bit) = place(number);
        let Some(bits) = self.frozen.get_mut(word).filter(|bits| **bits & bit != 0) else { return };
        *bits &= !bit;
        let page = number / PAGE_ROWS_U32;
        let bytes = self.page(page);
        self.kept.push((page, bytes));
    }

    fn page(&self, page: u32) -> Vec<u8> {
        let (chunk, from) = chunk_and_slot(page.saturating_mul(PAGE_ROWS_U32));
        let chunk = self.chunks.get(chunk).map_or(&[][..], Vec::as_slice);
        let to = from.saturating_add(PAGE_ROWS).min(chunk.len());
        let rows = chunk.get(from..to).unwrap_or_default();
        let mut out = Writer(Vec::with_capacity(rows.len().saturating_mul(size_of::<(K, V)>())));
        for (key, value) in rows {
            key.write(&mut out);
            value.write(&mut out);
        }
        out.0
    }

    /// Bytes held, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let row = size_of::<(K, V)>();
        let rows = self.chunks.iter().fold(0_usize, |sum, chunk| sum.saturating_add(chunk.capacity()));
        rows.saturating_mul(row).saturating_add(self.index.capacity().saturating_mul(6))
    }
}

impl<K: Eq + Hash + Row, V: Row> Table for Rows<K, V> {
    fn cut(&mut self) {
        // A cut that was not taken to its end: its rest belongs to this one.
        for (page, _) in core::mem::take(&mut self.kept) {
            self.touch(page.saturating_mul(PAGE_ROWS_U32));
        }
        for (word, bits) in core::mem::take(&mut self.frozen).into_iter().enumerate().filter(|(_, bits)| *bits != 0) {
            if word >= self.dirty.len() {
                self.dirty.resize(word.saturating_add(1), 0);
            }
            if let Some(dirty) = self.dirty.get_mut(word) {
                *dirty |= bits;
            }
        }
        self.frozen = core::mem::take(&mut self.dirty);
        self.frozen_from = 0;
    }

    fn unsave(&mut self) {
        self.kept.clear();
        self.frozen.clear();
        for number in (0..self.len()).step_by(PAGE_ROWS) {
            self.touch(u32::try_from(number).unwrap_or(u32::MAX));
        }
    }

    fn take(&mut self) -> Option<(u32, Vec<u8>)> {
        if let Some(kept) = self.kept.pop() {
            return Some(kept);
        }
        while let Some(bits) = self.frozen.get_mut(self.frozen_from) {
            if *bits == 0 {
                self.frozen_from = self.frozen_from.saturating_add(1);
                continue;
            }
            let page = u32::try_from(self.frozen_from).ok()?.checked_mul(64)?.checked_add(bits.trailing_zeros())?;
            *bits &= bits.saturating_sub(1);
            return Some((page, self.page(page)));
        }
        self.frozen = Vec::new();
        None
    }

    fn load(&mut self, page: u32, bytes: &[u8]) -> Option<()> {
        if usize::try_from(page).ok()?.checked_mul(PAGE_ROWS)? != self.len() {
            return None;
        }
        let mut reader = Reader(bytes);
        while !reader.0.is_empty() {
            let key = K::read(&mut reader)?;
            let value = V::read(&mut reader)?;
            if self.find(&key).is_some() {
                return None;
            }
            self.push(hash(&key), key, value);
        }
        self.dirty.clear();
        Some(())
    }
}

/// The word and the bit of the page that a row stands in.
fn place(number: u32) -> (usize, u64) {
    let page = number / PAGE_ROWS_U32;
    (usize::try_from(page / 64).unwrap_or(usize::MAX), 1_u64 << (page % 64))
}

fn chunk_and_slot(number: u32) -> (usize, usize) {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    (number / CHUNK_ROWS, number % CHUNK_ROWS)
}

fn row<K, V>(chunks: &[Vec<(K, V)>], number: u32) -> Option<&(K, V)> {
    let (chunk, slot) = chunk_and_slot(number);
    chunks.get(chunk)?.get(slot)
}

fn hash<K: Hash>(key: &K) -> u64 {
    BuildHasherDefault::<IdHasher>::default().hash_one(key)
}

impl Row for u32 {
    fn write(&self, out: &mut Writer) {
        out.index(*self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.index()
    }
}

impl Row for i64 {
    fn write(&self, out: &mut Writer) {
        out.signed(*self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.signed()
    }
}

impl Row for () {
    fn write(&self, _: &mut Writer) {}

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(())
    }
}

impl Row for [u8; 16] {
    fn write(&self, out: &mut Writer) {
        out.id(self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.id()
    }
}

macro_rules! id_rows {
    ($($id:ident),*) => {$(
        impl Row for loopledger_types::$id {
            fn write(&self, out: &mut Writer) {
                out.id(&self.0);
            }

            fn read(from: &mut Reader<'_>) -> Option<Self> {
                from.id().map(Self)
            }
        }
    )*};
}

id_rows!(PartyId, ProductId, PlaceId, LotId, ReceiptId, OrderId);

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &mut Rows<u32, i64>) -> Vec<(u32, Vec<u8>)> {
        rows.cut();
        core::iter::from_fn(|| rows.take()).collect()
    }

    #[test]
    fn only_changed_pages_are_saved_and_load_to_the_same_rows() {
        let mut rows: Rows<u32, i64> = Rows::default();
        let mut saved = std::collections::BTreeMap::new();
        for key in 0..6_000_u32 {
            assert_eq!(rows.find_or_insert(key.wrapping_mul(2_654_435_761), || 0), key);
        }
        saved.extend(all(&mut rows));
        assert_eq!(saved.len(), 24);
        rows.update(300, |v| *v = 7);
        let changed = all(&mut rows);
        assert_eq!(changed.iter().map(|(page, _)| *page).collect::<Vec<_>>(), [1]);
        saved.extend(changed);
        let mut loaded: Rows<u32, i64> = Rows::default();
        for (page, bytes) in &saved {
            loaded.load(*page, bytes).unwrap();
        }
        assert_eq!(loaded.chunks, rows.chunks);
        assert_eq!(loaded.find(&300_u32.wrapping_mul(2_654_435_761)), Some(300));
        assert!(all(&mut loaded).is_empty());
    }

    #[test]
    fn a_cut_is_taken_as_it_was_whatever_changes_meanwhile() {
        let mut rows: Rows<u32, i64> = Rows::default();
        for key in 0..1_000_u32 {
            rows.find_or_insert(key, || 0);
        }
        rows.cut();
        let first = rows.take().unwrap();
        rows.update(10, |value| *value = 1);
        rows.update(700, |value| *value = 1);
        rows.find_or_insert(1_000, || 1);
        let mut saved = std::collections::BTreeMap::from([first]);
        saved.extend(core::iter::from_fn(|| rows.take()));
        let mut loaded: Rows<u32, i64> = Rows::default();
        for (page, bytes) in &saved {
            loaded.load(*page, bytes).unwrap();
        }
        assert_eq!(loaded.len(), 1_000);
        assert!(loaded.iter().all(|(_, _, value)| *value == 0));
        // What changed meanwhile, and nothing else, belongs to the next cut.
        assert_eq!(all(&mut rows).iter().map(|(page, _)| *page).collect::<Vec<_>>(), [0, 2, 3]);
    }

    #[test]
    fn everything_is_in_the_cut_after_what_was_saved_is_forgotten() {
        let mut rows: Rows<u32, i64> = Rows::default();
        for key in 0..20_000_u32 {
            rows.find_or_insert(key, || 0);
        }
        assert_eq!(all(&mut rows).len(), 79);
        rows.update(300, |value| *value = 1);
        rows.cut();
        rows.update(300, |value| *value = 2);
        rows.unsave();
        let saved = std::collections::BTreeMap::from_iter(all(&mut rows));
        let mut loaded: Rows<u32, i64> = Rows::default();
        for (page, bytes) in &saved {
            loaded.load(*page, bytes).unwrap();
        }
        assert_eq!(loaded.chunks, rows.chunks);
        assert!(all(&mut rows).is_empty());
    }

    #[test]
    fn a_cut_that_is_not_taken_to_its_end_is_part_of_the_next() {
        let mut rows: Rows<u32, i64> = Rows::default();
        for key in 0..1_000_u32 {
            rows.find_or_insert(key, || 0);
        }
        rows.cut();
        rows.update(300, |value| *value = 1);
        let mut pages: Vec<u32> = all(&mut rows).into_iter().map(|(page, _)| page).collect();
        pages.sort_unstable();
        assert_eq!(pages, [0, 1, 2, 3]);
    }
}
