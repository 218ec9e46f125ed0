//! The server: health that begins with `NOT_SERVING`, reflection for old and new tools, and an end in good order.

use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use loopledger_domain::Decider;
use loopledger_proto::FILE_DESCRIPTOR_SET;
use loopledger_wire::BulkRequest;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::Routes;
use tonic_reflection::server::Builder;
use tower_layer::layer_fn;

use super::frames::Bulk;
use super::guard::guarded;
use super::health::Services;
use super::known::Known;
use super::methods::Methods;
use super::policy::{AllowAll, Policy};
use super::unreadable::Explained;
use super::{Calls, OWN_DESCRIPTORS};
use loopledger_limits::Descriptors;
use loopledger_limits::connections::{Acceptor, Bytes, Connections, Waits};
use loopledger_observability::metrics::{Readiness, Registry, Source};
use loopledger_observability::trace::traced;
use loopledger_writer::Health;

/// What a stream may send before it is read: about 500 commands.
const STREAM_WINDOW_BYTES: u32 = 256 * 1_024;

/// What a connection's streams may send together before they are read; a few that stand still leave room for others.
const CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;

/// The head of a call: some ids, a deadline, a trace.
const HEAD_BYTES_MAX: u32 = 16 * 1_024;

/// Bulk streams fill frames of 64 KiB; the protocol's own 16 KiB cost four times the bookkeeping.
const FRAME_BYTES_MAX: u32 = 64 * 1_024;

/// How long open calls may take to end after a shutdown began. Writers answer what they have taken within milliseconds;
/// who has not read the answers by then reads none, and a stop takes no more than 5 s in all.
pub const DRAIN_MAX: Duration = Duration::from_secs(2);

/// How long a connection that was cut may take to notice.
const CUT_MAX: Duration = Duration::from_millis(500);

/// How long the calls may take to end in all.
pub const CALLS_END_MAX: Duration = DRAIN_MAX.saturating_add(CUT_MAX);

/// What a stop may take in all: a shell waits longer, and so do orchestrators.
pub const STOP_MAX: Duration = Duration::from_secs(5);

/// Served on every server.
const OWN_NAMES: [&str; 3] =
    ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

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
    /// How long it may take to answer that.
    pub keepalive_timeout: Duration,
    /// How long open calls may take to end after a shutdown began; then their connections are cut.
    pub drain_max: Duration,
    /// How long a message that has begun may take to come, or a single request from its call's beginning.
    pub read_max: Duration,
    /// Beyond so many connections the one that has been idle longest is closed, or else the new one.
    pub connections_max: usize,
    pub waits: Waits,
    pub bytes: Bytes,
}

impl ServerConfig {
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            streams_max: 256,
            keepalive: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            drain_max: DRAIN_MAX,
            read_max: Duration::from_secs(30),
            connections_max: Descriptors::of_process().calls,
            waits: Waits {
                greeting_max: Some(Duration::from_secs(10)),
                write_max: Duration::from_secs(30),
                untaken_max: Duration::from_secs(30),
                life_max: None,
            },
            // 6 MiB of a bulk stream are 8,000 commands in flight, which is what fills a writer's window. With shares and
            // the windows of 256 connections all of it comes to 640 MiB at the very most.
            bytes: Bytes {
                requests_of_connection: 8 * 1_024 * 1_024,
                requests_of_process: 64 * 1_024 * 1_024,
                answers_of_connection: 16 * 1_024 * 1_024,
                answers_of_process: 128 * 1_024 * 1_024,
            },
        }
    }
}

/// A server to which services are added, then bound, then run.
#[derive(Debug)]
pub struct Server {
    routes: Routes,
    services: Services,
    followers: Vec<AbortOnDropHandle<()>>,
    methods: Arc<Methods>,
    policy: Arc<dyn Policy>,
    stop: CancellationToken,
}

impl Server {
    /// Nothing serves yet. Who cancels `stop` begins the shutdown.
    pub async fn new(stop: CancellationToken) -> Result<Self, ServeError> {
        let services = Services::new().await;
        let methods = Arc::new(Methods::new());
        let policy = Arc::new(AllowAll);
        Ok(Self { routes: Routes::default(), services, followers: Vec::new(), methods, policy, stop })
    }

    /// Every call passes `policy`; without one everybody may do everything.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// Cancelled when a shutdown begins: open streams end then.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Adds services to what is served.
    pub fn route(&mut self, add: impl FnOnce(Routes) -> Routes) {
        self.routes = add(core::mem::take(&mut self.routes));
    }

    /// Serves the bulk stream of the service of this full name, before the generated method: a message that cannot be
    /// read is answered in its place, and the stream goes on.
    pub fn bulk<D, R>(&mut self, name: &str, calls: Calls<D>)
    where
        D: Decider,
        R: BulkRequest<Command = D::Command>,
    {
        let path = format!("/{name}/Record");
        let shape = self.methods.find(&path).shape.clone();
        let router = self.routes.axum_router_mut();
        *router = core::mem::take(router).route_service(&path, Bulk::<D, R>::new(calls, shape));
    }

