//! The raw records of the newest commits, in plain files beside sled's: they are many bytes, are written once in order,
//! and are read when a tail of the log was lost.
//!
//! ```text
//! tail/<sequence of the first record, 20 digits>: records …
//! record: length u32 of its bytes | crc32 u32 of what follows | sequence u64 | bytes      (little endian)
//! ```
//!
//! Invariants: what the meta counts ([`Range`]) is on disk before the meta that counts it, and stays until a meta that
//! no longer counts it is on disk. What a kill left beyond is cut when the next record is written: until then it may be
//! all that is known of commits that the log has lost. Anything else that is missing or damaged makes the store unusable.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::TAIL_RECORDS;
use super::folder::without_waiting;
use crate::StoreError;
use crate::backend::{TailRecord, newest_without_gap};

/// Records after which a batch begins a new segment. A removed one frees some two megabytes.
const SEGMENT_RECORDS: u64 = 4_096;
/// Length, checksum and sequence.
const HEADER_BYTES: usize = 16;
const DIRECTORY: &str = "tail";

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

#[derive(Debug, Clone)]
struct Segment {
    first: u64,
    /// Opened for appending, so that readers may move its position.
    file: Arc<Mutex<File>>,
    /// Bytes that were written.
    length: u64,
    synced: bool,
}

/// What readers see of the tail.
#[derive(Debug, Clone, Default)]
pub(crate) struct TailView {
    segments: Vec<Segment>,
    range: Range,
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Tail {
    directory: PathBuf,
    /// Oldest first; each begins where the one before ends.
    segments: VecDeque<Segment>,
    range: Range,
    /// First and last sequence of segments that count no longer, once the meta on disk says so.
    stale: Vec<(u64, u64)>,
    /// What was found and does not count: segments, and the length to which the newest one is cut.
    leftover: Vec<u64>,
    cut: Option<u64>,
    buffer: Vec<u8>,
}

impl Tail {
    /// Finds what `range` counts in the store's `directory`. All else goes with the first write.
    pub(crate) fn open(directory: &Path, range: Range) -> Result<Self, StoreError> {
        let directory = directory.join(DIRECTORY);
        std::fs::create_dir_all(&directory).map_err(|error| failed("making the folder", &error))?;
        let mut tail = Self {
            directory,
            segments: VecDeque::new(),
            range,
            stale: Vec::new(),
            leftover: Vec::new(),
            cut: None,
            buffer: Vec::new(),
        };
        let firsts = tail.list()?;
        for (at, &first) in firsts.iter().enumerate() {
            let next = at.checked_add(1).and_then(|next| firsts.get(next)).filter(|next| **next <= range.last);
            let is_passed = next.is_some_and(|next| *next <= range.floor);
            if range.is_empty() || first > range.last || is_passed {
                tail.leftover.push(first);
            } else {
                let end = next.map_or(Some(range.last), |next| next.checked_sub(1)).unwrap_or(range.last);
                let segment = tail.open_segment(first, end)?;
                tail.segments.push_back(segment);
            }
        }
        if !range.is_empty() && tail.segments.front().is_none_or(|segment| segment.first > range.floor) {
            return Err(StoreError::Corrupt("a segment of the tail is missing"));
        }
        Ok(tail)
    }

    pub(crate) const fn range(&self) -> Range {
        self.range
    }

    pub(crate) fn view(&self) -> TailView {
        TailView { segments: self.segments.iter().cloned().collect(), range: self.range }
    }

    /// Appends the records that are new, in one write. After a gap only they count.
    pub(crate) fn append(&mut self, mut records: Vec<TailRecord>) -> Result<(), StoreError> {
        let newest = (!self.range.is_empty()).then_some(self.range.last);
        records.retain(|(sequence, _)| newest.is_none_or(|newest| *sequence > newest));
        let (Some(&(first, _)), Some(&(last, _))) = (records.first(), records.last()) else { return Ok(()) };
        self.drop_leftover()?;
        let continues = newest.and_then(|newest| newest.checked_add(1)) == Some(first);
        if !continues {
            while self.retire_oldest(self.range.last) {}
        }
        if self.segments.back().is_none_or(|segment| first.saturating_sub(segment.first) >= SEGMENT_RECORDS) {
            let segment = self.create_segment(first)?;
            self.segments.push_back(segment);
        }
        self.write(&records)?;
        let kept = u64::try_from(TAIL_RECORDS).unwrap_or(u64::MAX);
        let floor = last.saturating_add(1).saturating_sub(kept);
        let floor = if continues { self.range.floor.max(floor) } else { floor.max(first) };
        self.range = Range { floor, last };
        while let Some(second) = self.segments.get(1).map(|second| second.first).filter(|second| *second <= floor) {
            self.retire_oldest(second.saturating_sub(1));
        }
        Ok(())
    }

    /// Removes what does not count, before anything is written in its place.
    fn drop_leftover(&mut self) -> Result<(), StoreError> {
        for first in core::mem::take(&mut self.leftover) {
            self.remove(first)?;
        }
        if let (Some(length), Some(segment)) = (self.cut.take(), self.segments.back_mut()) {
            lock(&segment.file).set_len(length).map_err(|error| failed("cutting a segment", &error))?;
            segment.synced = false;
        }
        Ok(())
    }

