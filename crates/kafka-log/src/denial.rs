//! Tells a cluster that rejects our login from one that does not answer.
//!
//! The Kafka client retries a wrong password indefinitely, so its requests only time out. The rejection itself is
//! reported in the client's error events.

use core::time::Duration;
use std::sync::{Arc, OnceLock};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::time::sleep;

use crate::metrics::Metrics;
use crate::report::is_denial;
use crate::settings::KafkaOptions;

/// A cluster that lets us in has answered before.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the client is asked what it has to say.
const PERIOD: Duration = Duration::from_millis(50);

/// What the first broker said that turned us away. What else fails is kept as the cause: the client that connects says
/// only that something did.
#[derive(Debug)]
struct Denied {
    reason: OnceLock<String>,
    metrics: Arc<Metrics>,
}

impl ClientContext for Denied {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        if is_denial(&error) {
            self.reason.get_or_init(|| reason.to_owned());
        }
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.metrics.last_cause.set(reason);
        }
    }
}

impl ConsumerContext for Denied {}

/// Ends when the cluster has turned us away, and says why. Of a cluster that does not answer it never ends.
pub(crate) async fn denial(options: &KafkaOptions, metrics: &Arc<Metrics>) -> String {
    sleep(PATIENCE).await;
    let context = Denied { reason: OnceLock::new(), metrics: Arc::clone(metrics) };
    let client = options.prober().create_with_context::<_, BaseConsumer<Denied>>(context);
    // Settings that make no client were found before.
    let Ok(client) = client else { return core::future::pending().await };
    loop {
        // Hands what the client has to say to its context; there is nothing else to come.
        drop(client.poll(Duration::ZERO));
        if let Some(reason) = client.context().reason.get() {
            return reason.clone();
        }
        sleep(PERIOD).await;
    }
}
