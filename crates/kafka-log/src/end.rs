//! The end of a partition.
//!
//! The broker reports its high watermark, but offsets are positions, not counts: foreign transactions leave control
//! records, which no consumer receives. A reader that waited for the record before the watermark could wait for ever.
//! So the last *record* is searched for backwards from there, unless this process has written or read up to it.
//!
//! No guarantee: another producer may append meanwhile, and a paused broker that does not know of its successor may
//! report an older end. But never one before what this process has read or confirmed.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use loopledger_event_log::{Offset, ReadError};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::lanes::{LaneId, Lanes};
use crate::metrics::Metrics;
use crate::question::{Deadline, is_there, learn, range};
use crate::report::Context;
use crate::settings::DOUBT;

/// How many offsets before the watermark are looked at first, and how much further each look goes.
const FIRST_SPAN: u64 = 2;
const SPAN_GROWTH: u64 = 8;
/// The pause before a question that failed is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Finds ends. Keeps one client, since the first use of each costs a while.
pub(crate) struct Ends {
    lanes: Arc<Lanes>,
    consumer: BaseConsumer<Context>,
    /// Held while the client reads records: it reads one partition at a time.
    looking: Mutex<()>,
    answer_timeout: Duration,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

impl Ends {
    pub(crate) fn new(
        settings: &ClientConfig,
        lanes: Arc<Lanes>,
        metrics: Arc<Metrics>,
        answer_timeout: Duration,
    ) -> KafkaResult<Self> {
        let consumer = settings.create_with_context(Context::new(Arc::clone(&metrics)))?;
        Ok(Self { lanes, consumer, looking: Mutex::new(()), answer_timeout, metrics })
    }

    /// The offset after the last record. Waits for brokers, up to the time that an answer may take.
    pub(crate) fn find(&self, lane_id: LaneId) -> Result<Offset, ReadError> {
        let deadline = Deadline::after(self.answer_timeout);
        let mut doubt = None;
        loop {
            let error = match self.try_find(lane_id, &deadline, &mut doubt) {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => KafkaError::MessageConsumption(RDKafkaErrorCode::OffsetNotAvailable),
                Err(error) => error,
            };
            if deadline.is_over() || !self.may_pass(&error, lane_id, &deadline) {
                return Err(ReadError::Unavailable { reason: self.metrics.last_cause.explain(&error) });
            }
            thread::sleep(RETRY_PAUSE.min(deadline.remaining()));
        }
    }

    /// Whether asking again may help. If so, the client knows by then which broker leads, or no broker answers.
    fn may_pass(&self, error: &KafkaError, lane_id: LaneId, deadline: &Deadline) -> bool {
        let topic = self.lanes.topic_name(lane_id);
        if is_passing(error) {
            let _ = learn(&self.consumer, topic, deadline);
            return true;
        }
        // While no broker answers, none reports that it does not exist.
        is_unknown(error) && is_there(&self.consumer, topic, lane_id.partition, deadline).unwrap_or(true)
    }

    /// None: what was said is not believed yet.
    fn try_find(
        &self,
        lane_id: LaneId,
        deadline: &Deadline,
        doubt: &mut Option<Deadline>,
    ) -> KafkaResult<Option<Offset>> {
        let (topic, lane) = (self.lanes.topic_name(lane_id), self.lanes.lane(lane_id));
        let (low, high) = range(&self.consumer, topic, lane_id.partition, deadline)?;
        if lane.saw_beyond(high) {
            let longest = DOUBT.min(self.answer_timeout.checked_div(2).unwrap_or_default());
            if !doubt.get_or_insert_with(|| Deadline::after(longest)).is_over() {
                return Ok(None);
            }
        }
        if let Some(end) = lane.end_at(high) {
            return Ok(Some(end));
        }
        if low >= high {
            return Ok(Some(Offset(high)));
        }
        let end = self.look_back(lane_id, low, high, deadline)?;
        lane.found_end(high, end);
        Ok(Some(end))
    }

    fn look_back(&self, lane_id: LaneId, low: u64, high: u64, deadline: &Deadline) -> KafkaResult<Offset> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut until, mut span) = (high, FIRST_SPAN);
        let mut found = None;
        while found.is_none() && until > low {
            let from = high.saturating_sub(span).max(low);
            found = self.last_record(lane_id, from, until, deadline)?;
            (until, span) = (from, span.saturating_mul(SPAN_GROWTH));
        }
        self.consumer.unassign()?;
        Ok(Offset(found.unwrap_or(low)))
    }

    /// The offset after the last record in the range.
    fn last_record(&self, lane_id: LaneId, from: u64, until: u64, deadline: &Deadline) -> KafkaResult<Option<u64>> {
        let mut assignment = TopicPartitionList::with_capacity(1);
        let offset = rdkafka::Offset::Offset(i64::try_from(from).unwrap_or(i64::MAX));
        assignment.add_partition_offset(self.lanes.topic_name(lane_id), lane_id.partition, offset)?;
        self.consumer.assign(&assignment)?;
        let mut last = None;
        loop {
            let remaining = deadline.remaining();
            match self.consumer.poll(remaining) {
                Some(Ok(message)) => {
                    let offset = u64::try_from(message.offset()).unwrap_or(0);
                    if offset >= until {
                        return Ok(last);
                    }
                    if offset >= from {
                        last = Some(offset.saturating_add(1));
                    }
                    if offset.saturating_add(1) == until {
                        return Ok(last);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) if partition == lane_id.partition => return Ok(last),
                Some(Err(error)) if !is_passing(&error) => return Err(error),
                Some(Err(_)) | None if remaining.is_zero() => {
                    return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
                }
                Some(Err(_)) | None => {}
            }
        }
    }
}

/// Whether the cause may be gone in a moment.
fn is_passing(error: &KafkaError) -> bool {
    !matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SSL
                | RDKafkaErrorCode::AutoOffsetReset
        )
    )
}

/// Whether the client says that there is no such partition.
fn is_unknown(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
        )
    )
}
