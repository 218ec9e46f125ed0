//! Requests as people write them (`ProtoJSON`, as in `loopledger record` files) against what comes of them.
#![allow(clippy::arithmetic_side_effects, reason = "tests")]

use std::fmt::{Debug, Write as _};
use std::path::Path;

use loopledger_domain::Rejection;
use loopledger_proto::{distribution, procurement, sales, station};
use loopledger_types::{CountyCode, EntityKind, Hash, Position, RequestId, Service, StreamId, hex};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

mod samples;

use super::{BulkRequest, Receipt, Request, Write};
use samples::samples;

/// Any command, printed: what the tests compare.
type Outcome = Result<Write<String>, Rejection>;

fn outcome(service: &str, request: &Value) -> Outcome {
    let pool = DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap();
    let kind = pool.get_message_by_name(&format!("loopledger.{service}.v1.RecordRequest")).unwrap();
    let bytes = DynamicMessage::deserialize(kind, request).unwrap_or_else(|e| panic!("{request}: {e}")).encode_to_vec();
    match service {
        "procurement" => write::<procurement::v1::RecordRequest>(&bytes),
        "station" => write::<station::v1::RecordRequest>(&bytes),
        "distribution" => write::<distribution::v1::RecordRequest>(&bytes),
        "sales" => write::<sales::v1::RecordRequest>(&bytes),
        other => panic!("{other}"),
    }
}

fn write<R: BulkRequest<Command: Debug>>(bytes: &[u8]) -> Outcome {
    let Write { request_id, county, digest, after, created, command } = R::decode(bytes).unwrap().into_write()?;
    Ok(Write { request_id, county, digest, after, created, command: format!("{command:?}") })
}

fn uuid(n: u8) -> String {
    format!("{n:02x}000000-0000-4000-8000-000000000000")
}

