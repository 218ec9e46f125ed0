//! What the projection counts: plain numbers that anybody may read.

use core::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters and gauges of one projection. Counters begin at zero with the process.
        #[derive(Debug, Default)]
        pub struct Metrics { $($(#[$doc])* pub $name: Number,)* }

        impl Metrics {
            /// Every value by its name.
            pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

metrics! {
    /// Commits folded.
    commits_total,
    /// Void records met, of all streams.
    voids_total,
    /// The longest that the fold kept queries waiting, in microseconds.
    fold_slice_microseconds_max,
    queries_total,
    /// Queries answered with an error.
    failures_total,
    checkpoints_total,
    checkpoint_failures_total,
    checkpoint_bytes_total,
    /// The longest that a checkpoint kept fold and queries waiting, in microseconds.
    checkpoint_lock_microseconds_max,
    rebuilds_total,
    /// Commits folded by rebuilds.
    rebuild_commits_total,
    /// How far the rebuild under way is, or the last one came.
    rebuild_percent,
    /// Rebuilds whose digests differ from the live state's: a bug, or a damaged state.
    rebuild_mismatches_total,
    /// Failed reads of the log that were tried again.
    read_failures_total,
    /// Commits that wait for the answer of another service.
    open_hand_overs,
    /// Entries balanced against suspense 9999.
    exceptions,
    /// Bytes that the ledger holds, roughly.
    ledger_bytes,
}

/// A number that anybody may read.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn raise(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}
