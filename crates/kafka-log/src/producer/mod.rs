//! The one producer of a log, and the thread that polls it.
//!
//! It deliberately does not retry. The Kafka client does, within the append's timeout; after that the caller
//! decides, because only the caller knows whether the bytes are still wanted.

mod deliveries;

use core::fmt;
use core::time::Duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use loopledger_event_log::{AppendError, Headers, RECORD_BYTES_MAX, Record};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};

use deliveries::{Deliveries, Results, ticket, unconfirmed};

use crate::lanes::{LaneId, Lanes};
use crate::metrics::Metrics;

/// What a record weighs in the queue besides its value: key, headers, and the client's own.
const RECORD_OVERHEAD_BYTES: usize = 512;
/// The thread looks this often whether the producer is to be replaced or ended; reports are served as they come.
const POLL: Duration = Duration::from_millis(100);
/// How long what is queued may take when the log is dropped.
const FLUSH_MAX: Duration = Duration::from_secs(5);
/// The pause before another attempt to make a producer.
const REBUILD_PAUSE: Duration = Duration::from_secs(1);

type Instance = BaseProducer<Deliveries>;

/// Dropping it waits for what is queued, up to [`FLUSH_MAX`].
pub(crate) struct Producer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    settings: ClientConfig,
    lanes: Arc<Lanes>,
    metrics: Arc<Metrics>,
    current: RwLock<Arc<Instance>>,
    ending: AtomicBool,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}

impl Producer {
    pub(crate) fn start(settings: ClientConfig, lanes: Arc<Lanes>, metrics: Arc<Metrics>) -> KafkaResult<Self> {
        let first = Arc::new(create(&settings, &lanes, &metrics)?);
        let shared = Arc::new(Shared {
            settings,
            lanes,
            metrics,
            current: RwLock::new(Arc::clone(&first)),
            ending: AtomicBool::new(false),
        });
        let tended = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || tended.tend(first))
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Learns the cluster, so that the first append need not.
    pub(crate) fn warm(&self, timeout: Duration) -> KafkaResult<()> {
        self.shared.current().client().fetch_metadata(None, timeout).map(|_| ())
    }

    /// See [`EventLog::append`](loopledger_event_log::EventLog::append).
    pub(crate) fn append(&self, lane_id: LaneId, records: &[Record]) -> BoxFuture<'static, Results> {
        if records.is_empty() {
            return ready(Vec::new()).boxed();
        }
        let count = records.len();
        // One producer for the whole call: what another sent could overtake.
        let instance = self.shared.current();
        let deliveries = instance.context();
        let (slot, results) = deliveries.open(lane_id, count);
        deliveries.close(slot, self.shared.send(&instance, lane_id, slot, records));
        results.map(move |results| results.unwrap_or_else(|_| vec![Err(AppendError::Closed); count])).boxed()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the Kafka producer thread panicked");
        }
    }
}

impl Shared {
    fn current(&self) -> Arc<Instance> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands the records over, in order. Returns those that were not taken, and why.
    fn send(&self, instance: &Instance, lane_id: LaneId, slot: usize, records: &[Record]) -> Vec<(usize, AppendError)> {
        let lane = self.lanes.lane(lane_id);
        let topic = self.lanes.topic_name(lane_id);
        let mut refused = Vec::new();
        // Once a record was refused for a reason that may pass, none that follows it may get in before it.
        let mut stopped: Option<AppendError> = None;
        let mut sent = 0_usize;
        for (index, record) in records.iter().enumerate() {
            let length = record.value.len();
            if length > RECORD_BYTES_MAX {
                refused.push((index, AppendError::TooLarge { bytes: length }));
                continue;
            }
            let bytes = record_bytes(length);
            if stopped.is_none() && !lane.reserve(bytes) {
                stopped = Some(AppendError::Busy);
            }
            if let Some(why) = &stopped {
                refused.push((index, why.clone()));
                continue;
            }
            let key = record.key.to_bytes();
            let message = BaseRecord::with_opaque_to(topic, ticket(slot, index))
                .partition(lane_id.partition)
                .key(key.as_slice())
                .payload(record.value.as_ref())
                .headers(headers(&record.headers));
            // Before it is sent: its report may come first.
            self.metrics.queued_records.add(1);
            self.metrics.queued_bytes.add(bytes);
            if let Err((error, _)) = instance.send(message) {
                self.metrics.queued_records.take(1);
                self.metrics.queued_bytes.take(bytes);
                lane.release(bytes);
                let why = refusal(&error);
                refused.push((index, why.clone()));
                stopped = Some(why);
            } else {
                sent = sent.saturating_add(1);
            }
        }
        self.count(sent, &refused);
        refused
    }

    fn count(&self, sent: usize, refused: &[(usize, AppendError)]) {
        self.metrics.produced_records_total.add(sent);
        let count = |is: fn(&AppendError) -> bool| refused.iter().filter(|(_, error)| is(error)).count();
        self.metrics.busy_records_total.add(count(|error| matches!(error, AppendError::Busy)));
        self.metrics.too_large_records_total.add(count(|error| matches!(error, AppendError::TooLarge { .. })));
    }

    /// Serves the reports of the producer, and replaces it when it has failed for good, until the log is dropped.
    fn tend(&self, mut instance: Arc<Instance>) {
        while !self.ending.load(Ordering::Relaxed) {
            instance.poll(POLL);
            if let Some((code, reason)) = instance.client().fatal_error() {
                tracing::error!(%code, "the Kafka producer failed permanently, replacing it: {reason}");
                match create(&self.settings, &self.lanes, &self.metrics) {
                    Ok(next) => {
                        self.metrics.producer_rebuilds_total.add(1);
                        let next = Arc::new(next);
                        let old = std::mem::replace(&mut instance, Arc::clone(&next));
                        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
                        give_up(&old);
                        // A call that still uses it ends soon. Who drops it last waits for its threads: not the caller.
                        while Arc::strong_count(&old) > 1 {
                            thread::yield_now();
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "could not create a Kafka producer, retrying");
                        thread::sleep(REBUILD_PAUSE);
                    }
                }
            }
        }
        if let Err(error) = instance.flush(FLUSH_MAX) {
            tracing::warn!(%error, "the log was closed with unconfirmed appends");
        }
        give_up(&instance);
    }
}

fn create(settings: &ClientConfig, lanes: &Arc<Lanes>, metrics: &Arc<Metrics>) -> KafkaResult<Instance> {
    settings.create_with_context(Deliveries::new(Arc::clone(lanes), Arc::clone(metrics)))
}

/// Reports on everything that the producer still holds: it may be in the log, or not.
fn give_up(instance: &Instance) {
    while instance.in_flight_count() > 0 {
        instance.purge(PurgeConfig::default().queue().inflight());
        instance.poll(Duration::from_millis(10));
    }
}

pub(crate) const fn record_bytes(value_bytes: usize) -> usize {
    value_bytes.saturating_add(RECORD_OVERHEAD_BYTES)
}

fn headers(headers: &Headers) -> OwnedHeaders {
    headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |owned, (key, value)| {
        owned.insert(Header { key, value: Some(value.as_ref()) })
    })
}

/// Why the client did not take a record: it is not in the log.
fn refusal(error: &KafkaError) -> AppendError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => AppendError::Busy,
        _ => unconfirmed(error),
    }
}

#[cfg(test)]
mod tests;
