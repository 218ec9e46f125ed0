//! What the Kafka client does without us: an idempotent producer, the same records, as fast as it takes them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use loopledger_kafka_log::KafkaOptions;
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::chain::{Run, filler};
use crate::{Failure, TOPIC, partition};

/// The records that wait at most, by the client's default: more than the chained rows have in flight.
pub(crate) const WINDOW: usize = 100_000;
/// The pause when so many wait: a busy loop would take the broker's time.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicUsize,
    failed: AtomicUsize,
}

impl ClientContext for Counts {}

impl ProducerContext for Counts {
    type DeliveryOpaque = ();

    fn delivery(&self, delivery: &DeliveryResult<'_>, (): ()) {
        let counter = if delivery.is_ok() { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// `like_ours`: nothing waits for company, and batches are compressed. Otherwise as the client is by default, idempotence apart.
pub(crate) fn run(options: &KafkaOptions, like_ours: bool, stretch: Duration) -> Result<Run, Failure> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &options.brokers).set("enable.idempotence", "true");
    if like_ours {
        config.set("linger.ms", "0").set("compression.codec", "lz4");
    }
    let producer: ThreadedProducer<Counts> = config.create_with_context(Counts::default())?;
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    let partition = i32::try_from(partition().0)?;
    // Of these so many that one is not the repeat of another within a batch.
    let records: Vec<_> = (0..10_000).map(filler).collect();
    producer.client().fetch_metadata(Some(&topic), Duration::from_secs(10))?;
    let mut sent = 0_usize;
    let started = Instant::now();
    let mut next = records.iter().cycle().peekable();
    while let Some(record) = next.peek()
        && started.elapsed() < stretch
    {
        let key = record.key.to_bytes();
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        let headers = record
            .headers
            .iter()
            .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value.as_ref()) }));
        let message =
            BaseRecord::to(&topic).partition(partition).key(&key[..]).payload(&record.value[..]).headers(headers);
        match producer.send(message) {
            Ok(()) => {
                sent = sent.saturating_add(1);
                next.next();
            }
            Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => thread::sleep(PAUSE),
            Err((error, _)) => return Err(error.into()),
        }
    }
    producer.flush(Duration::from_secs(30))?;
    let elapsed = started.elapsed();
    let Counts { delivered, failed } = producer.context().as_ref();
    let (delivered, failed) = (delivered.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    if delivered != sent {
        return Err(format!("of {sent} plain records {delivered} were delivered, {failed} failed").into());
    }
    Ok(Run { records: sent, elapsed, latencies: Vec::new() })
}
