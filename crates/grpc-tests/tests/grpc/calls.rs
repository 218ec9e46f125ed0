//! Single calls: repeats, positions, deadlines, callers that go away, and bytes that are no requests.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::county::{County, PATIENCE, base64, connect};
use crate::refusals;
use crate::season::on;
use crate::wire::{self, call, call_raw, path};

fn firm(label: &str) -> Value {
    json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": label})
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_gets_the_first_answer_and_another_request_may_not_take_its_id() {
    let county = County::start().await;
    let request = county.complete(&firm("A"));
    let first = county.write("procurement", "RegisterParty", &request).await.unwrap();
    assert_eq!(first["position"]["sequence"], "1");
    for _ in 0..3 {
        assert_eq!(county.write("procurement", "RegisterParty", &request).await.unwrap(), first);
    }
    let mut other = request.clone();
    other["label"] = json!("B");
    let status = county.write("procurement", "RegisterParty", &other).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(status.get_details_error_info().unwrap().metadata["request_id"], request["requestId"].as_str().unwrap());

    // The positions that a caller waits for are not part of what it asks.
    let mut later = request.clone();
    later["after"] = json!([first["position"]]);
    assert_eq!(county.write("procurement", "RegisterParty", &later).await.unwrap(), first);
    let found = county.ask("procurement", "GetReceipt", json!({"requestId": request["requestId"]})).await.unwrap();
    assert_eq!(found["receipt"]["position"], first["position"]);
    assert_eq!(found["heads"], json!([first["position"]]));
    let second = county.made("procurement", "RegisterParty", firm("B"), &[]).await;
    assert_eq!(second["position"]["sequence"], "2", "nothing else was written");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_waited_for_and_never_ignored() {
    let county = County::start().await;
    county.made("procurement", "RegisterParty", firm("COOP"), &["partyId=COOP"]).await;
    let channel = json!({"medium": "MEDIUM_ONLINE", "operatorId": "$COOP", "label": "CH"});
    // Never a race: `after` names where the operator was registered.
    county.made("sales", "OpenChannel", channel.clone(), &[]).await;

    let head = county.heads().into_iter().find(|head| head["stream"] == "procurement/654224").unwrap();
    let mut ahead = head.clone();
    ahead["sequence"] = json!("1000000");
    let mut other = head.clone();
    other["hash"] = json!(base64(&[7; 32]));
    let limit = Some(Duration::from_millis(400));
    let mut request = county.complete(&channel);
    request["after"] = json!([ahead]);
    for (method, request) in [("OpenChannel", request), ("ListChannels", json!({"atLeast": [ahead]}))] {
        let status = call(&county.channel, "sales", method, &request, limit).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UPSTREAM_BEHIND"), "{status:?}");
        assert!(status.get_details_retry_info().is_some());
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.metadata["wanted"].as_str(), info.metadata["have"].as_str()), ("1000000", "1"));
    }
    let mut request = county.complete(&channel);
    request["after"] = json!([other]);
    for (method, request) in [
        ("OpenChannel", request),
        ("ListChannels", json!({"atLeast": [other]})),
        ("GetReceipt", json!({"atLeast": [other], "requestId": county.request_id()})),
    ] {
        let status = call(&county.channel, "sales", method, &request, None).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "POSITION_NOT_IN_LOG"), "{status:?}");
    }
    let mut elsewhere = head.clone();
    elsewhere["stream"] = json!("procurement/110101");
    let status = county.ask("sales", "ListChannels", json!({"atLeast": [head, elsewhere]})).await.unwrap_err();
    let request = status.get_details_bad_request().unwrap();
    assert_eq!(request.field_violations[0].field, "at_least[1].stream");
    let many: Vec<_> = core::iter::repeat_n(head.clone(), 17).collect();
    let status = county.ask("sales", "ListChannels", json!({"atLeast": many})).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "at_least");
    let answer = county.ask("sales", "ListChannels", json!({"atLeast": [head]})).await.unwrap();
    assert!(answer["heads"].as_array().unwrap().contains(&head));
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_its_deadline_a_write_is_unknown_and_its_id_finds_it() {
    let county = County::start().await;
    county.made("procurement", "RegisterParty", firm("A"), &[]).await;
    county.gate.appends.send_replace(false);
    let request = county.complete(&firm("B"));
    let limit = Some(Duration::from_millis(300));
    let status = call(&county.channel, "procurement", "RegisterParty", &request, limit).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "OUTCOME_UNKNOWN"), "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().metadata["request_id"], request["requestId"].as_str().unwrap());
    // A query waits for what it would see, and so does the question what became of the write.
    for (method, asked) in [("ListParties", json!({})), ("GetReceipt", json!({"requestId": request["requestId"]}))] {
        let status = call(&county.channel, "procurement", method, &asked, limit).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            "{status:?}"
        );
    }
    county.gate.appends.send_replace(true);
    let answer = county.write("procurement", "RegisterParty", &request).await.unwrap();
    assert_eq!(answer["position"]["sequence"], "2", "once");
    let next = county.made("procurement", "RegisterParty", firm("C"), &[]).await;
    assert_eq!(next["position"]["sequence"], "3");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_changes_nothing() {
    let county = County::start().await;
    county.gate.appends.send_replace(false);
    let request = county.complete(&firm("A"));
    let channel = connect(county.address).await;
    let calling = {
        let request = request.clone();
        tokio::spawn(async move { call(&channel, "procurement", "RegisterParty", &request, None).await })
    };
    let mut asked = county.gate.asked.subscribe();
    asked.wait_for(|asked| *asked > 0).await.unwrap();
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    county.gate.appends.send_replace(true);
    let mut handle = county.procurement.handle().clone();
    while handle.heads().positions().next().is_none() {
        timeout(PATIENCE, handle.heads_changed()).await.expect("what was decided is appended");
    }
    let found = county.ask("procurement", "GetReceipt", json!({"requestId": request["requestId"]})).await.unwrap();
    assert_eq!(found["receipt"]["position"]["sequence"], "1");
    let repeated = county.write("procurement", "RegisterParty", &request).await.unwrap();
    assert_eq!(repeated["position"], found["receipt"]["position"]);
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_gets_a_status_and_does_no_harm() {
    let county = County::start().await;
    let register = path("procurement", "RegisterParty");
    let oversize = {
        let method = wire::method("procurement", "RegisterParty");
        let mut fields = firm("A");
        fields["label"] = json!("x".repeat(5 * 1024 * 1024));
        wire::encode(&method, &county.complete(&fields))
    };
    for (bytes, expected) in [
        (vec![0xff; 100], "MALFORMED_MESSAGE"),
        (b"\x0a\xff\xff\xff\xff\x0f".to_vec(), "MALFORMED_MESSAGE"),
        // A text that is not UTF-8.
        (b"\x0a\x02\xc3\x28".to_vec(), "MALFORMED_MESSAGE"),
        (Vec::new(), "INVALID_REQUEST"),
        (oversize, "MESSAGE_TOO_LARGE"),
    ] {
        let status = call_raw(&county.channel, &register, bytes.clone(), None).await.unwrap_err();
        let said = refusals::say(&county, &status);
        assert!(said.starts_with(expected), "{said}: {status:?}");
        // Questions too; and where nothing asked for a county at all.
        if expected == "MALFORMED_MESSAGE" {
            for path in [path("sales", "ListChannels"), "/grpc.health.v1.Health/Check".to_owned()] {
                let status = call_raw(&county.channel, &path, bytes.clone(), None).await.unwrap_err();
                assert!(refusals::say(&county, &status).starts_with(expected), "{path}: {status:?}");
            }
        }
    }
    for path in
        ["/loopledger.procurement.v1.ProcurementService/Nothing", "/loopledger.nothing.v1.NothingService/Nothing", "/"]
    {
        let status = call_raw(&county.channel, path, Vec::new(), None).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status:?}");
    }
    // A text that is too long, in a message that is not.
    let mut fields = firm("A");
    fields["label"] = json!("x".repeat(10_000));
    let status = county.write("procurement", "RegisterParty", &county.complete(&fields)).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].reason, "TOO_LONG");
    // An unknown field is refused, not ignored as protobuf has it: its caller would take it for recorded.
    let method = wire::method("procurement", "RegisterParty");
    let mut request = wire::encode(
        &method,
        &county.complete(&json!({"kind": "PARTY_KIND_FIRM",
        "divisionCode": "654224", "label": "A", "occasion": on("2026-01-01")})),
    );
    let known = request.clone();
    request.extend_from_slice(b"\xf2\x3f\x03new");
    let status = call_raw(&county.channel, &register, request, None).await.unwrap_err();
    assert_eq!(refusals::say(&county, &status), "UNKNOWN_FIELD 1022:UNKNOWN_FIELD");
    call_raw(&county.channel, &register, known, None).await.unwrap();

    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4096], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff"]
    {
        let mut socket = tokio::net::TcpStream::connect(county.address).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        // Whatever it says, it ends.
        let mut said = Vec::new();
        timeout(PATIENCE, socket.read_to_end(&mut said)).await.expect("the connection ends").ok();
    }
    let answer = county.made("procurement", "RegisterParty", firm("B"), &[]).await;
    assert_eq!(answer["position"]["sequence"], "2");
    county.stop().await;
}
