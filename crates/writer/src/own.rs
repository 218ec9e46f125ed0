//! The own stream read back: confirming what was appended, and giving way to what others appended first.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use loopledger_domain::{Commit, Decider, Subject};
use loopledger_event_log::Offset;
use loopledger_types::{Head, Position, Timestamp, WithCauses};
use loopledger_wire::Receipt;
use tokio::time::Instant;

use super::Halt;
use super::dangling::{Losses, Referenced};
use super::decide::Request;
use super::task::{Outcome, Ready, Task, Trigger};
use super::waiting::Recent;
use loopledger_feed::{Feed, FollowError, Follower};

/// The pause before reading again what could not be read.
pub(super) const READ_RETRY: Duration = Duration::from_millis(100);

/// Commits of others folded in one turn.
const FOLD_MAX: usize = 1_024;

/// The end of a chain, and what its next commit depends on.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) head: Head,
    pub(super) recorded_at: Timestamp,
    /// The newest head that the chain names of each upstream stream.
    pub(super) named: Vec<u64>,
}

impl Chain {
    /// The next commit's time: the clock's, unless that went backwards.
    pub(super) fn next_time(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.recorded_at)
    }

    /// Heads that are named only move on, unless upstream lost what was named before.
    pub(super) fn name(&mut self, upstream: usize, sequence: u64) {
        if let Some(named) = self.named.get_mut(upstream) {
            *named = sequence;
        }
    }
}

/// An admitted commit that this writer did not append (in this life).
#[derive(Debug)]
pub(super) struct Foreign {
    pub(super) commit: Arc<Commit>,
    /// The record, if it is among those that the store keeps.
    pub(super) value: Option<Bytes>,
    pub(super) offset: Offset,
}

/// The own stream, as far as it is admitted and folded.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) follower: Follower,
    pub(super) chain: Chain,
    /// The offset of the head's record.
    pub(super) offset: Offset,
    pub(super) recent: Recent,
    /// Admitted, and not folded because the upstream heads that they name are not.
    pub(super) foreign: VecDeque<Foreign>,
    /// When it was last known that everything in the log had been read.
    pub(super) fresh_at: Instant,
    /// Set by a check of the log's end: fresh once this offset is reached.
    pub(super) reach: Option<Offset>,
    /// When to read again after the log could not be read.
    pub(super) retry_at: Option<Instant>,
    pub(super) referenced: Referenced,
    pub(super) losses: Losses,
}

impl Own {
    /// The log cannot be read now; nothing is acknowledged until it can.
    pub(super) fn read_later(&mut self, feed: &Feed, error: &FollowError) {
        feed.note_failure(error);
        tracing::debug!(stream = %self.follower.stream(), error = %WithCauses(error), "read failed, retrying");
        self.retry_at = Instant::now().checked_add(READ_RETRY);
    }
}

impl<D: Decider> Task<D> {
    /// Takes what was read of the own stream.
    pub(super) fn read_back(&mut self, seen: &loopledger_feed::Seen) -> Result<(), Halt> {
        self.own.fresh_at = Instant::now();
        for (_, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            let own = match self.outcomes.front() {
                Some(Outcome::Commit(first)) => record.fixed.as_ref().is_some_and(|f| f.hash == first.head.hash),
                _ => false,
            };
            if own && self.own.foreign.is_empty() {
                self.confirm(record.offset);
            } else {
                self.roll_back_and_requeue();
                let commit = self.own.follower.decode(record)?;
                let value = self.keeps_bytes(record.offset).then(|| Bytes::copy_from_slice(&record.value));
                self.own.foreign.push_back(Foreign { commit, value, offset: record.offset });
            }
        }
        self.appended.read_back(self.own.chain.head.sequence, self.own.fresh_at);
        if self.own.reach.is_some_and(|end| seen.next >= end) {
            self.own.reach = None;
        }
        let voids = self.own.follower.voids();
        self.metrics.voids_total.add(voids.saturating_sub(self.metrics.voids_total.get()));
        Ok(())
    }

