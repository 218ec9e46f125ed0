//! The servers: `up` runs every program in one process, `serve` one of them.
//!
//! Order of start: log, programs, server. Order of end: the server says `NOT_SERVING` and ends its streams, writers
//! drain and store, the projection stores, the log closes.

mod apps;
mod log;
mod partitions;
mod serve;
mod stop;
mod up;

use std::net::SocketAddr;
use std::sync::Arc;

use loopledger_event_log::EventLog;
use loopledger_service::grpc::{ServeError, Server, ServerConfig};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use partitions::PartitionSet;
pub(crate) use serve::serve;
pub(crate) use up::up;

use crate::exit::Failure;
use apps::Apps;

/// Programs that answer on an address.
struct Running {
    apps: Apps,
    address: SocketAddr,
    serving: JoinHandle<Result<(), ServeError>>,
    stop: CancellationToken,
    _listening: AbortOnDropHandle<()>,
    /// Held to the end: dropping it closes files and connections.
    _log: Arc<dyn EventLog>,
}

impl Running {
    /// Binds and begins to answer: health says `NOT_SERVING` until a program has caught up.
    async fn start(
        listen: SocketAddr,
        log: Arc<dyn EventLog>,
        start: impl AsyncFnOnce(&mut Server) -> Result<Apps, Failure>,
    ) -> Result<Self, Failure> {
        let mut server = Server::new().await.map_err(|error| Failure::refused("set up the server", &error))?;
        let stop = server.stop_token();
        let listening = AbortOnDropHandle::new(tokio::spawn(stop::cancel_when_asked(stop.clone())));
        let apps = start(&mut server).await?;
        let bound = server.bind(ServerConfig::new(listen)).await.map_err(|error| Failure::refused("listen", &error))?;
        let address = bound.address();
        let serving = tokio::spawn(bound.serve());
        Ok(Self { apps, address, serving, stop, _listening: listening, _log: log })
    }

    /// Waits until everything has caught up, or is halted, or is asked to end; says which.
    async fn caught_up(&self) -> Result<bool, Failure> {
        tokio::select! {
            caught_up = self.apps.caught_up() => caught_up.map(|()| true),
            () = self.stop.cancelled() => Ok(false),
        }
    }

    /// Waits until it is asked to end.
    async fn asked_to_end(&self) {
        self.stop.cancelled().await;
    }

    /// Ends in good order.
    async fn finish(self) -> Result<(), Failure> {
        eprintln!("loopledger: ending");
        self.stop.cancel();
        let served = self.serving.await;
        self.apps.shut_down().await;
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::refused("serve", &error)),
            Err(error) => Err(Failure::refused("serve", &error)),
        }
    }
}
