//! The health of the services, as `grpc.health.v1` offers it. A watch ends when the server stops: tonic's own would
//! keep its connection, and so the server, for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::BoxStream;
use futures::{StreamExt as _, future, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_check_response::ServingStatus as PbStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use loopledger_observability::metrics::Readiness;

/// Which services serve. The empty name stands for the process: it serves from when every service has caught up, for as
/// long as any serves. One halted stream must not take every replica out of service.
#[derive(Debug, Clone)]
pub(super) struct Services {
    reporter: HealthReporter,
    services: Arc<Mutex<BTreeMap<&'static str, Readiness>>>,
}

impl Services {
    /// Nothing serves yet.
    pub(super) async fn new() -> Self {
        let reporter = HealthReporter::new();
        // It begins with SERVING.
        reporter.set_service_status("", ServingStatus::NotServing).await;
        Self { reporter, services: Arc::default() }
    }

    /// Makes a service known, as not serving.
    pub(super) fn add(&self, name: &'static str) {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Readiness::Starting);
    }

    pub(super) async fn set(&self, name: &'static str, readiness: Readiness) {
        let process = {
            let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
            let known = services.insert(name, readiness);
            // It has caught up before, and reads something again.
            if readiness == Readiness::Starting && known.is_some_and(|known| known != Readiness::Starting) {
                services.insert(name, Readiness::Unable);
            }
            let has = |wanted: Readiness| services.values().any(|readiness| *readiness == wanted);
            has(Readiness::Able) && !has(Readiness::Starting)
        };
        self.reporter.set_service_status(name, status(readiness == Readiness::Able)).await;
        self.reporter.set_service_status("", status(process)).await;
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// The gRPC service; its watches end with `NOT_SERVING` when `stop` is cancelled.
    pub(super) fn server(&self, stop: CancellationToken) -> HealthServer<impl Health> {
        let inner = HealthService::from_health_reporter(self.reporter.clone());
        HealthServer::new(Ending { inner, stop })
    }
}

struct Ending {
    inner: HealthService,
    stop: CancellationToken,
}

#[tonic::async_trait]
impl Health for Ending {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.inner.check(request).await
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let changes = self.inner.watch(request).await?.into_inner();
        let last = HealthCheckResponse { status: PbStatus::NotServing.into() };
        let ending = stream::once(future::ready(Ok(last)));
        Ok(Response::new(changes.take_until(self.stop.clone().cancelled_owned()).chain(ending).boxed()))
    }
}

const fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
