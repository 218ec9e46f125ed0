//! One county of a service: parked, or alive with a writer.

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_domain::Decider;
use loopledger_state_store::{Mirror, ServiceStore};
use loopledger_types::{CountyCode, StreamId};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::life::{DRAIN_MAX, DRAIN_MAX_IN_OUTAGE, report};
use super::{Host, STANDBY_REACTION_DELAY};
use crate::writer::{Halt, Health, Writer, WriterHandle};

/// Handles that the host itself holds of a writer: the writer's own, and the one that is shown.
const OWN_HANDLES: usize = 2;

/// A county's place in a host.
pub(super) struct County<D: Decider> {
    code: CountyCode,
    /// None: it is parked. Locked while it comes to life and while it is parked, so that nobody gets a writer that ends.
    alive: AsyncMutex<Option<Alive<D>>>,
    shown: Mutex<Option<WriterHandle<D>>>,
}

/// A writer, and since when it has had nothing to do.
struct Alive<D: Decider> {
    writer: Writer<D>,
    store: Arc<dyn ServiceStore<D::Entity>>,
    idle: Option<Idle>,
    _reports: AbortOnDropHandle<()>,
}

#[derive(Debug, Clone, Copy)]
struct Idle {
    since: Instant,
    /// What the writer had done by then.
    done: u64,
}

impl<D: Decider> fmt::Debug for County<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("County").field("code", &self.code).finish_non_exhaustive()
    }
}

impl<D: Decider> County<D> {
    pub(super) fn new(code: CountyCode) -> Self {
        Self { code, alive: AsyncMutex::new(None), shown: Mutex::default() }
    }

    /// The writer, if it is alive.
    pub(super) fn handle(&self) -> Option<WriterHandle<D>> {
        self.shown().clone()
    }

    pub(super) fn is_alive(&self) -> bool {
        self.shown().is_some()
    }

    fn shown(&self) -> MutexGuard<'_, Option<WriterHandle<D>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Decider> Alive<D> {
    /// Since when the writer has had nothing to do, and nobody has held it.
    fn idle_since(&mut self, now: Instant) -> Option<Instant> {
        let handle = self.writer.handle();
        let metrics = handle.metrics();
        let at_hand = [&metrics.queued, &metrics.in_flight, &metrics.waiting_for_upstream, &metrics.reactions_due];
        let is_busy = handle.handles() > OWN_HANDLES
            || at_hand.iter().any(|count| count.get() > 0)
            || !matches!(*handle.health().borrow(), Health::Serving)
            || self.store.failure().is_some();
        if is_busy {
            self.idle = None;
            return None;
        }
        let done = [
            &metrics.commits_total,
            &metrics.foreign_commits_total,
            &metrics.upstream_commits_total,
            &metrics.refusals_total,
            &metrics.repeats_total,
        ];
        let done = done.iter().fold(0_u64, |sum, count| sum.saturating_add(count.get()));
        let idle = self.idle.filter(|idle| idle.done == done).unwrap_or(Idle { since: now, done });
        self.idle = Some(idle);
        Some(idle.since)
    }
}

