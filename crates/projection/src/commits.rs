//! Reading commits back from the log by stream and sequence: for hashes of facts, statements, and exact records.
//!
//! Admission runs again from the nearest indexed commit, so a void record between two commits is never taken for one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use loopledger_chain::{Envelope, RECORD_BYTES_MAX, extends, leaf_hash};
use loopledger_domain::Commit;
use loopledger_event_log::ReadError;
use loopledger_ledger::FactRef;
use loopledger_types::{CountyCode, Hash, Head, Position, Service, StreamId, WithCauses};
use loopledger_wire::{Failure, decode_commit};

use crate::health::Halt;
use crate::index::{Known, SPAN};
use crate::shared::{Sequences, Shared};

/// Hashes of old commits that are kept once they were read, half of them at least until as many newer ones were.
const HASHES_MAX: usize = 131_072;
/// A wanted commit so far ahead of the last one read is sought anew.
const READ_ON_MAX: u64 = 4 * SPAN;

/// A record of the log that is an admitted commit.
#[derive(Debug, Clone)]
pub struct StoredCommit {
    pub position: Position,
    pub record: Bytes,
}

impl StoredCommit {
    pub(crate) fn decode(&self) -> Result<Commit, Failure> {
        let not_read = Failure::Internal { what: "a commit that was folded cannot be decoded" };
        let envelope = Envelope::decode(&self.record).map_err(|_| not_read.clone())?;
        decode_commit(&envelope, self.position.hash).map_err(|_| not_read)
    }
}

/// Hashes of commits that were read again, in two generations.
#[derive(Debug, Default)]
pub(crate) struct HashCache(Mutex<[HashMap<(Service, u64), Hash>; 2]>);

impl HashCache {
    fn get(&self, service: Service, sequence: u64) -> Option<Hash> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find_map(|hashes| hashes.get(&(service, sequence)).copied())
    }

    fn extend(&self, hashes: impl Iterator<Item = Position>) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        young.extend(hashes.map(|position| ((position.stream.service, position.sequence), position.hash)));
        if young.len() >= HASHES_MAX / 2 {
            *old = core::mem::take(young);
        }
    }
}

/// The hashes that an answer's facts need.
#[derive(Debug)]
pub(crate) struct Hashes {
    county: CountyCode,
    found: HashMap<(Service, u64), Hash>,
}

impl Hashes {
    pub(crate) fn position(&self, service: Service, sequence: u64) -> Position {
        let hash = self.found.get(&(service, sequence)).copied().unwrap_or(Hash::ZERO);
        Position { stream: StreamId { service, county: self.county }, sequence, hash }
    }
}

impl Shared {
    /// The hashes of folded commits.
    pub(crate) async fn hashes_of(&self, wanted: impl Iterator<Item = (Service, u64)>) -> Result<Hashes, Failure> {
        let mut found = HashMap::new();
        let mut missing: BTreeMap<Service, BTreeSet<u64>> = BTreeMap::new();
        for (service, sequence) in wanted {
            if found.contains_key(&(service, sequence)) {
                continue;
            }
            match self.index.find(service, sequence) {
                Known::Hash(hash) => {
                    found.insert((service, sequence), hash);
                }
                Known::InLog => match self.hashes.get(service, sequence) {
                    Some(hash) => {
                        found.insert((service, sequence), hash);
                    }
                    None => {
                        missing.entry(service).or_default().insert(sequence);
                    }
                },
                Known::NotYet => return Err(Failure::Internal { what: "a fact of a commit that is not folded" }),
            }
        }
        for (service, sequences) in missing {
            let sequences: Vec<u64> = sequences.into_iter().collect();
            self.read_commits(service, &sequences, |stored| {
                found.insert((service, stored.position.sequence), stored.position.hash);
            })
            .await?;
        }
        Ok(Hashes { county: self.county, found })
    }

    /// The hashes of a page's facts, and of the heads that the list was begun at.
    pub(crate) async fn hashes_of_list(
        &self,
        facts: impl Iterator<Item = FactRef>,
        heads: &Sequences,
    ) -> Result<Hashes, Failure> {
        let begun = Service::ALL.into_iter().zip(*heads).filter(|(_, head)| *head > 0);
        self.hashes_of(facts.map(|fact| (fact.service, fact.sequence)).chain(begun)).await
    }

