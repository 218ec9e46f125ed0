//! Mending a log that came back shorter than what was read of it: with the services stopped, on any log.
//!
//! [`examine`] compares the log with what the stores remember of it. What a store still holds of its own stream is
//! appended again, byte for byte ([`append_again`]): the chain is as it was, and every reader finds its head. Otherwise
//! the loss can be accepted ([`accept`]): a `TailLost` commit says so in the stream, and the stores that hold effects of
//! lost commits are moved aside as evidence by the caller, to be folded anew.
//! What does not happen here: choosing between the two, and talking to the operator.

mod evidence;
mod examine;
mod mend;
mod references;

use core::ops::RangeInclusive;

use loopledger_domain::Entity;
use loopledger_event_log::{AppendError, Offset};
use loopledger_state_store::{RowStore, ServiceStore, StoreError, TailRecord};
use loopledger_types::{Hash, Head, Position, StreamId, StreamSequence, Timestamp};

pub use evidence::Evidence;
pub use examine::examine;
pub use mend::{accept, append_again};

use loopledger_feed::FollowError;

/// What one store remembers of the log.
#[derive(Debug, Clone)]
pub struct Witness {
    /// What it is called in reports.
    pub name: String,
    /// The stream whose raw records it keeps.
    pub owner: Option<StreamId>,
    /// The newest commit of each stream whose effects it holds.
    pub heads: Vec<Position>,
    /// The newest commit of each stream that others named, as far as it is folded, and that was not there yet.
    pub named: Vec<StreamSequence>,
    /// The owner's newest raw records, oldest first.
    pub tail: Vec<TailRecord>,
}

impl Witness {
    /// The store of a service: its own stream, and upstream as far as it is folded.
    pub fn of_service<E: Entity>(
        name: String,
        stream: StreamId,
        store: &dyn ServiceStore<E>,
    ) -> Result<Self, StoreError> {
        let (mut heads, mut named) = (Vec::new(), Vec::new());
        if let Some(progress) = store.progress()? {
            named.push(StreamSequence { stream, sequence: progress.referenced });
            heads.push(position(stream, progress.head));
            heads.extend(progress.upstream.iter().map(|upstream| position(upstream.stream, upstream.noted)));
        }
        heads.retain(|head| head.sequence > 0);
        let mut tail = store.tail()?;
        let counted = tail.last().map_or(0, |(sequence, _)| *sequence);
        if let Some(remembered) = store.remembered().filter(|remembered| *remembered > counted) {
            named.push(StreamSequence { stream, sequence: remembered });
            tail = store.salvage();
        }
        Ok(Self { name, owner: Some(stream), heads, named, tail })
    }

    /// The store of a projection; `named` is in its own encoding.
    pub fn of_rows(name: String, store: &RowStore, named: Vec<StreamSequence>) -> Result<Self, StoreError> {
        let streams = store.progress()?.map(|progress| progress.streams).unwrap_or_default();
        let heads = streams.iter().map(|known| position(known.stream, known.head)).filter(|head| head.sequence > 0);
        Ok(Self { name, owner: None, heads: heads.collect(), named, tail: Vec::new() })
    }
}

const fn position(stream: StreamId, head: Head) -> Position {
    Position { stream, sequence: head.sequence, hash: head.hash }
}

/// How a commit that a store has seen stands to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    InLog,
    /// Not in the log; the stream says that this is accepted.
    Accepted,
    Lost,
}

/// The newest commit of a stream that a store has seen; or one that is missing, if another stream names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub witness: String,
    /// Its hash is zero if no commit says it.
    pub head: Head,
    pub standing: Standing,
}

/// One stream, in the log and in the stores.
#[derive(Debug, Clone)]
pub struct Finding {
    pub stream: StreamId,
    pub in_log: Head,
    /// Of the log's head; the epoch if there is none.
    recorded_at: Timestamp,
    offset: Offset,
    pub seen: Vec<Sighting>,
    pub loss: Option<Loss>,
}

/// What of a stream was seen and is not in the log.
#[derive(Debug, Clone)]
pub struct Loss {
    pub missing: RangeInclusive<u64>,
    /// The hash of the last one; zero if it is not known.
    pub head: Hash,
    /// Other commits stand in the log from this sequence on: what stood there cannot be appended any more.
    pub replaced_from: Option<u64>,
    /// The records that continue the log as it is, without a gap.
    held: Vec<TailRecord>,
}

impl Loss {
    /// The missing commits that can be appended again.
    pub fn held(&self) -> Option<RangeInclusive<u64>> {
        Some(self.held.first()?.0..=self.held.last()?.0)
    }
}

/// Whether the store `witness` holds effects of commits that are not in the log: it is evidence then.
pub fn is_evidence(findings: &[Finding], witness: &str) -> bool {
    let sightings = findings.iter().flat_map(|finding| &finding.seen);
    sightings.filter(|seen| seen.witness == witness).any(|seen| seen.standing != Standing::InLog)
}

/// Why the log was not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Every record is checked before any is appended.
    #[error("the raw record {sequence} of {stream} in {witness} is damaged")]
    Damaged { witness: String, stream: StreamId, sequence: u64 },
    #[error("could not append to {stream}; records appended so far are kept, and repair can be run again")]
    Append { stream: StreamId, source: AppendError },
    /// Another program writes the stream at the same time, or the log does not show what it confirmed.
    #[error("{stream} was read back with other records than were appended; is one of its writers running?")]
    NotReadBack { stream: StreamId },
    /// Nothing writes it yet.
    #[error("{stream} has no event to accept a loss with")]
    NoSuchEvent { stream: StreamId },
}
