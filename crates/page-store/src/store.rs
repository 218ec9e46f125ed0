//! A store in a directory, of one stream or of many.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::opening::Opened;
use super::overlay::FULL_KEYS;
use super::space::Space;
use super::stream::PageStream;
use crate::{Backend as _, OpenReport, StoreError, StreamKey};

/// Batches of a stream that may wait by default; with two overlays this bounds the memory of what is not in a run.
const QUEUE: usize = 4;

/// Called at named points with their name: a test kills the process there.
pub type OnPoint = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Says how many bytes the disk has left: a test plays a full one.
pub type OnSpace = Arc<dyn Fn() -> u64 + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    /// Whose store this is, e.g. a stream's or a partition's name: another's is never read.
    pub owner: String,
    /// Version of what the owner writes; a store of another one is moved aside.
    pub schema: u32,
    /// Bound of sled's cache. Small: what is hot is in the owner's memory.
    pub cache_bytes: u64,
    /// Keys after which what was written is turned into a run. Fewer make tests merge soon.
    pub overlay_keys: usize,
    /// Batches of each stream that may wait to be written. They are written in the order they come, so that a stream waits
    /// for this many of every other at most; and one that has room keeps it, whatever others submit. A store of many
    /// streams may hold this many batches of each in memory.
    pub queue: usize,
    /// Streams whose raw records are checked when the store is opened: if any are damaged it is moved aside. Those of
    /// others are checked when they are first needed, so that opening many idle streams reads nothing of them; if any
    /// are damaged then, the store fails, or the call that reads them, and it is for the owner to condemn the store.
    pub checked: Vec<StreamKey>,
    pub on_point: Option<OnPoint>,
    pub on_space: Option<OnSpace>,
}

impl Options {
    pub fn new(owner: impl Into<String>, schema: u32) -> Self {
        Self {
            owner: owner.into(),
            schema,
            cache_bytes: 8 * 1024 * 1024,
            overlay_keys: FULL_KEYS,
            queue: QUEUE,
            checked: Vec::new(),
            on_point: None,
            on_space: None,
        }
    }

    pub(crate) fn space(&self, directory: &Path) -> Space {
        Space { directory: directory.to_path_buf(), on_space: self.on_space.clone() }
    }

    pub(crate) fn point(&self, name: &'static str) {
        if let Some(on_point) = &self.on_point {
            on_point(name);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, schema, cache_bytes, overlay_keys: _, queue: _, checked: _, on_point: _, on_space: _ } = self;
        write!(f, "Options({owner}, schema {schema}, cache {cache_bytes} bytes)")
    }
}

/// A store in a directory, written by a thread of its own. It holds the entries, the metas and the raw records of any
/// number of streams; [`stream`](Self::stream) gives what belongs to one. Clones are the same store.
#[derive(Clone)]
pub struct PageStore(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    options: Options,
    /// Another one after it was opened again.
    opened: RwLock<Opened>,
}

impl fmt::Debug for PageStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageStore({})", self.directory().display())
    }
}

impl PageStore {
    /// Opens what is in `directory`, or moves it aside, says so, and starts empty.
    pub fn open(directory: &Path, options: &Options) -> Result<(Self, OpenReport), StoreError> {
        let opened = Opened::start(directory, options)?;
        let report = opened.report.clone();
        Ok((Self::new(directory, options, opened), report))
    }

    /// The same; but if there is no room on its disk, it holds nothing until it is [opened again](crate::Backend::reopen),
    /// and has [failed](crate::Backend::failure) until then.
    pub fn open_or_absent(directory: &Path, options: &Options) -> Result<(Self, OpenReport), StoreError> {
        match Self::open(directory, options) {
            Err(error @ StoreError::OutOfSpace(_)) => {
                let opened = Opened::absent(directory, options, error.clone());
                let report = OpenReport { absent: Some(error), ..OpenReport::default() };
                Ok((Self::new(directory, options, opened), report))
            }
            opened => opened,
        }
    }

    /// What belongs to a stream. Costs nothing until it is used, and there may be one submitter to a stream.
    pub fn stream(&self, stream: StreamKey) -> PageStream {
        PageStream::new(self.clone(), stream)
    }

    /// How often it was opened again, or moved aside, since [`open`](Self::open): what was submitted before may be gone.
    pub fn openings(&self) -> u64 {
        self.opened().opening
    }

    /// Writes what was submitted, of all streams, syncs, and releases the directory. Everything else fails afterwards.
    pub fn close(&self) -> Result<(), StoreError> {
        self.stream(StreamKey::default()).close()
    }

    fn new(directory: &Path, options: &Options, opened: Opened) -> Self {
        let (directory, options) = (directory.to_path_buf(), options.clone());
        Self(Arc::new(Inner { directory, options, opened: RwLock::new(opened) }))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0.directory
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn opened(&self) -> RwLockReadGuard<'_, Opened> {
        self.0.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changing(&self) -> RwLockWriteGuard<'_, Opened> {
        self.0.opened.write().unwrap_or_else(PoisonError::into_inner)
    }
}
