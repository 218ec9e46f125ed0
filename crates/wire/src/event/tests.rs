//! The codec against the contracts: samples are made from the descriptors by another protobuf implementation.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "tests: samples are cut out of random numbers"
)]

use std::fmt::Write as _;
use std::path::Path;

use loopledger_dice::Dice;
use loopledger_types::{Service, hex};
use prost::Message as _;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};

use super::shapes;
use super::{TYPE_URLS, decode_event, encode_event, type_url};
use crate::codec::{Layout, PRICE};

/// Small, large and extreme numbers alike.
fn number(dice: &mut Dice) -> u64 {
    match dice.below(8) {
        0 => 0,
        1 => u64::MAX,
        2 => i64::MIN.cast_unsigned(),
        3 => dice.below(128),
        _ => {
            let bits = dice.below(64);
            dice.roll() >> bits
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Fill {
    /// Everything that may be absent is.
    Least,
    /// Everything is there, lists have two items.
    Most,
    Any,
}

/// What may be absent, besides `optional` fields and lists.
const MAY_BE_ABSENT: &[&str] = &[
    "Occasion.occurred_at",
    "Outright.contract",
    "AgreedPrice.contract",
    "Commission.contract",
    "Commission.price_basis",
    "CommissionTerms.price_basis",
    "Title.consigned",
    "BuyerRef.party",
    "PurchaseAccepted.contract",
    "PayoutMade.proof_hash",
    "PayoutMade.received_by",
    "GoodsCollected.member",
    "GoodsInspected.report_hash",
    "GoodsCollected.same_number_as",
    "OrderPlaced.same_number_as",
    "OrderLineCancelled.refusal",
];

fn sample(kind: &MessageDescriptor, fill: Fill, dice: &mut Dice) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    for oneof in kind.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let choices: Vec<_> = oneof.fields().collect();
        let chosen = &choices[dice.below(choices.len() as u64) as usize];
        message.set_field(chosen, value(chosen, fill, dice));
    }
    for field in kind.fields().filter(|field| field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic())) {
        let name = format!("{}.{}", kind.name(), field.name());
        let optional = field.containing_oneof().is_some() || MAY_BE_ABSENT.contains(&name.as_str());
        let absent = match fill {
            Fill::Least => true,
            Fill::Most => false,
            Fill::Any => dice.below(2) == 0,
        };
        if optional && absent {
            continue;
        }
        if field.cardinality() == Cardinality::Repeated {
            let len = match fill {
                Fill::Least => 0,
                Fill::Most => 2,
                Fill::Any => dice.below(4),
            };
            // An answer that is repeated is never of nothing.
            let len = if field.name() == "answers" { len.max(1) } else { len };
            message.set_field(&field, Value::List((0..len).map(|_| value(&field, fill, dice)).collect()));
        } else {
            message.set_field(&field, value(&field, fill, dice));
        }
    }
    message
}

fn value(field: &FieldDescriptor, fill: Fill, dice: &mut Dice) -> Value {
    let division = || [654_224, 654_224_202, 654_224_202_207, 110_101];
    let texts = ["", "a", "巴什拜羊 2020-0001", "过磅单"];
    match field.kind() {
        Kind::Message(kind) if kind.full_name() == "google.protobuf.Any" => Value::Message(answer(field, dice)),
        Kind::Message(kind) => Value::Message(sample(&kind, fill, dice)),
        Kind::Enum(kind) => Value::EnumNumber(1 + dice.below(kind.values().len() as u64 - 1) as i32),
        Kind::Bytes => {
            let len = if matches!(field.name(), "proof_hash" | "report_hash" | "head") { 32 } else { 16 };
            Value::Bytes((0..len).map(|_| dice.roll() as u8).collect::<Vec<_>>().into())
        }
        Kind::String => Value::String(texts[dice.below(4) as usize].to_owned()),
        Kind::Bool => Value::Bool(dice.below(2) == 1),
        Kind::Int32 if field.name() == "nanos" => Value::I32(dice.below(1_000_000_000) as i32),
        Kind::Int32 => Value::I32(10_957 + dice.below(73_049) as i32),
        Kind::Sint32 => Value::I32(i32::from(number(dice) as i16)),
        Kind::Uint32 if field.name() == "pool" => Value::U32(u32::from(number(dice) as u16)),
        Kind::Uint32 => Value::U32(number(dice) as u32),
        Kind::Uint64 if field.name().contains("division") => Value::U64(division()[dice.below(4) as usize]),
        Kind::Uint64 => Value::U64(number(dice)),
        Kind::Int64 | Kind::Sint64 => Value::I64(number(dice).cast_signed()),
        other => panic!("events have no field of kind {other:?}: {}", field.full_name()),
    }
}

