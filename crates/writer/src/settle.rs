//! Appending, appending again, and answering.
//!
//! Only read-back decides what became of an append. Reports are used for two things: to know when nothing of ours can
//! arrive any more in the order in which it was appended, and to notice failures early.

use core::time::Duration;

use loopledger_domain::Decider;
use loopledger_event_log::{AppendError, Offset, ReadError, Record};
use loopledger_types::{Key, WithCauses};
use tokio::time::Instant;

use super::Halt;
use super::freshness::EndFound;
use super::task::{Outcome, Report, Task};
use loopledger_feed::FollowError;

/// The point between an append that the log has confirmed and its read-back.
pub const AFTER_APPEND: &str = "writer.after-append-before-read-back";

/// The first pause before appending the same bytes yet again.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Doublings of the pause: at most 640 ms.
const RETRY_DOUBLINGS: u32 = 6;

impl<D: Decider> Task<D> {
    /// Appends what this turn decided.
    pub(super) fn append(&mut self) {
        if !self.batch.is_empty() {
            let records = core::mem::take(&mut self.batch);
            self.batch.reserve(records.len());
            let last = self.chain.head.sequence;
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
        if landed && let Some(on_point) = &self.config.on_point {
            on_point(AFTER_APPEND);
        }
        Ok(())
    }

    /// Once every append is reported and read past, what is still in flight will not arrive: ends a drain, or appends
    /// the same bytes again.
    pub(super) fn settle(&mut self, now: Instant) {
        let settled = self.appends.is_empty() && self.appended_to.is_none_or(|offset| self.own.next_offset() > offset);
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
        let key = Key(self.stream.county);
        let mut records = Vec::with_capacity(self.in_flight);
        for outcome in &self.outcomes {
            match outcome {
                Outcome::Commit(commit) => {
                    records.push(Record { key, headers: commit.headers.clone(), value: commit.value.clone() });
                }
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

    /// Answers what waits for no commit in flight any more.
    pub(super) fn deliver(&mut self, now: Instant) {
        loop {
            match self.outcomes.front() {
                Some(Outcome::Refusal { .. }) if !self.freshness.is_fresh(now) => return self.check_freshness(now),
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

    fn check_freshness(&mut self, now: Instant) {
        let (log, topic, partition) = (self.feed.log(), self.stream.service.topic(), self.partition);
        self.freshness.check(now, self.own.next_offset(), || log.end(topic, partition));
    }

    pub(super) fn take_end(&mut self, end: Result<Offset, ReadError>) {
        match self.freshness.take_end(end, self.own.next_offset()) {
            EndFound::Known => {}
            EndFound::BeforeRead => self.own.look_for_head(),
            EndFound::Unknown(error) => {
                tracing::debug!(stream = %self.stream, error = %WithCauses(&error), "could not find the log's end");
                let stream = self.stream;
                self.feed.note_failure(&FollowError::Read { stream, source: error });
            }
        }
    }
}
