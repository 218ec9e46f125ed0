//! Whether a cluster that seems to answer nobody turns us away.
//!
//! The Kafka client tries a wrong password again and again, for it may be right one day: its questions only run out of
//! time. That it is not let in it says beside.

use core::time::Duration;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::time::sleep;

use crate::metrics::Metrics;
use crate::report::Context;
use crate::settings::KafkaOptions;

/// A cluster that lets us in has answered before.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the client is asked what it has to say.
const PERIOD: Duration = Duration::from_millis(50);

/// Ends when the cluster has turned us away, and says why. Of a cluster that does not answer it never ends.
pub(crate) async fn denial(options: &KafkaOptions, metrics: &Arc<Metrics>) -> String {
    sleep(PATIENCE).await;
    let context = Context::new(Arc::clone(metrics));
    let client = options.prober().create_with_context::<_, BaseConsumer<Context>>(context);
    // Settings that make no client were found before.
    let Ok(client) = client else { return core::future::pending().await };
    loop {
        // Hands what the client has to say to its context; there is nothing else to come.
        drop(client.poll(Duration::ZERO));
        if let Some(reason) = client.context().saw_denial() {
            return reason;
        }
        sleep(PERIOD).await;
    }
}
