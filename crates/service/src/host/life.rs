//! How the counties of a host are, taken together.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loopledger_domain::Decider;
use loopledger_types::{CountyCode, StreamId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Host;
use crate::metrics::Readiness;
use crate::writer::{CatchUp, Counted, Halt, Health, WriterHandle};

/// How often a long start is reported in the log.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);

/// How long a writer may take to finish what is queued after the callers have ended. What it has not finished then is
/// as after a crash: in the log or not, and the same request ids find out.
pub(super) const DRAIN_MAX: Duration = Duration::from_millis(1_500);

/// The same while the log cannot be reached: nothing that needs it ends, so this is for what needs only the store.
pub(super) const DRAIN_MAX_IN_OUTAGE: Duration = Duration::from_secs(1);

/// How a county that is alive is.
#[derive(Debug, Clone)]
enum Condition {
    /// Reading what was in the log when the process began.
    Starting,
    /// Reading, later.
    CatchingUp,
    Serving,
    Stopped,
    Halted(Halt),
}

/// The counties that are alive, and what those that were counted.
#[derive(Debug)]
pub(super) struct State {
    conditions: Mutex<BTreeMap<CountyCode, Condition>>,
    readiness: watch::Sender<Readiness>,
    /// What writers counted that have ended.
    ended: Mutex<Counted>,
}

impl Default for State {
    fn default() -> Self {
        let (readiness, _) = watch::channel(Readiness::Starting);
        Self { conditions: Mutex::default(), readiness, ended: Mutex::default() }
    }
}

impl State {
    /// These counties come to life at the start.
    pub(super) fn begin(&self, unsettled: &[CountyCode]) {
        self.lock().extend(unsettled.iter().map(|county| (*county, Condition::Starting)));
        self.publish();
    }

    pub(super) fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.subscribe()
    }

    /// Waits until every county that came to life at the start serves or is halted; those that are halted.
    pub(super) async fn settled(&self) -> Vec<(CountyCode, Halt)> {
        let mut readiness = self.readiness.subscribe();
        // It is never closed while it is waited for.
        let _ = readiness.wait_for(|readiness| *readiness != Readiness::Starting).await;
        self.halted()
    }

    pub(super) fn halted(&self) -> Vec<(CountyCode, Halt)> {
        let halted = |(county, condition): (&CountyCode, &Condition)| match condition {
            Condition::Halted(halt) => Some((*county, halt.clone())),
            Condition::Starting | Condition::CatchingUp | Condition::Serving | Condition::Stopped => None,
        };
        self.lock().iter().filter_map(halted).collect()
    }

    fn set(&self, county: CountyCode, health: &Health) {
        let mut conditions = self.lock();
        let before = conditions.get(&county);
        let condition = match health {
            Health::CatchingUp(_) if matches!(before, Some(Condition::Starting)) => Condition::Starting,
            Health::CatchingUp(_) => Condition::CatchingUp,
            Health::Serving => Condition::Serving,
            Health::Stopped => Condition::Stopped,
            Health::Halted(halt) => Condition::Halted(halt.clone()),
        };
        conditions.insert(county, condition);
        drop(conditions);
        self.publish();
    }

    /// A writer has ended; what it counted is kept.
    pub(super) fn retire<D: Decider>(&self, ended: &WriterHandle<D>) {
        self.lock().remove(&ended.stream().county);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).add(ended);
        self.publish();
    }

    pub(super) fn ended(&self) -> Counted {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The service serves once its first counties have caught up, for as long as any serves: a parked one does as soon as it
    /// is called.
    fn publish(&self) {
        let conditions = self.lock();
        let is_starting = conditions.values().any(|condition| matches!(condition, Condition::Starting));
        let is_able =
            conditions.is_empty() || conditions.values().any(|condition| matches!(condition, Condition::Serving));
        drop(conditions);
        let readiness = match (is_starting, is_able) {
            (true, _) => Readiness::Starting,
            (false, true) => Readiness::Able,
            (false, false) => Readiness::Unable,
        };
        self.readiness.send_if_modified(|before| core::mem::replace(before, readiness) != readiness);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CountyCode, Condition>> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows how a county is, and says now and then how far a start has come, the first one or one on a store that had failed.
pub(super) async fn report<D: Decider>(host: Host<D>, stream: StreamId, mut health: watch::Receiver<Health>) {
    let mut said_at = Instant::now();
    loop {
        let now = health.borrow_and_update().clone();
        host.0.state.set(stream.county, &now);
        let progress = match now {
            Health::CatchingUp(progress) => Some(progress),
            Health::Serving | Health::Halted(_) => None,
            Health::Stopped => return,
        };
        if let Some(progress) = progress.filter(|_| said_at.elapsed() >= PROGRESS_PERIOD) {
            said_at = Instant::now();
            let CatchUp { commits, commits_per_second, percent, time_left } = progress;
            tracing::info!(%stream, commits, commits_per_second, percent, ?time_left, "replaying the log");
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}
