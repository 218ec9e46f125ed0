//! Commits chained, appended, read back, admitted; the writer's pattern without its decisions.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use loopledger_chain::{Admission, AnyRef, Envelope, Verdict, leaf_hash};
use loopledger_dice::Dice;
use loopledger_event_log::{EventLog, LogRecord, Offset, Record};
use loopledger_kafka_log::KafkaLog;
use loopledger_types::{CountyCode, Hash, Head, Key, StreamId, Timestamp};

use crate::support::PARTITIONS;
use crate::{Failure, TOPIC, partition};

const STREAM: StreamId = StreamId { service: TOPIC.0, county: CountyCode::TUOLI };
/// So that a record is as long as one of the demo, 514 bytes. Half of it is ids and digests, which no compression makes
/// shorter.
const EVENT_BYTES: usize = 300;
const RANDOM_BYTES: usize = 150;

/// What a stretch of work came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) records: usize,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Vec<Duration>,
}

impl Run {
    pub(crate) fn per_second(&self) -> u128 {
        let records = u128::try_from(self.records).unwrap_or(0);
        records.saturating_mul(1_000_000).checked_div(self.elapsed.as_micros()).unwrap_or(0)
    }

    pub(crate) fn latency_us(&self, percent: usize) -> u128 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = sorted.len().saturating_mul(percent).checked_div(100).unwrap_or(0);
        sorted.get(at).or(sorted.last()).map_or(0, Duration::as_micros)
    }
}

/// Bytes without a pattern, as long as they are wanted: a stretch of hashes.
fn noise(head: Head) -> [u8; RANDOM_BYTES] {
    let mut bytes = [0; RANDOM_BYTES];
    let mut dice = Dice::new(head.sequence);
    for chunk in bytes.chunks_mut(8) {
        chunk.iter_mut().zip(dice.roll().to_le_bytes()).for_each(|(to, from)| *to = from);
    }
    bytes
}

fn envelope(head: Head) -> Vec<u8> {
    let mut event = [0x5a_u8; EVENT_BYTES];
    event.iter_mut().zip(noise(head)).for_each(|(to, from)| *to = from);
    let mut bytes = Vec::with_capacity(640);
    Envelope {
        stream: STREAM,
        sequence: head.sequence.saturating_add(1),
        previous_hash: head.hash,
        request_id: "018f3a5e-7c1b-7000-8000-0123456789ab",
        request_digest: [7; 32],
        cause: None,
        actor: None,
        recorded_at: Timestamp { seconds: 1_585_670_400, nanos: 0 },
        events: vec![AnyRef {
            type_url: "type.googleapis.com/loopledger.station.event.v1.GoodsCollected",
            value: &event,
        }],
        upstream: Vec::new(),
    }
    .encode(&mut bytes);
    bytes
}

/// With the headers that a writer gives.
fn record(head: Head, value: Vec<u8>) -> Record {
    let id = format!("{STREAM}/{}", head.sequence);
    let headers = vec![
        ("ce_specversion".into(), Bytes::from_static(b"1.0")),
        ("ce_id".into(), Bytes::from(id.into_bytes())),
        ("ce_source".into(), Bytes::from_static(b"/loopledger/station/654224")),
        ("ce_type".into(), Bytes::from_static(b"loopledger.station.event.v1.GoodsCollected")),
        ("ce_time".into(), Bytes::from_static(b"2020-04-01T00:00:00.000000+08:00")),
        ("content-type".into(), Bytes::from_static(b"application/protobuf")),
    ];
    Record { key: Key(CountyCode::TUOLI), headers, value: Bytes::from(value) }
}

/// The next commit after `head`, which moves on.
fn extend(head: &mut Head) -> Record {
    let value = envelope(*head);
    *head = Head { sequence: head.sequence.saturating_add(1), hash: leaf_hash(&value) };
    record(*head, value)
}

/// A record that extends nothing.
pub(crate) fn filler(number: u64) -> Record {
    let mut head = Head { sequence: number.saturating_add(u64::from(u32::MAX)), hash: Hash::ZERO };
    extend(&mut head)
}

struct Reader {
    admission: Admission,
    admitted: usize,
}

impl Reader {
    fn new() -> Self {
        Self { admission: Admission::new(TOPIC, partition(), PARTITIONS), admitted: 0 }
    }

    fn take(&mut self, batch: &[LogRecord]) -> usize {
        let is_admitted = |record: &&LogRecord| matches!(self.admission.admit(&record.value), Verdict::Admitted { .. });
        let admitted = batch.iter().filter(is_admitted).count();
        self.admitted = self.admitted.saturating_add(admitted);
        admitted
    }
}

/// Keeps `window` commits in flight for some time: each is appended, read back, and admitted.
pub(crate) async fn run(log: &KafkaLog, window: usize, stretch: Duration) -> Result<Run, Failure> {
    let end = log.end(TOPIC, partition()).await?;
    let mut reader = log.read(TOPIC, partition(), Offset::START)?;
    let mut state = Reader::new();
    let mut position = Offset::START;
    while position < end {
        let batch = reader.next().await?;
        state.take(&batch);
        position = batch.last().map_or(position, |record| record.next);
    }
    let mut head = state.admission.head(STREAM);
    let mut sent: VecDeque<Instant> = VecDeque::with_capacity(window);
    let mut appends = FuturesUnordered::new();
    let mut run = Run::default();
    let started = Instant::now();
    while started.elapsed() < stretch || !sent.is_empty() {
        let room = window.saturating_sub(sent.len());
        if room > 0 && started.elapsed() < stretch {
            let now = Instant::now();
            let records: Vec<Record> = (0..room).map(|_| extend(&mut head)).collect();
            sent.extend(std::iter::repeat_n(now, records.len()));
            appends.push(log.append(TOPIC, partition(), records));
        }
        tokio::select! {
            batch = reader.next() => {
                let admitted = state.take(&batch?);
                let now = Instant::now();
                run.records = run.records.saturating_add(admitted);
                run.latencies.extend(sent.drain(..admitted).map(|sent| now.saturating_duration_since(sent)));
            }
            Some(results) = appends.next() => {
                for result in results {
                    result?;
                }
            }
        }
    }
    run.elapsed = started.elapsed();
    Ok(run)
}

/// Reads and admits everything from the start.
pub(crate) async fn replay(log: &KafkaLog) -> Result<Run, Failure> {
    let end = log.end(TOPIC, partition()).await?;
    let mut state = Reader::new();
    let started = Instant::now();
    let mut reader = log.read(TOPIC, partition(), Offset::START)?;
    let mut run = Run::default();
    let mut position = Offset::START;
    while position < end {
        let batch = reader.next().await?;
        run.records = run.records.saturating_add(batch.len());
        state.take(&batch);
        position = batch.last().map_or(position, |record| record.next);
    }
    run.elapsed = started.elapsed();
    Ok(run)
}
