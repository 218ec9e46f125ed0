//! What commits name and the log has not.
//!
//! A commit names upstream heads and, if it is a reaction, its cause; all of these were in the log before it. If the
//! stream that it names was read to the log's end after the commit was, and does not have them, they are lost: the
//! writer halts, whether it is upstream that lost them or its own stream. Unless that stream says ([`TailLost`]) that
//! the loss is accepted: then the commit stands, although what it names does not. Its cause is not handled by it, and
//! commits that took the lost ones' sequences are answered like any others. But a request that was lost may be sent
//! again, and its answer stands here already: that is remembered by the reaction's request id, and repeated instead of
//! given anew.
//!
//! Sequences alone say what a loss covers. So an answer to a commit that was lost in a second, not accepted loss of the
//! same sequences passes for one of the first; who had read what was lost (every store, the projection) still halts.

use core::time::Duration;

use futures::future::BoxFuture;
use loopledger_domain::{Commit, Event, TailLost};
use loopledger_event_log::Offset;
use loopledger_feed::{Feed, FollowError, LostTail};
use loopledger_types::{Cause, StreamId};
use tokio::time::Instant;

use super::Halt;
use super::own::Own;
use super::upstream::{UpstreamReach, UpstreamSet};
use super::waiting::Known;

/// How long nothing must have been read of a stream that is waited for, before the log is asked whether
/// there is more.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// What a commit of another writer needs before it can be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its upstream stream read up to here.
    Read(u64),
    /// Its cause is not what upstream says: whether a loss explains it.
    Losses,
}

/// Whose commits are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Those of an upstream stream, which the own commit with this sequence names.
    Upstream { index: usize, own: u64 },
    /// The own stream's, which upstream names.
    Own,
}

/// Something that is waited for and may not come.
struct Stuck {
    whose: Whose,
    need: Need,
    /// How far the stream was read, and since when no further.
    read: Offset,
    since: Instant,
    question: Question,
}

enum Question {
    NotAsked,
    End(BoxFuture<'static, Result<Offset, FollowError>>),
    Losses(BoxFuture<'static, Result<Vec<TailLost>, FollowError>>),
    /// The log's end, up to which upstream has to be read.
    EndsAt(Offset),
}

/// What the log answered.
pub(super) enum Answered {
    End(Result<Offset, FollowError>),
    Losses(Result<Vec<TailLost>, FollowError>),
}

impl Stuck {
    /// When it is time to ask.
    fn due(&self) -> Option<Instant> {
        match self.question {
            Question::NotAsked => self.since.checked_add(STUCK_AFTER),
            Question::End(_) | Question::Losses(_) | Question::EndsAt(_) => None,
        }
    }

    fn is_about(&self, whose: Whose, need: Need) -> bool {
        self.whose == whose && self.need == need
    }
}

/// The losses that a stream has accepted, once somebody had to know.
#[derive(Debug, Default)]
struct Losses(Option<Vec<TailLost>>);

impl Losses {
    /// Whether one of them may be that of a commit with this sequence.
    fn cover(&self, sequence: u64) -> bool {
        self.0.iter().flatten().any(|loss| loss.covers(sequence))
    }

    /// A commit of the stream was folded.
    fn hear(&mut self, commit: &Commit) {
        if let Some(losses) = &mut self.0 {
            losses.extend(commit.events.iter().find_map(Event::loss));
        }
    }
}

/// What upstream names of the own stream.
#[derive(Debug, Default)]
struct Referenced {
    sequence: u64,
    /// Up to here it is explained by losses.
    settled: u64,
}

/// The losses of an upstream stream.
#[derive(Debug, Default)]
struct UpstreamLosses {
    losses: Losses,
    /// The own commit for whose sake it was found that the log has been read to its end.
    exhausted_for: u64,
}

/// What explains an answer to a commit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cover {
    /// It answers the oldest commit of this upstream stream that waits for a reaction.
    Due(usize),
    /// What it answers is lost.
    Loss,
}

/// Watches whether what is waited for can still come, and knows the losses that were accepted.
pub(super) struct LossWatch {
    feed: Feed,
    /// What the foreign commit in front waits for, if it may not come.
    stuck: Option<Stuck>,
    referenced: Referenced,
    own: Losses,
    /// In the order of the upstream streams.
    upstream: Vec<UpstreamLosses>,
}

impl LossWatch {
    /// `referenced` is the newest own commit that upstream, which is not read again, or the store knows of.
    pub(super) fn new(feed: Feed, referenced: u64, upstream: &UpstreamSet) -> Self {
        let mut losses = Vec::new();
        losses.resize_with(upstream.len(), UpstreamLosses::default);
        let referenced = Referenced { sequence: referenced, settled: 0 };
        Self { feed, stuck: None, referenced, own: Losses::default(), upstream: losses }
    }

    /// A commit of the own stream, by another writer, was folded.
    pub(super) fn hear_own(&mut self, commit: &Commit) {
        self.own.hear(commit);
    }

