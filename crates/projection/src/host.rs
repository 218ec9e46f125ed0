//! The ledgers of many counties in one process: alive while they are asked or have something to fold, parked otherwise.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, join_all};
use loopledger_service::feed::Feed;
use loopledger_service::host::Parking;
use loopledger_service::metrics::Readiness;
use loopledger_state_store::{OpenReport, PageStore, RowStore};
use loopledger_types::{CountyCode, Head, Partition, Service, StreamId};
use loopledger_wire::Failure;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::api::{Ledgers, Queries};
use crate::app::{Projection, ProjectionConfig, StartError, StoragePlace};
use crate::beside::beside;
use crate::health::{Halt, Health};
use crate::observe::Counted;
use crate::saved;
use crate::shared::Shared;

/// When to come back for a ledger that could not be loaded.
const LOAD_RETRY: Duration = Duration::from_secs(1);

/// What a process needs to know of the counties whose ledgers it answers from.
#[derive(Debug, Clone)]
pub struct LedgersConfig {
    pub counties: Vec<CountyCode>,
    /// Where stores live, one directory for each partition.
    pub data: PathBuf,
    pub parking: Parking,
}

/// The ledgers of a process. Clones are the same.
#[derive(Clone)]
pub struct Projections(Arc<Inner>);

struct Inner {
    feed: Feed,
    stop: CancellationToken,
    parking: Parking,
    counties: BTreeMap<CountyCode, County>,
    partitions: BTreeMap<Partition, PageStore>,
    /// Counties that have not caught up since the start.
    starting: Mutex<BTreeSet<CountyCode>>,
    readiness: watch::Sender<Readiness>,
    ended: Mutex<Counted>,
}

/// Running ledgers, without the server that offers them.
#[derive(Debug)]
pub struct RunningLedgers {
    projections: Projections,
    tasks: Vec<AbortOnDropHandle<()>>,
}

struct County {
    /// None: it is parked. Locked while it is loaded and while it is parked.
    alive: AsyncMutex<Option<Alive>>,
    shown: Mutex<Option<Arc<Shared>>>,
}

struct Alive {
    projection: Projection,
    /// Since when it has had nothing to do, and what it had done by then.
    idle: Option<(Instant, u64)>,
    _follows: AbortOnDropHandle<()>,
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projections").field("counties", &self.0.counties.len()).finish()
    }
}

impl County {
    fn shown(&self) -> MutexGuard<'_, Option<Arc<Shared>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alive {
    fn idle_since(&mut self, now: Instant) -> Option<Instant> {
        let shared = self.projection.shared();
        let metrics = &shared.metrics;
        let health = shared.health.borrow();
        let is_busy = self.projection.is_held() || !health.is_serving() || health.checkpoints_failed.is_some();
        drop(health);
        if is_busy {
            self.idle = None;
            return None;
        }
        let done = metrics.commits_total.get().saturating_add(metrics.queries_total.get());
        let idle = self.idle.filter(|(_, before)| *before == done).unwrap_or((now, done));
        self.idle = Some(idle);
        Some(idle.0)
    }
}

impl RunningLedgers {
    /// Loads every ledger, and goes on where it ended; those that turn out to be idle are parked again.
    pub async fn start(config: LedgersConfig, feed: Feed, stop: CancellationToken) -> Result<Self, StartError> {
        let beginning = feed.beginning();
        let LedgersConfig { counties, data, parking } = config;
        let wakes = feed.wakes();
        let partition = |county| feed.partition(StreamId { service: Service::Ledger, county });
        let partitions: BTreeSet<Partition> = counties.iter().copied().map(partition).collect();
        let opened = beside(async move {
            partitions
                .into_iter()
                .map(|partition| Ok((partition, open(&data, partition)?)))
                .collect::<Result<_, StartError>>()
        });
        let partitions = opened.await.map_err(|_| StartError::LoadPanicked)??;
        let (readiness, _) = watch::channel(Readiness::Starting);
        let parked = || County { alive: AsyncMutex::new(None), shown: Mutex::default() };
        let inner = Inner {
            starting: Mutex::new(counties.iter().copied().collect()),
            counties: counties.into_iter().map(|county| (county, parked())).collect(),
            ended: Mutex::default(),
            feed,
            stop,
            parking,
            partitions,
            readiness,
        };
        let projections = Projections(Arc::new(inner));
        for county in projections.0.counties.keys() {
            projections.wake(*county).await?;
        }
        drop(beginning);
        let tasks =
            [tokio::spawn(projections.clone().answer_wakes(wakes)), tokio::spawn(projections.clone().keep_house())];
        Ok(Self { projections, tasks: tasks.map(AbortOnDropHandle::new).into() })
    }

