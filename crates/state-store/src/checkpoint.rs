//! What a writer stores at a commit boundary, and how it is laid out as bytes.

use bincode::config;
use bytes::Bytes;
use loopledger_domain::Entity;
use loopledger_types::{CountyCode, Hash, Head, RequestId, Service, StreamId, Timestamp};

use crate::{StoreError, TailRecord};

/// Entities and requests to a checkpoint, so that one atomic write stays small (sled took 6 GB for 50,000 keys).
/// A writer with more cuts several checkpoints at successive commit boundaries.
pub const MAX_CHANGES: usize = 32_768;
/// Bytes of raw records to a checkpoint, for the same reason. One commit is at most 60 KiB.
pub const MAX_TAIL_BYTES: usize = 8 * 1024 * 1024;

/// Version of the layouts in this file. Together with the entities' own version it is the store's schema.
pub(crate) const LAYOUT: u16 = 3;

const DECODE_LIMIT: usize = 1024 * 1024;

/// How a request was answered: kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRecord {
    pub request_id: RequestId,
    /// SHA-256 of the command: the same id with another digest is refused.
    pub digest: [u8; 32],
    pub sequence: u64,
    pub hash: Hash,
}

/// How far a writer had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The newest commit of the own stream whose effects are stored.
    pub head: Head,
    /// Where in the own partition the head's own record stood. A hint: its hash decides.
    pub offset: u64,
    /// `recorded_at` of the head, below which the writer's clock must not fall.
    pub recorded_at: Timestamp,
    /// The newest `recorded_at` of all that is folded, of the own stream and of upstream.
    pub newest: Option<Timestamp>,
    /// The newest commit of the own stream that upstream names, as far as it is folded, if that was not read yet; else
    /// 0. What is folded is not read again, so nothing else would tell that the own stream has lost it.
    pub referenced: u64,
    /// One per upstream stream that anything was read of.
    pub upstream: Vec<UpstreamProgress>,
}

/// How far a writer had come with one upstream stream. `answered` never passes `noted`; between the two lie commits
/// whose facts are folded into the entities and of which at least the first still waits for the own stream's reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamProgress {
    pub stream: StreamId,
    /// The newest upstream commit whose facts are folded into the stored entities.
    pub noted: Head,
    /// Where the record of `noted` itself stood: a hint.
    pub noted_offset: u64,
    /// Up to here every commit that concerns this service was answered by a commit at or before [`Progress::head`].
    pub answered: Head,
    /// Where the record of `answered` itself stood: a hint. Reading starts here after a restart.
    pub answered_offset: u64,
    /// The newest head of this stream that the own stream names (`Commit.upstream`), 0 if none: the next commit names
    /// only what moved beyond it.
    pub named: u64,
}

/// What a reaction whose cause is lost from the log has answered: if the request is sent again, this is repeated. Kept for
/// ever; there are as many as other services lost commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The reaction's own.
    pub request_id: RequestId,
    /// In the owner's encoding.
    pub answer: Bytes,
}

/// Everything that changed between two commit boundaries. Written whole or not at all.
#[derive(Debug, Clone)]
pub struct Checkpoint<E: Entity> {
    pub progress: Progress,
    /// Newest confirmed values; `None`: it no longer exists. Each key once.
    pub entities: Vec<(E::Key, Option<E>)>,
    /// Requests that the commits answered.
    pub requests: Vec<RequestRecord>,
    /// Raw bytes of the commits, ascending without a gap. May be left out while catching up far behind the log's end:
    /// a gap makes the store forget what was before it.
    pub tail: Vec<TailRecord>,
    /// Reactions among the commits whose causes are lost.
    pub orphans: Vec<Orphan>,
}

impl<E: Entity> Checkpoint<E> {
    pub(crate) fn check_size(&self) -> Result<(), StoreError> {
        let changes = self.entities.len().saturating_add(self.requests.len());
        if changes > MAX_CHANGES {
            return Err(StoreError::TooLarge { size: changes, limit: MAX_CHANGES, unit: "changes" });
        }
        let records = self.tail.iter().map(|(_, record)| record).chain(self.orphans.iter().map(|one| &one.answer));
        let bytes = records.fold(0_usize, |sum, record| sum.saturating_add(record.len()));
        if bytes > MAX_TAIL_BYTES {
            return Err(StoreError::TooLarge { size: bytes, limit: MAX_TAIL_BYTES, unit: "bytes of records" });
        }
        Ok(())
    }
}

