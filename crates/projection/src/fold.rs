//! The fold: a follower per stream decodes ahead, one task applies, in turns so short that queries hardly wait.

use core::time::Duration;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use loopledger_domain::Commit;
use loopledger_event_log::Offset;
use loopledger_ledger::ApplyError;
use loopledger_service::feed::{Admitted, CatchUp, FollowError, Follower};
use loopledger_service::trace::{Kind, Span};
use loopledger_types::{Hash, Head, Position, Service, WithCauses};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::catch_up::CatchingUp;
use crate::health::{Halt, StreamHealth};
use crate::merge::{Arrival, Batch, Lane, Merge};
use crate::referenced;
use crate::shared::Shared;

/// How long the fold may keep the state to itself.
const SLICE: Duration = Duration::from_micros(200);
/// Commits applied between two looks at the clock, some 4 µs each.
const COMMITS_PER_LOOK: usize = 8;
/// Commits of one stream before another gets its turn.
const SLICE_COMMITS: usize = 128;
/// Between two attempts to read a log that fails.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(200);
/// A read that has not failed for so long is waiting for records.
const RECOVERED_AFTER: Duration = Duration::from_secs(1);

/// Follows one stream until it halts or the fold ends.
pub(crate) async fn follow(mut follower: Follower, shared: Arc<Shared>, out: mpsc::Sender<Result<Batch, Halt>>) {
    let stream = follower.stream();
    let service = stream.service;
    let mut troubled = false;
    loop {
        let read = {
            let next = follower.next();
            tokio::pin!(next);
            loop {
                tokio::select! {
                    biased;
                    () = out.closed() => return,
                    read = &mut next => break read,
                    () = sleep(RECOVERED_AFTER), if troubled => {
                        // Not because it has not failed again: it may wait for a log that does not answer.
                        if !shared.feed.contact().is_failing(stream) {
                            troubled = false;
                            shared.set_health(service, recovered(&shared));
                        }
                    }
                }
            }
        };
        let message = match read {
            Ok(commits) => {
                if core::mem::take(&mut troubled) {
                    shared.set_health(service, recovered(&shared));
                }
                // Behind the last of them may stand one that is not understood: it is not read until it is.
                let last = commits.commits.last();
                let halts = last.filter(|last| last.commit.sequence < follower.head().sequence);
                let next = halts.map_or(commits.next, |last| last.offset);
                if let Some(lag) = shared.lags.get(service.index()) {
                    lag.read(&commits.commits);
                }
                Ok(Batch { commits: commits.commits, next, voids: follower.voids(), is_held: commits.is_held })
            }
            Err(error) if error.is_transient() => {
                note_failure(&shared, &error);
                troubled = true;
                tokio::select! {
                    biased;
                    () = out.closed() => return,
                    () = sleep(RETRY_AFTER) => continue,
                }
            }
            Err(error) => Err(Halt::of(&error, follower.stream(), follower.head().sequence)),
        };
        let ends = message.is_err();
        if out.send(message).await.is_err() || ends {
            return;
        }
    }
}

/// The log cannot be read now, and is tried again.
pub(crate) fn note_failure(shared: &Shared, error: &FollowError) {
    if let FollowError::Read { stream, source } = error {
        shared.metrics.read_failures_total.add(1);
        shared.feed.note_failure(error);
        tracing::debug!(%stream, error = %WithCauses(source), "could not read the log, retrying");
        shared.set_health(stream.service, StreamHealth::LogUnavailable { reason: WithCauses(source).to_string() });
    }
}

fn recovered(shared: &Shared) -> StreamHealth {
    if shared.health.borrow().is_caught_up {
        StreamHealth::Serving
    } else {
        StreamHealth::CatchingUp(CatchUp::default())
    }
}

/// A fold that panics folds nothing more, of any stream.
pub(crate) async fn halting_on_panic(shared: Arc<Shared>, folding: impl Future<Output = ()>) {
    if AssertUnwindSafe(folding).catch_unwind().await.is_err() {
        for service in Service::ALL {
            let head = shared.head(service);
            let position = Position {
                stream: shared.stream(service),
                sequence: head.sequence.saturating_add(1),
                hash: Hash::ZERO,
            };
            shared.halt(service, Halt::Impossible { position, reason: "folding panicked".to_owned() });
        }
    }
}

/// Applies what the followers read until it is told to stop.
pub(crate) struct Fold {
    shared: Arc<Shared>,
    merge: Merge,
    catching_up: CatchingUp,
    checkpoint_commits: u64,
    since_checkpoint: u64,
}

