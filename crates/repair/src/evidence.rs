//! Stores opened to be looked at, while their services are stopped.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use loopledger_domain::Decider;
use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::Sales;
use loopledger_domain::station::Station;
use loopledger_state_store::{
    Mirror, PageStore, Reason, RowStore, ServiceStore, SledStore, StoreError, store_directory, store_owner, stream_key,
};
use loopledger_types::{CountyCode, Partition, StreamId, StreamSequence};

use super::Witness;

/// A store, what it remembers, and what becomes of it.
pub struct Evidence {
    pub witness: Witness,
    /// Where the store was moved when it was opened, because it could not be used: it is empty now.
    pub unusable: Option<(PathBuf, Reason)>,
    store: Box<dyn Keeper>,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence").field("witness", &self.witness.name).finish_non_exhaustive()
    }
}

/// Any kind of store.
trait Keeper: Send + Sync {
    fn close(&self) -> Result<(), StoreError>;
    fn retire(&self) -> Result<Option<PathBuf>, StoreError>;
}

impl<E: Mirror> Keeper for SledStore<E> {
    fn close(&self) -> Result<(), StoreError> {
        ServiceStore::close(self)
    }

    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        ServiceStore::retire(self)
    }
}

impl Keeper for RowStore {
    fn close(&self) -> Result<(), StoreError> {
        Self::close(self)
    }

    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        Self::retire(self)
    }
}

/// Whether there is a store. One that cannot be looked at is an error, and not a store that says nothing.
fn is_there(directory: &Path) -> Result<bool, StoreError> {
    match std::fs::metadata(directory) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::Resource(format!("{}: {error}", directory.display()))),
    }
}

impl Evidence {
    /// What the stores of the four services in `data` know of a county, which is in this partition of every topic; those
    /// that are not there say nothing.
    pub fn of_services(data: &Path, county: CountyCode, partition: Partition) -> Result<Vec<Self>, StoreError> {
        let all = [
            Self::of_service::<Procurement>(data, county, partition)?,
            Self::of_service::<Station>(data, county, partition)?,
            Self::of_service::<Distribution>(data, county, partition)?,
            Self::of_service::<Sales>(data, county, partition)?,
        ];
        Ok(all.into_iter().flatten().collect())
    }

    fn of_service<D: Decider>(data: &Path, county: CountyCode, partition: Partition) -> Result<Option<Self>, StoreError>
    where
        D::Entity: Mirror,
    {
        let stream = StreamId { service: D::SERVICE, county };
        let directory = store_directory(data, D::SERVICE, partition);
        if !is_there(&directory)? {
            return Ok(None);
        }
        let mut options = SledStore::<D::Entity>::options(store_owner(D::SERVICE, partition), None);
        options.checked = vec![stream_key(stream)];
        let (store, report) = PageStore::open(&directory, &options)?;
        let store = SledStore::<D::Entity>::over(store.stream(stream_key(stream)));
        let witness = Witness::of_service(D::SERVICE.to_string(), stream, &store)?;
        Ok(Some(Self { witness, unusable: report.moved_aside, store: Box::new(store) }))
    }

    /// The rows of a projection, see [`Witness::of_rows`].
    pub fn of_rows(
        name: String,
        store: RowStore,
        named: Vec<StreamSequence>,
        unusable: Option<(PathBuf, Reason)>,
    ) -> Result<Self, StoreError> {
        Ok(Self { witness: Witness::of_rows(name, &store, named)?, unusable, store: Box::new(store) })
    }

    /// Lets the store go as it is.
    pub fn close(self) -> Result<(), StoreError> {
        self.store.close()
    }

    /// Moves the store aside: its service folds the log anew.
    pub fn retire(self) -> Result<Option<PathBuf>, StoreError> {
        self.store.retire()
    }
}
