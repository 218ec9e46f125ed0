//! The handle: opens a store on a thread of its own, and hands it work.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::engine::Engine;
use super::load::{LoadError, load};
use super::overlay::FULL_KEYS;
use super::pipeline::Pipeline;
use super::view::Shared;
use crate::backend::{Backend, Batch, Submission, TailRecord, Visit};
use crate::{OpenReport, Reason, StoreError};

/// Batches that may wait by default; with two overlays this bounds the memory of what is not in a run.
const QUEUE: usize = 4;
/// Half a second for a lock that is about to be released.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// Pause after which what is in memory alone is saved: longer than a writer under load needs for its next checkpoint,
/// shorter than the second after which one at rest cuts the next.
const QUIET: Duration = Duration::from_millis(500);
/// Work in the background per byte written: an entry is rewritten once per level, and 6 levels are 10^9 entries.
/// The rest of the background work is done whenever nothing waits.
const WORK_PER_BYTE: usize = 6;
/// What a step without a write counts for, so that such steps end too.
const STEP_BYTES: usize = 4 * 1024;

/// Called at named points with their name: a test kills the process there.
pub type OnPoint = Arc<dyn Fn(&'static str) + Send + Sync>;

#[derive(Clone)]
pub struct Options {
    /// Whose store this is, e.g. a stream's name: another's is never read.
    pub owner: String,
    /// Version of what the owner writes; a store of another one is moved aside.
    pub schema: u32,
    /// Bound of sled's cache. Small: what is hot is in the owner's memory.
    pub cache_bytes: u64,
    /// Keys after which what was written is turned into a run. Fewer make tests merge soon.
    pub overlay_keys: usize,
    /// Batches that may wait to be written.
    pub queue: usize,
    pub on_point: Option<OnPoint>,
}

impl Options {
    pub fn new(owner: impl Into<String>, schema: u32) -> Self {
        Self {
            owner: owner.into(),
            schema,
            cache_bytes: 8 * 1024 * 1024,
            overlay_keys: FULL_KEYS,
            queue: QUEUE,
            on_point: None,
        }
    }

    pub(crate) fn point(&self, name: &'static str) {
        if let Some(on_point) = &self.on_point {
            on_point(name);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, schema, cache_bytes, overlay_keys: _, queue: _, on_point: _ } = self;
        write!(f, "Options({owner}, schema {schema}, cache {cache_bytes} bytes)")
    }
}

enum Work {
    Write(Box<dyn Submission>),
    Sync(SyncSender<Result<(), StoreError>>),
    /// Syncs after all background work is done.
    Settle(SyncSender<Result<(), StoreError>>),
}

/// A store in a directory, written by a thread of its own.
pub struct PackedStore {
    directory: PathBuf,
    shared: Arc<Shared>,
    queue: usize,
    status: Arc<Status>,
    thread: Mutex<Option<(Sender<Work>, JoinHandle<()>)>>,
}

/// What the thread says of itself.
#[derive(Debug, Default)]
struct Status {
    waiting: AtomicUsize,
    failed: OnceLock<StoreError>,
}

impl fmt::Debug for PackedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedStore({})", self.directory.display())
    }
}

impl PackedStore {
    /// Opens what is in `directory`, or moves it aside, says so, and starts empty.
    pub fn open(directory: &Path, options: &Options) -> Result<(Self, OpenReport), StoreError> {
        match Self::try_open(directory, options) {
            Ok(store) => Ok((store, OpenReport::default())),
            Err(LoadError::InUse) => Err(StoreError::InUse),
            Err(LoadError::Unusable(reason)) => {
                let aside = move_aside(directory, kind_of(&reason))?;
                let store = Self::try_open(directory, options).map_err(|error| match error {
                    LoadError::InUse => StoreError::InUse,
                    LoadError::Unusable(again) => StoreError::Failed(again.to_string()),
                })?;
                Ok((store, OpenReport { moved_aside: Some((aside, reason)) }))
            }
        }
    }

    /// Waits until all background work is done too: for measurements and tests.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.ask(Work::Settle)
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
        let queue = options.queue;
        let (path, options, thread_status) = (directory.to_path_buf(), options.clone(), Arc::clone(&status));
        // sled may panic on damaged files: on its own thread that is an answer like any other.
        let thread = std::thread::Builder::new()
            .name(format!("state-store {}", options.owner))
            .spawn(move || match open_engine(&path, &config, options) {
                Ok((mut engine, shared)) => {
                    if ready.send(Ok(shared)).is_ok() {
                        serve(&mut engine, &inbox, &thread_status);
                    }
                }
                Err(error) => drop(ready.send(Err(error))),
            })
            .map_err(|error| LoadError::Unusable(Reason::Failed(error.to_string())))?;
        match opened.recv() {
            Ok(Ok(shared)) => {
                let thread = Mutex::new(Some((work, thread)));
                Ok(Self { directory: directory.to_path_buf(), shared, queue, status, thread })
            }
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

    fn failure(&self) -> Result<(), StoreError> {
        self.status.failed.get().cloned().map_or(Ok(()), Err)
    }

    fn sender(&self) -> Result<Sender<Work>, StoreError> {
        self.failure()?;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().map(|(work, _)| work.clone()).ok_or(StoreError::Closed)
    }

    fn ask(&self, question: impl FnOnce(SyncSender<Result<(), StoreError>>) -> Work) -> Result<(), StoreError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.sender()?.send(question(reply)).map_err(|_| self.gone())?;
        answer.recv().unwrap_or_else(|_| Err(self.gone()))
    }

    /// Why the thread does not answer.
    fn gone(&self) -> StoreError {
        self.failure().err().unwrap_or(StoreError::Closed)
    }

    fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((work, thread)) = thread {
            drop(work);
            drop(thread.join());
        }
        self.shared.update(|view| *view = super::view::View::default());
    }
}

impl Backend for PackedStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.get(key)
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut cursor = self.shared.cursor(prefix)?;
        while let Some((key, value)) = cursor.peek() {
            if let Some(value) = value {
                visit(key, value)?;
            }
            cursor.advance()?;
        }
        Ok(())
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.with(|view| view.check_open().map(|()| view.meta.clone()))
    }

    fn tail(&self) -> Result<Vec<TailRecord>, StoreError> {
        self.shared.tail()
    }

    fn has_room(&self) -> bool {
        self.status.waiting.load(Ordering::Acquire) < self.queue
    }

    fn submit(&self, submission: Box<dyn Submission>) -> Result<(), StoreError> {
        let work = self.sender()?;
        if !self.has_room() {
            return Err(StoreError::Full);
        }
        self.status.waiting.fetch_add(1, Ordering::AcqRel);
        work.send(Work::Write(submission)).map_err(|_| self.gone())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.ask(Work::Sync)
    }

    fn close(&self) -> Result<(), StoreError> {
        let flushed = self.flush();
        self.stop();
        flushed
    }

    fn condemn(&self, why: &str) -> Result<Option<(PathBuf, Reason)>, StoreError> {
        self.stop();
        let reason = Reason::Condemned(why.to_owned());
        Ok(Some((move_aside(&self.directory, kind_of(&reason))?, reason)))
    }

    fn retire(&self) -> Result<Option<PathBuf>, StoreError> {
        self.close()?;
        move_aside(&self.directory, "evidence").map(Some)
    }
}

impl Drop for PackedStore {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open_engine(directory: &Path, config: &sled::Config, options: Options) -> Result<(Engine, Arc<Shared>), LoadError> {
    // An empty file is what a first opening leaves that was killed at once.
    let existed = std::fs::metadata(directory.join("db")).is_ok_and(|db| db.len() > 0);
    let db = open_sled(config)?;
    let mut pipeline = Pipeline::new(db);
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
            Err(LoadError::InUse) if attempts < LOCK_ATTEMPTS => std::thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
        attempts = attempts.saturating_add(1);
    }
}

/// Runs until the handle is dropped; batches first, background work between them.
fn serve(engine: &mut Engine, inbox: &Receiver<Work>, status: &Status) {
    let guard = FailureGuard(status);
    let result = serve_until_closed(engine, inbox, status);
    core::mem::forget(guard);
    if let Err(error) = result {
        drop(status.failed.set(error));
    }
}

/// Says that the thread panicked.
struct FailureGuard<'a>(&'a Status);

impl Drop for FailureGuard<'_> {
    fn drop(&mut self) {
        drop(self.0.failed.set(StoreError::Failed("its thread panicked".to_owned())));
    }
}

fn serve_until_closed(engine: &mut Engine, inbox: &Receiver<Work>, status: &Status) -> Result<(), StoreError> {
    loop {
        while engine.is_stalled() {
            engine.step()?;
        }
        let work = if engine.has_work() {
            match inbox.try_recv() {
                Ok(work) => work,
                Err(TryRecvError::Empty) => {
                    engine.step()?;
                    continue;
                }
                Err(TryRecvError::Disconnected) => return engine.save(),
            }
        } else {
            engine.sync()?;
            match wait(inbox, engine.has_unsaved()) {
                Ok(work) => work,
                Err(RecvTimeoutError::Timeout) => {
                    engine.save()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return engine.save(),
            }
        };
        match work {
            Work::Write(mut submission) => {
                let mut batch = Batch::new();
                submission.fill(&mut batch);
                let written = engine.write(batch.seal())?;
                submission.written();
                status.waiting.fetch_sub(1, Ordering::AcqRel);
                work_off(engine, written)?;
            }
            Work::Sync(reply) => {
                engine.save()?;
                drop(reply.send(Ok(())));
            }
            Work::Settle(reply) => {
                engine.save()?;
                while engine.has_work() {
                    engine.step()?;
                }
                engine.sync()?;
                drop(reply.send(Ok(())));
            }
        }
    }
}

/// Waits for work; if something is unsaved, not for long.
fn wait(inbox: &Receiver<Work>, unsaved: bool) -> Result<Work, RecvTimeoutError> {
    if unsaved { inbox.recv_timeout(QUIET) } else { inbox.recv().map_err(|_| RecvTimeoutError::Disconnected) }
}

/// Does as much in the background as what was written makes necessary.
fn work_off(engine: &mut Engine, written: usize) -> Result<(), StoreError> {
    let mut credit = written.saturating_mul(WORK_PER_BYTE);
    while credit > 0 && engine.has_work() {
        credit = credit.saturating_sub(engine.step()?.max(STEP_BYTES));
    }
    Ok(())
}

/// What a store that cannot be used is called.
const fn kind_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::OtherVersion { .. } => "older",
        Reason::Failed(_)
        | Reason::Panicked
        | Reason::Corrupt(_)
        | Reason::OtherOwner { .. }
        | Reason::Condemned(_) => "corrupt",
    }
}

/// Renames the directory to the first free name; nothing is ever deleted here.
fn move_aside(directory: &Path, kind: &str) -> Result<PathBuf, StoreError> {
    let mut number = 1_u32;
    loop {
        let mut name = directory.as_os_str().to_owned();
        name.push(format!(".{kind}-{number}"));
        let aside = PathBuf::from(name);
        if !aside.exists() {
            let failed = |error: std::io::Error| StoreError::Failed(format!("moving a store aside: {error}"));
            return std::fs::rename(directory, &aside).map(|()| aside).map_err(failed);
        }
        number = number.saturating_add(1);
    }
}
