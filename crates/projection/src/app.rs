//! Starting and stopping a projection.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use loopledger_event_log::{Offset, ReadError};
use loopledger_service::feed::{CatchUp, Feed, FollowError, Follower};
use loopledger_service::metrics::Registry;
use loopledger_state_store::{Memory, PageStore, Reason, RowStore, StoreError};
use loopledger_types::{CountyCode, Head, Position, Service, StreamId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::api::Queries;
use crate::beside::beside;
use crate::checkpoint::{self, Checkpointer};
use crate::fold::{self, Fold, RETRY_AFTER, follow, note_failure};
use crate::halts;
use crate::health::{Halt, Health, StreamHealth};
use crate::index::CommitIndex;
use crate::merge::{BATCHES_AHEAD, Lane, Merge};
use crate::metrics::Metrics;
use crate::referenced;
use crate::saved::{self, LoadFailure, Saved, StartReport};
use crate::shared::{Folded, Shared};

/// Where checkpoints are kept.
#[derive(Debug, Clone)]
pub enum StoragePlace {
    /// One directory for this projection alone.
    Directory(PathBuf),
    /// A store that holds the rows of other counties too, and is closed by its owner.
    Shared(PageStore),
    /// For tests and simulation.
    Memory(Memory),
}

#[derive(Debug, Clone)]
pub struct ProjectionConfig {
    pub county: CountyCode,
    pub storage: StoragePlace,
    /// A checkpoint is written so often, if anything was folded.
    pub checkpoint_every: Duration,
    /// And after so many commits, but never more than a tenth of the time.
    pub checkpoint_commits: u64,
}

impl ProjectionConfig {
    pub const fn new(county: CountyCode, storage: StoragePlace) -> Self {
        Self { county, storage, checkpoint_every: Duration::from_secs(10), checkpoint_commits: 1_000_000 }
    }
}

/// Why a projection does not start. A store that cannot be used is not among the reasons: it is moved aside.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("could not open the projection's store")]
    Store(#[from] StoreError),
    #[error("could not read {stream}")]
    Log { stream: StreamId, source: ReadError },
    #[error("loading the projection's store panicked")]
    LoadPanicked,
    #[error("stopped before it started")]
    Stopped,
}

/// A running projection of one county. Dropping it is what a crash is: the next start folds from the last checkpoint.
#[derive(Debug)]
pub struct Projection {
    shared: Arc<Shared>,
    report: StartReport,
    stop: CancellationToken,
    fold: AbortOnDropHandle<()>,
    followers: Vec<AbortOnDropHandle<()>>,
    /// Ends with the projection: after a crash nothing writes into its store any more.
    checkpointer: AbortOnDropHandle<()>,
    checkpoints: mpsc::Sender<checkpoint::Request>,
    stop_checkpoints: CancellationToken,
    /// Shared by everybody who asks.
    lease: Arc<()>,
}

impl Projection {
    /// Loads the last checkpoint and goes on from there. Returns before the rest of the log is read: queries wait, and
    /// [`health`](Self::health) says how far it has come. `stop` ends it as [`shutdown`](Self::shutdown) does, without the
    /// last checkpoint.
    pub async fn start(config: ProjectionConfig, feed: Feed, stop: CancellationToken) -> Result<Self, StartError> {
        let ProjectionConfig { county, storage, checkpoint_every, checkpoint_commits } = config;
        let looking = feed.opening(county);
        let opening = beside(async move { open(county, &storage) });
        let Opened { store, folded, index, saved, report } = opening.await.map_err(|_| StartError::LoadPanicked)??;
        tracing::info!(%county, ?report, "projection state loaded");
        let shared = Arc::new(Shared::new(county, feed, folded, index));
        if let StartReport::Absent { why } = &report {
            tracing::warn!(%county, %why, "the projection's store is not open: folding the whole log in memory");
            shared.health.send_modify(|health| health.checkpoints_failed = Some(why.to_string()));
        }
        referenced::recall(&shared, saved.extra.referenced);
        let (merge, mut followers) = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(StartError::Stopped),
            followed = follow_all(&shared, &saved) => followed?,
        };
        drop(looking);
        followers.push(AbortOnDropHandle::new(tokio::spawn(referenced::watch(Arc::clone(&shared)))));
        followers.push(AbortOnDropHandle::new(tokio::spawn(halts::watch(Arc::clone(&shared)))));
        let stop = stop.child_token();
        let folding = Fold::new(Arc::clone(&shared), merge, checkpoint_commits).run(stop.clone());
        let fold = tokio::spawn(fold::halting_on_panic(Arc::clone(&shared), folding));
        let (checkpoints, requests) = mpsc::channel(1);
        let stop_checkpoints = CancellationToken::new();
        let offsets_saved = Service::ALL.map(|service| {
            let (head, _) = saved.head(shared.stream(service));
            shared.index.rows(service, head, usize::MAX).1
        });
        let every = checkpoint_every;
        let checkpointer =
            Checkpointer { shared: Arc::clone(&shared), store: Arc::new(store), saved, every, requests, offsets_saved };
        let checkpointer = AbortOnDropHandle::new(tokio::spawn(checkpointer.run(stop_checkpoints.clone())));
        let fold = AbortOnDropHandle::new(fold);
        let lease = Arc::new(());
        Ok(Self { shared, report, stop, fold, followers, checkpointer, checkpoints, stop_checkpoints, lease })
    }

    /// What it began with.
    pub const fn report(&self) -> &StartReport {
        &self.report
    }

    pub fn health(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }

    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.shared.metrics)
    }

    /// Adds what it shows to what the process shows.
    pub fn register_metrics(&self, registry: &Registry) {
        let shared: Arc<Shared> = Arc::clone(&self.shared);
        registry.add_shared(shared);
    }

    /// How far each stream is folded, without streams that have no commit.
    pub fn heads(&self) -> Vec<Position> {
        let heads = *self.shared.heads.borrow();
        self.shared.positions(&heads).collect()
    }

    /// The ledger's answers.
    pub fn queries(&self) -> Queries {
        Queries::new(Arc::clone(&self.shared), Arc::clone(&self.lease))
    }

    /// Whether somebody may ask.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.lease) > 1
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Waits until everything is folded that was in the log at the start, or a stream has halted.
    pub async fn caught_up(&self) -> Health {
        let mut health = self.shared.health.subscribe();
        let settled = health.wait_for(|health| health.is_caught_up || health.halt().is_some()).await;
        settled.map_or_else(|_| self.shared.health.borrow().clone(), |health| health.clone())
    }

    /// Writes a checkpoint now, and waits for it. Nothing is written if nothing was folded since the last one.
    pub async fn checkpoint(&self) {
        let (done, written) = oneshot::channel();
        if self.checkpoints.send(done).await.is_ok() {
            drop(written.await);
        }
    }

    /// Stops folding, writes the last checkpoint and closes the store.
    pub async fn shutdown(self) {
        self.stop.cancel();
        for follower in self.followers {
            follower.abort();
            // It was aborted, or has ended: nothing of it reads any more.
            let _ = follower.await;
        }
        drop(self.fold.await);
        // Waiting queries are answered now, and not after their deadlines.
        self.shared.health.send_modify(|health| {
            for stream in &mut health.streams {
                if !matches!(stream, StreamHealth::Halted(_)) {
                    *stream = StreamHealth::Stopped;
                }
            }
        });
        self.stop_checkpoints.cancel();
        if self.checkpointer.await.is_err() {
            tracing::error!("could not write the last checkpoint");
        }
    }
}

