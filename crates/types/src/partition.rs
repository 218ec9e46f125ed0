//! Topics, keys, and the partition of a key.

use core::fmt;

use crate::{CountyCode, Service};

/// A topic of the log, e.g. `loopledger.station.v1`: the records of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub Service);

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loopledger.{}.v1", self.0)
    }
}

/// A record's key: the county, as six ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub CountyCode);

impl Key {
    /// The bytes that go on the log.
    pub fn to_bytes(self) -> [u8; 6] {
        self.0.digits()
    }
}

/// The number of a partition, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// The partition of `key` among `partition_count`, as Kafka's Java producers compute it.
///
/// # Panics
/// If `partition_count` is zero: a topic without partitions is a configuration error caught at start.
pub fn partition_of(key: Key, partition_count: u32) -> Partition {
    let hash = murmur2(&key.to_bytes()) & 0x7fff_ffff;
    Partition(hash.checked_rem(partition_count).expect("a topic has at least one partition"))
}

/// Kafka's murmur2 (`org.apache.kafka.common.utils.Utils.murmur2`), seed 0x9747b28c.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the algorithm is defined on the length modulo 2^32"
)]
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = 0x9747_b28c ^ data.len() as u32;
    let chunks = data.chunks_exact(4);
    let tail = chunks.remainder();
    for chunk in chunks {
        let bytes: [u8; 4] = chunk.try_into().expect("chunks_exact(4) yields four bytes");
        let mut k = u32::from_le_bytes(bytes).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    for (shift, byte) in [0_u32, 8, 16].into_iter().zip(tail).rev() {
        h ^= u32::from(*byte) << shift;
    }
    if !tail.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_agree_with_kafka_4_3_1() {
        // Computed by librdkafka and by the Java client for 8 partitions.
        for (county, partition) in
            [("654224", 4), ("654201", 6), ("654221", 3), ("110101", 4), ("659001", 1), ("500101", 3), ("650102", 3)]
        {
            let key = Key(CountyCode::parse(county).unwrap());
            assert_eq!(partition_of(key, 8), Partition(partition), "{county}");
        }
    }

    #[test]
    fn a_tail_of_every_length_hashes() {
        let hashes: Vec<u32> = (0..8_usize).map(|n| murmur2(&b"abcdefgh"[..n])).collect();
        let mut unique = hashes.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), hashes.len());
    }
}
