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

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(samples: impl IntoIterator<Item = Duration>) -> Latencies {
        let mut latencies = Latencies::default();
        samples.into_iter().for_each(|sample| latencies.add(sample));
        latencies
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_samples() {
        let cases = [
            (latencies([]), 0, "p50 0.000 ms, p99 0.000 ms, max 0.000 ms"),
            (latencies([Duration::from_micros(1_005)]), 1, "p50 1.005 ms, p99 1.005 ms, max 1.005 ms"),
            (
                latencies((0..=100).rev().map(Duration::from_millis)),
                101,
                "p50 50.000 ms, p99 99.000 ms, max 100.000 ms",
            ),
            (
                latencies((0..=1_000).rev().map(Duration::from_micros)),
                1_001,
                "p50 0.500 ms, p99 0.990 ms, max 1.000 ms",
            ),
        ];
        for (samples, count, summary) in cases {
            assert_eq!((samples.len(), samples.summary().as_str()), (count, summary));
        }
    }

    #[test]
    fn merged_samples_are_as_those_of_one_connection() {
        let mut merged = latencies((40..=100).map(Duration::from_millis));
        merged.merge(latencies((0..40).map(Duration::from_millis)));
        merged.merge(Latencies::default());
        assert_eq!(merged.len(), 101);
        assert_eq!(merged.summary(), "p50 50.000 ms, p99 99.000 ms, max 100.000 ms");
    }

    #[test]
    fn a_rate_is_the_count_by_the_seconds_that_it_took() {
        for (count, took, per_second) in [
            (0, Duration::from_secs(1), 0),
            (1_000, Duration::from_secs(2), 500),
            (3, Duration::from_millis(2), 1_500),
            (2, Duration::from_secs(3), 0),
            // What took no time that can be measured took a microsecond.
            (5, Duration::ZERO, 5_000_000),
        ] {
            assert_eq!(rate(count, took), per_second, "{count} in {took:?}");
        }
    }
}