struct Opened {
    store: RowStore,
    folded: Folded,
    index: CommitIndex,
    saved: Saved,
    report: StartReport,
}

/// Blocks.
fn open(county: CountyCode, storage: &StoragePlace) -> Result<Opened, StartError> {
    let began = Instant::now();
    let (store, opening, absent) = open_store(county, storage)?;
    let fresh = |store, report| Opened {
        store,
        folded: Folded::new(county),
        index: CommitIndex::default(),
        saved: Saved::default(),
        report,
    };
    if let Some((to, why)) = opening {
        return Ok(fresh(store, StartReport::MovedAside { to: Some(to), why }));
    }
    if let Some(why) = absent {
        return Ok(fresh(store, StartReport::Absent { why }));
    }
    match saved::load(&store, county) {
        Ok((folded, index, saved)) => {
            let commits = folded.heads().iter().fold(0_u64, |sum, head| sum.saturating_add(head.sequence));
            let loaded = StartReport::Loaded { commits, took: began.elapsed() };
            let report = if commits == 0 { StartReport::Empty } else { loaded };
            Ok(Opened { store, folded, index, saved, report })
        }
        // Nothing is wrong with what is stored.
        Err(LoadFailure::Store(error)) if !matches!(error, StoreError::Corrupt(_)) => Err(error.into()),
        Err(failure) => {
            let aside = store.condemn(&failure.to_string())?;
            let (to, why) = match (aside, failure) {
                (Some((to, why)), _) => (Some(to), why),
                (None, LoadFailure::Store(StoreError::Corrupt(what))) => (None, Reason::Corrupt(what)),
                (None, failure) => (None, Reason::Condemned(failure.to_string())),
            };
            let store = match storage {
                StoragePlace::Shared(_) => {
                    store.reopen()?;
                    store
                }
                StoragePlace::Directory(_) | StoragePlace::Memory(_) => {
                    drop(store);
                    open_store(county, storage)?.0
                }
            };
            Ok(fresh(store, StartReport::MovedAside { to, why }))
        }
    }
}

