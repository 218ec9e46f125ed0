//! Comparing the log with what stores remember of it.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_chain::{Envelope, leaf_hash};
use loopledger_domain::TailLost;
use loopledger_event_log::Offset;
use loopledger_state_store::TailRecord;
use loopledger_types::{CountyCode, Hash, Head, Service, StreamId, Timestamp};

use super::{Finding, Loss, RepairError, Sighting, Standing, Witness};
use crate::feed::{Feed, loss, walk};

/// Compares every stream of the county. `accepting`: a loss that the stream accepted explains every missing commit whose
/// sequence it covers, not only the newest one, which alone it names by hash.
pub async fn examine(
    feed: &Feed,
    county: CountyCode,
    witnesses: &[Witness],
    accepting: bool,
) -> Result<Vec<Finding>, RepairError> {
    let mut findings = Vec::new();
    for service in Service::ALL {
        findings.push(examine_stream(feed, StreamId { service, county }, witnesses, accepting).await?);
    }
    Ok(findings)
}

/// A raw record, checked.
struct Link {
    sequence: u64,
    previous: Hash,
    hash: Hash,
}

/// What the log says of a stream.
struct InLog {
    head: Head,
    offset: Offset,
    recorded_at: Timestamp,
    /// Of the sequences that stores know.
    hashes: BTreeMap<u64, Hash>,
    /// With where each was said.
    losses: Vec<(Head, TailLost)>,
}

async fn examine_stream(
    feed: &Feed,
    stream: StreamId,
    witnesses: &[Witness],
    accepting: bool,
) -> Result<Finding, RepairError> {
    let (tail, links) = newest_tail(stream, witnesses)?;
    let seen = || witnesses.iter().flat_map(|witness| witness.heads.iter().map(move |head| (witness, head)));
    let seen = || seen().filter(|(_, head)| head.stream == stream);
    let mut wanted: BTreeSet<u64> = seen().map(|(_, head)| head.sequence).collect();
    wanted.extend(links.iter().map(|link| link.sequence));
    wanted.extend(links.first().map(|link| link.sequence.saturating_sub(1)));
    let log = read(feed, stream, &wanted).await?;
    let sightings: Vec<Sighting> = seen()
        .map(|(witness, head)| {
            let known = Head { sequence: head.sequence, hash: head.hash };
            let own = (witness.owner == Some(stream)).then_some(links.as_slice());
            let standing = log.standing(known, own, accepting);
            Sighting { witness: witness.name.clone(), head: known, standing }
        })
        .collect();
    let loss = find_loss(&log, &sightings, &links, tail);
    Ok(Finding { stream, in_log: log.head, recorded_at: log.recorded_at, offset: log.offset, seen: sightings, loss })
}

/// The raw records that reach furthest, and what they say.
fn newest_tail(stream: StreamId, witnesses: &[Witness]) -> Result<(&[TailRecord], Vec<Link>), RepairError> {
    let owners = witnesses.iter().filter(|witness| witness.owner == Some(stream));
    let Some(witness) = owners.max_by_key(|witness| witness.tail.last().map(|(sequence, _)| *sequence)) else {
        return Ok((&[], Vec::new()));
    };
    let mut links: Vec<Link> = Vec::with_capacity(witness.tail.len());
    for (sequence, record) in &witness.tail {
        let damaged = || RepairError::Damaged { witness: witness.name.clone(), stream, sequence: *sequence };
        let envelope = Envelope::decode(record).map_err(|_| damaged())?;
        let follows = links.last().is_none_or(|before| {
            before.sequence.checked_add(1) == Some(*sequence) && before.hash == envelope.previous_hash
        });
        if envelope.stream != stream || envelope.sequence != *sequence || !follows {
            return Err(damaged());
        }
        links.push(Link { sequence: *sequence, previous: envelope.previous_hash, hash: leaf_hash(record) });
    }
    Ok((&witness.tail, links))
}

async fn read(feed: &Feed, stream: StreamId, wanted: &BTreeSet<u64>) -> Result<InLog, RepairError> {
    let mut log = InLog {
        head: Head::EMPTY,
        offset: Offset::START,
        recorded_at: Timestamp { seconds: 1, nanos: 0 },
        hashes: BTreeMap::new(),
        losses: Vec::new(),
    };
    let mut last = None;
    walk(feed, stream, |record, fixed| {
        log.head = Head { sequence: fixed.sequence, hash: fixed.hash };
        log.offset = record.offset;
        if wanted.contains(&fixed.sequence) {
            log.hashes.insert(fixed.sequence, fixed.hash);
        }
        log.losses.extend(loss(record, fixed)?.map(|loss| (log.head, loss)));
        last = Some(record.value.clone());
        Ok(())
    })
    .await?;
    if wanted.contains(&0) {
        log.hashes.insert(0, Hash::ZERO);
    }
    let head = last.as_deref().and_then(|record| Envelope::decode(record).ok());
    log.recorded_at = head.map_or(log.recorded_at, |envelope| envelope.recorded_at);
    Ok(log)
}

impl InLog {
    fn has(&self, head: Head) -> bool {
        self.hashes.get(&head.sequence) == Some(&head.hash)
    }

    /// `own`: the raw records of the store that has seen it, if it is the stream's own.
    fn standing(&self, head: Head, own: Option<&[Link]>, accepting: bool) -> Standing {
        if self.has(head) {
            return Standing::InLog;
        }
        let accepted = self.losses.iter().any(|(said, loss)| {
            if loss.last == head.sequence && loss.head == head.hash {
                return true;
            }
            // A store that went on from the loss has lost something else since.
            let went_on = own.is_some_and(|links| links.iter().any(|link| link.hash == said.hash));
            accepting && loss.covers(head.sequence) && !went_on
        });
        if accepted { Standing::Accepted } else { Standing::Lost }
    }
}

fn find_loss(log: &InLog, sightings: &[Sighting], links: &[Link], tail: &[TailRecord]) -> Option<Loss> {
    let lost = || sightings.iter().filter(|seen| seen.standing == Standing::Lost).map(|seen| seen.head);
    let (earliest, newest) = (lost().min()?, lost().max_by_key(|head| head.sequence)?);
    // The last commit that the log and the raw records have in common.
    let common = links.iter().rev().find(|link| log.hashes.get(&link.sequence) == Some(&link.hash));
    let common = common.map(|link| link.sequence).or_else(|| {
        let first = links.first()?;
        let before = first.sequence.saturating_sub(1);
        (log.hashes.get(&before) == Some(&first.previous)).then_some(before)
    });
    let first = common.map_or_else(|| first_missing(log, sightings, earliest), |common| common.saturating_add(1));
    let continues = common.map_or(log.head.sequence < earliest.sequence, |common| common == log.head.sequence);
    let can_append = common.is_some() && continues;
    let held = tail.iter().filter(|(sequence, _)| can_append && *sequence >= first).cloned().collect();
    let replaced_from = (!continues).then_some(first);
    Some(Loss { missing: first..=newest.sequence, head: newest.hash, replaced_from, held })
}

/// Without raw records to compare, the first sequence that may be missing: if others have taken places, any behind the
/// newest that is known to be there.
fn first_missing(log: &InLog, sightings: &[Sighting], earliest: Head) -> u64 {
    if log.head.sequence < earliest.sequence {
        return log.head.sequence.saturating_add(1);
    }
    let stands = sightings.iter().filter(|seen| seen.standing == Standing::InLog).map(|seen| seen.head.sequence);
    let before = stands.filter(|sequence| *sequence < earliest.sequence).max().unwrap_or(0);
    before.saturating_add(1)
}