/// An event that the service of the message with `field` may repeat.
fn answer(field: &FieldDescriptor, dice: &mut Dice) -> DynamicMessage {
    let package = field.parent_message().package_name().to_owned();
    let pool = field.parent_message().parent_pool().clone();
    let ignored = pool.get_message_by_name(&format!("{package}.UpstreamIgnored")).unwrap();
    let Kind::Message(any) = field.kind() else { panic!("not a message") };
    let mut message = DynamicMessage::new(any);
    let url = format!("type.googleapis.com/{}", ignored.full_name());
    message.set_field_by_name("type_url", Value::String(url));
    let body = sample(&ignored, Fill::Any, dice).encode_to_vec();
    message.set_field_by_name("value", Value::Bytes(body.into()));
    message
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap()
}

fn service_of(url: &str) -> Service {
    Service::ALL.into_iter().find(|service| url.contains(&format!("loopledger.{service}.event"))).unwrap()
}

/// Every event type with its descriptor.
pub(super) fn events() -> Vec<(&'static str, Service, MessageDescriptor)> {
    let pool = pool();
    TYPE_URLS
        .iter()
        .map(|url| {
            let name = url.strip_prefix("type.googleapis.com/").unwrap();
            (*url, service_of(url), pool.get_message_by_name(name).unwrap_or_else(|| panic!("{name}")))
        })
        .collect()
}

/// One event of each type, with everything in it.
pub(crate) fn samples() -> Vec<loopledger_facts::Event> {
    let events = events().into_iter();
    events
        .map(|(url, service, kind)| {
            decode_event(service, url, &sample(&kind, Fill::Most, &mut Dice::new(1)).encode_to_vec()).unwrap()
        })
        .collect()
}

#[test]
fn every_event_of_the_contracts_is_known() {
    let pool = pool();
    let events: Vec<_> = pool
        .all_messages()
        .filter(|message| message.package_name().ends_with(".event.v1"))
        .filter(|message| {
            let is_of_business = message.fields().any(|field| field.name() == "occasion");
            is_of_business || matches!(message.name(), "AnswerRepeated" | "TailLost")
        })
        .map(|message| format!("type.googleapis.com/{}", message.full_name()))
        .collect();
    let mut known: Vec<_> = TYPE_URLS.iter().map(|url| (*url).to_owned()).collect();
    let mut expected = events;
    known.sort();
    expected.sort();
    assert_eq!(known, expected);
}

#[test]
fn fields_have_the_numbers_and_names_of_the_contracts() {
    let pool = pool();
    let layouts: Vec<&Layout> = [
        PRICE,
        shapes::SHARED,
        shapes::TERMS,
        shapes::PROCUREMENT,
        shapes::PROCUREMENT_CHOICES,
        shapes::STATION,
        shapes::REACTIONS,
        shapes::LOSSES,
        shapes::STOCK,
        shapes::DISTRIBUTION,
        shapes::SALES,
    ]
    .into_iter()
    .flatten()
    .collect();
    for (name, fields) in layouts {
        let (message, choice) = match name.split_once('.') {
            Some((message, number)) => (message, Some(number.parse::<u32>().unwrap())),
            None => (*name, None),
        };
        let described: Vec<MessageDescriptor> = pool
            .all_messages()
            .filter(|m| m.name() == message)
            .filter(|m| m.package_name().ends_with(".event.v1") || message == "UnitPrice")
            .map(|m| match choice {
                None => m,
                Some(number) => match m.get_field(number).unwrap().kind() {
                    Kind::Message(inner) => inner,
                    other => panic!("{name}: {other:?}"),
                },
            })
            .collect();
        assert!(!described.is_empty(), "{name} is in no contract");
        for message in described {
            let of_contract: Vec<_> = message.fields().map(|f| (f.number(), f.name().to_owned())).collect();
            let of_code: Vec<_> = fields.iter().map(|(number, name)| (*number, (*name).to_owned())).collect();
            assert_eq!(of_code, of_contract, "{}", message.full_name());
        }
    }
}

