//! Whether this machine's clock can be trusted to date a decision.
//!
//! A commit is never recorded before its predecessor, so one decision under a clock that is ten years ahead would date
//! everything ten years ahead until then. A writer therefore decides nothing while its clock is wrong by any of three
//! measures: the stream's head is later than the clock; the clock jumped, measured against the time that passed; or, at
//! the start, it is so far after everything that was ever recorded that it is more likely wrong than the county idle.
//! It decides again by itself once the clock is right. An operator who knows better starts it with `--accept-clock`.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use loopledger_feed::clock::Clock;
use loopledger_types::Timestamp;
use loopledger_wire::HaltReason;
use tokio::time::Instant;

/// How far a head may be ahead of the clock, and how far the clock may jump. Clocks of replicas differ by less, and a
/// virtual machine that was paused comes back with less; a clock set to local time instead of UTC is 8 hours off.
const BOUND: Duration = Duration::from_hours(1);

/// How long nothing may have been recorded at a start. A county that has rested for longer than a year has an operator
/// who starts it again.
const IDLE_MAX: Duration = Duration::from_hours(400 * 24);

/// How often a writer at rest looks at the clock.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// What is wrong with the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFault {
    /// The head was recorded so much later than the clock says.
    BehindHead(Duration),
    /// The clock went back by so much.
    JumpedBack(Duration),
    /// The clock went forward by so much more than time passed.
    JumpedAhead(Duration),
    /// Nothing was recorded for so long before the start.
    AheadOfEverything(Duration),
}

impl ClockFault {
    /// `CLOCK_BEHIND`: behind the stream's head, or put back. `CLOCK_AHEAD`: put forward, or far after everything
    /// that was recorded.
    pub const fn reason(self) -> &'static str {
        self.kind().as_str()
    }

    pub(super) const fn kind(self) -> HaltReason {
        match self {
            Self::BehindHead(_) | Self::JumpedBack(_) => HaltReason::ClockBehind,
            Self::JumpedAhead(_) | Self::AheadOfEverything(_) => HaltReason::ClockAhead,
        }
    }
}

impl fmt::Display for ClockFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BehindHead(by) => write!(f, "the clock is {} s behind the stream's head", by.as_secs()),
            Self::JumpedBack(by) => write!(f, "the clock was put back by {} s", by.as_secs()),
            Self::JumpedAhead(by) => write!(f, "the clock was put forward by {} s", by.as_secs()),
            Self::AheadOfEverything(by) => {
                write!(f, "the clock is {} s after everything that was recorded", by.as_secs())
            }
        }
    }
}

/// A look at the clock.
#[derive(Debug, Clone, Copy)]
struct Look {
    now: Timestamp,
    elapsed: Duration,
    /// `recorded_at` of the stream's head.
    head: Timestamp,
    /// The newest `recorded_at` of anything that the writer knows; `None` if it knows of nothing.
    newest: Option<Timestamp>,
}

/// Compares the clock with what it should say.
#[derive(Debug)]
struct ClockWatch {
    /// What the operator accepts is taken at the first look.
    accepts: bool,
    /// Heads up to here are accepted, although they are ahead of the clock.
    accepted: Option<Timestamp>,
    /// The clock when it was last right, and the time that had passed then.
    right: Option<(Timestamp, Duration)>,
    fault: Option<ClockFault>,
}

impl ClockWatch {
    const fn new(accepts: bool) -> Self {
        Self { accepts, accepted: None, right: None, fault: None }
    }

    /// Finds out what is wrong, if anything is.
    fn look(&mut self, look: Look) {
        if core::mem::take(&mut self.accepts) {
            self.accepted = Some(look.head);
            self.right = Some((look.now, look.elapsed));
        }
        self.fault = self.find(&look);
        if self.fault.is_none() {
            self.right = Some((look.now, look.elapsed));
        }
    }

