//! The writer thread of a partition: takes the queue, writes it, syncs it, and only then makes it readable.
//!
//! A failed write is repaired by truncating the segment to its durable end. A failed sync is not: the kernel may have
//! dropped the pages and report success next time, so the partition refuses appends until the log is reopened.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use loopledger_types::WithCauses;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::PointHook;
use super::disk::Disk;
use super::format::{HEADER_BYTES, SegmentId, encode, record_bytes};
use super::partition::{PartitionFiles, record_position};
use super::queue::{Part, Queue};
use crate::{AppendError, Offset};

/// The point between writing a group and syncing it.
pub const AFTER_WRITE: &str = "file-log.after-write-before-fsync";

/// The point between syncing a group and showing it to readers and to its callers.
pub const AFTER_SYNC: &str = "file-log.after-fsync-before-readable";

/// Memory for encoding that is kept between groups.
const BUFFER_BYTES_KEPT: usize = 1_024 * 1_024;

pub(super) struct Writer {
    pub(super) files: Arc<PartitionFiles>,
    pub(super) queue: Arc<Queue>,
    pub(super) durable: watch::Sender<u64>,
    pub(super) disk: Disk,
    pub(super) segment_bytes: u64,
    pub(super) on_point: Option<PointHook>,
    pub(super) state: WriterState,
}

#[derive(Default)]
pub(super) struct WriterState {
    segment: Option<Segment>,
    /// Bytes beyond the durable end may be in the segment.
    dirty: bool,
    /// The last append failed, and the log says so.
    failing: bool,
    buffer: Vec<u8>,
}

struct Segment {
    id: SegmentId,
    seed: u32,
    path: PathBuf,
    file: File,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Drop for Writer {
    /// Also after a panic: waiting appends must learn that the writer is gone.
    fn drop(&mut self) {
        self.queue.fail(&AppendError::Closed);
    }
}

impl Writer {
    /// Logs when appends begin to fail, and when one succeeds again: who appends tries again and again.
    fn report(&mut self, error: Option<&AppendError>) {
        let dir = self.files.dir().display();
        match error {
            Some(error) if !self.state.failing => warn!(%dir, error = %WithCauses(error), "appends fail"),
            None if self.state.failing => info!(%dir, "appends succeed again"),
            Some(_) | None => {}
        }
        self.state.failing = error.is_some();
    }

    pub(super) fn run(mut self) {
        while let Some(group) = self.queue.take() {
            let result = self.commit(&group);
            self.report(result.as_ref().err());
            let mut offsets = result.as_ref().map_or(&[][..], Vec::as_slice);
            for part in group {
                let (own, others) = offsets.split_at(offsets.len().min(part.values.len()));
                offsets = others;
                part.answer(result.as_ref().map(|_| own.to_vec()).map_err(Clone::clone));
            }
            if let Err(error @ AppendError::SyncFailed { .. }) = result {
                error!(dir = %self.files.dir().display(), "the partition refuses appends until the log is reopened");
                self.queue.fail(&error);
                // Dropping the writer must not replace the reason that the queue now gives.
                self.queue = Arc::default();
                return;
            }
        }
    }

    /// Writes one group: all of it becomes durable and visible, or nothing is acknowledged.
    fn commit(&mut self, group: &[Part]) -> Result<Vec<Offset>, AppendError> {
        self.repair()?;
        let group_bytes = group.iter().fold(0_u64, |sum, part| sum.saturating_add(part.bytes));
        self.prepare_segment(group_bytes)?;
        let segment = self.state.segment.as_ref().expect("prepared just now");
        let buffer = &mut self.state.buffer;
        let start = record_position(segment.id.base, *self.durable.borrow());
        let mut position = start;
        let mut offsets = Vec::with_capacity(group.iter().map(|part| part.values.len()).sum());
        buffer.clear();
        for value in group.iter().flat_map(|part| &part.values) {
            offsets.push(Offset(position));
            encode(segment.seed, position, value, buffer);
            position = position.saturating_add(record_bytes(value.len()));
        }
        if let Err(error) = self.disk.write_at(&segment.file, &segment.path, in_segment(segment, start), buffer) {
            let error = AppendError::io("append to", &segment.path, error);
            self.state.dirty = true;
            if let Err(error @ AppendError::SyncFailed { .. }) = self.repair() {
                return Err(error);
            }
            return Err(error);
        }
        self.point(AFTER_WRITE);
        let segment = self.state.segment.as_ref().expect("prepared just now");
        if let Err(error) = self.disk.sync_data(&segment.file, &segment.path) {
            // Best effort: no later reader should find unacknowledged bytes that only the page cache has.
            let _ = self.disk.truncate(&segment.file, &segment.path, in_segment(segment, start));
            return Err(sync_failed(segment.path.clone(), error));
        }
        self.point(AFTER_SYNC);
        self.durable.send_replace(position);
        self.state.buffer.truncate(BUFFER_BYTES_KEPT);
        self.state.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(offsets)
    }

