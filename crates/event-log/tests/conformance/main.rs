//! The conformance suite, on the embedded logs.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use loopledger_event_log::conformance::Fixture;
use loopledger_event_log::{EventLog, FaultPlan, FileLog, FileLogOptions, MemoryLog};

struct Memory(MemoryLog);

impl Fixture for Memory {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.0.clone())
    }

    fn reopen(&mut self) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

struct File {
    dir: tempfile::TempDir,
    segment_bytes: u64,
    log: Option<Arc<FileLog>>,
}

impl File {
    fn new(segment_bytes: u64) -> Self {
        let mut file = Self { dir: tempfile::tempdir().unwrap(), segment_bytes, log: None };
        file.open();
        file
    }

    fn open(&mut self) {
        let options =
            FileLogOptions { partition_count: 8, segment_bytes: self.segment_bytes, ..FileLogOptions::default() };
        let (log, report) = FileLog::open(self.dir.path(), options).unwrap();
        assert!(report.torn_tails.is_empty(), "{report:?}");
        self.log = Some(Arc::new(log));
    }
}

impl Fixture for File {
    fn log(&self) -> Arc<dyn EventLog> {
        let log: Arc<FileLog> = Arc::clone(self.log.as_ref().unwrap());
        log
    }

    fn reopen(&mut self) -> BoxFuture<'_, bool> {
        let log = Arc::into_inner(self.log.take().unwrap());
        drop(log.expect("no other handle is alive"));
        self.open();
        ready(true).boxed()
    }
}

mod memory {
    async fn fixture() -> super::Memory {
        super::Memory(super::MemoryLog::new(8))
    }
    loopledger_event_log::conformance_tests!(fixture);
}

mod memory_that_keeps_headers {
    async fn fixture() -> super::Memory {
        super::Memory(super::MemoryLog::keeping_headers(8))
    }
    loopledger_event_log::conformance_tests!(fixture);
}

/// Faults that break no promise of the port: records land late and reads are slow, but nothing fails or doubles.
mod memory_that_dawdles {
    async fn fixture() -> super::Memory {
        let plan = super::FaultPlan { delayed: 300, slow_read: 300, ..super::FaultPlan::NONE };
        super::Memory(super::MemoryLog::with_faults(7, plan))
    }
    loopledger_event_log::conformance_tests!(fixture);
}

mod file {
    async fn fixture() -> super::File {
        super::File::new(super::FileLogOptions::default().segment_bytes)
    }
    loopledger_event_log::conformance_tests!(fixture);
}

/// Every group begins a new segment.
mod file_of_tiny_segments {
    async fn fixture() -> super::File {
        super::File::new(100)
    }
    loopledger_event_log::conformance_tests!(fixture);
}
