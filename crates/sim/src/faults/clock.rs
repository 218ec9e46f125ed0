//! A process's clock: simulated time plus an offset that faults set and clear.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use loopledger_service::clock::Clock;
use loopledger_types::Timestamp;
use tokio::time::Instant;

/// 2026-11-24T00:00:00Z: after every business date of the workload.
const START_SECONDS: i64 = 1_795_478_400;

#[derive(Debug)]
pub(crate) struct JumpingClock {
    began: Instant,
    wrong: Mutex<Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    by_seconds: i64,
    until: Instant,
}

impl JumpingClock {
    pub(crate) fn new() -> Self {
        let began = Instant::now();
        Self { began, wrong: Mutex::new(Wrong { by_seconds: 0, until: began }) }
    }

    /// Puts the clock forward, or back; after a while it is set right.
    pub(crate) fn jump(&self, by_seconds: i64, time: Duration) {
        self.set(Wrong { by_seconds, until: Instant::now() + time });
    }

    pub(crate) fn set_right(&self) {
        self.set(Wrong { by_seconds: 0, until: Instant::now() });
    }

    /// How long it has been right; zero if it is wrong.
    pub(crate) fn right_for(&self) -> Duration {
        Instant::now().saturating_duration_since(self.wrong().until)
    }

    fn set(&self, wrong: Wrong) {
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner) = wrong;
    }

    fn wrong(&self) -> Wrong {
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let since = self.began.elapsed();
        let ran = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let wrong = self.wrong();
        let by_seconds = if Instant::now() < wrong.until { wrong.by_seconds } else { 0 };
        Timestamp { seconds: START_SECONDS + ran + by_seconds, nanos: since.subsec_nanos() }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}
