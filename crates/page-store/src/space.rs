//! How much the disk has left.
//!
//! sled does not survive a write that fails: it reads no more, and opened again it may find its files damaged. So nothing
//! is given to it unless there is room to spare; what fails then can go on as it is once there is room again. Quotas and
//! a disk that fills within milliseconds are not foreseen: then the store is as after a crash, or is moved aside.

use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::store::OnSpace;
use crate::StoreError;

/// What must be left before anything is written: several times what is written before the next look, which is some
/// 1.6 MB of sled's.
const RESERVE_BYTES: u64 = 8 * 1024 * 1024;

/// The disk under a folder, or what plays it.
#[derive(Clone)]
pub(crate) struct Space {
    pub(crate) directory: PathBuf,
    pub(crate) on_space: Option<OnSpace>,
}

impl Space {
    /// Fails if there is less than the reserve and `more` to spare.
    pub(crate) fn check(&self, more: u64) -> Result<(), StoreError> {
        let left = match &self.on_space {
            Some(on_space) => on_space(),
            None => left(&self.directory)?,
        };
        let needed = RESERVE_BYTES.saturating_add(more);
        if left < needed {
            return Err(StoreError::OutOfSpace(format!("{left} bytes are left, {needed} are needed")));
        }
        Ok(())
    }
}

impl core::fmt::Debug for Space {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Space({})", self.directory.display())
    }
}

fn left(directory: &Path) -> Result<u64, StoreError> {
    let found = statvfs(directory).map_err(|error| StoreError::io("asking for the disk's room", &error.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
