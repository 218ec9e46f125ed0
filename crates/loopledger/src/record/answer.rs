//! What a line of the file came to.

use loopledger_proto::common::v1::{Position, Receipt};
use loopledger_types::{Hash, StreamId};
use loopledger_wire::status_from_pb;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::exit::code_name;

/// The outcome of one line, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Recorded(Receipt),
    Refused {
        request_id: String,
        status: tonic_types::Status,
    },
    /// A barrier, with the heads that it reached.
    Reached(Vec<Position>),
}

impl Answer {
    /// One line of JSON: what `record` prints, and what `--receipts` keeps.
    pub(crate) fn to_json(&self, line: u64) -> Value {
        match self {
            Self::Recorded(receipt) => json!({
                "line": line,
                "receipt": {
                    "requestId": receipt.request_id,
                    "position": receipt.position.as_ref().map(position_json),
                    "created": receipt.created.iter().map(|entity| json!({ "kind": entity.kind, "id": entity.id })).collect::<Vec<_>>(),
                },
            }),
            Self::Refused { request_id, status } => {
                let code = code_name(Code::from(status.code));
                let whole = status_from_pb(status);
                let reason = whole.get_details_error_info().map(|info| info.reason);
                let chinese = whole.get_details_localized_message().map(|local| local.message);
                json!({ "line": line, "refusal": {
                    "requestId": request_id, "code": code, "reason": reason, "message": status.message, "messageZh": chinese,
                } })
            }
            Self::Reached(heads) => {
                json!({ "line": line, "await": heads.iter().map(position_json).collect::<Vec<_>>() })
            }
        }
    }
}

/// `{"stream","sequence","hash"}` with the hash in hexadecimal.
fn position_json(position: &Position) -> Value {
    let hash = <[u8; 32]>::try_from(position.hash.as_slice()).map(|bytes| Hash(bytes).to_string()).unwrap_or_default();
    json!({ "stream": position.stream, "sequence": position.sequence, "hash": hash })
}

/// The inverse of [`position_json`].
pub(crate) fn position_from_json(value: &Value) -> Option<Position> {
    let stream = value.get("stream")?.as_str()?;
    StreamId::parse(stream).ok()?;
    let hash = Hash::parse(value.get("hash")?.as_str()?)?;
    Some(Position { stream: stream.to_owned(), sequence: value.get("sequence")?.as_u64()?, hash: hash.0.to_vec() })
}
