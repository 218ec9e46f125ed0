//! Folding what was read: own commits that are confirmed, those of other writers, and upstream.

use loopledger_domain::{Commit, Decider};
use loopledger_event_log::Offset;
use loopledger_feed::{Admitted, Commits, Seen};
use loopledger_types::{Cause, Head, Position};
use loopledger_wire::Receipt;
use tokio::time::Instant;

use super::{Folded, Task};
use crate::Halt;
use crate::intake::Ready;
use crate::loss_watch::Cover;
use crate::outcome::{InFlight, Outcome, Trigger};
use crate::own::Foreign;
use crate::seal::Sealed;
use crate::speculation::Request;
use crate::upstream::Due;

/// Commits of others folded in one turn.
const FOLD_MAX: usize = 1_024;

impl<D: Decider> Task<D> {
    /// Takes what was read of the own stream: confirms own commits, rolls back and requeues if another writer was admitted first.
    pub(super) fn read_back(&mut self, seen: &Seen) -> Result<(), Halt> {
        let now = Instant::now();
        self.pipeline.note_contact(now);
        for (_, record) in seen.records().filter(|(verdict, _)| verdict.admitted) {
            let is_own = record.fixed.as_ref().is_some_and(|fixed| self.pipeline.expects(fixed.hash));
            if is_own && !self.own.has_foreign() {
                self.confirm(record.offset, now);
            } else {
                self.give_way();
                self.own.put_foreign(record, self.startup.keeps_bytes(record.offset))?;
            }
        }
        self.pipeline.note_read(self.own.head().sequence, seen.next);
        let voids = self.own.voids();
        let metrics = self.reporting.metrics();
        metrics.voids_total.add(voids.saturating_sub(metrics.voids_total.get()));
        Ok(())
    }

    /// The oldest commit in flight was read back: it stands.
    fn confirm(&mut self, offset: Offset, now: Instant) {
        let Some(InFlight { sealed, trigger }) = self.pipeline.confirm() else { return };
        let Sealed { head, value, recorded_at, request_id, named, .. } = sealed;
        self.speculation.confirm();
        self.own.advance(head, recorded_at, offset, named);
        self.clock.note_recorded(recorded_at);
        self.store.note_commit(head.sequence, Some(value));
        match trigger {
            Trigger::Command(job) => {
                if let Some(request) = self.speculation.confirm_request(request_id) {
                    self.store.note_request(request_id, request);
                }
                let position = Position { stream: self.own.stream(), sequence: head.sequence, hash: head.hash };
                job.reply.send(Ok(Receipt { position, request_id, repeated: false }));
            }
            Trigger::Reaction(upstream) => {
                self.reporting.metrics().reactions_total.add(1);
                self.upstream.confirm_reaction(upstream);
            }
        }
        self.own_is_folded();
        self.pipeline.deliver(now, self.own.next_offset());
    }

    /// Those who waited for the own stream go on.
    fn own_is_folded(&mut self) {
        let (stream, head) = (self.own.stream(), self.own.head().sequence);
        self.intake.note_folded(stream, head, Folded::new(&self.own, &self.upstream));
    }

    /// Another writer got in first, so everything decided and not answered is decided again.
    fn give_way(&mut self) {
        if self.pipeline.is_empty() {
            return;
        }
        if self.pipeline.give_way() {
            self.speculation.roll_back();
        }
        while let Some(outcome) = self.pipeline.take_newest() {
            let again = match outcome {
                Outcome::Commit(InFlight { sealed, trigger }) => {
                    if let Some(mut span) = sealed.span {
                        span.fail("another writer got in first");
                    }
                    match trigger {
                        Trigger::Command(job) => {
                            self.speculation.forget_request(sealed.request_id);
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
            self.intake.put_back(again);
        }
        self.speculation.rejoin(self.own.chain());
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
        self.speculation.rejoin(self.own.chain());
        self.own_is_folded();
        self.pipeline.deliver_as_read(self.own.next_offset());
        Ok(())
    }

    fn fold(&mut self, foreign: Foreign) -> Result<(), Halt> {
        let Foreign { commit, value, offset } = foreign;
        self.speculation.fold(&commit, &self.store)?;
        let head = Head { sequence: commit.sequence, hash: commit.hash };
        if let Some(cause) = commit.cause {
            self.take_answer(&commit, cause)?;
        } else {
            let request = Request { digest: commit.request_digest, head, confirmed: true };
            self.store.note_request(commit.request_id, &request);
            self.speculation.put_request(commit.request_id, request);
        }
        self.losses.hear_own(&commit);
        let upstream = &self.upstream;
        let named = commit.upstream.iter();
        let named = named.filter_map(|named| Some((upstream.index_of(named.stream)?, named.sequence)));
        self.own.advance(head, commit.recorded_at, offset, named);
        self.clock.note_recorded(commit.recorded_at);
        self.store.note_commit(head.sequence, value);
        self.startup.count_folded();
        self.reporting.metrics().foreign_commits_total.add(1);
        Ok(())
    }

    /// A reaction by another writer, or in an earlier life: its cause is handled, unless it is lost.
    fn take_answer(&mut self, commit: &Commit, cause: Cause) -> Result<(), Halt> {
        match self.losses.cover(commit, cause, &self.upstream)? {
            Cover::Due(index) => drop(self.upstream.take_due(index)),
            Cover::Loss => self.store.note_orphan(self.speculation.put_orphan(commit)),
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
                self.speculation.apply_upstream(&commit, &self.store)?;
                self.upstream.note_folded(index);
                self.losses.hear_upstream(index, &commit, self.own.stream());
                self.clock.note_recorded(commit.recorded_at);
                self.store.note_upstream_commit();
                self.startup.count_folded();
                self.reporting.metrics().upstream_commits_total.add(1);
            }
            if commit.events.iter().any(D::concerns) {
                self.upstream.put_due(index, Due { commit, before, since: now, trace });
            }
        }
        if let Some((stream, noted)) = self.upstream.finish_read(index, read.next) {
            self.intake.note_folded(stream, noted, Folded::new(&self.own, &self.upstream));
        }
        Ok(())
    }
}
