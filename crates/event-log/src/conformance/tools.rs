//! Helpers of the properties.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use loopledger_types::{CountyCode, Key, Partition, Service, Topic};

use crate::{AppendError, EventLog, LogReader, LogRecord, Offset, Record};

pub(super) const TOPIC: Topic = Topic(Service::Station);
pub(super) const PARTITION: Partition = Partition(0);

/// How long a property waits for what must come: a failure, not a pace. A cluster's first append may take seconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("waited {PATIENCE:?} in vain: {what}");
    };
    value
}

pub(super) fn record(value: impl Into<Bytes>) -> Record {
    let key = Key(CountyCode::parse("654224").expect("Tuoli's county"));
    Record { key, headers: vec![(Cow::Borrowed("ce_type"), Bytes::from_static(b"test"))], value: value.into() }
}

pub(super) fn records<T: Into<Bytes>>(values: impl IntoIterator<Item = T>) -> Vec<Record> {
    values.into_iter().map(record).collect()
}

/// `name-0`, `name-1`, …
pub(super) fn numbered(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}-{number}")).collect()
}

pub(super) async fn try_append(
    log: &Arc<dyn EventLog>,
    partition: Partition,
    records: Vec<Record>,
) -> Vec<Result<Offset, AppendError>> {
    let count = records.len();
    let results = soon("an append", log.append(TOPIC, partition, records)).await;
    assert_eq!(results.len(), count, "one result per record");
    results
}

/// Appends, and expects all of it to be confirmed.
pub(super) async fn append<T: Into<Bytes>>(
    log: &Arc<dyn EventLog>,
    values: impl IntoIterator<Item = T>,
) -> Vec<Offset> {
    let results = try_append(log, PARTITION, records(values)).await;
    results.into_iter().map(|result| result.expect("nothing hinders this append")).collect()
}

pub(super) async fn end(log: &Arc<dyn EventLog>, partition: Partition) -> Offset {
    soon("the end", log.end(TOPIC, partition)).await.expect("the end can be asked")
}

pub(super) fn reader(log: &Arc<dyn EventLog>, from: Offset) -> Box<dyn LogReader> {
    log.read(TOPIC, PARTITION, from).expect("a position that the log gave out")
}

/// Waits until the reader has returned `count` records.
pub(super) async fn take(reader: &mut Box<dyn LogReader>, count: usize) -> Vec<LogRecord> {
    let mut all = Vec::new();
    while all.len() < count {
        let batch = soon("the next records", reader.next()).await.expect("nothing hinders this read");
        assert!(!batch.is_empty(), "a wait ends with a record");
        all.extend(batch);
    }
    assert_eq!(all.len(), count, "more records than were appended");
    all
}

pub(super) fn values(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.value).into_owned()).collect()
}
