//! The bytes of a segment: a header, then records. Pure.
//!
//! A segment is `magic[8] version:u32 base:u64 crc:u32`, then records `length:u32 crc:u32 value[length]`, all little
//! endian. The header's CRC covers the topic and the partition too, and seeds every record's CRC, which covers offset,
//! length and value: a record that was copied to another place fails its checksum.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use loopledger_types::{Partition, Topic};

use crate::RECORD_BYTES_MAX;

const MAGIC: [u8; 8] = *b"LOOPLOG\n";
const VERSION: u32 = 1;

/// Bytes before the first record of a segment.
pub(super) const HEADER_BYTES: u64 = 24;

/// Bytes before a record's value.
pub(super) const PREFIX_BYTES: usize = 8;

/// Which segment this is: enough to write its header, and to check every byte that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentId {
    pub(super) topic: Topic,
    pub(super) partition: Partition,
    /// The logical position of the segment's first byte.
    pub(super) base: u64,
}

impl SegmentId {
    pub(super) fn path(self, partition_dir: &Path) -> PathBuf {
        partition_dir.join(format!("{:020}.log", self.base))
    }

    /// The header's CRC, from which those of its records go on.
    pub(super) fn seed(self) -> u32 {
        let crc = crc32c::crc32c(&MAGIC);
        let crc = crc32c::crc32c_append(crc, &VERSION.to_le_bytes());
        let crc = crc32c::crc32c_append(crc, &self.base.to_le_bytes());
        let crc = crc32c::crc32c_append(crc, &self.partition.0.to_le_bytes());
        crc32c::crc32c_append(crc, self.topic.to_string().as_bytes())
    }

    pub(super) fn header(self) -> Vec<u8> {
        [&MAGIC[..], &VERSION.to_le_bytes(), &self.base.to_le_bytes(), &self.seed().to_le_bytes()].concat()
    }
}

/// The base that a segment's file name says, if it is one.
pub(super) fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The bytes that a value of this length takes on disk.
pub(super) fn record_bytes(value_bytes: usize) -> u64 {
    u64::try_from(value_bytes.saturating_add(PREFIX_BYTES)).unwrap_or(u64::MAX)
}

/// Appends a record that will stand at `offset`. The value is at most [`RECORD_BYTES_MAX`] long.
pub(super) fn encode(seed: u32, offset: u64, value: &Bytes, out: &mut Vec<u8>) {
    let length = u32::try_from(value.len()).expect("values are checked when they are queued");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&record_crc(seed, offset, length, value).to_le_bytes());
    out.extend_from_slice(value);
}

fn record_crc(seed: u32, offset: u64, length: u32, value: &[u8]) -> u32 {
    let mut place = [0_u8; 12];
    let (of_offset, of_length) = place.split_at_mut(8);
    of_offset.copy_from_slice(&offset.to_le_bytes());
    of_length.copy_from_slice(&length.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &place), value)
}

/// Why no record could be taken from some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The bytes end before the record does.
    Short,
    TooLong,
    Checksum,
}

impl Flaw {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Short => "the segment ends within a record",
            Self::TooLong => "a record exceeds the maximum length",
            Self::Checksum => "the checksum of a record does not match",
        }
    }
}

/// Checks that `bytes` begin with the record of `offset`; returns its value.
pub(super) fn decode(seed: u32, offset: u64, bytes: &[u8]) -> Result<&[u8], Flaw> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Flaw::Short)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(Flaw::Short)?;
    let length = u32::from_le_bytes(*length);
    let value_bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if value_bytes > RECORD_BYTES_MAX {
        return Err(Flaw::TooLong);
    }
    let value = rest.get(..value_bytes).ok_or(Flaw::Short)?;
    if record_crc(seed, offset, length, value) == u32::from_le_bytes(*crc) { Ok(value) } else { Err(Flaw::Checksum) }
}

#[cfg(test)]
mod tests {
    use loopledger_types::{Service, hex};

    use super::*;

    const ID: SegmentId = SegmentId { topic: Topic(Service::Station), partition: Partition(3), base: 4_096 };

    #[test]
    fn the_bytes_never_change() {
        let mut bytes = ID.header();
        encode(ID.seed(), 4_120, &Bytes::from_static(b"abc"), &mut bytes);
        // Computed by another implementation of CRC32C.
        let expected = "4c4f4f504c4f470a010000000010000000000000a602362d0300000075b05149616263";
        assert_eq!(hex::encode(&bytes), expected);
        assert_eq!(ID.header().len(), 24);
    }

    #[test]
    fn a_record_passes_only_where_it_was_written() {
        let mut bytes = Vec::new();
        encode(ID.seed(), 4_120, &Bytes::from_static(b"abc"), &mut bytes);
        assert_eq!(decode(ID.seed(), 4_120, &bytes), Ok(&b"abc"[..]));
        assert_eq!(decode(ID.seed(), 4_121, &bytes), Err(Flaw::Checksum));
        let elsewhere = SegmentId { partition: Partition(4), ..ID };
        assert_eq!(decode(elsewhere.seed(), 4_120, &bytes), Err(Flaw::Checksum));
        let other_topic = SegmentId { topic: Topic(Service::Sales), ..ID };
        assert_eq!(decode(other_topic.seed(), 4_120, &bytes), Err(Flaw::Checksum));
        assert_eq!(decode(ID.seed(), 4_120, &bytes[..10]), Err(Flaw::Short));
        assert_eq!(decode(ID.seed(), 4_120, &[0xff; 12]), Err(Flaw::TooLong));
    }

    #[test]
    fn zeros_are_no_record() {
        for offset in 0..10_000 {
            assert_eq!(decode(ID.seed(), offset, &[0; 64]), Err(Flaw::Checksum), "{offset}");
        }
    }

    #[test]
    fn names_are_twenty_digits() {
        assert_eq!(parse_name("00000000000000004096.log"), Some(4_096));
        assert_eq!(ID.path(Path::new("")).to_str(), Some("00000000000000004096.log"));
        for name in ["4096.log", "0000000000000000409x.log", "00000000000000004096.tmp", "99999999999999999999.log"] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
