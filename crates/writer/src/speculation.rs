//! The speculative state: what the stream will be once everything in flight is read back.
//!
//! Commands and reactions are decided on it, and their commits folded into it at once, before the log has them. When
//! another writer gets in first, it is rolled back to what is confirmed.

use loopledger_domain::{AnswerRepeated, Commit, Context, Decider, Entity, Rejection, Rule, State, Subject};
use loopledger_feed::Heads;
use loopledger_observability::trace::TraceContext;
use loopledger_state_store::{Orphan, ServiceStore, StoreError};
use loopledger_types::{Head, RequestId, StreamId, Table, Timestamp};
use loopledger_wire::{decode_answer, encode_event};

use super::job::{Job, Query};
use super::own::Chain;
use super::seal::{Decision, Seal, Sealed, Unfit, traced};
use super::store::{StoreLink, Stored};
use super::upstream::{Due, UpstreamSet};
use super::{EntityKey, Halt, WriteError};

/// A request id that is in flight, or confirmed and not yet in the store.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) digest: [u8; 32],
    pub(super) head: Head,
    pub(super) confirmed: bool,
}

/// The answers of a stream to commits that are lost, by the reactions' request ids.
pub(super) type Orphans = Table<RequestId, AnswerRepeated>;

/// The state that decisions are made on.
pub(super) struct Speculation<D: Decider> {
    stream: StreamId,
    keeps_headers: bool,
    state: State<D>,
    /// The end of the chain of commits in flight; the confirmed end if there are none.
    chain: Chain,
    requests: Table<RequestId, Request>,
    orphans: Orphans,
    seal: Seal,
}

impl<D: Decider> Speculation<D> {
    /// Begins with the confirmed state at the end of `chain`.
    pub(super) fn new(stream: StreamId, keeps_headers: bool, state: State<D>, chain: Chain, orphans: Orphans) -> Self {
        Self { stream, keeps_headers, state, chain, requests: Table::new(), orphans, seal: Seal::new(stream) }
    }

    pub(super) const fn head(&self) -> Head {
        self.chain.head
    }

    pub(super) const fn recorded_at(&self) -> Timestamp {
        self.chain.recorded_at
    }

    /// Loads what the rules need to know and is not in memory.
    pub(super) fn load(&mut self, subject: &Subject<'_, D::Command>, store: &StoreLink<D>) -> Result<(), Halt> {
        loop {
            let missing = D::keys(&self.state, again(subject));
            if missing.is_empty() {
                return Ok(());
            }
            for key in missing {
                self.load_key(key, store)?;
            }
        }
    }

    fn load_key(&mut self, key: EntityKey<D>, store: &StoreLink<D>) -> Result<(), Halt> {
        if self.state.entities.is_known(&key) {
            return Ok(());
        }
        let entity = store.entity(&key)?;
        self.state.entities.load(key, entity);
        Ok(())
    }

    /// Where a request id was used, ever.
    pub(super) fn find_request(
        &self,
        request_id: RequestId,
        store: &StoreLink<D>,
    ) -> Result<Option<(Head, [u8; 32])>, Halt> {
        match self.requests.get(&request_id) {
            Some(request) => Ok(Some((request.head, request.digest))),
            None => store.request(request_id),
        }
    }

    /// The confirmed commit of a request; whether one that is not read back yet stands is not known.
    pub(super) fn find_confirmed(&self, request_id: RequestId, store: &StoreLink<D>) -> Result<Option<Head>, Halt> {
        match self.requests.get(&request_id) {
            Some(request) => Ok(request.confirmed.then_some(request.head)),
            None => Ok(store.request(request_id)?.map(|(head, _)| head)),
        }
    }

    /// Lets a query look at the state. What it saw counts once it is read back, which is when it is answered.
    pub(super) fn show(&mut self, query: &mut dyn Query<D>, heads: &Heads, store: &StoreLink<D>) -> Result<(), Halt> {
        for key in query.keys().to_vec() {
            self.load_key(key, store)?;
        }
        query.run(&self.state, heads);
        Ok(())
    }

    /// Decides a command whose entities are loaded.
    pub(super) fn decide(
        &mut self,
        job: &Job<D>,
        time: Timestamp,
        upstream: &UpstreamSet,
    ) -> Result<Sealed, WriteError> {
        let (request_id, digest) = (job.write.request_id, job.write.digest);
        let actor = job.asking.actor.clone();
        let context = Context { request_id, stream: self.stream, now: time, actor };
        let events = D::decide(&self.state, &job.write.command, &context).map_err(WriteError::Rejected)?;
        let (moved, named) = upstream.moved_since(&self.chain.named);
        let decision = Decision {
            request_id,
            digest,
            cause: None,
            actor: context.actor.as_deref(),
            recorded_at: self.chain.next_time(time),
            events,
            upstream: moved,
        };
        match self.take(decision, named, job.trace.as_deref().copied()) {
            Ok(sealed) => {
                self.requests.insert(request_id, Request { digest, head: sealed.head, confirmed: false });
                Ok(sealed)
            }
            Err(Unfit::TooLarge { .. }) => Err(WriteError::Rejected(Rejection::broken(Rule::TooLarge, request_id))),
            Err(Unfit::Bug(detail)) => Err(WriteError::Internal { detail }),
        }
    }

