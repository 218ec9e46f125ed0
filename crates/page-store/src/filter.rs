//! A blocked Bloom filter: one cache line per question, about 1 % false positives at 12 bits per key.

use crate::page::Key;

/// Bits per key.
const BITS_PER_KEY: u64 = 12;
/// Bits set per key, all in one block.
const PROBES: u32 = 6;
/// A block is a cache line: 8 words of 64 bits.
const BLOCK_WORDS: usize = 8;
const BLOCK_BITS: u64 = 512;
/// Words per stored chunk: 6 KiB, as a block of a run.
const CHUNK_WORDS: usize = 768;

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a key over 64 bits. Stored filters depend on it: a change is a change of [`super::page::FORMAT`].
pub(crate) fn key_hash((stream, key): Key<'_>) -> u64 {
    let (words, rest) = key.as_chunks::<8>();
    let seed = u64::from(stream.0).rotate_left(32) ^ u64::try_from(key.len()).unwrap_or(u64::MAX);
    let mut hash = seed.wrapping_mul(MULTIPLIER);
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        hash = mix(hash, rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)));
    }
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 32)
}

fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    mixed ^ (mixed >> 32)
}

#[derive(Debug)]
pub(crate) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// A filter that holds `keys` keys well.
    pub(crate) fn for_keys(keys: u64) -> Self {
        let blocks = keys.saturating_mul(BITS_PER_KEY).div_ceil(BLOCK_BITS).max(1);
        let words = usize::try_from(blocks).ok().and_then(|n| n.checked_mul(BLOCK_WORDS));
        Self { words: vec![0; words.expect("a filter fits in memory")] }
    }

    /// Rebuilds a filter from its chunks laid end to end.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let whole = rest.is_empty() && !words.is_empty() && words.len().checked_rem(BLOCK_WORDS) == Some(0);
        whole.then(|| Self { words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
    }

    /// The stored form of chunk `index`; `None` past the end.
    pub(crate) fn chunk(&self, index: u32) -> Option<Vec<u8>> {
        let chunk = self.words.chunks(CHUNK_WORDS).nth(usize::try_from(index).ok()?)?;
        Some(chunk.iter().flat_map(|word| word.to_le_bytes()).collect())
    }

    pub(crate) fn insert(&mut self, hash: u64) {
        let start = self.block_start(hash);
        for (word, bit) in probes(hash) {
            if let Some(slot) = self.words.get_mut(start.saturating_add(word)) {
                *slot |= bit;
            }
        }
    }

    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let start = self.block_start(hash);
        probes(hash).all(|(word, bit)| self.words.get(start.saturating_add(word)).is_none_or(|slot| slot & bit != 0))
    }

    /// First word of the key's block: the hash's upper half, scaled.
    fn block_start(&self, hash: u64) -> usize {
        let blocks = u64::try_from(self.words.len() / BLOCK_WORDS).unwrap_or(u64::MAX);
        let block = (hash >> 32).saturating_mul(blocks) >> 32;
        usize::try_from(block).unwrap_or(0).saturating_mul(BLOCK_WORDS)
    }
}

/// Word in the block and bit in the word, from nine bits of the remixed hash each.
fn probes(hash: u64) -> impl Iterator<Item = (usize, u64)> {
    let mixed = hash.wrapping_mul(MULTIPLIER);
    (0..PROBES).map(move |probe| {
        let bits = mixed >> probe.saturating_mul(9);
        (usize::try_from((bits >> 6) & 7).unwrap_or(0), 1 << (bits & 63))
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use super::*;
    use crate::StreamKey;

    const STREAM: StreamKey = StreamKey(7);

    fn key(n: u64) -> [u8; 17] {
        let mut key = [b'q'; 17];
        key[1..9].copy_from_slice(&n.to_be_bytes());
        key
    }

    #[test]
    fn nothing_is_missed_and_strangers_rarely_pass() {
        let mut filter = Filter::for_keys(100_000);
        (0..100_000).for_each(|n| filter.insert(key_hash((STREAM, &key(n)))));
        let bytes: Vec<u8> = (0..).map_while(|n| filter.chunk(n)).flatten().collect();
        let filter = Filter::from_bytes(&bytes).unwrap();
        assert!((0..100_000).all(|n| filter.may_contain(key_hash((STREAM, &key(n))))));
        let strangers = (100_000..200_000).filter(|n| filter.may_contain(key_hash((STREAM, &key(*n))))).count();
        assert!(strangers < 2_500, "{strangers} of 100,000");
    }

    #[test]
    fn the_hash_is_fixed() {
        assert_eq!(key_hash((StreamKey(0), b"")), 0);
        assert_eq!(key_hash((StreamKey(0), b"q0123456789abcdef")), 0x10e5_74e8_6514_697a);
        assert_eq!(key_hash((STREAM, b"q0123456789abcdef")), 0xdc06_d81f_4789_710e);
    }
}
