//! The writer's task: one loop over its own stream, upstream, appends under way, and what callers ask.
//!
//! Every turn does a bounded amount of work on everything at hand and appends it with one call; between turns it
//! yields. Nothing here is shared, so there is no lock on the way of a command.
//!
//! The task composes parts that own their data: each does its share of the work with what it is given, and says what
//! happened; no part knows the task.

mod decide;
mod fold;
mod save;
mod serve;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loopledger_domain::Decider;
use loopledger_event_log::{Offset, ReadError};
use loopledger_feed::{Feed, FollowError, Seen};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::beginning::{Beginning, End, Opened};
use super::clock::WriterClock;
use super::folded::Folded;
use super::halting::refuse;
use super::health::Health;
use super::intake::{Intake, Verified};
use super::loss_watch::{Answered, LossWatch};
use super::own::Own;
use super::pipeline::{Pipeline, Report};
use super::reporting::Reporting;
use super::speculation::Speculation;
use super::start::Startup;
use super::store::StoreLink;
use super::upstream::{UpstreamRead, UpstreamSet};
use super::{Halt, WriteError, WriterConfig};

/// What woke the loop.
enum Wake {
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

/// One life of a writer.
pub(super) struct Task<D: Decider> {
    config: WriterConfig,
    feed: Feed,
    reporting: Reporting,
    startup: Startup,
    clock: WriterClock,
    store: StoreLink<D>,
    intake: Intake<D>,
    speculation: Speculation<D>,
    pipeline: Pipeline<D>,
    own: Own,
    upstream: UpstreamSet,
    losses: LossWatch,
    /// Reactions and commands take turns in being first.
    commands_first: bool,
}

impl<D: Decider> Task<D> {
    pub(super) fn new(beginning: Beginning<D>, stop: CancellationToken, opened: Opened<D>) -> Self {
        let Beginning { stream, feed, store, clock, config, metrics, measured, health, heads, inputs, .. } = beginning;
        let Opened { state, streams, orphans } = opened;
        let own = streams.own;
        let upstream = UpstreamSet::new(streams.upstream, config.reaction_delay);
        Self {
            startup: Startup::new(streams.progression, feed.clone(), stream.county),
            clock: WriterClock::new(clock, config.accept_clock, streams.newest),
            store: StoreLink::new(stream, store, Arc::clone(&metrics)),
            intake: Intake::new(feed.clone(), inputs, stop),
            speculation: Speculation::new(stream, feed.log().keeps_headers(), state, own.chain().clone(), orphans),
            pipeline: Pipeline::new(stream, feed.clone(), Arc::clone(&metrics), measured, &config),
            losses: LossWatch::new(feed.clone(), streams.referenced, &upstream),
            reporting: Reporting::new(stream, feed.clone(), metrics, health, heads),
            own,
            upstream,
            commands_first: false,
            feed,
            config,
        }
    }

    /// Runs until it is stopped or cannot go on; what it was asked is answered then.
    pub(super) async fn run(mut self) -> End<D> {
        match self.live().await {
            Ok(()) => {
                self.refuse_everything(&WriteError::ShuttingDown);
                refuse(self.intake.into_inputs(), &WriteError::ShuttingDown);
                // Once it says that it is stopped nothing of it reads any more.
                self.upstream.end().await;
                drop(self.own);
                self.reporting.set_health(Health::Stopped);
                End::Stopped
            }
            Err(Halt::Store(_)) if self.store.is_back() => {
                self.refuse_everything(&WriteError::ShuttingDown);
                End::Again(Box::new(self.into_beginning()))
            }
            Err(halt) => {
                self.store.give_up(&halt);
                self.reporting.halted(&halt, self.own.head().sequence);
                self.refuse_everything(&WriteError::Halted(halt.clone()));
                End::Halted(Box::new(self.into_beginning()), halt)
            }
        }
    }

