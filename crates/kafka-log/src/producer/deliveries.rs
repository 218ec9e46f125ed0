//! Maps a delivery report to its call of `append` and its record.
//!
//! A task, a channel or even an allocation per record would cost more than the record. So a call has one slot,
//! and the opaque value of a record in the Kafka client is a number: the slot, and the record's index in the call.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_event_log::{AppendError, Offset};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use rdkafka::statistics::Statistics;
use tokio::sync::oneshot;

use super::record_bytes;
use crate::lanes::{LaneId, Lanes};
use crate::metrics::Metrics;
use crate::report;

pub(crate) type Results = Vec<Result<Offset, AppendError>>;

/// How many bits of the number are the record's index: no call has so many records as not to fit.
const INDEX_BITS: u32 = 32;
const _: () = assert!(usize::BITS == 64, "a slot and an index travel in one pointer");

/// The calls that one producer has not reported on completely.
#[derive(Debug)]
pub(crate) struct Deliveries {
    lanes: Arc<Lanes>,
    metrics: Arc<Metrics>,
    calls: Mutex<Calls>,
    /// rdkafka 0.39 hands every error of a producer over twice, one right after the other.
    echo: AtomicBool,
}

#[derive(Debug, Default)]
struct Calls {
    slots: Vec<Call>,
    free: Vec<usize>,
}

/// A call, or a slot that is free.
#[derive(Debug, Default)]
struct Call {
    lane_id: Option<LaneId>,
    results: Results,
    /// Records not reported on, and the caller until it has handed all of them over.
    open: usize,
    /// The offset after the last record that was confirmed.
    next: u64,
    reply: Option<oneshot::Sender<Results>>,
}

impl Deliveries {
    pub(crate) fn new(lanes: Arc<Lanes>, metrics: Arc<Metrics>) -> Self {
        Self { lanes, metrics, calls: Mutex::default(), echo: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a call of so many records, and where its results will come.
    pub(super) fn open(&self, lane_id: LaneId, count: usize) -> (usize, oneshot::Receiver<Results>) {
        let (reply, results) = oneshot::channel();
        let call = Call {
            lane_id: Some(lane_id),
            results: vec![Err(AppendError::Closed); count],
            open: count.saturating_add(1),
            next: 0,
            reply: Some(reply),
        };
        let mut calls = self.lock();
        let slot = if let Some(slot) = calls.free.pop() {
            slot
        } else {
            calls.slots.push(Call::default());
            calls.slots.len().saturating_sub(1)
        };
        if let Some(free) = calls.slots.get_mut(slot) {
            *free = call;
        }
        (slot, results)
    }

    /// All records of the call were handed over, except those refused.
    pub(super) fn close(&self, slot: usize, refused: Vec<(usize, AppendError)>) {
        let mut calls = self.lock();
        for (index, error) in refused {
            calls.settle(slot, index, Err(error));
        }
        let done = calls.finish(slot);
        drop(calls);
        self.answer(done);
    }

    fn answer(&self, done: Option<Call>) {
        let Some(call) = done else { return };
        if let Some(lane_id) = call.lane_id {
            self.lanes.lane(lane_id).saw(call.next);
        }
        if let Some(reply) = call.reply {
            // The caller dropped the future.
            let _ = reply.send(call.results);
        }
    }

    fn count(&self, outcome: Result<(), &KafkaError>) {
        let metrics = &self.metrics;
        let counter = match outcome.map_err(KafkaError::rdkafka_error_code) {
            Ok(()) => &metrics.confirmed_records_total,
            Err(Some(RDKafkaErrorCode::MessageTimedOut)) => &metrics.timed_out_records_total,
            Err(Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)) => &metrics.purged_records_total,
            Err(_) => &metrics.refused_records_total,
        };
        counter.add(1);
    }
}

impl Calls {
    fn settle(&mut self, slot: usize, index: usize, result: Result<Offset, AppendError>) {
        let Some(call) = self.slots.get_mut(slot) else { return };
        if let Ok(offset) = &result {
            call.next = call.next.max(offset.0.saturating_add(1));
        }
        if let Some(entry) = call.results.get_mut(index) {
            *entry = result;
        }
        call.open = call.open.saturating_sub(1);
    }

    /// Takes one from what is open, and the call out of its slot once that was all.
    fn finish(&mut self, slot: usize) -> Option<Call> {
        let call = self.slots.get_mut(slot)?;
        call.open = call.open.saturating_sub(1);
        self.take_done(slot)
    }

