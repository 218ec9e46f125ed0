//! A log in a temporary folder.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use loopledger_event_log::{
    AppendError, EventLog, FaultPoint, FileLog, FileLogOptions, IoFault, IoOperation, LogRecord, Offset, OpenError,
    OpenReport, ReadError, Record,
};
use loopledger_types::{CountyCode, Key, Partition, Service, Topic};

pub(crate) const TOPIC: Topic = Topic(Service::Station);
pub(crate) const PARTITION: Partition = Partition(0);
pub(crate) const HEADER_BYTES: u64 = 24;

pub(crate) fn options() -> FileLogOptions {
    FileLogOptions { partition_count: 1, ..FileLogOptions::default() }
}

pub(crate) fn try_open(dir: &Path, options: FileLogOptions) -> Result<(FileLog, OpenReport), OpenError> {
    FileLog::open(dir, options)
}

pub(crate) fn open(dir: &Path, options: FileLogOptions) -> FileLog {
    let (log, report) = FileLog::open(dir, options).unwrap();
    assert_eq!(report, OpenReport::default());
    log
}

pub(crate) fn records<T: AsRef<str>>(values: &[T]) -> Vec<Record> {
    let key = Key(CountyCode::parse("654224").unwrap());
    let record =
        |value: &T| Record { key, headers: Vec::new(), value: Bytes::copy_from_slice(value.as_ref().as_bytes()) };
    values.iter().map(record).collect()
}

/// One call, so one group.
pub(crate) async fn append<T: AsRef<str>>(log: &FileLog, values: &[T]) -> Vec<Result<Offset, AppendError>> {
    let pending = log.append(TOPIC, PARTITION, records(values));
    tokio::time::timeout(Duration::from_secs(30), pending).await.expect("an append is answered")
}

/// Every record from the start on, and what ended the reading.
pub(crate) fn read_all(log: &FileLog) -> (Vec<LogRecord>, Option<ReadError>) {
    let mut all = Vec::new();
    let mut reader = match log.read(TOPIC, PARTITION, Offset::START) {
        Ok(reader) => reader,
        Err(error) => return (all, Some(error)),
    };
    loop {
        match reader.poll_now() {
            Ok(batch) if batch.is_empty() => return (all, None),
            Ok(batch) => all.extend(batch),
            Err(error) => return (all, Some(error)),
        }
    }
}

pub(crate) fn texts(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.value.to_vec()).unwrap()).collect()
}

/// What is in the log, which must be readable to its end.
pub(crate) fn read_texts(log: &FileLog) -> Vec<String> {
    let (records, error) = read_all(log);
    assert!(error.is_none(), "{error:?}");
    texts(&records)
}

pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join(TOPIC.to_string()).join("0")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

pub(crate) fn base(segment: &Path) -> u64 {
    segment.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

/// Fails the chosen calls, once each.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<VecDeque<(IoOperation, usize, io::ErrorKind)>>);

impl Script {
    /// The next call of this kind fails, after `written` bytes if it is a write.
    pub(crate) fn fail(&self, operation: IoOperation, written: usize, kind: io::ErrorKind) {
        self.0.lock().unwrap().push_back((operation, written, kind));
    }

    /// How many failures are still to come.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl FaultPoint for Script {
    fn strike(&self, operation: IoOperation, _path: &Path) -> Option<IoFault> {
        let mut script = self.0.lock().unwrap();
        let index = script.iter().position(|(planned, ..)| *planned == operation)?;
        let (_, written, kind) = script.remove(index)?;
        Some(IoFault { written, error: io::Error::new(kind, "injected") })
    }
}

pub(crate) fn with_script() -> (FileLogOptions, Arc<Script>) {
    let script = Arc::new(Script::default());
    let faults: Arc<Script> = Arc::clone(&script);
    (FileLogOptions { faults: Some(faults), ..options() }, script)
}
