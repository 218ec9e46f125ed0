//! Where a stream's commits stand in the log: resuming at a head, and finding out whether it is still there.

use loopledger_chain::{extends, leaf_hash};
use loopledger_event_log::{LogRecord, Offset, ReadError};
use loopledger_types::{Head, Position, StreamId};

use super::record::parse;
use super::{Feed, FollowError, Follower, LostTail, ReadTo};

/// The offset of a head's record, and of the record to read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    pub offset: Offset,
    pub next: Offset,
}

impl Stand {
    /// Before the first commit.
    const START: Self = Self { offset: Offset::START, next: Offset::START };
}

/// See [`Feed::resume`].
pub(crate) async fn resume(feed: Feed, stream: StreamId, head: Head, at: Offset) -> Result<Follower, FollowError> {
    if let Some((offset, next)) = feed.source(stream).stand(stream, head) {
        return Ok(Follower::behind(feed, stream, head, Stand { offset, next }));
    }
    if head == Head::EMPTY {
        return Ok(feed.follow(stream));
    }
    let end = end(&feed, stream).await?;
    let stand = find(&feed, stream, head, at, end).await?;
    Ok(Follower::behind(feed, stream, head, stand))
}

/// Where a follower that stood at `stand` goes on: behind its head, if that is in the log, and if nothing that it has
/// passed would have extended it.
pub(crate) async fn look(feed: Feed, stream: StreamId, head: Head, stand: Stand) -> Result<Stand, FollowError> {
    let end = end(&feed, stream).await?;
    let found = if head == Head::EMPTY { Stand::START } else { find(&feed, stream, head, stand.offset, end).await? };
    let is_where_it_was = found.offset == stand.offset && stand.next <= end;
    if is_where_it_was && !is_extended(&feed, stream, head, found.next, stand.next).await? {
        return Ok(stand);
    }
    Ok(found)
}

/// See [`Feed::has_read`].
pub(crate) async fn has_read(feed: &Feed, stream: StreamId, mark: &ReadTo) -> Result<bool, FollowError> {
    if end(feed, stream).await? < mark.next {
        return Ok(false);
    }
    let Some((at, hash)) = mark.last else { return Ok(true) };
    let Some(record) = stands_at(feed, stream, at).await? else { return Ok(false) };
    Ok(record.offset == at && leaf_hash(&record.value) == hash)
}

async fn find(feed: &Feed, stream: StreamId, head: Head, at: Offset, end: Offset) -> Result<Stand, FollowError> {
    if at < end
        && let Some(next) = record_at(feed, stream, head, at).await?
    {
        return Ok(Stand { offset: at, next });
    }
    tracing::warn!(%stream, sequence = head.sequence, offset = %at, "head not found at its offset, searching for it");
    search(feed, stream, head, end).await
}

/// The offset after the head's record, if it stands at `at`.
async fn record_at(feed: &Feed, stream: StreamId, head: Head, at: Offset) -> Result<Option<Offset>, FollowError> {
    let stands_there = |record: LogRecord| {
        let fixed = parse(&record.value, feed.log_partition(stream))?;
        let is_head = fixed.stream == stream && fixed.hash == head.hash && fixed.sequence == head.sequence;
        is_head.then_some(record.next)
    };
    Ok(stands_at(feed, stream, at).await?.and_then(stands_there))
}

/// The record that is read from `at` on. A log that cannot be read now says nothing about that.
async fn stands_at(feed: &Feed, stream: StreamId, at: Offset) -> Result<Option<LogRecord>, FollowError> {
    let read = match feed.log().read(stream.service.topic(), feed.partition(stream), at) {
        Ok(mut reader) => reader.next().await,
        Err(error) => Err(error),
    };
    match read.map_err(|source| FollowError::Read { stream, source }) {
        Err(error) if !error.is_transient() => Ok(None),
        read => Ok(read?.into_iter().next()),
    }
}

/// Whether a record from `from` up to `to` extends the head.
async fn is_extended(feed: &Feed, stream: StreamId, head: Head, from: Offset, to: Offset) -> Result<bool, FollowError> {
    let failed = |source| FollowError::Read { stream, source };
    if from >= to {
        return Ok(false);
    }
    let mut reader = feed.log().read(stream.service.topic(), feed.partition(stream), from).map_err(failed)?;
    loop {
        for record in reader.next().await.map_err(failed)? {
            if record.offset >= to {
                return Ok(false);
            }
            let fixed = parse(&record.value, feed.log_partition(stream)).filter(|fixed| fixed.stream == stream);
            if fixed.is_some_and(|fixed| extends(head, fixed.sequence, fixed.previous_hash).is_ok()) {
                return Ok(true);
            }
            if record.next >= to {
                return Ok(false);
            }
        }
    }
}

/// Reads the stream from its beginning up to `head`.
async fn search(feed: &Feed, stream: StreamId, head: Head, end: Offset) -> Result<Stand, FollowError> {
    let (found, stand) = at_sequence(feed, stream, head.sequence, end).await?;
    if found == head {
        return Ok(stand);
    }
    let first = if found.sequence < head.sequence { found.sequence.saturating_add(1) } else { head.sequence };
    Err(LostTail { stream, missing: first..=head.sequence }.into())
}

/// See [`Feed::contains`].
pub(crate) async fn contains(feed: Feed, position: Position) -> Result<bool, FollowError> {
    let end = end(&feed, position.stream).await?;
    let (found, _) = at_sequence(&feed, position.stream, position.sequence, end).await?;
    Ok(found == Head { sequence: position.sequence, hash: position.hash })
}

/// The admitted commit with this sequence, or the last before it.
async fn at_sequence(feed: &Feed, stream: StreamId, sequence: u64, end: Offset) -> Result<(Head, Stand), FollowError> {
    // Reads for itself: no other follower is likely to be there.
    let mut follower = Follower::new(feed.clone(), stream, Head::EMPTY, Offset::START);
    let mut last = (Head::EMPTY, Stand::START);
    while follower.next_offset() < end {
        let read = follower.read_private().await.map_err(|source| FollowError::Read { stream, source })?;
        let seen = follower.admit(read);
        for (_, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            let Some(fixed) = &record.fixed else { continue };
            let head = Head { sequence: fixed.sequence, hash: fixed.hash };
            last = (head, Stand { offset: record.offset, next: record.next });
            if fixed.sequence == sequence {
                return Ok(last);
            }
        }
    }
    Ok(last)
}

pub(crate) async fn end(feed: &Feed, stream: StreamId) -> Result<Offset, FollowError> {
    let end: Result<Offset, ReadError> = feed.log().end(stream.service.topic(), feed.partition(stream)).await;
    end.map_err(|source| FollowError::Read { stream, source })
}
