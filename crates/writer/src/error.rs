//! Why a write gets no receipt, and why a stream halts.

use loopledger_domain::Rejection;
use loopledger_event_log::AppendError;
use loopledger_state_store::StoreError;
use loopledger_types::{Position, RequestId, StreamId, WithCauses};
use loopledger_wire::{HaltNotice, HaltReason, UnknownField};

use super::ClockFault;
use loopledger_feed::FollowError;

/// Why a write (or a wait) was not answered with a receipt.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The rules refuse it. Nothing was written.
    #[error("refused: {0:?}")]
    Rejected(Rejection),
    /// What stands in a request's place in a bulk stream is none. Nothing was written.
    #[error("malformed request: {what}")]
    Malformed { what: String },
    /// A request of a bulk stream has a field that its contract does not have here. Nothing was written.
    #[error("{}: a field that is not known here", .0.path)]
    UnknownField(UnknownField),
    #[error("request id {request_id} was used for another request, commit {} of {}", .first.sequence, .first.stream)]
    RequestIdReused { request_id: RequestId, first: Position },
    /// Back-pressure. Nothing was written.
    #[error("the queue of {stream} is full")]
    QueueFull { stream: StreamId },
    /// A position in `after` was not folded within the deadline. Nothing was written.
    #[error("{stream} is read up to {read}, not yet up to {wanted}")]
    UpstreamBehind { stream: StreamId, wanted: u64, read: u64 },
    /// A position in `after` names a commit that is not in the log.
    #[error("commit {} of {} has another hash than {}", .0.sequence, .0.stream, .0.hash)]
    DataLoss(Position),
    /// A position in `after` names a stream that this service does not read.
    #[error("this service does not read {stream}")]
    StreamNotRead { stream: StreamId },
    /// The outcome is unknown: the same request id finds it.
    #[error("the deadline passed before the outcome was known")]
    DeadlineExceeded,
    /// The log took nothing until the deadline. The outcome is unknown: the same request id finds it.
    #[error("the log accepts no appends")]
    LogUnavailable,
    /// A bug of ours, found before anything was written.
    #[error("internal error: {detail}")]
    Internal { detail: String },
    #[error("the stream is halted")]
    Halted(#[source] Halt),
    /// A position in `after` is beyond the end of a stream whose writer is halted. Nothing was written.
    #[error("{0}")]
    UpstreamHalted(HaltNotice),
    /// Nothing was written, or the same request id finds it.
    #[error("the service is shutting down")]
    ShuttingDown,
}

/// Why a stream takes no more writes until somebody looks at it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Halt {
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The log will take nothing more from this process.
    #[error("the log permanently refuses appends")]
    LogRefuses(#[source] AppendError),
    #[error("the state store cannot be used")]
    Store(#[source] StoreError),
    /// The stream says that it reacted to something that is not what upstream says.
    #[error("commit {sequence} reacts to commit {} of {}, but {} is due", .cause.sequence, .cause.stream, name(.due.as_ref()))]
    CauseMismatch { sequence: u64, cause: Position, due: Option<Position> },
    /// The stream names a head that its writers do not read.
    #[error("commit {sequence} references {stream}, which this service does not read")]
    UnknownUpstream { sequence: u64, stream: StreamId },
    /// Nothing is decided under this clock. The stream goes on by itself once the clock is right.
    #[error("{0}")]
    Clock(ClockFault),
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
    /// The halt of the stream `own`, as everybody is told of it.
    pub fn notice(&self, own: StreamId) -> HaltNotice {
        let (stream, sequence) = match self {
            Self::Follow(FollowError::NotUnderstood { position, .. }) => (position.stream, position.sequence),
            Self::Follow(FollowError::LostTail(lost)) => (lost.stream, *lost.missing.start()),
            Self::Follow(FollowError::Read { stream, .. }) => (*stream, 0),
            Self::CauseMismatch { sequence, .. } | Self::UnknownUpstream { sequence, .. } => (own, *sequence),
            Self::LogRefuses(_) | Self::Store(_) | Self::Clock(_) | Self::Internal { .. } | Self::Stopped => (own, 0),
        };
        HaltNotice { stream, sequence, reason: self.kind(), detail: self.detail() }
    }

    pub const fn kind(&self) -> HaltReason {
        match self {
            Self::Follow(FollowError::LostTail(lost)) => {
                HaltReason::LostTail { from: *lost.missing.start(), to: *lost.missing.end() }
            }
            Self::Follow(FollowError::NotUnderstood { .. }) => HaltReason::NotUnderstood,
            Self::Follow(FollowError::Read { .. }) => HaltReason::LogDamaged,
            Self::LogRefuses(_) => HaltReason::LogRefuses,
            Self::Store(StoreError::OutOfSpace(_)) => HaltReason::StoreFull,
            Self::Store(_) => HaltReason::StoreFailed,
            Self::CauseMismatch { .. } | Self::UnknownUpstream { .. } => HaltReason::Inconsistent,
            Self::Clock(fault) => fault.kind(),
            Self::Internal { .. } => HaltReason::Internal,
            Self::Stopped => HaltReason::Stopped,
        }
    }

    /// The stable reason, `UPPER_SNAKE`.
    pub const fn reason(&self) -> &'static str {
        self.kind().as_str()
    }

    /// What an operator should do.
    pub const fn advice(&self) -> &'static str {
        self.kind().advice()
    }

    /// What happened, with everything that led to it.
    fn detail(&self) -> String {
        match self {
            Self::Follow(error) => WithCauses(error).to_string(),
            Self::LogRefuses(error) => WithCauses(error).to_string(),
            Self::Store(error) => WithCauses(error).to_string(),
            Self::CauseMismatch { .. }
            | Self::UnknownUpstream { .. }
            | Self::Clock(_)
            | Self::Internal { .. }
            | Self::Stopped => self.to_string(),
        }
    }
}
