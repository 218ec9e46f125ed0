//! A decorator over any log that changes some of its calls: how tests and simulation inject failures.

use core::fmt;

use loopledger_types::{Partition, Topic};

use crate::{Appending, Ending, EventLog, LogReader, Offset, ReadError, Record};

/// Everything that is not said otherwise is done by [`inner`](Self::inner). A type that implements it is an [`EventLog`].
pub trait Decorator: Send + Sync + fmt::Debug + 'static {
    fn inner(&self) -> &dyn EventLog;

    /// See [`EventLog::append`].
    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        self.inner().append(topic, partition, records)
    }

    /// See [`EventLog::read`].
    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        self.inner().read(topic, partition, from)
    }

    /// See [`EventLog::end`].
    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        self.inner().end(topic, partition)
    }
}

impl<L: Decorator> EventLog for L {
    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        Decorator::append(self, topic, partition, records)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        Decorator::read(self, topic, partition, from)
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        Decorator::end(self, topic, partition)
    }

    fn partition_count(&self, topic: Topic) -> u32 {
        self.inner().partition_count(topic)
    }

    fn durability(&self) -> &'static str {
        self.inner().durability()
    }

    fn keeps_headers(&self) -> bool {
        self.inner().keeps_headers()
    }
}
