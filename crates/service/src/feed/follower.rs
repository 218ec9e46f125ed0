//! One stream followed in one process: admission, resuming at a head, and the errors that halt a stream.

use core::ops::RangeInclusive;
use std::sync::Arc;

use loopledger_chain::extends;
use loopledger_domain::Commit;
use loopledger_event_log::{LogReader, Offset, ReadError};
use loopledger_types::{Head, Position, StreamId};
use loopledger_wire::NotUnderstood;
use tokio::sync::watch;

use super::Feed;
use super::record::{Batch, Record, parse};
use super::source::{Look, Source};
use crate::trace::TraceContext;

/// Commits that a reader has seen are gone from the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("commits {} to {} of {stream} are not in the log (any more)", .missing.start(), .missing.end())]
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
pub(crate) struct SeenRecord {
    index: usize,
    pub(crate) admitted: bool,
    pub(crate) before: (Head, Offset),
}

/// What one read showed of the stream, not decoded.
#[derive(Debug)]
pub(crate) struct Seen {
    batch: Arc<Batch>,
    records: Vec<SeenRecord>,
    pub(crate) next: Offset,
}

impl Seen {
    /// The stream's records in log order.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&SeenRecord, &Record)> {
        self.records.iter().filter_map(|seen| self.batch.records.get(seen.index).map(|record| (seen, record)))
    }
}