    /// Cuts what a failed write left beyond the durable end. Made durable at once: after a power cut, bytes of two
    /// attempts in one place would look like damage.
    fn repair(&mut self) -> Result<(), AppendError> {
        let Some(segment) = self.state.segment.as_ref().filter(|_| self.state.dirty) else { return Ok(()) };
        let length = in_segment(segment, record_position(segment.id.base, *self.durable.borrow()));
        self.disk
            .truncate(&segment.file, &segment.path, length)
            .map_err(|error| AppendError::io("truncate a failed append in", &segment.path, error))?;
        self.disk.sync_all(&segment.file, &segment.path).map_err(|error| sync_failed(segment.path.clone(), error))?;
        self.state.dirty = false;
        Ok(())
    }

    /// Opens the last segment, and begins a new one if there is none or it is full.
    fn prepare_segment(&mut self, group_bytes: u64) -> Result<(), AppendError> {
        let end = *self.durable.borrow();
        if self.state.segment.is_none()
            && let Some(base) = self.files.last_base()
        {
            let id = self.files.segment(base);
            let path = self.files.path(id);
            let file = OpenOptions::new()
                .write(true)
                .open(&path)
                .map_err(|error| AppendError::io("open for appending", &path, error))?;
            self.state.segment = Some(Segment { id, seed: id.seed(), path, file });
        }
        let has_room = |segment: &Segment| {
            let used = in_segment(segment, record_position(segment.id.base, end));
            used == HEADER_BYTES || used.saturating_add(group_bytes) <= self.segment_bytes
        };
        if !self.state.segment.as_ref().is_some_and(has_room) {
            self.state.segment = Some(self.create_segment(end)?);
        }
        Ok(())
    }

    /// The segment before it is durable to its last byte: every group was synced.
    fn create_segment(&self, base: u64) -> Result<Segment, AppendError> {
        let dir = self.files.dir();
        if base == 0 {
            for dir in dir.parent().into_iter().chain([dir]) {
                self.disk.create_directory(dir).map_err(|error| AppendError::io("create", dir, error))?;
            }
        }
        let id = self.files.segment(base);
        let path = self.files.path(id);
        let write = || -> io::Result<File> {
            let file = self.disk.create_segment(&path)?;
            self.disk.write_at(&file, &path, 0, &id.header())?;
            Ok(file)
        };
        let file = write().map_err(|error| AppendError::io("create", &path, error))?;
        self.disk.sync_all(&file, &path).map_err(|error| sync_failed(path.clone(), error))?;
        self.disk.sync_directory(dir).map_err(|error| sync_failed(dir.to_owned(), error))?;
        self.files.add(base);
        Ok(Segment { id, seed: id.seed(), path, file })
    }

    fn point(&self, name: &'static str) {
        if let Some(hook) = &self.on_point {
            hook(name);
        }
    }
}

/// The place within the file of a logical position of its segment.
fn in_segment(segment: &Segment, position: u64) -> u64 {
    position.saturating_sub(segment.id.base)
}

fn sync_failed(path: PathBuf, source: io::Error) -> AppendError {
    AppendError::SyncFailed { path, source: Arc::new(source) }
}
