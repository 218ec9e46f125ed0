//! A real cluster for a test: that of `KAFKA_BOOTSTRAP`, or one that `scripts/kafka` starts and that stops with this
//! process. Without Kafka these tests fail.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use loopledger_event_log::{EventLog, LogRecord, Offset, Record};
use loopledger_kafka_log::topics::{self, Wanted};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use loopledger_testkit::Brokers;
use loopledger_types::{CountyCode, Key, Partition, Service, Topic};

/// Enough for the tests that want several.
pub(crate) const PARTITIONS: u32 = 4;

/// The cluster that all tests of this process share.
pub(crate) fn bootstrap() -> &'static str {
    static BOOTSTRAP: OnceLock<String> = OnceLock::new();
    BOOTSTRAP.get_or_init(|| match std::env::var("KAFKA_BOOTSTRAP") {
        Ok(brokers) => brokers,
        Err(_) => Brokers::start(1).bootstrap().to_owned(),
    })
}

/// Topics that no other test, of this run or of an earlier one on the same cluster, has.
pub(crate) fn options(bootstrap: &str) -> KafkaOptions {
    static TESTS: AtomicU32 = AtomicU32::new(0);
    let number = TESTS.fetch_add(1, Ordering::Relaxed);
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock that is set").as_millis();
    let mut options = KafkaOptions::new(bootstrap);
    options.topic_prefix = format!("test-{since}-{}-{number}.", std::process::id());
    options
}

/// A log on topics of its own.
pub(crate) async fn connect(options: &KafkaOptions) -> KafkaLog {
    let wanted = Wanted { partitions: Some(PARTITIONS), replication_factor: None };
    topics::create(options, wanted).await.expect("topics are created");
    KafkaLog::connect(options.clone()).await.expect("topics just created are as they must be")
}

pub(crate) const TOPIC: Topic = Topic(Service::Station);
pub(crate) const PARTITION: Partition = Partition(0);

/// How long a test waits for what must come: a failure, not a pace. A broker that syncs every record waits for the disk,
/// and the disk for everybody who writes to it.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("waited {PATIENCE:?} in vain: {what}");
    };
    value
}

pub(crate) fn record(value: impl Into<Bytes>) -> Record {
    Record { key: Key(CountyCode::TUOLI), headers: Vec::new(), value: value.into() }
}

pub(crate) fn values(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.value).into_owned()).collect()
}

/// Appends in one call, and expects all of it to be confirmed.
pub(crate) async fn append(log: &KafkaLog, values: &[&str]) -> Vec<Offset> {
    let records = values.iter().map(|value| record((*value).to_owned())).collect();
    let results = soon("an append", log.append(TOPIC, PARTITION, records)).await;
    results.into_iter().map(|result| result.expect("nothing hinders this append")).collect()
}

/// Everything before `end`.
pub(crate) async fn read_to(log: &KafkaLog, end: Offset) -> Vec<LogRecord> {
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).expect("the start can be read from");
    let mut all: Vec<LogRecord> = Vec::new();
    while all.last().is_none_or(|record| record.next < end) {
        all.extend(soon("the next records", reader.next()).await.expect("nothing hinders this read"));
    }
    all
}
