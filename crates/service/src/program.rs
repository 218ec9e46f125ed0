//! A service as a program runs it: its store, its writer, and their end.

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use loopledger_domain::Decider;
use loopledger_state_store::{
    Memory, MemoryStore, Mirror, Reason, ServiceStore, SledStore, StoreError, store_directory,
};
use loopledger_types::{CountyCode, StreamId};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::Clock;
use crate::feed::Feed;
use crate::grpc::{CALLS_END_MAX, Calls, STOP_MAX};
use crate::writer::{CatchUp, Halt, Health, Writer, WriterConfig, WriterHandle};

/// What a service needs to know before it starts.
#[derive(Debug, Clone)]
pub struct ProgramConfig {
    pub county: CountyCode,
    /// Where stores live, one directory per service; `None`: in memory only, so every start replays the log.
    pub data: Option<PathBuf>,
    pub writer: WriterConfig,
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
#[error("could not open the state store of {stream}")]
pub struct StartError {
    pub stream: StreamId,
    pub source: StoreError,
}

/// What a start found in the store, and so how much of the log it has to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Checkpoints up to this commit of the own stream: only what came after is read.
    Checkpoint { sequence: u64 },
    /// Nothing: the whole log is read.
    Nothing,
    /// There is no room on the store's disk, so it is not open: the whole log is read, and the store opened later.
    Absent { why: StoreError },
    /// A store that cannot be used, now moved aside: the whole log is read.
    MovedAside { to: PathBuf, reason: Reason },
}

/// How often a long start is reported in the log.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);

/// How long a writer may take to finish what is queued after the callers have ended. What it has not finished then is
/// as after a crash: in the log or not, and the same request ids find out.
const DRAIN_MAX: Duration = Duration::from_millis(1_500);

/// The same while the log cannot be reached: nothing that needs it ends, so this is for what needs only the store.
const DRAIN_MAX_IN_OUTAGE: Duration = Duration::from_secs(1);

/// What is left of a stop for the stores: the last checkpoints.
const CLOSE_SHARE: Duration = Duration::from_secs(1);

/// Callers, writers and stores end one after the other, the services side by side.
const _: () =
    assert!(CALLS_END_MAX.saturating_add(DRAIN_MAX).saturating_add(CLOSE_SHARE).as_millis() <= STOP_MAX.as_millis());

/// A running service, without the server that offers it.
pub struct Program<D: Decider> {
    writer: Writer<D>,
    store: Arc<dyn ServiceStore<D::Entity>>,
    found: Found,
    _progress: AbortOnDropHandle<()>,
}

impl<D: Decider> fmt::Debug for Program<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("stream", &self.writer.handle().stream()).finish_non_exhaustive()
    }
}

impl<D: Decider> Program<D>
where
    D::Entity: Mirror,
{
    /// Opens the store and starts the writer, which catches up on its own: see its health. Must be called within a
    /// tokio runtime.
    pub fn start(feed: &Feed, clock: Arc<dyn Clock>, config: &ProgramConfig) -> Result<Self, StartError> {
        let stream = StreamId { service: D::SERVICE, county: config.county };
        let failed = |source| StartError { stream, source };
        let (store, found) = open::<D::Entity>(stream, config).map_err(failed)?;
        match &found {
            Found::Checkpoint { sequence } => tracing::info!(%stream, sequence, "resuming from a checkpoint"),
            Found::Nothing => tracing::info!(%stream, "no checkpoint: reading the whole log"),
            Found::Absent { why } => {
                tracing::warn!(%stream, %why, "the state store is not open: reading the whole log and continuing in memory");
            }
            Found::MovedAside { to, reason } => {
                tracing::warn!(%stream, to = %to.display(), %reason, "the state store was moved aside, reading the whole log");
            }
        }
        let writer = Writer::start(config.county, feed.clone(), Arc::clone(&store), clock, config.writer.clone());
        let progress = AbortOnDropHandle::new(tokio::spawn(report(stream, writer.handle().health())));
        Ok(Self { writer, store, found, _progress: progress })
    }

    /// What the start began with. How far it has come since is in the handle's health.
    pub const fn found(&self) -> &Found {
        &self.found
    }

    pub const fn handle(&self) -> &WriterHandle<D> {
        self.writer.handle()
    }

    /// What the service's gRPC methods call; bulk streams end with `stop`.
    pub fn calls(&self, stop: CancellationToken) -> Calls<D> {
        Calls::new(self.handle().clone(), stop)
    }

    /// Finishes what was taken, within a bounded time, stores it, and lets the store go.
    pub async fn shut_down(self) -> Health {
        let Self { writer, store, .. } = self;
        let stream = writer.handle().stream();
        let is_cut_off = writer.handle().contact().outage().is_some();
        let drain_max = if is_cut_off { DRAIN_MAX_IN_OUTAGE } else { DRAIN_MAX };
        let health = timeout(drain_max, writer.shut_down()).await.unwrap_or_else(|_| {
            tracing::warn!(%stream, "the writer did not finish in time");
            Health::Halted(Halt::Stopped)
        });
        if let Err(error) = store.close() {
            // The store is a cache behind the log: the next start replays what is missing.
            tracing::warn!(%stream, %error, "the state store was not closed cleanly");
        }
        health
    }
}

type Opened<E> = (Arc<dyn ServiceStore<E>>, Found);

fn open<E: Mirror>(stream: StreamId, config: &ProgramConfig) -> Result<Opened<E>, StoreError> {
    let Some(data) = &config.data else {
        return Ok((Arc::new(MemoryStore::<E>::new(Memory::new())), Found::Nothing));
    };
    let directory = store_directory(data, stream);
    let (store, report) = SledStore::<E>::open_or_absent(&directory, stream, config.writer.on_point.clone())?;
    let found = match (report.moved_aside, report.absent, store.progress()?) {
        (Some((to, reason)), _, _) => Found::MovedAside { to, reason },
        (None, Some(why), _) => Found::Absent { why },
        (None, None, Some(progress)) => Found::Checkpoint { sequence: progress.head.sequence },
        (None, None, None) => Found::Nothing,
    };
    Ok((Arc::new(store), found))
}

/// Says now and then how far a start has come, the first one or one on a store that had failed.
async fn report(stream: StreamId, mut health: watch::Receiver<Health>) {
    let mut said_at = Instant::now();
    loop {
        let progress = match &*health.borrow_and_update() {
            Health::CatchingUp(progress) => Some(*progress),
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

/// What a service is made of: `App`, the running service; `NAME`, the full name of its gRPC service; `serve`, which offers
/// it on a server; and `Grpc`, for which the service's tonic trait is implemented with [`rpcs!`](crate::rpcs).
///
/// ```text
/// app! { Station, RecordRequest, StationServiceServer }
/// ```
#[macro_export]
macro_rules! app {
    ($rules:ty, $record:ty, $server:ident) => {
        /// The running service; started with [`Program::start`]($crate::program::Program::start).
        pub type App = $crate::program::Program<$rules>;

        /// The full name of the gRPC service.
        pub const NAME: &str = <$server<Grpc> as ::tonic::server::NamedService>::NAME;

        /// Offers the service on `server`, healthy while its writer serves.
        pub fn serve(app: &App, server: &mut $crate::grpc::Server) {
            let calls = app.calls(server.stop_token());
            server.follow_health(NAME, app.handle().health());
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
