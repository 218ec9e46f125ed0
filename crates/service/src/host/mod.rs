//! The counties whose streams of one service this process writes.
//!
//! A county's writer comes to life when it is called, or when a record comes that concerns it, and is parked once it has
//! been idle for long and others are busy: then nothing is left of it in memory but where its streams stand. Every
//! partition is read once, by the feed, and has one store.

mod counties;
mod life;
mod partition;
mod shown;

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
pub use loopledger_domain::Decider;
use loopledger_state_store::{Mirror, StoreError};
use loopledger_types::{CountyCode, Partition, Position, Service, StreamId};
use loopledger_wire::Failure;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::Clock;
use crate::feed::{Feed, FollowError};
use crate::grpc::{CALLS_END_MAX, Calls, Hosting, STOP_MAX};
use crate::metrics::Readiness;
use crate::writer::{Halt, Health, WriterConfig, WriterHandle};
use counties::County;
use life::{DRAIN_MAX, State};
use partition::HostedPartition;

/// What a service needs to know before it starts.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// The counties that are hosted.
    pub counties: Vec<CountyCode>,
    /// Where stores live, one directory for each service and partition; `None`: in memory only, so every start replays the log.
    pub data: Option<PathBuf>,
    pub writer: WriterConfig,
    /// Counties of which this process is a standby: another one serves them, and this one reacts only to what has gone
    /// unanswered.
    pub standby: BTreeSet<CountyCode>,
    pub parking: Parking,
}

impl HostConfig {
    /// Of one county.
    pub fn of(county: CountyCode, data: Option<PathBuf>, writer: WriterConfig) -> Self {
        Self { counties: vec![county], data, writer, standby: BTreeSet::new(), parking: Parking::default() }
    }
}

/// When idle counties are parked.
#[derive(Debug, Clone, Copy)]
pub struct Parking {
    /// So many stay in memory, however idle: the first call after a pause is as fast as any.
    pub keep: usize,
    /// How long a county beyond these must have been idle.
    pub after: Duration,
    /// How often idle counties are looked for, and the partitions' marks are written.
    pub every: Duration,
}

impl Default for Parking {
    fn default() -> Self {
        Self { keep: 16, after: Duration::from_mins(1), every: Duration::from_secs(5) }
    }
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("could not open the state store of {service}, partition {partition}")]
    Store { service: Service, partition: u32, source: StoreError },
    #[error("could not look up how far the log was read")]
    Log(#[source] FollowError),
    #[error("opening the state stores panicked")]
    Panicked,
}

/// How long a standby leaves an upstream commit to the replica that serves the county: longer than a leader's change
/// takes, so that a standby which reacts is needed.
pub(super) const STANDBY_REACTION_DELAY: Duration = Duration::from_secs(5);

/// What is left of a stop for the stores: the last checkpoints.
const CLOSE_SHARE: Duration = Duration::from_secs(1);

/// Callers, writers and stores end one after the other, the services side by side.
const _: () =
    assert!(CALLS_END_MAX.saturating_add(DRAIN_MAX).saturating_add(CLOSE_SHARE).as_millis() <= STOP_MAX.as_millis());

/// One service's counties. Clones are the same.
pub struct Host<D: Decider>(Arc<Shared<D>>);

struct Shared<D: Decider> {
    feed: Feed,
    clock: Arc<dyn Clock>,
    writer: WriterConfig,
    standby: BTreeSet<CountyCode>,
    parking: Parking,
    counties: BTreeMap<CountyCode, County<D>>,
    partitions: BTreeMap<Partition, HostedPartition>,
    state: State,
}

/// A running service, without the server that offers it.
pub struct Running<D: Decider> {
    host: Host<D>,
    tasks: Vec<AbortOnDropHandle<()>>,
}

impl<D: Decider> Clone for Host<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Decider> fmt::Debug for Host<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("service", &D::SERVICE).field("counties", &self.0.counties.len()).finish()
    }
}

impl<D: Decider> fmt::Debug for Running<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.host).finish()
    }
}

impl<D: Decider> Running<D>
where
    D::Entity: Mirror,
{
    /// Opens the stores, and brings those counties to life of which more may be in the log than in their checkpoints.
    pub async fn start(feed: &Feed, clock: Arc<dyn Clock>, config: HostConfig) -> Result<Self, StartError> {
        // Nothing is read before every county of every program has said where it stands.
        let beginning = feed.beginning();
        let HostConfig { counties, data, writer, standby, parking } = config;
        let wakes = feed.wakes();
        let opening = {
            let (feed, on_point) = (feed.clone(), writer.on_point.clone());
            move || partition::open::<D>(&feed, &counties, data.as_deref(), on_point.as_ref())
        };
        let opened = tokio::task::spawn_blocking(opening).await.map_err(|_| StartError::Panicked)??;
        let (partitions, counties) = opened;
        let shared = Shared {
            feed: feed.clone(),
            clock,
            writer,
            standby,
            parking,
            counties: counties.into_iter().map(|county| (county, County::new(county))).collect(),
            partitions,
            state: State::default(),
        };
        let host = Host(Arc::new(shared));
        let mut unsettled = Vec::new();
        for partition in host.0.partitions.values() {
            unsettled.extend(partition.recall::<D>(feed).await.map_err(StartError::Log)?);
        }
        if host.0.counties.len() <= parking.keep {
            unsettled = host.counties().collect();
        }
        host.0.state.begin(&unsettled);
        for county in unsettled {
            host.wake(county).await;
        }
        drop(beginning);
        let tasks = [tokio::spawn(host.clone().answer_wakes(wakes)), tokio::spawn(host.clone().keep_house())];
        Ok(Self { host, tasks: tasks.map(AbortOnDropHandle::new).into() })
    }

    pub const fn host(&self) -> &Host<D> {
        &self.host
    }

    /// Finishes what was taken, within a bounded time, stores it, and lets the stores go. Says how each writer ended.
    pub async fn shut_down(self) -> Vec<Health> {
        let Self { host, tasks } = self;
        for task in tasks {
            task.abort();
            // It was aborted, or has ended.
            let _ = task.await;
        }
        let ended = join_all(host.0.counties.keys().map(|county| host.end(*county))).await;
        host.write_marks();
        for partition in host.0.partitions.values() {
            partition.close();
        }
        ended.into_iter().flatten().collect()
    }
}

