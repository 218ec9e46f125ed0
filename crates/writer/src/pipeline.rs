//! What was decided and is not answered: appending, appending again, and answering.
//!
//! Only read-back decides what became of an append. Reports are used for two things: to know when nothing of ours can
//! arrive any more in the order in which it was appended, and to notice failures early.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use loopledger_domain::Decider;
use loopledger_event_log::{AppendError, Offset, ReadError, Record};
use loopledger_feed::{Feed, FollowError};
use loopledger_types::{Hash, Key, Partition, StreamId, WithCauses};
use tokio::time::Instant;

use super::freshness::{EndFound, Freshness};
use super::health::Metrics;
use super::measured::{Appended, Measured};
use super::outcome::{InFlight, Outcome, Trigger};
use super::seal::Sealed;
use super::{Halt, PointHook, WriteError, WriterConfig};

/// The point between an append that the log has confirmed and its read-back.
pub const AFTER_APPEND: &str = "writer.after-append-before-read-back";

/// Outcomes (commits, refusals, repeats, queries) that wait for a read-back, beyond which nothing is decided.
const OUTCOMES_MAX: usize = 32_768;

/// Calls of `append` under way at a time: enough to keep a disk or a network busy, and few, so that batches grow.
const APPENDS_MAX: usize = 8;

/// The first pause before appending the same bytes yet again.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Doublings of the pause: at most 640 ms.
const RETRY_DOUBLINGS: u32 = 6;

/// What became of one call of `append`.
pub(super) type Report = Vec<Result<Offset, AppendError>>;

/// Everything decided and not answered, from the decision to the answer.
pub(super) struct Pipeline<D: Decider> {
    stream: StreamId,
    partition: Partition,
    feed: Feed,
    metrics: Arc<Metrics>,
    on_point: Option<PointHook>,
    window_max: usize,
    /// In the order of the decisions.
    outcomes: VecDeque<Outcome<D>>,
    /// Commits among the outcomes, and the present limit of them.
    in_flight: usize,
    window: usize,
    /// Decided in this turn.
    batch: Vec<Record>,
    appends: FuturesUnordered<BoxFuture<'static, Report>>,
    appended: Appended,
    /// The highest offset that an append reported.
    appended_to: Option<Offset>,
    /// A foreign commit was admitted; what was in flight is void and must pass by before anything is decided.
    draining: bool,
    /// Something in flight did not arrive; it is appended again before anything is decided.
    failed: bool,
    resends: u32,
    resend_at: Option<Instant>,
    freshness: Freshness,
}

impl<D: Decider> Pipeline<D> {
    pub(super) fn new(
        stream: StreamId,
        feed: Feed,
        metrics: Arc<Metrics>,
        measured: Arc<Measured>,
        config: &WriterConfig,
    ) -> Self {
        Self {
            stream,
            partition: feed.partition(stream),
            feed,
            metrics,
            on_point: config.on_point.clone(),
            window_max: config.window_max,
            outcomes: VecDeque::new(),
            in_flight: 0,
            window: config.window_max,
            batch: Vec::new(),
            appends: FuturesUnordered::new(),
            appended: Appended::new(measured),
            appended_to: None,
            draining: false,
            failed: false,
            resends: 0,
            resend_at: None,
            freshness: Freshness::new(Instant::now()),
        }
    }

    /// Everything that was in the log at the start is read; decisions may begin.
    pub(super) fn note_serving(&mut self, now: Instant) {
        self.appended.note_serving();
        self.freshness.set_fresh(now);
    }

    /// Whether one more may be decided.
    pub(super) fn has_room(&self) -> bool {
        !self.draining
            && !self.failed
            && self.in_flight < self.window
            && self.outcomes.len() < OUTCOMES_MAX
            && self.appends.len() < APPENDS_MAX
    }

    pub(super) fn put(&mut self, outcome: Outcome<D>) {
        self.outcomes.push_back(outcome);
    }

    /// A commit, to be appended at the end of this turn.
    pub(super) fn put_commit(&mut self, sealed: Sealed, trigger: Trigger<D>) {
        self.batch.push(record(self.stream, &sealed));
        self.in_flight = self.in_flight.saturating_add(1);
        self.outcomes.push_back(Outcome::Commit(InFlight { sealed, trigger }));
    }