/// A head as bincode writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
struct StoredHead {
    sequence: u64,
    hash: [u8; 32],
}

#[derive(Debug, bincode::Encode, bincode::Decode)]
struct StoredUpstream {
    service: u8,
    county: u32,
    noted: StoredHead,
    noted_offset: u64,
    answered: StoredHead,
    answered_offset: u64,
    named: u64,
}

#[derive(Debug, bincode::Encode, bincode::Decode)]
struct StoredProgress {
    head: StoredHead,
    offset: u64,
    seconds: i64,
    nanos: u32,
    newest: Option<(i64, u32)>,
    referenced: u64,
    upstream: Vec<StoredUpstream>,
}

/// A head of a stream with the offset after it, as [`encode_heads`] writes it.
pub(crate) type HeadAt = (StreamId, Head, u64);

impl From<Head> for StoredHead {
    fn from(head: Head) -> Self {
        Self { sequence: head.sequence, hash: head.hash.0 }
    }
}

impl From<StoredHead> for Head {
    fn from(head: StoredHead) -> Self {
        Self { sequence: head.sequence, hash: Hash(head.hash) }
    }
}

const WRONG: StoreError = StoreError::Corrupt("the progress cannot be decoded");

fn stream_of(service: u8, county: u32) -> Result<StreamId, StoreError> {
    let service = Service::ALL.into_iter().nth(usize::from(service)).ok_or(WRONG)?;
    let county = CountyCode::parse(&format!("{county:06}")).map_err(|_| WRONG)?;
    Ok(StreamId { service, county })
}

pub(crate) fn service_number(stream: StreamId) -> u8 {
    u8::try_from(stream.service.index()).expect("there are five services")
}

pub(crate) fn encode_progress(progress: &Progress) -> Vec<u8> {
    let upstream = progress.upstream.iter().map(|one| StoredUpstream {
        service: service_number(one.stream),
        county: one.stream.county.get(),
        noted: one.noted.into(),
        noted_offset: one.noted_offset,
        answered: one.answered.into(),
        answered_offset: one.answered_offset,
        named: one.named,
    });
    encode(&StoredProgress {
        head: progress.head.into(),
        offset: progress.offset,
        seconds: progress.recorded_at.seconds,
        nanos: progress.recorded_at.nanos,
        newest: progress.newest.map(|newest| (newest.seconds, newest.nanos)),
        referenced: progress.referenced,
        upstream: upstream.collect(),
    })
}

pub(crate) fn decode_progress(bytes: &[u8]) -> Result<Progress, StoreError> {
    let stored: StoredProgress = decode(bytes).ok_or(WRONG)?;
    let upstream = stored.upstream.into_iter().map(|one| {
        Ok(UpstreamProgress {
            stream: stream_of(one.service, one.county)?,
            noted: one.noted.into(),
            noted_offset: one.noted_offset,
            answered: one.answered.into(),
            answered_offset: one.answered_offset,
            named: one.named,
        })
    });
    Ok(Progress {
        head: stored.head.into(),
        offset: stored.offset,
        recorded_at: Timestamp { seconds: stored.seconds, nanos: stored.nanos },
        newest: stored.newest.map(|(seconds, nanos)| Timestamp { seconds, nanos }),
        referenced: stored.referenced,
        upstream: upstream.collect::<Result<_, StoreError>>()?,
    })
}

/// A projection's meta: heads, then what it says of itself.
pub(crate) fn encode_heads(heads: &[HeadAt], extra: &[u8]) -> Vec<u8> {
    let heads: Vec<(u8, u32, StoredHead, u64)> = heads
        .iter()
        .map(|(stream, head, offset)| (service_number(*stream), stream.county.get(), (*head).into(), *offset))
        .collect();
    encode(&(heads, extra.to_vec()))
}

pub(crate) fn decode_heads(bytes: &[u8]) -> Result<(Vec<HeadAt>, Vec<u8>), StoreError> {
    type Stored = (Vec<(u8, u32, StoredHead, u64)>, Vec<u8>);
    let (stored, extra): Stored = decode(bytes).ok_or(WRONG)?;
    let heads = stored
        .into_iter()
        .map(|(service, county, head, offset)| Ok((stream_of(service, county)?, head.into(), offset)))
        .collect::<Result<_, StoreError>>()?;
    Ok((heads, extra))
}

