//! The writer's task: one loop over its own stream, upstream, appends under way, and what callers ask.
//!
//! Every turn does a bounded amount of work on everything at hand and appends it with one call; between turns it
//! yields. Nothing here is shared, so there is no lock on the way of a command.

mod fold;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use loopledger_accounting::Journal;
use loopledger_domain::{AnswerRepeated, Decider, State};
use loopledger_event_log::{AppendError, Headers, Offset, ReadError, Record};
use loopledger_state_store::Progress;
use loopledger_types::{Head, Partition, Position, RequestId, StreamId, Table, Timestamp};
use loopledger_wire::Receipt;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::beginning::{Beginning, End, Opened};
use super::clock::{ClockChange, WriterClock};
use super::folded::Folded;
use super::freshness::Freshness;
use super::halting::{refuse, report};
use super::health::{Health, Metrics};
use super::job::{Input, Job, Query};
use super::loss_watch::{Answered, LossWatch};
use super::measured::Appended;
use super::own::{Chain, Own};
use super::start::all_opened;
use super::store::{StoreLink, Stored};
use super::upstream::{UpstreamRead, UpstreamSet};
use super::waiting::Waiting;
use super::{Halt, WriteError, WriterConfig};
use loopledger_feed::Heads;
use loopledger_feed::{Feed, FollowError, Seen};
use loopledger_observability::trace::Span;

/// Outcomes (commits, refusals, repeats, queries) that wait for a read-back, beyond which nothing is decided.
const OUTCOMES_MAX: usize = 32_768;

/// Calls of `append` under way at a time: enough to keep a disk or a network busy, and few, so that batches grow.
const APPENDS_MAX: usize = 8;

/// What callers asked that is taken from the queue at a time.
const TAKE_MAX: usize = 512;

/// Something to be decided or looked at.
pub(super) enum Ready<D: Decider> {
    Job(Job<D>),
    Query(Box<dyn Query<D>>),
}

impl<D: Decider> Ready<D> {
    pub(super) fn fail(self, error: WriteError) {
        match self {
            Self::Job(job) => job.reply.send(Err(error)),
            Self::Query(query) => query.fail(error),
        }
    }
}

/// What was decided and is not answered yet, in the order of the decisions.
pub(super) enum Outcome<D: Decider> {
    Commit(InFlight<D>),
    Refusal { job: Job<D>, error: WriteError },
    Repeat { job: Job<D>, receipt: Receipt },
    Query(Box<dyn Query<D>>),
}

/// A commit that was appended and not read back yet.
pub(super) struct InFlight<D: Decider> {
    pub(super) head: Head,
    pub(super) value: Bytes,
    pub(super) recorded_at: Timestamp,
    pub(super) request_id: RequestId,
    /// Empty unless the log keeps them.
    pub(super) headers: Headers,
    /// Ends with it.
    pub(super) span: Option<Span>,
    pub(super) trigger: Trigger<D>,
    /// Upstream heads that the chain named before this commit's own are in [`Chain`]; these are this commit's.
    pub(super) named: Vec<(usize, u64)>,
}

/// What led to a commit of ours.
pub(super) enum Trigger<D: Decider> {
    Command(Job<D>),
    /// Of the upstream stream with this index; the cause is the oldest of those taken.
    Reaction(usize),
}

/// What became of one call of `append`.
pub(super) type Report = Vec<Result<Offset, AppendError>>;

/// Who asked for a position, and whether the log has it.
pub(super) type Verified = (u64, Position, Result<bool, FollowError>);

/// What woke the loop.
pub(super) enum Wake {
    Own(Result<Seen, FollowError>),
    Report(Report),
    Upstream(usize, UpstreamRead),
    Inputs,
    EndChecked(Result<Offset, ReadError>),
    Verified(Verified),
    Stuck(Answered),
    OthersOpened,
    /// Writers of this process halted, or went on, so often.
    HaltsChanged(u64),
    Stop,
    Time,
    Nothing,
}

#[expect(clippy::struct_excessive_bools, reason = "independent conditions of one loop")]
pub(super) struct Task<D: Decider> {
    pub(super) config: WriterConfig,
    pub(super) stream: StreamId,
    pub(super) partition: Partition,
    pub(super) feed: Feed,
    pub(super) clock: WriterClock,
    pub(super) store: StoreLink<D>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: watch::Sender<Health>,
    pub(super) heads: watch::Sender<Arc<Heads>>,
    pub(super) inputs: mpsc::Receiver<Input<D>>,
    pub(super) taken: Vec<Input<D>>,
    /// Changes of the halts of other writers that were looked at.
    pub(super) halts_seen: u64,
    pub(super) stop: CancellationToken,