    /// Makes what was appended durable: before the meta that counts it.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        let mut synced = false;
        for segment in self.segments.iter_mut().filter(|segment| !segment.synced) {
            lock(&segment.file).sync_data().map_err(|error| failed("syncing a segment", &error))?;
            segment.synced = true;
            synced = true;
        }
        if synced { sync_directory(&self.directory) } else { Ok(()) }
    }

    /// Removes what no longer counts, now that a meta which counts `on_disk` is.
    pub(crate) fn drop_stale(&mut self, on_disk: Range) -> Result<(), StoreError> {
        let (stale, kept) = self.stale.drain(..).partition(|(_, last)| *last < on_disk.floor);
        self.stale = kept;
        let stale: Vec<(u64, u64)> = stale;
        stale.into_iter().try_for_each(|(first, _)| self.remove(first))
    }

    /// The oldest segment, which ends with `last`, counts no longer; whether there was one.
    fn retire_oldest(&mut self, last: u64) -> bool {
        let oldest = self.segments.pop_front().map(|segment| (segment.first, last));
        self.stale.extend(oldest);
        oldest.is_some()
    }

    fn remove(&self, first: u64) -> Result<(), StoreError> {
        std::fs::remove_file(path_of(&self.directory, first)).map_err(|error| failed("removing a segment", &error))
    }

    fn write(&mut self, records: &[TailRecord]) -> Result<(), StoreError> {
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        self.buffer.clear();
        for (sequence, record) in records {
            encode(*sequence, record, &mut self.buffer)?;
        }
        segment.synced = false;
        lock(&segment.file).write_all(&self.buffer).map_err(|error| failed("writing a segment", &error))?;
        segment.length = segment.length.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Sequences with which segments begin, ascending.
    fn list(&self) -> Result<Vec<u64>, StoreError> {
        list(&self.directory).map_err(|error| failed("reading the folder", &error))
    }

    fn create_segment(&self, first: u64) -> Result<Segment, StoreError> {
        let opened = OpenOptions::new().read(true).append(true).create_new(true).open(path_of(&self.directory, first));
        let file = opened.map_err(|error| failed("making a segment", &error))?;
        Ok(Segment { first, file: Arc::new(Mutex::new(file)), length: 0, synced: true })
    }

    /// Opens the segment whose records `first..=last` must be there; what follows is cut later.
    fn open_segment(&mut self, first: u64, last: u64) -> Result<Segment, StoreError> {
        let opened = OpenOptions::new().read(true).append(true).open(path_of(&self.directory, first));
        let mut file = opened.map_err(|error| failed("opening a segment", &error))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed("reading a segment", &error))?;
        let mut rest = bytes.as_slice();
        for expected in first..=last {
            match split_record(rest) {
                Some((sequence, _, after)) if sequence == expected => rest = after,
                _ => return Err(StoreError::Corrupt("a record of the tail is missing or damaged")),
            }
        }
        let length = u64::try_from(bytes.len().saturating_sub(rest.len())).unwrap_or(u64::MAX);
        if !rest.is_empty() {
            self.cut = Some(length);
        }
        Ok(Segment { first, file: Arc::new(Mutex::new(file)), length, synced: true })
    }
}

impl TailView {
    /// The newest records, oldest first. A segment that was removed meanwhile is still open.
    pub(crate) fn read(&self) -> Result<Vec<TailRecord>, StoreError> {
        let mut records = Vec::new();
        for segment in &self.segments {
            let bytes = segment.read().map_err(|error| failed("reading a segment", &error))?;
            let mut rest = bytes.as_slice();
            while let Some((sequence, record, after)) = split_record(rest) {
                if sequence >= self.range.floor {
                    records.push((sequence, Bytes::copy_from_slice(record)));
                }
                rest = after;
            }
            if !rest.is_empty() {
                return Err(StoreError::Corrupt("a record of the tail is damaged"));
            }
        }
        Ok(records)
    }
}

impl Segment {
    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file = lock(&self.file);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        (&mut *file).take(self.length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
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

/// The newest sequence of which the store in `directory` has a whole record, whether it counts or not.
pub(crate) fn newest(directory: &Path) -> Option<u64> {
    let directory = directory.join(DIRECTORY);
    let firsts = list(&directory).ok()?;
    firsts.into_iter().rev().find_map(|first| segment_records(&directory, first).last().map(|(sequence, _)| *sequence))
}

/// The newest whole records without a gap of the store in `directory`, whether they count or not.
pub(crate) fn salvage(directory: &Path) -> Vec<TailRecord> {
    let directory = directory.join(DIRECTORY);
    let firsts = list(&directory).unwrap_or_default();
    newest_without_gap(firsts.into_iter().flat_map(|first| segment_records(&directory, first)).collect())
}

/// The whole records at the beginning of a segment.
fn segment_records(directory: &Path, first: u64) -> Vec<TailRecord> {
    let mut bytes = Vec::new();
    let opened = without_waiting().read(true).open(path_of(directory, first));
    if opened.and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
        return Vec::new();
    }
    let mut records = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((sequence, record, after)) = split_record(rest) {
        records.push((sequence, Bytes::copy_from_slice(record)));
        rest = after;
    }
    records
}

fn lock(file: &Mutex<File>) -> MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

fn path_of(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}"))
}

/// A new file is found after a crash only if its folder was synced too.
fn sync_directory(directory: &Path) -> Result<(), StoreError> {
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
        assert_eq!(crate::golden::hex(&bytes), "0500000009f4bc0507000000000000006279746573");
    }
}
