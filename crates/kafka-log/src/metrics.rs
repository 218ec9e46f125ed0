//! Counters of the log. The metrics endpoint takes [`Metrics::snapshot`].

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use rdkafka::error::KafkaError;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters (`…_total`) and gauges of one [`KafkaLog`](crate::KafkaLog). Counters begin at zero with it.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: Gauge,)*
            pub(crate) last_cause: LastCause,
        }

        impl Metrics {
            /// Every value by its name.
            pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

metrics! {
    /// Records given to the producer.
    produced_records_total,
    /// Records that the cluster confirmed.
    confirmed_records_total,
    /// Records refused because too many bytes wait.
    busy_records_total,
    too_large_records_total,
    /// Records that the cluster did not confirm in time.
    timed_out_records_total,
    /// Records dropped with a producer: at the end, or because it failed permanently.
    purged_records_total,
    /// Records that the cluster refused.
    refused_records_total,
    /// Records given to the producer and not reported on yet.
    queued_records,
    queued_bytes,
    /// Producers replaced after a permanent failure.
    producer_rebuilds_total,
    /// Attempts of the producer to connect to a broker, and its requests that it sent again.
    connects_total,
    request_retries_total,
    /// Errors that the Kafka client reported, most of them of connections. It recovers by itself.
    broker_errors_total,
    /// Times that a client had lost all brokers.
    all_brokers_down_total,
    readers,
    read_records_total,
    read_batches_total,
    /// Errors returned to readers.
    read_errors_total,
    /// Times that a reader asked again from where it stood.
    read_restarts_total,
    /// Offsets between the readers and the ends of their partitions, some seconds old.
    fetch_lag_offsets,
}

/// What a broker, or the way to it, last failed with: the client's own errors say only that it failed.
#[derive(Debug, Default)]
pub(crate) struct LastCause {
    cause: Mutex<Option<(Instant, String)>>,
    /// The addresses that were given: what an error names while no cause is known yet.
    brokers: OnceLock<String>,
}

/// An older cause is not shown: while a broker is unreachable, the client tries it twice a second.
const CAUSE_AGE_MAX: Duration = Duration::from_mins(1);

impl LastCause {
    pub(crate) fn name_brokers(&self, brokers: &str) {
        self.brokers.get_or_init(|| brokers.to_owned());
    }

    pub(crate) fn set(&self, cause: &str) {
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), cause.to_owned()));
    }

    /// The error with what led to it: which broker, and what it was.
    pub(crate) fn explain(&self, error: &KafkaError) -> String {
        self.add_to(error.to_string())
    }

    /// The same of an error that is text already.
    pub(crate) fn add_to(&self, error: String) -> String {
        let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        match &*cause {
            Some((at, cause)) if at.elapsed() < CAUSE_AGE_MAX => format!("{cause} ({error})"),
            Some(_) | None => match self.brokers.get() {
                Some(brokers) => format!("{brokers}: {error}"),
                None => error,
            },
        }
    }
}

/// A number that threads of the log write and the metrics endpoint reads.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(wide(count), Ordering::Relaxed);
    }

    pub(crate) fn take(&self, count: usize) {
        self.0.fetch_sub(wide(count), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Replaces one part of a sum.
    pub(crate) fn replace(&self, old: u64, new: u64) {
        self.0.fetch_add(new.wrapping_sub(old), Ordering::Relaxed);
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
