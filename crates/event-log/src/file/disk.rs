//! Every call that changes the disk, in one place, so that tests can inject failures.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

/// A call that a [`FaultPoint`] can make fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoOperation {
    CreateDirectory,
    CreateSegment,
    Write,
    Sync,
    Truncate,
    SyncDirectory,
}

/// A failure to inject.
#[derive(Debug)]
pub struct IoFault {
    /// How many bytes of a write reach the file before it fails.
    pub written: usize,
    pub error: io::Error,
}

/// Decides before each call that changes the disk whether it fails, and how.
pub trait FaultPoint: Send + Sync + fmt::Debug {
    fn strike(&self, operation: IoOperation, path: &Path) -> Option<IoFault>;
}

/// What there is at a path. An error of the system is never taken for "nothing": a log that cannot be looked at is not
/// an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    File { length: u64 },
    Folder,
}

/// Looks without opening: opening a pipe would wait for its other end.
pub(super) fn kind_of(path: &Path) -> io::Result<Kind> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Kind::File { length: found.len() }),
        Ok(found) if found.is_dir() => Ok(Kind::Folder),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && std::fs::symlink_metadata(path).is_ok() => {
            Err(io::Error::new(io::ErrorKind::NotFound, "it is a symbolic link to nothing"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kind::Nothing),
        Err(error) => Err(error),
    }
}

/// Fails unless there is a file, or nothing.
pub(super) fn check_file(path: &Path) -> io::Result<()> {
    match kind_of(path)? {
        Kind::Nothing | Kind::File { .. } => Ok(()),
        Kind::Folder => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// Lets the kernel forget what it holds of a file, unless it has still to be written: what is read next is what the disk
/// has. After a failed sync the kernel may take for written what is not.
pub(super) fn forget_cached(file: &File, from: u64, length: Option<u64>) {
    let length = length.and_then(std::num::NonZeroU64::new);
    // A file system that cannot do it keeps what it holds, and reading is no worse than before.
    let _ = rustix::fs::fadvise(file, from, length, rustix::fs::Advice::DontNeed);
}

/// The disk, possibly a faulty one.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) faults: Option<Arc<dyn FaultPoint>>,
}

impl Disk {
    fn strike(&self, operation: IoOperation, path: &Path) -> Option<IoFault> {
        self.faults.as_ref().and_then(|faults| faults.strike(operation, path))
    }

    fn check(&self, operation: IoOperation, path: &Path) -> io::Result<()> {
        self.strike(operation, path).map_or(Ok(()), |fault| Err(fault.error))
    }

    /// Creates a directory unless it exists, and makes its entry durable.
    pub(super) fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.check(IoOperation::CreateDirectory, path)?;
        match std::fs::create_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        path.parent().map_or(Ok(()), |parent| self.sync_directory(parent))
    }

    pub(super) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.check(IoOperation::SyncDirectory, path)?;
        // An empty parent is the current directory.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path)?.sync_all()
    }

    /// Creates an empty file, or empties what a failed creation left behind.
    pub(super) fn create_segment(&self, path: &Path) -> io::Result<File> {
        self.check(IoOperation::CreateSegment, path)?;
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    pub(super) fn write_at(&self, mut file: &File, path: &Path, position: u64, bytes: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(position))?;
        match self.strike(IoOperation::Write, path) {
            None => file.write_all(bytes),
            Some(fault) => {
                file.write_all(bytes.get(..fault.written).unwrap_or(bytes))?;
                Err(fault.error)
            }
        }
    }

    pub(super) fn sync_data(&self, file: &File, path: &Path) -> io::Result<()> {
        self.check(IoOperation::Sync, path)?;
        file.sync_data()
    }

    pub(super) fn sync_all(&self, file: &File, path: &Path) -> io::Result<()> {
        self.check(IoOperation::Sync, path)?;
        file.sync_all()
    }

    pub(super) fn truncate(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        self.check(IoOperation::Truncate, path)?;
        file.set_len(length)
    }
}