    /// Reports the service of this full name as serving whenever its writer is.
    pub fn follow_health(&mut self, name: &'static str, health: watch::Receiver<Health>) {
        self.follow(name, health, |health| match health {
            Health::CatchingUp(_) => Readiness::Starting,
            Health::Serving => Readiness::Able,
            Health::Halted(_) | Health::Stopped => Readiness::Unable,
        });
    }

    /// Reports the service of this full name as serving whenever `readiness` says so, until the server stops.
    pub fn follow<T: Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        mut health: watch::Receiver<T>,
        readiness: impl Fn(&T) -> Readiness + Send + Sync + 'static,
    ) {
        let (services, stop) = (self.services.clone(), self.stop.clone());
        services.add(name);
        let task = tokio::spawn(async move {
            let following = async {
                loop {
                    let readiness = readiness(&health.borrow_and_update());
                    services.set(name, readiness).await;
                    if health.changed().await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = following => {}
            }
            services.set(name, Readiness::Unable).await;
        });
        self.followers.push(AbortOnDropHandle::new(task));
    }

    /// Binds, so that the address is known (port 0 picks a free one), and gives back how to run it.
    pub async fn bind(mut self, config: ServerConfig) -> Result<Bound, ServeError> {
        let names: Vec<&str> = self.services.names().into_iter().chain(OWN_NAMES).collect();
        let reflection = || {
            let builder = Builder::configure().register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET);
            // Each version of reflection would describe only itself, and list both.
            let builder = OWN_DESCRIPTORS.into_iter().fold(builder, Builder::register_encoded_file_descriptor_set);
            names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
        };
        let (health, v1, v1alpha) =
            (self.services.server(self.stop.clone()), reflection().build_v1(), reflection().build_v1alpha());
        let (v1, v1alpha) = (v1.map_err(ServeError::Descriptors)?, v1alpha.map_err(ServeError::Descriptors)?);
        self.route(|routes| routes.add_service(health).add_service(v1).add_service(v1alpha));
        let router = self.routes.axum_router_mut();
        let methods = Arc::clone(&self.methods);
        let known = layer_fn(move |inner| Known::new(inner, &methods));
        *router = core::mem::take(router).layer(layer_fn(Explained)).layer(known);
        let (methods, policy, read_max) = (Arc::clone(&self.methods), Arc::clone(&self.policy), config.read_max);
        let guard = layer_fn(move |inner| guarded(inner, &methods, &policy, read_max));
        self.route(|routes| Routes::from(traced(routes).into_axum_router().layer(guard)).prepare());
        let address = config.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
        let connections = Arc::new(Connections::new(config.connections_max, config.bytes));
        Ok(Bound { server: self, config, listener, address, connections })
    }
}

/// A server that has its address.
#[derive(Debug)]
pub struct Bound {
    server: Server,
    config: ServerConfig,
    listener: TcpListener,
    address: SocketAddr,
    connections: Arc<Connections>,
}

impl Bound {
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections that it holds, and what they hold.
    pub fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections)
    }

    /// Adds what is counted of calls and connections to what the process shows.
    pub fn register_metrics(&self, metrics: &Registry) {
        let methods: Arc<dyn Source> = self.server.methods.clone();
        let connections: Arc<dyn Source> = self.connections.clone();
        metrics.add_shared(methods);
        metrics.add_shared(connections);
    }

    /// Serves until the stop token is cancelled; then says `NOT_SERVING`, takes no more connections, ends streams, and
    /// waits a bounded time for the calls that are open. The writers must still run meanwhile: they answer those.
    pub async fn serve(self) -> Result<(), ServeError> {
        let Self { server, config, listener, connections, .. } = self;
        // What follows health ends last: it says that nothing serves any more.
        let Server { routes, followers: _followers, stop, .. } = server;
        let cut = CancellationToken::new();
        let acceptor = Acceptor { listener, connections, waits: config.waits, cut: cut.clone() };
        let accepting = futures::stream::unfold(acceptor, async |acceptor| {
            let connection = acceptor.accept().await;
            Some((Ok::<_, io::Error>(connection), acceptor))
        });
        let serving = tonic::transport::Server::builder()
            .max_concurrent_streams(config.streams_max)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .http2_max_header_list_size(HEAD_BYTES_MAX)
            .http2_keepalive_interval(Some(config.keepalive))
            .http2_keepalive_timeout(Some(config.keepalive_timeout))
            .add_routes(routes)
            .serve_with_incoming_shutdown(accepting, stop.clone().cancelled_owned());
        let mut serving = pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended.map_err(ServeError::Transport),
            () = stop.cancelled() => {}
        }
        if let Ok(ended) = timeout(config.drain_max, &mut serving).await {
            return ended.map_err(ServeError::Transport);
        }
        tracing::warn!(waited = ?config.drain_max, "calls still open after the drain timeout, closing their connections");
        cut.cancel();
        timeout(CUT_MAX, serving).await.unwrap_or(Ok(())).map_err(ServeError::Transport)
    }
}
