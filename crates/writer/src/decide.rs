//! Deciding: commands and reactions become commits in flight, refusals, or repeats.

use bytes::Bytes;
use loopledger_chain::{Envelope, RECORD_BYTES_MAX, leaf_hash};
use loopledger_domain::size::COMMAND_BYTES_MAX;
use loopledger_domain::{Actor, AnswerRepeated, Commit, Context, Decider, Entity, Event, Rejection, Rule, Subject};
use loopledger_event_log::{Headers, Record};
use loopledger_state_store::{Orphan, ServiceStore, StoreError};
use loopledger_types::{Cause, Head, Key, Position, RequestId, Table, Timestamp};
use loopledger_wire::{Draft, Receipt, decode_answer, encode_commit};
use tokio::time::Instant;

use super::headers::headers;
use super::job::{Job, Query};
use super::task::{InFlight, Outcome, Ready, Task, Trigger};
use super::{EntityKey, Halt, WriteError};
use loopledger_observability::trace::{Kind, Span, TraceContext};

/// Commits decided, and so appended with one call, in one turn.
const TURN_COMMITS_MAX: usize = 512;

/// A request id that is in flight, or confirmed and not yet in the store.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) digest: [u8; 32],
    pub(super) head: Head,
    pub(super) confirmed: bool,
}

/// Why a decision could not become a commit.
enum Unfit {
    TooLarge { bytes: usize },
    Bug(String),
}

/// What a commit is made of, besides where it stands.
struct Decision<'a> {
    request_id: RequestId,
    digest: [u8; 32],
    cause: Option<Cause>,
    actor: Option<&'a Actor>,
    recorded_at: Timestamp,
    events: Vec<Event>,
    trace: Option<Box<TraceContext>>,
}

impl<D: Decider> Task<D> {
    /// Decides what is ready at `time`, while the window has room. Reactions and commands take turns in being first.
    pub(super) fn decide(&mut self, now: Instant, time: Timestamp) -> Result<(), Halt> {
        self.commands_first = !self.commands_first;
        if self.commands_first {
            self.decide_ready(now, time, TURN_COMMITS_MAX / 2)?;
            self.react(now, time, TURN_COMMITS_MAX / 2)
        } else {
            self.react(now, time, TURN_COMMITS_MAX / 2)?;
            self.decide_ready(now, time, TURN_COMMITS_MAX / 2)
        }
    }

