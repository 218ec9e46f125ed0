//! The conformance suite of the log port. A log's own crate runs it: `loopledger_event_log::conformance_tests!(fixture)`,
//! where `fixture` is an `async fn() -> impl Fixture` in scope.
//!
//! Each property starts at the present end, so the log need not be empty; but nothing else may append meanwhile.
//! A property that a log cannot be tested for (reopening, headers) prints that it was skipped: a skip is not a pass.
//! Faults are not tested here, because they differ from log to log.

mod properties;
mod tools;

use std::sync::Arc;

use futures::future::BoxFuture;

pub use properties::*;

use crate::EventLog;

/// A log under test, and what it takes to open it again.
pub trait Fixture: Send {
    /// The log, empty or not. The fixture is its only producer.
    fn log(&self) -> Arc<dyn EventLog>;

    /// Closes the log and opens it again, as a new process would. False: this log cannot, e.g. because it dies with
    /// the process. No other handle of the log is alive when it is called.
    fn reopen(&mut self) -> BoxFuture<'_, bool>;
}

/// One `#[tokio::test]` per property.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:path) => {
        $crate::conformance_tests!($fixture:
            a_call_keeps_its_order
            calls_keep_their_order
            an_append_is_queued_before_the_call_returns
            an_empty_call_succeeds
            offsets_ascend_and_chain
            reading_starts_at_every_boundary
            reading_beyond_the_end_is_refused
            the_end_moves
            a_waiting_reader_wakes
            a_dropped_wait_consumes_nothing
            polling_never_waits
            only_durable_records_are_seen
            batches_are_bounded
            large_and_empty_values_pass
            an_oversize_value_is_refused_alone
            topics_and_partitions_are_independent
            a_partition_that_is_none_is_refused
            concurrent_producers_all_land_once_and_in_order
            many_readers_see_the_same
            headers_come_back_where_they_are_kept
            reopening_keeps_what_was_acknowledged
        );
    };
    ($fixture:path: $($property:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $property() {
                $crate::conformance::$property($fixture().await).await;
            }
        )*
    };
}
