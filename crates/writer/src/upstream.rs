//! Upstream streams: how far they are folded, and what in them waits for a reaction, each exactly once.
//!
//! Every upstream commit that concerns the service is put into `due` when it is noted, in the order of its stream.
//! Deciding a reaction takes it out; reading a reaction back (our own, an earlier life's, another replica's) proves
//! that it was the oldest one due. So what was handled is nothing but the fold of the own stream's causes.

use core::task::Poll;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use loopledger_domain::Commit;
use loopledger_event_log::Offset;
use loopledger_feed::{Admitted, Commits, Feed, FollowError, Follower, Lag, LostTail};
use loopledger_observability::trace::TraceContext;
use loopledger_state_store::UpstreamProgress;
use loopledger_types::{Cause, Head, Position, StreamId, StreamSequence, WithCauses};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::own::READ_RETRY;
use super::waiting::Recent;

/// Upstream commits without a reaction, beyond which the stream is not read on (unless a foreign commit needs it).
const DUE_MAX: usize = 16_384;

/// Reads that wait for the writer, per upstream stream.
const READS_AHEAD: usize = 2;

pub(super) type UpstreamRead = Result<Commits, FollowError>;

/// An upstream commit that concerns us and has no reaction yet.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) commit: Arc<Commit>,
    /// Where to resume to see it again.
    pub(super) before: (Head, Offset),
    pub(super) since: Instant,
    pub(super) trace: Option<Box<TraceContext>>,
}

/// One upstream stream.
#[derive(Debug)]
pub(super) struct Upstream {
    stream: StreamId,
    reads: mpsc::Receiver<UpstreamRead>,
    /// Up to where the log must be read, for the reading task.
    wanted: watch::Sender<Offset>,
    task: AbortOnDropHandle<()>,
    lag: Arc<Lag>,
    /// Everything before this offset was read.
    next: Offset,
    /// Folded up to here, with the offset of that commit's record.
    noted: Head,
    noted_offset: Offset,
    /// The newest commit seen since the start, with the offset of its record; behind `noted` while reading again what
    /// had no reaction.
    followed: Head,
    followed_offset: Offset,
    recent: Recent,
    /// Without a reaction, oldest first.
    due: VecDeque<Due>,
    /// With a reaction in flight, oldest first.
    taken: VecDeque<Due>,
}

impl Upstream {
    /// Follows on from `follower`; what it says up to `noted` is folded already.
    pub(super) fn new(feed: Feed, mut follower: Follower, noted: Head, noted_offset: Offset, lag: Arc<Lag>) -> Self {
        let (stream, next) = (follower.stream(), follower.next_offset());
        let begun = (follower.head(), follower.head_offset());
        let (send, reads) = mpsc::channel(READS_AHEAD);
        let (wanted, mut wants) = watch::channel(Offset::START);
        lag.folded(noted.sequence);
        let reading = Arc::clone(&lag);
        // A task of its own: decoding runs beside deciding.
        let task = tokio::spawn(async move {
            loop {
                let read = tokio::select! {
                    biased;
                    Ok(()) = wants.changed() => {
                        follower.wake_at(*wants.borrow_and_update());
                        continue;
                    }
                    read = follower.next() => read,
                };
                if let Err(error) = &read
                    && error.is_transient()
                {
                    feed.note_failure(error);
                    tracing::debug!(%stream, error = %WithCauses(error), "read failed, retrying");
                    tokio::time::sleep(READ_RETRY).await;
                    continue;
                }
                if let Ok(read) = &read {
                    reading.read(&read.commits);
                }
                let failed = read.is_err();
                if send.send(read).await.is_err() || failed {
                    break;
                }
            }
        });
        Self {
            stream,
            reads,
            wanted,
            task: AbortOnDropHandle::new(task),
            lag,
            next,
            noted,
            noted_offset,
            followed: begun.0,
            followed_offset: begun.1,
            recent: Recent::starting_at(noted),
            due: VecDeque::new(),
            taken: VecDeque::new(),
        }
    }

    /// The newest commit up to which nothing waits for a reaction: where to resume.
    fn answered(&self) -> (Head, Offset) {
        match self.taken.front().or(self.due.front()) {
            Some(first) => first.before,
            // What lies between is folded, but whether it has a reaction is not known again yet.
            None if self.followed.sequence < self.noted.sequence => (self.followed, self.followed_offset),
            None => (self.noted, self.noted_offset),
        }
    }
}

