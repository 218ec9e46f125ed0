//! Records as followers share them: the envelope's fixed part and the hash at once, the commit when first asked for.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use loopledger_chain::{Envelope, RECORD_BYTES_MAX, leaf_hash};
use loopledger_domain::Commit;
use loopledger_event_log::{LogRecord, Offset};
use loopledger_types::{Hash, Key, Partition, Position, StreamId, Table, Topic, partition_of};
use loopledger_wire::NotUnderstood;

use loopledger_observability::trace::TraceContext;

/// Makes a commit of an envelope and its hash, if everything in it is understood.
pub type Decode = fn(&Envelope<'_>, Hash) -> Result<Commit, NotUnderstood>;

/// A partition of the log, and how its records are decoded.
#[derive(Debug, Clone, Copy)]
pub struct LogPartition {
    pub topic: Topic,
    pub partition: Partition,
    pub partition_count: u32,
    pub decode: Decode,
}

/// What admission looks at.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    pub stream: StreamId,
    pub sequence: u64,
    pub previous_hash: Hash,
    pub hash: Hash,
}

impl Fixed {
    pub const fn position(&self) -> Position {
        Position { stream: self.stream, sequence: self.sequence, hash: self.hash }
    }
}

/// The fixed part of a record that could be admitted where it stands; anything else is void whatever came before it.
pub fn parse(value: &[u8], partition: LogPartition) -> Option<Fixed> {
    if value.len() > RECORD_BYTES_MAX {
        return None;
    }
    let envelope = Envelope::decode(value).ok()?;
    let stream = envelope.stream;
    let here = stream.service == partition.topic.0
        && partition_of(Key(stream.county), partition.partition_count) == partition.partition;
    here.then(|| Fixed {
        stream,
        sequence: envelope.sequence,
        previous_hash: envelope.previous_hash,
        hash: leaf_hash(value),
    })
}

/// One record of the log, as it was read.
#[derive(Debug)]
pub struct Record {
    pub offset: Offset,
    pub next: Offset,
    pub value: Bytes,
    /// Boxed: most have none, and there are many records.
    pub trace: Option<Box<TraceContext>>,
    pub fixed: Option<Fixed>,
    decode: Decode,
    commit: OnceLock<Result<Arc<Commit>, NotUnderstood>>,
}

impl Record {
    fn new(read: LogRecord, partition: LogPartition) -> Self {
        let fixed = parse(&read.value, partition);
        let trace = TraceContext::of_headers(&read.headers).map(Box::new);
        let LogRecord { offset, next, value, .. } = read;
        Self { offset, next, value, trace, fixed, decode: partition.decode, commit: OnceLock::new() }
    }

    /// The commit with its events understood. Decoded once, by the first follower that asks; void records are never asked.
    pub fn commit(&self) -> Result<Arc<Commit>, NotUnderstood> {
        let decode = || {
            let hash = self.fixed.as_ref().map_or(Hash::ZERO, |fixed| fixed.hash);
            let envelope = Envelope::decode(&self.value).map_err(|error| NotUnderstood {
                type_url: "loopledger.commit.v1.Commit".to_owned(),
                reason: error.to_string(),
            })?;
            (self.decode)(&envelope, hash).map(Arc::new)
        };
        self.commit.get_or_init(decode).clone()
    }
}

/// What one read returned, in log order and by stream.
#[derive(Debug)]
pub struct Batch {
    pub start: Offset,
    pub next: Offset,
    pub records: Vec<Record>,
    pub bytes: usize,
    /// The records of each stream by their indices; ascending by stream.
    streams: Vec<(StreamId, Vec<u32>)>,
    /// Records that name no stream of this partition.
    junk: Vec<u32>,
}

impl Batch {
    pub fn new(start: Offset, read: Vec<LogRecord>, partition: LogPartition) -> Self {
        let next = read.last().map_or(start, |record| record.next);
        let bytes = read.iter().fold(0_usize, |sum, record| sum.saturating_add(record.value.len()));
        let records: Vec<Record> = read.into_iter().map(|record| Record::new(record, partition)).collect();
        let (mut streams, mut junk) = (Vec::<(StreamId, Vec<u32>)>::new(), Vec::new());
        let mut places = Table::<StreamId, usize>::new();
        let mut last = None;
        for (record, index) in records.iter().zip(0_u32..) {
            let Some(fixed) = &record.fixed else {
                junk.push(index);
                continue;
            };
            // Mostly the stream of the record before.
            let place = match last {
                Some((stream, place)) if stream == fixed.stream => place,
                _ => *places.entry_or_insert_with(fixed.stream, || {
                    streams.push((fixed.stream, Vec::new()));
                    streams.len().saturating_sub(1)
                }),
            };
            last = Some((fixed.stream, place));
            if let Some((_, indices)) = streams.get_mut(place) {
                indices.push(index);
            }
        }
        streams.sort_unstable_by_key(|(stream, _)| *stream);
        Self { start, next, records, bytes, streams, junk }
    }

    /// The streams that have records here.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.streams.iter().map(|(stream, _)| *stream)
    }

    /// The indices of a stream's records.
    pub fn of(&self, stream: StreamId) -> &[u32] {
        let place = self.streams.binary_search_by_key(&stream, |(of, _)| *of).ok();
        place.and_then(|place| self.streams.get(place)).map_or(&[], |(_, indices)| indices)
    }

    /// Whether a stream has a record at an offset or behind it.
    pub fn has_from(&self, stream: StreamId, from: Offset) -> bool {
        let last = self.of(stream).last().and_then(|index| usize::try_from(*index).ok());
        last.and_then(|index| self.records.get(index)).is_some_and(|record| record.offset >= from)
    }

    /// Where the last record stands, and the hash of its bytes.
    pub fn last(&self) -> Option<(Offset, Hash)> {
        let last = self.records.last()?;
        Some((last.offset, last.fixed.map_or_else(|| leaf_hash(&last.value), |fixed| fixed.hash)))
    }

    /// Records that name no stream of this partition, from an offset on.
    pub fn junk_from(&self, from: Offset) -> u64 {
        let later = self.junk.iter().filter(|index| {
            let record = usize::try_from(**index).ok().and_then(|index| self.records.get(index));
            record.is_some_and(|record| record.offset >= from)
        });
        u64::try_from(later.count()).unwrap_or(u64::MAX)
    }
}
