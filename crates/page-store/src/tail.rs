//! The raw records of a stream's newest commits, in plain files beside sled's: they are many bytes, are written once in
//! order, and are read when a tail of the log was lost.
//!
//! ```text
//! tail/<stream, 8 hexadecimal digits>/<sequence of the first record, 20 digits>: records …
//! record: length u32 of its bytes | crc32 u32 of what follows | sequence u64 | bytes      (little endian)
//! ```
//!
//! Invariants: what the stream's meta counts ([`Range`]) is on disk before the meta that counts it, and stays until a meta
//! that no longer counts it is on disk. What a kill left beyond is cut when the next record is written: until then it may
//! be all that is known of commits that the log has lost. Anything else that is missing or damaged makes the store unusable.
//!
//! A file is open only while something written to it is not synced: an idle stream has none.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::TAIL_RECORDS;
use super::folder::without_waiting;
use crate::backend::{TailRecord, newest_without_gap};
use crate::{StoreError, StreamKey};

/// Records after which a batch begins a new segment. A removed one frees some two megabytes.
const SEGMENT_RECORDS: u64 = 4_096;
/// Bytes after which records are written.
const WRITE_BYTES: usize = 256 * 1024;
/// Length, checksum and sequence.
const HEADER_BYTES: usize = 16;
/// The folder of all streams' raw records.
pub(crate) const DIRECTORY: &str = "tail";

/// The records that count, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub(crate) struct Range {
    pub(crate) floor: u64,
    pub(crate) last: u64,
}

impl Default for Range {
    /// No record.
    fn default() -> Self {
        Self { floor: 1, last: 0 }
    }
}

impl Range {
    pub(crate) const fn is_empty(self) -> bool {
        self.floor > self.last
    }
}

#[derive(Debug)]
struct Segment {
    first: u64,
    /// Open, and to be synced, since something was written to it.
    unsynced: Option<File>,
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Tail {
    directory: PathBuf,
    /// Oldest first; each begins where the one before ends.
    segments: VecDeque<Segment>,
    range: Range,
    /// What was found and does not count: segments, and the length to which the newest one is cut.
    leftover: Vec<u64>,
    cut: Option<u64>,
    /// A file, or the folder, was made that is not found after a crash, unless the folder of it is synced.
    made_file: bool,
    made_folder: bool,
}

impl Tail {
    /// Finds what `range` counts of `stream` in the store's `directory`. All else goes with the first write.
    pub(crate) fn open(directory: &Path, stream: StreamKey, range: Range) -> Result<Self, StoreError> {
        let directory = folder(directory, stream);
        let (mut segments, mut leftover, mut cut) = (VecDeque::new(), Vec::new(), None);
        for found in find(&directory, range)? {
            let Found::Counted { first, end } = found else {
                leftover.push(found.first());
                continue;
            };
            let bytes = read(&path_of(&directory, first))?;
            let mut rest = bytes.as_slice();
            for expected in first..=end {
                match split_record(rest) {
                    Some((sequence, _, after)) if sequence == expected => rest = after,
                    _ => return Err(DAMAGED),
                }
            }
            let length = u64::try_from(bytes.len().saturating_sub(rest.len())).ok();
            cut = length.filter(|_| !rest.is_empty());
            segments.push_back(Segment { first, unsynced: None });
        }
        Ok(Self { directory, segments, range, leftover, cut, made_file: false, made_folder: false })
    }

    pub(crate) const fn range(&self) -> Range {
        self.range
    }

    /// Appends the records that are new, through `buffer`, which stays small. After a gap only they count. `stale`: files
    /// that count no longer, once the meta on disk says so.
    pub(crate) fn append(
        &mut self,
        mut records: Vec<TailRecord>,
        buffer: &mut Vec<u8>,
        mut stale: impl FnMut(PathBuf),
    ) -> Result<(), StoreError> {
        let newest = (!self.range.is_empty()).then_some(self.range.last);
        records.retain(|(sequence, _)| newest.is_none_or(|newest| *sequence > newest));
        let (Some(&(first, _)), Some(&(last, _))) = (records.first(), records.last()) else { return Ok(()) };
        self.drop_leftover()?;
        let continues = newest.and_then(|newest| newest.checked_add(1)) == Some(first);
        if !continues {
            self.segments.drain(..).for_each(|segment| stale(path_of(&self.directory, segment.first)));
        }
        let is_full = |segment: &Segment| first.saturating_sub(segment.first) >= SEGMENT_RECORDS;
        if self.segments.back().is_none_or(is_full) {
            self.begin_segment(first)?;
        }
        self.write(&records, buffer)?;
        let kept = u64::try_from(TAIL_RECORDS).unwrap_or(u64::MAX);
        let floor = last.saturating_add(1).saturating_sub(kept);
        let floor = if continues { self.range.floor.max(floor) } else { floor.max(first) };
        self.range = Range { floor, last };
        while self.segments.get(1).is_some_and(|second| second.first <= floor) {
            let Some(oldest) = self.segments.pop_front() else { break };
            stale(path_of(&self.directory, oldest.first));
        }
        Ok(())
    }

