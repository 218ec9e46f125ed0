//! Comparing the log with what stores remember of it.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_chain::{Envelope, leaf_hash};
use loopledger_domain::TailLost;
use loopledger_event_log::Offset;
use loopledger_state_store::TailRecord;
use loopledger_types::{CountyCode, Hash, Head, Service, StreamId, Timestamp};

use super::references::{self, Reference};
use super::{Finding, Loss, RepairError, Sighting, Standing, Witness};
use loopledger_feed::{Feed, loss, walk};

/// Compares every stream of the county. `accepting`: a loss that the stream accepted explains every missing commit whose
/// sequence it covers, not only the newest one, which alone it names by hash.
pub async fn examine(
    feed: &Feed,
    county: CountyCode,
    witnesses: &[Witness],
    accepting: bool,
) -> Result<Vec<Finding>, RepairError> {
    let mut looks = Vec::new();
    for stream in Service::ALL.map(|service| StreamId { service, county }) {
        let (tail, links) = newest_tail(stream, witnesses)?;
        let mut wanted: BTreeSet<u64> = seen(stream, witnesses).map(|(_, head)| head.sequence).collect();
        wanted.extend(links.iter().map(|link| link.sequence));
        wanted.extend(links.first().map(|link| link.sequence.saturating_sub(1)));
        looks.push(Look { stream, tail, links, log: read(feed, stream, &wanted).await? });
    }
    let named = references::missing(feed, &looks).await?;
    Ok(looks.into_iter().map(|look| look.finding(witnesses, &named, accepting)).collect())
}

/// One stream, as its log and its own store have it.
pub(super) struct Look<'a> {
    pub(super) stream: StreamId,
    tail: &'a [TailRecord],
    links: Vec<Link>,
    pub(super) log: InLog,
}

/// The newest commits of a stream that stores have seen.
fn seen(stream: StreamId, witnesses: &[Witness]) -> impl Iterator<Item = (&Witness, Head)> {
    let all = witnesses.iter().flat_map(|witness| witness.heads.iter().map(move |head| (witness, head)));
    let all = all.filter(move |(_, head)| head.stream == stream);
    all.map(|(witness, head)| (witness, Head { sequence: head.sequence, hash: head.hash }))
}

impl Look<'_> {
    fn finding(self, witnesses: &[Witness], named: &[Reference], accepting: bool) -> Finding {
        let stores = seen(self.stream, witnesses).map(|(witness, head)| {
            let own = (witness.owner == Some(self.stream)).then_some(self.links.as_slice());
            let standing = self.log.standing(head, own, accepting);
            Sighting { witness: witness.name.clone(), head, standing }
        });
        let named = named.iter().filter(|reference| reference.to == self.stream);
        let cited = named.map(|reference| Sighting {
            witness: format!("log/{}", reference.from.service),
            head: reference.newest,
            standing: Standing::Lost,
        });
        let recalled = witnesses.iter().flat_map(|witness| witness.named.iter().map(move |named| (witness, named)));
        let recalled = recalled.filter(|(_, named)| named.stream == self.stream && named.sequence > 0);
        let recalled = recalled.filter(|(_, named)| !self.log.explains(named.sequence, None));
        let recalled = recalled.map(|(witness, named)| Sighting {
            witness: witness.name.clone(),
            head: Head { sequence: named.sequence, hash: Hash::ZERO },
            standing: Standing::Lost,
        });
        let seen: Vec<Sighting> = stores.chain(cited).chain(recalled).collect();
        let loss = find_loss(&self.log, &seen, &self.links, self.tail);
        let InLog { head: in_log, offset, recorded_at, .. } = self.log;
        Finding { stream: self.stream, in_log, recorded_at, offset, seen, loss }
    }
}

/// A raw record, checked.
struct Link {
    sequence: u64,
    previous: Hash,
    hash: Hash,
}

/// What the log says of a stream.
pub(super) struct InLog {
    pub(super) head: Head,
    offset: Offset,
    recorded_at: Timestamp,
    /// Of the sequences that stores know.
    hashes: BTreeMap<u64, Hash>,
    /// The first bytes of every hash: all of them whole would fill the memory with a county's years.
    prints: Vec<u64>,
    /// With where each was said.
    losses: Vec<(Head, TailLost)>,
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
        prints: Vec::new(),
        losses: Vec::new(),
    };
    let mut last = None;
    walk(feed, stream, |record, fixed| {
        log.head = Head { sequence: fixed.sequence, hash: fixed.hash };
        log.offset = record.offset;
        log.prints.push(print(fixed.hash));
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

/// Enough of a hash to tell two honest ones apart.
fn print(hash: Hash) -> u64 {
    hash.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

impl InLog {
    /// Whether the log has the commit, or one of the stream's losses may be its.
    pub(super) fn explains(&self, sequence: u64, hash: Option<Hash>) -> bool {
        let at = sequence.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let found = at.and_then(|at| self.prints.get(at)).copied();
        found.is_some_and(|found| hash.is_none_or(|hash| print(hash) == found))
            || self.losses.iter().any(|(_, loss)| loss.covers(sequence))
    }

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

/// How the raw records of the stream's own store meet the log.
enum Meeting {
    /// There are none, or they end within the log, or begin behind it: they say nothing of what is missing.
    Silent,
    /// They leave the log behind this sequence.
    Leave(u64),
    /// The log has other commits where they begin, at this sequence.
    Apart(u64),
}

fn meet(log: &InLog, links: &[Link]) -> Meeting {
    let (Some(first), Some(newest)) = (links.first(), links.last()) else { return Meeting::Silent };
    let in_log = |link: &&Link| log.hashes.get(&link.sequence) == Some(&link.hash);
    let before = first.sequence.saturating_sub(1);
    match links.iter().rev().find(in_log) {
        Some(common) if common.sequence == newest.sequence => Meeting::Silent,
        Some(common) => Meeting::Leave(common.sequence),
        None if log.hashes.get(&before) == Some(&first.previous) => Meeting::Leave(before),
        None if first.sequence <= log.head.sequence => Meeting::Apart(first.sequence),
        None => Meeting::Silent,
    }
}

fn find_loss(log: &InLog, sightings: &[Sighting], links: &[Link], tail: &[TailRecord]) -> Option<Loss> {
    let lost = || sightings.iter().filter(|seen| seen.standing == Standing::Lost).map(|seen| seen.head);
    let (earliest, newest) = (lost().min()?, lost().max_by_key(|head| (head.sequence, head.hash))?);
    // What is known to stand below: if others have taken places, any behind it may be theirs.
    let stands_below = |sequence: u64| {
        let stands = sightings.iter().filter(|seen| seen.standing == Standing::InLog).map(|seen| seen.head.sequence);
        stands.filter(|stands| *stands < sequence).max().unwrap_or(0)
    };
    let (common, continues) = match meet(log, links) {
        Meeting::Leave(common) => (common, common == log.head.sequence),
        Meeting::Apart(from) => (stands_below(from.min(earliest.sequence)), false),
        Meeting::Silent if log.head.sequence < earliest.sequence => (log.head.sequence, true),
        Meeting::Silent => (stands_below(earliest.sequence), false),
    };
    let first = common.saturating_add(1);
    // Only what goes on from the log's very head is not void.
    let goes_on = links.iter().any(|link| link.sequence == first && link.previous == log.head.hash);
    let held = tail.iter().filter(|(sequence, _)| continues && goes_on && *sequence >= first).cloned().collect();
    let replaced_from = (!continues).then_some(first);
    Some(Loss { missing: first..=newest.sequence, head: newest.hash, replaced_from, held })
}
