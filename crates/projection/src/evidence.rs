//! The projection's store opened to be looked at, while the projection is stopped.

use std::path::Path;

use loopledger_service::repair::Evidence;
use loopledger_state_store::{RowStore, StoreError};
use loopledger_types::CountyCode;

use crate::app::owner;
use crate::saved;

/// What the projection's store in `directory` remembers; `None` if there is none.
pub fn evidence(directory: &Path, county: CountyCode) -> Result<Option<Evidence>, StoreError> {
    if !directory.is_dir() {
        return Ok(None);
    }
    let (store, report) = RowStore::open(directory, &owner(county), saved::schema(), None)?;
    Evidence::of_rows("projection".to_owned(), store, report.moved_aside).map(Some)
}
