//! A process's clock, which runs with simulated time and can be put forward and back.

use std::sync::atomic::{AtomicI64, Ordering};

use loopledger_service::clock::Clock;
use loopledger_types::Timestamp;
use tokio::time::Instant;

/// 2026-11-24T00:00:00Z: after every business date of the workload.
const START_SECONDS: i64 = 1_795_478_400;

#[derive(Debug)]
pub(crate) struct JumpingClock {
    began: Instant,
    ahead_seconds: AtomicI64,
}

impl JumpingClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), ahead_seconds: AtomicI64::new(0) }
    }

    /// Puts the clock forward, or back.
    pub(crate) fn jump(&self, seconds: i64) {
        self.ahead_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let since = self.began.elapsed();
        let ran = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Timestamp {
            seconds: START_SECONDS + ran + self.ahead_seconds.load(Ordering::Relaxed),
            nanos: since.subsec_nanos(),
        }
    }
}