type OpenedStore = (RowStore, Option<(PathBuf, Reason)>, Option<StoreError>);

fn open_store(county: CountyCode, storage: &StoragePlace) -> Result<OpenedStore, StoreError> {
    match storage {
        StoragePlace::Directory(directory) => {
            let (store, report) = RowStore::open(directory, &owner(county), saved::schema(), None)?;
            Ok((store, report.moved_aside, report.absent))
        }
        StoragePlace::Shared(store) => Ok((RowStore::of_county(store, county), None, None)),
        StoragePlace::Memory(memory) => Ok((RowStore::in_memory(memory.clone()), None, None)),
    }
}

/// Whose rows they are.
pub(crate) fn owner(county: CountyCode) -> String {
    format!("projection/{county}")
}

/// Opens every stream where the checkpoint ended. A stream whose head the log does not have begins halted.
async fn follow_all(shared: &Arc<Shared>, saved: &Saved) -> Result<(Merge, Vec<AbortOnDropHandle<()>>), StartError> {
    let mut lanes = Vec::new();
    let mut followers = Vec::new();
    // The ledger's own stream too: nothing writes it yet, and reading nothing costs nothing.
    for service in Service::ALL {
        let stream = shared.stream(service);
        let (head, offset) = saved.head(stream);
        match resume(shared, stream, head, offset).await {
            Ok((mut follower, target)) => {
                follower.wake_at(target);
                // What was there before the start belongs to traces long ended.
                shared.feed.spare_traces_before(stream, target);
                let (out, inbox) = mpsc::channel(BATCHES_AHEAD);
                lanes.push(Lane::new(service, inbox, follower.next_offset(), target));
                let task = tokio::spawn(follow(follower, Arc::clone(shared), out));
                followers.push(AbortOnDropHandle::new(task));
            }
            Err(FollowError::Read { source, .. }) => return Err(StartError::Log { stream, source }),
            Err(error) => shared.halt(service, Halt::of(&error, stream, head.sequence)),
        }
    }
    Ok((Merge { lanes }, followers))
}

/// A follower behind the head, and where the log ends. A log that cannot be read now is no reason not to start: it is tried
/// again, as it is later on.
async fn resume(
    shared: &Shared,
    stream: StreamId,
    head: Head,
    offset: Offset,
) -> Result<(Follower, Offset), FollowError> {
    loop {
        match shared.feed.resume_with_end(stream, head, offset).await {
            Err(error) if error.is_transient() => {
                note_failure(shared, &error);
                sleep(RETRY_AFTER).await;
            }
            resumed => {
                shared.set_health(stream.service, StreamHealth::CatchingUp(CatchUp::default()));
                return resumed;
            }
        }
    }
}
