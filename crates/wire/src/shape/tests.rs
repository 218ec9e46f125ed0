//! Contracts written out by hand, and bytes that no encoder of ours would write.

use super::*;

fn field(number: i32, name: &str, label: Label, message: Option<&str>) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(if message.is_some() { Type::Message } else { Type::String }.into()),
        type_name: message.map(str::to_owned),
        ..FieldDescriptorProto::default()
    }
}

fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field, ..DescriptorProto::default() }
}

/// ```proto
/// message Order {
///   string id = 1; Line head = 2; repeated Line lines = 3; map<string, Line> named = 4;
///   oneof kind { string text = 7; Line line = 1000; } repeated Order within = 8;
/// }
/// message Line { string label = 1; }
/// ```
fn order() -> Shape {
    let line = || Some(".t.Line");
    let entry =
        message("NamedEntry", vec![field(1, "key", Label::Optional, None), field(2, "value", Label::Optional, line())]);
    let mut order = message(
        "Order",
        vec![
            field(1, "id", Label::Optional, None),
            field(2, "head", Label::Optional, line()),
            field(3, "lines", Label::Repeated, line()),
            field(4, "named", Label::Repeated, Some(".t.Order.NamedEntry")),
            field(1000, "line", Label::Optional, line()),
            field(7, "text", Label::Optional, None),
            field(8, "within", Label::Repeated, Some(".t.Order")),
        ],
    );
    order.nested_type.push(entry);
    let file = prost_types::FileDescriptorProto {
        package: Some("t".to_owned()),
        message_type: vec![order, message("Line", vec![field(1, "label", Label::Optional, None)])],
        ..prost_types::FileDescriptorProto::default()
    };
    Shapes::new(&FileDescriptorSet { file: vec![file] }).find(".t.Order").expect("the message is there")
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn key(number: u64, wire: u64) -> Vec<u8> {
    varint(number << 3 | wire)
}

fn sized(number: u64, body: &[u8]) -> Vec<u8> {
    [key(number, 2), varint(u64::try_from(body.len()).unwrap()), body.to_vec()].concat()
}

fn says(bytes: &[u8]) -> Option<String> {
    order().unknown_field(bytes).map(|unknown| {
        assert!(unknown.path.ends_with(&unknown.number.to_string()), "{unknown:?}");
        unknown.path
    })
}

#[test]
fn what_the_contract_has_is_known_in_any_order_and_any_number() {
    let line = sized(1, b"x");
    let entry = [sized(1, b"k"), sized(2, &line)].concat();
    let fields = [
        sized(1000, &line),
        sized(1, b"id"),
        sized(3, &line),
        sized(2, &line),
        sized(3, b""),
        sized(4, &entry),
        sized(7, b"text"),
        sized(1, b"again"),
    ];
    assert_eq!(says(&fields.concat()), None);
    assert_eq!(says(b""), None);
}

#[test]
fn an_unknown_field_is_named_with_its_path_wherever_it_stands() {
    let bad_line = [sized(1, b"x"), sized(9, b"?")].concat();
    let line = sized(1, b"x");
    for (bytes, expected) in [
        (sized(9, b"?"), "9"),
        ([sized(1, b"id"), key(5, 0), varint(300)].concat(), "5"),
        ([key(6, 1), vec![0; 8]].concat(), "6"),
        ([key(6, 5), vec![0; 4]].concat(), "6"),
        (sized(2, &bad_line), "head.9"),
        ([sized(3, &line), sized(2, &line), sized(3, &bad_line)].concat(), "lines[1].9"),
        (sized(4, &[sized(1, b"k"), sized(2, &bad_line)].concat()), "named[0].value.9"),
        ([sized(4, b""), sized(4, &[sized(1, b"k"), sized(3, b"")].concat())].concat(), "named[1].3"),
        (sized(1000, &bad_line), "line.9"),
        (sized(999, &line), "999"),
        (sized(8, &sized(8, &sized(3, &bad_line))), "within[0].within[0].lines[0].9"),
        ([key(536_870_911, 0), vec![0]].concat(), "536870911"),
        // A key may be longer than it need be.
        (vec![0xca, 0x80, 0x80, 0x00, 0], "9"),
    ] {
        assert_eq!(says(&bytes).as_deref(), Some(expected), "{bytes:?}");
        // What comes after it does not hide it.
        assert_eq!(says(&[bytes.clone(), sized(1, b"id")].concat()).as_deref(), Some(expected), "{bytes:?}");
    }
}

#[test]
fn a_group_is_an_unknown_field_as_a_whole() {
    let group = |number, body: &[u8]| [key(number, 3), body.to_vec(), key(number, 4)].concat();
    for body in [Vec::new(), sized(1, b"x"), group(2, &[key(1, 0), vec![1]].concat()), group(9, &group(9, b""))] {
        assert_eq!(says(&group(9, &body)).as_deref(), Some("9"), "{body:?}");
        assert_eq!(says(&sized(2, &group(9, &body))).as_deref(), Some("head.9"), "{body:?}");
        // In the place of a field that is known the decoder refuses it.
        assert_eq!(says(&group(2, &body)), None);
    }
    let open = [key(9, 3), sized(1, b"x")].concat();
    for bytes in [
        open.clone(),
        [open.clone(), key(8, 4)].concat(),
        [key(9, 3), key(8, 3), key(9, 4), key(8, 4)].concat(),
        key(9, 4),
        [sized(9, b"?"), key(9, 4)].concat(),
    ] {
        assert_eq!(says(&bytes), None, "no message: {bytes:?}");
    }
    let deep = |depth: usize| [key(9, 3).repeat(depth), key(9, 4).repeat(depth)].concat();
    assert_eq!(says(&deep(DEPTH_MAX)).as_deref(), Some("9"));
    assert_eq!(says(&deep(DEPTH_MAX + 1)), None);
}

#[test]
fn bytes_that_are_no_message_are_left_to_the_decoder() {
    let whole = [sized(9, b"?"), sized(3, &sized(9, b"??")), key(6, 1), vec![7; 8], key(6, 5), vec![7; 4]].concat();
    assert_eq!(says(&whole).as_deref(), Some("9"));
    let mut readable = Vec::new();
    for length in 0..whole.len() {
        let cut = &whole[..length];
        // Either it ends with a field, or it is not a message; the first unknown field stands in both.
        let ends_with_a_field = prost_reads(cut);
        assert_eq!(says(cut).is_some(), ends_with_a_field && length > 0, "{length} bytes");
        readable.extend(ends_with_a_field.then_some(length));
    }
    assert_eq!(readable.len(), 4, "{readable:?}");
    for bytes in [
        vec![0xff; 20],
        vec![0; 100],
        // Wire types that do not exist.
        key(9, 6),
        key(9, 7),
        // A number of a field beyond 29 bits.
        varint(1 << 32 | 2),
        // Eleven bytes of a number, and ten that are more than 64 bits.
        [key(9, 0), vec![0x80; 10], vec![0]].concat(),
        [key(9, 0), vec![0xff; 9], vec![2]].concat(),
        // A length that is more than there is.
        [key(9, 2), varint(u64::MAX)].concat(),
        // A known message that is none, before an unknown field.
        [sized(2, &[0xff]), sized(9, b"?")].concat(),
    ] {
        assert_eq!(says(&bytes), None, "{bytes:?}");
    }
    let mut deep = sized(9, b"?");
    for _ in 0..DEPTH_MAX {
        deep = sized(8, &deep);
    }
    assert!(says(&deep).is_some());
    assert_eq!(says(&sized(8, &deep)), None);
}

/// Whether the usual decoder takes the bytes for a message (it drops what it does not know).
fn prost_reads(bytes: &[u8]) -> bool {
    <() as prost::Message>::decode(bytes).is_ok()
}

#[test]
fn every_message_of_the_contracts_has_a_shape() {
    let set: FileDescriptorSet = prost::Message::decode(loopledger_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let shapes = Shapes::new(&set);
    let record = shapes.find(".loopledger.station.v1.RecordRequest").expect("the message is there");
    let request =
        loopledger_proto::station::v1::OpenStationRequest { request_id: "x".to_owned(), ..Default::default() };
    let command = loopledger_proto::station::v1::record_request::Command::OpenStation(request.clone());
    let message = loopledger_proto::station::v1::RecordRequest { command: Some(command) };
    assert_eq!(record.unknown_field(&prost::Message::encode_to_vec(&message)), None);
    let mut request = prost::Message::encode_to_vec(&request);
    request.extend(sized(77, b"?"));
    assert_eq!(
        record.unknown_field(&sized(1, &request)),
        Some(UnknownField { path: "open_station.77".to_owned(), number: 77 })
    );
    assert!(shapes.find("loopledger.station.v1.RecordRequest").is_none(), "a full name has its dot");
}