    pub const fn ledgers(&self) -> &Projections {
        &self.projections
    }

    /// Stops folding, writes the last checkpoints and lets the stores go.
    pub async fn shut_down(self) {
        let Self { projections, tasks } = self;
        for task in tasks {
            task.abort();
            // It was aborted, or has ended.
            let _ = task.await;
        }
        let Inner { counties, partitions, .. } = &*projections.0;
        join_all(counties.values().map(|county| async {
            if let Some(alive) = county.alive.lock().await.take() {
                alive.projection.shutdown().await;
            }
        }))
        .await;
        let stores: Vec<PageStore> = partitions.values().cloned().collect();
        let closing = beside(async move {
            for store in stores {
                if let Err(error) = store.close() {
                    tracing::warn!(%error, "could not close the projection's store");
                }
            }
        });
        // A panic was reported.
        let _ = closing.await;
    }
}

/// Where the projection keeps the ledgers of a partition, below the folder of the stores.
pub(crate) fn directory(data: &std::path::Path, partition: Partition) -> PathBuf {
    data.join("projection").join(format!("partition-{}", partition.0))
}

/// Whose they are.
pub(crate) fn owner(partition: Partition) -> String {
    format!("projection, partition {}", partition.0)
}

/// Blocks.
fn open(data: &std::path::Path, partition: Partition) -> Result<PageStore, StartError> {
    let options = RowStore::options(&owner(partition), saved::schema(), None);
    let (store, report) = PageStore::open_or_absent(&directory(data, partition), &options)?;
    let OpenReport { moved_aside, absent, .. } = report;
    if let Some((to, reason)) = moved_aside {
        let to = to.display();
        tracing::warn!(partition = partition.0, %to, %reason, "the projection's store was moved aside, folding the whole log");
    }
    if let Some(why) = absent {
        tracing::warn!(partition = partition.0, %why, "the projection's store is not open: folding the whole log in memory");
    }
    Ok(store)
}