/// How far an upstream stream was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct UpstreamReach {
    pub(super) stream: StreamId,
    /// Everything before this offset was read.
    pub(super) next: Offset,
    /// The newest commit that is folded.
    pub(super) noted: u64,
    /// The newest commit that was read since the start.
    pub(super) followed: u64,
}

/// The upstream streams, in the order in which commits name their heads.
#[derive(Debug)]
pub(super) struct UpstreamSet {
    streams: Vec<Upstream>,
    /// How long a commit must have gone unanswered before this writer reacts.
    reaction_delay: Duration,
}

impl UpstreamSet {
    pub(super) const fn new(streams: Vec<Upstream>, reaction_delay: Duration) -> Self {
        Self { streams, reaction_delay }
    }

    /// Stops reading.
    pub(super) async fn end(self) {
        for upstream in self.streams {
            upstream.task.abort();
            // It was aborted, or has ended.
            let _ = upstream.task.await;
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn index_of(&self, stream: StreamId) -> Option<usize> {
        self.streams.iter().position(|upstream| upstream.stream == stream)
    }

    /// The streams as far as they are folded.
    pub(super) fn heads(&self) -> impl Iterator<Item = (StreamId, Head)> {
        self.streams.iter().map(|upstream| (upstream.stream, upstream.noted))
    }

    pub(super) fn recent(&self, stream: StreamId) -> Option<&Recent> {
        self.streams.iter().find(|upstream| upstream.stream == stream).map(|upstream| &upstream.recent)
    }

    pub(super) fn reach(&self, index: usize) -> Option<UpstreamReach> {
        self.streams.get(index).map(|upstream| UpstreamReach {
            stream: upstream.stream,
            next: upstream.next,
            noted: upstream.noted.sequence,
            followed: upstream.followed.sequence,
        })
    }

    /// How far each stream was read.
    pub(super) fn next_offsets(&self) -> impl Iterator<Item = Offset> {
        self.streams.iter().map(|upstream| upstream.next)
    }

    /// What was folded of a stream in an earlier life and could not be read again.
    pub(super) fn lost(&self) -> Option<LostTail> {
        let lost = self.streams.iter().find(|upstream| upstream.followed.sequence < upstream.noted.sequence)?;
        let missing = lost.followed.sequence.saturating_add(1)..=lost.noted.sequence;
        Some(LostTail { stream: lost.stream, missing })
    }

    /// What a restart resumes from; `named` are the heads that the confirmed chain names.
    pub(super) fn progress(&self, named: &[u64]) -> Vec<UpstreamProgress> {
        let progress = self.streams.iter().zip(named).map(|(upstream, named)| {
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
        progress.collect()
    }

    /// Heads that are not those named before, ascending by stream: for a commit, and by the streams' indices.
    pub(super) fn moved_since(&self, named_before: &[u64]) -> (Vec<StreamSequence>, Vec<(usize, u64)>) {
        let mut streams = Vec::new();
        let mut named = Vec::new();
        for (index, (upstream, before)) in self.streams.iter().zip(named_before).enumerate() {
            // What was named before is lost, if it lies ahead.
            if upstream.noted.sequence != *before {
                streams.push(StreamSequence { stream: upstream.stream, sequence: upstream.noted.sequence });
                named.push((index, upstream.noted.sequence));
            }
        }
        (streams, named)
    }

    /// Waits for the next read of any stream that is wanted. Cancel-safe.
    pub(super) async fn next_read(&mut self, needed: Option<usize>) -> (usize, UpstreamRead) {
        core::future::poll_fn(|context| {
            for (index, upstream) in self.streams.iter_mut().enumerate() {
                if upstream.due.len() >= DUE_MAX && needed != Some(index) {
                    continue;
                }
                if let Poll::Ready(Some(read)) = upstream.reads.poll_recv(context) {
                    return Poll::Ready((index, read));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The log of a stream ended there when it was asked: to be told once that is read.
    pub(super) fn wake_at(&self, index: usize, end: Offset) {
        if let Some(upstream) = self.streams.get(index) {
            upstream.wanted.send_replace(end);
        }
    }

    /// Takes the next commit that was read of a stream. True: it is newer than what is folded.
    pub(super) fn follow(&mut self, index: usize, admitted: &Admitted) -> Result<bool, FollowError> {
        let Some(upstream) = self.streams.get_mut(index) else { return Ok(false) };
        let head = Head { sequence: admitted.commit.sequence, hash: admitted.commit.hash };
        upstream.followed = head;
        upstream.followed_offset = admitted.offset;
        if head.sequence == upstream.noted.sequence && head.hash != upstream.noted.hash {
            let missing = head.sequence..=head.sequence;
            return Err(LostTail { stream: upstream.stream, missing }.into());
        }
        Ok(head.sequence > upstream.noted.sequence)
    }

    /// The commit that was followed last is folded.
    pub(super) fn note_folded(&mut self, index: usize) {
        if let Some(upstream) = self.streams.get_mut(index) {
            upstream.noted = upstream.followed;
            upstream.noted_offset = upstream.followed_offset;
            upstream.recent.push(upstream.noted);
        }
    }

    /// A commit concerns the service: it waits for a reaction.
    pub(super) fn put_due(&mut self, index: usize, due: Due) {
        if let Some(upstream) = self.streams.get_mut(index) {
            upstream.due.push_back(due);
        }
    }

    /// A read is folded to its end; gives the stream and its newest commit.
    pub(super) fn finish_read(&mut self, index: usize, next: Offset) -> Option<(StreamId, u64)> {
        let upstream = self.streams.get_mut(index)?;
        upstream.next = next;
        upstream.lag.folded(upstream.noted.sequence);
        Some((upstream.stream, upstream.noted.sequence))
    }

    /// Commits that wait for a reaction.
    pub(super) fn due_len(&self) -> usize {
        self.streams.iter().fold(0, |sum, upstream| sum.saturating_add(upstream.due.len()))
    }

    /// The oldest commit of a stream that waits for a reaction.
    pub(super) fn first_due(&self, index: usize) -> Option<Position> {
        self.streams.get(index)?.due.front().map(|due| due.commit.position())
    }

    pub(super) fn is_due(&self, index: usize, cause: Cause) -> bool {
        self.streams.get(index).is_some_and(|upstream| upstream.due.iter().any(|due| due.commit.position() == cause))
    }

    /// The stream whose oldest unanswered commit is due, taking turns.
    pub(super) fn next_reaction(&self, now: Instant, after: usize) -> Option<usize> {
        let count = self.streams.len();
        let order = (0..count).filter_map(|step| after.saturating_add(step).saturating_add(1).checked_rem(count));
        order.into_iter().find(|index| {
            let due = self.streams.get(*index).and_then(|upstream| upstream.due.front());
            due.is_some_and(|due| self.reaction_time(due) <= now)
        })
    }

    /// When the next reaction that is held back is due.
    pub(super) fn next_delayed_reaction(&self) -> Option<Instant> {
        if self.reaction_delay.is_zero() {
            return None;
        }
        self.streams.iter().filter_map(|upstream| upstream.due.front()).map(|due| self.reaction_time(due)).min()
    }

    fn reaction_time(&self, due: &Due) -> Instant {
        due.since.checked_add(self.reaction_delay).unwrap_or(due.since)
    }

    /// Takes the oldest commit of a stream that waits for a reaction: to react to it, or because it has one.
    pub(super) fn take_due(&mut self, index: usize) -> Option<Due> {
        self.streams.get_mut(index)?.due.pop_front()
    }

    /// The reaction to this is in flight.
    pub(super) fn put_taken(&mut self, index: usize, due: Due) {
        if let Some(upstream) = self.streams.get_mut(index) {
            upstream.taken.push_back(due);
        }
    }

    /// The oldest reaction to a stream was read back.
    pub(super) fn confirm_reaction(&mut self, index: usize) {
        if let Some(upstream) = self.streams.get_mut(index) {
            upstream.taken.pop_front();
        }
    }

    /// The newest reaction to a stream is void: its cause waits for one again.
    pub(super) fn void_reaction(&mut self, index: usize) {
        if let Some(upstream) = self.streams.get_mut(index)
            && let Some(cause) = upstream.taken.pop_back()
        {
            upstream.due.push_front(cause);
        }
    }
}
