//! One stream followed in one process: admission, resuming at a head, and the errors that halt a stream.

use core::ops::RangeInclusive;
use core::time::Duration;
use std::sync::Arc;

use futures::future::BoxFuture;
use loopledger_chain::extends;
use loopledger_domain::Commit;
use loopledger_event_log::{LogReader, Offset, ReadError};
use loopledger_types::{Head, Position, StreamId};
use loopledger_wire::NotUnderstood;
use tokio::time::{Instant, sleep_until};

use super::Feed;
use super::locate::{self, Stand};
use super::place::{Look, Place};
use super::record::{Batch, Record};
use loopledger_observability::trace::TraceContext;

/// A void record may mean that the log was cut and has grown again, so that another program's commits stand where ours
/// stood: the head is looked for then, but no more often than this. Two writers that race make many void records.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Commits that a reader has seen are gone from the log. The first may have gone earlier than `missing` says, if other
/// commits have taken their places: that is known where the commits themselves are still known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("commits {} to {} of {stream} are missing from the log", .missing.start(), .missing.end())]
pub struct LostTail {
    pub stream: StreamId,
    pub missing: RangeInclusive<u64>,
}

/// Why a stream cannot be followed further.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FollowError {
    #[error("could not read {stream}")]
    Read { stream: StreamId, source: ReadError },
    /// An admitted commit of a newer version, or damaged by its writer. Never skipped.
    #[error("commit {} of {} is not understood by this version", .position.sequence, .position.stream)]
    NotUnderstood { position: Position, source: NotUnderstood },
    #[error(transparent)]
    LostTail(#[from] LostTail),
}

impl FollowError {
    /// Whether reading again may succeed without anybody doing anything.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Read { source: ReadError::Io { .. } | ReadError::Unavailable { .. }, .. })
    }
}

/// An admitted commit, and where it stands.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub commit: Arc<Commit>,
    pub offset: Offset,
    /// The head before it, and the offset of that head's record: where to resume to see this commit again.
    pub before: (Head, Offset),
    /// What led to it, if its record says so.
    pub trace: Option<Box<TraceContext>>,
}

/// Consecutive commits of one stream; none when only void records and other streams were read.
#[derive(Debug)]
pub struct Commits {
    pub commits: Vec<Admitted>,
    /// Everything before this offset was read.
    pub next: Offset,
    /// Reading waits for the follower of another stream: what this one has must not wait for more of this stream.
    pub is_held: bool,
}

/// One record that bears on the stream.
#[derive(Debug)]
pub struct SeenRecord {
    index: usize,
    pub admitted: bool,
    pub before: (Head, Offset),
}

/// What one read showed of the stream, not decoded.
#[derive(Debug)]
pub struct Seen {
    /// None: everything before `next` was read, and nothing of it bears on the stream.
    batch: Option<Arc<Batch>>,
    records: Vec<SeenRecord>,
    pub next: Offset,
    is_held: bool,
}

impl Seen {
    /// The stream's records in log order.
    pub fn records(&self) -> impl Iterator<Item = (&SeenRecord, &Record)> {
        let records = self.batch.as_ref().map_or(&[][..], |batch| &batch.records);
        self.records.iter().filter_map(|seen| records.get(seen.index).map(|record| (seen, record)))
    }
}

/// What one read gave.
enum Read {
    Batch(Arc<Batch>),
    /// Everything before this offset was read.
    UpTo(Offset, bool),
}

/// Follows one stream. Every method is cancel-safe.
pub struct Follower {
    feed: Feed,
    place: Place,
    /// Used while this follower is behind what the partition's readers share.
    private: Option<Box<dyn LogReader>>,
    stream: StreamId,
    head: Head,
    /// The offset of the head's record.
    head_offset: Offset,
    next: Offset,
    voids: u64,
    /// Void records before this offset are counted.
    counted: Offset,
    /// Whether the head must be looked for in the log before anything more is believed; from when on.
    look_due: Option<Instant>,
    looked_at: Option<Instant>,
    /// The look under way.
    look: Option<BoxFuture<'static, Result<Stand, FollowError>>>,
    /// Found behind commits that were returned first; returned by every call from then on.
    halted: Option<FollowError>,
}