/// Sequence (little endian), digest, hash.
pub(crate) fn encode_request(record: &RequestRecord) -> [u8; 72] {
    let mut out = [0; 72];
    let parts = record.sequence.to_le_bytes().into_iter().chain(record.digest).chain(record.hash.0);
    out.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
    out
}

pub(crate) fn decode_request(request_id: RequestId, bytes: &[u8]) -> Option<RequestRecord> {
    let (sequence, rest) = bytes.split_first_chunk()?;
    let (digest, hash) = rest.split_first_chunk()?;
    let hash = Hash(hash.try_into().ok()?);
    Some(RequestRecord { request_id, digest: *digest, sequence: u64::from_le_bytes(*sequence), hash })
}

/// In bincode's standard configuration.
pub(crate) fn encode<T: bincode::Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, config::standard()).expect("writing to memory cannot fail")
}

/// The whole of `bytes`, or nothing.
pub(crate) fn decode<T: bincode::Decode<()>>(bytes: &[u8]) -> Option<T> {
    let (value, read) = bincode::decode_from_slice(bytes, config::standard().with_limit::<DECODE_LIMIT>()).ok()?;
    (read == bytes.len()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use loopledger_types::hex::encode as hex;

    const STREAM: StreamId = StreamId { service: Service::Sales, county: CountyCode::TUOLI };

    fn head(byte: u8) -> Head {
        Head { sequence: u64::from(byte), hash: Hash([byte; 32]) }
    }

    fn progress() -> Progress {
        let one = UpstreamProgress {
            stream: STREAM,
            noted: head(3),
            noted_offset: 300,
            answered: head(2),
            answered_offset: 200,
            named: 3,
        };
        let recorded_at = Timestamp { seconds: 1_760_000_000, nanos: 7 };
        let newest = Some(Timestamp { seconds: 1_760_000_001, nanos: 8 });
        Progress { head: head(9), offset: 70_000, recorded_at, newest, referenced: 11, upstream: vec![one] }
    }

    /// A change of these bytes is a change of [`LAYOUT`].
    #[test]
    fn layouts_are_fixed() {
        let bytes = encode_progress(&progress());
        let nine = "09".repeat(32);
        let three = "03".repeat(32);
        let two = "02".repeat(32);
        assert_eq!(
            hex(&bytes),
            format!("09{nine}fc70110100fc00f0ced10701fc02f0ced1080b0103fc90fb090003{three}fb2c0102{two}c803")
        );
        assert_eq!(decode_progress(&bytes).unwrap(), progress());
        let record =
            RequestRecord { request_id: RequestId([4; 16]), digest: [5; 32], sequence: 6, hash: Hash([7; 32]) };
        let bytes = encode_request(&record);
        assert_eq!(hex(&bytes), format!("0600000000000000{}{}", "05".repeat(32), "07".repeat(32)));
        assert_eq!(decode_request(record.request_id, &bytes), Some(record));
    }

    /// A change of these is a change of [`LAYOUT`].
    #[test]
    fn the_keys_of_streams_are_fixed() {
        assert_eq!(crate::stream_key(STREAM), crate::StreamKey(0x0309_fb90));
        let last = StreamId { service: Service::Ledger, county: CountyCode::parse("659999").unwrap() };
        assert_eq!(crate::stream_key(last), crate::StreamKey(0x040a_121f));
    }

    #[test]
    fn damaged_bytes_are_refused_whole() {
        let mut bytes = encode_progress(&progress());
        assert!(decode_progress(&bytes[..bytes.len() - 1]).is_err());
        bytes.push(0);
        assert!(decode_progress(&bytes).is_err());
        assert!(decode_request(RequestId([0; 16]), &[0; 71]).is_none());
        assert!(decode_request(RequestId([0; 16]), &[0; 73]).is_none());
    }

    #[test]
    fn a_projections_heads_come_back() {
        let heads = vec![(STREAM, head(1), 5)];
        let bytes = encode_heads(&heads, b"more");
        assert_eq!(decode_heads(&bytes).unwrap(), (heads, b"more".to_vec()));
    }
}
