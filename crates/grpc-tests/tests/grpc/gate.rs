//! A log in memory with gates: appends and the question where the log ends wait while their gate is closed.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use loopledger_event_log::{AppendError, Appending, Decorator, Ending, EventLog, MemoryLog, Record};
use loopledger_types::{Partition, Topic};
use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct Gate {
    log: MemoryLog,
    /// Whether appends get through.
    pub(crate) appends: watch::Sender<bool>,
    /// The topic whose appends wait, whatever becomes of the others.
    pub(crate) held: watch::Sender<Option<Topic>>,
    /// Whether the log's end can be asked for: writers begin with it.
    pub(crate) ends: watch::Sender<bool>,
    /// Calls of `append` so far.
    pub(crate) asked: watch::Sender<u64>,
    /// Every append fails for good.
    pub(crate) is_broken: AtomicBool,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self {
            log: MemoryLog::new(4),
            appends: watch::Sender::new(true),
            held: watch::Sender::new(None),
            ends: watch::Sender::new(true),
            asked: watch::Sender::new(0),
            is_broken: AtomicBool::new(false),
        }
    }
}

impl Decorator for Gate {
    fn inner(&self) -> &dyn EventLog {
        &self.log
    }

    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        self.asked.send_modify(|asked| *asked += 1);
        if self.is_broken.load(Ordering::Relaxed) {
            let failed = records.iter().map(|_| Err(AppendError::Closed)).collect();
            return futures::future::ready(failed).boxed();
        }
        if *self.appends.borrow() && *self.held.borrow() != Some(topic) {
            return self.log.append(topic, partition, records);
        }
        let (log, mut open, mut held) = (self.log.clone(), self.appends.subscribe(), self.held.subscribe());
        async move {
            open.wait_for(|open| *open).await.unwrap();
            held.wait_for(|held| *held != Some(topic)).await.unwrap();
            log.append(topic, partition, records).await
        }
        .boxed()
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        let (log, mut open) = (self.log.clone(), self.ends.subscribe());
        async move {
            open.wait_for(|open| *open).await.unwrap();
            log.end(topic, partition).await
        }
        .boxed()
    }
}
