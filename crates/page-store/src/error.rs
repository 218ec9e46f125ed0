//! What can go wrong with a store, and why one was moved aside.

use std::io;
use std::path::{Path, PathBuf};

/// Why a call on a store failed. After anything but `Full` and `TooLarge` the owner folds the log again, from what the
/// store had written before or from its beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Back-pressure: ask [`has_room`](crate::Backend::has_room) before cutting a checkpoint.
    #[error("the store has not yet written what was submitted before")]
    Full,
    #[error("a checkpoint of {size} {unit} is over the limit of {limit}")]
    TooLarge { size: usize, limit: usize, unit: &'static str },
    #[error("the store holds damaged or inconsistent data: {0}")]
    Corrupt(&'static str),
    #[error("the store failed: {0}")]
    Failed(String),
    /// The system refused a file, a thread or a descriptor. Says nothing about what is stored: the store stays where it
    /// is, and can be opened again once the cause is gone.
    #[error("the store cannot be used: {0}")]
    Resource(String),
    /// Nothing is wrong with what is stored: it can be opened again once there is space.
    #[error("no space is left on the store's disk: {0}")]
    OutOfSpace(String),
    #[error("another process has the store open")]
    InUse,
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What an error of the system means: a file that is missing or short says something about what is stored; a full
    /// disk, and everything else (`EMFILE`, `EACCES`, `EIO` …), does not.
    pub(crate) fn io(doing: impl core::fmt::Display, error: &io::Error) -> Self {
        let text = format!("{doing}: {error}");
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let of_bytes =
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData);
        match (is_full, of_bytes) {
            (true, _) => Self::OutOfSpace(text),
            (false, true) => Self::Failed(text),
            (false, false) => Self::Resource(text),
        }
    }

    /// The same where not even a missing file says anything about what is stored.
    pub(crate) fn resource(doing: impl core::fmt::Display, error: &io::Error) -> Self {
        let found = Self::io(doing, error);
        if let Self::Failed(text) = found { Self::Resource(text) } else { found }
    }

    /// Names the place.
    pub(crate) fn at(self, path: &Path) -> Self {
        if let Self::Resource(text) = self {
            Self::Resource(format!("{}: {text}", path.display()))
        } else if let Self::OutOfSpace(text) = self {
            Self::OutOfSpace(format!("{}: {text}", path.display()))
        } else {
            self
        }
    }

    /// Whether the store may work again without any change to what it holds.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Resource(_) | Self::OutOfSpace(_))
    }
}

/// Why a store was moved aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("it could not be opened: {0}")]
    Failed(String),
    #[error("opening it panicked: {0}")]
    Panicked(String),
    #[error("it is damaged: {0}")]
    Corrupt(&'static str),
    /// Another version of the byte layout or of the records. Not damage: somebody upgraded.
    #[error("it is of version {found}, this build reads {expected}")]
    OtherVersion { found: String, expected: String },
    #[error("it belongs to {found}, not to {expected}")]
    OtherOwner { found: String, expected: String },
    /// The owner found later that it cannot be used.
    #[error("its owner gave it up: {0}")]
    Condemned(String),
}

/// What opening a store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Where an unusable store was moved, and why; the open store is then empty.
    pub moved_aside: Option<(PathBuf, Reason)>,
    /// Why the store is not open: there is no room on its disk. It holds nothing and has failed until it is opened again.
    pub absent: Option<StoreError>,
}
