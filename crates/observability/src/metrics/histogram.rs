//! How long things took, counted in buckets.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

/// Upper bounds in microseconds: a file log answers within the first few, three brokers under load within the last.
const BOUNDS_MICROSECONDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// Durations in buckets. One task writes, anybody reads.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS_MICROSECONDS.len()],
    longer: AtomicU64,
    sum_microseconds: AtomicU64,
}

/// What a histogram held at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// Upper bounds with what lies between them and the bound before. What is longer has no bound.
    pub counts: Vec<(Option<Duration>, u64)>,
    pub sum: Duration,
}

impl Histogram {
    /// `count` things took `each`.
    pub fn observe(&self, each: Duration, count: u64) {
        let microseconds = u64::try_from(each.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROSECONDS.partition_point(|bound| *bound < microseconds);
        self.counts.get(bucket).unwrap_or(&self.longer).fetch_add(count, Ordering::Relaxed);
        self.sum_microseconds.fetch_add(microseconds.saturating_mul(count), Ordering::Relaxed);
    }

    pub fn buckets(&self) -> Buckets {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let bounded = BOUNDS_MICROSECONDS.iter().zip(&self.counts);
        let bounded = bounded.map(|(bound, count)| (Some(Duration::from_micros(*bound)), load(count)));
        let counts = bounded.chain([(None, load(&self.longer))]).collect();
        Buckets { counts, sum: Duration::from_micros(load(&self.sum_microseconds)) }
    }
}

impl Buckets {
    /// Both together.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let counts = self.counts.iter().zip(&other.counts);
        let counts = counts.map(|((bound, count), (_, more))| (*bound, count.saturating_add(*more)));
        Self { counts: counts.collect(), sum: self.sum.saturating_add(other.sum) }
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for (microseconds, count) in [(100, 1), (101, 20), (10_000_000, 300), (10_000_001, 4_000)] {
            histogram.observe(Duration::from_micros(microseconds), count);
        }
        let buckets = histogram.buckets();
        let filled: Vec<_> = buckets.counts.iter().filter(|(_, count)| *count > 0).copied().collect();
        let bound = |microseconds| Some(Duration::from_micros(microseconds));
        assert_eq!(filled, [(bound(100), 1), (bound(250), 20), (bound(10_000_000), 300), (None, 4_000)]);
        assert_eq!(buckets.count(), 4_321);
        assert_eq!(buckets.sum, Duration::from_micros(100 + 101 * 20 + 10_000_000 * 300 + 10_000_001 * 4_000));
    }
}
