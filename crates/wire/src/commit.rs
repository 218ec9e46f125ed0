//! Commits: an admitted envelope with its events understood, and a decision as the bytes of a record.

use core::fmt::Write as _;

use loopledger_chain::{ActorRef, AnyRef, Envelope};
use loopledger_domain::{Actor, Commit, Event};
use loopledger_types::{Cause, Hash, RequestId, StreamId, StreamSequence, Timestamp, parse_uuid};

use crate::event::{decode_event, encode_event, type_url};

/// An admitted commit that this version cannot read: its stream halts here, and nothing is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{type_url}: {reason}")]
pub struct NotUnderstood {
    /// The event's type, or the commit's own where the envelope says something that cannot be.
    pub type_url: String,
    /// One English sentence.
    pub reason: String,
}

/// Reads the events of an admitted envelope. `hash` is the leaf hash of the record that it was decoded from.
pub fn decode_commit(envelope: &Envelope<'_>, hash: Hash) -> Result<Commit, NotUnderstood> {
    let request_id = parse_uuid(envelope.request_id).map(RequestId).map_err(|error| NotUnderstood {
        type_url: "loopledger.commit.v1.Commit".to_owned(),
        reason: format!("request_id: {error}"),
    })?;
    let mut events = Vec::with_capacity(envelope.events.len());
    for AnyRef { type_url, value } in &envelope.events {
        let event = decode_event(envelope.stream.service, type_url, value)
            .map_err(|reason| NotUnderstood { type_url: (*type_url).to_owned(), reason })?;
        events.push(event);
    }
    Ok(Commit {
        stream: envelope.stream,
        sequence: envelope.sequence,
        hash,
        request_id,
        request_digest: envelope.request_digest,
        cause: envelope.cause,
        actor: envelope.actor.map(|actor| Actor { subject: actor.subject.to_owned(), role: actor.role.to_owned() }),
        recorded_at: envelope.recorded_at,
        events,
        upstream: envelope.upstream.clone(),
    })
}

/// A decision about to become a commit.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    pub stream: StreamId,
    /// 1.. without gaps.
    pub sequence: u64,
    /// Of the commit before; zero for sequence 1.
    pub previous_hash: Hash,
    pub request_id: RequestId,
    /// Zero for reactions and timers.
    pub request_digest: [u8; 32],
    pub cause: Option<Cause>,
    pub actor: Option<&'a Actor>,
    /// After 1970, never before the commit before.
    pub recorded_at: Timestamp,
    /// At least one, of the stream's own service.
    pub events: &'a [Event],
    /// Ascending by the streams' names; only those that moved.
    pub upstream: &'a [StreamSequence],
}

