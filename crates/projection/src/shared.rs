//! What the parts of a projection share: the folded state behind a fair lock, and what is published of it.

use core::time::Duration;
use std::sync::Arc;

use loopledger_domain::Commit;
use loopledger_ledger::{ApplyError, Concerns, Ledger};
use loopledger_service::feed::Feed;
use loopledger_service::limits::{Permits, Turns};
use loopledger_service::metrics::Lag;
use loopledger_types::{BusinessDate, CountyCode, Head, Position, Service, StreamId};
use tokio::sync::{Notify, OwnedRwLockReadGuard, RwLock, RwLockWriteGuard, watch};

use crate::commits::HashCache;
use crate::digests::Digests;
use crate::health::{Halt, Health, StreamHealth};
use crate::index::CommitIndex;
use crate::metrics::Metrics;

/// Queries that read much at a time: the fold waits while they read.
const LONG_QUERIES_MAX: usize = 2;

/// Queries of one connection that wait until positions, or what follows from them, are folded.
const WAITING_MAX: usize = 128;

/// A sequence of each stream, by service.
pub(crate) type Sequences = [u64; 5];

/// The folded state.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) ledger: Ledger,
}

impl Folded {
    pub(crate) fn new(county: CountyCode) -> Self {
        Self { ledger: Ledger::new(county, Concerns::SERVICES) }
    }

    pub(crate) fn apply(&mut self, commit: &Commit) -> Result<(), ApplyError> {
        self.ledger.apply(commit)
    }

    /// The last day with a fact that was recorded by `as_of`.
    pub(crate) fn last_day(&self, as_of: Option<BusinessDate>) -> Option<BusinessDate> {
        self.ledger.days(as_of).map(|days| days.last)
    }

    /// By service.
    pub(crate) fn heads(&self) -> [Head; 5] {
        Service::ALL.map(|service| self.ledger.head(service).head)
    }

    pub(crate) fn sequences(&self) -> Sequences {
        self.heads().map(|head| head.sequence)
    }

    /// The heads that an answer is computed at, without streams that have no commit.
    pub(crate) fn positions(&self) -> Vec<Position> {
        positions(self.ledger.county(), &self.heads()).collect()
    }
}

fn positions(county: CountyCode, heads: &[Head; 5]) -> impl Iterator<Item = Position> + use<> {
    let heads = Service::ALL.into_iter().zip(*heads).filter(|(_, head)| head.sequence > 0);
    heads.map(move |(service, head)| Position {
        stream: StreamId { service, county },
        sequence: head.sequence,
        hash: head.hash,
    })
}

/// The state while it is changed.
#[derive(Debug)]
pub(crate) struct Changing<'a> {
    pub(crate) folded: RwLockWriteGuard<'a, Folded>,
    _turn: RwLockWriteGuard<'a, ()>,
}

/// The state while it is read for long.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) folded: OwnedRwLockReadGuard<Folded>,
    _turn: OwnedRwLockReadGuard<()>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) county: CountyCode,
    pub(crate) feed: Feed,
    /// Fair, so that neither the fold nor a query waits for more than one turn of the other. Changed through
    /// [`change`](Shared::change) only.
    pub(crate) folded: Arc<RwLock<Folded>>,
    /// Taken by what changes the state, and shared by what reads for long, before the state itself: so a writer waits
    /// for a long reader here, where short queries do not have to queue behind it.
    pub(crate) turns: Arc<RwLock<()>>,
    /// Never behind the folded state.
    pub(crate) index: CommitIndex,
    pub(crate) hashes: HashCache,
    pub(crate) digests: Digests,
    /// By service; never ahead of the folded state.
    pub(crate) heads: watch::Sender<[Head; 5]>,
    /// By service: the newest commit that folded commits of other streams name.
    pub(crate) referenced: [crate::metrics::Number; 5],
    /// By service: up to here every reference of another stream was resolved.
    pub(crate) explained: [crate::metrics::Number; 5],
    pub(crate) health: watch::Sender<Health>,
    pub(crate) metrics: Arc<Metrics>,
    /// Void records of each stream since the start.
    pub(crate) voids: [crate::metrics::Number; 5],
    /// How far folding each stream is behind reading it.
    pub(crate) lags: [Lag; 5],
    pub(crate) long_queries: Arc<Turns>,
    /// One rebuild at a time.
    pub(crate) rebuilds: Arc<Turns>,
    /// One computation of digests at a time.
    pub(crate) digesting: Arc<Turns>,
    /// Queries that wait for positions.
    pub(crate) waiting: Arc<Permits>,
    /// Enough was folded since the last checkpoint for another one.
    pub(crate) checkpoint_due: Notify,
}

