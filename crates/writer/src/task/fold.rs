//! Folding what was read: own commits that are confirmed, those of other writers, and upstream.

use loopledger_domain::{AnswerRepeated, Commit, Decider, Subject};
use loopledger_event_log::Offset;
use loopledger_feed::{Admitted, Commits, Seen};
use loopledger_state_store::Orphan;
use loopledger_types::{Cause, Head, Position};
use loopledger_wire::{Receipt, encode_event};
use tokio::time::Instant;

use super::{Outcome, Ready, Task, Trigger};
use crate::Halt;
use crate::decide::Request;
use crate::loss_watch::Cover;
use crate::own::Foreign;
use crate::upstream::Due;

/// Commits of others folded in one turn.
const FOLD_MAX: usize = 1_024;

impl<D: Decider> Task<D> {
    /// Takes what was read of the own stream: confirms what was appended, and gives way to what others appended first.
    pub(super) fn read_back(&mut self, seen: &Seen) -> Result<(), Halt> {
        let now = Instant::now();
        self.freshness.set_fresh(now);
        for (_, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            let own = match self.outcomes.front() {
                Some(Outcome::Commit(first)) => record.fixed.as_ref().is_some_and(|f| f.hash == first.head.hash),
                _ => false,
            };
            if own && !self.own.has_foreign() {
                self.confirm(record.offset, now);
            } else {
                self.roll_back_and_requeue();
                let keeps_bytes = self.keeps_bytes(record.offset);
                self.own.put_foreign(record, keeps_bytes)?;
            }
        }
        self.appended.read_back(self.own.head().sequence, now);
        self.freshness.note_read(seen.next);
        let voids = self.own.voids();
        self.metrics.voids_total.add(voids.saturating_sub(self.metrics.voids_total.get()));
        Ok(())
    }

    /// The oldest commit in flight was read back: it stands.
    fn confirm(&mut self, offset: Offset, now: Instant) {
        let Some(Outcome::Commit(commit)) = self.outcomes.pop_front() else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.state.entities.confirm();
        self.clock.note_recorded(commit.recorded_at);
        self.own.advance(commit.head, commit.recorded_at, offset, commit.named);
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
                self.upstream.confirm_reaction(upstream);
            }
        }
        let reached = self.waiting.reached(self.stream, commit.head.sequence);
        self.recheck(reached);
        self.deliver(now);
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
                            self.upstream.void_reaction(upstream);
                            continue;
                        }
                    }
                }
                Outcome::Refusal { job, .. } | Outcome::Repeat { job, .. } => Ready::Job(job),
                Outcome::Query(query) => Ready::Query(query),
            };
            self.ready.push_front(again);
        }
        self.chain = self.own.chain().clone();
    }

    /// Whether a commit of others can be folded now.
    pub(super) fn can_fold(&self) -> bool {
        self.own.has_foreign() && !self.is_backlogged() && self.losses.blocked_on(&self.own, &self.upstream).is_none()
    }

    /// Folds commits of others whose upstream heads are folded.
    pub(super) fn fold_foreign(&mut self) -> Result<(), Halt> {
        if !self.own.has_foreign() {
            return Ok(());
        }
        for _ in 0..FOLD_MAX {
            let Some(first) = self.own.first_foreign() else { break };
            // However many have waited for their upstream heads: one checkpoint has to hold what is folded.
            if self.is_backlogged() || self.losses.is_blocked(first, &self.upstream)? {
                break;
            }
            let Some(foreign) = self.own.take_foreign() else { break };
            self.fold(foreign)?;
        }
        self.chain = self.own.chain().clone();
        let reached = self.waiting.reached(self.stream, self.own.head().sequence);
        self.recheck(reached);
        self.deliver(self.freshness.fresh_at());
        Ok(())
    }

    fn fold(&mut self, foreign: Foreign) -> Result<(), Halt> {
        let commit = &foreign.commit;
        self.load(&Subject::Own(commit))?;
        self.state.evolve(commit);
        self.state.entities.confirm();
        let head = Head { sequence: commit.sequence, hash: commit.hash };
        if let Some(cause) = commit.cause {
            self.take_answer(commit, cause)?;
        } else {
            let request = Request { digest: commit.request_digest, head, confirmed: true };
            self.store.note_request(commit.request_id, &request);
            self.requests.insert(commit.request_id, request);
        }
        self.losses.hear_own(commit);
        self.clock.note_recorded(commit.recorded_at);
        let upstream = &self.upstream;
        let named = commit.upstream.iter();
        let named = named.filter_map(|named| Some((upstream.index_of(named.stream)?, named.sequence)));
        self.own.advance(head, commit.recorded_at, foreign.offset, named);
        self.store.note_commit(head.sequence, foreign.value);
        self.catch_up.commits = self.catch_up.commits.saturating_add(1);
        self.metrics.foreign_commits_total.add(1);
        Ok(())
    }

    /// A reaction by another writer, or in an earlier life: its cause is handled, unless it is lost.
    fn take_answer(&mut self, commit: &Commit, cause: Cause) -> Result<(), Halt> {
        match self.losses.cover(commit, cause, &self.upstream)? {
            Cover::Due(index) => drop(self.upstream.take_due(index)),
            Cover::Loss => {
                let answer = AnswerRepeated::to(commit);
                let mut bytes = Vec::new();
                if let Some(event) = answer.clone().of(D::SERVICE) {
                    encode_event(&event, &mut bytes);
                }
                self.store.note_orphan(Orphan { request_id: commit.request_id, answer: bytes.into() });
                self.orphans.insert(commit.request_id, answer);
            }
        }
        Ok(())
    }

    /// Folds what upstream says.
    pub(super) fn note(&mut self, index: usize, read: Commits) -> Result<(), Halt> {
        let now = Instant::now();
        for admitted in read.commits {
            let is_new = self.upstream.follow(index, &admitted)?;
            let Admitted { commit, before, trace, .. } = admitted;
            if is_new {
                self.load(&Subject::Upstream(&commit))?;
                D::apply_upstream(&mut self.state, &commit);
                self.store.note_upstream_commit();
                self.catch_up.commits = self.catch_up.commits.saturating_add(1);
                self.metrics.upstream_commits_total.add(1);
                self.upstream.note_folded(index);
                self.losses.hear_upstream(index, &commit, self.stream);
                self.clock.note_recorded(commit.recorded_at);
            }
            if commit.events.iter().any(D::concerns) {
                self.upstream.put_due(index, Due { commit, before, since: now, trace });
            }
        }
        if let Some((stream, noted)) = self.upstream.finish_read(index, read.next) {
            let reached = self.waiting.reached(stream, noted);
            self.recheck(reached);
        }
        Ok(())
    }
}
