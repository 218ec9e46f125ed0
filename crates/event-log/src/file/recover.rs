//! Recovery of one partition when the log is opened.
//!
//! Names and sizes of all segments are checked, contents only of the last: damage elsewhere is found when it is read.
//! Only the end of the last segment may be torn. If an intact record follows the damaged one, the damage is in the
//! middle and the log is refused. A power cut that persisted a group's later pages but not its first would look the
//! same; truncating there could destroy acknowledged records.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use loopledger_types::{Partition, Topic};
use tracing::warn;

use super::disk::{Disk, Kind, forget_cached, kind_of};
use super::format::{HEADER_BYTES, PREFIX_BYTES, SegmentId, decode, parse_name};
use super::reader::WRONG_HEADER;
use crate::{Offset, OpenError};

/// The unfinished end of a log, cut off at start. It was not acknowledged, unless the disk lies about syncing or
/// another program changed the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    pub topic: Topic,
    pub partition: Partition,
    pub segment: PathBuf,
    /// The logical position of the first byte that was cut.
    pub offset: Offset,
    /// How many bytes were cut.
    pub bytes: u64,
}

/// A partition as it was found, and repaired.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) bases: Vec<u64>,
    pub(super) end: u64,
    pub(super) torn: Vec<TornTail>,
}

pub(super) fn recover(disk: &Disk, topic: Topic, partition: Partition, dir: &Path) -> Result<Recovered, OpenError> {
    let mut found = Recovered::default();
    let segments = list(dir)?;
    check_continuity(topic, partition, dir, &segments)?;
    found.bases = segments.iter().map(|(base, _)| *base).collect();
    while let Some(base) = found.bases.last().copied() {
        let id = SegmentId { topic, partition, base };
        match scan(disk, id, dir)? {
            Scan::Whole { end } => {
                found.end = end;
                return Ok(found);
            }
            Scan::Cut { end, torn } => {
                found.torn.push(torn);
                found.end = end;
                return Ok(found);
            }
            // It never came to hold a record: the one before is the last.
            Scan::NeverBegun { torn } => {
                found.torn.push(torn);
                found.bases.pop();
            }
        }
    }
    Ok(found)
}

/// The bases and lengths of all segments, ascending.
fn list(dir: &Path) -> Result<Vec<(u64, u64)>, OpenError> {
    let read = |error| OpenError::io("list", dir, error);
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let entry = entry.map_err(read)?;
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let base = entry.file_name().to_str().and_then(parse_name);
        let Some(base) = base else {
            return Err(OpenError::NotALog { path, reason: "it is not the name of a segment" });
        };
        match kind_of(&path).map_err(|error| OpenError::io("look at", &path, error))? {
            Kind::File { length } => segments.push((base, length)),
            Kind::Folder => return Err(OpenError::NotALog { path, reason: "it is not a file" }),
            Kind::Nothing => {
                return Err(OpenError::NotALog { path, reason: "it was removed while the log was opened" });
            }
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

fn check_continuity(topic: Topic, partition: Partition, dir: &Path, segments: &[(u64, u64)]) -> Result<(), OpenError> {
    let mut expected = 0_u64;
    let mut previous = 0_u64;
    for (base, length) in segments {
        if *base != expected {
            let segment = SegmentId { topic, partition, base: previous }.path(dir);
            let offset = Offset(expected.min(*base));
            return Err(OpenError::Damaged {
                segment,
                offset,
                reason: "the next segment does not begin where it ends",
            });
        }
        previous = *base;
        expected = base.saturating_add(*length);
    }
    Ok(())
}

enum Scan {
    Whole { end: u64 },
    Cut { end: u64, torn: TornTail },
    NeverBegun { torn: TornTail },
}

/// Reads the last segment whole, cuts its torn end, and makes durable what stays. Synced first, because a process that
/// died may not have done it; then read from the disk, because an earlier sync may have failed without a trace.
fn scan(disk: &Disk, id: SegmentId, dir: &Path) -> Result<Scan, OpenError> {
    let path = id.path(dir);
    open_for_writing(&path)
        .and_then(|file| {
            disk.sync_data(&file, &path)?;
            forget_cached(&file, 0, None);
            Ok(())
        })
        .map_err(|error| OpenError::io("sync", &path, error))?;
    let bytes = std::fs::read(&path).map_err(|error| OpenError::io("read", &path, error))?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let torn = |path: PathBuf, from: u64| TornTail {
        topic: id.topic,
        partition: id.partition,
        segment: path,
        offset: Offset(id.base.saturating_add(from)),
        bytes: length.saturating_sub(from),
    };
    if !bytes.starts_with(&id.header()) {
        // Records are written only after the header is durable.
        if length > HEADER_BYTES {
            return Err(OpenError::Damaged { segment: path, offset: Offset(id.base), reason: WRONG_HEADER });
        }
        std::fs::remove_file(&path)
            .and_then(|()| disk.sync_directory(dir))
            .map_err(|error| OpenError::io("remove", &path, error))?;
        warn!(segment = %path.display(), bytes = length, "removed a segment without a header");
        return Ok(Scan::NeverBegun { torn: torn(path, 0) });
    }
    let whole = whole_records(id, &bytes);
    let end = if whole == HEADER_BYTES { id.base } else { id.base.saturating_add(whole) };
    if whole == length {
        return Ok(Scan::Whole { end });
    }
    if whole_record_after(id, &bytes, whole) {
        let offset = Offset(id.base.saturating_add(whole));
        let reason = "a damaged record is followed by intact ones";
        return Err(OpenError::Damaged { segment: path, offset, reason });
    }
    open_for_writing(&path)
        .and_then(|file| {
            disk.truncate(&file, &path, whole)?;
            disk.sync_all(&file, &path)
        })
        .map_err(|error| OpenError::io("truncate the torn tail of", &path, error))?;
    let torn = torn(path, whole);
    warn!(segment = %torn.segment.display(), offset = torn.offset.0, bytes = torn.bytes, "truncated a torn tail");
    Ok(Scan::Cut { end, torn })
}

fn open_for_writing(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().write(true).open(path)
}

/// How many bytes of the segment, from its beginning, are its header and whole records.
fn whole_records(id: SegmentId, bytes: &[u8]) -> u64 {
    let seed = id.seed();
    let mut at = usize::try_from(HEADER_BYTES).unwrap_or(usize::MAX);
    while let Some(rest) = bytes.get(at..)
        && let Ok(value) = decode(seed, offset_in(id, at), rest)
    {
        at = at.saturating_add(PREFIX_BYTES).saturating_add(value.len());
    }
    u64::try_from(at).unwrap_or(u64::MAX)
}

/// Whether a record of this place stands anywhere behind the flaw. Checked at every byte: the lengths on the way are
/// not to be trusted.
fn whole_record_after(id: SegmentId, bytes: &[u8], flaw: u64) -> bool {
    let seed = id.seed();
    let from = usize::try_from(flaw).unwrap_or(usize::MAX).saturating_add(1);
    (from..bytes.len()).any(|at| decode(seed, offset_in(id, at), bytes.get(at..).unwrap_or_default()).is_ok())
}

fn offset_in(id: SegmentId, at: usize) -> u64 {
    id.base.saturating_add(u64::try_from(at).unwrap_or(u64::MAX))
}