impl<D: Decider> Host<D>
where
    D::Entity: Mirror,
{
    /// Brings a county to life, if it is hosted and parked.
    pub(super) async fn wake(&self, code: CountyCode) -> Option<WriterHandle<D>> {
        let county = self.0.counties.get(&code)?;
        let mut alive = county.alive.lock().await;
        if let Some(alive) = &*alive {
            return Some(alive.writer.handle().clone());
        }
        let handle = self.start(county, &mut alive)?;
        Some(handle)
    }

    fn start(&self, county: &County<D>, alive: &mut Option<Alive<D>>) -> Option<WriterHandle<D>> {
        let code = county.code;
        let shared = &self.0;
        let stream = StreamId { service: D::SERVICE, county: code };
        let partition = shared.partitions.get(&shared.feed.partition(stream))?;
        let store = partition.store::<D::Entity>(stream);
        match store.progress() {
            Ok(Some(progress)) => {
                tracing::info!(%stream, sequence = progress.head.sequence, "resuming from a checkpoint");
            }
            Ok(None) => tracing::info!(%stream, "no checkpoint: reading the whole log"),
            // The writer says so, and tries again.
            Err(_) => {}
        }
        let (feed, clock) = (shared.feed.clone(), Arc::clone(&shared.clock));
        let mut config = shared.writer.clone();
        if shared.standby.contains(&code) {
            config.reaction_delay = STANDBY_REACTION_DELAY;
        }
        let writer = Writer::start(code, feed, Arc::clone(&store), clock, config);
        let handle = writer.handle().clone();
        *county.shown() = Some(handle.clone());
        let reports = tokio::spawn(report(self.clone(), stream, handle.health()));
        *alive = Some(Alive { writer, store, idle: None, _reports: AbortOnDropHandle::new(reports) });
        Some(handle)
    }

    /// Parks the counties that have been idle longest, beyond those that are kept alive.
    pub(super) async fn park_idle(&self) {
        let now = Instant::now();
        let mut idle = Vec::new();
        let mut alive_count = 0_usize;
        for county in self.0.counties.values().filter(|county| county.is_alive()) {
            alive_count = alive_count.saturating_add(1);
            // One that comes to life now is not idle.
            let Ok(mut alive) = county.alive.try_lock() else { continue };
            idle.extend(alive.as_mut().and_then(|alive| alive.idle_since(now)).map(|since| (since, county.code)));
        }
        idle.sort_unstable();
        let surplus = alive_count.saturating_sub(self.0.parking.keep);
        for (_, code) in idle.into_iter().take_while(|(since, _)| since.elapsed() >= self.0.parking.after).take(surplus)
        {
            self.park(code).await;
        }
    }

    /// Ends an idle writer; where its streams stand is left with the feed.
    async fn park(&self, code: CountyCode) {
        let Some(county) = self.0.counties.get(&code) else { return };
        let mut slot = county.alive.lock().await;
        let Some(mut alive) = slot.take() else { return };
        if alive.idle_since(Instant::now()).is_none() {
            *slot = Some(alive);
            return;
        }
        self.finish(county, alive).await;
        // What came meanwhile is for another life; so is what could not be stored.
        if !self.is_at_rest(county) {
            self.start(county, &mut slot);
        }
    }

    /// The county's last writer of the process.
    pub(super) async fn end(&self, code: CountyCode) -> Option<Health> {
        let county = self.0.counties.get(&code)?;
        let alive = county.alive.lock().await.take()?;
        Some(self.finish(county, alive).await)
    }

    /// Finishes what was taken, within a bounded time, and stores it.
    async fn finish(&self, county: &County<D>, alive: Alive<D>) -> Health {
        let Alive { writer, store, .. } = alive;
        let stream = writer.handle().stream();
        let is_cut_off = writer.handle().contact().outage().is_some();
        let drain_max = if is_cut_off { DRAIN_MAX_IN_OUTAGE } else { DRAIN_MAX };
        let health = timeout(drain_max, writer.shut_down()).await.unwrap_or_else(|_| {
            tracing::warn!(%stream, "the writer did not finish in time");
            Health::Halted(Halt::Stopped)
        });
        if let Some(handle) = county.shown().take() {
            self.0.state.retire(&handle);
        }
        drop(store);
        health
    }

    /// Whether the county is parked, and its checkpoint has everything that was read of its streams.
    pub(super) fn is_at_rest(&self, county: &County<D>) -> bool {
        if county.is_alive() {
            return false;
        }
        let own = StreamId { service: D::SERVICE, county: county.code };
        let Some(partition) = self.0.partitions.get(&self.0.feed.partition(own)) else { return false };
        partition.is_at_rest::<D>(&self.0.feed, county.code)
    }
}
