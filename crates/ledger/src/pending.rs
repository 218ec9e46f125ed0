//! Hand-overs that wait for their answer.
//!
//! A commit that concerns other services is open until each has read it and reacted; a reaction may concern others in
//! turn. A commit stays here while it, or anything that follows from it, is open: so "is everything done that follows
//! from what stands up to this position" is one look-up. Reactions may be read before their cause; the outcome is the same.

use std::collections::BTreeMap;

use loopledger_facts::{Commit, Event};
use loopledger_types::{Cause, Hash, Service};

use crate::FactRef;
use crate::fact::{CommitKey, service_code, service_of};
use crate::store::{Reader, Writer};

/// For each of procurement, station, distribution and sales: whether an event of another service needs its answer.
#[derive(Debug, Clone, Copy)]
pub struct Concerns(pub [fn(&Event) -> bool; 4]);

impl Concerns {
    /// What the list of facts says.
    pub const SERVICES: Self = Self([
        |event| event.asks(Service::Procurement),
        |event| event.asks(Service::Station),
        |event| event.asks(Service::Distribution),
        |event| event.asks(Service::Sales),
    ]);

    /// No fact needs an answer: for tools that only post.
    pub const NONE: Self = Self([|_| false; 4]);

    /// The services, other than its own, that `commit` concerns, as bits.
    fn of(&self, commit: &Commit) -> u8 {
        let mut bits = 0;
        for (code, concerns) in (0_u8..).zip(self.0) {
            if service_code(commit.stream.service) != code && commit.events.iter().any(concerns) {
                bits |= 1 << code;
            }
        }
        bits
    }
}

/// A commit that has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    /// Answers to another commit in this place, one that is lost, do not count.
    hash: Hash,
    /// Services that it concerns, and that have answered.
    concerned: u8,
    answered: u8,
    cause: Option<CommitKey>,
    /// Reactions to it that are here themselves.
    open_reactions: u32,
}

impl Node {
    const fn is_settled(&self) -> bool {
        self.concerned & !self.answered == 0 && self.open_reactions == 0
    }
}

/// An answer to a commit that has not been read, or is not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Early {
    reaction: CommitKey,
    /// Of the commit that it answers.
    hash: Hash,
}

/// A commit that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenHandOver {
    /// The commit; its `event` is 0.
    pub commit: FactRef,
    /// Who has not answered.
    pub awaiting: Vec<Service>,
    /// What it all began with.
    pub root: FactRef,
}

#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// In the order of streams and sequences, so that "up to here" is one look-up.
    nodes: BTreeMap<CommitKey, Node>,
    /// By the commit that they answer.
    early: BTreeMap<CommitKey, Vec<Early>>,
}

impl Pending {
    /// `is_read` says whether a commit was folded before: a cause that was, and is not here, has all its answers.
    pub(crate) fn fold(&mut self, commit: &Commit, concerns: &Concerns, is_read: impl Fn(CommitKey) -> bool) {
        let own = CommitKey::new(commit.stream.service, commit.sequence);
        let mut cause = commit.cause.map(|cause| CommitKey::new(cause.stream.service, cause.sequence));
        if let (Some(key), Some(Cause { hash, .. })) = (cause, commit.cause) {
            if let Some(node) = self.nodes.get_mut(&key) {
                if node.hash == hash {
                    node.answered |= bit(own);
                } else {
                    cause = None;
                }
            } else if !is_read(key) {
                self.early.entry(key).or_default().push(Early { reaction: own, hash });
            }
        }
        let mut node =
            Node { hash: commit.hash, concerned: concerns.of(commit), answered: 0, cause, open_reactions: 0 };
        for early in self.early.remove(&own).unwrap_or_default() {
            self.answer_early(&mut node, early);
        }
        if !node.is_settled() {
            self.nodes.insert(own, node);
            if let Some(cause) = cause.and_then(|cause| self.nodes.get_mut(&cause)) {
                cause.open_reactions = cause.open_reactions.saturating_add(1);
            }
        }
        if let Some(cause) = cause {
            self.settle(cause);
        }
    }

