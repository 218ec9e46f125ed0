//! A mark before the text, another encoding, and a line that is broken after four hundred good ones.

use std::fs;

use crate::case::{Case, answers, errors};

const FOLDER: &str = "10-files-as-windows-makes-them";

#[test]
fn a_byte_order_mark_is_skipped() {
    let case = Case::new(FOLDER);
    let output = case.record("bom.jsonl");
    assert_eq!((output.status.code(), answers(&output).len()), (Some(0), 1), "{}", errors(&output));
    assert!(answers(&output)[0]["receipt"].is_object());
}

#[test]
fn another_encoding_is_named_with_what_to_do() {
    let case = Case::new(FOLDER);
    let output = case.record("gb18030.jsonl");
    assert_eq!((output.status.code(), answers(&output).len()), (Some(2), 0), "{}", errors(&output));
    for part in ["GB 18030", "line 1 of the file", "UTF-8"] {
        assert!(errors(&output).contains(part), "{part}: {}", errors(&output));
    }
    let text = fs::read_to_string(case.input("bom.jsonl")).expect("UTF-8");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(case.scratch("utf-16"), utf16).expect("a file");
    let output = case.run(&["record", &case.scratch("utf-16")]);
    assert!(output.status.code() == Some(2) && errors(&output).contains("UTF-16"), "{}", errors(&output));
}

#[test]
fn what_was_sent_before_a_broken_line_is_answered_first() {
    let case = Case::new(FOLDER);
    let output = case.record("line-401-is-broken.jsonl");
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    let answered = answers(&output);
    assert_eq!(answered.len(), 400);
    assert!(answered.iter().all(|answer| answer["receipt"]["alreadyRecorded"] == false), "all are recorded");
    let said = errors(&output);
    let tally = said.find("400").expect("a tally");
    let line = said.find("line 401 of the file").expect("the line at fault");
    assert!(tally < line && said.contains("第 401 行") && said.contains("column 2"), "{said}");

    let again = case.record("line-401-is-broken.jsonl");
    assert!(answers(&again).iter().all(|answer| answer["receipt"]["alreadyRecorded"] == true), "all are found");
}

#[test]
fn every_wrong_field_is_named_by_the_client_and_by_the_server() {
    let case = Case::new(FOLDER);
    let file = case.scratch("commands");
    let record = |command: &str| {
        fs::write(&file, format!("{{\"procurement\":{{\"registerParty\":{command}}}}}\n")).expect("a file");
        case.run(&["record", &file])
    };
    let output = record("{\"requestId\":1,\"kind\":\"PARTY_KIND_SHOP\",\"lable\":\"x\",\"occasion\":\"today\"}");
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    for field in ["requestId", "kind", "lable", "occasion"] {
        let field = format!("procurement.registerParty.{field}: ");
        assert!(errors(&output).contains(&field), "{field}: {}", errors(&output));
    }
    let twice = record("{\"label\":\"a\",\"label\":\"b\"}");
    assert!(twice.status.code() == Some(2) && errors(&twice).contains("occurs twice"), "{}", errors(&twice));

    let refused = record("{\"requestId\":\"x\",\"label\":\"\",\"divisionCode\":\"1\"}");
    assert_eq!(refused.status.code(), Some(1), "{}", errors(&refused));
    let refusal = answers(&refused)[0]["refusal"].clone();
    let violations = refusal["violations"].as_array().expect("a list");
    let fields: Vec<&str> = violations.iter().filter_map(|violation| violation["field"].as_str()).collect();
    assert_eq!(fields, ["request_id", "occasion", "kind", "division_code", "label"], "{refusal}");
    assert!(violations.iter().all(|violation| violation["messageZh"].is_string()), "{refusal}");
    assert!(fields.iter().all(|field| errors(&refused).contains(field)), "{}", errors(&refused));
}
