//! The clock as a port: decisions are dated by it, and tests turn it.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use loopledger_types::Timestamp;

/// Tells what time it is, and how much time has passed.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The date and time. May jump: the writer compares it with [`elapsed`](Self::elapsed) and with the stream's head.
    fn now(&self) -> Timestamp;

    /// The time since some fixed instant. Never set, and runs on while the machine sleeps.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is wrong; the writer finds that it is behind the head.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::from_secs(1));
        Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: since.subsec_nanos() }
    }

    fn elapsed(&self) -> Duration {
        // Not `Instant`: it stands still while a laptop sleeps, and the wall clock does not.
        let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(u64::try_from(since_boot.tv_sec).unwrap_or(0), u32::try_from(since_boot.tv_nsec).unwrap_or(0))
    }
}

/// A clock that stands still until it is set. No time passes on it: setting it is a jump.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Jumps, in either direction.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
