//! Upstream streams: folding what they say, and reacting to what concerns us, each exactly once.
//!
//! Every upstream commit that concerns the service is put into `due` when it is noted, in the order of its stream.
//! Deciding a reaction takes it out; reading a reaction back (our own, an earlier life's, another replica's) proves
//! that it was the oldest one due. So what was handled is nothing but the fold of the own stream's causes.

use core::task::Poll;
use std::collections::VecDeque;
use std::sync::Arc;

use loopledger_domain::{Commit, Decider, Subject};
use loopledger_event_log::Offset;
use loopledger_types::{Head, StreamId, WithCauses};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Halt;
use super::dangling::Losses;
use super::own::READ_RETRY;
use super::task::Task;
use super::waiting::Recent;
use loopledger_feed::Lag;
use loopledger_feed::{Admitted, Commits, Feed, FollowError, Follower, LostTail};
use loopledger_observability::trace::TraceContext;

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
    pub(super) stream: StreamId,
    reads: mpsc::Receiver<UpstreamRead>,
    _task: AbortOnDropHandle<()>,
    lag: Arc<Lag>,
    /// Everything before this offset was read.
    pub(super) next: Offset,
    /// Folded up to here, with the offset of that commit's record.
    pub(super) noted: Head,
    pub(super) noted_offset: Offset,
    /// The newest commit seen since the start, with the offset of its record; behind `noted` while reading again what
    /// had no reaction.
    pub(super) followed: Head,
    followed_offset: Offset,
    pub(super) recent: Recent,
    /// Without a reaction, oldest first.
    pub(super) due: VecDeque<Due>,
    /// With a reaction in flight, oldest first.
    pub(super) taken: VecDeque<Due>,
    pub(super) losses: Losses,
    /// The own commit for whose sake it was found that the log has been read to its end.
    pub(super) exhausted_for: u64,
}

