//! Requests with fields that their contract does not have: refused wherever they stand, and nothing is written.

use prost_reflect::MessageDescriptor;
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use loopledger_proto::procurement::v1::{RecordResponse, record_response::Outcome};

use crate::county::{County, PATIENCE};
use crate::raw::{self, Caller};
use crate::refusals;
use crate::season::{kilograms, on};
use crate::wire::{self, call_raw, path};

/// A field of length-delimited bytes; up to 127 of them.
fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut key = number << 3 | 2;
    while key >= 0x80 {
        bytes.push(u8::try_from(key & 0x7f | 0x80).unwrap());
        key >>= 7;
    }
    bytes.push(u8::try_from(key).unwrap());
    bytes.push(u8::try_from(body.len()).unwrap());
    bytes.extend(body);
    bytes
}

/// An unknown field, within the fields of these names, to be appended to a request.
fn unknown(message: &MessageDescriptor, within: &[&str]) -> Vec<u8> {
    let Some((name, rest)) = within.split_first() else { return field(99, b"?") };
    let around = message.get_field_by_name(name).unwrap_or_else(|| panic!("no {name} in {}", message.full_name()));
    field(around.number(), &unknown(around.kind().as_message().unwrap(), rest))
}

fn is_unknown(county: &County, status: &Status, at: &str) {
    assert_eq!(refusals::say(county, status), format!("UNKNOWN_FIELD {at}:UNKNOWN_FIELD"), "{status:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.metadata["path"].as_str(), info.metadata["number"].as_str()), (at, "99"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_with_an_unknown_field_is_refused_wherever_it_stands() {
    let county = County::start().await;
    let firm = json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": "A", "occasion": on("2026-03-02")});
    let line = json!({"productId": "$P", "quantity": kilograms(1)});
    let order = json!({"lines": [line, line], "number": "O1"});
    county.name("P", crate::county::ABSENT);
    let heads = county.all_heads().await;
    let cases: [(&str, &str, &Value, &[&str], &str); 5] = [
        ("procurement", "RegisterParty", &firm, &[], "99"),
        ("procurement", "RegisterParty", &firm, &["occasion"], "occasion.99"),
        ("procurement", "RegisterParty", &firm, &["after"], "after[0].99"),
        ("sales", "PlaceOrder", &order, &["lines"], "lines[2].99"),
        ("sales", "PlaceOrder", &order, &["lines", "quantity"], "lines[2].quantity.99"),
    ];
    for (service, name, fields, within, at) in cases {
        let method = wire::method(service, name);
        let request = county.complete(fields);
        let mut bytes = wire::encode(&method, &request);
        bytes.extend(unknown(&method.input(), within));
        let status = call_raw(&county.channel, &path(service, name), bytes, None).await.unwrap_err();
        is_unknown(&county, &status, at);
        let found = county.ask(service, "GetReceipt", json!({"requestId": request["requestId"]})).await;
        assert_eq!(found.unwrap_err().code(), Code::NotFound, "{name}");
    }
    assert_eq!(county.all_heads().await, heads, "nothing was written");
    county.made("procurement", "RegisterParty", firm, &[]).await;
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_with_an_unknown_field_is_refused_too() {
    let county = County::start().await;
    for (service, name, within, at) in [
        ("procurement", "ListParties", &[][..], "99"),
        ("sales", "ListChannels", &["at_least"], "at_least[0].99"),
        // Answered whatever the state, and yet not whatever it asks.
        ("station", "GetStatus", &[], "99"),
        ("distribution", "GetReceipt", &[], "99"),
    ] {
        let bytes = unknown(&wire::method(service, name).input(), within);
        let status = call_raw(&county.channel, &path(service, name), bytes, None).await.unwrap_err();
        is_unknown(&county, &status, at);
    }
    // What is not ours may have fields that are newer than we are.
    call_raw(&county.channel, "/grpc.health.v1.Health/Check", field(99, b"?"), None).await.unwrap();
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_in_pieces_is_looked_at_as_a_whole() {
    let county = County::start().await;
    let mut caller = Caller::connect(county.address, 1 << 20).await;
    let method = wire::method("procurement", "ListParties");
    let known = wire::encode(&method, &json!({"pageSize": 1}));
    let with_unknown = [known.clone(), unknown(&method.input(), &["at_least"])].concat();
    for (body, code) in [(&known, Code::Ok), (&with_unknown, Code::InvalidArgument)] {
        let whole = raw::part(u32::try_from(body.len()).unwrap(), body);
        for cut in 0..whole.len() {
            let (answer, mut stream) = caller.begin("procurement", "ListParties").await;
            stream.send_data(whole.slice(..cut), false).unwrap();
            stream.send_data(whole.slice(cut..), true).unwrap();
            let status = raw::status(answer).await;
            assert_eq!(status.code(), code, "cut at {cut}: {status:?}");
            if code == Code::InvalidArgument {
                is_unknown(&county, &status, "at_least[0].99");
            }
        }
    }
    // What ends before its message does is the decoder's to refuse, as before.
    let whole = raw::part(u32::try_from(with_unknown.len()).unwrap(), &with_unknown);
    let (answer, mut stream) = caller.begin("procurement", "ListParties").await;
    stream.send_data(whole.slice(..whole.len() - 1), true).unwrap();
    let status = raw::status(answer).await;
    assert!(refusals::say(&county, &status).starts_with("MALFORMED_MESSAGE"), "{status:?}");
    county.stop().await;
}

async fn next(answers: &mut Streaming<Vec<u8>>) -> RecordResponse {
    let answer = timeout(PATIENCE, answers.message()).await.expect("an answer comes").unwrap();
    prost::Message::decode(answer.expect("the stream goes on").as_slice()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_message_with_an_unknown_field_is_answered_in_its_place() {
    let county = County::start().await;
    let method = wire::method("procurement", "Record");
    let request = |label: &str| {
        let firm = json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": label});
        let request = county.complete(&firm);
        let id = request["requestId"].as_str().unwrap().to_owned();
        (wire::encode(&method, &json!({"registerParty": request})), id)
    };
    let mut messages = Vec::new();
    let mut expected = Vec::new();
    for within in [&[][..], &["register_party"], &["register_party", "occasion"]] {
        let (known, id) = request("A");
        messages.push(known);
        expected.push((id, None));
        let (mut bytes, id) = request("B");
        bytes.extend(unknown(&method.input(), within));
        messages.push(bytes);
        expected.push((id, Some([within, &["99"]].concat().join("."))));
    }
    // The id of another command, in the place of the one that is not known.
    messages.push(field(99, b"?"));
    expected.push((String::new(), Some("99".to_owned())));
    let mut grpc = tonic::client::Grpc::new(county.channel.clone());
    grpc.ready().await.unwrap();
    let messages = tonic::Request::new(futures::stream::iter(messages));
    let answers = grpc.streaming(messages, path("procurement", "Record").parse().unwrap(), wire::Raw).await;
    let mut answers = answers.unwrap().into_inner();
    let mut sequence = 0;
    for (id, at) in expected {
        let answer = next(&mut answers).await;
        assert_eq!(answer.request_id, id);
        match (answer.outcome.unwrap(), at) {
            (Outcome::Receipt(receipt), None) => {
                sequence += 1;
                assert_eq!(receipt.position.unwrap().sequence, sequence, "what was refused is not in between");
            }
            (Outcome::Status(status), Some(at)) => {
                is_unknown(&county, &loopledger_wire::status_from_pb(&status), &at);
            }
            (outcome, at) => panic!("{at:?}: {outcome:?}"),
        }
    }
    assert!(answers.message().await.unwrap().is_none(), "the stream ends well when its caller is done");
    county.stop().await;
}
