//! The thread that writes: batches first, background work between them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::engine::Engine;
use crate::backend::{Batch, Submission};
use crate::{StoreError, StreamKey};

/// Pause after which what is in memory alone is saved: longer than a writer under load needs for its next checkpoint,
/// shorter than the second after which one at rest cuts the next.
const QUIET: Duration = Duration::from_millis(500);
/// Work in the background per byte written: an entry is rewritten once per level, and 6 levels are 10^9 entries.
/// The rest of the background work is done whenever nothing waits.
const WORK_PER_BYTE: usize = 6;
/// What a step without a write counts for, so that such steps end too.
const STEP_BYTES: usize = 4 * 1024;

pub(crate) enum Work {
    Write(Write),
    Sync(SyncSender<Result<(), StoreError>>),
    /// Syncs after all background work is done.
    Settle(SyncSender<Result<(), StoreError>>),
}

/// A batch of a stream, that waits.
pub(crate) struct Write {
    pub(crate) stream: StreamKey,
    pub(crate) submission: Box<dyn Submission>,
    pub(crate) place: Place,
}

/// A place among the batches of a stream that wait; dropped once the batch is written, or the thread has ended.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    pub(crate) fn take(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What the thread says of itself.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) failed: OnceLock<StoreError>,
}

/// Runs until the handle is dropped; batches first, background work between them.
pub(crate) fn serve(engine: &mut Engine, inbox: &Receiver<Work>, status: &Status) {
    let guard = FailureGuard(status);
    let result = serve_until_closed(engine, inbox);
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

fn serve_until_closed(engine: &mut Engine, inbox: &Receiver<Work>) -> Result<(), StoreError> {
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
            Work::Write(Write { stream, mut submission, place }) => {
                let mut batch = Batch::of(stream);
                submission.fill(&mut batch);
                if batch.stream() != stream {
                    return Err(StoreError::Failed("a batch of another stream was submitted".to_owned()));
                }
                let written = engine.write(batch)?;
                submission.written();
                drop(place);
                work_off(engine, written)?;
            }
            // Callers learn why it failed before they find the thread gone.
            Work::Sync(reply) => {
                let saved = engine.save();
                drop(reply.send(saved.clone()));
                saved?;
            }
            Work::Settle(reply) => {
                let settled = settle(engine);
                drop(reply.send(settled.clone()));
                settled?;
            }
        }
    }
}

fn settle(engine: &mut Engine) -> Result<(), StoreError> {
    engine.save()?;
    while engine.has_work() {
        engine.step()?;
    }
    engine.sync()
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
