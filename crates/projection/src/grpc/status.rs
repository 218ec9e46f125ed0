//! Status, waiting, rebuild.

use core::pin::Pin;

use loopledger_proto::common::v1::StreamState;
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::{duration_to_pb, log_status};
use loopledger_types::Hash;
use loopledger_wire::{Failure, HaltNotice};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::fields::Fields;
use super::serve::Rpc;
use super::view;
use crate::api::{
    Await, AwaitAnswer, Digest, GetStatus, Rebuild, RebuildReport, RebuildReports, Rebuilt, StatusAnswer, StreamStatus,
};
use crate::health::StreamHealth;

impl Rpc for pb::GetStatusRequest {
    type Query = GetStatus;
    type Response = pb::GetStatusResponse;

    fn parse(&self, _: &mut Fields) -> Option<GetStatus> {
        Some(GetStatus)
    }

    fn to_pb(answer: StatusAnswer) -> pb::GetStatusResponse {
        let digest = |of: fn(Digest) -> Hash| answer.digest.map(|digest| of(digest).0.to_vec()).unwrap_or_default();
        pb::GetStatusResponse {
            ledger_digest: digest(|digest| digest.ledger),
            state_digest: digest(|digest| digest.state),
            durability: answer.durability.to_owned(),
            open_hand_overs: view::number(answer.open_hand_overs),
            exceptions: answer.exceptions,
            ledger_bytes: view::number(answer.ledger_bytes),
            log: Some(log_status(answer.outage, answer.durability)),
            streams: answer.streams.iter().map(stream_to_pb).collect(),
        }
    }
}

fn stream_to_pb(stream: &StreamStatus) -> pb::StreamStatus {
    let head = stream.at.head;
    pb::StreamStatus {
        stream: stream.stream.to_string(),
        sequence: head.sequence,
        hash: head.hash.0.to_vec(),
        voids: stream.voids,
        recorded_at: (head.sequence > 0).then(|| view::timestamp(stream.at.recorded_at)),
        health: stream.health.to_string(),
        state: state(&stream.health).into(),
        halt: stream.health.halt().map(|halt| halt.notice().to_pb()),
        writer_halt: stream.writer_halt.as_ref().map(HaltNotice::to_pb),
        age: Some(duration_to_pb(stream.age)),
    }
}

const fn state(health: &StreamHealth) -> StreamState {
    match health {
        StreamHealth::CatchingUp(_) => StreamState::CatchingUp,
        StreamHealth::Serving => StreamState::Serving,
        StreamHealth::LogUnavailable { .. } => StreamState::LogUnreachable,
        StreamHealth::Halted(_) => StreamState::Halted,
        StreamHealth::Stopped => StreamState::Stopped,
    }
}

impl Rpc for pb::AwaitRequest {
    type Query = Await;
    type Response = pb::AwaitResponse;

    fn parse(&self, _: &mut Fields) -> Option<Await> {
        Some(Await)
    }

    fn to_pb(AwaitAnswer { heads }: AwaitAnswer) -> pb::AwaitResponse {
        pb::AwaitResponse { heads: view::positions(&heads) }
    }
}

impl Rpc for pb::RebuildRequest {
    type Query = Rebuild;
    type Response = Pin<Box<dyn Stream<Item = Result<pb::RebuildResponse, Status>> + Send>>;

    fn parse(&self, _: &mut Fields) -> Option<Rebuild> {
        Some(Rebuild)
    }

    fn to_pb(reports: RebuildReports) -> Self::Response {
        Box::pin(ReceiverStream::new(reports).map(report_to_pb))
    }
}

fn report_to_pb(report: Result<RebuildReport, Failure>) -> Result<pb::RebuildResponse, Status> {
    let RebuildReport { done, total, commits_per_second, outcome } = report?;
    let digest = |of: fn(Rebuilt) -> Hash| outcome.map(|outcome| of(outcome).0.to_vec()).unwrap_or_default();
    Ok(pb::RebuildResponse {
        done,
        total,
        commits_per_second,
        digests_agree: outcome.map(|outcome| outcome.digests_agree),
        ledger_digest: digest(|outcome| outcome.ledger),
        state_digest: digest(|outcome| outcome.state),
    })
}
