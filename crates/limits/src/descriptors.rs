//! How many connections a process may hold, so that log and store always find a file descriptor.

use rustix::process::{Resource, getrlimit};

/// Descriptors that are kept for the log, the stores, and the way to Kafka, if the process has many. An `up` on the
/// embedded log holds 40 of them, and opens some more while it replays; librdkafka some for each broker and client.
const RESERVED_MAX: u64 = 256;

/// Descriptors if the system does not say how many there are.
const UNKNOWN: u64 = 1_024;

/// Connections of the metrics endpoint: a scraper and some probes.
const METRICS_MAX: u64 = 8;

/// Connections of the gRPC server: with what each may hold, this bounds what the process holds.
const CALLS_MAX: u64 = 256;

/// The connections for which a process has descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// Connections of the metrics endpoint.
    pub metrics: usize,
    /// Connections of the gRPC server.
    pub calls: usize,
}

impl Descriptors {
    /// Of this process.
    pub fn of_process() -> Self {
        Self::of(getrlimit(Resource::Nofile).current.unwrap_or(UNKNOWN))
    }

    /// Three quarters of few descriptors are reserved.
    fn of(limit: u64) -> Self {
        let reserved = RESERVED_MAX.min(limit.saturating_sub(limit / 4));
        let free = limit.saturating_sub(reserved);
        let metrics = METRICS_MAX.min(free / 4).max(1);
        let calls = CALLS_MAX.min(free.saturating_sub(metrics)).max(1);
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Self { metrics: number(metrics), calls: number(calls) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_and_store_keep_their_descriptors() {
        for (limit, metrics, calls) in
            [(64, 4, 12), (256, 8, 56), (1_024, 8, 256), (1_048_576, 8, 256), (u64::MAX, 8, 256), (0, 1, 1)]
        {
            assert_eq!(Descriptors::of(limit), Descriptors { metrics, calls }, "{limit}");
        }
    }
}
