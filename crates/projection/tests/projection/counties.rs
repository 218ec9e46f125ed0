//! The county of a query: named, left out, malformed, not hosted; and a process that answers for several.

use std::sync::Arc;

use futures::future::BoxFuture;
use loopledger_event_log::MemoryLog;
use loopledger_projection::api::{Ledgers, Queries};
use loopledger_projection::{Projection, ProjectionConfig, StoragePlace, add_services};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::income_service_client::IncomeServiceClient;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::loop_service_client::LoopServiceClient;
use loopledger_proto::ledger::v1::trace_service_client::TraceServiceClient;
use loopledger_service::feed::Feed;
use loopledger_state_store::Memory;
use loopledger_types::{CountyCode, Service};
use loopledger_wire::{Failure, position_to_pb};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{PARTITIONS, World, full_log, position};

const HERE: &str = "654224";
const THERE: &str = "654201";
const NOWHERE: &str = "110101";

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn violations(status: &Status) -> Vec<(String, String)> {
    let found = status.get_details_bad_request().map(|request| request.field_violations).unwrap_or_default();
    found.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

/// Every method asked with nothing but a county.
async fn ask_all(routes: &Routes, code: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let (mut income, mut loops) = (IncomeServiceClient::new(routes.clone()), LoopServiceClient::new(routes.clone()));
    let (mut trace, mut ledger) = (TraceServiceClient::new(routes.clone()), LedgerServiceClient::new(routes.clone()));
    macro_rules! ask {
        ($($client:ident.$method:ident($request:ident);)*) => {
            vec![$({
                let mut request = pb::$request::default();
                code.clone_into(&mut request.county_code);
                (stringify!($method), $client.$method(request).await.map(drop))
            },)*]
        };
    }
    ask! {
        income.get_household_income(GetHouseholdIncomeRequest);
        income.list_income_lines(ListIncomeLinesRequest);
        income.list_division_income(ListDivisionIncomeRequest);
        loops.get_loop(GetLoopRequest);
        loops.list_loop_by_division(ListLoopByDivisionRequest);
        loops.list_loop_facts(ListLoopFactsRequest);
        trace.trace_lot(TraceLotRequest);
        trace.trace_order(TraceOrderRequest);
        trace.list_likely_duplicates(ListLikelyDuplicatesRequest);
        ledger.get_status(GetStatusRequest);
        ledger.r#await(AwaitRequest);
        ledger.list_balances(ListBalancesRequest);
        ledger.list_balance_facts(ListBalanceFactsRequest);
        ledger.list_lot_values(ListLotValuesRequest);
        ledger.get_trial_balance(GetTrialBalanceRequest);
        ledger.get_statement(GetStatementRequest);
        ledger.list_commits(ListCommitsRequest);
        ledger.rebuild(RebuildRequest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_takes_its_county_and_no_other() {
    let world = World::full().await;
    let outcome = |(method, answered): (&'static str, Result<(), Status>)| {
        (method, answered.map_err(|status| (reason(&status), violations(&status))))
    };
    let unnamed: Vec<_> = ask_all(&world.routes, "").await.into_iter().map(outcome).collect();
    let named: Vec<_> = ask_all(&world.routes, HERE).await.into_iter().map(outcome).collect();
    assert_eq!(unnamed.len(), 18);
    assert_eq!(named, unnamed);
    assert!(named.iter().filter(|(_, answered)| answered.is_ok()).count() > 5, "{named:?}");
    for (method, answered) in ask_all(&world.routes, NOWHERE).await {
        let refused = answered.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "COUNTY_NOT_HOSTED"), "{method}");
        let resource = refused.get_details_resource_info().unwrap();
        assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("county", NOWHERE));
    }
    let malformed = ("county_code".to_owned(), "MALFORMED_COUNTY".to_owned());
    for ((method, answered), (_, unnamed)) in ask_all(&world.routes, "6542").await.into_iter().zip(unnamed) {
        let found = violations(&answered.unwrap_err());
        let others = unnamed.err().map(|(_, violations)| violations).unwrap_or_default();
        let all: Vec<_> = core::iter::once(malformed.clone()).chain(others).collect();
        assert_eq!(found, all, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_of_another_county_is_named() {
    let world = World::full().await;
    let mut foreign = position_to_pb(position(Service::Sales, 1));
    foreign.stream = format!("sales/{THERE}");
    let at_least = vec![position_to_pb(position(Service::Sales, 1)), foreign];
    let request = pb::ListDivisionIncomeRequest {
        at_least: at_least.clone(),
        division_code: THERE.to_owned(),
        county_code: HERE.to_owned(),
        ..pb::ListDivisionIncomeRequest::default()
    };
    let refused = world.income().list_division_income(request).await.unwrap_err();
    let other = |field: &str| (field.to_owned(), "OTHER_COUNTY".to_owned());
    assert_eq!(violations(&refused), [other("at_least[1].stream"), other("division_code")]);
    let request =
        pb::ListCommitsRequest { at_least, stream: format!("sales/{THERE}"), ..pb::ListCommitsRequest::default() };
    let refused = world.ledger().list_commits(request).await.unwrap_err();
    assert_eq!(violations(&refused), [other("at_least[1].stream"), other("stream")]);
}

#[derive(Debug)]
struct Two([Queries; 2]);

impl Ledgers for Two {
    fn only(&self) -> Option<CountyCode> {
        None
    }

    fn queries(&self, county: CountyCode) -> BoxFuture<'_, Result<Queries, Failure>> {
        let found = {
            let found = self.0.iter().find(|queries| queries.county() == county);
            found.cloned().ok_or_else(|| Failure::CountyNotHosted { county, owner: Some("projection-3".to_owned()) })
        };
        Box::pin(core::future::ready(found))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_is_answered_from_the_ledger_of_the_county_that_it_names() {
    let start = async |log: MemoryLog, code: &str| {
        let storage = StoragePlace::Memory(Memory::new());
        let config = ProjectionConfig::new(CountyCode::parse(code).unwrap(), storage);
        let feed = Feed::new(Arc::new(log));
        let projection = Projection::start(config, feed, CancellationToken::new()).await.unwrap();
        assert!(projection.caught_up().await.is_serving());
        projection
    };
    let here = start(full_log().await, HERE).await;
    let there = start(MemoryLog::new(PARTITIONS), THERE).await;
    let two = Arc::new(Two([here.queries(), there.queries()]));
    let routes = add_services(two, Routes::default());
    let mut loops = LoopServiceClient::new(routes.clone());
    let mut products = Vec::new();
    for code in [HERE, THERE] {
        let request = pb::GetLoopRequest { county_code: code.to_owned(), ..pb::GetLoopRequest::default() };
        products.push(loops.get_loop(request).await.unwrap().into_inner().products.len());
    }
    assert!(products[0] > 0 && products[1] == 0, "{products:?}");
    let position = position_to_pb(position(Service::Sales, 1));
    let of_other =
        pb::GetLoopRequest { at_least: vec![position], county_code: THERE.to_owned(), ..pb::GetLoopRequest::default() };
    let refused = loops.get_loop(of_other).await.unwrap_err();
    assert_eq!(violations(&refused), [("at_least[0].stream".to_owned(), "OTHER_COUNTY".to_owned())]);
    for (method, answered) in ask_all(&routes, "").await {
        let refused = answered.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "COUNTY_REQUIRED"), "{method}");
        assert_eq!(violations(&refused), [("county_code".to_owned(), "COUNTY_REQUIRED".to_owned())], "{method}");
    }
    for (method, answered) in ask_all(&routes, "x").await {
        let found = violations(&answered.unwrap_err());
        assert_eq!(found[0], ("county_code".to_owned(), "MALFORMED_COUNTY".to_owned()), "{method}");
    }
}
