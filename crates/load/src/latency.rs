//! Sorted samples and their percentiles.

use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Median, 99th percentile and maximum, in milliseconds with three decimals.
    pub(super) fn summary(mut self) -> String {
        self.0.sort_unstable();
        let at = |per_mille: usize| {
            let index = self.0.len().saturating_sub(1).saturating_mul(per_mille) / 1_000;
            milliseconds(self.0.get(index).copied().unwrap_or_default())
        };
        format!("p50 {} ms, p99 {} ms, max {} ms", at(500), at(990), at(1_000))
    }
}

fn milliseconds(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

/// Things per second.
pub(super) fn rate(count: u64, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000_000).checked_div(micros).unwrap_or(0)
}
