//! Reading one partition: a buffer at a time, every checksum verified, values sliced out without copying.
//!
//! A read of up to [`READ_BATCH_BYTES_MAX`] bytes is made on the caller's thread; there is no read-ahead.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::disk::forget_cached;
use super::format::{Flaw, HEADER_BYTES, PREFIX_BYTES, SegmentId, decode, record_bytes};
use super::partition::{PartitionFiles, record_position};
use crate::{LogReader, LogRecord, Offset, READ_BATCH_BYTES_MAX, READ_BATCH_RECORDS_MAX, ReadError};

#[derive(Debug)]
pub(super) struct FileReader {
    files: Arc<PartitionFiles>,
    durable: watch::Receiver<u64>,
    /// Where the next record begins.
    position: u64,
    /// Bytes of the current segment, from `position` on.
    buffer: Bytes,
    segment: Option<Segment>,
    from_disk: bool,
}

#[derive(Debug)]
struct Segment {
    id: SegmentId,
    seed: u32,
    path: PathBuf,
    file: File,
}

impl FileReader {
    /// Refuses a position at which no record begins.
    pub(super) fn open(
        files: Arc<PartitionFiles>,
        durable: watch::Receiver<u64>,
        from: Offset,
    ) -> Result<Self, ReadError> {
        let end = *durable.borrow();
        if from.0 > end {
            return Err(ReadError::OffsetOutOfRange { from, end: Offset(end) });
        }
        let mut reader =
            Self { files, durable, position: from.0, buffer: Bytes::new(), segment: None, from_disk: false };
        if from.0 < end {
            reader.fill(end)?;
            if let Err(flaw) = reader.decode_first() {
                return Err(reader.explain(flaw));
            }
        }
        Ok(reader)
    }

    /// Tells a position that never was a boundary from a damaged record: walks the segment from its beginning.
    fn explain(&self, flaw: Flaw) -> ReadError {
        let Some(segment) = &self.segment else { return ReadError::Closed };
        let mut walk = Self {
            files: Arc::clone(&self.files),
            durable: self.durable.clone(),
            position: segment.id.base,
            buffer: Bytes::new(),
            segment: None,
            from_disk: self.from_disk,
        };
        while walk.position < self.position {
            match walk.poll_now() {
                Ok(batch) if batch.iter().any(|record| record.next.0 == self.position) => {
                    return damaged(segment, self.position, flaw.reason());
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
        ReadError::NotARecordBoundary { offset: Offset(self.position) }
    }

    fn seed(&self) -> u32 {
        self.segment.as_ref().map_or(0, |segment| segment.seed)
    }

    fn decode_first(&self) -> Result<(), Flaw> {
        decode(self.seed(), self.position, &self.buffer).map(|_| ())
    }

    /// Reads from the segment that holds the position, which is before the durable `end`.
    fn fill(&mut self, end: u64) -> Result<(), ReadError> {
        let (id, sealed_at) = self.files.segment_of(self.position).ok_or(ReadError::Closed)?;
        if self.segment.as_ref().is_none_or(|segment| segment.id != id) {
            self.segment = Some(open_segment(id, self.files.path(id))?);
        }
        let segment = self.segment.as_mut().expect("opened just now");
        let start = record_position(id.base, self.position);
        let in_segment = start.saturating_sub(id.base);
        if in_segment < HEADER_BYTES {
            return Err(ReadError::NotARecordBoundary { offset: Offset(self.position) });
        }
        let available = sealed_at.map_or(end, |sealed| sealed.min(end)).saturating_sub(start);
        let wanted = usize::try_from(available).unwrap_or(usize::MAX).min(READ_BATCH_BYTES_MAX);
        let mut buffer = vec![0; wanted];
        if self.from_disk {
            forget_cached(&segment.file, in_segment, u64::try_from(wanted).ok());
        }
        let read = segment.file.seek(SeekFrom::Start(in_segment)).and_then(|_| segment.file.read_exact(&mut buffer));
        match read {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(damaged(segment, start, "the segment is shorter than it was"));
            }
            Err(error) => return Err(ReadError::io("read", &segment.path, error)),
        }
        self.position = start;
        self.buffer = Bytes::from(buffer);
        Ok(())
    }

    /// Takes the whole records out of the buffer, up to the first that is not.
    fn drain(&mut self) -> (Vec<LogRecord>, Option<Flaw>) {
        let mut batch = Vec::new();
        let seed = self.seed();
        let mut at = 0_usize;
        let mut flaw = None;
        while at < self.buffer.len() && batch.len() < READ_BATCH_RECORDS_MAX {
            let value_bytes = match decode(seed, self.position, self.buffer.get(at..).unwrap_or_default()) {
                Ok(value) => value.len(),
                Err(error) => {
                    flaw = Some(error);
                    break;
                }
            };
            let value_at = at.saturating_add(PREFIX_BYTES);
            let value_end = value_at.saturating_add(value_bytes);
            let next = self.position.saturating_add(record_bytes(value_bytes));
            let value = self.buffer.slice(value_at..value_end);
            batch.push(LogRecord { offset: Offset(self.position), next: Offset(next), headers: Vec::new(), value });
            self.position = next;
            at = value_end;
        }
        self.buffer.advance(at);
        (batch, flaw)
    }
}

impl LogReader for FileReader {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>> {
        async move {
            loop {
                // Seen before looking, so that nothing that becomes durable meanwhile is slept through.
                self.durable.borrow_and_update();
                let batch = self.poll_now()?;
                if !batch.is_empty() {
                    return Ok(batch);
                }
                self.durable.changed().await.map_err(|_| ReadError::Closed)?;
            }
        }
        .boxed()
    }

    fn read_from_disk(&mut self) {
        self.from_disk = true;
    }

    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        let (batch, flaw) = self.drain();
        if !batch.is_empty() {
            return Ok(batch);
        }
        let end = *self.durable.borrow();
        if self.position >= end {
            return Ok(batch);
        }
        // A record cut off by the end of the buffer is read again as a whole; any other flaw stays one.
        if flaw.is_none_or(|flaw| flaw == Flaw::Short) {
            self.fill(end)?;
        }
        let (batch, flaw) = self.drain();
        match (flaw, &self.segment) {
            (Some(flaw), Some(segment)) if batch.is_empty() => Err(damaged(segment, self.position, flaw.reason())),
            _ => Ok(batch),
        }
    }
}

fn open_segment(id: SegmentId, path: PathBuf) -> Result<Segment, ReadError> {
    let mut file = File::open(&path).map_err(|error| ReadError::io("open", &path, error))?;
    let mut header = id.header();
    let expected = header.clone();
    let read = file.read_exact(&mut header);
    let segment = Segment { id, seed: id.seed(), path, file };
    match read {
        Ok(()) if header == expected => Ok(segment),
        Ok(()) => Err(damaged(&segment, id.base, WRONG_HEADER)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(damaged(&segment, id.base, WRONG_HEADER)),
        Err(error) => Err(ReadError::io("read", &segment.path, error)),
    }
}

pub(super) const WRONG_HEADER: &str = "the header is not that of this topic, partition and offset";

fn damaged(segment: &Segment, position: u64, reason: &'static str) -> ReadError {
    ReadError::Damaged { segment: segment.path.clone(), offset: Offset(position), reason }
}
