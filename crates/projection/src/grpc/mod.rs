//! `ledger.v1` over gRPC: every method reads its request as a query, asks for the answer, and writes it in the words of the
//! contract. What all methods have in common is done by one wrapper, [`Grpc::serve`].
//!
//! It computes nothing, and reads no state: that is done by [`crate::api`].

mod books;
mod commits;
mod fields;
mod income;
mod loop_figure;
mod loops;
mod serve;
mod services;
mod statement;
mod status;
mod trace;
mod valuation;
mod view;

use std::sync::Arc;

use loopledger_proto::ledger::v1::income_service_server::{self, IncomeServiceServer};
use loopledger_proto::ledger::v1::ledger_service_server::{self, LedgerServiceServer};
use loopledger_proto::ledger::v1::loop_service_server::{self, LoopServiceServer};
use loopledger_proto::ledger::v1::trace_service_server::{self, TraceServiceServer};
use tonic::service::Routes;

use crate::api::Ledgers;
use crate::app::Projection;

/// The names of the services, for health checks.
pub const SERVICE_NAMES: [&str; 4] = [
    income_service_server::SERVICE_NAME,
    loop_service_server::SERVICE_NAME,
    trace_service_server::SERVICE_NAME,
    ledger_service_server::SERVICE_NAME,
];

/// The services of `ledger.v1`.
#[derive(Debug, Clone)]
struct Grpc {
    ledgers: Arc<dyn Ledgers>,
}

impl Projection {
    /// Adds the services of `ledger.v1` to a server.
    pub fn add_services(&self, routes: Routes) -> Routes {
        add_services(Arc::new(self.queries()), routes)
    }
}

/// Adds the services of `ledger.v1` to a server, for these counties.
pub fn add_services(ledgers: Arc<dyn Ledgers>, routes: Routes) -> Routes {
    let grpc = Grpc { ledgers };
    routes
        .add_service(IncomeServiceServer::new(grpc.clone()))
        .add_service(LoopServiceServer::new(grpc.clone()))
        .add_service(TraceServiceServer::new(grpc.clone()))
        .add_service(LedgerServiceServer::new(grpc))
}
