//! Bulk streams: order, refusals on the way, positions, ends of every kind, and callers that do not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use loopledger_proto::common::v1 as common;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::procurement::v1::record_request::Command;
use loopledger_proto::procurement::v1::record_response::Outcome;
use loopledger_proto::procurement::v1::{MakePayoutRequest, RecordRequest, RecordResponse, RegisterPartyRequest};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};
use tonic_types::StatusExt as _;

use crate::county::{ABSENT, County, PATIENCE, VILLAGE};
use crate::{refusals, wire};

pub(crate) fn request_id(number: usize) -> String {
    format!("{number:08x}-1111-4000-8000-000000000000")
}

fn occasion() -> common::Occasion {
    common::Occasion {
        business_date: "2026-03-02".to_owned(),
        division_code: VILLAGE.to_owned(),
        ..common::Occasion::default()
    }
}

pub(crate) fn register(number: usize) -> RegisterPartyRequest {
    RegisterPartyRequest {
        request_id: request_id(number),
        after: Vec::new(),
        occasion: Some(occasion()),
        kind: common::PartyKind::Firm.into(),
        division_code: "654224".to_owned(),
        label: format!("firm {number}"),
        county_code: String::new(),
    }
}

pub(crate) fn taken(number: usize) -> RecordRequest {
    RecordRequest { command: Some(Command::RegisterParty(register(number))) }
}

/// Wrong in form.
fn malformed(number: usize) -> RecordRequest {
    let label = String::new();
    RecordRequest { command: Some(Command::RegisterParty(RegisterPartyRequest { label, ..register(number) })) }
}

/// Against a rule.
fn refused(number: usize) -> RecordRequest {
    let payout = MakePayoutRequest {
        request_id: request_id(number),
        occasion: Some(occasion()),
        payer_id: ABSENT.to_owned(),
        payee_id: ABSENT.to_owned(),
        method: common::PaymentMethod::Cash.into(),
        ..MakePayoutRequest::default()
    };
    RecordRequest { command: Some(Command::MakePayout(payout)) }
}

async fn open(county: &County) -> (mpsc::Sender<RecordRequest>, Streaming<RecordResponse>) {
    open_at(&county.channel).await
}

pub(crate) async fn open_at(channel: &Channel) -> (mpsc::Sender<RecordRequest>, Streaming<RecordResponse>) {
    let (send, requests) = mpsc::channel(64);
    let mut client = ProcurementServiceClient::new(channel.clone());
    let answers = client.record(ReceiverStream::new(requests)).await.unwrap().into_inner();
    (send, answers)
}

pub(crate) async fn next(answers: &mut Streaming<RecordResponse>) -> RecordResponse {
    timeout(PATIENCE, answers.message()).await.expect("an answer comes").unwrap().expect("the stream goes on")
}

pub(crate) fn code(answer: &RecordResponse) -> Code {
    match answer.outcome.as_ref().unwrap() {
        Outcome::Receipt(_) => Code::Ok,
        Outcome::Status(status) => Code::from_i32(status.code),
    }
}

