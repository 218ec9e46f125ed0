//! How far reading what was there before the start has come.

use core::time::Duration;

use loopledger_event_log::Offset;
use tokio::time::Instant;

use crate::health::{CatchUp, StreamHealth};
use crate::merge::Lane;
use crate::shared::Shared;

/// How often progress is reported.
const REPORT_PERIOD: Duration = Duration::from_millis(200);
/// And how often it is logged, so that a long rebuild is seen to move.
const LOG_PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Progression {
    started: Instant,
    reported: Instant,
    logged: Instant,
    /// Where each lane began.
    starts: Vec<Offset>,
    commits: u64,
    is_done: bool,
}

impl Progression {
    pub(crate) fn new(lanes: &[Lane]) -> Self {
        let now = Instant::now();
        let starts = lanes.iter().map(|lane| lane.read).collect();
        Self { started: now, reported: now, logged: now, starts, commits: 0, is_done: false }
    }

    /// Whether everything is folded that was there at the start.
    pub(crate) const fn is_done(&self) -> bool {
        self.is_done
    }

    /// Notes what was folded, and publishes what that changes.
    pub(crate) fn advance(&mut self, commits: usize, lanes: &[Lane], shared: &Shared) {
        if self.is_done {
            return;
        }
        self.commits = self.commits.saturating_add(u64::try_from(commits).unwrap_or(u64::MAX));
        let now = Instant::now();
        let is_due = now.saturating_duration_since(self.reported) >= REPORT_PERIOD;
        if lanes.iter().all(Lane::is_caught_up) {
            self.is_done = true;
            let millis = now.saturating_duration_since(self.started).as_millis();
            tracing::info!(county = %shared.county, commits = self.commits, millis, "caught up with the log");
        } else if !is_due {
            return;
        }
        self.reported = now;
        let report = self.report(now, lanes);
        if !self.is_done && now.saturating_duration_since(self.logged) >= LOG_PERIOD {
            self.logged = now;
            let CatchUp { commits, commits_per_second, percent, time_left } = report;
            tracing::info!(county = %shared.county, commits, commits_per_second, percent, ?time_left, "catching up");
        }
        shared.health.send_modify(|health| {
            health.is_caught_up = self.is_done;
            for lane in lanes {
                let state = health.streams.get_mut(lane.service.index());
                if let Some(state) = state.filter(|state| matches!(state, StreamHealth::CatchingUp(_))) {
                    let caught_up = lane.is_caught_up();
                    *state = if caught_up { StreamHealth::Serving } else { StreamHealth::CatchingUp(report) };
                }
            }
        });
    }

    fn report(&self, now: Instant, lanes: &[Lane]) -> CatchUp {
        let (mut total, mut done) = (0_u64, 0_u64);
        for (lane, start) in lanes.iter().zip(&self.starts) {
            total = total.saturating_add(lane.target.0.saturating_sub(start.0));
            done = done.saturating_add(lane.read.min(lane.target).0.saturating_sub(start.0));
        }
        let millis = now.saturating_duration_since(self.started).as_millis();
        rate(self.commits, done, total, u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// `done` of `total` units of whatever grows with the commits.
fn rate(commits: u64, done: u64, total: u64, millis: u64) -> CatchUp {
    let per_second = commits.saturating_mul(1_000).checked_div(millis).unwrap_or(0);
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let left = u128::from(total.saturating_sub(done)).saturating_mul(u128::from(millis)).checked_div(u128::from(done));
    CatchUp {
        commits,
        commits_per_second: per_second,
        percent: u8::try_from(percent).unwrap_or(100),
        time_left: left.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_in_percent_with_rate_and_time_left() {
        let report = rate(10_000, 250, 1_000, 500);
        assert_eq!((report.percent, report.commits_per_second), (25, 20_000));
        assert_eq!(report.time_left, Some(Duration::from_millis(1_500)));
        assert_eq!(rate(0, 0, 100, 0).time_left, None);
        assert_eq!(rate(0, 0, 0, 0).percent, 100);
    }
}