    fn write(&mut self, records: &[TailRecord], buffer: &mut Vec<u8>) -> Result<(), StoreError> {
        let file = self.newest_file()?;
        let mut flush = |buffer: &mut Vec<u8>| {
            let written = file.write_all(buffer);
            buffer.clear();
            written.map_err(|error| failed("writing a segment", &error))
        };
        buffer.clear();
        for (sequence, record) in records {
            encode(*sequence, record, buffer)?;
            if buffer.len() >= WRITE_BYTES {
                flush(buffer)?;
            }
        }
        flush(buffer)
    }

    /// Makes what was appended durable: before the meta that counts it. Closes the files. Whether the folder above must be
    /// synced too, since this one is new.
    pub(crate) fn sync(&mut self) -> Result<bool, StoreError> {
        for segment in &mut self.segments {
            if let Some(file) = segment.unsynced.take() {
                file.sync_data().map_err(|error| failed("syncing a segment", &error))?;
            }
        }
        if core::mem::take(&mut self.made_file) {
            sync_directory(&self.directory)?;
        }
        Ok(core::mem::take(&mut self.made_folder))
    }

    /// Removes what does not count, before anything is written in its place.
    fn drop_leftover(&mut self) -> Result<(), StoreError> {
        core::mem::take(&mut self.leftover)
            .into_iter()
            .try_for_each(|first| remove(&path_of(&self.directory, first)))?;
        if let Some(length) = self.cut.take() {
            self.newest_file()?.set_len(length).map_err(|error| failed("cutting a segment", &error))?;
        }
        Ok(())
    }

    fn begin_segment(&mut self, first: u64) -> Result<(), StoreError> {
        if !self.directory.exists() {
            std::fs::create_dir_all(&self.directory).map_err(|error| failed("making the folder", &error))?;
            self.made_folder = true;
        }
        let opened = OpenOptions::new().append(true).create_new(true).open(path_of(&self.directory, first));
        let file = opened.map_err(|error| failed("making a segment", &error))?;
        self.segments.push_back(Segment { first, unsynced: Some(file) });
        self.made_file = true;
        Ok(())
    }

    /// The file that is written, opened again if it was closed.
    fn newest_file(&mut self) -> Result<&mut File, StoreError> {
        let segment = self.segments.back_mut().ok_or(DAMAGED)?;
        if segment.unsynced.is_none() {
            let opened = OpenOptions::new().append(true).open(path_of(&self.directory, segment.first));
            segment.unsynced = Some(opened.map_err(|error| failed("opening a segment", &error))?);
        }
        segment.unsynced.as_mut().ok_or(DAMAGED)
    }
}

const DAMAGED: StoreError = StoreError::Corrupt("a record of the tail is missing or damaged");

/// A segment in a folder, by the sequence with which it begins.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// All its records up to `end` count or have counted.
    Counted {
        first: u64,
        end: u64,
    },
    Leftover {
        first: u64,
    },
}

impl Found {
    const fn first(self) -> u64 {
        match self {
            Self::Counted { first, .. } | Self::Leftover { first } => first,
        }
    }
}

/// The segments in a folder, ascending, and which of them `range` counts. Fails if one of those is missing.
fn find(directory: &Path, range: Range) -> Result<Vec<Found>, StoreError> {
    let firsts = match list(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        firsts => firsts.map_err(|error| failed("reading the folder", &error))?,
    };
    let mut found = Vec::with_capacity(firsts.len());
    for (at, &first) in firsts.iter().enumerate() {
        let next = at.checked_add(1).and_then(|next| firsts.get(next)).filter(|next| **next <= range.last);
        let is_passed = next.is_some_and(|next| *next <= range.floor);
        found.push(if range.is_empty() || first > range.last || is_passed {
            Found::Leftover { first }
        } else {
            let end = next.map_or(Some(range.last), |next| next.checked_sub(1)).unwrap_or(range.last);
            Found::Counted { first, end }
        });
    }
    let oldest = found.iter().find(|found| matches!(found, Found::Counted { .. }));
    if !range.is_empty() && oldest.is_none_or(|oldest| oldest.first() > range.floor) {
        return Err(StoreError::Corrupt("a segment of the tail is missing"));
    }
    Ok(found)
}

