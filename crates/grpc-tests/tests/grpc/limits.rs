//! What callers may hold of a server, attacked: nothing that one connection does takes from the others what is theirs.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use loopledger_service::grpc::{REQUEST_BYTES_MAX, ServerConfig};
use loopledger_service::limits::Descriptors;
use loopledger_service::metrics::{Endpoint, Registry};
use loopledger_testkit::Exposition;
use prost::bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::county::{County, PATIENCE, connect};
use crate::gate::Gate;
use crate::raw::{self, Caller};
use crate::wire;

const KIB: u64 = 1_024;

/// A window in which everything fits.
const WIDE: u32 = 1 << 30;

/// Waits for something that comes by itself.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "not in time: {what}");
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Refused for what is held, with a time to try again and a Chinese text.
fn is_too_much(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "TOO_MUCH_AT_ONCE"), "{status:?}");
    let details = status.get_error_details();
    assert!(details.retry_info().is_some_and(|info| info.retry_delay.is_some()));
    assert!(details.localized_message().is_some_and(|text| text.locale == "zh-CN"));
}

/// A small call that needs nothing but to be let through.
async fn goes_through(county: &County) {
    let channel = connect(county.address).await;
    wire::call(&channel, "procurement", "ListParties", &json!({"pageSize": 1}), None).await.unwrap();
}

