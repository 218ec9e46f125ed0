//! `status`: how far every stream is, and the digests of the ledger.

use core::time::Duration;

use loopledger_proto::ledger::v1::{GetStatusRequest, GetStatusResponse};
use loopledger_types::Hash;
use serde_json::{Value, json};
use tonic::Code;

use super::income::print;
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, say};

/// A request id that no caller sends.
const NOBODYS_REQUEST: &str = "00000000-0000-8000-8000-000000000001";
/// How long a service may take to say that it serves.
const PATIENCE: Duration = Duration::from_secs(1);

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
        .text("health", "状态")
        .text("writer", "写入");
    for stream in &answer.streams {
        let writer = writer_health(client, &stream.stream).await;
        report.row(vec![
            json!(stream.stream),
            json!(stream.sequence),
            json!(hex(&stream.hash)),
            json!(stream.voids),
            json!(stream.health),
            json!(writer),
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