    fn find(&self, look: &Look) -> Option<ClockFault> {
        let behind = ahead(look.head, look.now);
        if behind > BOUND && self.accepted.is_none_or(|accepted| look.head > accepted) {
            return Some(ClockFault::BehindHead(behind));
        }
        let Some((right, at)) = self.right else {
            let idle = look.newest.map_or(Duration::ZERO, |newest| ahead(look.now, newest));
            return (idle > IDLE_MAX).then_some(ClockFault::AheadOfEverything(idle));
        };
        let passed = look.elapsed.saturating_sub(at);
        let went = ahead(look.now, right);
        let forward = went.saturating_sub(passed);
        let back = passed.saturating_sub(went).saturating_add(ahead(right, look.now));
        if forward > BOUND {
            Some(ClockFault::JumpedAhead(forward))
        } else {
            (back > BOUND).then_some(ClockFault::JumpedBack(back))
        }
    }
}

/// How much later `one` is than `other`, in whole seconds; zero if it is not.
fn ahead(one: Timestamp, other: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(one.seconds.saturating_sub(other.seconds)).unwrap_or(0))
}

/// The clock that dates a writer's decisions, and the judgement of it.
#[derive(Debug)]
pub(super) struct WriterClock {
    clock: Arc<dyn Clock>,
    watch: ClockWatch,
    /// The newest `recorded_at` of all that was folded, of this stream and of upstream.
    newest: Option<Timestamp>,
    look_at: Option<Instant>,
}

/// What a look at the clock changed.
#[derive(Debug, Clone, Copy)]
pub(super) enum ClockChange {
    Same,
    /// It is wrong, and was right or wrong in another way before.
    Wrong(ClockFault),
    RightAgain,
}

impl WriterClock {
    pub(super) const fn new(clock: Arc<dyn Clock>, accepts: bool, newest: Option<Timestamp>) -> Self {
        Self { clock, watch: ClockWatch::new(accepts), newest, look_at: None }
    }

    pub(super) fn time(&self) -> Timestamp {
        self.clock.now()
    }

    /// Judges the clock by the head's `recorded_at`, and gives the time that was judged.
    pub(super) fn look(&mut self, now: Instant, head: Timestamp) -> (Timestamp, ClockChange) {
        let time = self.clock.now();
        self.look_at = now.checked_add(LOOK_PERIOD);
        let before = self.watch.fault.map(ClockFault::reason);
        self.watch.look(Look { now: time, elapsed: self.clock.elapsed(), head, newest: self.newest });
        let change = match self.watch.fault {
            Some(fault) if before != Some(fault.reason()) => ClockChange::Wrong(fault),
            None if before.is_some() => ClockChange::RightAgain,
            Some(_) | None => ClockChange::Same,
        };
        (time, change)
    }

    pub(super) const fn fault(&self) -> Option<ClockFault> {
        self.watch.fault
    }

    /// A commit was folded.
    pub(super) fn note_recorded(&mut self, recorded_at: Timestamp) {
        self.newest = self.newest.max(Some(recorded_at));
    }

