//! `status`: how far every stream is, and the digests of the ledger.

use core::time::Duration;
use std::collections::BTreeSet;

use loopledger_proto::ledger::v1::{GetStatusRequest, GetStatusResponse};
use loopledger_types::Hash;
use serde_json::{Value, json};
use tonic::Code;

use crate::client::Client;
use crate::exit::Failure;
use crate::lang::{pick, tr};
use crate::output::{Cell, Format, Report, View, neutral, say};

/// A request id that no caller sends.
const NOBODYS_REQUEST: &str = "00000000-0000-8000-8000-000000000001";
/// How long a service may take to say that it serves.
const PATIENCE: Duration = Duration::from_secs(1);

/// Digits of a hash that people compare; all of them with details.
const HASH_DIGITS: usize = 12;

pub(crate) async fn status(client: &Client, view: &View) -> Result<(), Failure> {
    let answer = ask(client).await?;
    if view.format == Format::Json {
        return say!("{}", as_json(&answer));
    }
    let mut writers = Vec::new();
    for stream in &answer.streams {
        writers.push(writer_health(client, &stream.stream).await);
    }
    show(&answer, &writers, view)
}

/// `writers` says what the services of the streams said of themselves.
pub(super) fn show(answer: &GetStatusResponse, writers: &[String], view: &View) -> Result<(), Failure> {
    let report = Report::new("")
        .text("stream", "数据流", "Stream")
        .number("sequence", "序号", "Sequence")
        .text("hash", "哈希", "Hash");
    // All of a hash takes most of a line.
    let report = if view.detail { report.on_request() } else { report };
    let mut report =
        report.number("voids", "作废记录", "Voids").text("health", "状态", "Health").text("writer", "写入", "Writer");
    for (stream, writer) in answer.streams.iter().zip(writers) {
        let hash = hex(&stream.hash);
        let shown = if view.detail { hash.clone() } else { hash.chars().take(HASH_DIGITS).collect() };
        report.row([
            (&stream.stream).into(),
            stream.sequence.into(),
            Cell::shown(json!(hash), shown),
            stream.voids.into(),
            in_a_word(&stream.health),
            in_a_word(writer),
        ]);
    }
    view.print(&report)?;
    if view.format == Format::Table {
        for (stream, writer) in answer.streams.iter().zip(writers) {
            let told: BTreeSet<&str> =
                [stream.health.as_str(), writer].into_iter().filter(|text| is_long(text)).collect();
            // Not broken: it names commands to copy.
            told.into_iter().try_for_each(|text| say!("{}: {}", stream.stream, neutral(text)))?;
        }
        say!("{} {}", pick("账本摘要", "Ledger digest"), hex(&answer.ledger_digest))?;
        say!("{} {}", pick("状态摘要", "State digest "), hex(&answer.state_digest))?;
        let (durability, open, exceptions) = (&answer.durability, answer.open_hand_overs, answer.exceptions);
        let megabytes = answer.ledger_bytes / 1_000_000;
        view.say(&tr!(
            "持久性 {durability} · 待答复交接 {open} · 异常 {exceptions} · 账本内存 {megabytes} MB",
            "Durability {durability} · open hand-overs {open} · exceptions {exceptions} · ledger memory {megabytes} MB"
        ))?;
    }
    Ok(())
}

/// Whether a text says more than a state.
fn is_long(text: &str) -> bool {
    text.contains(' ')
}

/// A state; why something is halted stands below the table.
fn in_a_word(text: &str) -> Cell {
    if is_long(text) { Cell::shown(json!(text), pick("停止", "halted").to_owned()) } else { text.into() }
}

/// The ledger's digest alone, for the end of the demo.
pub(super) async fn print_digest(client: &Client) -> Result<(), Failure> {
    let answer = ask(client).await?;
    let commits = answer.streams.iter().fold(0_u64, |sum, stream| sum.saturating_add(stream.sequence));
    let digest = hex(&answer.ledger_digest);
    let text = tr!("{commits} 条提交,账本摘要\n{digest}", "{commits} commits, ledger digest\n{digest}");
    say!("{text}")
}

/// What the service that writes a stream says when it is asked for a receipt that nobody has: that there is none, or why
/// it cannot say.
async fn writer_health(client: &Client, stream: &str) -> String {
    macro_rules! ask {
        ($service:ident) => {
            match client.$service() {
                Ok(mut service) => {
                    let asked = loopledger_proto::$service::v1::GetReceiptRequest {
                        request_id: NOBODYS_REQUEST.to_owned(),
                        at_least: Vec::new(),
                    };
                    let mut request = tonic::Request::new(asked);
                    request.set_timeout(PATIENCE);
                    service.get_receipt(request).await.err()
                }
                // Nobody said where it is.
                Err(_) => return String::new(),
            }
        };
    }
    let refused = match stream.split('/').next() {
        Some("procurement") => ask!(procurement),
        Some("station") => ask!(station),
        Some("distribution") => ask!(distribution),
        Some("sales") => ask!(sales),
        // Nothing writes the ledger's own stream yet.
        _ => return String::new(),
    };
    match refused {
        None => "serving".to_owned(),
        Some(status) if status.code() == Code::NotFound => "serving".to_owned(),
        Some(status) if status.code() == Code::DeadlineExceeded => "catching_up".to_owned(),
        Some(status) => status.message().to_owned(),
    }
}

async fn ask(client: &Client) -> Result<GetStatusResponse, Failure> {
    Ok(client.ledger()?.get_status(GetStatusRequest::default()).await?.into_inner())
}

/// The form that DESIGN §4 fixes, in one line.
fn as_json(answer: &GetStatusResponse) -> Value {
    let streams: Vec<Value> = answer
        .streams
        .iter()
        .map(|s| json!({ "stream": s.stream, "sequence": s.sequence, "hash": hex(&s.hash), "voids": s.voids }))
        .collect();
    json!({
        "streams": streams,
        "ledger_digest": hex(&answer.ledger_digest),
        "state_digest": hex(&answer.state_digest),
        "durability": answer.durability,
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    <[u8; 32]>::try_from(bytes).map(|bytes| Hash(bytes).to_string()).unwrap_or_default()
}