    pub(super) state: State<D>,
    pub(super) own: Own,
    pub(super) upstream: UpstreamSet,
    pub(super) losses: LossWatch,
    pub(super) freshness: Freshness,
    /// The end of the chain of commits in flight; the confirmed end if there are none.
    pub(super) chain: Chain,
    pub(super) requests: Table<RequestId, super::decide::Request>,

    pub(super) ready: VecDeque<Ready<D>>,
    pub(super) waiting: Waiting<D>,
    pub(super) verifications: FuturesUnordered<BoxFuture<'static, Verified>>,
    pub(super) outcomes: VecDeque<Outcome<D>>,
    pub(super) in_flight: usize,
    pub(super) window: usize,
    pub(super) commands_first: bool,

    pub(super) batch: Vec<Record>,
    pub(super) scratch: Vec<u8>,
    pub(super) journal: Journal,
    pub(super) appends: FuturesUnordered<BoxFuture<'static, Report>>,
    pub(super) appended: Appended,
    /// The highest offset that an append reported.
    pub(super) appended_to: Option<Offset>,
    /// A foreign commit was admitted; what was in flight is void and must pass by before anything is decided.
    pub(super) draining: bool,
    /// Something in flight did not arrive; it is appended again before anything is decided.
    pub(super) failed: bool,
    pub(super) resends: u32,
    pub(super) resend_at: Option<Instant>,

    pub(super) serving: bool,
    pub(super) stopping: bool,
    pub(super) catch_up: super::start::Progression,
    /// Until every program of the process has looked for its heads in the log.
    pub(super) others_open: Option<BoxFuture<'static, ()>>,

    /// Answers of this stream to commits that are lost, by the reactions' request ids.
    pub(super) orphans: Table<RequestId, AnswerRepeated>,
}

impl<D: Decider> Task<D> {
    pub(super) fn new(beginning: Beginning<D>, stop: CancellationToken, opened: Opened<D>) -> Self {
        let Opened { state, streams, orphans } = opened;
        let accept_clock = beginning.config.accept_clock;
        let upstream = UpstreamSet::new(streams.upstream, beginning.config.reaction_delay);
        Self {
            others_open: Some(Box::pin(beginning.feed.clone().opened())),
            orphans,
            partition: beginning.feed.partition(beginning.stream),
            window: beginning.config.window_max,
            chain: streams.own.chain().clone(),
            own: streams.own,
            losses: LossWatch::new(beginning.feed.clone(), streams.referenced, &upstream),
            upstream,
            freshness: Freshness::new(Instant::now()),
            catch_up: streams.progression,
            config: beginning.config,
            stream: beginning.stream,
            feed: beginning.feed,
            clock: WriterClock::new(beginning.clock, accept_clock, streams.newest),
            store: StoreLink::new(beginning.stream, beginning.store, Arc::clone(&beginning.metrics)),
            metrics: beginning.metrics,
            appended: Appended::new(beginning.measured),
            health: beginning.health,
            heads: beginning.heads,
            inputs: beginning.inputs,
            taken: Vec::new(),
            halts_seen: 0,
            stop,
            state,
            requests: Table::new(),
            ready: VecDeque::new(),
            waiting: Waiting::default(),
            verifications: FuturesUnordered::new(),
            outcomes: VecDeque::new(),
            in_flight: 0,
            commands_first: false,
            batch: Vec::new(),
            scratch: Vec::new(),
            journal: Journal::new(),
            appends: FuturesUnordered::new(),
            appended_to: None,
            draining: false,
            failed: false,
            resends: 0,
            resend_at: None,
            serving: false,
            stopping: false,
        }
    }

    /// Runs until it is stopped or cannot go on; what it was asked is answered then.
    pub(super) async fn run(mut self) -> End<D> {
        match self.live().await {
            Ok(()) => {
                self.refuse_everything(&WriteError::ShuttingDown);
                refuse(self.inputs, &WriteError::ShuttingDown);
                self.health.send_replace(Health::Stopped);
                End::Stopped
            }
            Err(Halt::Store(_)) if self.store.is_back() => {
                self.refuse_everything(&WriteError::ShuttingDown);
                End::Again(Box::new(self.into_beginning()))
            }
            Err(halt) => {
                self.store.give_up(&halt);
                report(self.stream, &halt, self.own.head().sequence, &self.feed, &self.health);
                self.refuse_everything(&WriteError::Halted(halt.clone()));
                End::Halted(Box::new(self.into_beginning()), halt)
            }
        }
    }

    async fn live(&mut self) -> Result<(), Halt> {
        loop {
            let more = caught(|| self.turn())?;
            if self.stopping && self.is_drained() {
                return self.last_checkpoint();
            }
            if self.is_drained()
                && let Some(error) = self.store.failure_before_return()
            {
                return Err(Halt::Store(error));
            }
            if more {
                // A branch of `wake` is always ready then, so nothing would ever wait: give way to other tasks.
                tokio::task::yield_now().await;
            }
            let wake = self.wake(more).await;
            caught(|| self.handle(wake))?;
        }
    }

