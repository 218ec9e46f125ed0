//! Catching up: says how far reading what was there before the start has come.

use core::time::Duration;

use loopledger_event_log::Offset;
use loopledger_service::feed::{CatchUp, Progression};
use tokio::time::Instant;

use crate::health::StreamHealth;
use crate::merge::Lane;
use crate::shared::Shared;

/// How often progress is logged, so that a long rebuild is seen to move.
const LOG_PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct CatchingUp {
    progression: Progression,
    logged: Instant,
    is_done: bool,
}

impl CatchingUp {
    pub(crate) fn new(lanes: &[Lane]) -> Self {
        let now = Instant::now();
        let spans = lanes.iter().map(|lane| (lane.read, lane.target)).collect();
        Self { progression: Progression::new(now, spans), logged: now, is_done: false }
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
        self.progression.count(u64::try_from(commits).unwrap_or(u64::MAX));
        let now = Instant::now();
        let read: Vec<Offset> = lanes.iter().map(|lane| lane.read).collect();
        let report = if lanes.iter().all(Lane::is_caught_up) {
            self.is_done = true;
            let (commits, millis) = (self.progression.commits(), self.progression.elapsed(now).as_millis());
            tracing::info!(county = %shared.county, commits, millis, "caught up with the log");
            self.progression.report(now, &read)
        } else {
            let Some(report) = self.progression.report_if_due(now, &read) else { return };
            report
        };
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
}