    /// A commit of an upstream stream was folded; it may name commits of the own stream.
    pub(super) fn hear_upstream(&mut self, index: usize, commit: &Commit, own: StreamId) {
        if let Some(upstream) = self.upstream.get_mut(index) {
            upstream.losses.hear(commit);
        }
        let named = commit.upstream.iter().filter(|named| named.stream == own).map(|named| named.sequence);
        let cause = commit.cause.filter(|cause| cause.stream == own).map(|cause| cause.sequence);
        self.referenced.sequence = named.chain(cause).fold(self.referenced.sequence, u64::max);
    }

    /// What a later life must know: the newest own commit that is named, if it is neither there nor known to be lost.
    pub(super) fn owed(&self, head: u64) -> u64 {
        let Referenced { sequence, settled } = self.referenced;
        if sequence > settled.max(head) { sequence } else { 0 }
    }

    fn has_lost(&self, index: usize, sequence: u64) -> bool {
        self.upstream.get(index).is_some_and(|upstream| upstream.losses.cover(sequence))
    }

    /// Whether what the own commit `own` names is lost: the log has been read to its end since.
    fn is_gone(&self, index: usize, sequence: u64, own: u64) -> bool {
        self.upstream
            .get(index)
            .is_some_and(|upstream| upstream.exhausted_for == own && upstream.losses.cover(sequence))
    }

    /// What `commit` still needs of an upstream stream.
    fn lacks(&self, commit: &Commit, upstream: &UpstreamSet) -> Result<Option<(usize, Need)>, Halt> {
        let find = |stream| -> Result<(usize, UpstreamReach), Halt> {
            let found = upstream.index_of(stream).and_then(|index| Some((index, upstream.reach(index)?)));
            found.ok_or(Halt::UnknownUpstream { sequence: commit.sequence, stream })
        };
        for named in &commit.upstream {
            let (index, reach) = find(named.stream)?;
            if reach.noted < named.sequence && !self.is_gone(index, named.sequence, commit.sequence) {
                return Ok(Some((index, Need::Read(named.sequence))));
            }
        }
        let Some(cause) = commit.cause else { return Ok(None) };
        let (index, reach) = find(cause.stream)?;
        // After a restart a cause may be folded already and still have to be read again, to be known as due.
        if reach.followed < cause.sequence {
            let gone = self.is_gone(index, cause.sequence, commit.sequence);
            return Ok((!gone).then_some((index, Need::Read(cause.sequence))));
        }
        let is_known = self.upstream.get(index).is_some_and(|upstream| upstream.losses.0.is_some());
        let unexplained = upstream.first_due(index) != Some(cause) && !is_known;
        Ok(unexplained.then_some((index, Need::Losses)))
    }

    /// Whether `commit` must not be folded yet.
    pub(super) fn is_blocked(&self, commit: &Commit, upstream: &UpstreamSet) -> Result<bool, Halt> {
        Ok(self.lacks(commit, upstream)?.is_some())
    }

    /// The upstream stream that the next foreign commit waits for.
    pub(super) fn blocked_on(&self, own: &Own, upstream: &UpstreamSet) -> Option<usize> {
        match self.next_need(own, upstream) {
            Ok(Some((Whose::Upstream { index, .. }, _))) => Some(index),
            Ok(Some((Whose::Own, _)) | None) | Err(_) => None,
        }
    }

    /// Whether upstream knows commits of the own stream that were not read yet.
    pub(super) fn is_overtaken(&self, own: &Own) -> bool {
        let Referenced { sequence, settled } = self.referenced;
        sequence > settled && own.admitted() < sequence
    }

    /// What is waited for: by the foreign commit in front, or because upstream is ahead of the own stream.
    fn next_need(&self, own: &Own, upstream: &UpstreamSet) -> Result<Option<(Whose, Need)>, Halt> {
        let Some(first) = own.first_foreign() else {
            return Ok(self.is_overtaken(own).then_some((Whose::Own, Need::Read(self.referenced.sequence))));
        };
        let need = self.lacks(first, upstream)?;
        Ok(need.map(|(index, need)| (Whose::Upstream { index, own: first.sequence }, need)))
    }

    /// Of the stream that is waited for: its name, how far it was read, its newest commit, and its losses.
    fn awaited(&self, whose: Whose, own: &Own, upstream: &UpstreamSet) -> Option<(StreamId, Offset, u64, &Losses)> {
        Some(match whose {
            Whose::Own => (own.stream(), own.next_offset(), own.admitted(), &self.own),
            Whose::Upstream { index, .. } => {
                let reach = upstream.reach(index)?;
                (reach.stream, reach.next, reach.noted.min(reach.followed), &self.upstream.get(index)?.losses)
            }
        })
    }

