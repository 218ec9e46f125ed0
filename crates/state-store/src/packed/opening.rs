//! Opening what is in a directory on a thread of its own, or moving it aside and starting empty.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::engine::Engine;
use super::load::{LoadError, load};
use super::pipeline::Pipeline;
use super::store::Options;
use super::thread::{Status, Work, serve};
use super::view::{Shared, View};
use crate::{OpenReport, Reason, StoreError};

/// Half a second for a lock that is about to be released.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// What may have been written without a summary of it.
const UNSUMMED_BYTES: usize = 64 * 1_024 * 1_024;

/// A store that is open, or has failed.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) shared: Arc<Shared>,
    pub(super) status: Arc<Status>,
    /// `None` once it is closed. It ends with the bytes that it has written, roughly.
    pub(super) thread: Option<(Sender<Work>, JoinHandle<usize>)>,
    config: sled::Config,
}

impl Opened {
    /// Opens what is in `directory`, or moves it aside and says so.
    pub(super) fn start(directory: &Path, options: &Options) -> Result<(Self, OpenReport), StoreError> {
        match Self::try_open(directory, options) {
            Ok(opened) => Ok((opened, OpenReport::default())),
            Err(LoadError::Refused(error)) => Err(error),
            Err(LoadError::Unusable(reason)) => {
                let aside = move_aside(directory, kind_of(&reason))?;
                match Self::try_open(directory, options) {
                    Ok(opened) => Ok((opened, OpenReport { moved_aside: Some((aside, reason)) })),
                    Err(again) => {
                        // Not even an empty one can be opened: the disk is at fault, and the next attempt finds the
                        // store where it was.
                        put_back(&aside, directory)?;
                        Err(again.into_error())
                    }
                }
            }
        }
    }

    fn try_open(directory: &Path, options: &Options) -> Result<Self, LoadError> {
        let (work, inbox) = mpsc::channel();
        let (ready, opened) = mpsc::sync_channel(1);
        let status = Arc::new(Status::default());
        let config = sled::Config::new()
            .path(directory)
            .cache_capacity(options.cache_bytes)
            .flush_every_ms(None)
            .mode(sled::Mode::HighThroughput);
        let (path, options, thread_status) = (directory.to_path_buf(), options.clone(), Arc::clone(&status));
        let thread_config = config.clone();
        // sled may panic on damaged files: on its own thread that is an answer like any other.
        let thread = std::thread::Builder::new()
            .name(format!("state-store {}", options.owner))
            .spawn(move || match open_engine(&path, &thread_config, options) {
                Ok((mut engine, shared)) => {
                    if ready.send(Ok(shared)).is_ok() {
                        serve(&mut engine, &inbox, &thread_status);
                    }
                    engine.changed_bytes()
                }
                Err(error) => {
                    drop(ready.send(Err(error)));
                    0
                }
            })
            .map_err(|error| LoadError::Unusable(Reason::Failed(error.to_string())))?;
        match opened.recv() {
            Ok(Ok(shared)) => Ok(Self { shared, status, thread: Some((work, thread)), config }),
            Ok(Err(error)) => {
                drop(thread.join());
                Err(error)
            }
            Err(_) => {
                drop(thread.join());
                Err(LoadError::Unusable(Reason::Panicked))
            }
        }
    }

    pub(super) fn stop(&mut self) {
        let Some((work, thread)) = self.thread.take() else { return };
        drop(work);
        let changed = thread.join().unwrap_or(0);
        self.shared.update(|view| *view = View::default());
        // sled sums up what it has written when it is opened, and never else: the next start would have to read all of it.
        if changed >= UNSUMMED_BYTES && self.status.failed.get().is_none() {
            drop(open_sled(&self.config));
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open_engine(directory: &Path, config: &sled::Config, options: Options) -> Result<(Engine, Arc<Shared>), LoadError> {
    // An empty file is what a first opening leaves that was killed at once.
    let existed = std::fs::metadata(directory.join("db")).is_ok_and(|db| db.len() > 0);
    std::fs::create_dir_all(directory).map_err(|error| StoreError::io("making the folder", &error))?;
    let space = options.space(directory);
    space.check(0)?;
    let db = open_sled(config)?;
    let mut pipeline = Pipeline::new(db, space);
    let mut loaded = load(directory, &mut pipeline, &options, existed)?;
    let shared = Arc::new(Shared::new(core::mem::take(&mut loaded.view)));
    let mut engine = Engine::new(pipeline, Arc::clone(&shared), options, loaded);
    engine.resume()?;
    engine.sync()?;
    Ok((engine, shared))
}

/// sled's own threads let go of its lock a moment after the last handle is dropped, so one that was just closed in
/// this process is waited for.
fn open_sled(config: &sled::Config) -> Result<sled::Db, LoadError> {
    let mut attempts = 0_u32;
    loop {
        match config.open().map_err(LoadError::from) {
            Err(LoadError::Refused(StoreError::InUse)) if attempts < LOCK_ATTEMPTS => std::thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
        attempts = attempts.saturating_add(1);
    }
}

/// What a store that cannot be used is called.
pub(super) const fn kind_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::OtherVersion { .. } => "older",
        Reason::Failed(_)
        | Reason::Panicked
        | Reason::Corrupt(_)
        | Reason::OtherOwner { .. }
        | Reason::Condemned(_) => "corrupt",
    }
}

/// Renames the directory to the first free name.
pub(super) fn move_aside(directory: &Path, kind: &str) -> Result<PathBuf, StoreError> {
    let mut number = 1_u32;
    loop {
        let mut name = directory.as_os_str().to_owned();
        name.push(format!(".{kind}-{number}"));
        let aside = PathBuf::from(name);
        if !aside.exists() {
            let moved = std::fs::rename(directory, &aside);
            return moved.map(|()| aside).map_err(|error| StoreError::io("moving a store aside", &error));
        }
        number = number.saturating_add(1);
    }
}

/// Undoes [`move_aside`]. What was begun in its place meanwhile holds nothing: it could not be opened.
fn put_back(aside: &Path, directory: &Path) -> Result<(), StoreError> {
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(|error| StoreError::io("removing an empty store", &error))?;
    }
    std::fs::rename(aside, directory).map_err(|error| StoreError::io("putting a store back", &error))
}
