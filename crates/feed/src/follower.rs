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
use super::record::{Batch, Record};
use super::source::{Look, Source};
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
    batch: Arc<Batch>,
    records: Vec<SeenRecord>,
    pub next: Offset,
}

impl Seen {
    /// The stream's records in log order.
    pub fn records(&self) -> impl Iterator<Item = (&SeenRecord, &Record)> {
        self.records.iter().filter_map(|seen| self.batch.records.get(seen.index).map(|record| (seen, record)))
    }
}

/// Follows one stream. Every method is cancel-safe.
pub struct Follower {
    feed: Feed,
    source: Arc<Source>,
    failures_seen: u64,
    /// Used while this follower is outside the shared cache.
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
        let source = feed.source(stream);
        Self {
            failures_seen: source.failures(),
            source,
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
    pub const fn voids(&self) -> u64 {
        self.voids
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
        Ok(Commits { commits, next: seen.next })
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
                Ok(batch) => return Ok(self.admit(batch)),
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

    async fn read(&mut self) -> Result<Arc<Batch>, ReadError> {
        loop {
            // Made before looking, so that it hears of every read that returns from here on.
            let arrival = self.source.arrival();
            match self.source.look(self.next, &mut self.failures_seen) {
                Look::Cached(batch) => {
                    self.private = None;
                    return Ok(batch);
                }
                Look::Failed(error) => return Err(error),
                Look::Awaited => {
                    self.private = None;
                    arrival.await;
                }
                Look::Elsewhere => {
                    drop(arrival);
                    return self.read_private().await;
                }
            }
        }
    }

    pub async fn read_private(&mut self) -> Result<Arc<Batch>, ReadError> {
        let reader = if let Some(reader) = &mut self.private {
            reader
        } else {
            let partition = self.feed.log_partition(self.stream);
            self.private.insert(self.feed.log().read(partition.topic, partition.partition, self.next)?)
        };
        Ok(Arc::new(Batch::new(self.next, reader.next().await?, self.feed.log_partition(self.stream))))
    }

    /// Admission: the first record that extends the head wins; every other one of this stream is void.
    pub fn admit(&mut self, batch: Arc<Batch>) -> Seen {
        let mut records = Vec::new();
        let mut voids = 0_u64;
        for (index, record) in batch.records.iter().enumerate() {
            if record.offset < self.next {
                continue;
            }
            // Read once more after the head was looked for.
            let is_counted = record.offset < self.counted;
            let Some(fixed) = &record.fixed else {
                self.voids = self.voids.saturating_add(u64::from(!is_counted));
                continue;
            };
            if fixed.stream != self.stream {
                continue;
            }
            let admitted = extends(self.head, fixed.sequence, fixed.previous_hash).is_ok();
            records.push(SeenRecord { index, admitted, before: (self.head, self.head_offset) });
            if admitted {
                self.head = Head { sequence: fixed.sequence, hash: fixed.hash };
                self.head_offset = record.offset;
            } else {
                voids = voids.saturating_add(u64::from(!is_counted));
            }
        }
        if voids > 0 {
            self.voids = self.voids.saturating_add(voids);
            self.owe_look();
        }
        self.next = self.next.max(batch.next);
        self.counted = self.counted.max(self.next);
        Seen { batch, records, next: self.next }
    }
}
