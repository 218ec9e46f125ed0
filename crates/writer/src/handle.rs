//! What programs hold of a writer.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use loopledger_domain::{Decider, State};
use loopledger_types::{Position, RequestId, StreamId};
use loopledger_wire::{Receipt, Write};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::health::{Health, Metrics};
use super::job::{Answer, Asked, EntityKey, Input, Job, ReceiptQuestion, Reply, Wait};
use super::measured::Measured;
use super::{Halt, WriteError};
use loopledger_feed::Contact;
use loopledger_feed::Heads;
use loopledger_limits::{Asking, Caller, Permit, Permits};
use loopledger_observability::trace::TraceContext;

/// How long a single write waits for room in the queue. It has room every few milliseconds, unless the log takes nothing.
const QUEUE_PATIENCE: Duration = Duration::from_secs(1);

/// The share of a deadline that is kept for saying what was in the way: one eighth.
const MARGIN: u32 = 8;

/// A writer, as callers use it. Clones are the same writer.
#[derive(Debug)]
pub struct WriterHandle<D: Decider> {
    pub(super) stream: StreamId,
    pub(super) inputs: mpsc::Sender<Input<D>>,
    pub(super) health: watch::Receiver<Health>,
    pub(super) heads: watch::Receiver<Arc<Heads>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) measured: Arc<Measured>,
    pub(super) contact: Arc<Contact>,
    /// Permits for writes that wait for positions.
    pub(super) writes: Arc<Permits>,
    /// Permits for questions that do.
    pub(super) reads: Arc<Permits>,
}

impl<D: Decider> Clone for WriterHandle<D> {
    fn clone(&self) -> Self {
        Self {
            stream: self.stream,
            inputs: self.inputs.clone(),
            health: self.health.clone(),
            heads: self.heads.clone(),
            metrics: Arc::clone(&self.metrics),
            measured: Arc::clone(&self.measured),
            contact: Arc::clone(&self.contact),
            writes: Arc::clone(&self.writes),
            reads: Arc::clone(&self.reads),
        }
    }
}

