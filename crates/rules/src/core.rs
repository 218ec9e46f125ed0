//! The contract between a service's rules and the writer that runs them.

use core::fmt::Debug;

use std::sync::Arc;

use loopledger_types::{CountyCode, RequestId, Service, StreamId, Timestamp};

use crate::{Actor, Commit, Entities, Entity, Event, Index, Rejection};

/// What a decision may know besides the state. Time and ids are arguments.
#[derive(Debug, Clone)]
pub struct Context {
    pub request_id: RequestId,
    /// The stream that decides.
    pub stream: StreamId,
    /// The writer's clock. The commit's own time may be later: it is never before the previous commit's.
    pub now: Timestamp,
    /// Who asked. Reactions have none, and neither has a call without an identity.
    pub actor: Option<Arc<Actor>>,
}

/// What `keys` is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a, C> {
    /// A command about to be decided.
    Command(&'a C),
    /// A commit of the own stream about to be folded by a writer that did not decide it.
    Own(&'a Commit),
    /// A commit of another stream about to be folded, and reacted to if it concerns us.
    Upstream(&'a Commit),
}

/// A service's rules. Everything here is pure and synchronous.
///
/// State is the fold of the own stream (`evolve`) plus what upstream said that this service needs (`apply_upstream`). The two
/// never write the same entity, so the order in which a reader interleaves streams does not change the state.
pub trait Decider: Sized + Debug + Send + Sync + 'static {
    const SERVICE: Service;
    /// The streams it reads, besides its own.
    const UPSTREAM: &'static [Service];

    type Command: Debug + Clone + Send + Sync + 'static;
    type Entity: Entity;
    type Index: Index<Self::Entity>;

    /// Entities that are needed and not in memory; asked again after loading until it answers with nothing.
    fn keys(state: &State<Self>, subject: Subject<'_, Self::Command>) -> Vec<<Self::Entity as Entity>::Key>;

    /// The events that the command leads to, or why not. At least one event.
    fn decide(state: &State<Self>, command: &Self::Command, context: &Context) -> Result<Vec<Event>, Rejection>;

    /// Folds one event of the own stream. Holds no rules; must not fail on any event that `decide` or `react` made.
    fn evolve(state: &mut State<Self>, event: &Event, commit: &Commit);

    /// Folds what a commit of another stream says that this service needs to know.
    fn apply_upstream(state: &mut State<Self>, upstream: &Commit);

    /// Whether an upstream event needs an answer; a function of the event alone.
    fn concerns(event: &Event) -> bool;

    /// The answer to an upstream commit that concerns us: at least one event, even if it only says "ignored".
    /// `upstream` has been noted already. Never empty: a commit holds at least one event, so a writer that gets none
    /// has no answer to give and halts. What no correct upstream would say is answered with `UpstreamIgnored`.
    fn react(state: &State<Self>, upstream: &Commit, context: &Context) -> Vec<Event>;
}

/// A service's state in one county.
#[derive(Debug)]
pub struct State<D: Decider> {
    pub county: CountyCode,
    pub entities: Entities<D::Entity, D::Index>,
}

impl<D: Decider> State<D> {
    /// The state before the first commit: everything there is, is in memory.
    pub fn new(county: CountyCode) -> Self {
        Self { county, entities: Entities::new() }
    }

    /// Folds a commit of the own stream, and marks where it ends, so that it can be rolled back.
    pub fn evolve(&mut self, commit: &Commit) {
        for event in &commit.events {
            D::evolve(self, event, commit);
        }
        self.entities.mark();
    }
}
