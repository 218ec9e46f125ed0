//! `status`: how far every stream is, whether it is read and written, and the digests of the ledger.

use core::time::Duration;

use loopledger_client::lang::{Lang, lang, pick};
use loopledger_client::output::neutral;
use loopledger_client::{Client, Failure, both, say, tr};
use loopledger_proto::common::v1::{Halt, LogStatus, StreamState, WriterStatus};
use loopledger_proto::ledger::v1::{GetStatusRequest, GetStatusResponse, StreamStatus};
use loopledger_types::{StreamId, hex};
use serde_json::{Value, json};
use tonic::Status;

use crate::output::{Cell, Format, Report, View};

/// How long a service may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Digits of a hash that people compare; all of them with details.
const HASH_DIGITS: usize = 12;

/// What the writer of a stream says of itself.
pub(super) enum Writer {
    /// `--server` does not name it, or nothing writes the stream.
    NotAsked,
    Unreachable(Box<Status>),
    Said(Box<WriterStatus>),
}

pub(crate) async fn status(client: &Client, view: &View) -> Result<(), Failure> {
    let answer = ask(client).await?;
    let mut writers = Vec::with_capacity(answer.streams.len());
    for stream in &answer.streams {
        writers.push(ask_writer(client, &stream.stream).await);
    }
    if view.format == Format::Json {
        say!("{}", as_json(&answer, &writers))?;
    } else {
        show(&answer, &writers, view)?;
    }
    let halted: Vec<&str> =
        streams(&answer, &writers).filter(|of| is_halted(*of)).map(|(stream, _)| stream.stream.as_str()).collect();
    if !halted.is_empty() {
        let halted = halted.join(", ");
        return Err(Failure::Refused(both!("已停止的数据流:{halted}", "halted: {halted}")));
    }
    let unreachable = streams(&answer, &writers).find_map(|(stream, writer)| match writer {
        Writer::Unreachable(status) => Some(format!("{}: {}", stream.stream, status.message())),
        Writer::NotAsked | Writer::Said(_) => None,
    });
    unreachable.map_or(Ok(()), |what| Err(Failure::Unreachable(what)))
}

/// `writers` are those of the streams, in their order.
pub(super) fn show(answer: &GetStatusResponse, writers: &[Writer], view: &View) -> Result<(), Failure> {
    let report = Report::new("")
        .text("stream", "数据流", "Stream")
        .number("sequence", "序号", "Sequence")
        .text("hash", "哈希", "Hash");
    // All of a hash takes most of a line.
    let report = if view.detail { report.on_request() } else { report };
    let mut report =
        report.number("voids", "作废记录", "Voids").text("health", "状态", "Health").text("writer", "写入", "Writer");
    for (stream, writer) in streams(answer, writers) {
        let hash = hex::encode(&stream.hash);
        let shown = if view.detail { hash.clone() } else { hash.chars().take(HASH_DIGITS).collect() };
        report.row([
            (&stream.stream).into(),
            stream.sequence.into(),
            Cell::shown(json!(hash), shown),
            stream.voids.into(),
            state(stream.state()).into(),
            writer.state().into(),
        ]);
    }
    view.print(&report)?;
    if view.format != Format::Table {
        return Ok(());
    }
    // Not broken: it names commands to copy.
    for halt in streams(answer, writers).flat_map(halts) {
        if lang() == Lang::Chinese {
            say!("✗ {}", neutral(&halt.message_zh))?;
        }
        say!("✗ {}", neutral(&halt.message))?;
    }
    for (of, log) in unreachable_logs(answer, writers) {
        let (seconds, cause) =
            (log.unreachable_for.as_ref().map_or(0, |duration| duration.seconds), neutral(&log.cause));
        view.say(&tr!(
            "✗ {of} 无法访问日志,已 {seconds} 秒:{cause}",
            "✗ {of} cannot reach the log for {seconds} s: {cause}"
        ))?;
    }
    say!("{} {}", pick("账本摘要", "Ledger digest"), hex::encode(&answer.ledger_digest))?;
    say!("{} {}", pick("状态摘要", "State digest "), hex::encode(&answer.state_digest))?;
    let (durability, open, exceptions) = (&answer.durability, answer.open_hand_overs, answer.exceptions);
    let megabytes = answer.ledger_bytes / 1_000_000;
    view.say(&tr!(
        "持久性 {durability} · 待答复交接 {open} · 异常 {exceptions} · 账本内存 {megabytes} MB",
        "Durability {durability} · open hand-overs {open} · exceptions {exceptions} · ledger memory {megabytes} MB"
    ))
}

