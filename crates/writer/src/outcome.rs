//! What became of a command, a reaction or a query, before it is answered.

use loopledger_domain::Decider;
use loopledger_wire::Receipt;

use super::WriteError;
use super::job::{Job, Query};
use super::seal::Sealed;

/// What was decided and is not answered yet.
pub(super) enum Outcome<D: Decider> {
    Commit(InFlight<D>),
    Refusal { job: Job<D>, error: WriteError },
    Repeat { job: Job<D>, receipt: Receipt },
    Query(Box<dyn Query<D>>),
}

/// A commit that was appended and not read back yet.
pub(super) struct InFlight<D: Decider> {
    pub(super) sealed: Sealed,
    pub(super) trigger: Trigger<D>,
}

/// What led to a commit of ours.
pub(super) enum Trigger<D: Decider> {
    Command(Job<D>),
    /// Of the upstream stream with this index; the cause is the oldest of those taken.
    Reaction(usize),
}

impl<D: Decider> Outcome<D> {
    /// Answers without waiting. What is in flight may stand: the same request id finds it.
    pub(super) fn fail(self, error: &WriteError) {
        match self {
            Self::Commit(InFlight { trigger: Trigger::Reaction(_), .. }) => {}
            Self::Commit(InFlight { trigger: Trigger::Command(job), .. })
            | Self::Refusal { job, .. }
            | Self::Repeat { job, .. } => job.reply.send(Err(error.clone())),
            Self::Query(query) => query.fail(error.clone()),
        }
    }
}