impl Upstream {
    /// Follows on from `follower`; what it says up to `noted` is folded already.
    pub(super) fn new(feed: Feed, mut follower: Follower, noted: Head, noted_offset: Offset, lag: Arc<Lag>) -> Self {
        let (stream, next) = (follower.stream(), follower.next_offset());
        let begun = (follower.head(), follower.head_offset());
        let (send, reads) = mpsc::channel(READS_AHEAD);
        lag.folded(noted.sequence);
        let reading = Arc::clone(&lag);
        // A task of its own: decoding runs beside deciding.
        let task = tokio::spawn(async move {
            loop {
                let read = follower.next().await;
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
            _task: AbortOnDropHandle::new(task),
            lag,
            next,
            noted,
            noted_offset,
            followed: begun.0,
            followed_offset: begun.1,
            recent: Recent::starting_at(noted),
            due: VecDeque::new(),
            taken: VecDeque::new(),
            losses: Losses::default(),
            exhausted_for: 0,
        }
    }

    /// The newest commit up to which nothing waits for a reaction: where to resume.
    pub(super) fn answered(&self) -> (Head, Offset) {
        match self.taken.front().or(self.due.front()) {
            Some(first) => first.before,
            // What lies between is folded, but whether it has a reaction is not known again yet.
            None if self.followed.sequence < self.noted.sequence => (self.followed, self.followed_offset),
            None => (self.noted, self.noted_offset),
        }
    }
}

/// Waits for the next read of any upstream stream that is wanted. Cancel-safe.
pub(super) async fn next_upstream(upstream: &mut [Upstream], needed: Option<usize>) -> (usize, UpstreamRead) {
    core::future::poll_fn(|context| {
        for (index, upstream) in upstream.iter_mut().enumerate() {
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

impl<D: Decider> Task<D> {
    /// Folds what upstream says.
    pub(super) fn note(&mut self, index: usize, read: Commits) -> Result<(), Halt> {
        let now = Instant::now();
        for admitted in read.commits {
            let commit = admitted.commit;
            let head = Head { sequence: commit.sequence, hash: commit.hash };
            let Some(upstream) = self.upstream.get_mut(index) else { break };
            upstream.followed = head;
            upstream.followed_offset = admitted.offset;
            if head.sequence == upstream.noted.sequence && head.hash != upstream.noted.hash {
                let missing = head.sequence..=head.sequence;
                return Err(FollowError::from(LostTail { stream: upstream.stream, missing }).into());
            }
            if head.sequence > upstream.noted.sequence {
                self.load(&Subject::Upstream(&commit))?;
                D::apply_upstream(&mut self.state, &commit);
                self.store.note_upstream_commit();
                self.catch_up.commits = self.catch_up.commits.saturating_add(1);
                self.metrics.upstream_commits_total.add(1);
                let Some(upstream) = self.upstream.get_mut(index) else { break };
                upstream.noted = head;
                upstream.noted_offset = admitted.offset;
                upstream.recent.push(head);
                upstream.losses.hear(&commit);
                self.clock.note_recorded(commit.recorded_at);
                self.hear_of_own(&commit);
            }
            if commit.events.iter().any(D::concerns)
                && let Some(upstream) = self.upstream.get_mut(index)
            {
                let Admitted { before, trace, .. } = admitted;
                upstream.due.push_back(Due { commit, before, since: now, trace });
            }
        }
        let Some(upstream) = self.upstream.get_mut(index) else { return Ok(()) };
        upstream.next = read.next;
        upstream.lag.folded(upstream.noted.sequence);
        let (stream, noted) = (upstream.stream, upstream.noted.sequence);
        let reached = self.waiting.reached(stream, noted);
        self.recheck(reached);
        Ok(())
    }

    /// The upstream stream whose oldest unanswered commit is due, taking turns.
    pub(super) fn next_reaction(&self, now: Instant, after: usize) -> Option<usize> {
        let count = self.upstream.len();
        let order = (0..count).filter_map(|step| after.saturating_add(step).saturating_add(1).checked_rem(count));
        order.into_iter().find(|index| {
            let due = self.upstream.get(*index).and_then(|upstream| upstream.due.front());
            due.is_some_and(|due| self.reaction_time(due) <= now)
        })
    }

    pub(super) fn can_react(&self) -> bool {
        self.can_decide() && !self.is_ending() && self.clock.fault().is_none()
    }

    pub(super) fn reaction_due(&self, now: Instant) -> bool {
        self.can_react() && self.next_reaction(now, 0).is_some()
    }

    /// When the next reaction that is held back is due.
    pub(super) fn next_delayed_reaction(&self) -> Option<Instant> {
        if self.config.reaction_delay.is_zero() || !self.can_react() {
            return None;
        }
        self.upstream.iter().filter_map(|upstream| upstream.due.front()).map(|due| self.reaction_time(due)).min()
    }

    fn reaction_time(&self, due: &Due) -> Instant {
        due.since.checked_add(self.config.reaction_delay).unwrap_or(due.since)
    }

    /// Loads what the rules need to know and is not in memory.
    pub(super) fn load(&mut self, subject: &Subject<'_, D::Command>) -> Result<(), Halt> {
        loop {
            let missing = D::keys(&self.state, again(subject));
            if missing.is_empty() {
                return Ok(());
            }
            for key in missing {
                self.load_key(key)?;
            }
        }
    }

    pub(super) fn load_key(&mut self, key: super::EntityKey<D>) -> Result<(), Halt> {
        if self.state.entities.is_known(&key) {
            return Ok(());
        }
        let entity = self.store.entity(&key)?;
        self.state.entities.load(key, entity);
        Ok(())
    }
}

/// `Subject` is `Copy` only if the command is, although it holds nothing but references.
const fn again<'a, C>(subject: &Subject<'a, C>) -> Subject<'a, C> {
    match subject {
        Subject::Command(command) => Subject::Command(command),
        Subject::Own(commit) => Subject::Own(commit),
        Subject::Upstream(commit) => Subject::Upstream(commit),
    }
}
