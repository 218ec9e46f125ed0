//! [`KafkaLog`]: composes producer, readers and ends into the log port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::ready;
use loopledger_event_log::{AppendError, Appending, Ending, EventLog, LogReader, Offset, ReadError, Record};
use loopledger_types::{Partition, Topic};
use rdkafka::error::KafkaError;

use crate::end::Ends;
use crate::error::ConnectError;
use crate::lanes::{LaneId, Lanes};
use crate::metrics::Metrics;
use crate::producer::Producer;
use crate::reader::{Cluster, KafkaReader};
use crate::settings::KafkaOptions;
use crate::topics;

/// The log on Apache Kafka. Dropping it waits some seconds at most for appends on their way; its readers end with
/// [`ReadError::Closed`].
///
/// Appending and reading work on threads of their own; [`KafkaLog::connect`] and `end` use those of tokio that may
/// block, so both need its runtime.
#[derive(Debug)]
pub struct KafkaLog {
    lanes: Arc<Lanes>,
    durability: &'static str,
    metrics: Arc<Metrics>,
    producer: Producer,
    readers: Cluster,
    ends: Arc<Ends>,
}

impl KafkaLog {
    /// Finds the cluster and checks its topics. With topics that are missing or wrong there is no log: records would
    /// be deleted by age, or acknowledged before they are safe.
    pub async fn connect(options: KafkaOptions) -> Result<Self, ConnectError> {
        let metrics = Arc::new(Metrics::default());
        let layout = topics::check_with(&options, topics::Wanted::default(), &metrics).await?;
        metrics.last_cause.name_brokers(&options.brokers);
        let work = move || Self::assemble(&options, &layout, metrics);
        tokio::task::spawn_blocking(work).await.map_err(|error| ConnectError::NoClient { reason: error.to_string() })?
    }

    fn assemble(options: &KafkaOptions, layout: &topics::Layout, metrics: Arc<Metrics>) -> Result<Self, ConnectError> {
        let no_client = |error: KafkaError| ConnectError::NoClient { reason: error.to_string() };
        let lanes = Arc::new(Lanes::new(&options.topic_prefix, layout.partition_count));
        let producer =
            Producer::start(options.producer(), Arc::clone(&lanes), Arc::clone(&metrics)).map_err(no_client)?;
        producer.warm(options.answer_timeout).map_err(|error| unreachable(options, &error))?;
        let ends = Ends::new(&options.prober(), Arc::clone(&lanes), Arc::clone(&metrics), options.answer_timeout);
        let readers = Cluster {
            settings: Arc::new(options.reader()),
            lanes: Arc::clone(&lanes),
            metrics: Arc::clone(&metrics),
            answer_timeout: options.answer_timeout,
            closed: Arc::new(AtomicBool::new(false)),
        };
        let ends = Arc::new(ends.map_err(no_client)?);
        // One string for the life of the process: the port's answer is static.
        let durability = layout.durability().leak();
        Ok(Self { lanes, durability, metrics, producer, readers, ends })
    }

    /// The counters of the log; they outlive it while a handle is held.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    fn lane_id(&self, topic: Topic, partition: Partition) -> Result<LaneId, ReadError> {
        self.lanes.find(topic, partition).ok_or(ReadError::NoSuchPartition { topic, partition })
    }
}

pub(crate) fn unreachable(options: &KafkaOptions, error: &KafkaError) -> ConnectError {
    ConnectError::Unreachable { brokers: options.brokers.clone(), reason: error.to_string() }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.readers.closed.store(true, Ordering::Relaxed);
    }
}

impl EventLog for KafkaLog {
    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        if let Some(lane_id) = self.lanes.find(topic, partition) {
            self.producer.append(lane_id, &records)
        } else {
            ready(vec![Err(AppendError::NoSuchPartition { topic, partition }); records.len()]).boxed()
        }
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        let lane_id = self.lane_id(topic, partition)?;
        Ok(Box::new(KafkaReader::open(self.readers.clone(), lane_id, from)?))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        let lane_id = self.lane_id(topic, partition);
        let ends = Arc::clone(&self.ends);
        let find = async move {
            let lane_id = lane_id?;
            // The client's questions block.
            let answer = tokio::task::spawn_blocking(move || ends.find(lane_id)).await;
            answer.unwrap_or_else(|error| Err(ReadError::Unavailable { reason: error.to_string() }))
        };
        find.boxed()
    }

    fn partition_count(&self, _topic: Topic) -> u32 {
        self.lanes.partition_count()
    }

    fn durability(&self) -> &'static str {
        self.durability
    }

    fn keeps_headers(&self) -> bool {
        true
    }
}
