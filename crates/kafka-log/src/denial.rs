//! Whether a cluster that seems to answer nobody turns us away.
//!
//! The Kafka client tries a wrong password again and again, for it may be right one day: its questions only run out of
//! time. That it is not let in it says beside.

use core::time::Duration;
use std::sync::OnceLock;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use tokio::time::sleep;

use crate::report::is_denial;
use crate::settings::KafkaOptions;

/// A cluster that lets us in has answered before.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the client is asked what it has to say.
const PERIOD: Duration = Duration::from_millis(50);

/// What the first broker said that turned us away. All else that the client has to say, whoever connects says as well.
#[derive(Debug, Default)]
struct Denied(OnceLock<String>);

impl ClientContext for Denied {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        if is_denial(&error) {
            self.0.get_or_init(|| reason.to_owned());
        }
    }
}

impl ConsumerContext for Denied {}

/// Ends when the cluster has turned us away, and says why. Of a cluster that does not answer it never ends.
pub(crate) async fn denial(options: &KafkaOptions) -> String {
    sleep(PATIENCE).await;
    let client = options.prober().create_with_context::<_, BaseConsumer<Denied>>(Denied::default());
    // Settings that make no client were found before.
    let Ok(client) = client else { return core::future::pending().await };
    loop {
        // Hands what the client has to say to its context; there is nothing else to come.
        drop(client.poll(Duration::ZERO));
        if let Some(reason) = client.context().0.get() {
            return reason.clone();
        }
        sleep(PERIOD).await;
    }
}
