//! Opening what is in a directory on a thread of its own, or moving it aside and starting empty.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::engine::Engine;
use super::folder::{move_aside, put_back};
use super::load::{LoadError, load};
use super::panics;
use super::pipeline::Pipeline;
use super::readable::check_readable;
use super::store::Options;
use super::tails::Tails;
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
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) status: Arc<Status>,
    /// `None` once it is closed. It ends with the bytes that it has written, roughly.
    pub(crate) thread: Option<(Sender<Work>, JoinHandle<usize>)>,
    /// Which opening this is, of the same store in this process.
    pub(crate) opening: u64,
    pub(crate) report: OpenReport,
    config: sled::Config,
}

impl Opened {
    /// Opens what is in `directory`, or moves it aside and says so, if its bytes are damaged or not of this build. What
    /// the system refuses says nothing about them.
    pub(crate) fn start(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        // Before sled sees the files: it takes what it cannot read for a torn end, and writes over it.
        let opened =
            check_readable(directory, &options.checked).and_then(|()| Self::open_or_replace(directory, options));
        opened.map_err(|error| error.at(directory))
    }

    fn open_or_replace(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        let mut reason = match Self::try_open(directory, options) {
            Ok(opened) => return Ok(opened),
            Err(LoadError::Refused(error)) => return Err(error),
            Err(LoadError::Unusable(reason)) => reason,
        };
        if is_damage(&reason) {
            // sled says of some errors of the system that its files are damaged, so it is asked twice.
            check_readable(directory, &options.checked)?;
            match Self::try_open(directory, options) {
                Ok(opened) => return Ok(opened),
                Err(LoadError::Refused(error)) => return Err(error),
                Err(LoadError::Unusable(again)) => reason = again,
            }
        }
        let aside = move_aside(directory, kind_of(&reason))?;
        match Self::try_open(directory, options) {
            Ok(mut opened) => {
                opened.report.moved_aside = Some((aside, reason));
                Ok(opened)
            }
            Err(again) => {
                // Not even an empty one can be opened: the disk is at fault, and the next attempt finds the store where
                // it was.
                put_back(&aside, directory)?;
                Err(again.into_error())
            }
        }
    }

    /// A store that cannot be opened because of `error`: it holds nothing and has failed, until it is opened again.
    pub(crate) fn absent(directory: &Path, options: &Options, error: StoreError) -> Self {
        let status = Status::default();
        drop(status.failed.set(error));
        let shared = Shared::new(View { is_open: true, ..View::default() });
        let report = OpenReport::default();
        let config = sled_config(directory, options);
        Self { shared: Arc::new(shared), status: Arc::new(status), thread: None, opening: 0, report, config }
    }

    fn try_open(directory: &Path, options: &Options) -> Result<Self, LoadError> {
        let (work, inbox) = mpsc::channel();
        let (ready, opened) = mpsc::sync_channel(1);
        let status = Arc::new(Status::default());
        let config = sled_config(directory, options);
        let (path, options, thread_status) = (directory.to_path_buf(), options.clone(), Arc::clone(&status));
        let thread_config = config.clone();
        // sled may panic on damaged files: on its own thread that is an answer like any other.
        let thread = std::thread::Builder::new()
            .name(format!("{}{}", panics::THREAD, options.owner))
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
            .map_err(|error| LoadError::Refused(StoreError::resource("starting its thread", &error)))?;
        match opened.recv() {
            Ok(Ok(shared)) => {
                let (thread, report) = (Some((work, thread)), OpenReport::default());
                Ok(Self { shared, status, thread, opening: 0, report, config })
            }
            Ok(Err(error)) => {
                drop(thread.join());
                Err(error)
            }
            Err(_) => {
                let text = thread.join().err().map(|payload| panics::text(&*payload)).unwrap_or_default();
                Err(if panics::names_system_error(&text) {
                    LoadError::Refused(StoreError::Resource(text))
                } else {
                    LoadError::Unusable(Reason::Panicked(text))
                })
            }
        }
    }

    /// Whether it takes batches.
    pub(crate) fn is_working(&self) -> bool {
        self.thread.is_some() && self.status.failed.get().is_none()
    }

    pub(crate) fn stop(&mut self) {
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
    let existed = match std::fs::metadata(directory.join("db")) {
        Ok(db) => db.len() > 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(StoreError::resource("looking for its file", &error).into()),
    };
    std::fs::create_dir_all(directory).map_err(|error| StoreError::resource("making the folder", &error))?;
    let space = options.space(directory);
    space.check(0)?;
    let db = open_sled(config)?;
    let mut pipeline = Pipeline::new(db, space);
    let mut loaded = load(&mut pipeline, &options, existed)?;
    let shared = Arc::new(Shared::new(core::mem::take(&mut loaded.view)));
    let mut tails = Tails::new(directory);
    options.checked.iter().try_for_each(|stream| tails.check(&shared, *stream))?;
    let mut engine = Engine::new(pipeline, Arc::clone(&shared), tails, options, loaded);
    engine.resume()?;
    engine.sync()?;
    Ok((engine, shared))
}

fn sled_config(directory: &Path, options: &Options) -> sled::Config {
    sled::Config::new()
        .path(directory)
        .cache_capacity(options.cache_bytes)
        .flush_every_ms(None)
        .mode(sled::Mode::HighThroughput)
}

/// Whether it says that bytes are wrong, and not whose or of which version they are.
const fn is_damage(reason: &Reason) -> bool {
    match reason {
        Reason::Failed(_) | Reason::Panicked(_) | Reason::Corrupt(_) | Reason::Condemned(_) => true,
        Reason::OtherVersion { .. } | Reason::OtherOwner { .. } => false,
    }
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
pub(crate) const fn kind_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::OtherVersion { .. } => "older",
        Reason::OtherOwner { .. } => "foreign",
        Reason::Failed(_) | Reason::Panicked(_) | Reason::Corrupt(_) | Reason::Condemned(_) => "corrupt",
    }
}
