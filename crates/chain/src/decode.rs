//! Bytes → envelope, accepting the one canonical encoding only.

use loopledger_types::{Cause, Hash, StreamId, StreamSequence, Timestamp};

use crate::cursor::Cursor;
use crate::{ActorRef, AnyRef, EVENT_TYPE_PREFIX, Envelope, EnvelopeError, compare_stream_names};

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;
/// 9999-12-31T23:59:59Z, the last second that `google.protobuf.Timestamp` allows.
const SECONDS_MAX: u64 = 253_402_300_799;

const fn never(_: u32) -> bool {
    false
}

impl<'a> Envelope<'a> {
    /// Decodes a record; fails on anything that [`Envelope::encode`] would not have written.
    pub fn decode(record: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut cursor = Cursor::new(record);
        let mut parts = Parts::default();
        // Events (9) and upstream heads (10) are the repeated fields.
        while let Some((field, content)) = cursor.next(|field| field == 9 || field == 10)? {
            match field {
                1 => parts.stream = Some(content.stream()?),
                2 => parts.sequence = Some(content.number()?),
                3 => parts.previous_hash = Some(content.hash()?),
                4 => parts.request_id = content.text()?,
                5 => parts.request_digest = Some(content.hash()?),
                6 => parts.cause = Some(decode_cause(content.message()?)?),
                7 => parts.actor = Some(decode_actor(content.message()?)?),
                8 => parts.recorded_at = Some(decode_timestamp(content.message()?)?),
                9 => parts.events.push(decode_any(content.message()?)?),
                10 => parts.push_upstream(decode_head(content.message()?)?)?,
                _ => return Err(EnvelopeError::Field),
            }
        }
        parts.finish()
    }
}

#[derive(Debug, Default)]
struct Parts<'a> {
    stream: Option<StreamId>,
    sequence: Option<u64>,
    previous_hash: Option<Hash>,
    request_id: &'a str,
    request_digest: Option<Hash>,
    cause: Option<Cause>,
    actor: Option<ActorRef<'a>>,
    recorded_at: Option<Timestamp>,
    events: Vec<AnyRef<'a>>,
    upstream: Vec<StreamSequence>,
}

impl<'a> Parts<'a> {
    fn push_upstream(&mut self, head: StreamSequence) -> Result<(), EnvelopeError> {
        // By name: the order in which a reader without our types would sort them.
        let ascends = self.upstream.last().is_none_or(|last| compare_stream_names(last.stream, head.stream).is_lt());
        if !ascends {
            return Err(EnvelopeError::UpstreamOrder);
        }
        self.upstream.push(head);
        Ok(())
    }

    fn finish(self) -> Result<Envelope<'a>, EnvelopeError> {
        if self.events.is_empty() {
            return Err(EnvelopeError::Missing);
        }
        Ok(Envelope {
            stream: self.stream.ok_or(EnvelopeError::Missing)?,
            sequence: self.sequence.ok_or(EnvelopeError::Missing)?,
            previous_hash: self.previous_hash.ok_or(EnvelopeError::Missing)?,
            request_id: self.request_id,
            request_digest: self.request_digest.ok_or(EnvelopeError::Missing)?.0,
            cause: self.cause,
            actor: self.actor,
            recorded_at: self.recorded_at.ok_or(EnvelopeError::Missing)?,
            events: self.events,
            upstream: self.upstream,
        })
    }
}

fn decode_cause(message: &[u8]) -> Result<Cause, EnvelopeError> {
    let mut cursor = Cursor::new(message);
    let (mut stream, mut sequence, mut hash) = (None, None, None);
    while let Some((field, content)) = cursor.next(never)? {
        match field {
            1 => stream = Some(content.stream()?),
            2 => sequence = Some(content.number()?),
            3 => hash = Some(content.hash()?),
            _ => return Err(EnvelopeError::Field),
        }
    }
    Ok(Cause {
        stream: stream.ok_or(EnvelopeError::Missing)?,
        sequence: sequence.ok_or(EnvelopeError::Missing)?,
        hash: hash.ok_or(EnvelopeError::Missing)?,
    })
}

fn decode_head(message: &[u8]) -> Result<StreamSequence, EnvelopeError> {
    let mut cursor = Cursor::new(message);
    let (mut stream, mut sequence) = (None, None);
    while let Some((field, content)) = cursor.next(never)? {
        match field {
            1 => stream = Some(content.stream()?),
            2 => sequence = Some(content.number()?),
            _ => return Err(EnvelopeError::Field),
        }
    }
    Ok(StreamSequence {
        stream: stream.ok_or(EnvelopeError::Missing)?,
        sequence: sequence.ok_or(EnvelopeError::Missing)?,
    })
}

fn decode_actor(message: &[u8]) -> Result<ActorRef<'_>, EnvelopeError> {
    let mut cursor = Cursor::new(message);
    let (mut subject, mut role) = (None, "");
    while let Some((field, content)) = cursor.next(never)? {
        match field {
            1 => subject = Some(content.text()?),
            2 => role = content.text()?,
            _ => return Err(EnvelopeError::Field),
        }
    }
    Ok(ActorRef { subject: subject.ok_or(EnvelopeError::Missing)?, role })
}

fn decode_timestamp(message: &[u8]) -> Result<Timestamp, EnvelopeError> {
    let mut cursor = Cursor::new(message);
    let (mut seconds, mut nanos) = (0_u64, 0_u64);
    while let Some((field, content)) = cursor.next(never)? {
        match field {
            1 => seconds = content.number()?,
            2 => nanos = content.number()?,
            _ => return Err(EnvelopeError::Field),
        }
    }
    // A negative number is a varint of ten bytes, far beyond the last second.
    if (seconds, nanos) == (0, 0) || seconds > SECONDS_MAX || nanos >= NANOS {
        return Err(EnvelopeError::RecordedAt);
    }
    let seconds = i64::try_from(seconds).map_err(|_| EnvelopeError::RecordedAt)?;
    let nanos = u32::try_from(nanos).map_err(|_| EnvelopeError::RecordedAt)?;
    Ok(Timestamp { seconds, nanos })
}

fn decode_any(message: &[u8]) -> Result<AnyRef<'_>, EnvelopeError> {
    let mut cursor = Cursor::new(message);
    let (mut type_url, mut value): (Option<&str>, &[u8]) = (None, &[]);
    while let Some((field, content)) = cursor.next(never)? {
        match field {
            1 => type_url = Some(content.text()?),
            2 => value = content.some_bytes()?,
            _ => return Err(EnvelopeError::Field),
        }
    }
    let type_url = type_url.ok_or(EnvelopeError::Missing)?;
    if type_url.strip_prefix(EVENT_TYPE_PREFIX).is_none_or(str::is_empty) {
        return Err(EnvelopeError::EventType);
    }
    Ok(AnyRef { type_url, value })
}
