//! Writes and callers that wait until positions of streams have been folded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loopledger_domain::Decider;
use loopledger_types::{Hash, Head, Position, StreamId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::WriteError;
use super::job::Job;
use loopledger_limits::{Caller, FairQueue};

/// Hashes of a stream's newest commits that are kept to check positions against; older ones are looked up in the log.
const RECENT_HASHES: usize = 16_384;

/// Entries that are kept before those are sought whose callers went away.
const SWEEP_MIN: usize = 256;

/// Positions found in the log that need not be looked up again.
const VERIFIED_MAX: usize = 4_096;

/// The newest hashes of a stream.
#[derive(Debug, Default)]
pub(super) struct Recent {
    head: u64,
    hashes: VecDeque<Hash>,
}

/// What is known of the commit at a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    NotYet,
    Hash(Hash),
    /// Too long ago to be remembered.
    Forgotten,
}

impl Recent {
    pub(super) fn starting_at(head: Head) -> Self {
        Self { head: head.sequence, hashes: (head != Head::EMPTY).then_some(head.hash).into_iter().collect() }
    }

    /// Takes the next commit.
    pub(super) fn push(&mut self, head: Head) {
        if self.hashes.len() >= RECENT_HASHES {
            self.hashes.pop_front();
        }
        self.head = head.sequence;
        self.hashes.push_back(head.hash);
    }

    pub(super) fn at(&self, sequence: u64) -> Known {
        let Some(back) = self.head.checked_sub(sequence) else { return Known::NotYet };
        let index = usize::try_from(back).ok().and_then(|back| self.hashes.len().checked_sub(back)?.checked_sub(1));
        index.and_then(|index| self.hashes.get(index)).map_or(Known::Forgotten, |hash| Known::Hash(*hash))
    }
}

/// Who waits.
pub(super) enum Waiter<D: Decider> {
    Job(Job<D>),
    Caller(oneshot::Sender<Result<(), WriteError>>),
}

impl<D: Decider> Waiter<D> {
    pub(super) fn fail(self, error: WriteError) {
        match self {
            Self::Job(job) => job.reply.send(Err(error)),
            Self::Caller(reply) => drop(reply.send(Err(error))),
        }
    }

    fn is_abandoned(&self) -> bool {
        match self {
            Self::Job(job) => job.reply.is_abandoned(),
            Self::Caller(reply) => reply.is_closed(),
        }
    }
}

/// A stream, and the sequence up to which it must be folded.
pub(super) type Awaited = (StreamId, u64);

/// Somebody waiting, and for what.
pub(super) struct Entry<D: Decider> {
    pub(super) caller: Caller,
    pub(super) positions: Vec<Position>,
    pub(super) deadline: Option<Instant>,
    pub(super) waiter: Waiter<D>,
    /// The first position that is not there yet.
    blocked_on: Option<Awaited>,
}

/// Everybody who waits, in order of arrival.
pub(super) struct Waiting<D: Decider> {
    entries: BTreeMap<u64, Entry<D>>,
    arrivals: u64,
    by_position: BTreeSet<(StreamId, u64, u64)>,
    by_deadline: BTreeSet<(Instant, u64)>,
    verified: BTreeSet<Position>,
    /// Whose positions have to be looked up in the log; callers take turns.
    lookups: FairQueue<u64>,
    /// How many entries there may be before the next sweep.
    sweep_at: usize,
}

impl<D: Decider> Default for Waiting<D> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            arrivals: 0,
            by_position: BTreeSet::new(),
            by_deadline: BTreeSet::new(),
            verified: BTreeSet::new(),
            lookups: FairQueue::default(),
            sweep_at: SWEEP_MIN,
        }
    }
}

