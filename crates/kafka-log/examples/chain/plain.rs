//! What the Kafka client does without us: an idempotent producer, the same records, as fast as it takes them.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use loopledger_kafka_log::KafkaOptions;
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::chain::{Run, filler};
use crate::{Failure, TOPIC, partition};

/// Records that wait at most, as in the chained rows.
const WINDOW: usize = 8_000;

#[derive(Default)]
struct Count(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    delivered: usize,
    failed: usize,
}

impl ClientContext for Count {}

impl ProducerContext for Count {
    type DeliveryOpaque = ();

    fn delivery(&self, delivery: &DeliveryResult<'_>, (): ()) {
        let mut counts = self.0.lock().expect("nobody panics");
        counts.delivered = counts.delivered.saturating_add(1);
        counts.failed = counts.failed.saturating_add(usize::from(delivery.is_err()));
    }
}

/// `like_ours`: nothing waits for company. Otherwise as the client is by default, idempotence apart.
pub(crate) fn run(options: &KafkaOptions, like_ours: bool, stretch: Duration) -> Result<Run, Failure> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &options.brokers).set("enable.idempotence", "true");
    if like_ours {
        config.set("linger.ms", "0");
    }
    let producer: ThreadedProducer<Count> = config.create_with_context(Count::default())?;
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    let partition = i32::try_from(partition().0)?;
    let record = filler();
    let (key, value) = (record.key.to_bytes(), record.value);
    let delivered = || producer.context().0.lock().expect("nobody panics").delivered;
    producer.client().fetch_metadata(Some(&topic), Duration::from_secs(10))?;
    let mut sent = 0_usize;
    let started = Instant::now();
    while started.elapsed() < stretch {
        let room = WINDOW.saturating_sub(sent.saturating_sub(delivered()));
        if room == 0 {
            thread::yield_now();
        }
        for _ in 0..room {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            let headers = record
                .headers
                .iter()
                .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value.as_ref()) }));
            let message =
                BaseRecord::to(&topic).partition(partition).key(&key[..]).payload(&value[..]).headers(headers);
            producer.send(message).map_err(|(error, _)| error)?;
            sent = sent.saturating_add(1);
        }
    }
    producer.flush(Duration::from_secs(30))?;
    let elapsed = started.elapsed();
    let counts = producer.context().0.lock().expect("nobody panics");
    if counts.failed > 0 || counts.delivered != sent {
        return Err(
            format!("of {sent} plain records {} were delivered, {} failed", counts.delivered, counts.failed).into()
        );
    }
    Ok(Run { records: sent, elapsed, latencies: Vec::new() })
}
