//! The envelope of a commit (`loopledger.commit.v1.Commit`), borrowed from the record's bytes.
//!
//! *Canonical* means: fields once and ascending, repeated ones contiguous, minimal varints (tags and lengths too), proto3
//! defaults omitted, no unknown field, valid UTF-8, at every depth of the envelope but not inside an event's value. So
//! bytes and meaning are one thing. Beyond the form:
//!
//! | field | rule |
//! |---|---|
//! | `stream`, also of a cause and of an upstream head | required; `service/county` as [`StreamId`] parses it |
//! | `sequence`, also of those | required, so at least 1 |
//! | `previous_hash`, `request_digest`, a cause's `hash` | required, 32 bytes; zeros are a value: a hash has no default |
//! | `request_id` | any text, even none: that it is a UUID is for those who understand the commit |
//! | `actor` | optional; `subject` required, `role` optional |
//! | `recorded_at` | required; after 1970-01-01T00:00:00Z, nanos below 10⁹, not after the year 9999 (as `google.protobuf.Timestamp`); seconds or nanos may be 0 and left out, not both |
//! | `events` | at least one; `type_url` is [`EVENT_TYPE_PREFIX`] and at least one more byte; `value` may be empty, and is then left out |
//! | `upstream` | any number, strictly ascending by the bytes of the streams' *names* |
//!
//! Rules between fields (a reaction has no actor; a stream is not its own cause) are meaning, not form, and left to
//! the reader that folds the commit. The size limit is admission's.

use core::cmp::Ordering;

use loopledger_types::{Cause, Hash, StreamId, StreamSequence, Timestamp};

/// What every event's type URL begins with.
pub const EVENT_TYPE_PREFIX: &str = "type.googleapis.com/";

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
    /// Strictly ascending by [`compare_stream_names`], which is not the order of [`StreamId`].
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
    #[error("an event's type does not begin with {EVENT_TYPE_PREFIX}, or ends there")]
    EventType,
    #[error("the recording time is not after 1970, after the year 9999, or has 10^9 nanos or more")]
    RecordedAt,
    #[error("upstream heads are not in ascending order")]
    UpstreamOrder,
}

impl EnvelopeError {
    /// A stable name, for counters and test vectors.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Varint => "varint",
            Self::Field => "field",
            Self::Default => "default",
            Self::Utf8 => "utf8",
            Self::HashLength => "hash_length",
            Self::Missing => "missing",
            Self::Stream => "stream",
            Self::EventType => "event_type",
            Self::RecordedAt => "recorded_at",
            Self::UpstreamOrder => "upstream_order",
        }
    }
}

/// The order of two streams by the bytes of their names, as `upstream` needs it. The derived order of [`StreamId`]
/// is another one: there procurement comes first.
pub fn compare_stream_names(a: StreamId, b: StreamId) -> Ordering {
    // No service's name is the beginning of another's, and counties have six digits each.
    a.service.as_str().cmp(b.service.as_str()).then(a.county.cmp(&b.county))
}