    /// Finds out whether what is waited for can still come. True: it need not be waited for any more.
    pub(super) fn watch(&mut self, now: Instant, own: &Own, upstream: &UpstreamSet) -> Result<bool, Halt> {
        let known = self.stuck.take();
        let Some((whose, need)) = self.next_need(own, upstream)? else { return Ok(false) };
        let Some((stream, read, head, losses)) = self.awaited(whose, own, upstream) else { return Ok(false) };
        let known = known.filter(|stuck| stuck.is_about(whose, need));
        let mut stuck = known.unwrap_or(Stuck { whose, need, read, since: now, question: Question::NotAsked });
        if stuck.read != read {
            stuck.read = read;
            stuck.since = now;
        }
        let is_time = stuck.due().is_some_and(|due| due <= now);
        let ask_losses = || Question::Losses(Box::pin(self.feed.clone().losses(stream)));
        match (need, &stuck.question) {
            (Need::Losses, Question::NotAsked) => stuck.question = ask_losses(),
            (Need::Read(sequence), Question::NotAsked) if is_time || losses.cover(sequence) => {
                stuck.question = Question::End(Box::pin(self.feed.clone().end(stream)));
            }
            (Need::Read(sequence), Question::EndsAt(end)) if read >= *end => {
                if losses.cover(sequence) {
                    self.settle(whose, sequence);
                    return Ok(true);
                }
                if losses.0.is_some() {
                    return Err(
                        FollowError::from(LostTail { stream, missing: head.saturating_add(1)..=sequence }).into()
                    );
                }
                stuck.question = ask_losses();
            }
            _ => {}
        }
        self.stuck = Some(stuck);
        Ok(false)
    }

    /// What is waited for is lost, and that is accepted.
    fn settle(&mut self, whose: Whose, sequence: u64) {
        match whose {
            Whose::Own => self.referenced.settled = sequence,
            Whose::Upstream { index, own } => {
                if let Some(upstream) = self.upstream.get_mut(index) {
                    upstream.exhausted_for = own;
                }
            }
        }
    }

    pub(super) const fn is_asking(&self) -> bool {
        self.stuck.is_some()
    }

    /// Waits for the log's answer to the question that is asked, if one is. Cancel-safe.
    pub(super) async fn answered(&mut self) -> Answered {
        match self.stuck.as_mut().map(|stuck| &mut stuck.question) {
            Some(Question::End(end)) => Answered::End(end.await),
            Some(Question::Losses(losses)) => Answered::Losses(losses.await),
            Some(Question::NotAsked | Question::EndsAt(_)) | None => core::future::pending().await,
        }
    }

    /// Takes the answer. What it says is waited for on the stream itself: it says when it is read.
    pub(super) fn take(&mut self, answered: Answered, own: &mut Own, upstream: &UpstreamSet) -> Result<(), Halt> {
        let Some(stuck) = &mut self.stuck else { return Ok(()) };
        stuck.question = Question::NotAsked;
        stuck.since = Instant::now();
        let failed = match answered {
            Answered::End(Ok(end)) => {
                stuck.question = Question::EndsAt(end);
                match stuck.whose {
                    Whose::Own => own.wake_at(end),
                    Whose::Upstream { index, .. } => upstream.wake_at(index, end),
                }
                None
            }
            Answered::Losses(Ok(losses)) => {
                let whose = match stuck.whose {
                    Whose::Own => Some(&mut self.own),
                    Whose::Upstream { index, .. } => self.upstream.get_mut(index).map(|upstream| &mut upstream.losses),
                };
                if let Some(known) = whose {
                    known.0 = Some(losses);
                }
                None
            }
            Answered::End(Err(error)) | Answered::Losses(Err(error)) => Some(error),
        };
        match failed {
            Some(error) if !error.is_transient() => Err(error.into()),
            Some(_) | None => Ok(()),
        }
    }

    /// When it is time to ask the log.
    pub(super) fn due(&self) -> Option<Instant> {
        self.stuck.as_ref().and_then(Stuck::due)
    }

    /// What explains a reaction by another writer, or in an earlier life.
    pub(super) fn cover(&self, commit: &Commit, cause: Cause, upstream: &UpstreamSet) -> Result<Cover, Halt> {
        let mismatch = |due| Halt::CauseMismatch { sequence: commit.sequence, cause, due };
        let Some(index) = upstream.index_of(cause.stream) else { return Err(mismatch(None)) };
        // Reactions to one stream are appended in its order, so this one must be to the oldest without an answer.
        if upstream.first_due(index) == Some(cause) {
            return Ok(Cover::Due(index));
        }
        if self.has_lost(index, cause.sequence) && !upstream.is_due(index, cause) {
            return Ok(Cover::Loss);
        }
        match upstream.recent(cause.stream).map(|recent| recent.at(cause.sequence)) {
            Some(Known::Hash(hash)) if hash != cause.hash => {
                let missing = cause.sequence..=cause.sequence;
                Err(FollowError::from(LostTail { stream: cause.stream, missing }).into())
            }
            Some(Known::Hash(_) | Known::NotYet | Known::Forgotten) | None => Err(mismatch(upstream.first_due(index))),
        }
    }
}
