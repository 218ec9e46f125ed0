//! Bytes and envelopes correspond one to one.

use loopledger_chain::{ActorRef, AnyRef, Envelope, compare_stream_names};
use loopledger_types::{Cause, CountyCode, Hash, Service, StreamId, StreamSequence, Timestamp};
use proptest::prelude::*;

use crate::raw::{Commit, ZEROS};

/// An envelope that owns its text.
#[derive(Debug, Clone)]
struct Owned {
    stream: StreamId,
    sequence: u64,
    previous_hash: [u8; 32],
    request_id: String,
    request_digest: [u8; 32],
    cause: Option<Cause>,
    actor: Option<(String, String)>,
    recorded_at: Timestamp,
    events: Vec<(String, Vec<u8>)>,
    upstream: Vec<StreamSequence>,
}

impl Owned {
    fn borrow(&self) -> Envelope<'_> {
        Envelope {
            stream: self.stream,
            sequence: self.sequence,
            previous_hash: Hash(self.previous_hash),
            request_id: &self.request_id,
            request_digest: self.request_digest,
            cause: self.cause,
            actor: self.actor.as_ref().map(|(subject, role)| ActorRef { subject, role }),
            recorded_at: self.recorded_at,
            events: self.events.iter().map(|(type_url, value)| AnyRef { type_url, value }).collect(),
            upstream: self.upstream.clone(),
        }
    }
}

fn stream() -> impl Strategy<Value = StreamId> {
    (0..5_usize, 100_000..=999_999_u32).prop_map(|(service, county)| StreamId {
        service: Service::ALL[service],
        county: CountyCode::parse(&county.to_string()).unwrap(),
    })
}

/// Every size of varint, not only the large ones.
fn sequence() -> impl Strategy<Value = u64> {
    (0..64_u32, any::<u64>()).prop_map(|(shift, bits)| (bits >> shift).max(1))
}

fn recorded_at() -> impl Strategy<Value = Timestamp> {
    let seconds = prop_oneof![0..3_i64, 0..=253_402_300_799_i64];
    let nanos = prop_oneof![Just(0_u32), 0..1_000_000_000_u32];
    (seconds, nanos).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos: nanos.max(u32::from(seconds == 0)) })
}

fn envelope() -> impl Strategy<Value = Owned> {
    let request_id = prop_oneof!["[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", ".{0,9}"];
    let cause = (stream(), sequence(), any::<[u8; 32]>()).prop_map(|(stream, sequence, hash)| Cause {
        stream,
        sequence,
        hash: Hash(hash),
    });
    let event = (".{1,9}", prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(name, value)| (format!("type.googleapis.com/{name}"), value));
    let upstream = prop::collection::vec((stream(), sequence()), 0..5).prop_map(|heads| {
        let mut heads: Vec<_> =
            heads.into_iter().map(|(stream, sequence)| StreamSequence { stream, sequence }).collect();
        heads.sort_by_key(|head| head.stream.to_string());
        heads.dedup_by_key(|head| head.stream);
        heads
    });
    let origin = (stream(), sequence(), any::<[u8; 32]>(), request_id, any::<[u8; 32]>());
    let by = (prop::option::of(cause), prop::option::of((".{1,9}", ".{0,9}")));
    (origin, by, recorded_at(), prop::collection::vec(event, 1..4), upstream).prop_map(
        |(
            (stream, sequence, previous_hash, request_id, request_digest),
            (cause, actor),
            recorded_at,
            events,
            upstream,
        )| {
            Owned {
                stream,
                sequence,
                previous_hash,
                request_id,
                request_digest,
                cause,
                actor,
                recorded_at,
                events,
                upstream,
            }
        },
    )
}

fn encoded(envelope: &Envelope<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    envelope.encode(&mut out);
    out
}

/// Whatever the bytes are: not canonical, or exactly what its envelope encodes to.
fn one_to_one(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(envelope) = Envelope::decode(bytes) {
        prop_assert_eq!(encoded(&envelope), bytes);
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_envelope_survives_its_bytes(owned in envelope()) {
        let envelope = owned.borrow();
        let bytes = encoded(&envelope);
        prop_assert_eq!(Envelope::decode(&bytes), Ok(envelope));
    }

    #[test]
    fn a_record_cut_short_is_no_envelope_or_another(owned in envelope(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&owned.borrow());
        one_to_one(&bytes[..cut.index(bytes.len())])?;
    }

    #[test]
    fn a_changed_byte_makes_no_envelope_or_another(
        owned in envelope(), place in any::<prop::sample::Index>(), flip in 1..=255_u8,
    ) {
        let mut bytes = encoded(&owned.borrow());
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        one_to_one(&bytes)?;
    }

    #[test]
    fn an_inserted_or_lost_byte_makes_no_envelope_or_another(
        owned in envelope(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encoded(&owned.borrow());
        let place = place.index(bytes.len());
        bytes.insert(place, byte);
        one_to_one(&bytes)?;
        bytes.remove(place);
        bytes.remove(place);
        one_to_one(&bytes)?;
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        one_to_one(&bytes)?;
    }

    #[test]
    fn stream_names_are_compared_as_text(a in stream(), b in stream()) {
        prop_assert_eq!(compare_stream_names(a, b), a.to_string().cmp(&b.to_string()));
    }
}

#[test]
fn every_single_byte_mutation_makes_no_envelope_or_another() {
    let record = Commit::full("station/654224", 1, ZEROS).bytes();
    for place in 0..record.len() {
        for flip in 1..=255_u8 {
            let mut mutant = record.clone();
            mutant[place] ^= flip;
            if let Ok(envelope) = Envelope::decode(&mutant) {
                assert_eq!(encoded(&envelope), mutant, "byte {place} ^ {flip:#x}");
            }
        }
    }
}

#[test]
fn upstream_heads_are_written_in_the_order_of_names_whatever_order_they_come_in() {
    let record = Commit::full("station/654224", 1, ZEROS).bytes();
    let mut envelope = Envelope::decode(&record).unwrap();
    envelope.upstream.reverse();
    assert_eq!(encoded(&envelope), record);
}

#[test]
fn encoding_appends() {
    let record = Commit::new("station/654224", 1, ZEROS).bytes();
    let mut out = b"before".to_vec();
    Envelope::decode(&record).unwrap().encode(&mut out);
    assert_eq!(out, [b"before", &record[..]].concat());
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "an envelope that is no commit")]
fn an_envelope_that_is_no_commit_is_a_bug_of_who_encodes_it() {
    let record = Commit::new("station/654224", 1, ZEROS).bytes();
    let envelope = Envelope { sequence: 0, ..Envelope::decode(&record).unwrap() };
    encoded(&envelope);
}
