//! One service under test: it decides, folds what it decided, hears other streams and answers them, the way a writer
//! drives it. With a store it also forgets whatever it may after every commit, and loads what `keys` asks for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loopledger_domain::{Commit, Context, Decider, Entity, Event, Rejection, Rule, State, Subject};
use loopledger_types::{Cause, CountyCode, Hash, RequestId, Service, StreamId, Timestamp};

/// 2020-12-31 in official time.
pub(crate) const NOW: Timestamp = Timestamp { seconds: 1_609_344_000, nanos: 0 };

pub(crate) const fn stream(service: Service) -> StreamId {
    StreamId { service, county: CountyCode::TUOLI }
}

pub(crate) fn commit(
    service: Service,
    sequence: u64,
    request: u64,
    events: Vec<Event>,
    cause: Option<Cause>,
) -> Commit {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&request.to_be_bytes());
    let mut hash = [0; 32];
    hash[0] = service.index() as u8;
    hash[24..].copy_from_slice(&sequence.to_be_bytes());
    Commit {
        stream: stream(service),
        sequence,
        hash: Hash(hash),
        request_id: RequestId(id),
        request_digest: [0; 32],
        cause,
        actor: None,
        recorded_at: NOW,
        events,
        upstream: Vec::new(),
    }
}

type KeyOf<D> = <<D as Decider>::Entity as Entity>::Key;
type Snapshot<D> = Vec<(KeyOf<D>, <D as Decider>::Entity)>;

/// How the service is run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Forget whatever may be forgotten after every commit, and load it again when it is asked for.
    pub(crate) with_store: bool,
    /// How many commits stay unconfirmed.
    pub(crate) window: usize,
}

#[derive(Debug)]
pub(crate) struct Under<D: Decider> {
    pub(crate) state: State<D>,
    pub(crate) log: Vec<Commit>,
    /// The commands that were refused for their day.
    pub(crate) too_early: BTreeSet<String>,
    manner: Manner,
    store: BTreeMap<KeyOf<D>, <D as Decider>::Entity>,
    /// Commits that are not confirmed, each with the state before it.
    unconfirmed: VecDeque<(Commit, Snapshot<D>)>,
}

impl<D: Decider> Under<D> {
    pub(crate) fn new(manner: Manner) -> Self {
        Self {
            state: State::new(CountyCode::TUOLI),
            log: Vec::new(),
            too_early: BTreeSet::new(),
            manner,
            store: BTreeMap::new(),
            unconfirmed: VecDeque::new(),
        }
    }

    /// Decides, and folds the outcome.
    pub(crate) fn ask(&mut self, request: u64, command: &D::Command) -> Result<Commit, Rejection> {
        self.load(&Subject::Command(command));
        let draft = self.commit(request, Vec::new(), None);
        let context = Context { request_id: draft.request_id, stream: draft.stream, now: NOW, actor: None };
        let events = D::decide(&self.state, command, &context).inspect_err(|rejection| {
            if matches!(rejection, Rejection::Broken { rule: Rule::DateTooEarly, .. }) {
                let command = format!("{command:?}");
                let name = command.split('(').next().unwrap_or_default();
                self.too_early.insert(format!("{} {name}", D::SERVICE));
            }
        })?;
        assert!(!events.is_empty(), "a decision says something");
        let commit = Commit { events, ..draft };
        self.fold(&commit);
        Ok(commit)
    }

    /// Notes a commit of another stream, and folds the answer if it concerns this service.
    pub(crate) fn hear(&mut self, upstream: &Commit) -> Option<Commit> {
        self.load(&Subject::Upstream(upstream));
        self.note(upstream);
        if !upstream.events.iter().any(D::concerns) {
            return None;
        }
        let draft = self.commit(0, Vec::new(), Some(upstream.position()));
        let request_id = upstream.request_id.for_reaction(upstream.stream, draft.stream);
        let context = Context { request_id, stream: draft.stream, now: NOW, actor: None };
        let events = D::react(&self.state, upstream, &context);
        assert!(!events.is_empty(), "what concerns a service is answered");
        let commit = Commit { events, request_id, ..draft };
        self.fold(&commit);
        Some(commit)
    }

