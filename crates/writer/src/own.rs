//! The own stream, as far as it is admitted and folded.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use loopledger_domain::Commit;
use loopledger_event_log::Offset;
use loopledger_feed::{Feed, FollowError, Follower, Record, Seen};
use loopledger_state_store::Progress;
use loopledger_types::{Head, StreamId, Timestamp, WithCauses};
use tokio::time::Instant;

use super::waiting::Recent;

/// The pause before reading again what could not be read.
pub(super) const READ_RETRY: Duration = Duration::from_millis(100);

/// Commits of other writers that wait for the upstream heads they name, beyond which the own stream is not read on.
const FOREIGN_MAX: usize = 8_192;

/// The end of a chain, and what its next commit depends on.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) head: Head,
    pub(super) recorded_at: Timestamp,
    /// The newest head that the chain names of each upstream stream.
    pub(super) named: Vec<u64>,
}

impl Chain {
    /// The next commit's time: the clock's, unless that went backwards.
    pub(super) fn next_time(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.recorded_at)
    }

    /// Heads that are named only move on, unless upstream lost what was named before.
    pub(super) fn name(&mut self, upstream: usize, sequence: u64) {
        if let Some(named) = self.named.get_mut(upstream) {
            *named = sequence;
        }
    }
}

/// An admitted commit that this writer did not append (in this life).
#[derive(Debug)]
pub(super) struct Foreign {
    pub(super) commit: Arc<Commit>,
    /// The record, if it is among those that the store keeps.
    pub(super) value: Option<Bytes>,
    pub(super) offset: Offset,
}

/// The own stream.
#[derive(Debug)]
pub(super) struct Own {
    follower: Follower,
    chain: Chain,
    /// The offset of the head's record.
    offset: Offset,
    recent: Recent,
    /// Admitted, and not folded because the upstream heads that they name are not.
    foreign: VecDeque<Foreign>,
    /// When to read again after the log could not be read.
    retry_at: Option<Instant>,
}

impl Own {
    /// Goes on where `progress` ended, which named these upstream heads.
    pub(super) fn new(follower: Follower, progress: &Progress, named: Vec<u64>) -> Self {
        Self {
            follower,
            chain: Chain { head: progress.head, recorded_at: progress.recorded_at, named },
            offset: Offset(progress.offset),
            recent: Recent::starting_at(progress.head),
            foreign: VecDeque::new(),
            retry_at: None,
        }
    }

    pub(super) const fn stream(&self) -> StreamId {
        self.follower.stream()
    }

    /// The end of the confirmed chain.
    pub(super) const fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(super) const fn head(&self) -> Head {
        self.chain.head
    }

    /// The offset of the head's record.
    pub(super) const fn offset(&self) -> Offset {
        self.offset
    }

    pub(super) const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Everything before this offset was read.
    pub(super) const fn next_offset(&self) -> Offset {
        self.follower.next_offset()
    }

    /// The newest commit that was admitted, folded or not.
    pub(super) const fn admitted(&self) -> u64 {
        self.follower.head().sequence
    }

    /// Void records that were read.
    pub(super) fn voids(&self) -> u64 {
        self.follower.voids()
    }

    /// Whether more should be read now.
    pub(super) fn wants_more(&self) -> bool {
        self.foreign.len() < FOREIGN_MAX && self.retry_at.is_none()
    }

    /// Waits for records. Cancel-safe.
    pub(super) async fn next_seen(&mut self) -> Result<Seen, FollowError> {
        self.follower.next_seen().await
    }

    /// The log cannot be read now; nothing is acknowledged until it can.
    pub(super) fn read_later(&mut self, feed: &Feed, error: &FollowError) {
        feed.note_failure(error);
        tracing::debug!(stream = %self.follower.stream(), error = %WithCauses(error), "read failed, retrying");
        self.retry_at = Instant::now().checked_add(READ_RETRY);
    }

    /// The log ended there when it was asked: to be told once that is read.
    pub(super) fn wake_at(&mut self, end: Offset) {
        self.follower.wake_at(end);
    }

    /// The log ends before what was read of it: makes sure that the head is still there.
    pub(super) fn look_for_head(&mut self) {
        self.follower.look_for_head();
    }

    /// The next commit of the chain stands.
    pub(super) fn advance(
        &mut self,
        head: Head,
        recorded_at: Timestamp,
        offset: Offset,
        named: impl IntoIterator<Item = (usize, u64)>,
    ) {
        self.chain.head = head;
        self.chain.recorded_at = recorded_at;
        for (upstream, sequence) in named {
            self.chain.name(upstream, sequence);
        }
        self.offset = offset;
        self.recent.push(head);
    }

    /// An admitted commit of another writer, to be folded once its upstream heads are.
    pub(super) fn put_foreign(&mut self, record: &Record, keeps_bytes: bool) -> Result<(), FollowError> {
        let commit = self.follower.decode(record)?;
        let value = keeps_bytes.then(|| Bytes::copy_from_slice(&record.value));
        self.foreign.push_back(Foreign { commit, value, offset: record.offset });
        Ok(())
    }

    pub(super) fn has_foreign(&self) -> bool {
        !self.foreign.is_empty()
    }

    /// The oldest commit of another writer that is not folded.
    pub(super) fn first_foreign(&self) -> Option<&Commit> {
        self.foreign.front().map(|foreign| &*foreign.commit)
    }

    pub(super) fn take_foreign(&mut self) -> Option<Foreign> {
        self.foreign.pop_front()
    }

    /// When to read again.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        self.retry_at = self.retry_at.filter(|time| *time > now);
    }
}
