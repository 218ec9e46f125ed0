//! When the state store fails, the writer continues in memory while there is room, and starts over from what the store had
//! written once its disk accepts writes again.
//!
//! The store is only a cache, so nothing is lost; what it had not written is folded again from the log. A store that can
//! no longer be read, or that fails for too long, halts the stream until it can be opened again. No restart is needed.

use core::time::Duration;

use loopledger_domain::Decider;
use loopledger_state_store::StoreError;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::health::{CatchUp, Health};
use super::task::Task;
use super::{Beginning, Halt, WriteError};

/// Between two looks at the disk of a store that failed. A look writes some megabytes.
const PAUSE: Duration = Duration::from_secs(1);

/// How a writer's life ended.
pub(super) enum End<D: Decider> {
    Stopped,
    /// The store can be opened again; no caller was refused.
    Again(Box<Beginning<D>>),
    /// It cannot go on, and has said why.
    Halted(Box<Beginning<D>>, Halt),
}

impl<D: Decider> Task<D> {
    /// The store writes nothing more. Prepares another life when its disk has room again, and
    /// halts when memory has none.
    pub(super) fn go_on_without(&mut self, error: StoreError, now: Instant) -> Result<(), Halt> {
        let Some(look_at) = self.without_store else {
            tracing::error!(stream = %self.stream, %error, "state store failed, continuing in memory");
            self.metrics.store_failures_total.add(1);
            self.metrics.store_failed.set(1);
            self.without_store = now.checked_add(PAUSE);
            return Ok(());
        };
        if self.is_backlogged() {
            return Err(Halt::Store(error));
        }
        if look_at <= now {
            self.store_is_back |= self.store.probe().is_ok();
            self.without_store = now.checked_add(PAUSE);
        }
        Ok(())
    }

    /// Ends this life once everything that was taken is done, if the next one has a store.
    pub(super) fn check_store_is_back(&self) -> Result<(), Halt> {
        match self.store.failure().filter(|_| self.store_is_back && self.is_drained()) {
            Some(error) => Err(Halt::Store(error)),
            None => Ok(()),
        }
    }

    /// What another life begins with. What is in flight may stand: it is read as if another writer had appended it.
    pub(super) fn into_beginning(self) -> Beginning<D> {
        Beginning {
            stream: self.stream,
            upstream: self.upstream.iter().map(|upstream| upstream.stream).collect(),
            feed: self.feed,
            store: self.store,
            clock: self.clock.into_inner(),
            config: self.config,
            metrics: self.metrics,
            measured: self.appended.into_measured(),
            health: self.health,
            heads: self.heads,
            inputs: self.inputs,
        }
    }

    /// A store with damaged contents is moved aside, so that the next start folds the log. Never because of anything
    /// that the log or the rules did.
    pub(super) fn give_up_store(&self, halt: &Halt) {
        if let Halt::Store(StoreError::Corrupt(_)) = halt
            && let Err(error) = self.store.condemn(&halt.to_string())
        {
            tracing::error!(stream = %self.stream, %error, "the state store could not be moved aside");
        }
    }
}

impl<D: Decider> Beginning<D> {
    /// Opens a store whose disk has room again. What was asked meanwhile waits.
    pub(super) fn reopen_at_once(&self) -> Result<(), Halt> {
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
    pub(super) async fn reopen_store(&mut self, error: &StoreError, stop: &CancellationToken) -> bool {
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