    /// Does what can be done now. True: there is more that can be done now.
    fn turn(&mut self) -> Result<bool, Halt> {
        let now = Instant::now();
        self.forget_past(now);
        self.fold_foreign()?;
        let found = self.losses.watch(now, &self.own, &self.upstream)?;
        self.check_caught_up(now)?;
        self.settle(now);
        let time = self.watch_clock(now);
        self.decide(now, time)?;
        self.append();
        self.deliver(now);
        self.expire(now);
        self.checkpoint(now)?;
        self.publish();
        Ok(found || self.can_fold() || self.can_decide() && !self.ready.is_empty() || self.reaction_due(now))
    }

    /// Times that were waited for and have come.
    fn forget_past(&mut self, now: Instant) {
        self.clock.forget_past(now);
        self.store.forget_past(now);
        self.own.forget_past(now);
        self.freshness.forget_past(now);
    }

    /// Looks at the clock, and says when it is found wrong and when it is right again. Gives the time.
    pub(super) fn watch_clock(&mut self, now: Instant) -> Timestamp {
        if !self.serving {
            return self.clock.time();
        }
        let head = self.chain.recorded_at.max(self.own.chain().recorded_at);
        let (time, change) = self.clock.look(now, head);
        match change {
            ClockChange::Wrong(fault) => {
                report(self.stream, &Halt::Clock(fault), self.own.head().sequence, &self.feed, &self.health);
            }
            ClockChange::RightAgain => {
                tracing::info!(stream = %self.stream, "the clock is right again");
                self.feed.set_halted(self.stream, None);
                self.health.send_replace(Health::Serving);
            }
            ClockChange::Same => {}
        }
        time
    }

    pub(super) fn can_decide(&self) -> bool {
        self.serving
            && !self.draining
            && !self.failed
            && !self.own.has_foreign()
            && self.in_flight < self.window
            && self.outcomes.len() < OUTCOMES_MAX
            && self.appends.len() < APPENDS_MAX
            && !self.is_backlogged()
    }

    async fn wake(&mut self, more: bool) -> Wake {
        let read_own = self.own.wants_more() && !self.is_backlogged();
        let take = self.serving && !self.is_ending() && self.ready.len() < TAKE_MAX;
        let timer = self.timer();
        let blocked_on = self.losses.blocked_on(&self.own, &self.upstream);
        let read_upstream = (!self.stopping || blocked_on.is_some()) && !self.is_backlogged();
        tokio::select! {
            biased;
            Some(report) = self.appends.next(), if !self.appends.is_empty() => Wake::Report(report),
            seen = self.own.next_seen(), if read_own => Wake::Own(seen),
            (index, read) = self.upstream.next_read(blocked_on), if read_upstream => Wake::Upstream(index, read),
            _ = self.inputs.recv_many(&mut self.taken, TAKE_MAX), if take => Wake::Inputs,
            end = self.freshness.checked(), if self.freshness.is_checking() => Wake::EndChecked(end),
            Some(verified) = self.verifications.next(), if !self.verifications.is_empty() => Wake::Verified(verified),
            answered = self.losses.answered(), if self.losses.is_asking() => Wake::Stuck(answered),
            () = all_opened(&mut self.others_open), if self.others_open.is_some() => Wake::OthersOpened,
            changes = self.feed.halts_changed(self.halts_seen), if self.waiting.len() > 0 => Wake::HaltsChanged(changes),
            () = self.stop.cancelled(), if !self.stopping => Wake::Stop,
            () = core::future::ready(()), if more => Wake::Nothing,
            () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => Wake::Time,
        }
    }

    fn handle(&mut self, wake: Wake) -> Result<(), Halt> {
        match wake {
            Wake::Own(Ok(seen)) => self.read_back(&seen)?,
            Wake::Own(Err(error)) if error.is_transient() => self.own.read_later(&self.feed, &error),
            Wake::Own(Err(error)) | Wake::Upstream(_, Err(error)) => return Err(error.into()),
            Wake::Report(report) => self.take_report(report)?,
            Wake::Upstream(index, Ok(read)) => self.note(index, read)?,
            Wake::EndChecked(end) => self.take_end(end),
            Wake::Verified((id, position, found)) => self.take_verified(id, position, found),
            Wake::Stuck(answered) => self.losses.take(answered)?,
            Wake::OthersOpened => self.others_open = None,
            Wake::HaltsChanged(changes) => self.take_halts(changes),
            Wake::Stop => self.begin_stop(),
            Wake::Inputs | Wake::Time | Wake::Nothing => {}
        }
        // Whatever happened, callers get their share of the turn: other inputs may be ready without end.
        if self.serving && !self.is_ending() {
            while self.ready.len().saturating_add(self.taken.len()) < TAKE_MAX {
                let Ok(input) = self.inputs.try_recv() else { break };
                self.taken.push(input);
            }
        }
        let mut taken = core::mem::take(&mut self.taken);
        for input in taken.drain(..) {
            self.route(input)?;
        }
        self.taken = taken;
        Ok(())
    }

