//! The projection's store opened to be looked at, while the projection is stopped.

use std::io;
use std::path::Path;

use loopledger_service::repair::Evidence;
use loopledger_state_store::{PageStore, RowStore, StoreError, stream_key};
use loopledger_types::{CountyCode, Partition, Service, StreamId, StreamSequence};

use crate::host;
use crate::saved::{self, Extra};

/// What the projection's store in `data` remembers of a county, which is in this partition of every topic; `None` if there
/// is no store.
pub fn evidence(data: &Path, county: CountyCode, partition: Partition) -> Result<Option<Evidence>, StoreError> {
    let directory = host::directory(data, partition);
    // What cannot be looked at is an error when it is opened, and not a store that says nothing.
    if std::fs::symlink_metadata(&directory).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let options = RowStore::options(&host::owner(partition), saved::schema(), None);
    let (store, report) = PageStore::open_or_absent(&directory, &options)?;
    let store = RowStore::over(store.stream(stream_key(StreamId { service: Service::Ledger, county })));
    if let Some(error) = report.absent {
        return Err(error);
    }
    let extra = store.progress()?.and_then(|progress| Extra::decode(&progress.extra)).unwrap_or_default();
    let named = Service::ALL.into_iter().zip(extra.referenced);
    let named = named.map(|(service, sequence)| StreamSequence { stream: StreamId { service, county }, sequence });
    Evidence::of_rows("projection".to_owned(), store, named.collect(), report.moved_aside).map(Some)
}
