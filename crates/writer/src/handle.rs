//! What programs hold of a writer.

use core::future::Future;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use loopledger_domain::{Decider, State};
use loopledger_types::{Position, RequestId, StreamId};
use loopledger_wire::{Receipt, Write};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::health::{Health, Metrics};
use super::job::{Answer, Asked, EntityKey, Input, Job, ReceiptQuestion, Reply, Wait};
use super::measured::Measured;
use super::{Halt, WriteError};
use loopledger_feed::Contact;
use loopledger_feed::Heads;
use loopledger_limits::{Asking, Caller, Permit, Permits};
use loopledger_observability::trace::TraceContext;

/// Writes of one bulk stream that are not answered yet: what keeps the writer's window full.
const ORDERED_MAX: usize = 8_192;

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

    /// Opens a bulk stream: writes go in, and come out answered in the same order.
    pub fn ordered(&self) -> (Ordered<D>, Answers) {
        self.ordered_traced(None)
    }

    /// The same as part of a trace, with everything that is written.
    pub fn ordered_traced(&self, trace: Option<TraceContext>) -> (Ordered<D>, Answers) {
        let (send, receive) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(ORDERED_MAX));
        let ordered = Ordered { handle: self.clone(), next: 0, replies: send, permits: Arc::clone(&permits), trace };
        let answers = Answers { next: 0, replies: receive, early: BTreeMap::new(), ready: VecDeque::new(), permits };
        (ordered, answers)
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
    fn gone(&self) -> WriteError {
        match &*self.health.borrow() {
            Health::Halted(halt) => WriteError::Halted(halt.clone()),
            Health::Stopped => WriteError::ShuttingDown,
            Health::CatchingUp(_) | Health::Serving => WriteError::Halted(Halt::Stopped),
        }
    }
}

/// The writing half of a bulk stream.
#[derive(Debug)]
pub struct Ordered<D: Decider> {
    handle: WriterHandle<D>,
    next: u64,
    replies: mpsc::UnboundedSender<(u64, Answer)>,
    permits: Arc<Semaphore>,
    trace: Option<TraceContext>,
}

impl<D: Decider> Ordered<D> {
    /// Queues the next write, waiting for room: this is the stream's back-pressure. A write with `after` holds back
    /// those behind it until its positions are folded, at the latest until `wait_until`. Every write gets an answer,
    /// whatever comes of it.
    pub async fn submit(&mut self, write: Write<D::Command>, wait_until: Option<Instant>) {
        if !write.after.is_empty()
            && let Err(error) = self.handle.wait_to_write(write.after.clone(), wait_until).await
        {
            return self.refuse(error).await;
        }
        let index = self.reserve().await;
        let reply = Reply::Ordered(index, self.replies.clone());
        let (asking, trace) = (Asking::current(), self.trace.map(Box::new));
        let job = Job { asking, write, deadline: None, reply, trace };
        if let Err(unsent) = self.handle.inputs.send(Input::Command(job)).await {
            unsent.0.fail(self.handle.gone());
        }
    }

    /// Answers the next write without asking the writer, in its turn.
    pub async fn refuse(&mut self, error: WriteError) {
        let index = self.reserve().await;
        drop(self.replies.send((index, Err(error))));
    }

    async fn reserve(&mut self) -> u64 {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        // Given back when the answer is taken.
        permit.forget();
        let index = self.next;
        self.next = self.next.saturating_add(1);
        index
    }
}

/// The answering half of a bulk stream.
#[derive(Debug)]
pub struct Answers {
    next: u64,
    replies: mpsc::UnboundedReceiver<(u64, Answer)>,
    /// Answers whose turn has not come.
    early: BTreeMap<u64, Answer>,
    ready: VecDeque<Answer>,
    permits: Arc<Semaphore>,
}

impl Answers {
    /// The next answer in the order of the writes; `None` after the last, when the writing half is gone.
    pub async fn next(&mut self) -> Option<Answer> {
        let mut received = Vec::new();
        while self.ready.is_empty() {
            if self.replies.recv_many(&mut received, ORDERED_MAX).await == 0 {
                return None;
            }
            for (index, answer) in received.drain(..) {
                if index == self.next {
                    self.next = self.next.saturating_add(1);
                    self.ready.push_back(answer);
                } else {
                    self.early.insert(index, answer);
                }
                while let Some(answer) = self.early.remove(&self.next) {
                    self.next = self.next.saturating_add(1);
                    self.ready.push_back(answer);
                }
            }
        }
        self.permits.add_permits(1);
        self.ready.pop_front()
    }

    /// An answer that needs no waiting.
    pub fn try_next(&mut self) -> Option<Answer> {
        let answer = self.ready.pop_front()?;
        self.permits.add_permits(1);
        Some(answer)
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
