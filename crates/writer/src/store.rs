//! The state store as the task uses it: what was confirmed goes in by checkpoints, and what is not in memory comes out.
//!
//! When the store fails, the task continues in memory while there is room, and this part looks at the disk until it accepts
//! writes again. Then the task ends, and another one begins with the store (`beginning`).

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use loopledger_domain::{Decider, Entity as _};
use loopledger_state_store::{Orphan, Progress, ServiceStore, StoreError};
use loopledger_types::{Head, RequestId, StreamId};
use tokio::time::Instant;

use super::checkpoint::{Dirty, PERIOD};
use super::health::Metrics;
use super::speculation::Request;
use super::{EntityKey, Halt};

/// When to ask again, if the store has no room for a checkpoint that is due.
const RETRY: Duration = Duration::from_millis(5);

/// Between two looks at the disk of a store that failed. A look writes some megabytes.
const PAUSE: Duration = Duration::from_secs(1);

/// The store, and what it has not taken yet.
pub(super) struct StoreLink<D: Decider> {
    stream: StreamId,
    store: Arc<dyn ServiceStore<D::Entity>>,
    metrics: Arc<Metrics>,
    dirty: Dirty,
    /// When to ask again whether the store takes a checkpoint that is due.
    retry_at: Option<Instant>,
    /// When to look whether the store has written what it took.
    look_at: Option<Instant>,
    /// Set while the store has failed: when to try its disk next.
    probe_at: Option<Instant>,
    /// The disk of a store that failed has room again: this life ends when what was taken is done.
    is_back: bool,
}

/// What a checkpoint took, which may leave memory: the store finds it at once.
pub(super) struct Stored<D: Decider> {
    pub(super) requests: Vec<RequestId>,
    pub(super) closed: Vec<EntityKey<D>>,
}

impl<D: Decider> StoreLink<D> {
    pub(super) fn new(stream: StreamId, store: Arc<dyn ServiceStore<D::Entity>>, metrics: Arc<Metrics>) -> Self {
        let dirty = Dirty::default();
        Self { stream, store, metrics, dirty, retry_at: None, look_at: None, probe_at: None, is_back: false }
    }

    pub(super) fn entity(&self, key: &EntityKey<D>) -> Result<Option<D::Entity>, Halt> {
        self.store.entity(key).map_err(Halt::Store)
    }

    /// The commit of a request that was stored, and the request's digest.
    pub(super) fn request(&self, request_id: RequestId) -> Result<Option<(Head, [u8; 32])>, Halt> {
        let stored = self.store.request(request_id).map_err(Halt::Store)?;
        Ok(stored.map(|record| (Head { sequence: record.sequence, hash: record.hash }, record.digest)))
    }

    /// A commit of the own stream stands. Its bytes are the caller's own, or copied: a slice of a read would keep all
    /// of it in memory.
    pub(super) fn note_commit(&mut self, sequence: u64, value: Option<Bytes>) {
        self.dirty.commit(sequence, value);
    }

    pub(super) fn note_upstream_commit(&mut self) {
        self.dirty.upstream_commit();
    }

    pub(super) fn note_request(&mut self, request_id: RequestId, request: &Request) {
        self.dirty.request(request_id, request);
    }

    pub(super) fn note_orphan(&mut self, orphan: Orphan) {
        self.dirty.orphan(orphan);
    }

    /// Whether there is as much to be stored, with `changed` entities, as one checkpoint should hold: nothing more is
    /// read or decided then.
    pub(super) fn is_backlogged(&self, changed: usize) -> bool {
        self.dirty.is_backlogged(changed, self.probe_at.is_none())
    }

    /// Whether to cut a checkpoint now: one is due and the store takes it.
    pub(super) fn wants_checkpoint(&mut self, now: Instant, changed: usize) -> Result<bool, Halt> {
        self.retry_at = None;
        if let Some(error) = self.store.failure() {
            self.go_on_without(error, now, changed)?;
            return Ok(false);
        }
        let is_full = self.dirty.is_full() || self.is_backlogged(changed);
        if !is_full && self.dirty.due().is_none_or(|due| due > now) {
            return Ok(false);
        }
        let has_room = self.store.has_room();
        if !has_room {
            self.retry_at = now.checked_add(RETRY);
        }
        Ok(has_room)
    }

    /// Submits everything up to now as one checkpoint.
    pub(super) fn submit(
        &mut self,
        progress: Progress,
        entities: Vec<(EntityKey<D>, Option<D::Entity>)>,
    ) -> Result<Stored<D>, Halt> {
        self.look_at = Instant::now().checked_add(PERIOD);
        let checkpoint = self.dirty.cut(progress, entities);
        let is_closed = |entity: &Option<D::Entity>| entity.as_ref().is_some_and(D::Entity::is_closed);
        let stored = Stored {
            requests: checkpoint.requests.iter().map(|record| record.request_id).collect(),
            closed: checkpoint.entities.iter().filter(|(_, entity)| is_closed(entity)).map(|(key, _)| *key).collect(),
        };
        self.store.submit(checkpoint).map_err(Halt::Store)?;
        self.metrics.checkpoints_total.add(1);
        Ok(stored)
    }

    /// Whether anything is left to be stored before the end; the store has room for it then.
    pub(super) fn wants_last_checkpoint(&self) -> Result<bool, Halt> {
        let is_due = self.dirty.due().is_some();
        if is_due && !self.store.has_room() {
            self.flush()?;
        }
        Ok(is_due)
    }

    pub(super) fn flush(&self) -> Result<(), Halt> {
        self.store.flush().map_err(Halt::Store)
    }

    /// The store writes nothing more. Looks whether its disk has room again, and halts when memory has none.
    fn go_on_without(&mut self, error: StoreError, now: Instant, changed: usize) -> Result<(), Halt> {
        let Some(probe_at) = self.probe_at else {
            tracing::error!(stream = %self.stream, %error, "state store failed, continuing in memory");
            self.metrics.store_failures_total.add(1);
            self.metrics.store_failed.set(1);
            self.probe_at = now.checked_add(PAUSE);
            return Ok(());
        };
        if self.is_backlogged(changed) {
            return Err(Halt::Store(error));
        }
        if probe_at <= now {
            self.is_back |= self.store.probe().is_ok();
            self.probe_at = now.checked_add(PAUSE);
        }
        Ok(())
    }

    /// Whether another life would have a store, and this one has none.
    pub(super) const fn is_back(&self) -> bool {
        self.is_back
    }

    /// Why the store failed, if its disk has room again.
    pub(super) fn failure_if_back(&self) -> Option<StoreError> {
        self.is_back.then(|| self.store.failure()).flatten()
    }

    /// A store with damaged contents is moved aside, so that the next start folds the log. Never because of anything
    /// that the log or the rules did.
    pub(super) fn give_up(&self, halt: &Halt) {
        if let Halt::Store(StoreError::Corrupt(_)) = halt
            && let Err(error) = self.store.condemn(&halt.to_string())
        {
            tracing::error!(stream = %self.stream, %error, "the state store could not be moved aside");
        }
    }

    /// When to look at the store again, or to cut the next checkpoint.
    pub(super) fn due(&self) -> Option<Instant> {
        // While the store has no room, or has failed, asking again is what comes next.
        let next = self.probe_at.or(self.retry_at).or_else(|| self.dirty.due());
        self.look_at.into_iter().chain(next).min()
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        self.look_at = self.look_at.filter(|time| *time > now);
    }

    pub(super) fn into_inner(self) -> Arc<dyn ServiceStore<D::Entity>> {
        self.store
    }
}