    /// The oldest commit in flight was read back: it stands.
    fn confirm(&mut self, offset: Offset) {
        let Some(Outcome::Commit(commit)) = self.outcomes.pop_front() else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.state.entities.confirm();
        self.own.chain.head = commit.head;
        self.own.chain.recorded_at = commit.recorded_at;
        self.clock.note_recorded(commit.recorded_at);
        for (upstream, sequence) in commit.named {
            self.own.chain.name(upstream, sequence);
        }
        self.own.offset = offset;
        self.own.recent.push(commit.head);
        self.resends = 0;
        self.window = self.window.saturating_mul(2).min(self.config.window_max);
        self.metrics.commits_total.add(1);
        self.store.note_commit(commit.head.sequence, Some(commit.value));
        let position = Position { stream: self.stream, sequence: commit.head.sequence, hash: commit.head.hash };
        match commit.trigger {
            Trigger::Command(job) => {
                if let Some(request) = self.requests.get_mut(&commit.request_id) {
                    request.confirmed = true;
                    self.store.note_request(commit.request_id, request);
                }
                let receipt = Receipt { position, request_id: commit.request_id, repeated: false };
                job.reply.send(Ok(receipt));
            }
            Trigger::Reaction(upstream) => {
                self.metrics.reactions_total.add(1);
                if let Some(upstream) = self.upstream.get_mut(upstream) {
                    upstream.taken.pop_front();
                }
            }
        }
        let reached = self.waiting.reached(self.stream, commit.head.sequence);
        self.recheck(reached);
        self.deliver(self.own.fresh_at);
    }

    /// Another writer got in first, so everything decided and not answered is decided again.
    fn roll_back_and_requeue(&mut self) {
        if self.outcomes.is_empty() {
            return;
        }
        if self.in_flight > 0 {
            self.metrics.conflicts_total.add(1);
            self.window = 1;
            self.draining = true;
            self.failed = false;
            self.resend_at = None;
            self.in_flight = 0;
            self.appended.forget();
            self.state.entities.roll_back();
        }
        self.metrics.redecisions_total.add(u64::try_from(self.outcomes.len()).unwrap_or(u64::MAX));
        while let Some(outcome) = self.outcomes.pop_back() {
            let again = match outcome {
                Outcome::Commit(commit) => {
                    if let Some(mut span) = commit.span {
                        span.fail("another writer got in first");
                    }
                    match commit.trigger {
                        Trigger::Command(job) => {
                            self.requests.remove(&commit.request_id);
                            Ready::Job(job)
                        }
                        Trigger::Reaction(upstream) => {
                            if let Some(upstream) = self.upstream.get_mut(upstream)
                                && let Some(cause) = upstream.taken.pop_back()
                            {
                                upstream.due.push_front(cause);
                            }
                            continue;
                        }
                    }
                }
                Outcome::Refusal { job, .. } | Outcome::Repeat { job, .. } => Ready::Job(job),
                Outcome::Query(query) => Ready::Query(query),
            };
            self.ready.push_front(again);
        }
        self.chain = self.own.chain.clone();
    }

    /// Whether a commit of others can be folded now.
    pub(super) fn can_fold(&self) -> bool {
        !self.own.foreign.is_empty() && !self.is_backlogged() && self.blocked_on().is_none()
    }

    /// Folds commits of others whose upstream heads are folded.
    pub(super) fn fold_foreign(&mut self) -> Result<(), Halt> {
        if self.own.foreign.is_empty() {
            return Ok(());
        }
        for _ in 0..FOLD_MAX {
            let Some(first) = self.own.foreign.front() else { break };
            // However many have waited for their upstream heads: one checkpoint has to hold what is folded.
            if self.is_backlogged() || self.lacks(&first.commit)?.is_some() {
                break;
            }
            let Some(foreign) = self.own.foreign.pop_front() else { break };
            self.fold(foreign)?;
        }
        self.chain = self.own.chain.clone();
        let reached = self.waiting.reached(self.stream, self.own.chain.head.sequence);
        self.recheck(reached);
        self.deliver(self.own.fresh_at);
        Ok(())
    }

    fn fold(&mut self, foreign: Foreign) -> Result<(), Halt> {
        let commit = &foreign.commit;
        self.load(&Subject::Own(commit))?;
        self.state.evolve(commit);
        self.state.entities.confirm();
        if let Some(cause) = commit.cause {
            self.take_answer(commit, cause)?;
        } else {
            let request = Request {
                digest: commit.request_digest,
                head: Head { sequence: commit.sequence, hash: commit.hash },
                confirmed: true,
            };
            self.store.note_request(commit.request_id, &request);
            self.requests.insert(commit.request_id, request);
        }
        self.own.losses.hear(commit);
        let head = Head { sequence: commit.sequence, hash: commit.hash };
        self.own.chain.head = head;
        self.own.chain.recorded_at = commit.recorded_at;
        self.clock.note_recorded(commit.recorded_at);
        for named in &commit.upstream {
            if let Some(index) = self.upstream.iter().position(|upstream| upstream.stream == named.stream) {
                self.own.chain.name(index, named.sequence);
            }
        }
        self.own.offset = foreign.offset;
        self.own.recent.push(head);
        self.store.note_commit(head.sequence, foreign.value);
        self.catch_up.commits = self.catch_up.commits.saturating_add(1);
        self.metrics.foreign_commits_total.add(1);
        Ok(())
    }
}
