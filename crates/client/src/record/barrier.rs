//! Waiting for what was written, and for everything that follows from it.

use core::time::Duration;

use loopledger_proto::common::v1::Position;
use loopledger_proto::ledger::v1::AwaitRequest;
use loopledger_types::{CountyCode, StreamId};
use tokio::time::Instant;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::client::{Client, named};
use crate::exit::Failure;

/// How long a barrier is waited for before it is said to be behind.
const BARRIER_MAX: Duration = Duration::from_secs(30);
/// How long one question waits: then it is known which stream is behind, and its service is asked how it is.
const QUESTION_MAX: Duration = Duration::from_secs(2);
const STATUS_MAX: Duration = Duration::from_secs(1);

/// The heads of a county at which its `positions` and their consequences are in. A service in a process of its own may be
/// halted without the ledger's knowing: it is asked, and what it says ends the wait. The inner error may be over in a while.
pub(super) async fn reach(
    client: &Client,
    county: Option<CountyCode>,
    positions: &[Position],
) -> Result<Result<Vec<Position>, Status>, Failure> {
    let until = Instant::now().checked_add(BARRIER_MAX);
    loop {
        let asked = AwaitRequest { positions: positions.to_vec(), consequences: true, ..AwaitRequest::default() };
        let mut request = Request::new(named(asked, county));
        request.set_timeout(QUESTION_MAX);
        let status = match client.ledger()?.r#await(request).await {
            Ok(answer) => return Ok(Ok(answer.into_inner().heads)),
            Err(status) => status,
        };
        let Some(stream) = behind(&status) else { return Ok(Err(status)) };
        if let Some(halted) = halted(client, stream).await {
            return Err(halted);
        }
        if until.is_none_or(|until| until <= Instant::now()) {
            return Ok(Err(status));
        }
    }
}

/// The stream that is not far enough yet.
fn behind(status: &Status) -> Option<StreamId> {
    let info = status.get_details_error_info().filter(|info| info.reason == "UPSTREAM_BEHIND")?;
    StreamId::parse(info.metadata.get("stream")?).ok()
}

async fn halted(client: &Client, stream: StreamId) -> Option<Failure> {
    let halt = client.writer_status(stream, STATUS_MAX).await?.ok()?.halt?;
    Some(Failure::Refused(format!("STREAM_HALTED: {} ({})", halt.message_zh, halt.message)))
}
