//! What a writer measures besides counting.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::sync::Arc;

use loopledger_types::StreamId;
use tokio::time::Instant;

use loopledger_feed::Lag;
use loopledger_observability::metrics::Histogram;

/// Durations and lags of one writer, as metrics.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Set when the writer has caught up for the first time.
    pub(crate) has_served: AtomicBool,
    pub(crate) append_to_read_back: Histogram,
    /// Of each upstream stream, in the order in which commits name them.
    pub(crate) lags: Vec<(StreamId, Arc<Lag>)>,
}

impl Measured {
    pub(super) fn new(upstream: &[StreamId]) -> Self {
        let lags = upstream.iter().map(|stream| (*stream, Arc::new(Lag::starting_at(0)))).collect();
        Self { has_served: AtomicBool::new(false), append_to_read_back: Histogram::default(), lags }
    }

    pub(super) fn lag(&self, stream: StreamId) -> Arc<Lag> {
        let found = self.lags.iter().find(|(of, _)| *of == stream);
        found.map_or_else(|| Arc::new(Lag::starting_at(0)), |(_, lag)| Arc::clone(lag))
    }
}

/// When the commits in flight were first appended: one time for all that one call took.
#[derive(Debug)]
pub(super) struct Appended {
    measured: Arc<Measured>,
    /// The last sequence of each call that is not read back to its end.
    calls: VecDeque<(u64, Instant)>,
    /// Read back up to here.
    counted: u64,
}

impl Appended {
    pub(super) const fn new(measured: Arc<Measured>) -> Self {
        Self { measured, calls: VecDeque::new(), counted: 0 }
    }

    pub(super) fn note_serving(&self) {
        self.measured.has_served.store(true, Ordering::Relaxed);
    }

    pub(super) fn into_measured(self) -> Arc<Measured> {
        self.measured
    }

    /// These are appended now, for the first time.
    pub(super) fn note(&mut self, first: u64, last: u64) {
        if self.calls.is_empty() {
            self.counted = first.saturating_sub(1);
        }
        self.calls.push_back((last, Instant::now()));
    }

    /// Everything up to `sequence` was read back at `now`.
    pub(super) fn read_back(&mut self, sequence: u64, now: Instant) {
        while let Some((last, at)) = self.calls.front().copied() {
            let until = last.min(sequence);
            let count = until.saturating_sub(self.counted);
            if count > 0 {
                self.measured.append_to_read_back.observe(now.saturating_duration_since(at), count);
                self.counted = until;
            }
            if last > sequence {
                return;
            }
            self.calls.pop_front();
        }
    }

    /// What was in flight is void.
    pub(super) fn forget(&mut self) {
        self.calls.clear();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_commit_counts_once_with_the_time_of_its_own_call() {
        let measured = Arc::new(Measured::new(&[]));
        let mut appended = Appended::new(Arc::clone(&measured));
        let pass = |millis| tokio::time::advance(Duration::from_millis(millis));
        appended.note(11, 20);
        pass(2).await;
        appended.note(21, 21);
        pass(2).await;
        appended.read_back(15, Instant::now());
        pass(200).await;
        appended.read_back(15, Instant::now());
        appended.read_back(21, Instant::now());
        let filled = || -> Vec<(u128, u64)> {
            let counts = measured.append_to_read_back.buckets().counts.into_iter().filter(|(_, count)| *count > 0);
            counts.map(|(bound, count)| (bound.map_or(0, |bound| bound.as_millis()), count)).collect()
        };
        assert_eq!(filled(), [(5, 5), (250, 6)]);
        // Commits of others lie between, or what was in flight is void and its sequences are taken again.
        appended.note(30, 31);
        appended.forget();
        appended.note(30, 30);
        appended.read_back(30, Instant::now());
        assert_eq!(measured.append_to_read_back.buckets().count(), 12);
    }
}
