//! What the projection says of itself: per stream, whether it is followed, and if not, why.

use core::fmt;

use loopledger_event_log::ReadError;
use loopledger_service::feed::{CatchUp, FollowError, HaltedWriter};
use loopledger_service::metrics::Readiness;
use loopledger_types::{Position, Service, StreamId, WithCauses};
use loopledger_wire::{Failure, HaltNotice, HaltReason};

/// Why a stream is not folded any further. Never skipped: somebody has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// An admitted commit of a newer version. An upgrade goes on from here.
    #[error("commit {} is not understood by this version: {reason}", .position.sequence)]
    NotUnderstood { position: Position, reason: String },
    /// Commits that were folded are not in the log any more.
    #[error("commits {from} to {to} were folded and are missing from the log")]
    LostTail { stream: StreamId, from: u64, to: u64 },
    /// The log cannot be read here, and trying again would not help.
    #[error("the log cannot be read after commit {sequence}: {reason}")]
    Log { stream: StreamId, sequence: u64, reason: String },
    /// What admission should make impossible: a bug.
    #[error("commit {} cannot be folded: {reason}", .position.sequence)]
    Impossible { position: Position, reason: String },
}

impl Halt {
    pub(crate) fn of(error: &FollowError, stream: StreamId, sequence: u64) -> Self {
        match error {
            FollowError::NotUnderstood { position, source } => {
                Self::NotUnderstood { position: *position, reason: WithCauses(source).to_string() }
            }
            FollowError::LostTail(lost) => {
                Self::LostTail { stream: lost.stream, from: *lost.missing.start(), to: *lost.missing.end() }
            }
            FollowError::Read { source, .. } => Self::log(source, stream, sequence),
        }
    }

    pub(crate) fn log(error: &ReadError, stream: StreamId, sequence: u64) -> Self {
        Self::Log { stream, sequence, reason: WithCauses(error).to_string() }
    }

    /// The stable reason, `UPPER_SNAKE`.
    pub const fn reason(&self) -> &'static str {
        self.kind().as_str()
    }

    const fn kind(&self) -> HaltReason {
        match self {
            Self::NotUnderstood { .. } => HaltReason::NotUnderstood,
            Self::LostTail { from, to, .. } => HaltReason::LostTail { from: *from, to: *to },
            Self::Log { .. } => HaltReason::LogDamaged,
            Self::Impossible { .. } => HaltReason::Internal,
        }
    }

    /// The halt as everybody is told of it.
    pub fn notice(&self) -> HaltNotice {
        let (stream, sequence) = match self {
            Self::LostTail { stream, from, .. } => (*stream, *from),
            Self::NotUnderstood { position, .. } | Self::Impossible { position, .. } => {
                (position.stream, position.sequence)
            }
            Self::Log { stream, sequence, .. } => (*stream, *sequence),
        };
        HaltNotice { stream, sequence, reason: self.kind(), detail: self.to_string() }
    }

    /// What a caller is told whose answer needs the stream.
    pub fn failure(&self) -> Failure {
        self.notice().failure()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamHealth {
    /// Reading what was there before the start.
    CatchingUp(CatchUp),
    Serving,
    /// Reading fails and is tried again; answers are as of the heads they name.
    LogUnavailable {
        reason: String,
    },
    Halted(Halt),
    /// The projection has ended.
    Stopped,
}

impl StreamHealth {
    pub(crate) const fn halt(&self) -> Option<&Halt> {
        match self {
            Self::Halted(halt) => Some(halt),
            Self::CatchingUp(_) | Self::Serving | Self::LogUnavailable { .. } | Self::Stopped => None,
        }
    }
}

impl fmt::Display for StreamHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CatchingUp(_) => f.write_str("catching_up"),
            Self::Serving => f.write_str("serving"),
            Self::LogUnavailable { reason } => write!(f, "log unreachable: {reason}"),
            Self::Halted(halt) => write!(f, "halted: {halt}; {}", halt.kind().advice()),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// Of the whole projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// By service.
    pub streams: [StreamHealth; 5],
    /// By service: writers of the same process that are halted, so that nothing more comes from them.
    pub writers: [Option<HaltedWriter>; 5],
    /// Everything that was in the log at the start is folded.
    pub is_caught_up: bool,
    /// Why checkpoints are not written now. Answers do not need them; the next start has more to read.
    pub checkpoints_failed: Option<String>,
}

impl Health {
    pub(crate) fn starting() -> Self {
        let catching_up = || StreamHealth::CatchingUp(CatchUp::default());
        Self {
            streams: core::array::from_fn(|_| catching_up()),
            writers: Default::default(),
            is_caught_up: false,
            checkpoints_failed: None,
        }
    }

    pub fn stream(&self, service: Service) -> &StreamHealth {
        self.streams.get(service.index()).unwrap_or(&StreamHealth::Stopped)
    }

    /// The halted writer of a stream.
    pub fn halted_writer(&self, service: Service) -> Option<&HaltedWriter> {
        self.writers.get(service.index()).and_then(Option::as_ref)
    }

    /// The first halted stream's reason.
    pub fn halt(&self) -> Option<&Halt> {
        self.halts().next()
    }

    pub(crate) fn halts(&self) -> impl Iterator<Item = &Halt> {
        self.streams.iter().filter_map(StreamHealth::halt)
    }

    pub(crate) fn keeps_store_as_it_is(&self) -> bool {
        self.halts().any(|halt| match halt {
            Halt::LostTail { .. } | Halt::Impossible { .. } => true,
            Halt::NotUnderstood { .. } | Halt::Log { .. } => false,
        })
    }

    /// Whether queries are answered.
    pub fn is_serving(&self) -> bool {
        self.is_caught_up && self.halt().is_none() && !self.is_stopped()
    }

    /// Of queries.
    pub fn readiness(&self) -> Readiness {
        if self.halt().is_some() || self.is_stopped() {
            Readiness::Unable
        } else if self.is_caught_up {
            Readiness::Able
        } else {
            Readiness::Starting
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.streams.contains(&StreamHealth::Stopped)
    }
}
