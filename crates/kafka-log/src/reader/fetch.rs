//! The fetch thread of a reader.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use loopledger_event_log::{LogRecord, Offset, ReadError};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::sync::mpsc;

use super::batch::Batch;
use super::trouble::{Trouble, trouble};
use crate::lanes::{LaneId, Lanes};
use crate::metrics::Metrics;
use crate::question::{Deadline, learn, range};
use crate::report::Context;
use crate::settings::DOUBT;

/// How often a waiting thread checks whether its reader still exists. Records wake it at once.
const POLL: Duration = Duration::from_millis(100);
/// The pause after an error before the same place is asked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

type Batches = mpsc::Sender<Result<Vec<LogRecord>, ReadError>>;

/// What readers of one log share.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) settings: Arc<ClientConfig>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) answer_timeout: Duration,
    pub(crate) closed: Arc<AtomicBool>,
}

pub(super) struct Fetcher {
    cluster: Cluster,
    lane_id: LaneId,
    /// The offset that is read next. Everything before it was handed over.
    position: u64,
    batches: Batches,
    /// The offset of the first record whose headers are wanted.
    headers_from: Arc<AtomicU64>,
    batch: Batch,
    /// Where a batch was found damaged: once may have happened on the way.
    damaged_at: Option<u64>,
    /// Since when the log is said to end before the place that is read.
    short_since: Option<Instant>,
    /// Errors of an outage come one after the other, and wait until the reader asks: the last one counts, and only if nothing
    /// came after it.
    outage: Option<KafkaError>,
    /// Records that were handed over are gone, and others stand in their place: nothing that follows belongs to them.
    is_cut: bool,
}

/// How a stretch of reading ended.
#[derive(Debug)]
enum End {
    /// The reader is gone.
    Closed,
    /// The same place has to be asked for again.
    Again,
    /// A new client is needed.
    Dead,
}

impl Fetcher {
    pub(super) fn new(
        cluster: Cluster,
        lane_id: LaneId,
        from: Offset,
        batches: Batches,
        headers_from: Arc<AtomicU64>,
    ) -> Self {
        Self {
            cluster,
            lane_id,
            position: from.0,
            batches,
            headers_from,
            batch: Batch::default(),
            damaged_at: None,
            short_since: None,
            outage: None,
            is_cut: false,
        }
    }