    /// Whether there is as much to be stored as one checkpoint should hold: nothing more is read or decided then.
    pub(super) fn is_backlogged(&self) -> bool {
        self.store.is_backlogged(self.state.entities.changed_len())
    }

    /// Cuts a checkpoint if one is due and the store takes it.
    fn checkpoint(&mut self, now: Instant) -> Result<(), Halt> {
        if self.store.wants_checkpoint(now, self.state.entities.changed_len())? {
            self.cut()?;
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), Halt> {
        let entities = self.state.entities.drain_changed();
        let Stored { requests, closed } = self.store.submit(self.progress(), entities)?;
        for request_id in requests {
            self.requests.remove(&request_id);
        }
        self.state.entities.evict_closed(closed);
        self.state.entities.forget_absent();
        Ok(())
    }

    /// What a restart resumes from: confirmed commits only.
    fn progress(&self) -> Progress {
        let chain = self.own.chain();
        Progress {
            head: chain.head,
            offset: self.own.offset().0,
            recorded_at: chain.recorded_at,
            newest: self.clock.newest(),
            referenced: self.losses.owed(chain.head.sequence),
            upstream: self.upstream.progress(&chain.named),
        }
    }

    pub(super) fn folded(&self) -> Folded<'_> {
        Folded::new(&self.own, &self.upstream)
    }

    /// Stores everything before the end.
    fn last_checkpoint(&mut self) -> Result<(), Halt> {
        if self.store.wants_last_checkpoint()? {
            self.cut()?;
        }
        self.store.flush()
    }

    /// The next instant at which something is due without anything happening.
    fn timer(&self) -> Option<Instant> {
        let times = [
            self.waiting.next_deadline(),
            self.resend_at,
            self.freshness.due(),
            if self.can_react() { self.upstream.next_delayed_reaction() } else { None },
            self.own.due(),
            self.clock.due(),
            self.losses.due(),
            self.store.due(),
        ];
        times.into_iter().flatten().min()
    }

    /// Takes nothing more, and finishes what was taken.
    fn begin_stop(&mut self) {
        self.stopping = true;
        self.inputs.close();
        while let Ok(input) = self.inputs.try_recv() {
            self.taken.push(input);
        }
        for entry in self.waiting.drain() {
            entry.waiter.fail(WriteError::ShuttingDown);
        }
    }

    pub(super) const fn is_ending(&self) -> bool {
        self.stopping || self.store.is_back()
    }

    pub(super) fn is_drained(&self) -> bool {
        let idle = self.ready.is_empty() && self.outcomes.is_empty() && self.appends.is_empty();
        !self.serving || idle && !self.own.has_foreign()
    }

    /// What another life begins with. What is in flight may stand: it is read as if another writer had appended it.
    fn into_beginning(self) -> Beginning<D> {
        Beginning {
            stream: self.stream,
            upstream: self.folded().upstream().collect(),
            feed: self.feed,
            store: self.store.into_inner(),
            clock: self.clock.into_inner(),
            config: self.config,
            metrics: self.metrics,
            measured: self.appended.into_measured(),
            health: self.health,
            heads: self.heads,
            inputs: self.inputs,
        }
    }

    fn refuse_everything(&mut self, error: &WriteError) {
        for outcome in self.outcomes.drain(..) {
            match outcome {
                // What is in flight may stand: the same request id finds it.
                Outcome::Commit(InFlight { trigger: Trigger::Reaction(_), .. }) => {}
                Outcome::Commit(InFlight { trigger: Trigger::Command(job), .. })
                | Outcome::Refusal { job, .. }
                | Outcome::Repeat { job, .. } => job.reply.send(Err(error.clone())),
                Outcome::Query(query) => query.fail(error.clone()),
            }
        }
        for ready in self.ready.drain(..) {
            ready.fail(error.clone());
        }
        for entry in self.waiting.drain() {
            entry.waiter.fail(error.clone());
        }
        while let Some(input) = self.taken.pop() {
            input.fail(error.clone());
        }
    }
}

/// Does the work; a panic in it (a rule met what cannot be) halts the stream with its message. What was half done is
/// never looked at again.
fn caught<T>(work: impl FnOnce() -> Result<T, Halt>) -> Result<T, Halt> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(Halt::Internal { detail: text.unwrap_or("a rule panicked").to_owned() })
    })
}
