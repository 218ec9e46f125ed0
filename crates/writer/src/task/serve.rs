//! When the task serves, and what it shows of itself.

use loopledger_domain::Decider;
use loopledger_feed::FollowError;
use loopledger_types::Timestamp;
use tokio::time::Instant;

use super::{Folded, Health, Task};
use crate::Halt;
use crate::clock::ClockChange;
use crate::reporting::Levels;

impl<D: Decider> Task<D> {
    /// Begins to serve once everything is read that was in the log at the start, and nothing that is known says that the
    /// own stream was longer: neither its own store, nor what upstream names of it, nor what the stores of the other
    /// programs in this process remember. Else it would put other commits where the lost ones stood.
    pub(super) fn check_caught_up(&mut self, now: Instant) -> Result<(), Halt> {
        if self.startup.is_serving() {
            return Ok(());
        }
        let mut read = vec![self.own.next_offset()];
        read.extend(self.upstream.next_offsets());
        if self.startup.is_complete(&read) && !self.own.has_foreign() && !self.losses.is_overtaken(&self.own) {
            if let Some(lost) = self.feed.lost(self.own.stream()).or_else(|| self.upstream.lost()) {
                return Err(FollowError::from(lost).into());
            }
            self.startup.serve(self.own.stream(), self.own.head().sequence);
            self.pipeline.note_serving(now);
            // A caller that learns that it serves may ask for the heads at once.
            self.publish();
            self.watch_clock(now);
            if self.clock.fault().is_none() {
                self.reporting.set_health(Health::Serving);
            }
        } else if let Some(progress) = self.startup.report(now, &read) {
            self.reporting.set_health(Health::CatchingUp(progress));
        }
        Ok(())
    }

    /// Looks at the clock, and says when it is found wrong and when it is right again. Gives the time.
    pub(super) fn watch_clock(&mut self, now: Instant) -> Timestamp {
        if !self.startup.is_serving() {
            return self.clock.time();
        }
        let head = self.speculation.recorded_at().max(self.own.chain().recorded_at);
        let (time, change) = self.clock.look(now, head);
        match change {
            ClockChange::Wrong(fault) => self.reporting.halted(&Halt::Clock(fault), self.own.head().sequence),
            ClockChange::RightAgain => self.reporting.clock_is_right(),
            ClockChange::Same => {}
        }
        time
    }

    /// Publishes how far this writer has come.
    pub(super) fn publish(&self) {
        let levels = Levels {
            queued: self.intake.ready_len(),
            in_flight: self.pipeline.in_flight(),
            window: self.pipeline.window(),
            waiting_for_upstream: self.intake.waiting_len(),
            reactions_due: self.upstream.due_len(),
            entities_in_memory: self.speculation.entities_len(),
        };
        self.reporting.publish(levels, Folded::new(&self.own, &self.upstream).heads());
    }
}
