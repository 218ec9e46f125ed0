//! `ledger.v1` over gRPC: a request is checked as a whole, waits for what it must include, reads the state under a short
//! lock, and is answered with the heads it was computed at.

mod balance_facts;
mod duplicates;
mod fields;
mod figures;
mod income;
mod ledger;
mod loops;
mod page;
mod statement;
mod trace;
mod valuation;

use std::sync::Arc;

use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1::income_service_server::{self, IncomeServiceServer};
use loopledger_proto::ledger::v1::ledger_service_server::{self, LedgerServiceServer};
use loopledger_proto::ledger::v1::loop_service_server::{self, LoopServiceServer};
use loopledger_proto::ledger::v1::trace_service_server::{self, TraceServiceServer};
use loopledger_service::limits::Caller;
use loopledger_types::{EntityKind, Position, Service};
use loopledger_wire::{Failure, position_to_pb};
use tokio::sync::OwnedRwLockReadGuard;
use tokio::time::{Instant, timeout_at};
use tonic::metadata::MetadataValue;
use tonic::service::Routes;
use tonic::{Response, Status};

use crate::beside::beside;
use crate::shared::{Folded, Shared};
use fields::Fields;

/// The names of the services, for health checks.
pub const SERVICE_NAMES: [&str; 4] = [
    income_service_server::SERVICE_NAME,
    loop_service_server::SERVICE_NAME,
    trace_service_server::SERVICE_NAME,
    ledger_service_server::SERVICE_NAME,
];

/// Metadata of every answer: for how many seconds it has not been known that everything in the log was read. Some seconds,
/// unless the log cannot be reached.
const AGE: &str = "loopledger-age-seconds";

/// What every service answers from.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    shared: Arc<Shared>,
}

pub(crate) fn add_services(api: Api, routes: Routes) -> Routes {
    routes
        .add_service(IncomeServiceServer::new(api.clone()))
        .add_service(LoopServiceServer::new(api.clone()))
        .add_service(TraceServiceServer::new(api.clone()))
        .add_service(LedgerServiceServer::new(api))
}

/// What a query must include, and until when it may wait.
#[derive(Debug)]
struct Terms {
    at_least: Vec<Position>,
    consequences: bool,
    deadline: Instant,
}

/// The state while an answer is computed.
type Guard = OwnedRwLockReadGuard<Folded>;

impl Api {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Counts the outcome.
    fn answer<T>(&self, outcome: Result<T, Status>) -> Result<Response<T>, Status> {
        self.shared.metrics.queries_total.add(1);
        if outcome.is_err() {
            self.shared.metrics.failures_total.add(1);
        }
        let mut answer = Response::new(outcome?);
        // Every answer says how old it may be, whatever else it says.
        answer.metadata_mut().insert(AGE, MetadataValue::from(self.shared.age().as_secs()));
        Ok(answer)
    }

    /// The state, once it includes what the query asks for.
    async fn folded(&self, terms: &Terms) -> Result<Guard, Failure> {
        self.ready(terms).await?;
        Ok(Arc::clone(&self.shared.folded).read_owned().await)
    }

    async fn ready(&self, terms: &Terms) -> Result<(), Failure> {
        self.shared.ready(terms.deadline).await?;
        self.shared.wait_for(&terms.at_least, terms.consequences, terms.deadline).await
    }

    /// Runs what reads much on a thread that may take its time; only a few at once, since the fold waits meanwhile (queries
    /// do not). Connections take turns.
    async fn long<T: Send + 'static>(
        &self,
        terms: &Terms,
        read: impl FnOnce(&Folded) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.ready(terms).await?;
        let turn = timeout_at(terms.deadline, self.shared.long_queries.take(Caller::current())).await;
        let turn = turn.map_err(|_| Failure::DeadlineExceeded)?;
        let reading = self.shared.read_long().await;
        let answer = beside(async move {
            let answer = read(&reading.folded);
            drop(turn);
            answer
        });
        answer.await.map_err(|_| Failure::Internal { what: "a query panicked" })
    }

    fn heads(&self, folded: &Folded) -> Vec<common::Position> {
        heads(&self.shared, folded)
    }

    /// The heads of a list that was begun earlier.
    fn heads_at(&self, sequences: &[u64; 5], hashes: &crate::commits::Hashes) -> Vec<common::Position> {
        let begun = Service::ALL.into_iter().zip(sequences).filter(|(_, sequence)| **sequence > 0);
        begun.map(|(service, at)| position_to_pb(hashes.position(service, *at))).collect()
    }
}

/// The heads that an answer is computed at.
fn heads(shared: &Shared, folded: &Folded) -> Vec<common::Position> {
    shared.positions(&folded.heads()).map(position_to_pb).collect()
}

fn not_found(kind: EntityKind, id: &impl ToString) -> Status {
    Failure::NotFound { kind, id: id.to_string() }.into()
}