impl Shared {
    pub(crate) fn new(county: CountyCode, feed: Feed, folded: Folded, index: CommitIndex) -> Self {
        let heads = folded.heads();
        Self {
            county,
            feed,
            folded: Arc::new(RwLock::new(folded)),
            turns: Arc::default(),
            index,
            hashes: HashCache::default(),
            digests: Digests::default(),
            heads: watch::Sender::new(heads),
            referenced: core::array::from_fn(|_| crate::metrics::Number::default()),
            explained: core::array::from_fn(|_| crate::metrics::Number::default()),
            health: watch::Sender::new(Health::starting()),
            metrics: Arc::new(Metrics::default()),
            lags: heads.map(|head| Lag::starting_at(head.sequence)),
            voids: core::array::from_fn(|_| crate::metrics::Number::default()),
            long_queries: Arc::new(Turns::new(LONG_QUERIES_MAX)),
            rebuilds: Arc::new(Turns::new(1)),
            digesting: Arc::new(Turns::new(1)),
            waiting: Arc::new(Permits::new(WAITING_MAX)),
            checkpoint_due: Notify::new(),
        }
    }

    /// The state, to change it.
    pub(crate) async fn change(&self) -> Changing<'_> {
        let turn = self.turns.write().await;
        Changing { folded: self.folded.write().await, _turn: turn }
    }

    /// The state, to read it for long on another thread. Only what changes it waits meanwhile.
    pub(crate) async fn read_long(&self) -> Reading {
        let turn = Arc::clone(&self.turns).read_owned().await;
        Reading { folded: Arc::clone(&self.folded).read_owned().await, _turn: turn }
    }

    pub(crate) const fn stream(&self, service: Service) -> StreamId {
        StreamId { service, county: self.county }
    }

    pub(crate) fn head(&self, service: Service) -> Head {
        self.heads.borrow().get(service.index()).copied().unwrap_or(Head::EMPTY)
    }

    /// A stream that is halted stays so: a follower that can read again does not know why it was halted.
    pub(crate) fn set_health(&self, service: Service, health: StreamHealth) {
        self.health.send_if_modified(|all| match all.streams.get_mut(service.index()) {
            Some(slot) if *slot != health && !matches!(slot, StreamHealth::Halted(_)) => {
                *slot = health;
                true
            }
            Some(_) | None => false,
        });
    }

    /// The last known state of a stream: a read that waits for a log that does not answer does not fail.
    pub(crate) fn stream_health(&self, health: &Health, service: Service) -> StreamHealth {
        let known = health.stream(service);
        let contact = self.feed.contact();
        match (known, contact.outage()) {
            (StreamHealth::Serving | StreamHealth::CatchingUp(_), Some(outage))
                if contact.is_failing(self.stream(service)) =>
            {
                StreamHealth::LogUnavailable { reason: outage.cause }
            }
            _ => known.clone(),
        }
    }

    /// How old answers are: since when it is not known that everything in the log was read.
    pub(crate) fn age(&self) -> Duration {
        let ages = Service::ALL.map(|service| self.feed.contact().age(self.stream(service)));
        ages.into_iter().max().unwrap_or_default()
    }

    pub(crate) fn halt(&self, service: Service, halt: Halt) {
        tracing::error!(stream = %self.stream(service), reason = halt.reason(), %halt, "the stream is halted");
        self.set_health(service, StreamHealth::Halted(halt));
    }

    pub(crate) fn positions(&self, heads: &[Head; 5]) -> impl Iterator<Item = Position> + use<> {
        positions(self.county, heads)
    }
}

#[cfg(test)]
mod tests {
    use loopledger_event_log::MemoryLog;

    use super::*;

    #[tokio::test]
    async fn short_queries_do_not_queue_behind_a_fold_that_waits_for_a_long_one() {
        let county = CountyCode::TUOLI;
        let feed = Feed::new(Arc::new(MemoryLog::new(1)));
        let shared = Arc::new(Shared::new(county, feed, Folded::new(county), CommitIndex::default()));
        let long = shared.read_long().await;
        let folding = Arc::clone(&shared);
        let fold = tokio::spawn(async move { drop(folding.change().await) });
        // On one thread the fold runs until it waits.
        tokio::task::yield_now().await;
        assert!(!fold.is_finished() && shared.turns.try_read().is_err(), "the fold is next");
        assert!(shared.folded.try_read().is_ok(), "and a query need not wait for it");
        drop(long);
        fold.await.unwrap();
    }
}
