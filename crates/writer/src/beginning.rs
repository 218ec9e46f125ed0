//! A writer's lives: each opens the store and the streams and runs a task, until the writer is stopped or halts for good.
//!
//! When the state store fails, the writer continues in memory while there is room, and starts over from what the store had
//! written once its disk accepts writes again. The store is only a cache, so nothing is lost; what it had not written is
//! folded again from the log. A store that can no longer be read, or that fails for too long, halts the stream until it
//! can be opened again. No restart is needed.

use core::time::Duration;
use std::sync::Arc;

use loopledger_domain::{Decider, State};
use loopledger_feed::clock::Clock;
use loopledger_feed::{CatchUp, Feed, FollowError, HeadCheck, Heads};
use loopledger_state_store::{Progress, ServiceStore, StoreError};
use loopledger_types::{StreamId, Table, WithCauses};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::health::{Health, Metrics};
use super::job::Input;
use super::measured::Measured;
use super::speculation::Orphans;
use super::task::Task;
use super::{Halt, WriteError, WriterConfig, halting, own, speculation, start};

/// Between two attempts to open a store that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How a writer's life ended.
pub(super) enum End<D: Decider> {
    Stopped,
    /// The store can be opened again; no caller was refused.
    Again(Box<Beginning<D>>),
    /// It cannot go on, and has said why.
    Halted(Box<Beginning<D>>, Halt),
}

/// What a writer begins with.
pub(super) struct Beginning<D: Decider> {
    pub(super) stream: StreamId,
    pub(super) upstream: Vec<StreamId>,
    pub(super) feed: Feed,
    pub(super) store: Arc<dyn ServiceStore<D::Entity>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: WriterConfig,
    pub(super) metrics: Arc<Metrics>,
    pub(super) measured: Arc<Measured>,
    pub(super) health: watch::Sender<Health>,
    pub(super) heads: watch::Sender<Arc<Heads>>,
    pub(super) inputs: mpsc::Receiver<Input<D>>,
}

/// What the store remembers, and the streams from there on.
pub(super) struct Opened<D: Decider> {
    pub(super) state: State<D>,
    pub(super) streams: start::Streams,
    pub(super) orphans: Orphans,
}

impl<D: Decider> Beginning<D> {
    /// One life after the other, until it is stopped or halts for good.
    pub(super) async fn run(mut self, stop: CancellationToken, opening: HeadCheck) {
        let mut opening = Some(opening);
        loop {
            let opened = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                opened = self.open() => Some(opened),
            };
            drop(opening.take());
            let halt = match opened {
                None => {
                    halting::refuse(self.inputs, &WriteError::ShuttingDown);
                    self.health.send_replace(Health::Stopped);
                    return;
                }
                Some(Ok(opened)) => match Task::new(self, stop.clone(), opened).run().await {
                    End::Stopped => return,
                    End::Again(again) => {
                        self = *again;
                        match self.reopen_at_once() {
                            Ok(()) => continue,
                            Err(halt) => halt,
                        }
                    }
                    End::Halted(again, halt) => {
                        self = *again;
                        halt
                    }
                },
                Some(Err(halt)) => {
                    self.report(&halt);
                    halt
                }
            };
            let reopened = if let Halt::Store(error) = &halt { self.reopen_store(error, &stop).await } else { false };
            if !reopened {
                return halting::halted(halt, self.inputs, &stop).await;
            }
        }
    }

    /// Reports that it is halted.
    fn report(&self, halt: &Halt) {
        let head = self.heads.borrow().get(self.stream).sequence;
        halting::report(self.stream, halt, head, &self.feed, &self.health);
    }

    /// Loads what the store has, and opens the streams where it ends.
    async fn open(&self) -> Result<Opened<D>, Halt> {
        let failed = |error: StoreError| Halt::Store(error);
        let mut state = State::new(self.stream.county);
        let progress = self.store.progress().map_err(failed)?;
        if progress.is_some() {
            state.entities.set_incomplete();
            for (key, entity) in self.store.load_open().map_err(failed)? {
                state.entities.load(key, Some(entity));
            }
        }
        let streams = self.open_streams(progress.as_ref()).await?;
        let orphans = if progress.is_some() { speculation::load_orphans(&*self.store)? } else { Table::new() };
        Ok(Opened { state, streams, orphans })
    }

    /// A log that cannot be read now is no reason to halt: it is tried again, as it is later on.
    async fn open_streams(&self, progress: Option<&Progress>) -> Result<start::Streams, FollowError> {
        let remembered = self.store.remembered().unwrap_or(0);
        loop {
            match start::open(&self.feed, self.stream, &self.upstream, progress, remembered, &self.measured).await {
                Err(error) if error.is_transient() => {
                    self.feed.note_failure(&error);
                    tracing::debug!(stream = %self.stream, error = %WithCauses(&error), "read failed, retrying");
                    sleep(own::READ_RETRY).await;
                }
                opened => return opened,
            }
        }
    }

    /// Opens a store whose disk has room again. What was asked meanwhile waits.
    fn reopen_at_once(&self) -> Result<(), Halt> {
        self.open_store_again().map_err(|error| {
            let halt = Halt::Store(error);
            self.report(&halt);
            halt
        })
    }

    fn open_store_again(&self) -> Result<(), StoreError> {
        let report = self.store.reopen()?;
        tracing::info!(stream = %self.stream, ?report, "state store reopened");
        self.metrics.store_failed.set(0);
        self.feed.set_halted(self.stream, None);
        self.health.send_replace(Health::CatchingUp(CatchUp::default()));
        Ok(())
    }

    /// Opens a store that failed again, as soon as that can be done; until then everything is answered with the reason.
    /// False: it is stopped first, or opening would not help.
    async fn reopen_store(&mut self, error: &StoreError, stop: &CancellationToken) -> bool {
        if !error.may_pass() || stop.is_cancelled() {
            return false;
        }
        let refused = WriteError::Halted(Halt::Store(error.clone()));
        self.metrics.store_failed.set(1);
        loop {
            let next = Instant::now().checked_add(PAUSE).unwrap_or_else(Instant::now);
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return false,
                    () = sleep_until(next) => break,
                    input = self.inputs.recv() => match input {
                        Some(input) => input.fail(refused.clone()),
                        None => return false,
                    },
                }
            }
            match self.open_store_again() {
                Ok(()) => return true,
                Err(error) => {
                    tracing::warn!(stream = %self.stream, %error, "could not reopen the state store, retrying");
                }
            }
        }
    }
}