/// The records of `stream` that `range` counts, oldest first, from the store's `directory`.
pub(crate) fn counted(directory: &Path, stream: StreamKey, range: Range) -> Result<Vec<TailRecord>, StoreError> {
    let directory = folder(directory, stream);
    let mut records = Vec::new();
    for found in find(&directory, range)? {
        let Found::Counted { first, end } = found else { continue };
        let bytes = read(&path_of(&directory, first))?;
        let mut rest = bytes.as_slice();
        for expected in first..=end {
            let (_, record, after) =
                split_record(rest).filter(|(sequence, ..)| *sequence == expected).ok_or(DAMAGED)?;
            if expected >= range.floor {
                records.push((expected, Bytes::copy_from_slice(record)));
            }
            rest = after;
        }
    }
    Ok(records)
}

/// The newest sequence of which the store in `directory` has a whole record, whether it counts or not.
pub(crate) fn newest(directory: &Path, stream: StreamKey) -> Option<u64> {
    let directory = folder(directory, stream);
    let firsts = list(&directory).ok()?;
    firsts.into_iter().rev().find_map(|first| segment_records(&directory, first).last().map(|(sequence, _)| *sequence))
}

/// The newest whole records without a gap of the store in `directory`, whether they count or not.
pub(crate) fn salvage(directory: &Path, stream: StreamKey) -> Vec<TailRecord> {
    let directory = folder(directory, stream);
    let firsts = list(&directory).unwrap_or_default();
    newest_without_gap(firsts.into_iter().flat_map(|first| segment_records(&directory, first)).collect())
}

/// The whole records at the beginning of a segment.
fn segment_records(directory: &Path, first: u64) -> Vec<TailRecord> {
    let Ok(bytes) = read(&path_of(directory, first)) else { return Vec::new() };
    let mut records = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((sequence, record, after)) = split_record(rest) {
        records.push((sequence, Bytes::copy_from_slice(record)));
        rest = after;
    }
    records
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let read = without_waiting().read(true).open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| failed("reading a segment", &error))
}

pub(crate) fn remove(segment: &Path) -> Result<(), StoreError> {
    std::fs::remove_file(segment).map_err(|error| failed("removing a segment", &error))
}

/// Sequences with which the segments in a folder begin, ascending.
fn list(directory: &Path) -> std::io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        firsts.extend(name.to_str().filter(|name| name.len() == 20).and_then(|name| name.parse::<u64>().ok()));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Where the raw records of `stream` lie in the store's `directory`.
pub(crate) fn folder(directory: &Path, stream: StreamKey) -> PathBuf {
    directory.join(DIRECTORY).join(format!("{:08x}", stream.0))
}

/// The streams of which the store in `directory` has a folder of raw records.
pub(crate) fn streams(directory: &Path) -> Vec<StreamKey> {
    let entries = std::fs::read_dir(directory.join(DIRECTORY)).into_iter().flatten().flatten();
    entries.filter_map(|entry| u32::from_str_radix(entry.file_name().to_str()?, 16).ok()).map(StreamKey).collect()
}

fn path_of(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}"))
}

/// A new file is found after a crash only if its folder was synced too.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let synced = File::open(directory).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed("syncing the folder", &error))
}

fn failed(doing: &str, error: &std::io::Error) -> StoreError {
    StoreError::io(format_args!("the tail: {doing}"), error)
}

fn encode(sequence: u64, record: &[u8], out: &mut Vec<u8>) -> Result<(), StoreError> {
    let length = u32::try_from(record.len());
    let length = length.map_err(|error| StoreError::Failed(format!("the tail: a record's length: {error}")))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(sequence, record).to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(record);
    Ok(())
}

/// The first record's sequence and bytes, and what follows it; `None` if it is torn or damaged.
fn split_record(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let (length, header) = header.split_first_chunk()?;
    let (crc, sequence) = header.split_first_chunk()?;
    let sequence = u64::from_le_bytes(*sequence.first_chunk()?);
    let (record, after) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    (u32::from_le_bytes(*crc) == checksum(sequence, record)).then_some((sequence, record, after))
}

fn checksum(sequence: u64, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(record);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_record_is_noticed() {
        let mut good = Vec::new();
        encode(7, b"bytes", &mut good).unwrap();
        assert_eq!(split_record(&good), Some((7, &b"bytes"[..], &b""[..])));
        for at in 0..good.len() {
            assert_eq!(split_record(&good[..at]), None, "cut at {at}");
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(split_record(&bad), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut bytes = Vec::new();
        encode(7, b"bytes", &mut bytes).unwrap();
        assert_eq!(loopledger_types::hex::encode(&bytes), "0500000009f4bc0507000000000000006279746573");
    }
}