    /// What is heard is not undone with what was decided before it.
    fn note(&mut self, upstream: &Commit) {
        let before: BTreeMap<_, _> = self.snapshot().into_iter().collect();
        D::apply_upstream(&mut self.state, upstream);
        let heard = self.snapshot().into_iter().filter(|(key, entity)| before.get(key) != Some(entity));
        for (key, entity) in heard.collect::<Vec<_>>() {
            for (_, snapshot) in &mut self.unconfirmed {
                match snapshot.binary_search_by_key(&key, |(known, _)| *known) {
                    Ok(at) => snapshot[at].1 = entity.clone(),
                    Err(at) => snapshot.insert(at, (key, entity.clone())),
                }
            }
        }
    }

    /// Folds a commit of the own stream that another writer decided.
    pub(crate) fn follow(&mut self, commit: &Commit) {
        self.load(&Subject::Own(commit));
        self.fold(commit);
    }

    /// Folds what was decided here: what that needs was asked for before deciding.
    fn fold(&mut self, commit: &Commit) {
        self.unconfirmed.push_back((commit.clone(), self.snapshot()));
        self.state.evolve(commit);
        self.log.push(commit.clone());
        self.confirm(self.manner.window);
        if self.manner.with_store {
            self.forget();
        }
    }

    /// All but the newest `window` commits were read back.
    pub(crate) fn confirm(&mut self, window: usize) {
        while self.unconfirmed.len() > window {
            self.unconfirmed.pop_front();
            self.state.entities.confirm();
        }
    }

    /// Every entity in memory.
    pub(crate) fn snapshot(&self) -> Snapshot<D> {
        self.state.entities.sorted().into_iter().map(|(key, entity)| (*key, entity.clone())).collect()
    }

    /// Every entity, in memory or stored.
    pub(crate) fn everything(&self) -> BTreeMap<KeyOf<D>, D::Entity> {
        self.store.clone().into_iter().chain(self.snapshot()).collect()
    }

    /// Undoes what is not confirmed, looks at what is left, and does it again. Without a store only: what was forgotten
    /// since looks the same as what was undone.
    pub(crate) fn roll_back(&mut self, look: impl FnOnce(&State<D>)) {
        let now = self.snapshot();
        self.state.entities.roll_back();
        if let Some((_, before)) = self.unconfirmed.front() {
            assert_eq!(*before, self.snapshot(), "undone");
        }
        look(&self.state);
        for (commit, before) in &self.unconfirmed {
            assert_eq!(*before, self.snapshot());
            self.state.evolve(commit);
        }
        assert_eq!(now, self.snapshot(), "done again");
    }

    pub(crate) fn commit(&self, request: u64, events: Vec<Event>, cause: Option<Cause>) -> Commit {
        commit(D::SERVICE, self.log.len() as u64 + 1, request, events, cause)
    }

    fn load(&mut self, subject: &Subject<'_, D::Command>) {
        loop {
            let missing = D::keys(&self.state, subject_again(subject));
            if missing.is_empty() {
                return;
            }
            assert!(self.manner.with_store, "without a store everything is in memory");
            for key in missing {
                self.state.entities.load(key, self.store.get(&key).cloned());
            }
        }
    }

    /// Writes what is confirmed, and forgets all that may be forgotten.
    fn forget(&mut self) {
        for (key, entity) in self.state.entities.drain_changed() {
            match entity {
                Some(entity) => self.store.insert(key, entity),
                None => self.store.remove(&key),
            };
        }
        let all: Vec<KeyOf<D>> = self.state.entities.sorted().into_iter().map(|(key, _)| *key).collect();
        self.state.entities.evict_closed(all);
        self.state.entities.forget_absent();
    }
}

fn subject_again<'a, C>(subject: &Subject<'a, C>) -> Subject<'a, C> {
    match subject {
        Subject::Command(command) => Subject::Command(command),
        Subject::Own(commit) => Subject::Own(commit),
        Subject::Upstream(commit) => Subject::Upstream(commit),
    }
}
