//! The outcome of a line of the file.

use std::collections::BTreeMap;

use loopledger_proto::common::v1::{Position, Receipt};
use loopledger_types::{Hash, StreamId};
use loopledger_wire::{code_name, status_from_pb};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::line::Line;

/// The outcome of one line, in the order of the file.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The command is recorded, now or earlier.
    Recorded(Receipt),
    /// The command breaks a rule, or says what cannot be.
    Refused(tonic_types::Status),
    /// A barrier, with the heads that it reached.
    Reached(Vec<Position>),
}

impl Answer {
    /// One line of JSON: what `record` prints, and what `--receipts` keeps.
    pub fn to_json(&self, line: &Line) -> Value {
        let (number, request_id) = (line.number, line.request_id());
        match self {
            Self::Recorded(receipt) => json!({
                "line": number,
                "receipt": {
                    "requestId": request_id,
                    "position": receipt.position.as_ref().map(position_json),
                    "created": receipt.created.iter().map(|entity| json!({ "kind": entity.kind, "id": entity.id })).collect::<Vec<_>>(),
                    "alreadyRecorded": receipt.already_recorded,
                },
            }),
            Self::Refused(status) => {
                let mut refusal = refusal_json(&status_from_pb(status));
                if let Some(object) = refusal.as_object_mut() {
                    object.insert("requestId".to_owned(), json!(request_id));
                }
                json!({ "line": number, "refusal": refusal })
            }
            Self::Reached(heads) => {
                json!({ "line": number, "await": heads.iter().map(position_json).collect::<Vec<_>>() })
            }
        }
    }
}

/// Code, reason and texts of a refusal; every wrong field; and the numbers behind a rule.
fn refusal_json(status: &Status) -> Value {
    let details = status.get_error_details();
    let chinese = |text: Option<&tonic_types::LocalizedMessage>| text.map(|text| text.message.clone());
    let violations: Vec<Value> = details
        .bad_request()
        .map(|request| request.field_violations.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|violation| {
            json!({
                "field": violation.field,
                "reason": violation.reason,
                "message": violation.description,
                "messageZh": chinese(violation.localized_message.as_ref()),
            })
        })
        .collect();
    let info = details.error_info();
    let facts: BTreeMap<_, _> = info.map(|info| info.metadata.iter().collect()).unwrap_or_default();
    json!({
        "code": code_name(status.code()),
        "reason": info.map(|info| info.reason.clone()),
        "message": status.message(),
        "messageZh": chinese(details.localized_message()),
        "violations": violations,
        "facts": facts,
    })
}

/// What an error of the server says about the line that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// About the command: it will be said again.
    Refusal,
    /// About the moment: the same line may be taken later.
    Later,
    /// About the server or its log: no line will be taken until an operator acts.
    Stop,
}

/// Reasons that stop a stream until an operator acts, whatever code they come with.
const STOPPED: &[&str] = &["STREAM_HALTED", "LOST_TAIL", "POSITION_NOT_IN_LOG"];

pub(super) fn verdict(status: &Status) -> Verdict {
    let reason = status.get_details_error_info().map(|info| info.reason);
    if reason.is_some_and(|reason| STOPPED.contains(&reason.as_str())) {
        return Verdict::Stop;
    }
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled => {
            Verdict::Later
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Internal => Verdict::Refusal,
        Code::Unknown | Code::PermissionDenied | Code::Unimplemented | Code::DataLoss | Code::Unauthenticated => {
            Verdict::Stop
        }
    }
}

/// `{"stream","sequence","hash"}` with the hash in hexadecimal.
fn position_json(position: &Position) -> Value {
    let hash = <[u8; 32]>::try_from(position.hash.as_slice()).map(|bytes| Hash(bytes).to_string()).unwrap_or_default();
    json!({ "stream": position.stream, "sequence": position.sequence, "hash": hash })
}

/// The inverse of [`position_json`].
pub(super) fn position_from_json(value: &Value) -> Option<Position> {
    let stream = value.get("stream")?.as_str()?;
    StreamId::parse(stream).ok()?;
    let hash = Hash::parse(value.get("hash")?.as_str()?)?;
    Some(Position { stream: stream.to_owned(), sequence: value.get("sequence")?.as_u64()?, hash: hash.0.to_vec() })
}
