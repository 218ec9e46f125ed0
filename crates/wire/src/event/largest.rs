//! The sizes that `domain::size` counts with, against events and records that hold the largest values.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "tests: messages are made from descriptors"
)]

use loopledger_chain::RECORD_BYTES_MAX;
use loopledger_facts::size::{
    ANSWER_BYTES_MAX, ENVELOPE_BYTES_MAX, ORDER_LINES_MAX, RECORD_BYTES_MAX as DOMAIN_RECORD_BYTES_MAX,
    REPEATED_BYTES_MAX, REVERSAL_BYTES_MAX, bytes_max, typed_bytes_max,
};
use loopledger_facts::{Actor, AnswerRepeated, Event, procurement, station};
use loopledger_types::{
    Cause, CountyCode, Hash, Money, Quantity, RequestId, Service, StreamId, StreamSequence, Timestamp, UnitPrice,
};
use prost::Message as _;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::tests::events;
use super::{decode_event, encode_event, type_url};
use crate::request::{GRADE_MAX, LABEL_MAX, LINES_MAX, NUMBER_MAX};
use crate::{Draft, encode_commit};

/// Answers: their occasion leaves out what the device said.
const ANSWERS: &[&str] = &[
    "PurchaseAccepted",
    "PurchaseDeclined",
    "PayableOpened",
    "UpstreamIgnored",
    "GoodsReleased",
    "GoodsReturned",
    "GoodsTakenBack",
    "StockTakenIn",
    "StockReserved",
    "StockRefused",
    "ReservationReleased",
    "CancelRefused",
    "HandOverRefused",
    "OrderLineCancelled",
    "OrderLineStands",
    "OrderFulfilled",
];

/// Four bytes, as long as a character gets.
const LONG: &str = "𠮷";

/// The longest that the contracts and the checks of requests allow, with so many items in every list.
fn largest(kind: &MessageDescriptor, items: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    for oneof in kind.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let choices = oneof.fields().map(|field| {
            let mut choice = DynamicMessage::new(kind.clone());
            choice.set_field(&field, value(&field, items));
            (choice.encoded_len(), field)
        });
        let (_, field) = choices.max_by_key(|(len, _)| *len).unwrap();
        message.set_field(&field, value(&field, items));
    }
    for field in kind.fields().filter(|field| field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic())) {
        let value = if field.cardinality() == Cardinality::Repeated {
            // An answer that is repeated is never of nothing.
            let items = if field.name() == "answers" { items.max(1) } else { items };
            Value::List(vec![value(&field, items); items])
        } else {
            value(&field, items)
        };
        message.set_field(&field, value);
    }
    if ANSWERS.contains(&kind.name()) {
        let occasion = message.get_field_by_name_mut("occasion").unwrap().as_message_mut().unwrap();
        occasion.clear_field_by_name("occurred_at");
        occasion.clear_field_by_name("device_utc_offset_min");
    }
    message
}

fn value(field: &FieldDescriptor, items: usize) -> Value {
    match field.kind() {
        Kind::Message(kind) if kind.full_name() == "google.protobuf.Any" => Value::Message(longest_answer(field)),
        Kind::Message(kind) => Value::Message(largest(&kind, items)),
        Kind::Enum(kind) => Value::EnumNumber(kind.values().map(|value| value.number()).max().unwrap()),
        Kind::Bytes => {
            let len = if matches!(field.name(), "proof_hash" | "report_hash" | "head") { 32 } else { 16 };
            Value::Bytes(vec![0xff; len].into())
        }
        Kind::String => Value::String(LONG.repeat(match field.name() {
            "receipt_number" | "lot_label" | "number" | "code" | "test" | "laboratory_code" => NUMBER_MAX,
            "grade" => GRADE_MAX,
            "label" | "name" | "reason" | "finding" => LABEL_MAX,
            other => panic!("no limit is known for {other}"),
        })),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 if field.name() == "nanos" => Value::I32(999_999_999),
        // 2199-12-31.
        Kind::Int32 => Value::I32(84_005),
        // Minutes.
        Kind::Sint32 => Value::I32(-1_440),
        Kind::Uint32 => Value::U32(match field.name() {
            "pool" => u32::from(u16::MAX),
            "line" => u32::try_from(LINES_MAX).unwrap() - 1,
            "commission_bp" => 10_000,
            other => panic!("no limit is known for {other}"),
        }),
        Kind::Uint64 if field.name().contains("division") => Value::U64(659_999_999_999),
        Kind::Uint64 if field.name() == "live_weight_grams" => Value::U64(Quantity::MAX.0.cast_unsigned()),
        Kind::Uint64 => Value::U64(u64::MAX),
        // The year 1.
        Kind::Int64 if field.name() == "seconds" => Value::I64(-62_135_596_800),
        Kind::Int64 if field.name() == "e4" => Value::I64(UnitPrice::MAX_E4),
        // What is free of many lots.
        Kind::Int64 if field.name() == "available" => Value::I64(i64::MAX),
        Kind::Int64 => Value::I64(Quantity::MAX.0),
        // Sums of many amounts, either way.
        Kind::Sint64 => Value::I64(-3_000 * Money::MAX.0),
        other => panic!("events have no field of kind {other:?}: {}", field.full_name()),
    }
}

/// An event of the same service.
fn longest_answer(field: &FieldDescriptor) -> DynamicMessage {
    let package = field.parent_message().package_name().to_owned();
    let pool = field.parent_message().parent_pool().clone();
    let ignored = pool.get_message_by_name(&format!("{package}.UpstreamIgnored")).unwrap();
    let Kind::Message(any) = field.kind() else { panic!("not a message") };
    let mut message = DynamicMessage::new(any);
    message.set_field_by_name("type_url", Value::String(format!("type.googleapis.com/{}", ignored.full_name())));
    message.set_field_by_name("value", Value::Bytes(largest(&ignored, 0).encode_to_vec().into()));
    message
}

