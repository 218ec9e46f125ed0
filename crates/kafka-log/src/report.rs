//! Log lines, errors and statistics of the Kafka client, forwarded to our log and counters.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;

use crate::metrics::Metrics;

/// How the client marks the log lines that name the broker and what a connection failed with. Clients that only ask
/// questions report it nowhere else.
const FAILED: &str = "FAIL";

pub(crate) fn log(metrics: &Metrics, level: RDKafkaLogLevel, facility: &str, message: &str) {
    if facility == FAILED {
        // Behind the name of the client's thread.
        metrics.last_cause.set(message.split_once("]: ").map_or(message, |(_, cause)| cause));
    }
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "{message}");
        }
        // Mostly connections that fail, again and again while a broker is away.
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::info!(facility, "{message}");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(facility, "{message}"),
    }
}

pub(crate) fn error(metrics: &Metrics, error: &KafkaError, reason: &str) {
    metrics.broker_errors_total.add(1);
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
        metrics.all_brokers_down_total.add(1);
    } else {
        metrics.last_cause.set(reason);
    }
    // Every client reports the same repeatedly: an outage is logged once, with this cause, by the reader of the log.
    tracing::info!(%error, "{reason}");
}

/// Whether a broker answered, and would not have us: a wrong password, or a certificate that one of us does not trust.
pub(crate) fn is_denial(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed | RDKafkaErrorCode::SSL)
    )
}

/// Of clients that read or administer.
#[derive(Debug)]
pub(crate) struct Context {
    metrics: Arc<Metrics>,
    /// Our part of the sum that the metrics hold.
    lag: AtomicU64,
    cut: AtomicBool,
}

/// How the client says that the log was cut before an offset and written on. The code that comes with it is that of any
/// offset that is not there.
const CUT: &str = "log truncation detected";

impl Context {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, lag: AtomicU64::new(0), cut: AtomicBool::new(false) }
    }

    /// Whether records that were read are not in the log any more.
    pub(crate) fn saw_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    fn set_lag(&self, lag: u64) {
        self.metrics.fetch_lag_offsets.replace(self.lag.swap(lag, Ordering::Relaxed), lag);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.set_lag(0);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(&self.metrics, level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        // −1 of partitions that are not read.
        let lags = partitions.filter_map(|partition| u64::try_from(partition.consumer_lag).ok());
        self.set_lag(lags.fold(0, u64::saturating_add));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if reason.contains(CUT) {
            self.cut.store(true, Ordering::Relaxed);
        }
        self::error(&self.metrics, &error, reason);
    }
}

impl ConsumerContext for Context {}
