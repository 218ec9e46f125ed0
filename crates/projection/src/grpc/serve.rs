//! What is done for every method, streams included: deadline, county, fields, terms, count, age.

use core::time::Duration;

use loopledger_domain::Rejection;
use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_service::limits::Asking;
use loopledger_types::CountyCode;
use loopledger_wire::{Failure, OfCounty, query, rejection_status};
use tokio::time::{Instant, timeout_at};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::Grpc;
use super::fields::Fields;
use crate::api::{Queries, Query, QueryError, Terms};

/// Metadata of every answer: for how many seconds it has not been known that everything in the log was read. Some seconds,
/// unless the log cannot be reached.
const AGE: &str = "loopledger-age-seconds";

/// When to come back for a ledger that is being loaded.
const LOAD_RETRY: Duration = Duration::from_secs(1);

/// A method, by its request.
pub(super) trait Rpc: OfCounty + Includes + Send {
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
        let request = request.into_inner();
        let code = query::county(request.county_code());
        // A code that is wrong in form names no county; the rest of the request is read all the same.
        let county = code.as_ref().ok().copied().flatten().or_else(|| self.ledgers.only());
        let is_named = code.is_ok();
        let read = read(&request, code, county, deadline);
        drop(request);
        let queries = match self.find(county, deadline).await {
            Ok(queries) => queries,
            Err(failure) => return Err(read.err().filter(|_| !is_named).unwrap_or_else(|| failure.into())),
        };
        let answer = match read {
            Ok((query, terms)) => queries.ask(query, &terms).await.map_err(status),
            Err(wrong) => Err(wrong),
        };
        queries.count(answer.is_ok());
        let mut response = Response::new(R::to_pb(answer?));
        response.metadata_mut().insert(AGE, MetadataValue::from(queries.age().as_secs()));
        Ok(response)
    }

    async fn find(&self, county: Option<CountyCode>, deadline: Instant) -> Result<Queries, Failure> {
        let finding = self.ledgers.queries(county.ok_or(Failure::CountyRequired)?);
        // A ledger that was parked may take longer than the call has.
        timeout_at(deadline, finding).await.unwrap_or(Err(Failure::NotReady { retry_after: LOAD_RETRY }))
    }
}

/// The request as a query to `county`. Everything that is wrong with it is named at once.
fn read<R: Rpc>(
    request: &R,
    code: Result<Option<CountyCode>, Rejection>,
    county: Option<CountyCode>,
    deadline: Instant,
) -> Result<(R::Query, Terms), Status> {
    let mut fields = Fields::of(county);
    let code = fields.take(code);
    let at_least = fields.positions(R::POSITIONS, request.positions());
    let query = request.parse(&mut fields);
    let ((_, at_least), query) = fields.finish(code.zip(at_least).zip(query))?;
    let (consequences, asking) = (request.consequences(), Asking::current());
    Ok((query, Terms { at_least, consequences, deadline, asking }))
}

fn status(error: QueryError) -> Status {
    match error {
        QueryError::Rejected(rejection) => rejection_status(&rejection),
        QueryError::Failed(failure) => failure.into(),
    }
}