    pub(super) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// When to look again.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.look_at
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        self.look_at = self.look_at.filter(|time| *time > now);
    }

    pub(super) fn into_inner(self) -> Arc<dyn Clock> {
        self.clock
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests: a panic is a failure")]

    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    const TODAY: i64 = 1_795_478_400;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 0 }
    }

    /// Clock and time passed, in seconds from the first look; the head relative to the first look.
    fn faults(accepts: bool, head: i64, newest: Option<i64>, looks: &[(i64, u64)]) -> Vec<Option<&'static str>> {
        let mut watch = ClockWatch::new(accepts);
        let looked = looks.iter().map(|(clock, passed)| {
            watch.look(Look {
                now: at(TODAY + clock),
                elapsed: Duration::from_secs(1_000 + passed),
                head: at(TODAY + head),
                newest: newest.map(|newest| at(TODAY + newest)),
            });
            watch.fault.map(ClockFault::reason)
        });
        looked.collect()
    }

    #[test]
    fn a_clock_is_wrong_while_it_is_behind_the_head_by_more_than_the_bound() {
        let (behind, fine) = (Some("CLOCK_BEHIND"), None);
        assert_eq!(faults(false, 0, Some(0), &[(0, 0), (5, 5)]), [fine, fine]);
        assert_eq!(faults(false, HOUR, Some(HOUR), &[(0, 0)]), [fine]);
        // The time comes, or the clock is set.
        assert_eq!(faults(false, 2 * HOUR, Some(2 * HOUR), &[(0, 0), (HOUR, 3_600)]), [behind, fine]);
        let ten_years = 3_650 * DAY;
        assert_eq!(faults(false, ten_years, Some(ten_years), &[(0, 0), (ten_years, 5)]), [behind, fine]);
    }

    #[test]
    fn a_jump_is_measured_against_the_time_that_passed() {
        let (ahead, behind, fine) = (Some("CLOCK_AHEAD"), Some("CLOCK_BEHIND"), None);
        assert_eq!(faults(false, 0, Some(0), &[(0, 0), (DAY, 86_400), (DAY + HOUR, 86_401)]), [fine, fine, fine]);
        assert_eq!(faults(false, 0, Some(0), &[(0, 0), (8 * HOUR, 1), (2, 2)]), [fine, ahead, fine]);
        // The head is old, so only the time that passed shows that the clock went back.
        assert_eq!(faults(false, -DAY, Some(-DAY), &[(0, 0), (-8 * HOUR, 1), (2, 2)]), [fine, behind, fine]);
        // It stays wrong until it is where it should be by then.
        assert_eq!(faults(false, 0, Some(0), &[(0, 0), (8 * HOUR, 1), (9 * HOUR, 3_601)]), [fine, ahead, ahead]);
        // It stands still.
        assert_eq!(faults(false, 0, Some(0), &[(0, 0), (0, 2 * 3_600)]), [fine, behind]);
    }

    #[test]
    fn a_start_more_than_a_year_after_everything_recorded_is_suspicious() {
        let (ahead, fine) = (Some("CLOCK_AHEAD"), None);
        assert_eq!(faults(false, -390 * DAY, Some(-390 * DAY), &[(0, 0)]), [fine]);
        assert_eq!(faults(false, -3_650 * DAY, Some(-3_650 * DAY), &[(0, 0), (-3_650 * DAY, 1)]), [ahead, fine]);
        // Other streams were busy.
        assert_eq!(faults(false, -3_650 * DAY, Some(-DAY), &[(0, 0)]), [fine]);
        assert_eq!(faults(false, -3_650 * DAY, None, &[(0, 0)]), [fine]);
        // Only at the start.
        assert_eq!(faults(false, -DAY, Some(-DAY), &[(0, 0), (500 * DAY, 500 * 86_400)]), [fine, fine]);
    }

    #[test]
    fn what_an_operator_accepts_is_the_state_at_the_start() {
        let (ahead, behind, fine) = (Some("CLOCK_AHEAD"), Some("CLOCK_BEHIND"), None);
        assert_eq!(faults(true, 3_650 * DAY, Some(3_650 * DAY), &[(0, 0), (5, 5)]), [fine, fine]);
        assert_eq!(faults(true, -3_650 * DAY, Some(-3_650 * DAY), &[(0, 0)]), [fine]);
        // A later jump is another fault.
        assert_eq!(faults(true, 0, Some(0), &[(0, 0), (DAY, 1), (-DAY, 2)]), [fine, ahead, behind]);
        let mut watch = ClockWatch::new(true);
        let look = |head| Look { now: at(TODAY), elapsed: Duration::ZERO, head: at(head), newest: Some(at(head)) };
        watch.look(look(TODAY + DAY));
        assert_eq!(watch.fault, None);
        watch.look(look(TODAY + 2 * DAY));
        assert_eq!(watch.fault, Some(ClockFault::BehindHead(Duration::from_hours(48))));
    }
}