    /// Appends what this turn decided; `last` is the sequence of the newest commit.
    pub(super) fn append(&mut self, last: u64) {
        if !self.batch.is_empty() {
            let records = core::mem::take(&mut self.batch);
            self.batch.reserve(records.len());
            let before = last.saturating_sub(u64::try_from(records.len()).unwrap_or(u64::MAX));
            self.appended.note(before.saturating_add(1), last);
            self.append_records(records);
        }
    }

    fn append_records(&mut self, records: Vec<Record>) {
        // The port queues before it returns, so calls keep their order whenever the futures are polled.
        self.appends.push(self.feed.log().append(self.stream.service.topic(), self.partition, records));
    }

    pub(super) fn take_report(&mut self, report: Report) -> Result<(), Halt> {
        let mut landed = false;
        for result in report {
            match result {
                Ok(offset) => {
                    landed = true;
                    self.appended_to = self.appended_to.max(Some(offset));
                }
                Err(error) if error.can_retry() => {
                    self.metrics.append_failures_total.add(1);
                    if !matches!(error, AppendError::Busy) && self.metrics.log_unavailable.get() == 0 {
                        self.metrics.log_unavailable.set(1);
                        // An outage is logged once, where the log is watched.
                        if self.feed.contact().outage().is_none() {
                            tracing::warn!(stream = %self.stream, error = %WithCauses(&error), "log append failing, retrying");
                        }
                    }
                    self.failed |= self.in_flight > 0;
                }
                Err(error) => return Err(Halt::LogRefuses(error)),
            }
        }
        if landed {
            self.metrics.log_unavailable.set(0);
        }
        if landed && let Some(on_point) = &self.on_point {
            on_point(AFTER_APPEND);
        }
        Ok(())
    }

    /// Once every append is reported and read past, what is still in flight will not arrive: ends a drain, or appends
    /// the same bytes again. Everything before `next` was read.
    pub(super) fn settle(&mut self, now: Instant, next: Offset) {
        let settled = self.appends.is_empty() && self.appended_to.is_none_or(|offset| next > offset);
        if !settled {
            return;
        }
        if self.draining || self.in_flight == 0 {
            self.draining = false;
            self.failed = false;
            self.resend_at = None;
            return;
        }
        self.failed = true;
        let due = *self.resend_at.get_or_insert_with(|| {
            let doublings = self.resends.saturating_sub(1).min(RETRY_DOUBLINGS);
            let pause = if self.resends == 0 { Duration::ZERO } else { RETRY_PAUSE.saturating_mul(1 << doublings) };
            now.checked_add(pause).unwrap_or(now)
        });
        if due <= now {
            self.resend();
        }
    }

    fn resend(&mut self) {
        let mut records = Vec::with_capacity(self.in_flight);
        for outcome in &self.outcomes {
            match outcome {
                Outcome::Commit(commit) => records.push(record(self.stream, &commit.sealed)),
                Outcome::Refusal { .. } | Outcome::Repeat { .. } | Outcome::Query(_) => {}
            }
        }
        tracing::debug!(stream = %self.stream, commits = records.len(), "re-appending commits in flight");
        self.metrics.resends_total.add(1);
        self.resends = self.resends.saturating_add(1);
        self.resend_at = None;
        self.failed = false;
        self.append_records(records);
    }

    /// The own stream was read.
    pub(super) const fn note_contact(&mut self, now: Instant) {
        self.freshness.set_fresh(now);
    }

    /// A read is worked off to its end: commits up to `confirmed` stand, and everything before `next` was read.
    pub(super) fn note_read(&mut self, confirmed: u64, next: Offset) {
        self.appended.read_back(confirmed, self.freshness.fresh_at());
        self.freshness.note_read(next);
    }

    /// Whether the next answer waits for the commit with this hash.
    pub(super) fn expects(&self, hash: Hash) -> bool {
        match self.outcomes.front() {
            Some(Outcome::Commit(first)) => first.sealed.head.hash == hash,
            Some(Outcome::Refusal { .. } | Outcome::Repeat { .. } | Outcome::Query(_)) | None => false,
        }
    }

    /// The oldest commit in flight was read back: it stands.
    pub(super) fn confirm(&mut self) -> Option<InFlight<D>> {
        let Some(Outcome::Commit(commit)) = self.outcomes.pop_front() else { return None };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.resends = 0;
        self.window = self.window.saturating_mul(2).min(self.window_max);
        self.metrics.commits_total.add(1);
        Some(commit)
    }

