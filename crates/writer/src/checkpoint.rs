//! Checkpoints: what a restart need not fold again, written behind the log on the store's thread.
//!
//! What is submitted is found in the store at once, so it may leave memory at once.

use core::time::Duration;

use bytes::Bytes;
use loopledger_domain::{Decider, Entity as _};
use loopledger_state_store::{Checkpoint, Orphan, Progress, RequestRecord, StoreError, UpstreamProgress};
use loopledger_types::RequestId;
use tokio::time::Instant;

use super::decide::Request;
use super::task::Task;
use super::{EntityKey, Halt};

/// Commits of the own stream and of upstream that make a checkpoint due.
const COMMITS: usize = 8_192;

/// Changed entities and requests that make a checkpoint due, and stop the writer while the store has no room. One read
/// of the log (256 KiB) adds far fewer than the store's bound (32,768) leaves above it.
const CHANGES: usize = 12_288;

/// Bytes of raw commits, likewise (the bound is 8 MiB).
const TAIL_BYTES: usize = 4 * 1_024 * 1_024;

/// How many times as much is kept in memory while the store has failed: some tens of megabytes. What a writer that is
/// rarely asked does in hours.
const WITHOUT_STORE: usize = 8;

/// The longest that something waits to be in a checkpoint.
const PERIOD: Duration = Duration::from_secs(1);

/// When to ask again, if the store has no room for a checkpoint that is due.
const RETRY: Duration = Duration::from_millis(5);

/// What was confirmed since the last checkpoint was cut.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    commits: usize,
    since: Option<Instant>,
    requests: Vec<RequestRecord>,
    tail: Vec<(u64, Bytes)>,
    /// Of the tail and of the orphans.
    tail_bytes: usize,
    orphans: Vec<Orphan>,
}

impl Dirty {
    /// A commit of the own stream stands. Its bytes are the caller's own, or copied: a slice of a read would keep all
    /// of it in memory.
    pub(super) fn commit(&mut self, sequence: u64, value: Option<Bytes>) {
        self.upstream_commit();
        if let Some(value) = value {
            self.tail_bytes = self.tail_bytes.saturating_add(value.len());
            self.tail.push((sequence, value));
        }
    }

    pub(super) fn upstream_commit(&mut self) {
        self.commits = self.commits.saturating_add(1);
        if self.since.is_none() {
            self.since = Some(Instant::now());
        }
    }

    pub(super) fn request(&mut self, request_id: RequestId, request: &Request) {
        let (digest, head) = (request.digest, request.head);
        self.requests.push(RequestRecord { request_id, digest, sequence: head.sequence, hash: head.hash });
    }

    pub(super) fn orphan(&mut self, orphan: Orphan) {
        self.tail_bytes = self.tail_bytes.saturating_add(orphan.answer.len());
        self.orphans.push(orphan);
    }

    /// When the next checkpoint is due at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.and_then(|since| since.checked_add(PERIOD))
    }
}

impl<D: Decider> Task<D> {
    /// Whether there is as much to be stored as one checkpoint should hold: nothing more is read or decided then.
    pub(super) fn is_backlogged(&self) -> bool {
        let times = if self.without_store.is_some() { WITHOUT_STORE } else { 1 };
        let changes = self.state.entities.changed_len().saturating_add(self.dirty.requests.len());
        changes >= CHANGES.saturating_mul(times) || self.dirty.tail_bytes >= TAIL_BYTES.saturating_mul(times)
    }

    /// Cuts a checkpoint if one is due and the store takes it.
    pub(super) fn checkpoint(&mut self, now: Instant) -> Result<(), Halt> {
        self.store_retry_at = None;
        if let Some(error) = self.store.failure() {
            return self.go_on_without(error, now);
        }
        let full = self.dirty.commits >= COMMITS || self.is_backlogged();
        if !full && self.dirty.due().is_none_or(|due| due > now) {
            return Ok(());
        }
        if self.store.has_room() {
            self.cut()
        } else {
            self.store_retry_at = now.checked_add(RETRY);
            Ok(())
        }
    }

    fn cut(&mut self) -> Result<(), Halt> {
        self.store_look_at = Instant::now().checked_add(PERIOD);
        let entities = self.state.entities.drain_changed();
        let requests = core::mem::take(&mut self.dirty.requests);
        let closed = |entity: &Option<D::Entity>| entity.as_ref().is_some_and(D::Entity::is_closed);
        let keys: Vec<EntityKey<D>> =
            entities.iter().filter(|(_, entity)| closed(entity)).map(|(key, _)| *key).collect();
        let stored: Vec<RequestId> = requests.iter().map(|record| record.request_id).collect();
        let tail = core::mem::take(&mut self.dirty.tail);
        let orphans = core::mem::take(&mut self.dirty.orphans);
        let checkpoint = Checkpoint { progress: self.progress(), entities, requests, tail, orphans };
        self.store.submit(checkpoint).map_err(halt)?;
        self.dirty.commits = 0;
        self.dirty.tail_bytes = 0;
        self.dirty.since = None;
        self.metrics.checkpoints_total.add(1);
        for request_id in stored {
            self.requests.remove(&request_id);
        }
        self.state.entities.evict_closed(keys);
        self.state.entities.forget_absent();
        Ok(())
    }

    /// What a restart resumes from: confirmed commits only.
    fn progress(&self) -> Progress {
        let own = &self.own;
        let upstream = self.upstream.iter().zip(&own.chain.named).map(|(upstream, named)| {
            let (answered, answered_offset) = upstream.answered();
            UpstreamProgress {
                stream: upstream.stream,
                noted: upstream.noted,
                noted_offset: upstream.noted_offset.0,
                answered,
                answered_offset: answered_offset.0,
                named: *named,
            }
        });
        Progress {
            head: own.chain.head,
            offset: own.offset.0,
            recorded_at: own.chain.recorded_at,
            newest: self.clock.newest(),
            referenced: own.referenced.owed(own.chain.head.sequence),
            upstream: upstream.collect(),
        }
    }

    /// Stores everything before the end.
    pub(super) fn last_checkpoint(&mut self) -> Result<(), Halt> {
        if self.dirty.due().is_some() {
            if !self.store.has_room() {
                self.store.flush().map_err(halt)?;
            }
            self.cut()?;
        }
        self.store.flush().map_err(halt)
    }
}

fn halt(error: StoreError) -> Halt {
    Halt::Store(error)
}