impl<D: Decider> WriterHandle<D> {
    pub const fn stream(&self) -> StreamId {
        self.stream
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn measured(&self) -> &Measured {
        &self.measured
    }

    /// Whether the log can be reached.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// How many handles of the writer there are, with the writer's own.
    pub fn handles(&self) -> usize {
        self.inputs.strong_count()
    }

    /// What was asked and the writer has not looked at.
    pub(crate) fn channel_len(&self) -> u64 {
        let used = self.inputs.max_capacity().saturating_sub(self.inputs.capacity());
        u64::try_from(used).unwrap_or(u64::MAX)
    }

    /// Changes of health, beginning with the present one.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Waits until the writer serves; fails if it halts or stops first.
    pub async fn serving(&self) -> Result<(), WriteError> {
        let mut health = self.health.clone();
        loop {
            match &*health.borrow_and_update() {
                Health::Serving => return Ok(()),
                Health::Halted(halt) => return Err(WriteError::Halted(halt.clone())),
                Health::Stopped => return Err(WriteError::ShuttingDown),
                Health::CatchingUp(_) => {}
            }
            if health.changed().await.is_err() {
                return Err(self.gone());
            }
        }
    }

    /// Queues a write at once; the future is its receipt. Dropping the future takes nothing back once the command is
    /// decided, and the same request id finds the outcome.
    pub fn submit(&self, write: Write<D::Command>, deadline: Option<Instant>) -> impl Future<Output = Answer> + use<D> {
        self.submit_traced(write, deadline, None)
    }

    /// The same as part of a trace.
    pub fn submit_traced(
        &self,
        write: Write<D::Command>,
        deadline: Option<Instant>,
        trace: Option<TraceContext>,
    ) -> impl Future<Output = Answer> + use<D> {
        let (reply, answer) = oneshot::channel();
        let held_until = deadline.map(with_margin);
        let permit = self.permit(&write.after, &self.writes);
        let (asking, reply, trace) = (Asking::current(), Reply::One(reply), trace.map(Box::new));
        let job = Job { asking, write, deadline: held_until, reply, trace };
        let queued = permit.and_then(|permit| self.enqueue(Input::Command(job)).map(|unsent| (permit, unsent)));
        let gone = self.clone();
        async move {
            // The permit is given back when the write is answered, or with this future.
            let (_permit, unsent) = queued?;
            if let Some(input) = unsent {
                gone.enqueue_soon(input, held_until).await?;
            }
            match within(deadline, answer).await {
                // What was in the way is known.
                Err(WriteError::DeadlineExceeded) if gone.metrics.log_unavailable.get() > 0 => {
                    Err(WriteError::LogUnavailable)
                }
                answered => answered?.unwrap_or_else(|_| Err(gone.gone())),
            }
        }
    }

    /// Looks at the state. `keys` are entities to be in memory first. Answered only when every commit that was seen
    /// has been read back, with the heads that it was seen at.
    pub async fn query<R: Send + 'static>(
        &self,
        keys: Vec<EntityKey<D>>,
        deadline: Option<Instant>,
        ask: impl Fn(&State<D>) -> R + Send + 'static,
    ) -> Result<(R, Heads), WriteError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue_in_turn(Input::Query(Box::new(Asked { keys, ask, answer: None, reply })), deadline).await?;
        within(deadline, answer).await?.unwrap_or_else(|_| Err(self.gone()))
    }

    /// The receipt of a write that was acknowledged, or could have been, at any time in the past.
    pub async fn receipt(
        &self,
        request_id: RequestId,
        deadline: Option<Instant>,
    ) -> Result<Option<Receipt>, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue_in_turn(Input::Receipt(ReceiptQuestion { request_id, reply }), deadline).await?;
        within(deadline, answer).await?.unwrap_or_else(|_| Err(self.gone()))
    }

    /// How far the own stream is read back and upstream is folded.
    pub fn heads(&self) -> Arc<Heads> {
        Arc::clone(&self.heads.borrow())
    }

    /// Waits until some head moves after this handle last waited (or was made).
    pub async fn heads_changed(&mut self) -> Arc<Heads> {
        // A writer that is gone moves no more: its health says so.
        if self.heads.changed().await.is_err() {
            core::future::pending::<()>().await;
        }
        Arc::clone(&self.heads.borrow_and_update())
    }

    /// Waits until `positions` are folded, for a question.
    pub async fn wait_for(&self, positions: Vec<Position>, deadline: Option<Instant>) -> Result<(), WriteError> {
        let permit = self.permit(&positions, &self.reads)?;
        self.wait_at(permit, positions, deadline).await
    }

    /// The same for a write, whose permits are others.
    pub async fn wait_to_write(&self, positions: Vec<Position>, deadline: Option<Instant>) -> Result<(), WriteError> {
        let permit = self.permit(&positions, &self.writes)?;
        self.wait_at(permit, positions, deadline).await
    }

    async fn wait_at(
        &self,
        _permit: Option<Permit>,
        positions: Vec<Position>,
        deadline: Option<Instant>,
    ) -> Result<(), WriteError> {
        if positions.is_empty() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let wait = Wait { caller: Caller::current(), positions, deadline: deadline.map(with_margin), reply };
        self.enqueue_in_turn(Input::Wait(wait), deadline).await?;
        within(deadline, answer).await?.unwrap_or_else(|_| Err(self.gone()))
    }

    /// A permit of the present caller to wait for `positions`; none is needed if all of them are folded.
    fn permit(&self, positions: &[Position], permits: &Arc<Permits>) -> Result<Option<Permit>, WriteError> {
        let is_folded = {
            let heads = self.heads.borrow();
            positions.iter().all(|position| position.sequence <= heads.get(position.stream).sequence)
        };
        if is_folded {
            return Ok(None);
        }
        permits.take(Caller::current()).map(Some).ok_or(WriteError::QueueFull { stream: self.stream })
    }

    /// Writes and questions that wait for positions now.
    pub fn waiting(&self) -> usize {
        self.writes.taken().saturating_add(self.reads.taken())
    }

    /// Gives back what has to wait for room.
    fn enqueue(&self, input: Input<D>) -> Result<Option<Input<D>>, WriteError> {
        match self.inputs.try_send(input) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(input)) => Ok(Some(input)),
            Err(TrySendError::Closed(_)) => Err(self.gone()),
        }
    }

    /// Waits a little for room, in turn with bulk streams, which would otherwise leave none to single writes.
    async fn enqueue_soon(&self, input: Input<D>, deadline: Option<Instant>) -> Result<(), WriteError> {
        let patience = Instant::now().checked_add(QUEUE_PATIENCE);
        match within(deadline.into_iter().chain(patience).min(), self.inputs.reserve()).await {
            Ok(Ok(room)) => {
                room.send(input);
                Ok(())
            }
            Ok(Err(_)) => Err(self.gone()),
            Err(_) => Err(WriteError::QueueFull { stream: self.stream }),
        }
    }

    /// Waits for room: bulk streams keep the queue full for as long as they last, and take turns with other waiting callers.
    async fn enqueue_in_turn(&self, input: Input<D>, deadline: Option<Instant>) -> Result<(), WriteError> {
        match within(deadline, self.inputs.reserve()).await? {
            Ok(room) => {
                room.send(input);
                Ok(())
            }
            Err(_) => Err(self.gone()),
        }
    }

    /// Why there is no answer.
    pub(super) fn gone(&self) -> WriteError {
        match &*self.health.borrow() {
            Health::Halted(halt) => WriteError::Halted(halt.clone()),
            Health::Stopped => WriteError::ShuttingDown,
            Health::CatchingUp(_) | Health::Serving => WriteError::Halted(Halt::Stopped),
        }
    }
}

/// A little before `deadline`, so that the writer can say what it still waited for.
fn with_margin(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(Instant::now());
    let margin = left.checked_div(MARGIN).unwrap_or(Duration::ZERO);
    deadline.checked_sub(margin).unwrap_or(deadline)
}

async fn within<T>(deadline: Option<Instant>, answer: impl Future<Output = T>) -> Result<T, WriteError> {
    match deadline {
        Some(deadline) => timeout_at(deadline, answer).await.map_err(|_| WriteError::DeadlineExceeded),
        None => Ok(answer.await),
    }
}
