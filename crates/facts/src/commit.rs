//! A commit as the rules see it: decoded, with its events understood.

use loopledger_types::{Cause, Hash, Position, RequestId, StreamId, StreamSequence, Timestamp};

use crate::Event;

/// The outcome of one decision: what one log record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub stream: StreamId,
    pub sequence: u64,
    /// The leaf hash of the record.
    pub hash: Hash,
    pub request_id: RequestId,
    pub request_digest: [u8; 32],
    /// Present on reactions.
    pub cause: Option<Cause>,
    pub actor: Option<Actor>,
    pub recorded_at: Timestamp,
    pub events: Vec<Event>,
    /// Upstream heads that moved since the previous commit.
    pub upstream: Vec<StreamSequence>,
}

impl Commit {
    pub const fn position(&self) -> Position {
        Position { stream: self.stream, sequence: self.sequence, hash: self.hash }
    }
}

/// Who asked: a subject and a role, never a person's name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub subject: String,
    pub role: String,
}