pub(crate) fn sequence(answer: &RecordResponse) -> u64 {
    match answer.outcome.as_ref().unwrap() {
        Outcome::Receipt(receipt) => receipt.position.as_ref().unwrap().sequence,
        Outcome::Status(status) => panic!("{status:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_in_order_and_a_refusal_ends_nothing() {
    const COUNT: usize = 5_000;
    let county = County::start().await;
    let (send, mut answers) = open(&county).await;
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            let request = match number % 5 {
                1 => malformed(number),
                2 => refused(number),
                // The one before the one before: a repeat.
                3 => taken(number - 3),
                4 => RecordRequest { command: None },
                _ => taken(number),
            };
            send.send(request).await.unwrap();
        }
    });
    let mut last = 0;
    for number in 0..COUNT {
        let answer = next(&mut answers).await;
        let (id, expected) = match number % 5 {
            1 => (request_id(number), Code::InvalidArgument),
            2 => (request_id(number), Code::NotFound),
            3 => (request_id(number - 3), Code::Ok),
            4 => (String::new(), Code::InvalidArgument),
            _ => (request_id(number), Code::Ok),
        };
        assert_eq!((answer.request_id.as_str(), code(&answer)), (id.as_str(), expected), "{number}: {answer:?}");
        match answer.outcome.unwrap() {
            Outcome::Receipt(receipt) => {
                assert_eq!(receipt.created[0].kind, "party");
                let sequence = receipt.position.unwrap().sequence;
                assert_eq!(sequence, if number % 5 == 3 { last } else { last + 1 });
                last = sequence;
            }
            Outcome::Status(status) => {
                let status = loopledger_wire::status_from_pb(&status);
                let details = status.get_error_details();
                assert_eq!(details.error_info().unwrap().domain, "loopledger");
                assert_eq!(details.localized_message().unwrap().locale, "zh-CN");
            }
        }
    }
    sending.await.unwrap();
    assert!(answers.message().await.unwrap().is_none(), "the stream ends well when its caller is done");
    // A receipt can be had again, by itself.
    let found = county.ask("procurement", "GetReceipt", json!({"requestId": request_id(0)})).await.unwrap();
    assert_eq!(found["receipt"]["position"]["sequence"], "1");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_come_after_a_position_waits_for_it_in_its_place() {
    let county = County::start().await;
    let (send, mut answers) = open(&county).await;
    send.send(taken(0)).await.unwrap();
    let first = next(&mut answers).await;
    let Some(Outcome::Receipt(receipt)) = first.outcome else { panic!("{first:?}") };
    let position = receipt.position.unwrap();
    let mut lost = position.clone();
    lost.hash = vec![1; 32];
    let mut elsewhere = position.clone();
    elsewhere.stream = "sales/110101".to_owned();
    let with = |number: usize, after: Vec<common::Position>| RecordRequest {
        command: Some(Command::RegisterParty(RegisterPartyRequest { after, ..register(number) })),
    };
    for request in [
        with(1, vec![position.clone()]),
        with(2, vec![lost]),
        with(3, vec![elsewhere]),
        with(4, vec![position.clone()]),
        with(5, vec![position; 17]),
        taken(6),
    ] {
        send.send(request).await.unwrap();
    }
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(code(&next(&mut answers).await));
    }
    let wrong = Code::InvalidArgument;
    assert_eq!(codes, [Code::Ok, Code::DataLoss, wrong, Code::Ok, wrong, Code::Ok]);
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_read_is_not_read_either() {
    let county = County::start().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    // A kilobyte each, refused at the door, so that nothing but the answers could pile up.
    let requests = futures::stream::iter(0..).map(move |number| {
        counter.fetch_add(1, Ordering::Relaxed);
        let label = "x".repeat(1_000);
        RecordRequest { command: Some(Command::RegisterParty(RegisterPartyRequest { label, ..register(number) })) }
    });
    let mut client = ProcurementServiceClient::new(county.channel.clone());
    let mut answers = client.record(requests).await.unwrap().into_inner();
    for number in 0..3 {
        // It goes on until every window and queue between us is full, then it stands still.
        let mut still = 0;
        let mut before = 0;
        while still < 20_000 {
            let now = sent.load(Ordering::Relaxed);
            still = if now == before { still + 1 } else { 0 };
            before = now;
            tokio::task::yield_now().await;
        }
        assert!(before < 40_000, "{before} requests were taken although no answer was read");
        for answer in number * 10_000..(number + 1) * 10_000 {
            assert_eq!(next(&mut answers).await.request_id, request_id(answer));
        }
    }
    drop(answers);
    county.stop().await;
}

/// Sends messages of any bytes at all.
pub(crate) async fn open_raw(channel: &Channel, messages: Vec<Vec<u8>>) -> Streaming<Vec<u8>> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path = wire::path("procurement", "Record").parse().unwrap();
    let messages = Request::new(futures::stream::iter(messages));
    grpc.streaming(messages, path, wire::Raw).await.unwrap().into_inner()
}

