//! The envelope of a commit (`loopledger.commit.v1.Commit`), borrowed from the record's bytes.
//!
//! *Canonical* means: fields once and ascending, repeated ones contiguous, minimal varints, proto3 defaults omitted, no
//! unknown field, valid UTF-8, at every depth of the envelope but not inside an event's value. Beyond the form:
//! `stream`, a cause's and an upstream's stream parse; sequences are at least 1; `previous_hash`, `request_digest` and a
//! cause's hash are 32 bytes and present (also when zero: a hash has no default); `recorded_at` is after 1970 with
//! nanos below 10⁹; there is at least one event and each has a type; an actor has a subject; upstream heads are in
//! strictly ascending order of their streams' names.
//!
//! `request_id` may be any text, even none: that it is a UUID is for those who understand the commit.

use loopledger_types::{Cause, Hash, StreamId, StreamSequence, Timestamp};

/// An event as it stands in the envelope: `google.protobuf.Any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnyRef<'a> {
    pub type_url: &'a str,
    pub value: &'a [u8],
}

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorRef<'a> {
    pub subject: &'a str,
    pub role: &'a str,
}

/// A canonical commit envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    pub stream: StreamId,
    pub sequence: u64,
    pub previous_hash: Hash,
    pub request_id: &'a str,
    pub request_digest: [u8; 32],
    pub cause: Option<Cause>,
    pub actor: Option<ActorRef<'a>>,
    pub recorded_at: Timestamp,
    pub events: Vec<AnyRef<'a>>,
    pub upstream: Vec<StreamSequence>,
}

/// Why bytes are not a canonical envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the bytes end within a field")]
    Truncated,
    #[error("a varint is not minimal, or beyond 64 bits")]
    Varint,
    #[error("a field is unknown, of the wrong type, repeated or out of order")]
    Field,
    #[error("a field holds its default, which must be left out")]
    Default,
    #[error("a text is not UTF-8")]
    Utf8,
    #[error("a hash is not 32 bytes")]
    HashLength,
    #[error("a required field is missing")]
    Missing,
    #[error("a stream's name is not service/county")]
    Stream,
    #[error("the recording time is not after 1970, or has 10^9 nanos or more")]
    RecordedAt,
    #[error("upstream heads are not in ascending order")]
    UpstreamOrder,
}
