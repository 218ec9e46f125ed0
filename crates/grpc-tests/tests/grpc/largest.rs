//! The largest legal request of every method, derived from the contracts and the limits of their fields.

use loopledger_service::grpc::REQUEST_BYTES_MAX;
use loopledger_wire::query::Page;
use loopledger_wire::{LABEL_MAX, LINES_MAX, POSITIONS_MAX};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use crate::wire;

/// Charges of a lot; `wire` refuses more.
const CHARGES_MAX: usize = 16;

/// The longest character of UTF-8 that a text may hold.
const LONGEST: char = '\u{20000}';

fn count(field: &FieldDescriptor) -> usize {
    match field.name() {
        "after" | "at_least" | "positions" => POSITIONS_MAX,
        "charges" => CHARGES_MAX,
        _ => LINES_MAX,
    }
}

fn text(field: &FieldDescriptor) -> String {
    let name = field.name();
    if name.ends_with("_id") || name.ends_with("_ids") {
        return "99999999-0000-4000-8000-000000000000".to_owned();
    }
    match name {
        "page_token" => Page::token(&[0xff; 64]),
        "stream" => "distribution/654224".to_owned(),
        // The longest that any text may be; most are shorter.
        _ => core::iter::repeat_n(LONGEST, LABEL_MAX).collect(),
    }
}

fn single(field: &FieldDescriptor) -> Value {
    match field.kind() {
        Kind::Message(message) => Value::Message(largest(&message)),
        Kind::String => Value::String(text(field)),
        Kind::Bytes => Value::Bytes(vec![0xff; 32].into()),
        Kind::Bool => Value::Bool(true),
        Kind::Enum(of) => Value::EnumNumber(of.values().map(|value| value.number()).max().unwrap()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-1),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(-1),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
        Kind::Float | Kind::Double => panic!("no request holds a float: {}", field.full_name()),
    }
}

/// Every field as long as may be; of alternatives the longest.
fn largest(descriptor: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields().filter(|field| field.containing_oneof().is_none_or(|of| of.is_synthetic())) {
        let value = if field.is_list() {
            Value::List(core::iter::repeat_n(single(&field), count(&field)).collect())
        } else {
            assert!(!field.is_map(), "no request holds a map of {:?}", MapKey::Bool(true));
            single(&field)
        };
        message.set_field(&field, value);
    }
    for alternatives in descriptor.oneofs().filter(|of| !of.is_synthetic()) {
        let length = |field: &FieldDescriptor| {
            let mut alone = DynamicMessage::new(descriptor.clone());
            alone.set_field(field, single(field));
            alone.encoded_len()
        };
        let field = alternatives.fields().max_by_key(length).unwrap();
        message.set_field(&field, single(&field));
    }
    message
}

#[test]
fn the_largest_legal_request_of_every_method_is_read_and_not_much_more() {
    let mut of_all = 0;
    for service in wire::pool().services().filter(|service| service.full_name().starts_with("loopledger.")) {
        for method in service.methods() {
            let bytes = largest(&method.input()).encoded_len();
            assert!(bytes <= REQUEST_BYTES_MAX, "{}: {bytes} bytes", method.full_name());
            of_all = of_all.max(bytes);
        }
    }
    assert!(of_all * 2 > REQUEST_BYTES_MAX, "the largest has {of_all} bytes only");
}
