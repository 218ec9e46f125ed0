//! What is done for every method, streams included: deadline, fields, terms, count, age.

use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_service::limits::Asking;
use loopledger_wire::{query, rejection_status};
use tokio::time::Instant;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::Grpc;
use super::fields::Fields;
use crate::api::{Query, QueryError, Terms};

/// Metadata of every answer: for how many seconds it has not been known that everything in the log was read. Some seconds,
/// unless the log cannot be reached.
const AGE: &str = "loopledger-age-seconds";

/// A method, by its request.
pub(super) trait Rpc: Includes + Send {
    type Query: Query;
    type Response;

    /// The request as a query; `None` if `fields` says what is wrong with it.
    fn parse(&self, fields: &mut Fields) -> Option<Self::Query>;

    fn to_pb(answer: <Self::Query as Query>::Answer) -> Self::Response;
}

/// What a request says that its answer must include.
pub(super) trait Includes {
    /// The field with the positions.
    const POSITIONS: &'static str = "at_least";

    fn positions(&self) -> &[common::Position];

    fn consequences(&self) -> bool;
}

macro_rules! includes {
    ($($request:ident)*) => { $(
        impl Includes for pb::$request {
            fn positions(&self) -> &[common::Position] {
                &self.at_least
            }

            fn consequences(&self) -> bool {
                self.consequences
            }
        }
    )* };
}

includes! {
    GetHouseholdIncomeRequest ListIncomeLinesRequest ListDivisionIncomeRequest
    GetLoopRequest ListLoopByDivisionRequest ListLoopFactsRequest
    TraceLotRequest TraceOrderRequest ListLikelyDuplicatesRequest
    GetStatusRequest ListBalancesRequest ListBalanceFactsRequest ListLotValuesRequest
    GetTrialBalanceRequest GetStatementRequest ListCommitsRequest
}

impl Includes for pb::AwaitRequest {
    const POSITIONS: &'static str = "positions";

    fn positions(&self) -> &[common::Position] {
        &self.positions
    }

    fn consequences(&self) -> bool {
        self.consequences
    }
}

impl Includes for pb::RebuildRequest {
    fn positions(&self) -> &[common::Position] {
        &[]
    }

    fn consequences(&self) -> bool {
        false
    }
}

impl Grpc {
    /// Answers a call. Every method is this, and nothing else.
    pub(super) async fn serve<R: Rpc>(&self, request: Request<R>) -> Result<Response<R::Response>, Status> {
        let deadline = deadline_of(request.metadata());
        let answer = self.answer(request.into_inner(), deadline).await;
        self.queries.count(answer.is_ok());
        let mut response = Response::new(R::to_pb(answer?));
        response.metadata_mut().insert(AGE, MetadataValue::from(self.queries.age().as_secs()));
        Ok(response)
    }

    async fn answer<R: Rpc>(&self, request: R, deadline: Instant) -> Result<<R::Query as Query>::Answer, Status> {
        let (query, terms) = self.read(&request, deadline)?;
        drop(request);
        self.queries.ask(query, &terms).await.map_err(status)
    }

    /// Everything that is wrong with a request is named at once.
    fn read<R: Rpc>(&self, request: &R, deadline: Instant) -> Result<(R::Query, Terms), Status> {
        let mut fields = Fields::of(self.queries.county());
        let at_least = fields.take(query::positions(R::POSITIONS, request.positions()));
        let query = request.parse(&mut fields);
        let (at_least, query) = fields.finish(at_least.zip(query))?;
        let (consequences, asking) = (request.consequences(), Asking::current());
        Ok((query, Terms { at_least, consequences, deadline, asking }))
    }
}

fn status(error: QueryError) -> Status {
    match error {
        QueryError::Rejected(rejection) => rejection_status(&rejection),
        QueryError::Failed(failure) => failure.into(),
    }
}
