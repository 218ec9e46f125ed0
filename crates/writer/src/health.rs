//! What a writer says of itself: its health, and its counters.

use core::sync::atomic::{AtomicU64, Ordering};

use loopledger_feed::CatchUp;

use super::Halt;

/// Whether a stream can be written to.
#[derive(Debug, Clone)]
pub enum Health {
    /// Reading what was written before it started.
    CatchingUp(CatchUp),
    Serving,
    /// It took what was queued, and takes no more.
    Stopped,
    Halted(Halt),
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters and gauges of one writer. Counters begin at zero with the process.
        #[derive(Debug, Default)]
        pub struct Metrics { $($(#[$doc])* pub $name: Gauge,)* }

        impl Metrics {
            /// Every value by its name.
            pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

metrics! {
    /// Own commits admitted.
    commits_total,
    /// Commits of other writers of the same stream, and of earlier runs.
    foreign_commits_total,
    upstream_commits_total,
    reactions_total,
    refusals_total,
    repeats_total,
    /// Void records of the own stream.
    voids_total,
    /// Times that another writer got in first.
    conflicts_total,
    /// Decisions made again after a conflict.
    redecisions_total,
    /// Times that bytes were appended again after a failure.
    resends_total,
    append_failures_total,
    /// 1 from an append that reported failure until one succeeds: nothing is acknowledged then.
    log_unavailable,
    checkpoints_total,
    /// Failures of the state store.
    store_failures_total,
    /// 1 while the state store has failed: nothing of what is confirmed is stored.
    store_failed,
    /// Commands decided or waiting to be decided, not those in the channel.
    queued,
    in_flight,
    /// Current limit of commits in flight.
    window,
    waiting_for_upstream,
    /// Upstream commits that are due a reaction.
    reactions_due,
    entities_in_memory,
}

/// A number that one task writes and anybody reads.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
