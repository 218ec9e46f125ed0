//! The servers: `up` runs every program in one process, `serve` one of them.
//!
//! Order of start: metrics, log, programs, server. Order of end: the server says `NOT_SERVING` and ends its streams,
//! writers drain and store, the projection stores, the log closes; then the last spans are exported, and the metrics end.

mod apps;
mod counties;
mod log;
mod partitions;
mod serve;
mod signals;
mod up;

use std::net::SocketAddr;
use std::sync::Arc;

use loopledger_client::output::go_on_without_readers;
use loopledger_client::{Failure, say};
use loopledger_event_log::EventLog;
use loopledger_service::grpc::{ServeError, Server, ServerConfig};
use loopledger_service::metrics::{Endpoint, Registry};
use loopledger_service::trace::Traces;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use counties::Counties;
pub(crate) use partitions::PartitionSet;
pub(crate) use serve::serve;
pub(crate) use up::up;

use crate::BUILD;
use apps::Apps;
pub(crate) use apps::stores;
pub(crate) use log::open as open_log;

/// Runs `body` until a signal cancels its token, with metrics served on `address`, and with traces if the environment
/// names a collector.
async fn observed(
    name: &'static str,
    address: SocketAddr,
    body: impl AsyncFnOnce(&Registry, CancellationToken) -> Result<(), Failure>,
) -> Result<(), Failure> {
    go_on_without_readers();
    let stop = signals::stop_on_signals();
    let traces = Traces::from_environment(name);
    let metrics = Registry::of(BUILD);
    let ending = AbortOnDropHandle::new(tokio::spawn({
        let (stop, metrics) = (stop.clone(), metrics.clone());
        async move {
            stop.cancelled().await;
            metrics.end();
        }
    }));
    let endpoint = Endpoint::start(address, metrics.clone()).await;
    let endpoint = endpoint.map_err(|error| Failure::refused("start", &error))?;
    say!("指标 http://{}/metrics", endpoint.address())?;
    let ended = body(&metrics, stop).await;
    drop(ending);
    traces.shut_down().await;
    endpoint.shut_down().await;
    ended
}

/// Programs that answer on an address.
struct Running {
    apps: Apps,
    address: SocketAddr,
    serving: JoinHandle<Result<(), ServeError>>,
    stop: CancellationToken,
    /// Held to the end: dropping it closes files and connections.
    _log: Arc<dyn EventLog>,
}

impl Running {
    /// Binds and begins to answer: health says `NOT_SERVING` until a program has caught up.
    async fn start(
        listen: SocketAddr,
        log: Arc<dyn EventLog>,
        metrics: &Registry,
        stop: CancellationToken,
        start: impl AsyncFnOnce(&mut Server) -> Result<Apps, Failure>,
    ) -> Result<Self, Failure> {
        let server = Server::new(stop.clone()).await;
        let mut server = server.map_err(|error| Failure::refused("set up the server", &error))?;
        let apps = start(&mut server).await?;
        let bound = server.bind(ServerConfig::new(listen)).await.map_err(|error| Failure::refused("listen", &error))?;
        bound.register_metrics(metrics);
        let address = bound.address();
        let serving = tokio::spawn(bound.serve());
        apps.register(metrics);
        metrics.complete();
        Ok(Self { apps, address, serving, stop, _log: log })
    }

    /// Waits until everything has caught up or is halted, says so, and goes on until it is asked to end.
    async fn live(&self, when_ready: impl AsyncFnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let all = tokio::select! {
            caught_up = self.apps.caught_up() => caught_up?,
            () = self.stop.cancelled() => return Ok(()),
        };
        if all {
            say!("就绪(Ctrl-C 结束)")?;
            when_ready().await?;
        } else {
            say!("有数据流已停止,其余照常服务(Ctrl-C 结束)")?;
        }
        self.stop.cancelled().await;
        Ok(())
    }

    /// Ends in good order.
    async fn finish(self) -> Result<(), Failure> {
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
