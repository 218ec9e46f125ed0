//! Sealing: a decision becomes the record of a commit, chained on the speculative head.

use bytes::Bytes;
use loopledger_accounting::Journal;
use loopledger_chain::{Envelope, RECORD_BYTES_MAX, leaf_hash};
use loopledger_domain::size::COMMAND_BYTES_MAX;
use loopledger_domain::{Actor, Commit, Event};
use loopledger_event_log::Headers;
use loopledger_observability::trace::{Kind, Span, TraceContext};
use loopledger_types::{Cause, Head, RequestId, StreamId, StreamSequence, Timestamp};
use loopledger_wire::{Draft, encode_commit};

use super::headers::headers;
use super::own::Chain;

/// Why a decision could not become a commit.
pub(super) enum Unfit {
    TooLarge { bytes: usize },
    Bug(String),
}

/// What a commit is made of, besides where it stands.
pub(super) struct Decision<'a> {
    pub(super) request_id: RequestId,
    pub(super) digest: [u8; 32],
    pub(super) cause: Option<Cause>,
    pub(super) actor: Option<&'a Actor>,
    pub(super) recorded_at: Timestamp,
    pub(super) events: Vec<Event>,
    /// Upstream heads that moved since the commit before, ascending by stream.
    pub(super) upstream: Vec<StreamSequence>,
}

/// A commit that is folded and encoded, and not appended.
pub(super) struct Sealed {
    pub(super) head: Head,
    pub(super) value: Bytes,
    pub(super) recorded_at: Timestamp,
    pub(super) request_id: RequestId,
    /// Empty unless the log keeps them.
    pub(super) headers: Headers,
    /// Ends with it.
    pub(super) span: Option<Span>,
    /// Upstream heads that this commit names and the one before did not, by the streams' indices.
    pub(super) named: Vec<(usize, u64)>,
}

/// Encodes and checks decisions; its memory is used again for each.
#[derive(Debug)]
pub(super) struct Seal {
    stream: StreamId,
    scratch: Vec<u8>,
    journal: Journal,
}

impl Seal {
    pub(super) fn new(stream: StreamId) -> Self {
        Self { stream, scratch: Vec::new(), journal: Journal::new() }
    }

    /// The next commit of `chain`, which posts in balance and fits a record.
    pub(super) fn seal(&mut self, chain: &Chain, decision: Decision<'_>) -> Result<Commit, Unfit> {
        if decision.events.is_empty() {
            return Err(Unfit::Bug("a decision has no events".to_owned()));
        }
        let sequence = chain.head.sequence.saturating_add(1);
        self.scratch.clear();
        encode_commit(
            &Draft {
                stream: self.stream,
                sequence,
                previous_hash: chain.head.hash,
                request_id: decision.request_id,
                request_digest: decision.digest,
                cause: decision.cause,
                actor: decision.actor,
                recorded_at: decision.recorded_at,
                events: &decision.events,
                upstream: &decision.upstream,
            },
            &mut self.scratch,
        );
        if is_too_large(&self.scratch, decision.cause.is_none()) {
            return Err(Unfit::TooLarge { bytes: self.scratch.len() });
        }
        let commit = Commit {
            stream: self.stream,
            sequence,
            hash: leaf_hash(&self.scratch),
            request_id: decision.request_id,
            request_digest: decision.digest,
            cause: decision.cause,
            actor: decision.actor.cloned(),
            recorded_at: decision.recorded_at,
            events: decision.events,
            upstream: decision.upstream,
        };
        loopledger_accounting::check_with(&commit, &mut self.journal).map_err(|error| Unfit::Bug(error.to_string()))?;
        Ok(commit)
    }

    /// The record of the commit that was sealed last.
    pub(super) fn record(&self) -> Bytes {
        Bytes::copy_from_slice(&self.scratch)
    }
}

/// The span of a commit, from now until it is read back, and what the log keeps with its record.
pub(super) fn traced(commit: &Commit, trace: Option<TraceContext>, keeps_headers: bool) -> (Option<Span>, Headers) {
    let span = trace.and_then(|trace| span(commit, trace));
    let headers = if keeps_headers { headers(commit, span.as_ref().map(Span::context).or(trace)) } else { Vec::new() };
    (span, headers)
}

fn span(commit: &Commit, trace: TraceContext) -> Option<Span> {
    let (kind, what) = match commit.cause {
        None => (Kind::Producer, "commit"),
        Some(_) => (Kind::Consumer, "reaction"),
    };
    let mut span = Span::after(trace, kind, format_args!("{} {what}", commit.stream.service))?;
    span.set_commit(commit.stream, commit.sequence);
    Some(span)
}

/// Whether the record, or of a command its events, are over their bounds.
fn is_too_large(record: &[u8], of_command: bool) -> bool {
    if record.len() > RECORD_BYTES_MAX {
        return true;
    }
    if !of_command || record.len() <= COMMAND_BYTES_MAX {
        return false;
    }
    let events = Envelope::decode(record).map_or(usize::MAX, |envelope| {
        envelope.events.iter().fold(0_usize, |sum, event| sum.saturating_add(event.value.len()))
    });
    events > COMMAND_BYTES_MAX
}