    fn decide_ready(&mut self, now: Instant, time: Timestamp, count_max: usize) -> Result<(), Halt> {
        for _ in 0..count_max {
            if !self.can_decide() {
                return Ok(());
            }
            match self.ready.pop_front() {
                Some(Ready::Job(job)) => self.decide_command(job, now, time)?,
                Some(Ready::Query(query)) => self.run_query(query)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn run_query(&mut self, mut query: Box<dyn Query<D>>) -> Result<(), Halt> {
        for key in query.keys().to_vec() {
            self.load_key(key)?;
        }
        let mut heads = self.folded().heads();
        // What it saw counts once it is read back, which is when it is answered.
        heads.set(self.stream, self.chain.head);
        query.run(&self.state, &heads);
        self.outcomes.push_back(Outcome::Query(query));
        Ok(())
    }

    fn decide_command(&mut self, job: Job<D>, now: Instant, time: Timestamp) -> Result<(), Halt> {
        if job.reply.is_abandoned() {
            return Ok(());
        }
        if job.deadline.is_some_and(|deadline| deadline <= now) {
            job.reply.send(Err(WriteError::DeadlineExceeded));
            return Ok(());
        }
        let request_id = job.write.request_id;
        if let Some((head, digest)) = self.find_request(request_id)? {
            let position = Position { stream: self.stream, sequence: head.sequence, hash: head.hash };
            self.outcomes.push_back(if digest == job.write.digest {
                Outcome::Repeat { job, receipt: Receipt { position, request_id, repeated: true } }
            } else {
                Outcome::Refusal { job, error: WriteError::RequestIdReused { request_id, first: position } }
            });
            return Ok(());
        }
        if let Some(fault) = self.clock.fault() {
            self.outcomes.push_back(Outcome::Refusal { job, error: WriteError::Halted(Halt::Clock(fault)) });
            return Ok(());
        }
        self.load(&Subject::Command(&job.write.command))?;
        let recorded_at = self.chain.next_time(time);
        let actor = job.asking.actor.clone();
        let context = Context { request_id, stream: self.stream, now: time, actor };
        let refused = match D::decide(&self.state, &job.write.command, &context) {
            Err(rejection) => WriteError::Rejected(rejection),
            Ok(events) => {
                let (digest, trace) = (job.write.digest, job.trace.clone());
                let actor = context.actor.as_deref();
                let decision = Decision { request_id, digest, cause: None, actor, recorded_at, events, trace };
                match self.seal(decision) {
                    Ok(sealed) => {
                        let head = sealed.head;
                        let request = Request { digest, head, confirmed: false };
                        self.requests.insert(request_id, request);
                        self.put_in_flight(sealed, Trigger::Command(job));
                        return Ok(());
                    }
                    Err(Unfit::TooLarge { .. }) => WriteError::Rejected(Rejection::broken(Rule::TooLarge, request_id)),
                    Err(Unfit::Bug(detail)) => WriteError::Internal { detail },
                }
            }
        };
        self.outcomes.push_back(Outcome::Refusal { job, error: refused });
        Ok(())
    }

    /// Where a request id was used, ever.
    pub(super) fn find_request(&self, request_id: RequestId) -> Result<Option<(Head, [u8; 32])>, Halt> {
        if let Some(request) = self.requests.get(&request_id) {
            return Ok(Some((request.head, request.digest)));
        }
        self.store.request(request_id)
    }

    fn react(&mut self, now: Instant, time: Timestamp, count_max: usize) -> Result<(), Halt> {
        let mut last = 0;
        for _ in 0..count_max {
            if !self.can_react() {
                return Ok(());
            }
            let Some(index) = self.upstream.next_reaction(now, last) else { return Ok(()) };
            last = index;
            let Some(due) = self.upstream.take_due(index) else { break };
            self.load(&Subject::Upstream(&due.commit))?;
            let request_id = due.commit.request_id.for_reaction(due.commit.stream, self.stream);
            let recorded_at = self.chain.next_time(time);
            let context = Context { request_id, stream: self.stream, now: time, actor: None };
            let repeated = self.orphans.get(&request_id).and_then(|answer| answer.clone().of(D::SERVICE));
            let events = repeated.map_or_else(|| D::react(&self.state, &due.commit, &context), |event| vec![event]);
            let cause = Some(due.commit.position());
            // A reaction fits a record by the bounds on what it reacts to (`domain::size`); one that does not is a bug,
            // and skipping it would leave upstream without an answer for ever.
            let trace = due.trace.clone();
            let decision = Decision { request_id, digest: [0; 32], cause, actor: None, recorded_at, events, trace };
            let sealed = match self.seal(decision) {
                Ok(sealed) => sealed,
                Err(Unfit::TooLarge { bytes }) => {
                    let (sequence, stream) = (due.commit.sequence, due.commit.stream);
                    let detail = format!(
                        "the answer to commit {sequence} of {stream} has {bytes} bytes, more than fit a record"
                    );
                    return Err(Halt::Internal { detail });
                }
                Err(Unfit::Bug(detail)) => return Err(Halt::Internal { detail }),
            };
            self.upstream.put_taken(index, due);
            self.put_in_flight(sealed, Trigger::Reaction(index));
        }
        Ok(())
    }

    pub(super) fn can_react(&self) -> bool {
        self.can_decide() && !self.is_ending() && self.clock.fault().is_none()
    }

    pub(super) fn reaction_due(&self, now: Instant) -> bool {
        self.can_react() && self.upstream.next_reaction(now, 0).is_some()
    }

    /// Loads what the rules need to know and is not in memory.
    pub(super) fn load(&mut self, subject: &Subject<'_, D::Command>) -> Result<(), Halt> {
        loop {
            let missing = D::keys(&self.state, again(subject));
            if missing.is_empty() {
                return Ok(());
            }
            for key in missing {
                self.load_key(key)?;
            }
        }
    }

    pub(super) fn load_key(&mut self, key: EntityKey<D>) -> Result<(), Halt> {
        if self.state.entities.is_known(&key) {
            return Ok(());
        }
        let entity = self.store.entity(&key)?;
        self.state.entities.load(key, entity);
        Ok(())
    }

    /// Chains a decision on the speculative head and folds it.
    fn seal(&mut self, decision: Decision<'_>) -> Result<Sealed, Unfit> {
        if decision.events.is_empty() {
            return Err(Unfit::Bug("a decision has no events".to_owned()));
        }
        let sequence = self.chain.head.sequence.saturating_add(1);
        let (upstream, named) = self.upstream.moved_since(&self.chain.named);
        self.scratch.clear();
        encode_commit(
            &Draft {
                stream: self.stream,
                sequence,
                previous_hash: self.chain.head.hash,
                request_id: decision.request_id,
                request_digest: decision.digest,
                cause: decision.cause,
                actor: decision.actor,
                recorded_at: decision.recorded_at,
                events: &decision.events,
                upstream: &upstream,
            },
            &mut self.scratch,
        );
        if is_too_large(&self.scratch, decision.cause.is_none()) {
            return Err(Unfit::TooLarge { bytes: self.scratch.len() });
        }
        let hash = leaf_hash(&self.scratch);
        let commit = Commit {
            stream: self.stream,
            sequence,
            hash,
            request_id: decision.request_id,
            request_digest: decision.digest,
            cause: decision.cause,
            actor: decision.actor.cloned(),
            recorded_at: decision.recorded_at,
            events: decision.events,
            upstream,
        };
        loopledger_accounting::check_with(&commit, &mut self.journal).map_err(|error| Unfit::Bug(error.to_string()))?;
        // After this point nothing fails.
        self.state.evolve(&commit);
        let span = decision.trace.as_deref().and_then(|trace| span(&commit, *trace));
        let headers = if self.feed.log().keeps_headers() {
            headers(&commit, span.as_ref().map(Span::context).or(decision.trace.as_deref().copied()))
        } else {
            Vec::new()
        };
        let (recorded_at, request_id) = (commit.recorded_at, commit.request_id);
        Ok(Sealed { head: Head { sequence, hash }, recorded_at, named, request_id, headers, span })
    }

    fn put_in_flight(&mut self, sealed: Sealed, trigger: Trigger<D>) {
        let value = Bytes::copy_from_slice(&self.scratch);
        self.batch.push(Record { key: Key(self.stream.county), headers: sealed.headers.clone(), value: value.clone() });
        self.chain.head = sealed.head;
        self.chain.recorded_at = sealed.recorded_at;
        for (upstream, sequence) in &sealed.named {
            self.chain.name(*upstream, *sequence);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.outcomes.push_back(Outcome::Commit(InFlight {
            head: sealed.head,
            value,
            recorded_at: sealed.recorded_at,
            request_id: sealed.request_id,
            headers: sealed.headers,
            span: sealed.span,
            trigger,
            named: sealed.named,
        }));
    }
}

/// A decision that is folded and encoded (into `scratch`).
struct Sealed {
    head: Head,
    recorded_at: Timestamp,
    named: Vec<(usize, u64)>,
    request_id: RequestId,
    headers: Headers,
    span: Option<Span>,
}

/// The span of a commit, from now until it is read back.
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

/// `Subject` is `Copy` only if the command is, although it holds nothing but references.
const fn again<'a, C>(subject: &Subject<'a, C>) -> Subject<'a, C> {
    match subject {
        Subject::Command(command) => Subject::Command(command),
        Subject::Own(commit) => Subject::Own(commit),
        Subject::Upstream(commit) => Subject::Upstream(commit),
    }
}

/// The answers to commits that are lost, as far as the store remembers them.
pub(super) fn load_orphans<E: Entity>(store: &dyn ServiceStore<E>) -> Result<Table<RequestId, AnswerRepeated>, Halt> {
    let mut orphans = Table::new();
    for Orphan { request_id, answer } in store.orphans().map_err(Halt::Store)? {
        let damaged = Halt::Store(StoreError::Corrupt("an answer to be repeated cannot be decoded"));
        orphans.insert(request_id, decode_answer(&answer).ok_or(damaged)?);
    }
    Ok(orphans)
}