impl<D: Decider> Waiting<D> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes somebody in, blocked on nothing yet; returns the number to name them by. How many there may be is for the
    /// callers' places to say: those that went away have given theirs back, and are let go of here now and then.
    pub(super) fn add(
        &mut self,
        caller: Caller,
        positions: Vec<Position>,
        deadline: Option<Instant>,
        waiter: Waiter<D>,
    ) -> u64 {
        if self.entries.len() >= self.sweep_at {
            self.sweep();
        }
        let id = self.arrivals;
        self.arrivals = self.arrivals.saturating_add(1);
        if let Some(deadline) = deadline {
            self.by_deadline.insert((deadline, id));
        }
        self.entries.insert(id, Entry { caller, positions, deadline, waiter, blocked_on: None });
        id
    }

    fn sweep(&mut self) {
        let abandoned: Vec<u64> =
            self.entries.iter().filter(|(_, entry)| entry.waiter.is_abandoned()).map(|(id, _)| *id).collect();
        for id in abandoned {
            self.remove(id);
        }
        self.sweep_at = self.entries.len().saturating_mul(2).max(SWEEP_MIN);
    }

    /// Puts somebody in the queue of those whose positions have to be looked up.
    pub(super) fn look_up(&mut self, id: u64) {
        let Some(caller) = self.entries.get(&id).map(|entry| entry.caller) else { return };
        let entries = &self.entries;
        self.lookups.retain_of(caller, |id| entries.get(id).is_some_and(|entry| !entry.waiter.is_abandoned()));
        self.lookups.push(caller, id);
    }

    /// The next whose positions have to be looked up.
    pub(super) fn next_lookup(&mut self) -> Option<u64> {
        while let Some(id) = self.lookups.pop() {
            match self.entries.get(&id) {
                Some(entry) if !entry.waiter.is_abandoned() => return Some(id),
                Some(_) => drop(self.remove(id)),
                None => {}
            }
        }
        None
    }

    pub(super) fn positions(&self, id: u64) -> Option<&[Position]> {
        self.entries.get(&id).map(|entry| entry.positions.as_slice())
    }

    /// Says what somebody waits for.
    pub(super) fn block(&mut self, id: u64, stream: StreamId, sequence: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.blocked_on = Some((stream, sequence));
            self.by_position.insert((stream, sequence, id));
        }
    }

    /// Those who waited for `stream` up to `head`, in order of arrival; they are blocked on nothing now.
    pub(super) fn reached(&mut self, stream: StreamId, head: u64) -> Vec<u64> {
        let up_to = (stream, head, u64::MAX);
        if self.by_position.range((stream, 0, 0)..=up_to).next().is_none() {
            return Vec::new();
        }
        let mut ids = Vec::new();
        while let Some(first) = self.by_position.range((stream, 0, 0)..=up_to).next().copied() {
            self.by_position.remove(&first);
            ids.push(first.2);
        }
        for id in &ids {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.blocked_on = None;
            }
        }
        ids.sort_unstable();
        ids
    }

    /// Lets somebody go.
    pub(super) fn remove(&mut self, id: u64) -> Option<Entry<D>> {
        let entry = self.entries.remove(&id)?;
        if let Some(deadline) = entry.deadline {
            self.by_deadline.remove(&(deadline, id));
        }
        if let Some((stream, sequence)) = entry.blocked_on {
            self.by_position.remove(&(stream, sequence, id));
        }
        Some(entry)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Somebody whose deadline has passed, with what they still waited for.
    pub(super) fn expired(&mut self, now: Instant) -> Option<(Entry<D>, Option<Awaited>)> {
        let (deadline, id) = self.by_deadline.first().copied()?;
        if deadline > now {
            return None;
        }
        let blocked_on = self.entries.get(&id).and_then(|entry| entry.blocked_on);
        self.remove(id).map(|entry| (entry, blocked_on))
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry<D>> + use<D> {
        self.by_position.clear();
        self.by_deadline.clear();
        core::mem::take(&mut self.entries).into_values()
    }

    pub(super) fn is_verified(&self, position: &Position) -> bool {
        self.verified.contains(position)
    }

    pub(super) fn set_verified(&mut self, position: Position) {
        if self.verified.len() >= VERIFIED_MAX {
            self.verified.clear();
        }
        self.verified.insert(position);
    }
}