impl core::fmt::Debug for Follower {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Follower")
            .field("stream", &self.stream)
            .field("head", &self.head)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Follower {
    pub fn new(feed: Feed, stream: StreamId, head: Head, next: Offset) -> Self {
        Self {
            place: Place::new(feed.source(stream), stream, next),
            feed,
            private: None,
            stream,
            head,
            head_offset: Offset::START,
            next,
            voids: 0,
            counted: next,
            look_due: None,
            looked_at: None,
            look: None,
            halted: None,
        }
    }

    /// Follows on behind a head that was found in the log.
    pub fn behind(feed: Feed, stream: StreamId, head: Head, stand: Stand) -> Self {
        let mut follower = Self::new(feed, stream, head, stand.next);
        follower.head_offset = stand.offset;
        follower
    }

    pub const fn stream(&self) -> StreamId {
        self.stream
    }

    /// The newest admitted commit so far.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The offset of the head's record: the hint to resume with.
    pub const fn head_offset(&self) -> Offset {
        self.head_offset
    }

    /// Everything before this offset was read.
    pub const fn next_offset(&self) -> Offset {
        self.next
    }

    /// Void records of this stream so far, with those that name no stream at all.
    pub fn voids(&self) -> u64 {
        self.voids.saturating_add(self.place.junk())
    }

    /// Returns once everything before `offset` is read, even if nothing of it bears on the stream. The furthest counts.
    pub fn wake_at(&mut self, offset: Offset) {
        self.place.wake_at(offset);
    }

    /// Waits for records, and returns the commits among them in order.
    pub async fn next(&mut self) -> Result<Commits, FollowError> {
        if let Some(error) = &self.halted {
            return Err(error.clone());
        }
        let seen = self.next_seen().await?;
        let mut commits = Vec::with_capacity(seen.records.len());
        for (verdict, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            match self.decode(record) {
                Ok(commit) => {
                    let (offset, trace) = (record.offset, record.trace.clone());
                    commits.push(Admitted { commit, offset, before: verdict.before, trace });
                }
                Err(error) => {
                    self.halted = Some(error.clone());
                    if commits.is_empty() {
                        return Err(error);
                    }
                    break;
                }
            }
        }
        Ok(Commits { commits, next: seen.next, is_held: seen.is_held })
    }

    /// Waits for records, and says which of them are admitted. A log that has become shorter than what was read of it is
    /// a lost tail, unless the head is still there.
    pub async fn next_seen(&mut self) -> Result<Seen, FollowError> {
        loop {
            if let Some(look) = &mut self.look {
                let found = look.await;
                self.look = None;
                self.read_on_from(found?);
            }
            if self.look_due.is_some_and(|due| due <= Instant::now()) {
                self.begin_look(self.next);
                continue;
            }
            let look_due = self.look_due;
            let read = tokio::select! {
                biased;
                read = self.read() => read,
                () = sleep_until(look_due.unwrap_or_else(Instant::now)), if look_due.is_some() => continue,
            };
            match read {
                Ok(Read::Batch(batch)) => return Ok(self.admit(batch)),
                Ok(Read::UpTo(next, is_held)) => {
                    self.note_read(next);
                    return Ok(Seen { batch: None, records: Vec::new(), next: self.next, is_held });
                }
                // Beyond the log's end, or off a boundary: what was read before is gone, or was replaced.
                Err(ReadError::OffsetOutOfRange { .. } | ReadError::NotARecordBoundary { .. }) => {
                    self.begin_look(Offset(u64::MAX));
                }
                Err(source) => return Err(FollowError::Read { stream: self.stream, source }),
            }
        }
    }

    /// Makes sure that the head is still in the log before anything more is read.
    pub fn look_for_head(&mut self) {
        self.look_due = Some(Instant::now());
    }

    /// Reading goes on at `next` if that is in the log and nothing before it was missed; otherwise behind the head.
    fn begin_look(&mut self, next: Offset) {
        let stand = Stand { offset: self.head_offset, next };
        self.look = Some(Box::pin(locate::look(self.feed.clone(), self.stream, self.head, stand)));
    }

    fn read_on_from(&mut self, stand: Stand) {
        self.look_due = None;
        self.looked_at = Some(Instant::now());
        self.head_offset = stand.offset;
        if self.next != stand.next {
            self.next = stand.next;
            self.private = None;
            self.place.leave();
        }
    }

    /// Void records of this stream were read.
    fn owe_look(&mut self) {
        let now = Instant::now();
        let due =
            self.looked_at.and_then(|looked_at| looked_at.checked_add(LOOK_PERIOD)).map_or(now, |due| due.max(now));
        self.look_due.get_or_insert(due);
    }

    /// The commit of an admitted record of this stream.
    pub fn decode(&self, record: &Record) -> Result<Arc<Commit>, FollowError> {
        record.commit().map_err(|source| {
            let fixed = record.fixed.as_ref().expect("an admitted record is a canonical envelope");
            let position = Position { stream: self.stream, ..fixed.position() };
            FollowError::NotUnderstood { position, source }
        })
    }

    async fn read(&mut self) -> Result<Read, ReadError> {
        loop {
            match self.place.look(self.next) {
                Look::Batch(batch) => {
                    self.private = None;
                    return Ok(Read::Batch(batch));
                }
                Look::Failed(error) => return Err(error),
                Look::Nothing { tip, is_due, is_held, arrival } => {
                    self.private = None;
                    if is_due || is_held {
                        return Ok(Read::UpTo(tip, is_held));
                    }
                    self.note_read(tip);
                    arrival.notified().await;
                }
                Look::Elsewhere(from) => {
                    self.note_read(from);
                    return self.read_private().await.map(Read::Batch);
                }
            }
        }
    }

    /// Everything before `next` was read.
    fn note_read(&mut self, next: Offset) {
        self.next = self.next.max(next);
        self.counted = self.counted.max(self.next);
    }

    pub async fn read_private(&mut self) -> Result<Arc<Batch>, ReadError> {
        let reader = if let Some(reader) = &mut self.private {
            reader
        } else {
            let partition = self.feed.log_partition(self.stream);
            self.private.insert(self.feed.log().read(partition.topic, partition.partition, self.next)?)
        };
        let batch = Batch::new(self.next, reader.next().await?, self.feed.log_partition(self.stream));
        self.place.note_private(&batch);
        Ok(Arc::new(batch))
    }

    /// Admission: the first record that extends the head wins; every other one of this stream is void.
    pub fn admit(&mut self, batch: Arc<Batch>) -> Seen {
        let mut records = Vec::new();
        let mut voids = 0_u64;
        for index in batch.of(self.stream).iter().filter_map(|index| usize::try_from(*index).ok()) {
            let Some(record) = batch.records.get(index).filter(|record| record.offset >= self.next) else { continue };
            let Some(fixed) = &record.fixed else { continue };
            let admitted = extends(self.head, fixed.sequence, fixed.previous_hash).is_ok();
            records.push(SeenRecord { index, admitted, before: (self.head, self.head_offset) });
            if admitted {
                self.head = Head { sequence: fixed.sequence, hash: fixed.hash };
                self.head_offset = record.offset;
            } else {
                // Not if it is read once more after the head was looked for.
                voids = voids.saturating_add(u64::from(record.offset >= self.counted));
            }
        }
        if voids > 0 {
            self.voids = self.voids.saturating_add(voids);
            self.owe_look();
        }
        self.note_read(batch.next);
        Seen { batch: Some(batch), records, next: self.next, is_held: false }
    }

    /// Whether the stream may be followed on from here without a look at the log: everything that was read is returned, and
    /// the head is in the log.
    fn is_settled(&self) -> bool {
        self.halted.is_none() && self.look.is_none() && self.look_due.is_none()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if self.is_settled() {
            self.place.put_dormant(self.head, self.head_offset);
        }
    }
}
