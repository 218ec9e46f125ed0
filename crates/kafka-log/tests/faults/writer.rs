//! A writer that records what was confirmed: it appends the same bytes again until they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loopledger_event_log::{AppendError, EventLog, LogRecord, Offset, ReadError};
use loopledger_kafka_log::KafkaLog;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{PARTITION, TOPIC, record, soon, values};

/// Records of one call, so that a call has an inner order to lose.
const CALL: usize = 5;

pub(crate) struct Writer {
    acknowledged: watch::Receiver<usize>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<Account>,
}

#[derive(Debug, Default)]
pub(crate) struct Account {
    /// By offset.
    pub(crate) acknowledged: BTreeMap<Offset, String>,
    pub(crate) failures: usize,
}

impl Writer {
    pub(crate) fn start(log: &Arc<KafkaLog>, name: &'static str) -> Self {
        let (sender, acknowledged) = watch::channel(0);
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(write(Arc::clone(log), name, Arc::clone(&stop), sender));
        Self { acknowledged, stop, task }
    }

    /// Waits until so many more records are acknowledged than now.
    pub(crate) async fn gain(&mut self, more: usize) {
        let goal = self.acknowledged.borrow().saturating_add(more);
        soon("acknowledgements", self.acknowledged.wait_for(|count| *count >= goal)).await.expect("the writer works");
    }

    pub(crate) async fn finish(self) -> Account {
        self.stop.store(true, Ordering::Relaxed);
        soon("the writer", self.task).await.expect("the writer works")
    }
}

async fn write(log: Arc<KafkaLog>, name: &str, stop: Arc<AtomicBool>, acknowledged: watch::Sender<usize>) -> Account {
    let mut account = Account::default();
    let mut next = 0..;
    while !stop.load(Ordering::Relaxed) {
        let mut open: Vec<String> = next.by_ref().take(CALL).map(|number: u32| format!("{name}-{number}")).collect();
        while !open.is_empty() {
            let records = open.iter().map(|value| record(value.clone())).collect();
            let results = log.append(TOPIC, PARTITION, records).await;
            let mut failed = Vec::new();
            for (value, result) in open.into_iter().zip(results) {
                match result {
                    Ok(offset) => {
                        account.acknowledged.insert(offset, value);
                    }
                    Err(error) => {
                        assert!(error.can_retry() && !matches!(error, AppendError::Busy), "{error}");
                        account.failures += 1;
                        failed.push(value);
                    }
                }
            }
            open = failed;
            acknowledged.send_replace(account.acknowledged.len());
        }
    }
    account
}

/// Reads until the offset is past, going on after errors that pass. Returns how many of those there were.
pub(crate) async fn follow(log: &KafkaLog, mut to: watch::Receiver<Option<Offset>>) -> (Vec<LogRecord>, usize) {
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    let (mut all, mut errors) = (Vec::<LogRecord>::new(), 0);
    while to.borrow_and_update().is_none_or(|to| all.last().is_none_or(|record| record.next <= to)) {
        tokio::select! {
            read = soon("the next records", reader.next()) => match read {
                Ok(batch) => all.extend(batch),
                Err(ReadError::Unavailable { .. }) => errors += 1,
                Err(error) => panic!("{error}"),
            },
            changed = to.changed() => changed.unwrap(),
        }
    }
    (all, errors)
}

impl Account {
    /// Every acknowledged record stands where it was said to, and readers see the log as it is.
    pub(crate) fn check(&self, read: &[LogRecord]) {
        assert!(read.is_sorted_by(|one, next| one.offset < next.offset), "in order, and once");
        let found: BTreeMap<Offset, String> = read.iter().map(|record| record.offset).zip(values(read)).collect();
        for (offset, value) in &self.acknowledged {
            assert_eq!(found.get(offset), Some(value), "acknowledged at {offset}");
        }
    }
}
