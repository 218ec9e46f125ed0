//! Whether the files of a store can be read: asked before sled sees them.
//!
//! When sled opens a file it takes what it cannot read for a torn end, and writes over it. So whatever it reads then is
//! read here first: the header of every segment, and whole the segments that are newer than its summary. What cannot be
//! read is an error of the system, and the store stays as it is.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::folder::{files, without_waiting};
use crate::{StoreError, StreamKey};

/// Descriptors that sled may need at once to open a store: it does not survive to be refused one.
const SPARE_DESCRIPTORS: usize = 4;
/// sled's segments, as its configuration has them by default.
const SEGMENT_BYTES: u64 = 512 * 1024;
/// How much is read at a time, and of the header of a segment.
const READ_BYTES: usize = 256 * 1024;
const HEADER_BYTES: usize = 4 * 1024;
/// sled stores the log sequence number of a segment under this mask.
const LSN_MASK: i64 = i64::MAX;

/// Reads what opening the store reads, with the raw records of `streams`, and takes as many descriptors. Fails if something in the folder is neither a file
/// nor a folder: reading a pipe would never end.
pub(crate) fn check_readable(directory: &Path, streams: &[StreamKey]) -> Result<(), StoreError> {
    let files = files(directory, streams)?;
    let summed = summed_up_to(&files);
    let mut buffer = vec![0; READ_BYTES];
    for path in files {
        let is_db = path.file_name().is_some_and(|name| name == "db");
        let from = if is_db { summed } else { 0 };
        let read = without_waiting().read(true).open(&path).and_then(|file| read(file, from, &mut buffer));
        read.map_err(|error| StoreError::resource(format_args!("reading {}", path.display()), &error))?;
    }
    let input = io::stdin();
    let spare: io::Result<Vec<OwnedFd>> = (0..SPARE_DESCRIPTORS).map(|_| input.as_fd().try_clone_to_owned()).collect();
    spare.map(drop).map_err(|error| StoreError::resource("opening files", &error))
}

/// The log sequence number up to which sled's newest summary goes: its file is called so.
fn summed_up_to(files: &[PathBuf]) -> i64 {
    let names = files.iter().filter_map(|path| path.file_name()?.to_str()?.strip_prefix("snap."));
    names.filter_map(|number| i64::from_str_radix(number, 16).ok()).max().unwrap_or(0)
}

/// Reads a file; of sled's large one the older segments only at their beginning.
fn read(mut file: File, summed: i64, buffer: &mut [u8]) -> io::Result<()> {
    if summed == 0 {
        while file.read(buffer)? > 0 {}
        return Ok(());
    }
    let length = file.metadata()?.len();
    let mut at = 0_u64;
    while at < length {
        let header = buffer.get_mut(..HEADER_BYTES).unwrap_or_default();
        file.read_at(header, at)?;
        let end = at.saturating_add(SEGMENT_BYTES);
        if is_newer(header, summed) {
            let mut from = at;
            while from < end {
                let count = file.read_at(buffer, from)?;
                if count == 0 {
                    break;
                }
                from = from.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
        at = end;
    }
    Ok(())
}

/// Whether a segment with this header may reach beyond the summary.
fn is_newer(header: &[u8], summed: i64) -> bool {
    let lsn =
        header.get(4..12).and_then(|bytes| bytes.first_chunk()).map(|bytes| i64::from_le_bytes(*bytes) ^ LSN_MASK);
    let segment = i64::try_from(SEGMENT_BYTES).unwrap_or(i64::MAX);
    lsn.is_none_or(|lsn| lsn < 0 || lsn.saturating_add(segment) > summed)
}