/// Every event at its longest, with so many items in every list.
fn all(items: usize) -> Vec<Event> {
    let event = |(url, service, kind): (&str, Service, MessageDescriptor)| {
        decode_event(service, url, &largest(&kind, items).encode_to_vec()).unwrap_or_else(|why| panic!("{url}: {why}"))
    };
    events().into_iter().map(event).collect()
}

fn named(name: &str, items: usize) -> Event {
    all(items).into_iter().find(|event| type_url(event).ends_with(&format!(".{name}"))).unwrap()
}

fn bytes(event: &Event) -> usize {
    let mut out = Vec::new();
    encode_event(event, &mut out);
    out.len()
}

/// The record of these events with everything else in it at its longest.
fn record(events: &[Event]) -> usize {
    let stream = |service| StreamId { service, county: CountyCode::TUOLI };
    let actor = Actor { subject: "x".repeat(36), role: "x".repeat(32) };
    let mut upstream: Vec<_> =
        Service::ALL.map(|service| StreamSequence { stream: stream(service), sequence: u64::MAX }).into();
    upstream.retain(|head| head.stream.service != Service::Distribution);
    upstream.sort_by_key(|head| head.stream.to_string());
    let mut out = Vec::new();
    encode_commit(
        &Draft {
            stream: stream(Service::Distribution),
            sequence: u64::MAX,
            previous_hash: Hash([0xff; 32]),
            request_id: RequestId([0xff; 16]),
            request_digest: [0xff; 32],
            cause: Some(Cause { stream: stream(Service::Procurement), sequence: u64::MAX, hash: Hash([0xff; 32]) }),
            actor: Some(&actor),
            recorded_at: Timestamp { seconds: 253_402_300_799, nanos: 999_999_999 },
            events,
            upstream: &upstream,
        },
        &mut out,
    );
    out.len()
}

/// The bytes of an event in a record or in a repeated answer, with its type.
fn typed(event: &Event) -> usize {
    let mut value = Vec::new();
    encode_event(event, &mut value);
    let any = prost_types::Any { type_url: type_url(event).to_owned(), value };
    prost::encoding::message::encoded_len(9, &any)
}

#[test]
fn every_event_is_within_its_bound_which_is_not_much_longer() {
    let mut wrong = Vec::new();
    for items in [0, 1, 2, 200] {
        for event in all(items) {
            let (bytes, bound) = (bytes(&event), bytes_max(&event));
            // Of what an answer repeats, the longest name of an event is counted.
            let slack = if event.repeated().is_some() { bytes / 4 } else { bytes / 20 };
            if bytes > bound || bound > bytes + slack + 16 {
                wrong.push(format!("{} of {items} items: {bytes} bytes, bound {bound}", type_url(&event)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_stands_around_events_is_within_its_bound() {
    assert_eq!(DOMAIN_RECORD_BYTES_MAX, RECORD_BYTES_MAX);
    for items in [0, 1, 200] {
        for event in all(items) {
            let name = type_url(&event).rsplit('.').next().unwrap();
            let envelope = record(std::slice::from_ref(&event)) - typed(&event);
            assert!((ENVELOPE_BYTES_MAX - 40..=ENVELOPE_BYTES_MAX).contains(&envelope), "{envelope}");
            let (around, bound) = (typed(&event) - bytes(&event), typed_bytes_max(name));
            assert!(around <= bound && bound <= around + 12, "{name}: {around} bytes, bound {bound}");
            // What a repeated answer holds is the same, and one more event around it.
            if event.repeated().is_none() && event.loss().is_none() {
                let repeated = AnswerRepeated { first: u64::MAX, answers: vec![event.clone()] };
                let service = Service::ALL.into_iter().find(|s| type_url(&event).contains(&format!(".{s}."))).unwrap();
                let added = typed(&repeated.of(service).unwrap()) - typed(&event);
                assert!(added <= REPEATED_BYTES_MAX, "{name}: {added}");
            }
        }
    }
}

/// A failed payout is a reversal: it embeds the payout and says why.
#[test]
fn a_reversal_adds_no_more_than_its_bound() {
    let Event::Procurement(procurement::Event::PayoutFailed(failed)) = named("PayoutFailed", 200) else {
        panic!("another event")
    };
    let made = Event::Procurement(procurement::Event::PayoutMade(failed.original.clone()));
    let added = bytes(&Event::Procurement(procurement::Event::PayoutFailed(failed))) - bytes(&made);
    assert!(added <= REVERSAL_BYTES_MAX, "{added}");
}

#[test]
fn the_longest_answer_to_an_order_fits_a_record_also_when_it_is_repeated() {
    assert_eq!(ORDER_LINES_MAX, LINES_MAX, "an order may have as many lines as any request");
    for (name, picks) in [("StockReserved", 1), ("StockRefused", 0), ("OrderLineCancelled", 0)] {
        let events = vec![named(name, picks); ORDER_LINES_MAX];
        assert!(record(&events) <= RECORD_BYTES_MAX, "{name}: {}", record(&events));
        let repeated = AnswerRepeated { first: u64::MAX, answers: events };
        let repeated = Event::Station(station::Event::AnswerRepeated(repeated));
        assert!(record(&[repeated]) <= ANSWER_BYTES_MAX + ENVELOPE_BYTES_MAX + REPEATED_BYTES_MAX, "{name}");
    }
}
