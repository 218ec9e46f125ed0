//! Where a writer and a projection keep what they would otherwise fold again from the log.
//!
//! A cache behind the log: deleting it only costs a replay, so nothing is ever acknowledged because of it, and on any
//! doubt it is moved aside and rebuilt. The one exception is judged by the owner, not here: a store *ahead* of the
//! log, or with a head that the log does not have, is evidence of a lost tail, and must stay where it is.
//!
//! Layers: [`PageStore`] and [`Memory`] hold bytes (their crate is `page-store`, the port [`Backend`]); [`Store`] holds a service's entities,
//! requests and raw tail; [`RowStore`] holds a projection's rows. Only this crate knows bincode.
//!
//! Deliberately not here: folding, admission, comparing a store's head with the log, clocks, async.

use std::path::{Path, PathBuf};

use loopledger_types::{Partition, Service, StreamId};

mod checkpoint;
mod mark;
mod records;
mod rows;
mod service;

pub use checkpoint::{Checkpoint, MAX_CHANGES, MAX_TAIL_BYTES, Orphan, Progress, RequestRecord, UpstreamProgress};
pub use loopledger_page_store::{
    Backend, Batch, Content, Memory, OnPoint, OnSpace, OpenReport, Options, PageStore, PageStream, Reason, StoreError,
    StreamKey, Submission, TAIL_RECORDS, TailRecord, Visit, report_panics_in_one_line,
};
pub use mark::{Mark, MarkStore, TopicMark};
pub use rows::{MAX_ROW_BYTES, MAX_ROWS, RowStore, RowsProgress, StreamProgress};
pub use service::{MemoryStore, Mirror, ServiceStore, SledStore, Store};

/// The key of `stream` in a store that holds several: the number of its service, and the county's code.
pub fn stream_key(stream: StreamId) -> StreamKey {
    let [_, a, b, c] = stream.county.get().to_be_bytes();
    StreamKey(u32::from_be_bytes([checkpoint::service_number(stream), a, b, c]))
}

/// Whose a service's store of a partition is.
pub fn store_owner(service: Service, partition: Partition) -> String {
    format!("{service}, partition {}", partition.0)
}

/// Where a service keeps its store of a partition.
pub fn store_directory(data: &Path, service: Service, partition: Partition) -> PathBuf {
    data.join(service.to_string()).join(format!("partition-{}", partition.0))
}