/// Follows one stream. Every method is cancel-safe.
pub struct Follower {
    feed: Feed,
    source: Arc<Source>,
    arrived: watch::Receiver<u64>,
    failures_seen: u64,
    /// Used while this follower is outside the shared cache.
    private: Option<Box<dyn LogReader>>,
    stream: StreamId,
    head: Head,
    /// The offset of the head's record.
    head_offset: Offset,
    next: Offset,
    voids: u64,
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
    pub(super) fn new(feed: Feed, stream: StreamId, head: Head, next: Offset) -> Self {
        let source = feed.source(stream);
        Self {
            arrived: source.subscribe(),
            failures_seen: source.failures(),
            source,
            feed,
            private: None,
            stream,
            head,
            head_offset: Offset::START,
            next,
            voids: 0,
            halted: None,
        }
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

    /// Waits for records, and says which of them are admitted.
    pub(crate) async fn next_seen(&mut self) -> Result<Seen, FollowError> {
        let batch = self.read().await.map_err(|source| FollowError::Read { stream: self.stream, source })?;
        Ok(self.admit(batch))
    }

    /// The commit of an admitted record of this stream.
    pub(crate) fn decode(&self, record: &Record) -> Result<Arc<Commit>, FollowError> {
        record.commit().map_err(|source| {
            let fixed = record.fixed.as_ref().expect("an admitted record is a canonical envelope");
            let position = Position { stream: self.stream, sequence: fixed.sequence, hash: fixed.hash };
            FollowError::NotUnderstood { position, source }
        })
    }

    async fn read(&mut self) -> Result<Arc<Batch>, ReadError> {
        loop {
            self.arrived.borrow_and_update();
            match self.source.look(self.next, &mut self.failures_seen) {
                Look::Cached(batch) => {
                    self.private = None;
                    return Ok(batch);
                }
                Look::Failed(error) => return Err(error),
                Look::Awaited => {
                    self.private = None;
                    if self.arrived.changed().await.is_err() {
                        return Err(ReadError::Closed);
                    }
                }
                Look::Elsewhere => return self.read_private().await,
            }
        }
    }

    async fn read_private(&mut self) -> Result<Arc<Batch>, ReadError> {
        let reader = if let Some(reader) = &mut self.private {
            reader
        } else {
            let place = self.feed.place(self.stream);
            self.private.insert(self.feed.log().read(place.topic, place.partition, self.next)?)
        };
        Ok(Arc::new(Batch::new(self.next, reader.next().await?, self.feed.place(self.stream))))
    }

    /// Admission: the first record that extends the head wins; every other one of this stream is void.
    fn admit(&mut self, batch: Arc<Batch>) -> Seen {
        let mut records = Vec::new();
        for (index, record) in batch.records.iter().enumerate() {
            if record.offset < self.next {
                continue;
            }
            let Some(fixed) = &record.fixed else {
                self.voids = self.voids.saturating_add(1);
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
                self.voids = self.voids.saturating_add(1);
            }
        }
        self.next = self.next.max(batch.next);
        Seen { batch, records, next: self.next }
    }
}

/// See [`Feed::resume`].
pub(super) async fn resume(feed: Feed, stream: StreamId, head: Head, at: Offset) -> Result<Follower, FollowError> {
    if head == Head::EMPTY {
        return Ok(feed.follow(stream));
    }
    let (topic, partition) = (stream.service.topic(), feed.partition(stream));
    let read_error = |source| FollowError::Read { stream, source };
    let end = feed.log().end(topic, partition).await.map_err(read_error)?;
    if at < end
        && let Some(next) = record_at(&feed, stream, head, at).await
    {
        let mut follower = Follower::new(feed, stream, head, next);
        follower.head_offset = at;
        return Ok(follower);
    }
    tracing::warn!(%stream, sequence = head.sequence, offset = %at, "the head is not where it was; searching for it");
    search(feed, stream, head, end).await
}

/// The offset after the head's record, if it stands at `at`.
async fn record_at(feed: &Feed, stream: StreamId, head: Head, at: Offset) -> Option<Offset> {
    let mut reader = feed.log().read(stream.service.topic(), feed.partition(stream), at).ok()?;
    let read = reader.next().await.ok()?;
    let record = read.into_iter().next()?;
    let fixed = parse(&record.value, feed.place(stream))?;
    (fixed.stream == stream && fixed.hash == head.hash && fixed.sequence == head.sequence).then_some(record.next)
}

/// Reads the stream from its beginning up to `head`.
async fn search(feed: Feed, stream: StreamId, head: Head, end: Offset) -> Result<Follower, FollowError> {
    let (found, offset, next) = at_sequence(&feed, stream, head.sequence, end).await?;
    if found == head {
        let mut follower = Follower::new(feed, stream, head, next);
        follower.head_offset = offset;
        return Ok(follower);
    }
    let first = if found.sequence < head.sequence { found.sequence.saturating_add(1) } else { head.sequence };
    Err(LostTail { stream, missing: first..=head.sequence }.into())
}

/// See [`Feed::contains`].
pub(super) async fn contains(feed: Feed, position: Position) -> Result<bool, FollowError> {
    let stream = position.stream;
    let end = feed.log().end(stream.service.topic(), feed.partition(stream)).await;
    let end = end.map_err(|source| FollowError::Read { stream, source })?;
    let (found, _, _) = at_sequence(&feed, stream, position.sequence, end).await?;
    Ok(found == Head { sequence: position.sequence, hash: position.hash })
}

/// The admitted commit with this sequence, or the last before it, with the offset of its record and the next.
async fn at_sequence(
    feed: &Feed,
    stream: StreamId,
    sequence: u64,
    end: Offset,
) -> Result<(Head, Offset, Offset), FollowError> {
    // Reads for itself: nobody else is likely to be there.
    let mut follower = Follower::new(feed.clone(), stream, Head::EMPTY, Offset::START);
    let mut last = (Head::EMPTY, Offset::START, Offset::START);
    while follower.next < end {
        let read = follower.read_private().await.map_err(|source| FollowError::Read { stream, source })?;
        let seen = follower.admit(read);
        for (_, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            let Some(fixed) = &record.fixed else { continue };
            last = (Head { sequence: fixed.sequence, hash: fixed.hash }, record.offset, record.next);
            if fixed.sequence == sequence {
                return Ok(last);
            }
        }
    }
    Ok(last)
}