/// Appends the canonical bytes of the record.
pub fn encode_commit(draft: &Draft<'_>, out: &mut Vec<u8>) {
    // All bodies in one buffer, so that a commit costs two allocations, not one per event.
    let mut bodies = Vec::with_capacity(draft.events.len().saturating_mul(256));
    let mut ends = Vec::with_capacity(draft.events.len());
    for event in draft.events {
        encode_event(event, &mut bodies);
        ends.push(bodies.len());
    }
    let mut rest = bodies.as_slice();
    let mut taken = 0_usize;
    let mut events = Vec::with_capacity(draft.events.len());
    for (event, end) in draft.events.iter().zip(ends) {
        let (value, after) = rest.split_at(end.saturating_sub(taken));
        (rest, taken) = (after, end);
        events.push(AnyRef { type_url: type_url(event), value });
    }
    let mut request_id = String::with_capacity(36);
    write!(request_id, "{}", draft.request_id).expect("writing to a string does not fail");
    Envelope {
        stream: draft.stream,
        sequence: draft.sequence,
        previous_hash: draft.previous_hash,
        request_id: &request_id,
        request_digest: draft.request_digest,
        cause: draft.cause,
        actor: draft.actor.map(|actor| ActorRef { subject: &actor.subject, role: &actor.role }),
        recorded_at: draft.recorded_at,
        events,
        upstream: draft.upstream.to_vec(),
    }
    .encode(out);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]

    use loopledger_chain::leaf_hash;
    use loopledger_types::{CountyCode, Service};

    use super::*;

    const STREAM: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };

    fn commit(events: &[Event]) -> (Vec<u8>, Commit) {
        let procurement = StreamId { service: Service::Procurement, county: CountyCode::TUOLI };
        let actor = Actor { subject: "station-0207".to_owned(), role: "station_operator".to_owned() };
        let cause = Cause { stream: procurement, sequence: 3, hash: Hash([3; 32]) };
        let upstream = [StreamSequence { stream: procurement, sequence: 9 }];
        let draft = Draft {
            stream: STREAM,
            sequence: 7,
            previous_hash: Hash([9; 32]),
            request_id: RequestId([0x8a; 16]),
            request_digest: [0; 32],
            cause: Some(cause),
            actor: Some(&actor),
            recorded_at: Timestamp { seconds: 1_585_670_400, nanos: 1 },
            events,
            upstream: &upstream,
        };
        let mut record = Vec::new();
        encode_commit(&draft, &mut record);
        let commit = Commit {
            stream: STREAM,
            sequence: 7,
            hash: leaf_hash(&record),
            request_id: RequestId([0x8a; 16]),
            request_digest: [0; 32],
            cause: Some(cause),
            actor: Some(actor.clone()),
            recorded_at: draft.recorded_at,
            events: events.to_vec(),
            upstream: upstream.to_vec(),
        };
        (record, commit)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let events: Vec<Event> =
            crate::event::samples().into_iter().filter(|event| matches!(event, Event::Station(_))).collect();
        assert!(events.len() > 10);
        let (record, expected) = commit(&events);
        let envelope = Envelope::decode(&record).unwrap();
        assert_eq!(envelope.previous_hash, Hash([9; 32]));
        assert_eq!(decode_commit(&envelope, leaf_hash(&record)), Ok(expected));
    }

    #[test]
    fn the_contract_of_the_envelope_is_the_chain_s_own_codec() {
        use prost::Message as _;
        let (record, _) = commit(&crate::event::samples()[..3]);
        let decoded = loopledger_proto::commit::v1::Commit::decode(record.as_slice()).unwrap();
        assert_eq!(decoded.encode_to_vec(), record);
    }

    #[test]
    fn another_service_s_event_is_not_understood() {
        let event = crate::event::samples().into_iter().find(|event| matches!(event, Event::Sales(_)));
        let (record, _) = commit(&[event.unwrap()]);
        let error = decode_commit(&Envelope::decode(&record).unwrap(), leaf_hash(&record)).unwrap_err();
        assert_eq!(error.reason, "not an event of station");
        assert!(error.type_url.starts_with("type.googleapis.com/loopledger.sales.event.v1."));
    }

    /// `MEASURE=1 cargo test --release -p loopledger-wire -- --nocapture a_commit` prints the cost of reading one.
    #[test]
    fn a_commit_of_common_size_is_read_quickly() {
        let events: Vec<Event> = crate::event::samples()
            .into_iter()
            .filter(|event| matches!(event, Event::Station(loopledger_domain::station::Event::GoodsReleased(_))))
            .collect();
        let (record, expected) = commit(&events);
        let rounds = if std::env::var_os("MEASURE").is_some() { 1_000_000_u32 } else { 1_000 };
        let hash = leaf_hash(&record);
        let envelope = Envelope::decode(&record).unwrap();
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            let commit = decode_commit(std::hint::black_box(&envelope), hash).unwrap();
            std::hint::black_box(&commit);
        }
        println!("{} bytes: {:?} each", record.len(), start.elapsed() / rounds);
        assert_eq!(decode_commit(&envelope, hash), Ok(expected));
    }
}
