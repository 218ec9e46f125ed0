//! A hash map whose iteration order is not observable.

use core::hash::{BuildHasherDefault, Hash, Hasher};

/// Hashes short fixed-size keys (ids are random or SHA-derived already): fast, and the same in every run.
///
/// Not for keys that a stranger chooses freely: entity ids are derived by SHA-1, request ids are spread by the
/// final mix, so a flood of colliding keys would have to be searched for against 64 mixed bits.
#[derive(Debug, Default, Clone, Copy)]
pub struct IdHasher(u64);

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl IdHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let chunks = bytes.chunks_exact(8);
        let tail = chunks.remainder();
        for chunk in chunks {
            self.mix(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        if !tail.is_empty() {
            self.mix(tail.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.mix(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        let mut h = self.0;
        h ^= h >> 32;
        h = h.wrapping_mul(MULTIPLIER);
        h ^ (h >> 29)
    }
}

/// A map for pure code: it can be asked, and listed in key order, but never walked in hash order.
#[derive(Debug, Clone)]
pub struct Table<K, V>(hashbrown::HashMap<K, V, BuildHasherDefault<IdHasher>>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(hashbrown::HashMap::default())
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }

    pub fn entry_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(make)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps what `keep` says; the order in which it is asked is unspecified, so `keep` must not depend on it.
    pub fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain(keep);
    }

    /// Folds every entry with a function that must be commutative, e.g. a sum.
    pub fn fold_unordered<A>(&self, start: A, mut add: impl FnMut(A, &K, &V) -> A) -> A {
        self.0.iter().fold(start, |acc, (key, value)| add(acc, key, value))
    }
}

impl<K: Eq + Hash + Ord, V> Table<K, V> {
    /// Every entry in key order: O(n log n).
    pub fn sorted(&self) -> Vec<(&K, &V)> {
        let mut entries: Vec<(&K, &V)> = self.0.iter().collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
        entries
    }
}

impl<K: Eq + Hash, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Eq + Hash, V: Eq> Eq for Table<K, V> {}