    /// Gives the folded commits with these sequences, ascending and each once, to `take` in order.
    pub(crate) async fn read_commits(
        &self,
        service: Service,
        sequences: &[u64],
        mut take: impl FnMut(StoredCommit),
    ) -> Result<(), Failure> {
        let mut wanted = sequences.iter().copied().peekable();
        while let Some(first) = wanted.peek().copied() {
            let mut reading = self.open_at(service, first)?;
            while let Some(sequence) = wanted.peek().copied() {
                if sequence > reading.head.sequence.saturating_add(READ_ON_MAX) && sequence != first {
                    break;
                }
                take(reading.advance(sequence).await?);
                wanted.next();
            }
            self.hashes.extend(core::mem::take(&mut reading.seen).into_iter());
        }
        Ok(())
    }

    fn open_at(&self, service: Service, sequence: u64) -> Result<Reading<'_>, Failure> {
        let missing = Failure::Internal { what: "a folded commit is missing from the index" };
        let (first, offset) = self.index.before(service, sequence).ok_or(missing)?;
        let stream = self.stream(service);
        let opened = self.feed.log().read(service.topic(), self.feed.partition(stream), offset);
        let reader = opened.map_err(|error| self.read_failed(stream, first, &error))?;
        let head = Head { sequence: first.saturating_sub(1), hash: Hash::ZERO };
        Ok(Reading {
            shared: self,
            stream,
            reader,
            read: Vec::new().into_iter(),
            head,
            is_first: true,
            seen: Vec::new(),
        })
    }

    fn read_failed(&self, stream: StreamId, sequence: u64, error: &ReadError) -> Failure {
        tracing::error!(%stream, sequence, error = %WithCauses(error), "could not re-read a commit");
        match error {
            ReadError::OffsetOutOfRange { .. } | ReadError::NotARecordBoundary { .. } => {
                Failure::LostTail { stream, from: sequence, to: self.index.head(stream.service).0.sequence }
            }
            ReadError::Damaged { .. } => Halt::log(error, stream, sequence).failure(),
            ReadError::NoSuchPartition { .. } | ReadError::Io { .. } | ReadError::Unavailable { .. } => {
                Failure::LogUnavailable { retry_after: crate::at_least::RETRY_AFTER }
            }
            ReadError::Closed => Failure::ShuttingDown,
        }
    }
}

/// A walk along a stream from an indexed commit on.
struct Reading<'a> {
    shared: &'a Shared,
    stream: StreamId,
    reader: Box<dyn loopledger_event_log::LogReader>,
    read: std::vec::IntoIter<loopledger_event_log::LogRecord>,
    head: Head,
    /// The record to begin with is known to be admitted; its predecessor's hash is not known.
    is_first: bool,
    seen: Vec<Position>,
}

impl Reading<'_> {
    /// Reads on to a commit.
    async fn advance(&mut self, sequence: u64) -> Result<StoredCommit, Failure> {
        loop {
            let Some(record) = self.read.next() else {
                let read = self.reader.next().await;
                let failed = |error| self.shared.read_failed(self.stream, self.head.sequence.saturating_add(1), &error);
                self.read = read.map_err(failed)?.into_iter();
                continue;
            };
            if !self.admit(&record.value)? {
                continue;
            }
            let Head { sequence: found, hash } = self.head;
            let position = Position { stream: self.stream, sequence: found, hash };
            self.seen.push(position);
            if found == sequence {
                // A copy: the record shares memory with its neighbours.
                return Ok(StoredCommit { position, record: Bytes::copy_from_slice(&record.value) });
            }
        }
    }

    fn admit(&mut self, value: &[u8]) -> Result<bool, Failure> {
        let envelope = Some(value).filter(|value| value.len() <= RECORD_BYTES_MAX);
        let envelope = envelope.and_then(|value| Envelope::decode(value).ok());
        let envelope = envelope.filter(|envelope| envelope.stream == self.stream);
        let first = core::mem::take(&mut self.is_first);
        let Some(envelope) = envelope else {
            return if first { Err(self.replaced()) } else { Ok(false) };
        };
        let next = self.head.sequence.checked_add(1) == Some(envelope.sequence);
        if first && !next {
            return Err(self.replaced());
        }
        let admitted = first || extends(self.head, envelope.sequence, envelope.previous_hash).is_ok();
        if admitted {
            self.head = Head { sequence: envelope.sequence, hash: leaf_hash(value) };
        }
        Ok(admitted)
    }

    /// Another record stands where a folded commit stood.
    fn replaced(&self) -> Failure {
        let from = self.head.sequence.saturating_add(1);
        let to = self.shared.index.head(self.stream.service).0.sequence;
        Failure::LostTail { stream: self.stream, from, to }
    }
}