/// One stream as it is read, and its writer.
type Of<'a> = (&'a StreamStatus, &'a Writer);

fn streams<'a>(answer: &'a GetStatusResponse, writers: &'a [Writer]) -> impl Iterator<Item = Of<'a>> {
    answer.streams.iter().zip(writers)
}

/// How it is read, then how it is written; what is said of it twice, once.
fn halts((stream, writer): Of<'_>) -> impl Iterator<Item = &Halt> {
    let read = stream.halt.as_ref();
    let written = writer.said().and_then(|said| said.halt.as_ref()).or(stream.writer_halt.as_ref());
    read.into_iter().chain(written.filter(|written| read.is_none_or(|read| read.message != written.message)))
}

fn is_halted(of: Of<'_>) -> bool {
    halts(of).next().is_some()
}

/// Who cannot reach the log.
fn unreachable_logs<'a>(
    answer: &'a GetStatusResponse,
    writers: &'a [Writer],
) -> impl Iterator<Item = (&'a str, &'a LogStatus)> {
    let of_writers = streams(answer, writers);
    let of_writers =
        of_writers.filter_map(|(stream, writer)| Some((stream.stream.as_str(), writer.said()?.log.as_ref()?)));
    answer.log.iter().map(|log| ("projection", log)).chain(of_writers).filter(|(_, log)| !log.reachable)
}

/// The ledger's digest alone, for the end of the demo.
pub(super) async fn print_digest(client: &Client) -> Result<(), Failure> {
    let answer = ask(client).await?;
    let commits = answer.streams.iter().fold(0_u64, |sum, stream| sum.saturating_add(stream.sequence));
    let digest = hex::encode(&answer.ledger_digest);
    let text = tr!("{commits} 条提交,账本摘要\n{digest}", "{commits} commits, ledger digest\n{digest}");
    say!("{text}")
}

async fn ask_writer(client: &Client, stream: &str) -> Writer {
    let Ok(stream) = StreamId::parse(stream) else { return Writer::NotAsked };
    match client.writer_status(stream, PATIENCE).await {
        None => Writer::NotAsked,
        Some(Ok(status)) => Writer::Said(Box::new(status)),
        Some(Err(status)) => Writer::Unreachable(Box::new(status)),
    }
}

impl Writer {
    fn said(&self) -> Option<&WriterStatus> {
        match self {
            Self::Said(status) => Some(status),
            Self::NotAsked | Self::Unreachable(_) => None,
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Self::NotAsked => "",
            Self::Unreachable(_) => "unreachable",
            Self::Said(status) => state(status.state()),
        }
    }
}

const fn state(state: StreamState) -> &'static str {
    match state {
        StreamState::Unspecified => "",
        StreamState::CatchingUp => "catching_up",
        StreamState::Serving => "serving",
        StreamState::LogUnreachable => "log_unreachable",
        StreamState::Halted => "halted",
        StreamState::Stopped => "stopped",
    }
}

async fn ask(client: &Client) -> Result<GetStatusResponse, Failure> {
    let request = client.in_county(GetStatusRequest::default());
    Ok(client.ledger()?.get_status(request).await?.into_inner())
}

/// The object that docs/design.md §10 fixes, on one line.
fn as_json(answer: &GetStatusResponse, writers: &[Writer]) -> Value {
    let halt = |halt: &Halt| {
        json!({
            "stream": halt.stream, "sequence": halt.sequence, "reason": halt.reason, "message": halt.message,
            "messageZh": halt.message_zh,
        })
    };
    let stream = |of: Of<'_>| {
        let (read, writer) = of;
        json!({
            "stream": read.stream, "sequence": read.sequence, "hash": hex::encode(&read.hash), "voids": read.voids,
            "health": state(read.state()), "writer": writer.state(), "halts": halts(of).map(halt).collect::<Vec<_>>(),
        })
    };
    json!({
        "streams": streams(answer, writers).map(stream).collect::<Vec<_>>(),
        "ledger_digest": hex::encode(&answer.ledger_digest),
        "state_digest": hex::encode(&answer.state_digest),
        "durability": answer.durability,
        "halted": streams(answer, writers).any(is_halted),
        "log_reachable": unreachable_logs(answer, writers).next().is_none(),
    })
}