impl Projections {
    /// Whether the process should be called for ledgers.
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.0.readiness.subscribe()
    }

    /// Waits until every ledger has folded what was in the log at the start, or is halted; those that are.
    pub async fn caught_up(&self) -> Vec<(CountyCode, Halt)> {
        let mut readiness = self.0.readiness.subscribe();
        // It is never closed while it is waited for.
        let _ = readiness.wait_for(|readiness| *readiness != Readiness::Starting).await;
        let halted = self.0.counties.iter().filter_map(|(code, county)| {
            let shared = county.shown().clone()?;
            let halt = shared.health.borrow().halt().cloned()?;
            Some((*code, halt))
        });
        halted.collect()
    }

    /// What is shown of the ledgers that are alive.
    pub(crate) fn alive(&self) -> Vec<Arc<Shared>> {
        self.0.counties.values().filter_map(|county| county.shown().clone()).collect()
    }

    pub(crate) fn hosted(&self) -> usize {
        self.0.counties.len()
    }

    pub(crate) fn ended(&self) -> Counted {
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn wake(&self, code: CountyCode) -> Result<Option<Queries>, StartError> {
        let Some(county) = self.0.counties.get(&code) else { return Ok(None) };
        let mut alive = county.alive.lock().await;
        if let Some(alive) = &*alive {
            return Ok(Some(alive.projection.queries()));
        }
        self.load(code, county, &mut alive).await.map(Some)
    }

    async fn load(&self, code: CountyCode, county: &County, alive: &mut Option<Alive>) -> Result<Queries, StartError> {
        let Inner { feed, partitions, stop, .. } = &*self.0;
        let partition = feed.partition(StreamId { service: Service::Ledger, county: code });
        let store = partitions.get(&partition).cloned().ok_or(StartError::Stopped)?;
        let config = ProjectionConfig::new(code, StoragePlace::Shared(store));
        let projection = Projection::start(config, feed.clone(), stop.clone()).await?;
        *county.shown() = Some(Arc::clone(projection.shared()));
        let follows = tokio::spawn(self.clone().follow(code, projection.health()));
        let queries = projection.queries();
        *alive = Some(Alive { projection, idle: None, _follows: AbortOnDropHandle::new(follows) });
        Ok(queries)
    }

    /// Keeps the readiness true.
    async fn follow(self, code: CountyCode, mut health: watch::Receiver<Health>) {
        loop {
            if health.borrow_and_update().readiness() != Readiness::Starting {
                self.0.starting.lock().unwrap_or_else(PoisonError::into_inner).remove(&code);
            }
            self.publish();
            if health.changed().await.is_err() {
                return;
            }
        }
    }

    /// The process serves once its ledgers have caught up, for as long as any serves: a parked one does as soon as it is asked.
    fn publish(&self) {
        let is_starting = !self.0.starting.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let alive = self.alive();
        let is_able = |shared: &Arc<Shared>| shared.health.borrow().readiness() == Readiness::Able;
        let readiness = if is_starting {
            Readiness::Starting
        } else if alive.is_empty() || alive.iter().any(is_able) {
            Readiness::Able
        } else {
            Readiness::Unable
        };
        self.0.readiness.send_if_modified(|before| core::mem::replace(before, readiness) != readiness);
    }

    /// Loads ledgers of which something is read.
    async fn answer_wakes(self, mut wakes: UnboundedReceiver<StreamId>) {
        while let Some(StreamId { county, .. }) = wakes.recv().await {
            if let Err(error) = self.wake(county).await {
                tracing::warn!(%county, %error, "could not load the ledger, it is tried again when it is asked");
            }
        }
    }

    async fn keep_house(self) {
        let mut ticks = interval(self.0.parking.every);
        loop {
            ticks.tick().await;
            self.park_idle().await;
        }
    }

    /// Parks the ledgers that have been idle longest, beyond those that are kept.
    async fn park_idle(&self) {
        let now = Instant::now();
        let (mut idle, mut alive_count) = (Vec::new(), 0_usize);
        for (code, county) in self.0.counties.iter().filter(|(_, county)| county.shown().is_some()) {
            alive_count = alive_count.saturating_add(1);
            // One that is loaded now is not idle.
            let Ok(mut alive) = county.alive.try_lock() else { continue };
            idle.extend(alive.as_mut().and_then(|alive| alive.idle_since(now)).map(|since| (since, *code)));
        }
        idle.sort_unstable();
        let surplus = alive_count.saturating_sub(self.0.parking.keep);
        for (_, code) in idle.into_iter().take_while(|(since, _)| since.elapsed() >= self.0.parking.after).take(surplus)
        {
            self.park(code).await;
        }
    }

    /// Ends an idle projection; where its streams stand is left with the feed.
    async fn park(&self, code: CountyCode) {
        let Some(county) = self.0.counties.get(&code) else { return };
        let mut slot = county.alive.lock().await;
        let Some(mut alive) = slot.take() else { return };
        if alive.idle_since(Instant::now()).is_none() {
            *slot = Some(alive);
            return;
        }
        let shared = Arc::clone(alive.projection.shared());
        alive.projection.shutdown().await;
        county.shown().take();
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).add(&shared);
        let heads: Vec<(StreamId, Head)> =
            Service::ALL.into_iter().map(|service| (shared.stream(service), shared.head(service))).collect();
        // What came meanwhile, or could not be stored, is for another life.
        let is_at_rest = heads.into_iter().all(|(stream, head)| self.0.feed.is_at_rest(stream, head));
        let is_stored = shared.health.borrow().checkpoints_failed.is_none();
        if (!is_at_rest || !is_stored)
            && let Err(error) = self.load(code, county, &mut slot).await
        {
            tracing::warn!(county = %code, %error, "could not load the ledger, it is tried again when it is asked");
        }
        drop(slot);
        self.publish();
    }
}

impl Ledgers for Projections {
    fn only(&self) -> Option<CountyCode> {
        let mut counties = self.0.counties.keys();
        counties.next().copied().filter(|_| counties.next().is_none())
    }

    fn queries(&self, county: CountyCode) -> BoxFuture<'_, Result<Queries, Failure>> {
        Box::pin(async move {
            match self.wake(county).await {
                Ok(queries) => queries.ok_or(Failure::CountyNotHosted { county, owner: None }),
                Err(error) => {
                    tracing::warn!(%county, %error, "could not load the ledger");
                    Err(Failure::NotReady { retry_after: LOAD_RETRY })
                }
            }
        })
    }
}