impl<D: Decider> Host<D> {
    /// The counties that are hosted.
    pub fn counties(&self) -> impl Iterator<Item = CountyCode> {
        self.0.counties.keys().copied()
    }

    /// Whether the process should be called for this service.
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.0.state.readiness()
    }

    /// Waits until the counties that came to life at the start have read what was in the log then; those that could not.
    pub async fn caught_up(&self) -> Vec<(CountyCode, Halt)> {
        self.0.state.settled().await
    }

    /// What the writers that are alive have read: it must stay in the log.
    pub fn known(&self) -> Vec<Position> {
        let handles = self.0.counties.values().filter_map(County::handle);
        handles.flat_map(|handle| handle.heads().positions().collect::<Vec<_>>()).collect()
    }

    /// The streams that a county's writer reads: its own, and upstream.
    fn streams(county: CountyCode) -> impl Iterator<Item = StreamId> {
        core::iter::once(D::SERVICE).chain(D::UPSTREAM.iter().copied()).map(move |service| StreamId { service, county })
    }
}

impl<D: Decider> Hosting<D> for Host<D>
where
    D::Entity: Mirror,
{
    fn only(&self) -> Option<CountyCode> {
        let mut counties = self.0.counties.keys();
        counties.next().copied().filter(|_| counties.next().is_none())
    }

    fn writer(&self, county: CountyCode) -> BoxFuture<'_, Result<WriterHandle<D>, Failure>> {
        Box::pin(async move { self.wake(county).await.ok_or(Failure::CountyNotHosted { county, owner: None }) })
    }
}

impl<D: Decider> Host<D>
where
    D::Entity: Mirror,
{
    /// What the service's gRPC methods call; bulk streams end with `stop`.
    pub fn calls(&self, stop: CancellationToken) -> Calls<D> {
        Calls::new(Arc::new(self.clone()), stop)
    }

    /// Brings counties to life of which something is read.
    async fn answer_wakes(self, mut wakes: UnboundedReceiver<StreamId>) {
        while let Some(StreamId { service, county }) = wakes.recv().await {
            if service == D::SERVICE || D::UPSTREAM.contains(&service) {
                self.wake(county).await;
            }
        }
    }

    /// Parks what is idle, and writes the marks.
    async fn keep_house(self) {
        let mut ticks = interval(self.0.parking.every);
        loop {
            ticks.tick().await;
            self.look_after_stores().await;
            self.park_idle().await;
            self.write_marks();
        }
    }

    /// A store that was opened again may have lost the checkpoint of a county at rest.
    async fn look_after_stores(&self) {
        for partition in self.0.partitions.values() {
            for county in partition.take_doubtful() {
                if self.0.counties.get(&county).is_some_and(|county| !county.is_alive() && !self.is_at_rest(county)) {
                    self.wake(county).await;
                }
            }
        }
    }

    /// Says of each partition how far it is read, and of which counties that is not stored.
    fn write_marks(&self) {
        for partition in self.0.partitions.values() {
            let is_at_rest = |county| self.0.counties.get(&county).is_some_and(|county| self.is_at_rest(county));
            partition.write_mark::<D>(&self.0.feed, is_at_rest);
        }
    }
}

impl<D: Decider> Running<D> {
    /// The writer of the first county, if it is alive: for tests, with few counties.
    pub fn handle(&self) -> WriterHandle<D> {
        self.host.0.counties.values().next().and_then(County::handle).expect("a county is hosted")
    }
}

/// What a service is made of: `App`, the running service; `NAME`, the full name of its gRPC service; `serve`, which offers
/// it on a server; and `Grpc`, for which the service's tonic trait is implemented with [`rpcs!`](crate::rpcs).
///
/// ```text
/// app! { Station, RecordRequest, StationServiceServer }
/// ```
#[macro_export]
macro_rules! app {
    ($rules:ty, $record:ty, $server:ident) => {
        /// The running service; started with [`Running::start`]($crate::host::Running::start).
        pub type App = $crate::host::Running<$rules>;

        /// The full name of the gRPC service.
        pub const NAME: &str = <$server<Grpc> as ::tonic::server::NamedService>::NAME;

        /// Offers the service on `server`, healthy while its writer serves.
        pub fn serve(app: &App, server: &mut $crate::grpc::Server) {
            let calls = app.host().calls(server.stop_token());
            server.follow(NAME, app.host().readiness(), |readiness| *readiness);
            server.bulk::<$rules, $record>(NAME, calls.clone());
            let service = $server::new(Grpc { calls })
                .max_decoding_message_size($crate::grpc::REQUEST_BYTES_MAX)
                .max_encoding_message_size($crate::grpc::MESSAGE_BYTES_MAX);
            server.route(|routes| routes.add_service(service));
        }

        /// The tonic service: every method hands over to the writer's calls.
        #[derive(Debug)]
        pub struct Grpc {
            calls: $crate::grpc::Calls<$rules>,
        }
    };
}