impl Fold {
    pub(crate) fn new(shared: Arc<Shared>, merge: Merge, checkpoint_commits: u64) -> Self {
        let catching_up = CatchingUp::new(&merge.lanes);
        Self { shared, merge, catching_up, checkpoint_commits, since_checkpoint: 0 }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // An empty log is caught up with at once.
        self.advance(0).await;
        while !stop.is_cancelled() {
            if let Some(index) = self.merge.next() {
                self.turn(index).await;
                tokio::task::yield_now().await;
                continue;
            }
            if self.merge.is_done() {
                // Every stream has halted: the answers say so.
                stop.cancelled().await;
                return;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                arrival = self.merge.arrival() => self.note(arrival).await,
            }
        }
    }

    async fn note(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Batch(service, voids) => {
                if let Some(count) = self.shared.voids.get(service.index()) {
                    self.shared.metrics.voids_total.add(voids.saturating_sub(count.get()));
                    count.set(voids);
                }
            }
            Arrival::Halted(service, halt) => self.shared.halt(service, halt),
            Arrival::Closed => {}
        }
        self.advance(0).await;
    }

    /// Notes how far the fold has come. Before anybody hears that it has caught up, what commits name is looked for.
    async fn advance(&mut self, done: usize) {
        if !self.catching_up.is_done() && self.merge.lanes.iter().all(Lane::is_caught_up) {
            referenced::check(&self.shared).await;
        }
        self.catching_up.advance(done, &self.merge.lanes, &self.shared);
    }

    /// One slice of one stream.
    async fn turn(&mut self, index: usize) {
        let Some(lane) = self.merge.lanes.get(index) else { return };
        let service = lane.service;
        let mut changing = self.shared.change().await;
        let folded = &mut changing.folded;
        let began = Instant::now();
        let mut done = 0_usize;
        let mut failed = None;
        // They end when everybody sees what was folded.
        let mut spans = Vec::new();
        for commits in lane.commits().chunks(COMMITS_PER_LOOK) {
            for admitted in commits {
                spans.extend(self.span(admitted));
                match folded.apply(&admitted.commit) {
                    Ok(()) => done = done.saturating_add(1),
                    Err(error) => {
                        failed = Some(impossible(&admitted.commit, &error));
                        break;
                    }
                }
            }
            if failed.is_some() || done >= SLICE_COMMITS || began.elapsed() >= SLICE {
                break;
            }
        }
        let applied = lane.commits().get(..done).unwrap_or_default();
        referenced::hear(&self.shared, applied);
        // Before the state is visible: a query that finds a fact there finds its commit here.
        self.shared.index.extend(service, applied.iter().map(position));
        let head = folded.ledger.head(service).head;
        self.measure(&folded.ledger, began.elapsed());
        drop(changing);
        if let Some(lane) = self.merge.lanes.get_mut(index) {
            lane.take(done);
            if let Some(halt) = failed {
                lane.close();
                self.shared.halt(service, halt);
            }
        }
        self.publish(service, head, done).await;
    }

    /// The span of a commit that is folded when it comes; what was there before the start belongs to traces long ended.
    fn span(&self, admitted: &Admitted) -> Option<Span> {
        let trace = admitted.trace.as_deref().filter(|_| self.catching_up.is_done())?;
        let mut span = Span::after(*trace, Kind::Consumer, format_args!("project"))?;
        span.set_commit(admitted.commit.stream, admitted.commit.sequence);
        Some(span)
    }

    fn measure(&self, ledger: &loopledger_ledger::Ledger, held: Duration) {
        let metrics = &self.shared.metrics;
        metrics.fold_slice_microseconds_max.raise(u64::try_from(held.as_micros()).unwrap_or(u64::MAX));
        metrics.open_hand_overs.set(u64::try_from(ledger.open_hand_over_count()).unwrap_or(u64::MAX));
        metrics.exceptions.set(ledger.exception_count());
    }

    async fn publish(&mut self, service: Service, head: Head, done: usize) {
        let count = u64::try_from(done).unwrap_or(u64::MAX);
        self.shared.metrics.commits_total.add(count);
        // First the health: a query that waits for the last heads finds a state that has caught up.
        self.advance(done).await;
        self.shared.heads.send_modify(|heads| {
            if let Some(slot) = heads.get_mut(service.index()) {
                *slot = head;
            }
        });
        if let Some(lag) = self.shared.lags.get(service.index()) {
            lag.folded(head.sequence);
        }
        self.since_checkpoint = self.since_checkpoint.saturating_add(count);
        if self.since_checkpoint >= self.checkpoint_commits {
            self.since_checkpoint = 0;
            self.shared.checkpoint_due.notify_one();
        }
    }
}

fn position(admitted: &Admitted) -> (Head, Offset) {
    (Head { sequence: admitted.commit.sequence, hash: admitted.commit.hash }, admitted.offset)
}

fn impossible(commit: &Commit, error: &ApplyError) -> Halt {
    Halt::Impossible { position: commit.position(), reason: error.to_string() }
}
