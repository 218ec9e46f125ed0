//! Facts by position and hash, so that a reader of the log finds and verifies what a figure rests on.

use loopledger_ledger::FactRef;
use loopledger_types::{Position, Service};

use crate::commits::Hashes;
use crate::shared::Sequences;

/// One event of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    pub position: Position,
    /// Index of the event in the commit.
    pub event: u32,
}

/// A row of an answer, and the fact that it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithFact<T> {
    pub fact: Fact,
    pub row: T,
}

impl Hashes {
    pub(crate) fn fact(&self, at: FactRef) -> Fact {
        Fact { position: self.position(at.service, at.sequence), event: at.event }
    }

    pub(super) fn with_facts<T>(&self, rows: Vec<T>, at: impl Fn(&T) -> FactRef) -> Vec<WithFact<T>> {
        rows.into_iter().map(|row| WithFact { fact: self.fact(at(&row)), row }).collect()
    }

    /// The heads that a list was begun at.
    pub(super) fn heads(&self, heads: &Sequences) -> Vec<Position> {
        let begun = Service::ALL.into_iter().zip(*heads).filter(|(_, sequence)| *sequence > 0);
        begun.map(|(service, sequence)| self.position(service, sequence)).collect()
    }
}
