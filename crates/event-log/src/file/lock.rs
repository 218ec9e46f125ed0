//! The lock file: one process at a time has a log open.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::disk::check_file;
use crate::OpenError;

/// Held while a log is open, or being opened. It goes when it is dropped, or with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        check_file(path).map_err(|error| OpenError::io("open", path, error))?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| OpenError::io("open", path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(OpenError::io("lock", path, error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is being started holds a copy of it until its exec.
        if let Err(error) = self.0.unlock() {
            tracing::error!(%error, "the log could not be unlocked");
        }
    }
}