pub(crate) async fn next_raw(answers: &mut Streaming<Vec<u8>>) -> RecordResponse {
    let answer = timeout(PATIENCE, answers.message()).await.expect("an answer comes").unwrap();
    prost::Message::decode(answer.expect("the stream goes on").as_slice()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_cannot_be_read_is_answered_in_its_place() {
    let county = County::start().await;
    let good = |number: usize| prost::Message::encode_to_vec(&taken(number));
    let mut cut = good(9);
    cut.truncate(cut.len() - 3);
    let mut not_utf8 = good(9);
    let label = not_utf8.len() - 1;
    not_utf8[label] = 0xff;
    // A text that is none fails in the middle: what is left of it must not be taken for the next message.
    let mut early = good(9);
    let id = early.windows(8).position(|eight| eight == b"00000009").unwrap();
    early[id] = 0xff;
    let garbage = [vec![0xff; 20], cut, not_utf8, early, vec![0; 4_000]];
    let mut messages = vec![good(0)];
    for (number, message) in (1..).zip(&garbage) {
        messages.extend([message.clone(), good(number)]);
    }
    let mut answers = open_raw(&county.channel, messages).await;
    assert_eq!(sequence(&next_raw(&mut answers).await), 1);
    for number in 1..=garbage.len() {
        let answer = next_raw(&mut answers).await;
        assert_eq!(answer.request_id, "", "its request is not known");
        let Some(Outcome::Status(status)) = answer.outcome else { panic!("{answer:?}") };
        let said = refusals::say(&county, &loopledger_wire::status_from_pb(&status));
        assert!(said.starts_with("MALFORMED_MESSAGE"), "{said}");
        let answer = next_raw(&mut answers).await;
        assert_eq!((answer.request_id.clone(), sequence(&answer)), (request_id(number), number as u64 + 1));
    }
    assert!(answers.message().await.unwrap().is_none(), "the stream ends well when its caller is done");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_with_an_oversize_message_is_answered_as_far_as_it_went() {
    let county = County::start().await;
    let good = |number: usize| prost::Message::encode_to_vec(&taken(number));
    let mut answers = open_raw(&county.channel, vec![good(0), good(1), vec![0; 5 * 1024 * 1024], good(2)]).await;
    for number in 0..2 {
        let answer = next_raw(&mut answers).await;
        assert_eq!((answer.request_id.clone(), code(&answer)), (request_id(number), Code::Ok));
    }
    let ended = answers.message().await.unwrap_err();
    assert!(refusals::say(&county, &ended).starts_with("MESSAGE_TOO_LARGE"), "{ended:?}");
    let (send, mut answers) = open(&county).await;
    send.send(taken(2)).await.unwrap();
    assert_eq!(sequence(&next(&mut answers).await), 3, "what came after it was not taken");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_its_time_is_up() {
    let county = County::start().await;
    let (send, requests) = mpsc::channel(4);
    let mut request = Request::new(ReceiverStream::new(requests));
    request.set_timeout(std::time::Duration::from_millis(500));
    let mut client = ProcurementServiceClient::new(county.channel.clone());
    let mut answers = client.record(request).await.unwrap().into_inner();
    send.send(taken(0)).await.unwrap();
    assert_eq!(sequence(&next(&mut answers).await), 1);
    let ended = timeout(PATIENCE, answers.message()).await.expect("it ends").unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded, "{ended:?}");
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_and_single_calls_go_on_side_by_side() {
    const STREAMS: usize = 8;
    const EACH: usize = 2_000;
    let county = Arc::new(County::start().await);
    let streams = (0..STREAMS).map(|stream| {
        let county = Arc::clone(&county);
        tokio::spawn(async move {
            let (send, mut answers) = open(&county).await;
            let sending = tokio::spawn(async move {
                for number in 0..EACH {
                    send.send(taken(stream * EACH + number)).await.unwrap();
                }
            });
            let mut sequences = Vec::new();
            for _ in 0..EACH {
                sequences.push(sequence(&next(&mut answers).await));
            }
            sending.await.unwrap();
            assert!(sequences.is_sorted(), "a stream's commits are in its order");
            sequences
        })
    });
    let streams: Vec<_> = streams.collect();
    // The streams keep the writer's queue full; who asks gets a turn.
    let mut asked = 0;
    while asked < 20 || !streams.iter().all(JoinHandle::is_finished) {
        county.ask("procurement", "ListParties", json!({"pageSize": 1})).await.unwrap();
        let status = county.ask("procurement", "GetReceipt", json!({"requestId": ABSENT})).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
        asked += 1;
    }
    let mut sequences = Vec::new();
    for stream in streams {
        sequences.extend(stream.await.unwrap());
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=(STREAMS * EACH) as u64).collect::<Vec<_>>(), "each was recorded once");
    Arc::into_inner(county).unwrap().stop().await;
}
