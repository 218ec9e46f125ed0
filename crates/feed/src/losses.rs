//! Reading a stream once for what it says of itself, without following it.

use loopledger_chain::Envelope;
use loopledger_domain::TailLost;
use loopledger_event_log::Offset;
use loopledger_types::{Head, StreamId};

use super::record::{Fixed, Record};
use super::{Feed, FollowError, Follower, LostTail, locate};

/// What `type_url`s of losses end with.
const TAIL_LOST: &str = ".TailLost";

/// Shows every admitted record from the beginning to the log's present end.
pub async fn walk(
    feed: &Feed,
    stream: StreamId,
    mut visit: impl FnMut(&Record, &Fixed) -> Result<(), FollowError>,
) -> Result<(), FollowError> {
    let end = locate::end(feed, stream).await?;
    // Reads for itself: it would push everybody else's records out of the cache.
    let mut follower = Follower::new(feed.clone(), stream, Head::EMPTY, Offset::START);
    while follower.next_offset() < end {
        let read = follower.read_private().await.map_err(|source| FollowError::Read { stream, source })?;
        let seen = follower.admit(read);
        for (_, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            if let Some(fixed) = &record.fixed {
                visit(record, fixed)?;
            }
        }
    }
    Ok(())
}

/// See [`Feed::losses`].
pub(crate) async fn losses(feed: &Feed, stream: StreamId) -> Result<Vec<TailLost>, FollowError> {
    let mut losses = Vec::new();
    walk(feed, stream, |record, fixed| {
        losses.extend(loss(record, fixed)?);
        Ok(())
    })
    .await?;
    Ok(losses)
}

/// See [`Feed::missing`].
pub(crate) async fn missing(feed: &Feed, stream: StreamId, sequence: u64) -> Result<Option<LostTail>, FollowError> {
    let (mut head, mut is_lost) = (0, false);
    walk(feed, stream, |record, fixed| {
        head = fixed.sequence;
        is_lost |= loss(record, fixed)?.is_some_and(|loss| loss.covers(sequence));
        Ok(())
    })
    .await?;
    let first = head.saturating_add(1);
    Ok((head < sequence && !is_lost).then_some(LostTail { stream, missing: first..=sequence }))
}

/// The loss that a record of the stream accepts, if it accepts one. Nothing else of it is decoded.
pub fn loss(record: &Record, fixed: &Fixed) -> Result<Option<TailLost>, FollowError> {
    let envelope = Envelope::decode(&record.value).ok();
    let is_loss = envelope.is_some_and(|commit| commit.events.iter().any(|event| event.type_url.ends_with(TAIL_LOST)));
    if !is_loss {
        return Ok(None);
    }
    let commit = record.commit().map_err(|source| FollowError::NotUnderstood { position: fixed.position(), source })?;
    Ok(commit.events.iter().find_map(loopledger_domain::Event::loss))
}