#[test]
fn any_event_round_trips() {
    for (url, service, kind) in events() {
        for seed in 0..2_000 {
            let bytes = sample(&kind, Fill::Any, &mut Dice::new(seed)).encode_to_vec();
            let event =
                decode_event(service, url, &bytes).unwrap_or_else(|reason| panic!("{url}, seed {seed}: {reason}"));
            assert_eq!(type_url(&event), url);
            let mut again = Vec::new();
            encode_event(&event, &mut again);
            assert_eq!(again, bytes, "{url}, seed {seed}: {event:?}");
        }
    }
}

#[test]
fn damaged_bytes_are_refused_or_mean_what_they_say() {
    for (url, service, kind) in events() {
        let mut refused = 0;
        for seed in 0..5_000 {
            let mut dice = Dice::new(seed);
            let mut bytes = sample(&kind, Fill::Any, &mut dice).encode_to_vec();
            let at = dice.below(bytes.len() as u64) as usize;
            match dice.below(4) {
                0 => bytes[at] ^= 1 << dice.below(8),
                1 => bytes[at] = dice.roll() as u8,
                2 => bytes.truncate(at),
                _ => bytes.insert(at, dice.roll() as u8),
            }
            let Ok(event) = decode_event(service, url, &bytes) else {
                refused += 1;
                continue;
            };
            let mut again = Vec::new();
            encode_event(&event, &mut again);
            assert_eq!(again, bytes, "{url}, seed {seed}: {event:?}");
        }
        assert!(refused > 1_000, "{url}: only {refused} refused");
    }
}

/// Appends an unknown field to the message itself and to each message in it, by turns.
#[test]
fn an_unknown_field_at_any_depth_is_noticed() {
    fn with_unknown(message: &DynamicMessage, countdown: &mut usize) -> Vec<u8> {
        let mut out = Vec::new();
        let here = *countdown == 0;
        *countdown = countdown.wrapping_sub(1);
        for (field, value) in message.fields() {
            let values = match value {
                Value::List(values) => values.clone(),
                other => vec![other.clone()],
            };
            for value in values {
                if let Value::Message(inner) = value {
                    let body = with_unknown(&inner, countdown);
                    prost::encoding::encode_varint(u64::from(field.number() << 3 | 2), &mut out);
                    prost::encoding::encode_varint(body.len() as u64, &mut out);
                    out.extend(body);
                } else {
                    let mut single = DynamicMessage::new(message.descriptor());
                    single.set_field(&field, value);
                    out.extend(single.encode_to_vec());
                }
            }
        }
        if here {
            out.extend([0xf8, 0x06, 0x01]); // field 111, varint 1
        }
        out
    }
    for (url, service, kind) in events() {
        let message = sample(&kind, Fill::Most, &mut Dice::new(7));
        let mut depth = 0;
        loop {
            let mut countdown = depth;
            let bytes = with_unknown(&message, &mut countdown);
            if bytes == message.encode_to_vec() {
                break;
            }
            let outcome = decode_event(service, url, &bytes);
            assert!(outcome.is_err_and(|reason| reason.contains("not known")), "{url}, message {depth}");
            depth += 1;
        }
        assert!(depth > 1 || url.ends_with(".TailLost"), "{url} has an occasion at least");
    }
}

