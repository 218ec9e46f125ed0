//! The server: health that begins with NOT_SERVING, reflection for old and new tools, and an end in good order.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use loopledger_proto::FILE_DESCRIPTOR_SET;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::writer::Health;

/// Why a server could not be set up or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("could not listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the descriptors of the services are damaged")]
    Descriptors(#[source] tonic_reflection::server::Error),
    #[error("the server failed")]
    Transport(#[source] tonic::transport::Error),
}

/// Bounds of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// Calls at a time per connection; beyond it HTTP/2 makes the caller wait.
    pub streams_max: u32,
    /// How long an idle connection may say nothing before it is asked whether it is still there.
    pub keepalive: Duration,
    /// How long open calls may take to end after a shutdown began.
    pub drain_max: Duration,
}

impl ServerConfig {
    pub const fn new(listen: SocketAddr) -> Self {
        Self { listen, streams_max: 1_024, keepalive: Duration::from_secs(30), drain_max: Duration::from_secs(10) }
    }
}

/// A server to which services are added, then bound, then run.
#[derive(Debug)]
pub struct Server {
    routes: Routes,
    reporter: HealthReporter,
    overall: Arc<Overall>,
    followers: Vec<AbortOnDropHandle<()>>,
    stop: CancellationToken,
}

/// Which services serve; the empty name stands for all of them.
#[derive(Debug, Default)]
struct Overall(Mutex<BTreeMap<&'static str, bool>>);

impl Server {
    /// With health (nothing serves yet) and reflection (v1 and v1alpha).
    pub async fn new() -> Result<Self, ServeError> {
        let reporter = HealthReporter::new();
        reporter.set_service_status("", ServingStatus::NotServing).await;
        let health = tonic_health::pb::health_server::HealthServer::new(
            tonic_health::server::HealthService::from_health_reporter(reporter.clone()),
        );
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let routes = Routes::new(health)
            .add_service(reflection().build_v1().map_err(ServeError::Descriptors)?)
            .add_service(reflection().build_v1alpha().map_err(ServeError::Descriptors)?);
        let overall = Arc::default();
        Ok(Self { routes, reporter, overall, followers: Vec::new(), stop: CancellationToken::new() })
    }

    /// Cancelled when a shutdown begins: open streams end then.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Adds services to what is served.
    pub fn route(&mut self, add: impl FnOnce(Routes) -> Routes) {
        self.routes = add(core::mem::take(&mut self.routes));
    }

    /// Reports the service of this full name as serving whenever its writer is.
    pub fn follow_health(&mut self, name: &'static str, health: watch::Receiver<Health>) {
        self.follow(name, health, |health| matches!(health, Health::Serving));
    }

    /// Reports the service of this full name as serving whenever `is_serving` says so.
    pub fn follow<T: Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        mut health: watch::Receiver<T>,
        is_serving: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) {
        let (reporter, overall) = (self.reporter.clone(), Arc::clone(&self.overall));
        let stop = self.stop.clone();
        overall.set(name, false);
        let task = tokio::spawn(async move {
            loop {
                let serving = is_serving(&health.borrow_and_update()) && !stop.is_cancelled();
                reporter.set_service_status(name, status(serving)).await;
                reporter.set_service_status("", status(overall.set(name, serving))).await;
                tokio::select! {
                    biased;
                    changed = health.changed() => if changed.is_err() {
                        reporter.set_service_status(name, ServingStatus::NotServing).await;
                        reporter.set_service_status("", status(overall.set(name, false))).await;
                        return;
                    },
                    // Once more round, to say that it no longer serves.
                    () = stop.cancelled(), if serving => {}
                }
            }
        });
        self.followers.push(AbortOnDropHandle::new(task));
    }

    /// Binds, so that the address is known (port 0 picks a free one), and gives back how to run it.
    pub async fn bind(self, config: ServerConfig) -> Result<Bound, ServeError> {
        let address = config.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
        Ok(Bound { server: self, config, listener, address })
    }
}

/// A server that has its address.
#[derive(Debug)]
pub struct Bound {
    server: Server,
    config: ServerConfig,
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the stop token is cancelled; then says NOT_SERVING, ends streams, and waits a bounded time for the
    /// calls that are open.
    pub async fn serve(self) -> Result<(), ServeError> {
        let Self { server, config, listener, .. } = self;
        let Server { routes, reporter, followers, stop, .. } = server;
        let incoming = futures::StreamExt::map(TcpListenerStream::new(listener), |accepted| {
            if let Ok(connection) = &accepted {
                // Answers are small and waited for.
                drop(connection.set_nodelay(true));
            }
            accepted
        });
        let serving = tonic::transport::Server::builder()
            .max_concurrent_streams(config.streams_max)
            .http2_keepalive_interval(Some(config.keepalive))
            .http2_adaptive_window(Some(true))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended.map_err(ServeError::Transport),
            () = stop.cancelled() => {}
        }
        reporter.set_service_status("", ServingStatus::NotServing).await;
        // A Watch of health stays open for ever: the limit ends it.
        let ended = tokio::time::timeout(config.drain_max, serving).await;
        drop(followers);
        ended.unwrap_or(Ok(())).map_err(ServeError::Transport)
    }
}

impl Overall {
    /// Notes one service; true if all serve.
    fn set(&self, name: &'static str, serving: bool) -> bool {
        let mut services = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        services.insert(name, serving);
        services.values().all(|serving| *serving)
    }
}

const fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
