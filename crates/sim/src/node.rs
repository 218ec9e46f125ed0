//! The node of one writer: its store outlives it.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use loopledger_dice::Dice;
use loopledger_domain::Decider;
use loopledger_service::clock::Clock;
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Health, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::{Memory, MemoryStore, Mirror, ServiceStore};
use loopledger_types::{CountyCode, Head, Service, StreamId};
use tokio::time::timeout;

use crate::history::History;

/// How long a standby leaves upstream commits to the writer that serves the county.
const STANDBY_DELAY: Duration = Duration::from_secs(5);

/// How long an orderly end may take.
const SHUT_DOWN_MAX: Duration = Duration::from_secs(2);

/// Where callers find the writers of one service that are up. Clones are the same.
#[derive(Debug)]
pub(crate) struct HandlePool<D: Decider>(Arc<Mutex<Vec<Option<WriterHandle<D>>>>>);

impl<D: Decider> Clone for HandlePool<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Decider> HandlePool<D> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Some writer, whether it serves or catches up.
    pub(crate) fn any(&self, dice: &mut Dice) -> Option<WriterHandle<D>> {
        dice.pick(&self.all()).cloned()
    }

    pub(crate) fn all(&self) -> Vec<WriterHandle<D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten().cloned().collect()
    }

    fn set(&self, place: usize, handle: Option<WriterHandle<D>>) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() <= place {
            places.resize(place + 1, None);
        }
        places[place] = handle;
    }
}

/// What becomes of a store between two lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Kept,
    /// An older copy is put in its place.
    Stale,
    Deleted,
}

impl Store {
    /// As it is counted.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Kept => "killed, store kept",
            Self::Stale => "killed, store stale",
            Self::Deleted => "killed, store deleted",
        }
    }
}

/// A node of whichever service.
pub(crate) trait AnyNode: Send {
    fn name(&self) -> String;
    fn start(&mut self, feed: Feed, clock: Arc<dyn Clock>, accept_clock: bool);
    /// The writer ends as if the process was killed.
    fn crash(&mut self, history: &History);
    /// The writer finishes what was queued, and ends.
    fn shut_down(&mut self, history: &History) -> BoxFuture<'_, ()>;
    /// Between two lives.
    fn replace_store(&mut self, store: Store);
    /// Keeps a copy of the store as it is now.
    fn back_up(&mut self);
    fn health(&self) -> Option<Health>;
    /// The heads of the county's services as this writer knows them, if it has nothing left to answer.
    fn at_rest(&self) -> Option<[Head; 4]>;
    /// Counts what the present life saw.
    fn count(&self, history: &History);
}

pub(crate) struct Node<D: Decider> {
    pool: HandlePool<D>,
    /// 0 serves the county, the others stand by.
    place: usize,
    memory: Memory,
    backup: Memory,
    writer: Option<Writer<D>>,
}

impl<D: Decider> Node<D>
where
    D::Entity: Mirror,
{
    pub(crate) fn boxed(pool: &HandlePool<D>, place: usize) -> Box<dyn AnyNode> {
        Box::new(Self { pool: pool.clone(), place, memory: Memory::new(), backup: Memory::new(), writer: None })
    }
}

impl<D: Decider> AnyNode for Node<D>
where
    D::Entity: Mirror,
{
    fn name(&self) -> String {
        format!("{}/{}", D::SERVICE, self.place)
    }

    fn start(&mut self, feed: Feed, clock: Arc<dyn Clock>, accept_clock: bool) {
        let store: Arc<dyn ServiceStore<D::Entity>> = Arc::new(MemoryStore::<D::Entity>::new(self.memory.clone()));
        let reaction_delay = if self.place == 0 { Duration::ZERO } else { STANDBY_DELAY };
        let config = WriterConfig { reaction_delay, accept_clock, ..WriterConfig::default() };
        let writer = Writer::start(CountyCode::TUOLI, feed, store, clock, config);
        self.pool.set(self.place, Some(writer.handle().clone()));
        self.writer = Some(writer);
    }

    fn crash(&mut self, history: &History) {
        self.count(history);
        self.pool.set(self.place, None);
        self.writer = None;
    }

    fn shut_down(&mut self, history: &History) -> BoxFuture<'_, ()> {
        self.count(history);
        self.pool.set(self.place, None);
        let writer = self.writer.take();
        async move {
            if let Some(writer) = writer {
                // Late is as good as killed.
                let _ = timeout(SHUT_DOWN_MAX, writer.shut_down()).await;
            }
        }
        .boxed()
    }

    fn replace_store(&mut self, store: Store) {
        match store {
            // A copy, so that nothing of the life before writes into it.
            Store::Kept => self.memory = self.memory.copy(),
            Store::Stale => self.memory = self.backup.copy(),
            Store::Deleted => self.memory = Memory::new(),
        }
    }

    fn back_up(&mut self) {
        self.backup = self.memory.copy();
    }

    fn health(&self) -> Option<Health> {
        self.writer.as_ref().map(|writer| writer.handle().health().borrow().clone())
    }

    fn at_rest(&self) -> Option<[Head; 4]> {
        let handle = self.writer.as_ref()?.handle();
        let metrics = handle.metrics();
        let busy = [&metrics.reactions_due, &metrics.in_flight, &metrics.queued, &metrics.waiting_for_upstream];
        if busy.into_iter().any(|gauge| gauge.get() > 0) || !matches!(*handle.health().borrow(), Health::Serving) {
            return None;
        }
        let heads = handle.heads();
        let head = |service| heads.get(StreamId { service, county: CountyCode::TUOLI });
        Some([Service::Procurement, Service::Station, Service::Distribution, Service::Sales].map(head))
    }

    fn count(&self, history: &History) {
        let Some(writer) = &self.writer else { return };
        let metrics = writer.handle().metrics();
        history.add("conflict of two writers", metrics.conflicts_total.get());
        if self.place > 0 {
            history.add("reactions of a standby", metrics.reactions_total.get());
        }
        history.add("checkpoints", metrics.checkpoints_total.get());
        history.add("resends", metrics.resends_total.get());
    }
}
