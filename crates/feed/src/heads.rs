//! How far streams have been read.

use std::collections::BTreeMap;

use loopledger_types::{Head, Position, StreamId};

/// The newest known commit of each stream, in the order of streams; streams without commits are absent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Heads(BTreeMap<StreamId, Head>);

impl Heads {
    pub fn new() -> Self {
        Self::default()
    }

    /// The head of a stream; [`Head::EMPTY`] if nothing was read of it.
    pub fn get(&self, stream: StreamId) -> Head {
        self.0.get(&stream).copied().unwrap_or(Head::EMPTY)
    }

    pub fn set(&mut self, stream: StreamId, head: Head) {
        if head != Head::EMPTY {
            self.0.insert(stream, head);
        }
    }

    pub fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.0.iter().map(|(stream, head)| Position { stream: *stream, sequence: head.sequence, hash: head.hash })
    }
}
