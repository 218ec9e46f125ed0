//! The conformance suite of the port, unchanged.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use loopledger_event_log::EventLog;
use loopledger_event_log::conformance::Fixture;
use loopledger_kafka_log::{KafkaLog, KafkaOptions};

use crate::support;

struct Kafka {
    options: KafkaOptions,
    log: Option<Arc<KafkaLog>>,
}

impl Fixture for Kafka {
    fn log(&self) -> Arc<dyn EventLog> {
        let log: Arc<KafkaLog> = Arc::clone(self.log.as_ref().unwrap());
        log
    }

    fn reopen(&mut self) -> BoxFuture<'_, bool> {
        let log = Arc::into_inner(self.log.take().unwrap());
        drop(log.expect("no other handle is alive"));
        async {
            self.log = Some(Arc::new(KafkaLog::connect(self.options.clone()).await.unwrap()));
            true
        }
        .boxed()
    }
}

async fn fixture() -> Kafka {
    let options = support::options(support::bootstrap());
    let log = Some(Arc::new(support::connect(&options).await));
    Kafka { options, log }
}

loopledger_event_log::conformance_tests!(fixture);
