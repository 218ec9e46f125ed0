//! Appending what was lost, or the commit that accepts it.

use core::time::Duration;

use bytes::Bytes;
use loopledger_chain::leaf_hash;
use loopledger_domain::TailLost;
use loopledger_event_log::Record;
use loopledger_types::{Head, Key, Position, RequestId, Timestamp};
use loopledger_wire::{Draft, encode_commit};
use tokio::time::timeout;

use super::{Finding, RepairError};
use loopledger_feed::{Feed, Follower};

/// Records appended with one call.
const APPEND_RECORDS: usize = 512;

/// How long a confirmed append may take to be read back.
const READ_BACK_MAX: Duration = Duration::from_secs(30);

/// Appends the lost commits that are held, byte for byte. Their chain was checked; the head that is read back is
/// returned. Nothing is appended where other commits have taken their places: they would be void.
pub async fn append_again(feed: &Feed, finding: &Finding) -> Result<Option<Position>, RepairError> {
    let Some(loss) = &finding.loss else { return Ok(None) };
    let Some((sequence, record)) = loss.held.last() else { return Ok(None) };
    let target = Head { sequence: *sequence, hash: leaf_hash(record) };
    let records = loss.held.iter().map(|(_, record)| record.clone()).collect();
    append(feed, finding, records, target).await.map(Some)
}

/// Says in the stream that what is missing is lost, behind whatever the log has.
pub async fn accept(feed: &Feed, finding: &Finding, now: Timestamp) -> Result<Option<Position>, RepairError> {
    let Some(loss) = &finding.loss else { return Ok(None) };
    let stream = finding.stream;
    let said = TailLost { first: *loss.missing.start(), last: *loss.missing.end(), head: loss.head };
    let event = said.of(stream.service).ok_or(RepairError::NoSuchEvent { stream })?;
    let sequence = finding.in_log.sequence.saturating_add(1);
    let mut record = Vec::new();
    encode_commit(
        &Draft {
            stream,
            sequence,
            previous_hash: finding.in_log.hash,
            request_id: RequestId::for_loss(stream, loss.head),
            request_digest: [0; 32],
            cause: None,
            actor: None,
            recorded_at: now.max(finding.recorded_at),
            events: &[event],
            upstream: &[],
        },
        &mut record,
    );
    let target = Head { sequence, hash: leaf_hash(&record) };
    append(feed, finding, vec![Bytes::from(record)], target).await.map(Some)
}

async fn append(feed: &Feed, finding: &Finding, records: Vec<Bytes>, target: Head) -> Result<Position, RepairError> {
    let stream = finding.stream;
    let mut follower = feed.resume(stream, finding.in_log, finding.offset).await?;
    for chunk in records.chunks(APPEND_RECORDS) {
        let record = |value: &Bytes| Record { key: Key(stream.county), headers: Vec::new(), value: value.clone() };
        let records = chunk.iter().map(record).collect();
        for result in feed.log().append(stream.service.topic(), feed.partition(stream), records).await {
            result.map_err(|source| RepairError::Append { stream, source })?;
        }
    }
    let read_back = timeout(READ_BACK_MAX, read_to(&mut follower, target.sequence)).await;
    read_back.map_err(|_| RepairError::NotReadBack { stream })??;
    if follower.head() == target {
        Ok(Position { stream, sequence: target.sequence, hash: target.hash })
    } else {
        Err(RepairError::NotReadBack { stream })
    }
}

async fn read_to(follower: &mut Follower, sequence: u64) -> Result<(), RepairError> {
    while follower.head().sequence < sequence {
        follower.next_seen().await?;
    }
    Ok(())
}
