//! Dense tables: rows in the order of first mention, found by key, saved by the page.
//!
//! The number of a row depends on the order of reading, so numbers never leave the crate, and nothing that is compared
//! between ledgers (a digest, a listing) may be ordered by them.

use core::hash::{BuildHasher, BuildHasherDefault, Hash};

use hashbrown::HashTable;
use loopledger_types::IdHasher;

use super::{Reader, Writer};

/// A key or value of fixed meaning that can be saved.
pub(crate) trait Row: Sized {
    fn write(&self, out: &mut Writer);
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// Rows in a page.
const PAGE_ROWS: usize = 256;

#[derive(Debug)]
pub(crate) struct Rows<K, V> {
    entries: Vec<(K, V)>,
    /// Row numbers by the hash of their key.
    index: HashTable<u32>,
    /// Pages to be saved, one bit each.
    dirty: Vec<u64>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), index: HashTable::new(), dirty: Vec::new() }
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
        let rows = &self.entries;
        let same = |number: &u32| row(rows, *number).is_some_and(|(k, _)| *k == key);
        if let Some(number) = self.index.find(hash_of_key, same) {
            return *number;
        }
        self.push(hash_of_key, key, make())
    }

    fn push(&mut self, hash_of_key: u64, key: K, value: V) -> u32 {
        let number = u32::try_from(self.entries.len()).expect("a county has fewer than 2^32 of anything");
        self.entries.push((key, value));
        let rows = &self.entries;
        self.index.insert_unique(hash_of_key, number, |n| row(rows, *n).map_or(0, |(k, _)| hash(k)));
        self.touch(number);
        number
    }

    pub(crate) fn key(&self, number: u32) -> Option<&K> {
        row(&self.entries, number).map(|(key, _)| key)
    }

    pub(crate) fn value(&self, number: u32) -> Option<&V> {
        row(&self.entries, number).map(|(_, value)| value)
    }

    /// Changes a row, which is then to be saved.
    pub(crate) fn update(&mut self, number: u32, change: impl FnOnce(&mut V)) {
        if let Some((_, value)) = usize::try_from(number).ok().and_then(|n| self.entries.get_mut(n)) {
            change(value);
            self.touch(number);
        }
    }

    /// Every row with its number, in the order of first mention.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &K, &V)> {
        (0_u32..).zip(&self.entries).map(|(number, (key, value))| (number, key, value))
    }

    fn touch(&mut self, number: u32) {
        let page = usize::try_from(number).unwrap_or(0) / PAGE_ROWS;
        let word = page / 64;
        if word >= self.dirty.len() {
            self.dirty.resize(word.saturating_add(1), 0);
        }
        if let Some(bits) = self.dirty.get_mut(word) {
            *bits |= 1_u64 << (page % 64);
        }
    }

    /// Pages that changed since the last call, by number.
    pub(crate) fn drain_changed(&mut self) -> Vec<(u32, Vec<u8>)> {
        let mut changed = Vec::new();
        for (page, rows) in (0_u32..).zip(self.entries.chunks(PAGE_ROWS)) {
            let bits = usize::try_from(page / 64).ok().and_then(|word| self.dirty.get(word)).copied().unwrap_or(0);
            if bits & (1_u64 << (page % 64)) != 0 {
                let mut out = Writer::default();
                for (key, value) in rows {
                    key.write(&mut out);
                    value.write(&mut out);
                }
                changed.push((page, out.0));
            }
        }
        self.dirty.clear();
        changed
    }

    /// Takes a saved page; pages come in ascending order.
    pub(crate) fn load(&mut self, page: u32, bytes: &[u8]) -> Option<()> {
        if usize::try_from(page).ok()?.checked_mul(PAGE_ROWS)? != self.entries.len() {
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

    /// Bytes held, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let row = size_of::<(K, V)>();
        self.entries.capacity().saturating_mul(row).saturating_add(self.index.capacity().saturating_mul(6))
    }
}

fn row<K, V>(rows: &[(K, V)], number: u32) -> Option<&(K, V)> {
    rows.get(usize::try_from(number).ok()?)
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

    #[test]
    fn only_changed_pages_are_saved_and_load_to_the_same_rows() {
        let mut rows: Rows<u32, i64> = Rows::default();
        let mut saved = std::collections::BTreeMap::new();
        for key in 0..2_000_u32 {
            assert_eq!(rows.find_or_insert(key.wrapping_mul(2_654_435_761), || 0), key);
        }
        saved.extend(rows.drain_changed());
        assert_eq!(saved.len(), 8);
        rows.update(300, |v| *v = 7);
        let changed = rows.drain_changed();
        assert_eq!(changed.iter().map(|(page, _)| *page).collect::<Vec<_>>(), [1]);
        saved.extend(changed);
        let mut loaded: Rows<u32, i64> = Rows::default();
        for (page, bytes) in &saved {
            loaded.load(*page, bytes).unwrap();
        }
        assert_eq!(loaded.entries, rows.entries);
        assert_eq!(loaded.find(&300_u32.wrapping_mul(2_654_435_761)), Some(300));
        assert!(loaded.drain_changed().is_empty());
    }
}