fn complete(command: &str, fields: &Value) -> Value {
    let mut fields = fields.clone();
    fields["requestId"] = json!("6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11");
    fields["after"] = json!([{"stream": "procurement/654224", "sequence": 3, "hash": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="}]);
    fields["occasion"] = json!({"businessDate": "2020-04-01", "occurredAt": "2020-04-01T03:04:05.5Z",
        "deviceUtcOffsetMin": 360, "divisionCode": "654224202207"});
    json!({ command: fields })
}

fn violations(outcome: Outcome) -> Vec<String> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(Rejection::Invalid(found)) => {
            found.into_iter().map(|v| format!("{} {}", v.field, v.fault.reason())).collect()
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// `UPDATE_GOLDEN=1` writes them anew; a changed digest would make every repeat a reused id.
#[test]
fn every_command_is_read_and_its_digest_never_changes() {
    let mut now = String::new();
    for (service, command, fields) in samples() {
        let write = outcome(service, &complete(command, &fields)).unwrap_or_else(|e| panic!("{command}: {e:?}"));
        let digest = hex::encode(&write.digest);
        writeln!(now, "{service} {command} {digest}\n{:?}\n{}\n", write.created, write.command).unwrap();
        assert_eq!(write.after.len(), 1);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/requests.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap();
    for (now, then) in now.split("\n\n").zip(then.split("\n\n")) {
        assert_eq!(now, then);
    }
    assert_eq!(now, then);
}

#[test]
fn every_command_of_the_contracts_has_a_sample() {
    let pool = DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap();
    for service in ["procurement", "station", "distribution", "sales"] {
        let kind = pool.get_message_by_name(&format!("loopledger.{service}.v1.RecordRequest")).unwrap();
        let commands: Vec<_> = kind.fields().map(|field| field.json_name().to_owned()).collect();
        let sampled: Vec<_> = samples().into_iter().filter(|s| s.0 == service).map(|s| s.1.to_owned()).collect();
        assert_eq!(sampled, commands);
    }
}

#[test]
fn each_field_is_required_unless_it_may_be_left_out() {
    let may_be_left_out = [
        "after",
        "quantityMax",
        "amountFen makePayout",
        "payableIds",
        "proofHash",
        "finding",
        "reportHash",
        "receivedBy",
        "memberId collectGoods",
        "grade",
        "tare",
        "moisture",
        "impurity",
        "liveWeightGrams",
        "freightFen",
        "differences",
        "buyerId",
        "sameNumberAs",
        "line",
    ];
    for (service, command, fields) in samples() {
        let whole = complete(command, &fields);
        for name in whole[command].as_object().unwrap().keys() {
            let mut partial = whole.clone();
            partial[command].as_object_mut().unwrap().remove(name);
            let found = violations(outcome(service, &partial));
            let optional = may_be_left_out.iter().any(|o| *o == name || *o == format!("{name} {command}"));
            let field: String = if name == "stated" { "basis".to_owned() } else { snake(name) };
            let expected = match name.as_str() {
                _ if optional => vec![],
                // An integer that is left out is zero.
                "amountFen" => vec![format!("{field} NOT_POSITIVE")],
                _ => vec![format!("{field} REQUIRED")],
            };
            assert_eq!(found, expected, "{command} without {name}");
        }
    }
}

fn snake(name: &str) -> String {
    name.chars().flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] }).collect()
}

#[test]
fn the_digest_covers_all_but_request_id_after_and_county() {
    for (service, command, fields) in samples() {
        let whole = complete(command, &fields);
        let digest = |request: &Value| outcome(service, request).unwrap().digest;
        let first = digest(&whole);
        let mut repeat = whole.clone();
        repeat[command]["requestId"] = json!("0190b6a0-0000-7000-8000-000000000001");
        repeat[command]["after"] = json!([]);
        assert_eq!(digest(&repeat), first, "{command}");
        repeat[command]["countyCode"] = json!("654224");
        assert_eq!(digest(&repeat), first, "{command}");
        repeat[command]["occasion"]["businessDate"] = json!("2020-04-02");
        assert_ne!(digest(&repeat), first, "{command}");
    }
    // The same fields under another name are another request.
    let samples = samples();
    let fields = &samples.iter().find(|s| s.1 == "recordPayment").unwrap().2;
    let record = outcome("sales", &complete("recordPayment", fields)).unwrap().digest;
    assert_ne!(outcome("sales", &complete("returnPrepayment", fields)).unwrap().digest, record);
}

/// Changes one place (a JSON pointer within the command) and expects exactly these violations.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_wrong_in_form_is_named_with_its_path() {
    let kilograms = |n: i64| json!({"value": n, "unit": "UNIT_KILOGRAM"});
    let long = |n: usize| json!("长".repeat(n));
    let cases: Vec<(&str, &str, Value, &[&str])> = vec![
        ("collectGoods", "/requestId", json!("nonsense"), &["request_id NOT_A_UUID"]),
        ("collectGoods", "/requestId", json!("6f1f7d2e-0d5c-5c65-9a3a-2f5d6f0a7b11"), &["request_id UUID_VERSION"]),
        ("collectGoods", "/requestId", json!("00000000-0000-0000-0000-000000000000"), &["request_id NOT_A_UUID"]),
        ("collectGoods", "/after/0/stream", json!("stations/654224"), &["after[0].stream MALFORMED_STREAM"]),
        ("collectGoods", "/after/0/sequence", json!(0), &["after[0].sequence REQUIRED"]),
        ("collectGoods", "/after/0/hash", json!("AQID"), &["after[0].hash HASH_LENGTH"]),
        ("collectGoods", "/after", Value::Array(vec![json!({}); 17]), &["after TOO_MANY"]),
        ("collectGoods", "/occasion/businessDate", json!("2020-02-30"), &["occasion.business_date MALFORMED_DATE"]),
        ("collectGoods", "/occasion/businessDate", json!("1999-12-31"), &["occasion.business_date OUT_OF_RANGE"]),
        ("collectGoods", "/occasion/divisionCode", json!("65422"), &["occasion.division_code MALFORMED_DIVISION"]),
        ("collectGoods", "/occasion/divisionCode", json!("654224999999"), &["occasion.division_code UNKNOWN_DIVISION"]),
        ("collectGoods", "/occasion/deviceUtcOffsetMin", json!(1441), &["occasion.device_utc_offset_min OUT_OF_RANGE"]),
        ("collectGoods", "/stationId", json!("6f1f7d2e0d5c4c659a3a2f5d6f0a7b11"), &["station_id NOT_A_UUID"]),
        ("collectGoods", "/gross", kilograms(0), &["gross.value NOT_POSITIVE"]),
        ("collectGoods", "/gross", kilograms(-1), &["gross.value NOT_POSITIVE"]),
        ("collectGoods", "/gross", kilograms(1_000_000_001), &["gross.value OUT_OF_RANGE"]),
        ("collectGoods", "/gross", kilograms(i64::MAX), &["gross.value OUT_OF_RANGE"]),
        ("collectGoods", "/gross", json!({"value": 1}), &["gross.unit REQUIRED"]),
        ("collectGoods", "/gross", json!({"value": 1, "unit": 99}), &["gross.unit UNKNOWN_VALUE"]),
        ("collectGoods", "/tare", kilograms(-1), &["tare.value NEGATIVE"]),
        ("collectGoods", "/grade", long(17), &["grade TOO_LONG"]),
        ("collectGoods", "/receiptNumber", long(65), &["receipt_number TOO_LONG"]),
        ("collectGoods", "/receiptNumber", json!("a\nb"), &["receipt_number CONTROL_CHARACTER"]),
        ("collectGoods", "/receiptNumber", json!("   "), &["receipt_number REQUIRED"]),
        ("collectGoods", "/receiptNumber", json!("7\u{200b}"), &["receipt_number FORMAT_CHARACTER"]),
        ("collectGoods", "/lotLabel", json!("a\u{378}"), &["lot_label UNASSIGNED_CHARACTER"]),
        ("collectGoods", "/grade", json!("一\u{2028}等"), &["grade LINE_SEPARATOR"]),
        ("openStation", "/label", json!("\u{202e}站试测"), &["label FORMAT_CHARACTER"]),
        ("openStation", "/label", json!("\u{3164}"), &["label BLANK_CHARACTER"]),
        ("openStation", "/label", json!("\u{301}"), &["label NOTHING_VISIBLE"]),
        ("collectGoods", "/liveWeightGrams", json!(u64::MAX.to_string()), &["live_weight_grams OUT_OF_RANGE"]),
        ("collectGoods", "/stated/terms", json!({}), &["stated.terms REQUIRED"]),
        (
            "collectGoods",
            "/stated/terms/outright/price",
            json!({"e4": -1}),
            &["stated.terms.outright.price.per REQUIRED", "stated.terms.outright.price.e4 NEGATIVE"],
        ),
        (
            "contractLinkage",
            "/terms/commission/commissionBp",
            json!(10_001),
            &["terms.commission.commission_bp OUT_OF_RANGE"],
        ),
        ("contractLinkage", "/validTo", json!("2019-12-31"), &["valid_to OUT_OF_RANGE"]),
        ("contractLinkage", "/quantityMax", kilograms(0), &["quantity_max.value NOT_POSITIVE"]),
        ("registerHousehold", "/members", json!(["RELATION_SPOUSE"]), &["members HOUSEHOLD_NEEDS_ONE_HEAD"]),
        ("registerHousehold", "/members", json!([1, 0, 9]), &["members[1] REQUIRED", "members[2] UNKNOWN_VALUE"]),
        ("registerHousehold", "/members", json!(vec![1; 51]), &["members TOO_MANY"]),
        ("registerParty", "/kind", json!("PARTY_KIND_HOUSEHOLD"), &["kind UNKNOWN_VALUE"]),
        ("registerParty", "/label", long(101), &["label TOO_LONG"]),
        ("makePayout", "/amountFen", json!(0), &["amount_fen NOT_POSITIVE"]),
        ("makePayout", "/amountFen", json!(10_000_000_000_001_i64), &["amount_fen OUT_OF_RANGE"]),
        ("makePayout", "/proofHash", json!("AQID"), &["proof_hash HASH_LENGTH"]),
        ("inspectGoods", "/reportHash", json!("AQID"), &["report_hash HASH_LENGTH"]),
        ("inspectGoods", "/finding", long(101), &["finding TOO_LONG"]),
        ("inspectGoods", "/test", long(65), &["test TOO_LONG"]),
        ("makePayout", "/payableIds/1", json!("x"), &["payable_ids[1] NOT_A_UUID"]),
        ("makePayout", "/payableIds", json!(vec![uuid(1); 201]), &["payable_ids TOO_MANY"]),
        ("handOverGoods", "/freightFen", json!(-1), &["freight_fen NEGATIVE"]),
        ("handOverGoods", "/lines", json!([]), &["lines REQUIRED"]),
        ("handOverGoods", "/lines/1/lotId", json!("x"), &["lines[1].lot_id NOT_A_UUID"]),
        ("handOverGoods", "/lines/1/weightGrams", json!("0"), &["lines[1].weight_grams NOT_POSITIVE"]),
        ("dispatchShipment", "/lines/1/weightGrams", json!("1000000000001"), &["lines[1].weight_grams OUT_OF_RANGE"]),
        ("dispatchShipment", "/lines/0/quantity", kilograms(0), &["lines[0].quantity.value NOT_POSITIVE"]),
        ("receiveShipment", "/differences/0", json!({"lotId": uuid(3)}), &["differences[0].damaged REQUIRED"]),
        ("receiveShipment", "/differences/0/pool", json!(65_536), &["differences[0].pool OUT_OF_RANGE"]),
        ("receiveShipment", "/differences/1/missing", kilograms(-2), &["differences[1].missing.value NEGATIVE"]),
        ("placeOrder", "/lines/0/price/e4", json!(1_000_000_000_001_i64), &["lines[0].price.e4 OUT_OF_RANGE"]),
        ("cancelOrderLine", "/line", json!(200), &["line OUT_OF_RANGE"]),
        ("settleConsignment", "/lots/1/lotId", json!(uuid(2)), &["lots[1].lot_id DUPLICATE"]),
        ("settleConsignment", "/lots/0/charges/0/kind", json!(0), &["lots[0].charges[0].kind REQUIRED"]),
        ("settleConsignment", "/lots/0/charges/0/amountFen", json!(0), &["lots[0].charges[0].amount_fen NOT_POSITIVE"]),
    ];
    for (command, pointer, value, expected) in cases {
        let (service, _, fields) = samples().into_iter().find(|sample| sample.1 == command).unwrap();
        let mut request = complete(command, &fields);
        *request[command].pointer_mut(pointer).unwrap_or_else(|| panic!("{command}{pointer}")) = value.clone();
        assert_eq!(violations(outcome(service, &request)), expected, "{command}{pointer} = {value}");
    }
}

/// 喀拉苏村 by its code of 2019 and by that of 2023: either is accepted from the first day on which it may be in force.
#[test]
fn a_division_is_recorded_by_its_code_of_the_day_whichever_was_sent() {
    let (old, new) = ("654224201206", "654224103200");
    let samples = samples();
    let commands = ["collectGoods", "openStation", "registerHousehold", "registerParty", "openSite", "placeOrder"];
    let fields = ["/divisionCode", "/buyerDivisionCode", "/occasion/divisionCode"];
    let mut accepted = 0;
    for command in commands {
        let (service, _, sample) = samples.iter().find(|(_, name, _)| *name == command).unwrap();
        for (day, sent, recorded) in [
            ("2019-10-31", old, Some(old)),
            ("2019-10-31", new, None),
            ("2020-04-01", old, Some(old)),
            ("2020-04-01", new, Some(new)),
            ("2023-06-30", old, Some(new)),
            ("2024-03-01", new, Some(new)),
        ] {
            let mut request = complete(command, sample);
            request[command]["occasion"]["businessDate"] = json!(day);
            for field in fields {
                if let Some(field) = request[command].pointer_mut(field) {
                    *field = json!(sent);
                }
            }
            let outcome = outcome(service, &request);
            let Some(recorded) = recorded else {
                let found = violations(outcome);
                assert!(!found.is_empty() && found.iter().all(|text| text.ends_with("UNKNOWN_DIVISION")), "{found:?}");
                continue;
            };
            let written = outcome.unwrap().command;
            let other = if recorded == old { new } else { old };
            assert!(written.contains(recorded) && !written.contains(other), "{command} {day} {sent}: {written}");
            accepted += 1;
        }
    }
    assert_eq!(accepted, 30);
}

#[test]
fn every_command_may_name_its_county() {
    for (service, command, fields) in samples() {
        let of = |code: &str| {
            let mut request = complete(command, &fields);
            request[command]["countyCode"] = json!(code);
            outcome(service, &request)
        };
        assert_eq!(of("").unwrap().county, None, "{command}");
        assert_eq!(of("650102").unwrap().county, Some(CountyCode::parse("650102").unwrap()), "{command}");
        for malformed in ["65010", "6501020", "065010", "65010x", "654224202207", " 650102", "塔城地区托"] {
            assert_eq!(violations(of(malformed)), ["county_code MALFORMED_COUNTY"], "{command} {malformed}");
        }
    }
    let found = violations(outcome("procurement", &json!({"relocateHousehold": {"countyCode": "6", "after": [{}]}})));
    assert!(found.len() > 4 && found.contains(&"county_code MALFORMED_COUNTY".to_owned()), "{found:?}");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let found = violations(outcome("station", &json!({"issueGoods": {"line": 200}})));
    assert_eq!(
        found,
        ["request_id REQUIRED", "occasion REQUIRED", "order_id REQUIRED", "line OUT_OF_RANGE", "quantity REQUIRED"]
    );
    assert_eq!(violations(outcome("station", &json!({}))), ["command REQUIRED"]);
}

#[test]
fn answers_name_what_was_created() {
    let (_, command, fields) = samples().remove(0);
    let write = outcome("procurement", &complete(command, &fields)).unwrap();
    let stream = StreamId { service: Service::Procurement, county: CountyCode::TUOLI };
    let position = Position { stream, sequence: 5, hash: Hash([1; 32]) };
    let receipt = Receipt { position, request_id: write.request_id, repeated: false };
    let answer = procurement::v1::RegisterHouseholdRequest::answer(&receipt, write.created);
    assert_eq!(answer.position.unwrap().stream, "procurement/654224");
    assert_eq!(answer.member_ids.len(), 2);
    assert_ne!(answer.member_ids[0], answer.member_ids[1]);
    let bulk = receipt.to_pb(write.created);
    let named = |kind: EntityKind| {
        let created = bulk.created.iter().filter(move |c| c.kind == kind.as_str());
        created.map(|c| c.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(EntityKind::Party), [answer.household_id]);
    assert_eq!(named(EntityKind::Member), answer.member_ids);
    assert_eq!(bulk.request_id, RequestId::parse("6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11").unwrap().to_string());
}
