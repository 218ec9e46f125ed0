//! `/metrics`, `/livez` and `/readyz` over HTTP.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::format::{Format, classic};
use loopledger_limits::Descriptors;
use loopledger_limits::connections::{Acceptor, Bytes, Connections, Waits};
use loopledger_observability::metrics::Registry;

/// A connection is a scrape or some probes. It has no calls in the sense of gRPC, so of too many the oldest is closed.
const WAITS: Waits = Waits {
    greeting_max: None,
    write_max: Duration::from_secs(10),
    untaken_max: Duration::from_secs(10),
    life_max: Some(Duration::from_secs(10)),
};

/// How long a scrape that is under way may take to end.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address} for metrics")]
pub struct EndpointError {
    pub address: SocketAddr,
    pub source: io::Error,
}

/// A small server of its own, so that it answers before anything else does, and after.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    stop: CancellationToken,
    serving: AbortOnDropHandle<io::Result<()>>,
}

impl Endpoint {
    /// Listens (port 0 picks a free one) and serves until it is shut down or dropped.
    pub async fn start(listen: SocketAddr, registry: Registry) -> Result<Self, EndpointError> {
        let failed = |source| EndpointError { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let routes = Router::new()
            .route("/metrics", get(metrics))
            // The process runs and answers; whether it can do its work is another question, and restarting it no answer.
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .with_state(registry);
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let connections = Arc::new(Connections::new(Descriptors::of_process().metrics, Bytes::NONE));
        let acceptor = Acceptor { listener, connections, waits: WAITS, cut: CancellationToken::new() };
        let serving: JoinHandle<_> =
            tokio::spawn(async { axum::serve(acceptor, routes).with_graceful_shutdown(stopped).await });
        Ok(Self { address, stop, serving: AbortOnDropHandle::new(serving) })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends, after what is being answered.
    pub async fn shut_down(self) {
        self.stop.cancel();
        // A connection that says nothing is not waited for.
        drop(timeout(DRAIN_MAX, self.serving).await);
    }
}

async fn metrics(State(registry): State<Registry>, headers: HeaderMap) -> Response {
    // Several headers are one list.
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok()).collect();
    let Some(format) = Format::accepted(&accept.join(",")) else {
        let offered = [Format::OpenMetrics, Format::Classic].map(Format::content_type).join("\n");
        return (StatusCode::NOT_ACCEPTABLE, format!("{offered}\n")).into_response();
    };
    match registry.render() {
        Ok(text) => {
            let text = if format == Format::Classic { classic(&text) } else { text };
            ([(CONTENT_TYPE, format.content_type()), (VARY, "accept")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn ready(State(registry): State<Registry>) -> Response {
    let (is_ready, lines) = registry.readiness();
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let said = if is_ready { "ready" } else { "not ready" };
    (code, format!("{said}\n{}\n", lines.join("\n"))).into_response()
}
