//! Checkpoints: what a restart need not fold again, written behind the log on the store's thread.
//!
//! What is submitted is found in the store at once, so it may leave memory at once.

use core::time::Duration;

use bytes::Bytes;
use loopledger_domain::Entity;
use loopledger_state_store::{Checkpoint, Orphan, Progress, RequestRecord};
use loopledger_types::RequestId;
use tokio::time::Instant;

use super::speculation::Request;

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
pub(super) const PERIOD: Duration = Duration::from_secs(1);

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
    /// A commit of the own stream stands.
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

    /// Whether a checkpoint should be cut, however little time has passed.
    pub(super) const fn is_full(&self) -> bool {
        self.commits >= COMMITS
    }

    /// Whether there is as much to be stored as one checkpoint should hold, with `changed` entities; or as memory
    /// should, while there is no store.
    pub(super) fn is_backlogged(&self, changed: usize, has_store: bool) -> bool {
        let times = if has_store { 1 } else { WITHOUT_STORE };
        let count = changed.saturating_add(self.requests.len());
        count >= CHANGES.saturating_mul(times) || self.tail_bytes >= TAIL_BYTES.saturating_mul(times)
    }

    /// Everything up to now as one checkpoint.
    pub(super) fn cut<E: Entity>(&mut self, progress: Progress, entities: Vec<(E::Key, Option<E>)>) -> Checkpoint<E> {
        let Self { requests, tail, orphans, .. } = core::mem::take(self);
        Checkpoint { progress, entities, requests, tail, orphans }
    }
}