#[test]
fn unknown_words_and_types_say_what_they_are() {
    let check = |service, url: &str, bytes: &[u8]| decode_event(service, url, bytes).unwrap_err();
    let collected = "type.googleapis.com/loopledger.station.event.v1.GoodsCollected";
    assert_eq!(check(Service::Sales, collected, &[]), "not an event of sales");
    assert_eq!(
        check(Service::Station, "type.googleapis.com/loopledger.station.event.v1.GoodsEaten", &[]),
        "loopledger.station.event.v1 has no event GoodsEaten"
    );
    assert_eq!(check(Service::Station, collected, &[]), "occasion is missing");
    let (url, service, kind) = events().into_iter().find(|(url, ..)| url.ends_with("HandOverRefused")).unwrap();
    let mut message = sample(&kind, Fill::Least, &mut Dice::new(1));
    message.set_field_by_name("reason", Value::EnumNumber(99));
    assert_eq!(check(service, url, &message.encode_to_vec()), "reason has a value that is not known here: 99");
}

#[test]
fn an_answer_that_is_repeated_is_understood_whole_or_not_at_all() {
    let kind = |name: &str| pool().get_message_by_name(&format!("loopledger.{name}")).unwrap();
    let url = |name: &str| format!("type.googleapis.com/loopledger.{name}");
    let check = |inner: &str, body: Vec<u8>| {
        let mut any = DynamicMessage::new(pool().get_message_by_name("google.protobuf.Any").unwrap());
        any.set_field_by_name("type_url", Value::String(url(inner)));
        any.set_field_by_name("value", Value::Bytes(body.into()));
        let mut repeated = DynamicMessage::new(kind("station.event.v1.AnswerRepeated"));
        repeated.set_field_by_name("answers", Value::List(vec![Value::Message(any)]));
        decode_event(Service::Station, &url("station.event.v1.AnswerRepeated"), &repeated.encode_to_vec())
    };
    let body = |name: &str| sample(&kind(name), Fill::Most, &mut Dice::new(3)).encode_to_vec();
    let released = "station.event.v1.GoodsReleased";
    assert!(check(released, body(released)).is_ok());
    let mut newer = body(released);
    newer.extend([0xf8, 0x06, 0x01]);
    for (inner, body, why) in [
        (released, newer, "not known here"),
        ("station.event.v1.GoodsEaten", body(released), "has no event GoodsEaten"),
        ("sales.event.v1.OrderLineStands", body("sales.event.v1.OrderLineStands"), "another service"),
        ("station.event.v1.AnswerRepeated", body("station.event.v1.AnswerRepeated"), "no answer says"),
    ] {
        let reason = check(inner, body).unwrap_err();
        assert!(reason.contains(why), "{inner}: {reason}");
    }
}

/// `UPDATE_GOLDEN=1` writes them anew; what a release has written must never change.
#[test]
fn events_are_written_as_they_always_were() {
    for service in &Service::ALL[..4] {
        let mut now = String::new();
        for (url, _, kind) in events().into_iter().filter(|(_, of, _)| of == service) {
            for (label, fill) in [("least", Fill::Least), ("most", Fill::Most)] {
                let seed = kind.full_name().bytes().fold(0, |seed: u64, byte| seed * 31 % 1_000_003 + u64::from(byte));
                let bytes = sample(&kind, fill, &mut Dice::new(seed)).encode_to_vec();
                let event = decode_event(*service, url, &bytes).unwrap();
                let mut ours = Vec::new();
                encode_event(&event, &mut ours);
                let hex = hex::encode(&ours);
                writeln!(now, "{} {label}\n{hex}\n{event:?}\n", kind.name()).unwrap();
            }
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{service}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let then = std::fs::read_to_string(&path).unwrap();
        for (now, then) in now.split("\n\n").zip(then.split("\n\n")) {
            assert_eq!(now, then, "golden bytes of {service}");
        }
        assert_eq!(now, then);
    }
}