    /// Reacts to an upstream commit.
    pub(super) fn react(
        &mut self,
        due: &Due,
        time: Timestamp,
        upstream: &UpstreamSet,
        store: &StoreLink<D>,
    ) -> Result<Sealed, Halt> {
        self.load(&Subject::Upstream(&due.commit), store)?;
        let request_id = due.commit.request_id.for_reaction(due.commit.stream, self.stream);
        let context = Context { request_id, stream: self.stream, now: time, actor: None };
        let repeated = self.orphans.get(&request_id).and_then(|answer| answer.clone().of(D::SERVICE));
        let events = repeated.map_or_else(|| D::react(&self.state, &due.commit, &context), |event| vec![event]);
        let (moved, named) = upstream.moved_since(&self.chain.named);
        let decision = Decision {
            request_id,
            digest: [0; 32],
            cause: Some(due.commit.position()),
            actor: None,
            recorded_at: self.chain.next_time(time),
            events,
            upstream: moved,
        };
        // A reaction fits a record by the bounds on what it reacts to (`domain::size`); one that does not is a bug,
        // and skipping it would leave upstream without an answer for ever.
        self.take(decision, named, due.trace.as_deref().copied()).map_err(|unfit| {
            let detail = match unfit {
                Unfit::TooLarge { bytes } => {
                    let (sequence, stream) = (due.commit.sequence, due.commit.stream);
                    format!("the answer to commit {sequence} of {stream} has {bytes} bytes, more than fit a record")
                }
                Unfit::Bug(detail) => detail,
            };
            Halt::Internal { detail }
        })
    }

    /// Chains a decision on the speculative head and folds it.
    fn take(
        &mut self,
        decision: Decision<'_>,
        named: Vec<(usize, u64)>,
        trace: Option<TraceContext>,
    ) -> Result<Sealed, Unfit> {
        let commit = self.seal.seal(&self.chain, decision)?;
        // After this point nothing fails.
        self.state.evolve(&commit);
        let (span, headers) = traced(&commit, trace, self.keeps_headers);
        let head = Head { sequence: commit.sequence, hash: commit.hash };
        let (recorded_at, request_id) = (commit.recorded_at, commit.request_id);
        self.chain.head = head;
        self.chain.recorded_at = recorded_at;
        for (upstream, sequence) in &named {
            self.chain.name(*upstream, *sequence);
        }
        Ok(Sealed { head, value: self.seal.record(), recorded_at, request_id, headers, span, named })
    }

    /// The oldest commit in flight stands.
    pub(super) fn confirm(&mut self) {
        self.state.entities.confirm();
    }

    /// The request of a commit that stands.
    pub(super) fn confirm_request(&mut self, request_id: RequestId) -> Option<&Request> {
        let request = self.requests.get_mut(&request_id)?;
        request.confirmed = true;
        Some(request)
    }

    /// Everything in flight is void.
    pub(super) fn roll_back(&mut self) {
        self.state.entities.roll_back();
    }

    /// The commit of a request is void.
    pub(super) fn forget_request(&mut self, request_id: RequestId) {
        self.requests.remove(&request_id);
    }

    /// Nothing is in flight: the chain ends where the confirmed one does.
    pub(super) fn rejoin(&mut self, confirmed: &Chain) {
        self.chain = confirmed.clone();
    }

    /// Folds a commit of another writer, while nothing is in flight.
    pub(super) fn fold(&mut self, commit: &Commit, store: &StoreLink<D>) -> Result<(), Halt> {
        self.load(&Subject::Own(commit), store)?;
        self.state.evolve(commit);
        self.state.entities.confirm();
        Ok(())
    }

    /// Another writer's commit answered a request.
    pub(super) fn put_request(&mut self, request_id: RequestId, request: Request) {
        self.requests.insert(request_id, request);
    }

    /// Another writer's reaction answers a commit that is lost: remembered, to be repeated instead of given anew.
    pub(super) fn put_orphan(&mut self, commit: &Commit) -> Orphan {
        let answer = AnswerRepeated::to(commit);
        let mut bytes = Vec::new();
        if let Some(event) = answer.clone().of(D::SERVICE) {
            encode_event(&event, &mut bytes);
        }
        self.orphans.insert(commit.request_id, answer);
        Orphan { request_id: commit.request_id, answer: bytes.into() }
    }

    /// Folds what an upstream commit says.
    pub(super) fn apply_upstream(&mut self, commit: &Commit, store: &StoreLink<D>) -> Result<(), Halt> {
        self.load(&Subject::Upstream(commit), store)?;
        D::apply_upstream(&mut self.state, commit);
        Ok(())
    }

    /// Entities that changed since the last checkpoint.
    pub(super) fn changed_len(&self) -> usize {
        self.state.entities.changed_len()
    }

    pub(super) fn drain_changed(&mut self) -> Vec<(EntityKey<D>, Option<D::Entity>)> {
        self.state.entities.drain_changed()
    }

    /// A checkpoint was submitted: what the store finds by itself leaves memory.
    pub(super) fn forget_stored(&mut self, stored: Stored<D>) {
        for request_id in stored.requests {
            self.requests.remove(&request_id);
        }
        self.state.entities.evict_closed(stored.closed);
        self.state.entities.forget_absent();
    }

    pub(super) fn entities_len(&self) -> usize {
        self.state.entities.len()
    }
}

/// The answers to commits that are lost, as far as the store remembers them.
pub(super) fn load_orphans<E: Entity>(store: &dyn ServiceStore<E>) -> Result<Orphans, Halt> {
    let mut orphans = Table::new();
    for Orphan { request_id, answer } in store.orphans().map_err(Halt::Store)? {
        let damaged = Halt::Store(StoreError::Corrupt("an answer to be repeated cannot be decoded"));
        orphans.insert(request_id, decode_answer(&answer).ok_or(damaged)?);
    }
    Ok(orphans)
}

/// `Subject` is `Copy` only if the command is, although it holds nothing but references.
const fn again<'a, C>(subject: &Subject<'a, C>) -> Subject<'a, C> {
    match subject {
        Subject::Command(command) => Subject::Command(command),
        Subject::Own(commit) => Subject::Own(commit),
        Subject::Upstream(commit) => Subject::Upstream(commit),
    }
}
