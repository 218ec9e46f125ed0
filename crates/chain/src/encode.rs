//! Envelope → the one canonical encoding.

use loopledger_types::{CountyCode, StreamId, StreamSequence};

use crate::{AnyRef, Envelope, compare_stream_names};

/// Longest name of a stream: "distribution/654224".
const STREAM_NAME_BYTES: usize = 19;

impl Envelope<'_> {
    /// Appends the canonical bytes, upstream heads in the order that they need. The caller keeps what
    /// [`crate::EnvelopeError`] asks for: at least one event, a sequence from 1, a time after 1970, no upstream stream
    /// twice. Else the record is void; debug builds panic instead.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        put_stream(out, 1, self.stream);
        put_number(out, 2, self.sequence);
        put_bytes(out, 3, &self.previous_hash.0);
        put_text(out, 4, self.request_id);
        put_bytes(out, 5, &self.request_digest);
        if let Some(cause) = &self.cause {
            let hash_length = 2_usize.saturating_add(cause.hash.0.len());
            put_length(
                out,
                6,
                stream_length(cause.stream).saturating_add(number_length(cause.sequence)).saturating_add(hash_length),
            );
            put_stream(out, 1, cause.stream);
            put_number(out, 2, cause.sequence);
            put_bytes(out, 3, &cause.hash.0);
        }
        if let Some(actor) = &self.actor {
            put_length(out, 7, text_length(actor.subject).saturating_add(text_length(actor.role)));
            put_text(out, 1, actor.subject);
            put_text(out, 2, actor.role);
        }
        // As protobuf writes an int64: a negative number becomes 2⁶³ or more, which is no other valid instant.
        let seconds = self.recorded_at.seconds.cast_unsigned();
        let nanos = u64::from(self.recorded_at.nanos);
        put_length(out, 8, number_length(seconds).saturating_add(number_length(nanos)));
        put_number(out, 1, seconds);
        put_number(out, 2, nanos);
        for AnyRef { type_url, value } in &self.events {
            put_length(out, 9, text_length(type_url).saturating_add(bytes_length(value)));
            put_text(out, 1, type_url);
            if !value.is_empty() {
                put_bytes(out, 2, value);
            }
        }
        put_upstream(out, &self.upstream);
        debug_assert_eq!(
            out.get(start..).map(Envelope::decode).map(Result::err),
            Some(None),
            "an envelope that is no commit: {self:?}"
        );
    }
}

fn put_upstream(out: &mut Vec<u8>, heads: &[StreamSequence]) {
    let put = |out: &mut Vec<u8>, head: &StreamSequence| {
        put_length(out, 10, stream_length(head.stream).saturating_add(number_length(head.sequence)));
        put_stream(out, 1, head.stream);
        put_number(out, 2, head.sequence);
    };
    if heads.is_sorted_by(|a, b| compare_stream_names(a.stream, b.stream).is_le()) {
        for head in heads {
            put(out, head);
        }
    } else {
        let mut sorted = heads.to_vec();
        sorted.sort_unstable_by(|a, b| compare_stream_names(a.stream, b.stream));
        for head in &sorted {
            put(out, head);
        }
    }
}

/// A tag or a length: all of ours are below 2⁶⁴, most are one byte.
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_seven(value) | 0x80);
        value >>= 7;
    }
    out.push(low_seven(value));
}

fn low_seven(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0)
}

fn varint_length(value: u64) -> usize {
    let bits = 64_u32.saturating_sub(value.leading_zeros()).max(1);
    usize::try_from(bits.div_ceil(7)).unwrap_or(10)
}

/// Fields of the envelope are numbered to 10, so a tag is one byte.
fn put_tag(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    out.push((field << 3) | wire_type);
}

fn put_length(out: &mut Vec<u8>, field: u8, length: usize) {
    put_tag(out, field, 2);
    put_varint(out, u64::try_from(length).unwrap_or(u64::MAX));
}

fn put_number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        put_tag(out, field, 0);
        put_varint(out, value);
    }
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    put_length(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        put_bytes(out, field, text.as_bytes());
    }
}

fn put_stream(out: &mut Vec<u8>, field: u8, stream: StreamId) {
    let mut name = [0_u8; STREAM_NAME_BYTES];
    let bytes = stream_name(stream, &mut name);
    put_bytes(out, field, bytes);
}

/// The name without formatting machinery: this runs for every commit.
fn stream_name(stream: StreamId, buffer: &mut [u8; STREAM_NAME_BYTES]) -> &[u8] {
    let service = stream.service.as_str().as_bytes();
    let county: [u8; 6] = CountyCode::digits(stream.county);
    let bytes = service.iter().copied().chain([b'/']).chain(county);
    let mut length = 0_usize;
    for (slot, byte) in buffer.iter_mut().zip(bytes) {
        *slot = byte;
        length = length.saturating_add(1);
    }
    buffer.get(..length).unwrap_or_default()
}

fn number_length(value: u64) -> usize {
    if value == 0 { 0 } else { varint_length(value).saturating_add(1) }
}

fn text_length(text: &str) -> usize {
    bytes_length(text.as_bytes())
}

/// Of a field that is left out when it is empty.
fn bytes_length(bytes: &[u8]) -> usize {
    if bytes.is_empty() {
        return 0;
    }
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    bytes.len().saturating_add(varint_length(length)).saturating_add(1)
}

fn stream_length(stream: StreamId) -> usize {
    // Service, slash, six digits, one byte each of tag and length.
    stream.service.as_str().len().saturating_add(9)
}