    async fn live(&mut self) -> Result<(), Halt> {
        loop {
            let more = caught(|| self.turn())?;
            if self.is_drained() {
                if self.intake.is_closing() {
                    return self.last_checkpoint();
                }
                // This life ends once everything that was taken is done, because the next one has a store.
                if let Some(error) = self.store.failure_if_back() {
                    return Err(Halt::Store(error));
                }
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
        self.pipeline.settle(now, self.own.next_offset());
        let time = self.watch_clock(now);
        self.decide(now, time)?;
        self.pipeline.append(self.speculation.head().sequence);
        self.pipeline.deliver(now, self.own.next_offset());
        self.intake.expire(now, Folded::new(&self.own, &self.upstream));
        self.checkpoint(now)?;
        self.publish();
        Ok(found || self.can_fold() || self.can_decide() && self.intake.ready_len() > 0 || self.reaction_due(now))
    }

    /// Times that were waited for and have come.
    fn forget_past(&mut self, now: Instant) {
        self.own.forget_past(now);
        self.pipeline.forget_past(now);
        self.store.forget_past(now);
        self.clock.forget_past(now);
    }

    async fn wake(&mut self, more: bool) -> Wake {
        let has_memory = !self.is_backlogged();
        let read_own = self.own.wants_more() && has_memory;
        let take = self.startup.is_serving() && !self.is_ending() && self.intake.wants_more();
        let timer = self.timer();
        let blocked_on = self.losses.blocked_on(&self.own, &self.upstream);
        let is_closing = self.intake.is_closing();
        let read_upstream = (!is_closing || blocked_on.is_some()) && has_memory;
        let (appending, checking) = (self.pipeline.is_appending(), self.pipeline.is_checking());
        let (verifying, others_wait) = (self.intake.is_verifying(), self.intake.waiting_len() > 0);
        let halts_seen = self.intake.halts_seen();
        let (report, end) = self.pipeline.wakes();
        let (inputs, verified, stop) = self.intake.wakes();
        tokio::select! {
            biased;
            Some(report) = report, if appending => Wake::Report(report),
            seen = self.own.next_seen(), if read_own => Wake::Own(seen),
            (index, read) = self.upstream.next_read(blocked_on), if read_upstream => Wake::Upstream(index, read),
            _ = inputs, if take => Wake::Inputs,
            end = end, if checking => Wake::EndChecked(end),
            Some(verified) = verified, if verifying => Wake::Verified(verified),
            answered = self.losses.answered(), if self.losses.is_asking() => Wake::Stuck(answered),
            () = self.startup.others_opened(), if self.startup.waits_for_others() => Wake::OthersOpened,
            changes = self.feed.halts_changed(halts_seen), if others_wait => Wake::HaltsChanged(changes),
            () = stop, if !is_closing => Wake::Stop,
            () = core::future::ready(()), if more => Wake::Nothing,
            () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => Wake::Time,
        }
    }

    fn handle(&mut self, wake: Wake) -> Result<(), Halt> {
        match wake {
            Wake::Own(Ok(seen)) => self.read_back(&seen)?,
            Wake::Own(Err(error)) if error.is_transient() => self.own.read_later(&self.feed, &error),
            Wake::Own(Err(error)) | Wake::Upstream(_, Err(error)) => return Err(error.into()),
            Wake::Report(report) => self.pipeline.take_report(report)?,
            Wake::Upstream(index, Ok(read)) => self.note(index, read)?,
            Wake::EndChecked(end) => {
                if self.pipeline.take_end(end, self.own.next_offset()) {
                    self.own.look_for_head();
                }
                if let Some(end) = self.pipeline.must_read_to() {
                    self.own.wake_at(end);
                }
            }
            Wake::Verified(verified) => self.intake.take_verified(verified, Folded::new(&self.own, &self.upstream)),
            Wake::Stuck(answered) => self.losses.take(answered, &mut self.own, &self.upstream)?,
            Wake::OthersOpened => self.startup.note_others_opened(),
            Wake::HaltsChanged(changes) => self.intake.take_halts(changes, Folded::new(&self.own, &self.upstream)),
            Wake::Stop => self.intake.close(),
            Wake::Inputs | Wake::Time | Wake::Nothing => {}
        }
        // Whatever happened, callers get their share of the turn: other inputs may be ready without end.
        if self.startup.is_serving() && !self.is_ending() {
            self.intake.fill();
        }
        self.route()
    }

    /// Puts what was taken from the queue where it waits for its turn, and answers what needs none.
    fn route(&mut self) -> Result<(), Halt> {
        let mut taken = self.intake.take();
        for input in taken.drain(..) {
            if let Some(question) = self.intake.route(input, Folded::new(&self.own, &self.upstream)) {
                let head = self.speculation.find_confirmed(question.request_id, &self.store)?;
                question.answer(self.own.stream(), head);
            }
        }
        self.intake.give_back(taken);
        Ok(())
    }

    /// The next instant at which something is due without anything happening.
    fn timer(&self) -> Option<Instant> {
        let times = [
            self.intake.next_deadline(),
            self.pipeline.due(),
            self.upstream.next_delayed_reaction().filter(|_| self.can_react()),
            self.own.due(),
            self.clock.due(),
            self.losses.due(),
            self.store.due(),
        ];
        times.into_iter().flatten().min()
    }

    /// Whether the task drains: it accepts no commands, and ends once the accepted ones are answered.
    const fn is_ending(&self) -> bool {
        self.intake.is_closing() || self.store.is_back()
    }

    fn is_drained(&self) -> bool {
        let idle = self.intake.ready_len() == 0 && self.pipeline.is_idle();
        !self.startup.is_serving() || idle && !self.own.has_foreign()
    }

    fn refuse_everything(&mut self, error: &WriteError) {
        self.pipeline.refuse_all(error);
        self.intake.refuse_all(error);
    }

    /// What another life begins with. What is in flight may stand: it is read as if another writer had appended it.
    fn into_beginning(self) -> Beginning<D> {
        let (metrics, health, heads) = self.reporting.into_parts();
        Beginning {
            stream: self.own.stream(),
            upstream: self.upstream.heads().map(|(stream, _)| stream).collect(),
            feed: self.feed,
            store: self.store.into_inner(),
            clock: self.clock.into_inner(),
            config: self.config,
            metrics,
            measured: self.pipeline.into_measured(),
            health,
            heads,
            inputs: self.intake.into_inputs(),
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
