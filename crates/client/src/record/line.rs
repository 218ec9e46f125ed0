//! One line of a file of commands: its number, its request id and its digest.

use loopledger_proto::client::v1::RecordLine;
use loopledger_proto::client::v1::record_line::Line as Command;
use loopledger_types::{RequestId, hex};
use loopledger_wire::BulkRequest as _;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::broken::Broken;

/// Bytes of a line's digest that receipts keep: enough to see a change, not a proof.
const DIGEST_BYTES: usize = 8;

/// A command or a barrier, and its line in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// From 1, as an editor counts.
    pub number: u64,
    pub(super) command: Command,
}

impl Line {
    /// What the command is recorded under, in its usual form; `None` for a barrier.
    pub fn request_id(&self) -> Option<String> {
        let id = match &self.command {
            Command::Procurement(request) => request.request_id(),
            Command::Station(request) => request.request_id(),
            Command::Distribution(request) => request.request_id(),
            Command::Sales(request) => request.request_id(),
            Command::Await(_) => return None,
        };
        Some(RequestId::parse(id).map_or_else(|_| id.to_owned(), |id| id.to_string()))
    }

    /// A digest of what the line says, however it is written.
    pub(super) fn digest(&self) -> String {
        let line = RecordLine { line: Some(self.command.clone()) };
        let digest = Sha256::digest(line.encode_to_vec());
        hex::encode(digest.get(..DIGEST_BYTES).unwrap_or(&digest))
    }
}

/// Lines that were made and not read, numbered from 1.
pub fn numbered(lines: impl IntoIterator<Item = RecordLine>) -> impl Iterator<Item = Result<Line, Broken>> {
    (1..).zip(lines).filter_map(|(number, line)| Some(Ok(Line { number, command: line.line? })))
}
