//! `status`: how far every stream is, and the digests of the ledger.

use loopledger_proto::ledger::v1::{GetStatusRequest, GetStatusResponse};
use loopledger_types::Hash;
use serde_json::{Value, json};

use super::income::print;
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, say};

pub(crate) async fn status(client: &Client, format: Format) -> Result<(), Failure> {
    let answer = ask(client).await?;
    if format == Format::Json {
        say!("{}", as_json(&answer))?;
        return Ok(());
    }
    let mut report = Report::new("")
        .text("stream", "数据流")
        .number("sequence", "序号")
        .text("hash", "哈希")
        .number("voids", "作废记录")
        .text("health", "状态");
    for stream in &answer.streams {
        report.row(vec![
            json!(stream.stream),
            json!(stream.sequence),
            json!(hex(&stream.hash)),
            json!(stream.voids),
            json!(stream.health),
        ]);
    }
    print(&report, format)?;
    if format == Format::Table {
        say!("账本摘要 {}", hex(&answer.ledger_digest))?;
        say!("状态摘要 {}", hex(&answer.state_digest))?;
        say!(
            "持久性 {} · 待答复交接 {} · 异常 {} · 账本内存 {} MB",
            answer.durability,
            answer.open_hand_overs,
            answer.exceptions,
            answer.ledger_bytes / 1_000_000
        )?;
    }
    Ok(())
}

/// The ledger's digest alone, for the end of the demo.
pub(super) async fn print_digest(client: &Client) -> Result<(), Failure> {
    let answer = ask(client).await?;
    let commits = answer.streams.iter().fold(0_u64, |sum, stream| sum.saturating_add(stream.sequence));
    say!("{commits} 条提交,账本摘要 {}", hex(&answer.ledger_digest))?;
    Ok(())
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