    /// An answer that was read before the commit `node`, unless it answers another that stood in the same place.
    fn answer_early(&mut self, node: &mut Node, early: Early) {
        let reaction = self.nodes.get_mut(&early.reaction);
        if early.hash == node.hash {
            node.answered |= bit(early.reaction);
            node.open_reactions = node.open_reactions.saturating_add(u32::from(reaction.is_some()));
        } else if let Some(reaction) = reaction {
            reaction.cause = None;
        }
    }

    /// Lets go of a commit, and of what caused it, as far as nothing is open any more.
    fn settle(&mut self, from: CommitKey) {
        let mut next = Some(from);
        while let Some(key) = next {
            let Some(node) = self.nodes.get(&key).copied().filter(Node::is_settled) else { return };
            self.nodes.remove(&key);
            next = node.cause;
            if let Some(cause) = node.cause.and_then(|cause| self.nodes.get_mut(&cause)) {
                cause.open_reactions = cause.open_reactions.saturating_sub(1);
            }
        }
    }

    /// Whether something that follows from a commit of `service`, up to and including `sequence`, is still due.
    pub(crate) fn is_open_through(&self, service: Service, sequence: u64) -> bool {
        self.nodes.range(CommitKey::new(service, 0)..=CommitKey::new(service, sequence)).next().is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Commits that wait for an answer, oldest of each stream first.
    pub(crate) fn open(&self) -> Vec<OpenHandOver> {
        let waiting = |(key, node): (&CommitKey, &Node)| {
            let bits = node.concerned & !node.answered;
            let awaiting: Vec<Service> = (0..4).filter(|code| bits & (1 << code) != 0).filter_map(service_of).collect();
            let root = self.root(*key).fact()?;
            (bits != 0).then_some(OpenHandOver { commit: key.fact()?, awaiting, root })
        };
        self.nodes.iter().filter_map(waiting).collect()
    }

    fn root(&self, key: CommitKey) -> CommitKey {
        let mut root = key;
        // A cause is older than its reaction, so the walk ends; the bound guards against a log that lies.
        for _ in 0..64 {
            match self.nodes.get(&root).and_then(|node| node.cause) {
                Some(cause) => root = cause,
                None => break,
            }
        }
        root
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.number(u64::try_from(self.nodes.len()).unwrap_or(u64::MAX));
        for (key, node) in &self.nodes {
            out.number(key.0).hash(&node.hash.0).byte(node.concerned).byte(node.answered);
            out.number(node.cause.map_or(0, |cause| cause.0.saturating_add(1))).index(node.open_reactions);
        }
        for (key, early) in self.early.iter().flat_map(|(key, all)| all.iter().map(move |early| (key, early))) {
            out.number(key.0).number(early.reaction.0).hash(&early.hash.0);
        }
    }

    pub(crate) fn read(&mut self, from: &mut Reader<'_>) -> Option<()> {
        for _ in 0..from.number()? {
            let (key, hash) = (CommitKey(from.number()?), Hash(from.hash()?));
            let (concerned, answered) = (from.byte()?, from.byte()?);
            let cause = from.number()?.checked_sub(1).map(CommitKey);
            self.nodes.insert(key, Node { hash, concerned, answered, cause, open_reactions: from.index()? });
        }
        while !from.0.is_empty() {
            let (key, reaction) = (CommitKey(from.number()?), CommitKey(from.number()?));
            self.early.entry(key).or_default().push(Early { reaction, hash: Hash(from.hash()?) });
        }
        Some(())
    }
}

/// The service of a commit among those that others concern.
fn bit(of: CommitKey) -> u8 {
    of.service().and_then(|service| 1_u8.checked_shl(u32::from(service_code(service)))).unwrap_or(0)
}