/// A bulk message whose request id has so many bytes.
fn with_long_id(bytes: usize) -> Vec<u8> {
    use loopledger_proto::procurement::v1::{RecordRequest, RegisterPartyRequest, record_request::Command};
    let request = RegisterPartyRequest { request_id: "x".repeat(bytes), ..RegisterPartyRequest::default() };
    prost::Message::encode_to_vec(&RecordRequest { command: Some(Command::RegisterParty(request)) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_stream_that_takes_no_answers_holds_no_more_than_its_connection_may() {
    let county = County::start_with(Gate::open(), |config| config.bytes.requests_of_connection = 512 * KIB).await;
    let mut caller = Caller::connect(county.address, 0).await;
    let (bulk_answer, mut stream) = caller.begin("procurement", "Record").await;
    let message = with_long_id(40_000);
    let part = raw::part(u32::try_from(message.len()).unwrap(), &message);
    // Ten times what it may hold, and no end in sight.
    for _ in 0..128 {
        stream.send_data(part.clone(), false).unwrap();
    }
    until("the stream has taken its share", || county.connections.request_bytes() > 300 * KIB).await;
    // Streams leave a quarter to single calls.
    for _ in 0..1_000 {
        assert!(county.connections.request_bytes() <= 384 * KIB + KIB, "{}", county.connections.request_bytes());
        tokio::task::yield_now().await;
    }
    let (answer, mut single) = caller.begin("procurement", "ListParties").await;
    single.send_data(raw::part(0, &[]), true).unwrap();
    let begun = timeout(PATIENCE, answer).await.expect("a single call of the same connection goes through").unwrap();
    assert_eq!(begun.status(), 200);
    goes_through(&county).await;
    drop((caller, stream, single, begun, bulk_answer));
    until("all of it is given back", || county.connections.request_bytes() == 0).await;
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_so_many_bulk_streams_and_no_more() {
    let county = County::start().await;
    let mut caller = Caller::connect(county.address, WIDE).await;
    let mut open = Vec::new();
    for _ in 0..32 {
        let (answer, stream) = caller.begin("procurement", "Record").await;
        open.push((timeout(PATIENCE, answer).await.unwrap().unwrap(), stream));
    }
    let (answer, _stream) = caller.begin("procurement", "Record").await;
    is_too_much(&raw::status(answer).await);
    // Another connection has its own, and one that ends makes room.
    let (answer, _other) = Caller::connect(county.address, WIDE).await.begin("procurement", "Record").await;
    assert!(Status::from_header_map(timeout(PATIENCE, answer).await.unwrap().unwrap().headers()).is_none());
    open.pop();
    let waited = timeout(PATIENCE, async {
        loop {
            let (answer, _stream) = caller.begin("procurement", "Record").await;
            if Status::from_header_map(answer.await.unwrap().headers()).is_none() {
                return;
            }
        }
    });
    waited.await.expect("there is room again");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_id_longer_than_a_uuid_is_refused_and_not_repeated() {
    use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
    let county = County::start().await;
    let mut client = ProcurementServiceClient::new(county.channel.clone());
    let messages = [36, 37, 60_000].map(|bytes| prost::Message::decode(with_long_id(bytes).as_slice()).unwrap());
    let mut answers = client.record(futures::stream::iter(messages)).await.unwrap().into_inner();
    let mut ids = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        ids.push(answer.request_id);
    }
    assert_eq!(ids, ["x".repeat(36), String::new(), String::new()]);
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_large_is_refused_before_it_is_read() {
    let county = County::start().await;
    let mut caller = Caller::connect(county.address, WIDE).await;
    for method in ["Record", "RegisterParty"] {
        let (answer, mut stream) = caller.begin("procurement", method).await;
        // Its head alone.
        stream.send_data(raw::part(u32::try_from(REQUEST_BYTES_MAX).unwrap() + 1, &[]), false).unwrap();
        let status = raw::status(answer).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MESSAGE_TOO_LARGE"), "{method}");
        assert_eq!(status.get_details_error_info().unwrap().metadata["bytes_max"], REQUEST_BYTES_MAX.to_string());
    }
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_messages_hold_no_more_than_their_connection_may() {
    let county = County::start_with(Gate::open(), |config| config.bytes.requests_of_connection = 512 * KIB).await;
    let mut caller = Caller::connect(county.address, WIDE).await;
    let (answers, mut unsent) = (FuturesUnordered::new(), Vec::new());
    for _ in 0..100 {
        let (answer, mut stream) = caller.begin("procurement", "RegisterParty").await;
        stream.send_data(raw::part(60_000, &[0; 100]), false).unwrap();
        answers.push(raw::status(answer));
        unsent.push(stream);
    }
    // Eight of them fit at most; the others are refused at once, for nothing of theirs is read.
    let mut refused = answers.take(92);
    while let Some(status) = refused.next().await {
        is_too_much(&status);
    }
    let held = refused.into_inner();
    assert_eq!(held.len(), 8);
    assert!(county.connections.request_bytes() <= 512 * KIB);
    goes_through(&county).await;
    drop((caller, unsent, held));
    until("all of it is given back", || county.connections.request_bytes() == 0).await;
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sent_in_time_ends_its_call() {
    let county = County::start_with(Gate::open(), |config| config.read_max = Duration::from_millis(200)).await;
    let mut caller = Caller::connect(county.address, WIDE).await;
    let sent: [(&str, &[Bytes]); 5] = [
        ("RegisterParty", &[]),
        ("RegisterParty", &[Bytes::from_static(&[0, 0])]),
        ("RegisterParty", &[raw::part(100, &[0; 99])]),
        // Whole, but its end is not said.
        ("RegisterParty", &[raw::part(0, &[])]),
        ("Record", &[raw::part(0, &[]), raw::part(100, &[0; 99])]),
    ];
    for (method, parts) in sent {
        let (answer, mut stream) = caller.begin("procurement", method).await;
        for part in parts {
            stream.send_data(part.clone(), false).unwrap();
        }
        let status = raw::status(answer).await;
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::DeadlineExceeded, "MESSAGE_TOO_SLOW"),
            "{parts:?}"
        );
    }
    until("nothing is held", || county.connections.request_bytes() == 0).await;
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_stream_may_be_silent_between_messages() {
    let county = County::start_with(Gate::open(), |config| config.read_max = Duration::from_millis(20)).await;
    let mut caller = Caller::connect(county.address, WIDE).await;
    let (answer, mut stream) = caller.begin("procurement", "Record").await;
    stream.send_data(raw::part(0, &[]), false).unwrap();
    let response = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert!(Status::from_header_map(response.headers()).is_none(), "the stream is open");
    let mut body = response.into_body();
    timeout(PATIENCE, body.data()).await.unwrap().unwrap().unwrap();
    // Meanwhile another call's time passes, which began later.
    let (slow, _unsent) = caller.begin("procurement", "RegisterParty").await;
    assert_eq!(reason(&raw::status(slow).await), "MESSAGE_TOO_SLOW");
    stream.send_data(raw::part(0, &[]), true).unwrap();
    timeout(PATIENCE, body.data()).await.unwrap().expect("it is answered").unwrap();
    county.stop().await;
}

/// Waits until the server has closed a socket.
async fn closed(mut socket: TcpStream) {
    let mut rest = Vec::new();
    // However it ends.
    drop(timeout(PATIENCE, socket.read_to_end(&mut rest)).await.expect("the server closes it"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_preface_is_closed() {
    let greeting = Some(Duration::from_millis(100));
    let county = County::start_with(Gate::open(), |config| config.waits.greeting_max = greeting).await;
    for sent in ["", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut socket = TcpStream::connect(county.address).await.unwrap();
        socket.write_all(sent.as_bytes()).await.unwrap();
        closed(socket).await;
    }
    goes_through(&county).await;
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_answers_no_ping_is_closed() {
    let short = Duration::from_millis(100);
    let county =
        County::start_with(Gate::open(), |config| (config.keepalive, config.keepalive_timeout) = (short, short)).await;
    let mut socket = TcpStream::connect(county.address).await.unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    closed(socket).await;
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_make_room_for_new_ones_and_busy_ones_do_not() {
    let county = County::start_with(Gate::open(), |config| config.connections_max = 2).await;
    let idle = Caller::connect(county.address, WIDE).await;
    until("two are open", || county.connections.open() == 2).await;
    // The test's own connection is the other one; with a call it is busy.
    let watch = |channel| async move { HealthClient::new(channel).watch(HealthCheckRequest::default()).await };
    let first = watch(county.channel.clone()).await.unwrap();
    let other = connect(county.address).await;
    let second = watch(other.clone()).await.unwrap();
    idle.ended().await;
    assert_eq!((county.connections.closed_idle(), county.connections.refused()), (1, 0));
    // Both have calls now.
    closed(TcpStream::connect(county.address).await.unwrap()).await;
    assert_eq!((county.connections.closed_idle(), county.connections.refused()), (1, 1));
    wire::call(&other, "procurement", "ListParties", &json!({}), None).await.unwrap();
    // As soon as one has none there is room again.
    drop(second);
    let waited = timeout(PATIENCE, async {
        loop {
            let channel = tonic::transport::Channel::from_shared(format!("http://{}", county.address)).unwrap();
            if let Ok(channel) = channel.connect().await
                && wire::call(&channel, "procurement", "ListParties", &json!({}), None).await.is_ok()
            {
                return;
            }
        }
    });
    waited.await.expect("a new connection is let in");
    assert!(county.connections.open() <= 2);
    drop(first);
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_takes_nothing_is_closed() {
    let county = County::start_with(Gate::open(), |config| config.waits.write_max = Duration::from_millis(100)).await;
    let mut socket = TcpStream::connect(county.address).await.unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    // Every ping is answered, and no answer is read: at some time the way back is full.
    let ping = b"\0\0\x08\x06\0\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08".repeat(1_000);
    let sending = async { while socket.write_all(&ping).await.is_ok() {} };
    timeout(PATIENCE, sending).await.expect("the server closes it");
    until("its place is free", || county.connections.open() == 1).await;
    county.stop().await;
}

/// Enough parties that a page of them is no small answer.
async fn with_parties(config: impl FnOnce(&mut ServerConfig)) -> County {
    let county = County::start_with(Gate::open(), config).await;
    for number in 0..60 {
        let firm = json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": format!("{number:0>100}")});
        county.made("procurement", "RegisterParty", firm, &[]).await;
    }
    county
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_taken_are_bounded_and_give_way_to_those_of_others() {
    let county = with_parties(|config| {
        (config.bytes.answers_of_connection, config.bytes.answers_of_process) = (12 * KIB, 15 * KIB);
        config.waits.untaken_max = Duration::from_millis(100);
    })
    .await;
    // It takes the heads of its answers, and nothing else.
    let mut caller = Caller::connect(county.address, 0).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let (answer, mut stream) = caller.begin("procurement", "ListParties").await;
        stream.send_data(raw::part(0, &[]), true).unwrap();
        calls.push(timeout(PATIENCE, answer).await.unwrap().unwrap());
    }
    let refused: Vec<_> = calls.iter().filter_map(|call| Status::from_header_map(call.headers())).collect();
    assert_eq!(refused.len(), 2, "one page is held");
    refused.iter().for_each(is_too_much);
    assert!(county.connections.answer_bytes() <= 12 * KIB);
    // Another one takes what it asks for. Its pages need the room that the first one holds: that is closed then.
    let mut other = Caller::connect(county.address, WIDE).await;
    let untaken = timeout(PATIENCE, async {
        let mut held = Vec::new();
        while held.len() < 2 {
            let (answer, mut stream) = other.begin("procurement", "ListParties").await;
            stream.send_data(raw::part(0, &[]), true).unwrap();
            let status = raw::status(answer).await;
            if status.code() == Code::Ok {
                held.push(status);
            }
        }
    });
    untaken.await.expect("it is answered");
    drop((calls, caller));
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_scrapes_make_room_for_a_real_one() {
    let endpoint = Endpoint::start("127.0.0.1:0".parse().unwrap(), Registry::new()).await.unwrap();
    let address = endpoint.address();
    let mut slow = Vec::new();
    for number in 0..60 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: loop").await.unwrap();
        }
        slow.push(socket);
    }
    let scrape = tokio::task::spawn_blocking(move || Exposition::scrape(&address.to_string()));
    let shown = timeout(PATIENCE, scrape).await.expect("it is answered").unwrap();
    assert!(shown.value("process_resident_memory_bytes", &[]).is_some());
    // Of those that say nothing the oldest were closed.
    for socket in slow.drain(..60 - Descriptors::of_process().metrics) {
        closed(socket).await;
    }
    endpoint.shut_down().await;
}
