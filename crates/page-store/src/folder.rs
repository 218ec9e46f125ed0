//! The folder of a store: whether it can be read at all, and moving it aside.
//!
//! Only bytes that were read say that a store is damaged. See [`super::readable`].

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::tail;
use crate::{StoreError, StreamKey};

/// sled's folder below a store's own.
const BLOBS: &str = "blobs";

/// Opens a file without waiting, whatever it is: opening a pipe would wait for its other end.
pub(crate) fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0));
    options
}

/// The files of a store, with the raw records of `streams`. One that vanishes meanwhile is sled's, which cleans up.
pub(crate) fn files(directory: &Path, streams: &[StreamKey]) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    let tails = streams.iter().map(|stream| tail::folder(directory, *stream));
    for folder in [directory.to_path_buf(), directory.join(BLOBS)].into_iter().chain(tails) {
        let listing = |error: &io::Error| StoreError::resource(format_args!("listing {}", folder.display()), error);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(&folder) => continue,
            Err(error) => return Err(listing(&error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| listing(&error))?.path();
            match std::fs::metadata(&path) {
                Ok(found) if found.is_dir() => {}
                Ok(found) if found.is_file() => files.push(path),
                Ok(_) => return Err(StoreError::Resource(format!("{} is not a file", path.display()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(&path) => {}
                Err(error) => return Err(StoreError::resource(format_args!("looking at {}", path.display()), &error)),
            }
        }
    }
    Ok(files)
}

/// Whether there is a symbolic link, wherever it leads.
fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// Renames the directory to the first free name. Nothing is written over, and nothing deleted.
pub(crate) fn move_aside(directory: &Path, kind: &str) -> Result<PathBuf, StoreError> {
    let failed = |error: Errno| {
        let doing = format_args!("moving {} aside", directory.display());
        StoreError::resource(doing, &error.into())
    };
    let mut number = 1_u32;
    loop {
        let aside = beside(directory, &format!("{kind}-{number}"));
        match renameat_with(CWD, directory, CWD, &aside, RenameFlags::NOREPLACE) {
            Ok(()) => {
                sync_parent(&aside)?;
                return Ok(aside);
            }
            Err(Errno::EXIST) => {}
            // A file system that cannot say so itself.
            Err(Errno::INVAL | Errno::NOSYS) => match std::fs::symlink_metadata(&aside) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::fs::rename(directory, &aside).map_err(|error| {
                        StoreError::resource(format_args!("moving {} aside", directory.display()), &error)
                    })?;
                    sync_parent(&aside)?;
                    return Ok(aside);
                }
                Err(error) => return Err(StoreError::resource(format_args!("looking at {}", aside.display()), &error)),
            },
            Err(error) => return Err(failed(error)),
        }
        number = number.saturating_add(1);
    }
}

/// The store `name` with more at its end.
fn beside(directory: &Path, more: &str) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".");
    name.push(more);
    PathBuf::from(name)
}

/// The folders to which this store was moved aside because it was damaged, or of another version.
pub(crate) fn moved_aside(directory: &Path) -> Vec<PathBuf> {
    let (Some(parent), Some(name)) = (directory.parent(), directory.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| {
            let entry = entry.file_name();
            let rest = entry.to_str().and_then(|entry| entry.strip_prefix(name)?.strip_prefix('.'));
            rest.is_some_and(|rest| rest.starts_with("corrupt-") || rest.starts_with("older-"))
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// A rename counts after a crash only if its folder was synced too.
fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.map_err(|error| StoreError::resource(format_args!("syncing {}", parent.display()), &error))
}

/// Undoes [`move_aside`]. What was begun in its place holds nothing, since it could not be opened; it is moved aside too.
pub(crate) fn put_back(aside: &Path, directory: &Path) -> Result<(), StoreError> {
    let failed = |error: &io::Error| StoreError::resource(format_args!("putting {} back", aside.display()), error);
    match std::fs::symlink_metadata(directory) {
        Ok(_) => move_aside(directory, "empty").map(|_| ())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
    }
    std::fs::rename(aside, directory).map_err(|error| failed(&error))?;
    sync_parent(directory)
}

/// Makes the kernel forget what it holds of the files, so that what is read next is what the disk has: after a failed
/// sync the kernel may take for written what is not.
pub(crate) fn forget_cached(directory: &Path) {
    for file in files(directory, &tail::streams(directory)).unwrap_or_default() {
        if let Ok(file) = without_waiting().read(true).open(file) {
            // Without it the store's checksums find later what was not written.
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }
}