    /// Another writer got in first: what is in flight is void, and everything is to be decided again. True: something was in
    /// flight.
    pub(super) fn give_way(&mut self) -> bool {
        let conflict = self.in_flight > 0;
        if conflict {
            self.metrics.conflicts_total.add(1);
            self.window = 1;
            self.draining = true;
            self.failed = false;
            self.resend_at = None;
            self.in_flight = 0;
            self.appended.forget();
        }
        self.metrics.redecisions_total.add(u64::try_from(self.outcomes.len()).unwrap_or(u64::MAX));
        conflict
    }

    /// The newest outcome, which is to be decided again.
    pub(super) fn take_newest(&mut self) -> Option<Outcome<D>> {
        self.outcomes.pop_back()
    }

    /// Answers what waits for no commit in flight any more. Everything before `next` was read.
    pub(super) fn deliver(&mut self, now: Instant, next: Offset) {
        loop {
            match self.outcomes.front() {
                Some(Outcome::Refusal { .. }) if !self.freshness.is_fresh(now) => {
                    return self.check_freshness(now, next);
                }
                Some(Outcome::Refusal { .. } | Outcome::Repeat { .. } | Outcome::Query(_)) => {}
                Some(Outcome::Commit(_)) | None => return,
            }
            match self.outcomes.pop_front() {
                Some(Outcome::Refusal { job, error }) => {
                    self.metrics.refusals_total.add(1);
                    job.reply.send(Err(error));
                }
                Some(Outcome::Repeat { job, receipt }) => {
                    self.metrics.repeats_total.add(1);
                    job.reply.send(Ok(receipt));
                }
                Some(Outcome::Query(query)) => query.deliver(),
                Some(Outcome::Commit(_)) | None => return,
            }
        }
    }

    /// The same at the time at which everything in the log was last known to be read.
    pub(super) fn deliver_as_read(&mut self, next: Offset) {
        self.deliver(self.freshness.fresh_at(), next);
    }

    /// Up to where the log must be read before refusals are given.
    pub(super) const fn must_read_to(&self) -> Option<Offset> {
        self.freshness.reach()
    }

    fn check_freshness(&mut self, now: Instant, next: Offset) {
        let (log, topic, partition) = (self.feed.log(), self.stream.service.topic(), self.partition);
        self.freshness.check(now, next, || log.end(topic, partition));
    }

    /// Takes the log's end. True: the log ends before what had been read of it.
    pub(super) fn take_end(&mut self, end: Result<Offset, ReadError>, next: Offset) -> bool {
        match self.freshness.take_end(end, next) {
            EndFound::Known => false,
            EndFound::BeforeRead => true,
            EndFound::Unknown(error) => {
                tracing::debug!(stream = %self.stream, error = %WithCauses(&error), "could not find the log's end");
                self.feed.note_failure(&FollowError::Read { stream: self.stream, source: error });
                false
            }
        }
    }

    pub(super) fn is_appending(&self) -> bool {
        !self.appends.is_empty()
    }

    pub(super) const fn is_checking(&self) -> bool {
        self.freshness.is_checking()
    }

    /// Waits for the report of an append, and for the log's end. Both are cancel-safe.
    pub(super) fn wakes(
        &mut self,
    ) -> (impl Future<Output = Option<Report>>, impl Future<Output = Result<Offset, ReadError>>) {
        (self.appends.next(), self.freshness.checked())
    }

    /// Whether nothing is decided and not answered, and no append is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.outcomes.is_empty() && self.appends.is_empty()
    }

    /// Whether everything that was decided is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) const fn window(&self) -> usize {
        self.window
    }

    /// When something is due here without anything happening.
    pub(super) fn due(&self) -> Option<Instant> {
        self.resend_at.into_iter().chain(self.freshness.due()).min()
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        self.freshness.forget_past(now);
    }

    /// Answers everything that was decided. What is in flight may stand: the same request id finds it.
    pub(super) fn refuse_all(&mut self, error: &WriteError) {
        for outcome in self.outcomes.drain(..) {
            outcome.fail(error);
        }
    }

    pub(super) fn into_measured(self) -> Arc<Measured> {
        self.appended.into_measured()
    }
}

/// A commit as the log takes it.
fn record(stream: StreamId, sealed: &Sealed) -> Record {
    Record { key: Key(stream.county), headers: sealed.headers.clone(), value: sealed.value.clone() }
}
