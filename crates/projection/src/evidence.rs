//! The projection's store opened to be looked at, while the projection is stopped.

use std::io;
use std::path::Path;

use loopledger_service::repair::Evidence;
use loopledger_state_store::{RowStore, StoreError};
use loopledger_types::{CountyCode, Service, StreamId, StreamSequence};

use crate::app::owner;
use crate::saved::{self, Extra};

/// What the projection's store in `directory` remembers; `None` if there is none.
pub fn evidence(directory: &Path, county: CountyCode) -> Result<Option<Evidence>, StoreError> {
    // What cannot be looked at is an error when it is opened, and not a store that says nothing.
    if std::fs::symlink_metadata(directory).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let (store, report) = RowStore::open(directory, &owner(county), saved::schema(), None)?;
    if let Some(error) = report.absent {
        return Err(error);
    }
    let extra = store.progress()?.and_then(|progress| Extra::decode(&progress.extra)).unwrap_or_default();
    let named = Service::ALL.into_iter().zip(extra.referenced);
    let named = named.map(|(service, sequence)| StreamSequence { stream: StreamId { service, county }, sequence });
    Evidence::of_rows("projection".to_owned(), store, named.collect(), report.moved_aside).map(Some)
}
