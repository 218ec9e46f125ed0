//! Why a write gets no receipt, and why a stream halts.

use loopledger_domain::Rejection;
use loopledger_event_log::AppendError;
use loopledger_state_store::StoreError;
use loopledger_types::{Position, RequestId, StreamId};

use crate::feed::FollowError;

/// Why a write (or a wait) was not answered with a receipt.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The rules refuse it. Nothing was written.
    #[error("refused: {0:?}")]
    Rejected(Rejection),
    /// What stands in a request's place in a bulk stream is none. Nothing was written.
    #[error("not a request: {what}")]
    Malformed { what: String },
    #[error("request id {request_id} was used for another request, commit {} of {}", .first.sequence, .first.stream)]
    RequestIdReused { request_id: RequestId, first: Position },
    /// Back-pressure. Nothing was written.
    #[error("the queue of {stream} is full")]
    QueueFull { stream: StreamId },
    /// A position in `after` was not folded within the deadline. Nothing was written.
    #[error("{stream} is read up to {read} only, not up to {wanted}")]
    UpstreamBehind { stream: StreamId, wanted: u64, read: u64 },
    /// A position in `after` names a commit that is not in the log.
    #[error("commit {} of {} has another hash than {}", .0.sequence, .0.stream, .0.hash)]
    DataLoss(Position),
    /// A position in `after` names a stream that this service does not read.
    #[error("{stream} is not read here")]
    StreamNotRead { stream: StreamId },
    /// The outcome is unknown: the same request id finds it.
    #[error("the deadline passed before the outcome was known")]
    DeadlineExceeded,
    /// The log took nothing until the deadline. The outcome is unknown: the same request id finds it.
    #[error("the log takes nothing now")]
    LogUnavailable,
    /// A bug of ours, found before anything was written.
    #[error("internal error: {detail}")]
    Internal { detail: String },
    #[error("the stream is halted: {0}")]
    Halted(Halt),
    /// Nothing was written, or the same request id finds it.
    #[error("the service is shutting down")]
    ShuttingDown,
}

/// Why a stream takes no more writes until somebody looks at it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Halt {
    #[error("{0}")]
    Follow(#[from] FollowError),
    /// The log will take nothing more from this process.
    #[error("the log refuses appends for good: {0}")]
    LogRefuses(AppendError),
    #[error("the state store: {0}")]
    Store(StoreError),
    /// The stream says that it reacted to something that is not what upstream says.
    #[error("commit {sequence} reacts to commit {} of {}, but {} is due", .cause.sequence, .cause.stream, name(.due.as_ref()))]
    CauseMismatch { sequence: u64, cause: Position, due: Option<Position> },
    /// The stream names a head that its writers do not read.
    #[error("commit {sequence} depends on {stream}, which is not read here")]
    UnknownUpstream { sequence: u64, stream: StreamId },
    /// What should be impossible: a bug.
    #[error("internal error: {detail}")]
    Internal { detail: String },
    /// The writer ended without saying why.
    #[error("the writer stopped")]
    Stopped,
}

fn name(due: Option<&Position>) -> String {
    due.map_or_else(|| "nothing".to_owned(), |due| format!("commit {} with hash {}", due.sequence, due.hash))
}

impl Halt {
    /// What an operator should do, if it is known.
    pub const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Follow(FollowError::LostTail(_)) => Some("stop the services and run `loopledger repair`"),
            Self::Follow(FollowError::NotUnderstood { .. }) => Some("run a newer version"),
            Self::Store(StoreError::OutOfSpace(_)) => Some("make room on its disk: it goes on by itself then"),
            Self::Follow(FollowError::Read { .. })
            | Self::LogRefuses(_)
            | Self::Store(_)
            | Self::CauseMismatch { .. }
            | Self::UnknownUpstream { .. }
            | Self::Internal { .. }
            | Self::Stopped => None,
        }
    }

    /// The stable reason, `UPPER_SNAKE`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Follow(FollowError::LostTail(_)) => "LOST_TAIL",
            Self::Follow(FollowError::NotUnderstood { .. }) => "NOT_UNDERSTOOD",
            Self::Follow(FollowError::Read { .. }) | Self::LogRefuses(_) => "LOG_UNAVAILABLE",
            Self::Store(_) => "STORE_FAILED",
            Self::CauseMismatch { .. } | Self::UnknownUpstream { .. } => "STREAM_INCONSISTENT",
            Self::Internal { .. } => "INTERNAL",
            Self::Stopped => "STOPPED",
        }
    }
}
