//! A service as a program runs it: its store, its writer, and their end.

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use loopledger_domain::Decider;
use loopledger_state_store::{Memory, MemoryStore, Mirror, ServiceStore, SledStore, StoreError};
use loopledger_types::{CountyCode, StreamId};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::feed::Feed;
use crate::grpc::Calls;
use crate::writer::{Health, Writer, WriterConfig, WriterHandle};

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

/// A running service, without the server that offers it.
pub struct Program<D: Decider> {
    writer: Writer<D>,
    store: Arc<dyn ServiceStore<D::Entity>>,
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
        let store = open::<D::Entity>(stream, config).map_err(|source| StartError { stream, source })?;
        let writer = Writer::start(config.county, feed.clone(), Arc::clone(&store), clock, config.writer.clone());
        Ok(Self { writer, store })
    }

    pub const fn handle(&self) -> &WriterHandle<D> {
        self.writer.handle()
    }

    /// What the service's gRPC methods call; bulk streams end with `stop`.
    pub fn calls(&self, stop: CancellationToken) -> Calls<D> {
        Calls::new(self.handle().clone(), stop)
    }

    /// Finishes what was taken, stores it, and lets the store go.
    pub async fn shut_down(self) -> Health {
        let Self { writer, store } = self;
        let stream = writer.handle().stream();
        let health = writer.shut_down().await;
        if let Err(error) = store.close() {
            // The store is a cache behind the log: the next start replays what is missing.
            tracing::warn!(%stream, %error, "the state store did not close in good order");
        }
        health
    }
}

fn open<E: Mirror>(stream: StreamId, config: &ProgramConfig) -> Result<Arc<dyn ServiceStore<E>>, StoreError> {
    let Some(data) = &config.data else { return Ok(Arc::new(MemoryStore::<E>::new(Memory::new()))) };
    let directory = data.join(format!("{}-{}", stream.service, stream.county));
    let (store, report) = SledStore::<E>::open(&directory, stream, config.writer.on_point.clone())?;
    if let Some((path, reason)) = report.moved_aside {
        tracing::warn!(%stream, path = %path.display(), %reason, "the state store was moved aside; replaying the log");
    }
    Ok(Arc::new(store))
}