    pub(super) fn run(mut self) {
        self.cluster.metrics.readers.add(1);
        while !self.is_over() {
            let context = Context::new(Arc::clone(&self.cluster.metrics));
            let failure = match self.cluster.settings.create_with_context::<_, BaseConsumer<Context>>(context) {
                Ok(consumer) => match self.serve(&consumer) {
                    Ok(()) => break,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !self.report(self.unavailable(&failure)) {
                break;
            }
        }
        self.cluster.metrics.readers.take(1);
    }

    fn is_over(&self) -> bool {
        self.batches.is_closed() || self.cluster.closed.load(Ordering::Relaxed)
    }

    /// Reads with this client until the reader is dropped, or the client cannot be used any more.
    fn serve(&mut self, consumer: &BaseConsumer<Context>) -> KafkaResult<()> {
        loop {
            if self.is_cut {
                while self.report(self.damaged("earlier records were lost and replaced")) {}
                return Ok(());
            }
            self.assign(consumer)?;
            match self.read_on(consumer) {
                End::Closed => return Ok(()),
                End::Again => self.cluster.metrics.read_restarts_total.add(1),
                End::Dead => {
                    let fatal = consumer.client().fatal_error();
                    return Err(fatal.map_or(KafkaError::Canceled, |(code, _)| KafkaError::Global(code)));
                }
            }
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Context>) -> KafkaResult<()> {
        // Beyond what Kafka counts to is beyond every end.
        let position = i64::try_from(self.position).unwrap_or(i64::MAX);
        let mut assignment = TopicPartitionList::with_capacity(1);
        let offset = rdkafka::Offset::Offset(position);
        assignment.add_partition_offset(self.cluster.lanes.topic_name(self.lane_id), self.lane_id.partition, offset)?;
        consumer.assign(&assignment)
    }

    fn read_on(&mut self, consumer: &BaseConsumer<Context>) -> End {
        loop {
            // What is there already is collected; what was collected is handed over before anything is waited for.
            let wait = if self.batch.is_empty() && self.outage.is_none() { POLL } else { Duration::ZERO };
            match consumer.poll(wait) {
                Some(Ok(message)) => {
                    self.outage = None;
                    if !self.batch.fits(message.payload_len()) && !self.hand_over() {
                        return End::Closed;
                    }
                    self.take(&message);
                }
                None if self.hand_over() && self.tell_of_outage() && !self.is_over() => {}
                Some(Err(error)) if self.hand_over() => {
                    if let Some(end) = self.face(consumer, &error) {
                        return end;
                    }
                }
                None | Some(Err(_)) => return End::Closed,
            }
        }
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        // A client that was asked for a place may still hold what lies before it.
        if let Ok(offset) = u64::try_from(message.offset())
            && offset >= self.position
        {
            self.batch.push(offset, message, offset >= self.headers_from.load(Ordering::Relaxed));
            self.position = offset.saturating_add(1);
        }
    }

    /// False: the reader is gone.
    fn hand_over(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        (self.damaged_at, self.short_since) = (None, None);
        self.cluster.lanes.lane(self.lane_id).saw(self.position);
        self.cluster.metrics.read_records_total.add(self.batch.len());
        self.cluster.metrics.read_batches_total.add(1);
        self.batches.blocking_send(Ok(self.batch.take())).is_ok()
    }

    fn tell_of_outage(&mut self) -> bool {
        self.outage.take().is_none_or(|error| self.report(self.unavailable(&error)))
    }

    /// Deals with an error of the client. None: it reads on by itself.
    fn face(&mut self, consumer: &BaseConsumer<Context>, error: &KafkaError) -> Option<End> {
        let why = match trouble(error) {
            Trouble::Passing => return None,
            Trouble::Outage => {
                self.outage = Some(error.clone());
                return None;
            }
            Trouble::NotThere => self.look_around(consumer),
            Trouble::Damaged => {
                let again = self.damaged_at.replace(self.position) == Some(self.position);
                again.then(|| self.damaged("the checksum of a record batch does not match"))
            }
            Trouble::Stopped if consumer.client().fatal_error().is_some() => return Some(End::Dead),
            Trouble::Stopped => Some(self.unavailable(error)),
        };
        let goes_on = match why {
            Some(why) => self.report(why),
            None => self.pause(),
        };
        Some(if goes_on { End::Again } else { End::Closed })
    }

    /// Why the place that was asked for is not there. None: it is, and the broker that denied it did not know yet.
    fn look_around(&mut self, consumer: &BaseConsumer<Context>) -> Option<ReadError> {
        let topic = self.cluster.lanes.topic_name(self.lane_id);
        let deadline = Deadline::after(self.cluster.answer_timeout);
        let (low, high) = loop {
            // The leader may have changed, and not every broker knows yet.
            let range = learn(consumer, topic, &deadline)
                .and_then(|()| range(consumer, topic, self.lane_id.partition, &deadline));
            match range {
                Ok(range) => break range,
                Err(error) if deadline.is_over() || !self.pause() => return Some(self.unavailable(&error)),
                Err(_) => {}
            }
        };
        if self.position > high {
            let since = self.short_since.get_or_insert_with(Instant::now);
            let error = ReadError::OffsetOutOfRange { from: Offset(self.position), end: Offset(high) };
            return (since.elapsed() >= DOUBT).then_some(error);
        }
        self.short_since = None;
        if self.position < low {
            Some(self.damaged("records from here on were deleted"))
        } else {
            self.is_cut = consumer.context().saw_cut();
            None
        }
    }

    fn unavailable(&self, error: &KafkaError) -> ReadError {
        ReadError::Unavailable { reason: self.cluster.metrics.last_cause.explain(error) }
    }

    fn damaged(&self, reason: &'static str) -> ReadError {
        // As brokers name the folder of a partition.
        let segment =
            PathBuf::from(format!("{}-{}", self.cluster.lanes.topic_name(self.lane_id), self.lane_id.partition));
        ReadError::Damaged { segment, offset: Offset(self.position), reason }
    }

    /// Returns the error to the reader, and waits until it reads again. False: it is gone.
    fn report(&self, error: ReadError) -> bool {
        self.cluster.metrics.read_errors_total.add(1);
        if self.batches.blocking_send(Err(error)).is_err() {
            return false;
        }
        while self.pause() {
            if self.batches.capacity() == self.batches.max_capacity() {
                return true;
            }
        }
        false
    }

    fn pause(&self) -> bool {
        thread::sleep(RETRY_PAUSE);
        !self.is_over()
    }
}
