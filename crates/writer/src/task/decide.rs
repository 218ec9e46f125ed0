//! Deciding: commands and reactions become commits in flight, refusals, or repeats.

use loopledger_domain::{Decider, Subject};
use loopledger_types::{Position, Timestamp};
use loopledger_wire::Receipt;
use tokio::time::Instant;

use super::{Folded, Task};
use crate::intake::Ready;
use crate::job::{Job, Query};
use crate::outcome::{Outcome, Trigger};
use crate::{Halt, WriteError};

/// Commits decided, and so appended with one call, in one turn.
const TURN_COMMITS_MAX: usize = 512;

impl<D: Decider> Task<D> {
    pub(super) fn can_decide(&self) -> bool {
        self.startup.is_serving() && self.pipeline.has_room() && !self.own.has_foreign() && !self.is_backlogged()
    }

    pub(super) fn can_react(&self) -> bool {
        self.can_decide() && !self.is_ending() && self.clock.fault().is_none()
    }

    pub(super) fn reaction_due(&self, now: Instant) -> bool {
        self.can_react() && self.upstream.next_reaction(now, 0).is_some()
    }

    /// Decides what is ready at `time`, while the window has room. Reactions and commands take turns in being first.
    pub(super) fn decide(&mut self, now: Instant, time: Timestamp) -> Result<(), Halt> {
        self.commands_first = !self.commands_first;
        if self.commands_first {
            self.decide_ready(now, time, TURN_COMMITS_MAX / 2)?;
            self.react(now, time, TURN_COMMITS_MAX / 2)
        } else {
            self.react(now, time, TURN_COMMITS_MAX / 2)?;
            self.decide_ready(now, time, TURN_COMMITS_MAX / 2)
        }
    }

    fn decide_ready(&mut self, now: Instant, time: Timestamp, count_max: usize) -> Result<(), Halt> {
        for _ in 0..count_max {
            if !self.can_decide() {
                return Ok(());
            }
            match self.intake.pop_ready() {
                Some(Ready::Job(job)) => self.decide_command(job, now, time)?,
                Some(Ready::Query(query)) => self.run_query(query)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn run_query(&mut self, mut query: Box<dyn Query<D>>) -> Result<(), Halt> {
        let mut heads = Folded::new(&self.own, &self.upstream).heads();
        heads.set(self.own.stream(), self.speculation.head());
        self.speculation.show(&mut *query, &heads, &self.store)?;
        self.pipeline.put(Outcome::Query(query));
        Ok(())
    }

    fn decide_command(&mut self, job: Job<D>, now: Instant, time: Timestamp) -> Result<(), Halt> {
        if job.reply.is_abandoned() {
            return Ok(());
        }
        if job.deadline.is_some_and(|deadline| deadline <= now) {
            job.reply.send(Err(WriteError::DeadlineExceeded));
            return Ok(());
        }
        let request_id = job.write.request_id;
        if let Some((head, digest)) = self.speculation.find_request(request_id, &self.store)? {
            let position = Position { stream: self.own.stream(), sequence: head.sequence, hash: head.hash };
            self.pipeline.put(if digest == job.write.digest {
                Outcome::Repeat { job, receipt: Receipt { position, request_id, repeated: true } }
            } else {
                Outcome::Refusal { job, error: WriteError::RequestIdReused { request_id, first: position } }
            });
            return Ok(());
        }
        if let Some(fault) = self.clock.fault() {
            self.pipeline.put(Outcome::Refusal { job, error: WriteError::Halted(Halt::Clock(fault)) });
            return Ok(());
        }
        self.speculation.load(&Subject::Command(&job.write.command), &self.store)?;
        match self.speculation.decide(&job, time, &self.upstream) {
            Ok(sealed) => self.pipeline.put_commit(sealed, Trigger::Command(job)),
            Err(error) => self.pipeline.put(Outcome::Refusal { job, error }),
        }
        Ok(())
    }

    fn react(&mut self, now: Instant, time: Timestamp, count_max: usize) -> Result<(), Halt> {
        let mut last = 0;
        for _ in 0..count_max {
            if !self.can_react() {
                return Ok(());
            }
            let Some(index) = self.upstream.next_reaction(now, last) else { return Ok(()) };
            last = index;
            let Some(due) = self.upstream.take_due(index) else { break };
            let sealed = self.speculation.react(&due, time, &self.upstream, &self.store)?;
            self.upstream.put_taken(index, due);
            self.pipeline.put_commit(sealed, Trigger::Reaction(index));
        }
        Ok(())
    }
}
