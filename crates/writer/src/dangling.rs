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

use bytes::Bytes;
use futures::future::BoxFuture;
use loopledger_domain::{AnswerRepeated, Commit, Decider, Entity, Event, TailLost};
use loopledger_event_log::Offset;
use loopledger_state_store::{Orphan, ServiceStore, StoreError};
use loopledger_types::{Cause, RequestId, StreamId, Table};
use loopledger_wire::{decode_answer, encode_event};
use tokio::time::Instant;

use super::Halt;
use super::task::Task;
use super::upstream::Upstream;
use super::waiting::Known;
use loopledger_feed::{FollowError, LostTail};

/// How long nothing must have been read of a stream that is waited for, before the log is asked whether
/// there is more.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// What a commit of another writer needs before it can be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
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
pub(super) struct Stuck {
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

/// Waits for the answer to the question that is asked, if one is. Cancel-safe.
pub(super) async fn answered(stuck: &mut Option<Stuck>) -> Answered {
    match stuck.as_mut().map(|stuck| &mut stuck.question) {
        Some(Question::End(end)) => Answered::End(end.await),
        Some(Question::Losses(losses)) => Answered::Losses(losses.await),
        Some(Question::NotAsked | Question::EndsAt(_)) | None => core::future::pending().await,
    }
}

impl Stuck {
    /// When it is time to ask.
    pub(super) fn due(&self) -> Option<Instant> {
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
pub(super) struct Losses(Option<Vec<TailLost>>);

impl Losses {
    /// Whether one of them may be that of a commit with this sequence.
    fn cover(&self, sequence: u64) -> bool {
        self.0.iter().flatten().any(|loss| loss.covers(sequence))
    }

    /// A commit of the stream was folded.
    pub(super) fn hear(&mut self, commit: &Commit) {
        if let Some(losses) = &mut self.0 {
            losses.extend(commit.events.iter().find_map(Event::loss));
        }
    }
}

/// What upstream names of the own stream.
#[derive(Debug, Default)]
pub(super) struct Referenced {
    sequence: u64,
    /// Up to here it is explained by losses.
    settled: u64,
}

impl Referenced {
    /// Of an earlier life, whose upstream is not read again.
    pub(super) const fn before(sequence: u64) -> Self {
        Self { sequence, settled: 0 }
    }

    /// What a later life must know: the newest commit that is named, if it is neither there nor known to be lost.
    pub(super) fn owed(&self, head: u64) -> u64 {
        if self.sequence > self.settled.max(head) { self.sequence } else { 0 }
    }
}

impl Upstream {
    fn has_lost(&self, sequence: u64) -> bool {
        self.losses.cover(sequence)
    }

    /// Whether what the own commit `own` names is lost: the log has been read to its end since.
    fn is_gone(&self, sequence: u64, own: u64) -> bool {
        self.exhausted_for == own && self.has_lost(sequence)
    }

    fn is_due(&self, cause: Cause) -> bool {
        self.due.iter().any(|due| due.commit.position() == cause)
    }

    fn is_first_due(&self, cause: Cause) -> bool {
        self.due.front().is_some_and(|due| due.commit.position() == cause)
    }
}

impl<D: Decider> Task<D> {
    /// What `commit` still needs of an upstream stream.
    pub(super) fn lacks(&self, commit: &Commit) -> Result<Option<(usize, Need)>, Halt> {
        let find = |stream| {
            let found = self.upstream.iter().enumerate().find(|(_, upstream)| upstream.stream == stream);
            found.ok_or(Halt::UnknownUpstream { sequence: commit.sequence, stream })
        };
        for named in &commit.upstream {
            let (index, upstream) = find(named.stream)?;
            if upstream.noted.sequence < named.sequence && !upstream.is_gone(named.sequence, commit.sequence) {
                return Ok(Some((index, Need::Read(named.sequence))));
            }
        }
        let Some(cause) = commit.cause else { return Ok(None) };
        let (index, upstream) = find(cause.stream)?;
        // After a restart a cause may be folded already and still have to be read again, to be known as due.
        if upstream.followed.sequence < cause.sequence {
            let gone = upstream.is_gone(cause.sequence, commit.sequence);
            return Ok((!gone).then_some((index, Need::Read(cause.sequence))));
        }
        let unexplained = !upstream.is_first_due(cause) && upstream.losses.0.is_none();
        Ok(unexplained.then_some((index, Need::Losses)))
    }

    /// The upstream stream that the next foreign commit waits for.
    pub(super) fn blocked_on(&self) -> Option<usize> {
        match self.next_need() {
            Ok(Some((Whose::Upstream { index, .. }, _))) => Some(index),
            Ok(Some((Whose::Own, _)) | None) | Err(_) => None,
        }
    }

    /// Upstream says something of the own stream.
    pub(super) fn hear_of_own(&mut self, commit: &Commit) {
        let named = commit.upstream.iter().filter(|named| named.stream == self.stream).map(|named| named.sequence);
        let cause = commit.cause.filter(|cause| cause.stream == self.stream).map(|cause| cause.sequence);
        let referenced = &mut self.own.referenced;
        referenced.sequence = named.chain(cause).fold(referenced.sequence, u64::max);
    }

    /// Whether upstream knows commits of the own stream that were not read yet.
    pub(super) fn is_overtaken(&self) -> bool {
        let Referenced { sequence, settled } = self.own.referenced;
        sequence > settled && self.own.follower.head().sequence < sequence
    }

    /// What is waited for: by the foreign commit in front, or because upstream is ahead of the own stream.
    fn next_need(&self) -> Result<Option<(Whose, Need)>, Halt> {
        let Some(first) = self.own.foreign.front() else {
            return Ok(self.is_overtaken().then_some((Whose::Own, Need::Read(self.own.referenced.sequence))));
        };
        let need = self.lacks(&first.commit)?;
        Ok(need.map(|(index, need)| (Whose::Upstream { index, own: first.commit.sequence }, need)))
    }

    /// Of the stream that is waited for: its name, how far it was read, its newest commit, and its losses.
    fn awaited(&self, whose: Whose) -> Option<(StreamId, Offset, u64, &Losses)> {
        Some(match whose {
            Whose::Own => {
                let follower = &self.own.follower;
                (self.stream, follower.next_offset(), follower.head().sequence, &self.own.losses)
            }
            Whose::Upstream { index, .. } => {
                let upstream = self.upstream.get(index)?;
                let head = upstream.noted.sequence.min(upstream.followed.sequence);
                (upstream.stream, upstream.next, head, &upstream.losses)
            }
        })
    }

    /// Finds out whether what is waited for can still come. True: it need not be waited for any more.
    pub(super) fn watch_stuck(&mut self, now: Instant) -> Result<bool, Halt> {
        let known = self.stuck.take();
        let Some((whose, need)) = self.next_need()? else { return Ok(false) };
        let Some((stream, read, head, losses)) = self.awaited(whose) else { return Ok(false) };
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
                    self.settle_stuck(whose, sequence);
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
    fn settle_stuck(&mut self, whose: Whose, sequence: u64) {
        match whose {
            Whose::Own => self.own.referenced.settled = sequence,
            Whose::Upstream { index, own } => {
                if let Some(upstream) = self.upstream.get_mut(index) {
                    upstream.exhausted_for = own;
                }
            }
        }
    }

    pub(super) fn take_stuck(&mut self, answered: Answered) -> Result<(), Halt> {
        let Some(stuck) = &mut self.stuck else { return Ok(()) };
        stuck.question = Question::NotAsked;
        stuck.since = Instant::now();
        let failed = match answered {
            Answered::End(Ok(end)) => {
                stuck.question = Question::EndsAt(end);
                None
            }
            Answered::Losses(Ok(losses)) => {
                let whose = match stuck.whose {
                    Whose::Own => Some(&mut self.own.losses),
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

    /// A reaction by another writer, or in an earlier life: its cause is handled, unless it is lost.
    pub(super) fn take_answer(&mut self, commit: &Commit, cause: Cause) -> Result<(), Halt> {
        let mismatch = |due| Halt::CauseMismatch { sequence: commit.sequence, cause, due };
        let Some(upstream) = self.upstream.iter_mut().find(|upstream| upstream.stream == cause.stream) else {
            return Err(mismatch(None));
        };
        // Reactions to one stream are appended in its order, so this one must be to the oldest without an answer.
        if upstream.is_first_due(cause) {
            upstream.due.pop_front();
            return Ok(());
        }
        if upstream.has_lost(cause.sequence) && !upstream.is_due(cause) {
            let answer = AnswerRepeated::to(commit);
            let mut bytes = Vec::new();
            if let Some(event) = answer.clone().of(D::SERVICE) {
                encode_event(&event, &mut bytes);
            }
            self.store.note_orphan(Orphan { request_id: commit.request_id, answer: Bytes::from(bytes) });
            self.orphans.insert(commit.request_id, answer);
            return Ok(());
        }
        match upstream.recent.at(cause.sequence) {
            Known::Hash(hash) if hash != cause.hash => {
                let missing = cause.sequence..=cause.sequence;
                Err(FollowError::from(LostTail { stream: cause.stream, missing }).into())
            }
            Known::Hash(_) | Known::NotYet | Known::Forgotten => {
                Err(mismatch(upstream.due.front().map(|due| due.commit.position())))
            }
        }
    }
}

/// The answers to commits that are lost, as far as the store remembers them.
pub(super) fn load<E: Entity>(store: &dyn ServiceStore<E>) -> Result<Table<RequestId, AnswerRepeated>, Halt> {
    let mut orphans = Table::new();
    for Orphan { request_id, answer } in store.orphans().map_err(Halt::Store)? {
        let damaged = Halt::Store(StoreError::Corrupt("an answer to be repeated cannot be decoded"));
        orphans.insert(request_id, decode_answer(&answer).ok_or(damaged)?);
    }
    Ok(orphans)
}
