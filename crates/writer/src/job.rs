//! What a writer is asked to do, and how it answers.

use loopledger_domain::{Decider, State};
use loopledger_types::{Head, Position, RequestId, StreamId};
use loopledger_wire::{Receipt, Write};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::WriteError;
use loopledger_feed::Heads;
use loopledger_limits::{Asking, Caller};
use loopledger_observability::trace::TraceContext;

/// The outcome of a write.
pub type Answer = Result<Receipt, WriteError>;

/// Something put into the writer's queue.
pub(crate) enum Input<D: Decider> {
    Command(Job<D>),
    Query(Box<dyn Query<D>>),
    Wait(Wait),
    Receipt(ReceiptQuestion),
}

impl<D: Decider> Input<D> {
    /// Answers without doing anything.
    pub(crate) fn fail(self, error: WriteError) {
        match self {
            Self::Command(job) => job.reply.send(Err(error)),
            Self::Query(query) => query.fail(error),
            // The caller may be gone.
            Self::Wait(wait) => drop(wait.reply.send(Err(error))),
            Self::Receipt(question) => drop(question.reply.send(Err(error))),
        }
    }
}

/// A caller that waits until positions are folded.
pub(crate) struct Wait {
    pub(crate) caller: Caller,
    pub(crate) positions: Vec<Position>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) reply: oneshot::Sender<Result<(), WriteError>>,
}

/// A caller that asks for the receipt of a write.
pub(crate) struct ReceiptQuestion {
    pub(crate) request_id: RequestId,
    pub(crate) reply: oneshot::Sender<Result<Option<Receipt>, WriteError>>,
}

impl ReceiptQuestion {
    /// Answers with the position of the commit at `head`, if there is one.
    pub(crate) fn answer(self, stream: StreamId, head: Option<Head>) {
        let receipt = head.map(|Head { sequence, hash }| Receipt {
            position: Position { stream, sequence, hash },
            request_id: self.request_id,
            repeated: true,
        });
        // The caller may be gone.
        drop(self.reply.send(Ok(receipt)));
    }
}

/// A command on its way. Kept until it is answered, because a conflict may cause it to be decided again.
pub(crate) struct Job<D: Decider> {
    pub(crate) asking: Asking,
    pub(crate) write: Write<D::Command>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) reply: Reply,
    /// What led to it.
    pub(crate) trace: Option<Box<TraceContext>>,
}

/// Where an answer goes.
#[derive(Debug)]
pub(crate) enum Reply {
    One(oneshot::Sender<Answer>),
    /// The place in a bulk stream, and the stream's channel, which its own permits keep bounded.
    Ordered(u64, mpsc::UnboundedSender<(u64, Answer)>),
}

impl Reply {
    pub(crate) fn send(self, answer: Answer) {
        // A caller that went away changes nothing about what was decided; the same request id finds it.
        match self {
            Self::One(reply) => drop(reply.send(answer)),
            Self::Ordered(index, replies) => drop(replies.send((index, answer))),
        }
    }

    /// Whether the caller no longer waits for the answer.
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::One(reply) => reply.is_closed(),
            Self::Ordered(_, replies) => replies.is_closed(),
        }
    }
}

/// A look at the state, which may have to be taken again after a conflict.
pub(crate) trait Query<D: Decider>: Send {
    /// Entities to be in memory before `run`.
    fn keys(&self) -> &[EntityKey<D>];
    fn run(&mut self, state: &State<D>, heads: &Heads);
    fn deliver(self: Box<Self>);
    fn fail(self: Box<Self>, error: WriteError);
}

/// The key of a service's entities.
pub type EntityKey<D> = <<D as Decider>::Entity as loopledger_domain::Entity>::Key;

/// The query that a closure makes.
pub(crate) struct Asked<D: Decider, F, R> {
    pub(crate) keys: Vec<EntityKey<D>>,
    pub(crate) ask: F,
    pub(crate) answer: Option<(R, Heads)>,
    pub(crate) reply: oneshot::Sender<Result<(R, Heads), WriteError>>,
}

impl<D, F, R> Query<D> for Asked<D, F, R>
where
    D: Decider,
    F: Fn(&State<D>) -> R + Send,
    R: Send,
{
    fn keys(&self) -> &[EntityKey<D>] {
        &self.keys
    }

    fn run(&mut self, state: &State<D>, heads: &Heads) {
        self.answer = Some(((self.ask)(state), heads.clone()));
    }

    fn deliver(self: Box<Self>) {
        let answer =
            self.answer.ok_or(WriteError::Internal { detail: "a query was answered before it ran".to_owned() });
        drop(self.reply.send(answer));
    }

    fn fail(self: Box<Self>, error: WriteError) {
        drop(self.reply.send(Err(error)));
    }
}