    fn take_done(&mut self, slot: usize) -> Option<Call> {
        let call = self.slots.get_mut(slot).filter(|call| call.open == 0)?;
        let done = mem::take(call);
        self.free.push(slot);
        Some(done)
    }
}

/// What travels with a record.
pub(super) fn ticket(slot: usize, index: usize) -> usize {
    slot << INDEX_BITS | index
}

fn parts(ticket: usize) -> (usize, usize) {
    let slot = ticket >> INDEX_BITS;
    (slot, ticket ^ slot << INDEX_BITS)
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        report::log(&self.metrics, level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        let sum = |numbers: &mut dyn Iterator<Item = u64>| numbers.fold(0, u64::saturating_add);
        let brokers = || statistics.brokers.values();
        let connects = brokers().filter_map(|broker| broker.connects).filter_map(|count| u64::try_from(count).ok());
        self.metrics.connects_total.set(sum(&mut connects.into_iter()));
        self.metrics.request_retries_total.set(sum(&mut brokers().map(|broker| broker.txretries)));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !self.echo.fetch_not(Ordering::Relaxed) {
            report::error(&self.metrics, &error, reason);
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    // Called on the thread that polls the producer, for every record.
    fn delivery(&self, delivery: &DeliveryResult<'_>, ticket: usize) {
        let (message, result) = match delivery {
            Ok(message) => (message, offset(message.offset())),
            Err((error, message)) => (message, Err(unconfirmed(error))),
        };
        let bytes = record_bytes(message.payload_len());
        self.count(delivery.as_ref().map(|_| ()).map_err(|(error, _)| error));
        self.metrics.queued_records.take(1);
        self.metrics.queued_bytes.take(bytes);
        let (slot, index) = parts(ticket);
        let mut calls = self.lock();
        if let Some(lane_id) = calls.slots.get(slot).and_then(|call| call.lane_id) {
            self.lanes.lane(lane_id).release(bytes);
        }
        calls.settle(slot, index, result);
        let done = calls.take_done(slot);
        drop(calls);
        self.answer(done);
    }
}

fn offset(offset: i64) -> Result<Offset, AppendError> {
    // −1: confirmed, but where it stands is not known; the broker had it already and forgot where.
    let unknown = || AppendError::Unconfirmed { reason: "it was confirmed without an offset".to_owned() };
    u64::try_from(offset).map(Offset).map_err(|_| unknown())
}

pub(super) fn unconfirmed(error: &KafkaError) -> AppendError {
    AppendError::Unconfirmed { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use loopledger_types::{Partition, Service, Topic};

    use super::*;

    #[test]
    fn tickets_differ() {
        for slot in [0, 1, 77, (1 << 31) - 1] {
            for index in [0, 1, 4_095, (1 << 32) - 1] {
                assert_eq!(parts(ticket(slot, index)), (slot, index));
            }
        }
    }

    #[test]
    fn a_call_is_answered_once_all_its_records_are_reported_and_handed_over() {
        let lanes = Arc::new(Lanes::new("", 1));
        let lane_id = lanes.find(Topic(Service::Station), Partition(0)).unwrap();
        let deliveries = Deliveries::new(Arc::clone(&lanes), Arc::default());
        let report = |slot, index, offset| {
            let mut calls = deliveries.lock();
            calls.settle(slot, index, Ok(Offset(offset)));
            let done = calls.take_done(slot);
            drop(calls);
            deliveries.answer(done);
        };
        let (first, mut first_results) = deliveries.open(lane_id, 2);
        let (second, mut second_results) = deliveries.open(lane_id, 3);
        report(first, 1, 11);
        report(first, 0, 10);
        assert!(first_results.try_recv().is_err(), "the caller may have more to say");
        deliveries.close(first, Vec::new());
        assert!(matches!(first_results.try_recv().unwrap().as_slice(), [Ok(Offset(10)), Ok(Offset(11))]));

        let (third, _) = deliveries.open(lane_id, 1);
        assert_eq!(third, first, "a slot is used again");
        deliveries.close(second, vec![(1, AppendError::Busy)]);
        report(second, 2, 13);
        assert!(second_results.try_recv().is_err());
        report(second, 0, 12);
        let results = second_results.try_recv().unwrap();
        assert!(matches!(results.as_slice(), [Ok(Offset(12)), Err(AppendError::Busy), Ok(Offset(13))]), "{results:?}");
        assert_eq!(lanes.lane(lane_id).end_at(14), Some(Offset(14)), "what was confirmed is known to be there");
    }
}
