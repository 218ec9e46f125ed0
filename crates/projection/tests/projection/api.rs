//! The API without gRPC: the same figures, names and facts, at the same heads, on the same terms.

use std::time::Duration;

use loopledger_domain::{Commit, Event, PartyKind, station};
use loopledger_event_log::MemoryLog;
use loopledger_ledger::{IncomeFilter, LotStepKind, ValueAdded};
use loopledger_projection::StoragePlace;
use loopledger_projection::api::{
    Await, CommitPage, FactPage, GetHouseholdIncome, GetLoop, GetStatus, ListCommits, ListIncomeLines, LoopWindow,
    LotKey, Names, Queries, QueryError, Terms, TraceLot, Window,
};
use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_service::limits::Asking;
use loopledger_state_store::Memory;
use loopledger_types::{BusinessDate, CountyCode, LotId, PartyId, Position, Service, StreamId};
use loopledger_wire::{Failure, position_to_pb};
use tokio::time::Instant;

use crate::world::{HISTORY, LEDGER, PARTITIONS, World, append, position, stream};

fn terms(at_least: Vec<Position>, millis: u64) -> Terms {
    let deadline = Instant::now() + Duration::from_millis(millis);
    Terms { at_least, consequences: true, deadline, asking: Asking::current() }
}

fn patient() -> Terms {
    let last = |service| HISTORY.commits(service).last().map(|commit| commit.position());
    terms(Service::ALL.into_iter().filter_map(last).collect(), 60_000)
}

fn wired(positions: &[Position]) -> Vec<common::Position> {
    positions.iter().copied().map(position_to_pb).collect()
}

fn households() -> Vec<PartyId> {
    let day = BusinessDate::parse("2020-12-31").unwrap();
    LEDGER.parties(Some(PartyKind::Household), day, None).iter().map(|household| household.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn income_is_that_of_the_contract() {
    let world = World::full().await;
    let (queries, terms) = (world.projection.queries(), patient());
    let mut lines_seen = 0;
    for household in households() {
        let query = GetHouseholdIncome { household, window: Window::default(), edition: None };
        let answer = queries.ask(query, &terms).await.unwrap();
        let request = pb::GetHouseholdIncomeRequest { household_id: household.to_string(), ..Default::default() };
        let wire = world.income().get_household_income(request).await.unwrap().into_inner();
        let total = wire.total.unwrap();
        assert_eq!(wired(&answer.heads), wire.heads);
        assert_eq!(
            (answer.income.total.gross, answer.income.total.cost, answer.income.total.received),
            (total.gross_fen, total.cost_fen, total.received_fen)
        );
        let named = |id: &Option<_>| id.map(|id| answer.names.product(id).to_owned());
        assert_eq!(
            answer.income.by_product.iter().map(|(id, sums)| (named(id), sums.net())).collect::<Vec<_>>(),
            wire.by_product
                .iter()
                .map(|row| (row.product.as_ref().map(|product| product.label.clone()), row.sums.unwrap().net_fen))
                .collect::<Vec<_>>()
        );

        let page = FactPage::parse(1_000, "").unwrap();
        let query = ListIncomeLines { household, window: Window::default(), filter: IncomeFilter::default(), page };
        let answer = queries.ask(query, &terms).await.unwrap();
        let request =
            pb::ListIncomeLinesRequest { household_id: household.to_string(), page_size: 1_000, ..Default::default() };
        let wire = world.income().list_income_lines(request).await.unwrap().into_inner();
        assert_eq!((wired(&answer.heads), answer.lines.len()), (wire.heads, wire.lines.len()));
        for (line, row) in answer.lines.iter().zip(&wire.lines) {
            let fact = row.fact.as_ref().unwrap();
            assert_eq!(
                (Some(position_to_pb(line.fact.position)), line.fact.event),
                (fact.position.clone(), fact.event)
            );
            assert_eq!((line.row.gross, line.row.cost), (row.gross_fen, row.cost_fen));
            let payer = line.row.payer.map(|payer| answer.names.party(payer));
            assert_eq!(payer, row.payer.as_ref().map(|payer| payer.label.as_str()));
        }
        lines_seen += answer.lines.len();
    }
    assert!(lines_seen > 100, "{lines_seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_is_that_of_the_contract() {
    let world = World::full().await;
    let query = GetLoop { window: LoopWindow::default(), value_added: true };
    let answer = world.projection.queries().ask(query, &patient()).await.unwrap();
    let request = pb::GetLoopRequest { value_added: true, ..Default::default() };
    let wire = world.loops().get_loop(request).await.unwrap().into_inner();
    assert_eq!(wired(&answer.heads), wire.heads);
    let money = wire.money.unwrap();
    assert_eq!(
        (answer.measures.money.final_sales, answer.measures.money.paid_out),
        (money.final_sales_fen, money.paid_out_fen)
    );
    assert!(!wire.products.is_empty());
    let added = answer.value_added.unwrap();
    let rows = answer.measures.products.iter().map(|line| {
        let added = added.get(&line.product).map_or(0, ValueAdded::amount);
        (answer.names.product(line.product).to_owned(), line.purchases, added)
    });
    let wire = wire.products.iter().map(|row| {
        let added = row.value_added.as_ref().unwrap().value_added_fen;
        (row.product.as_ref().unwrap().label.clone(), row.purchases_fen, added)
    });
    assert_eq!(rows.collect::<Vec<_>>(), wire.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_are_those_of_the_contract() {
    let world = World::full().await;
    let (queries, terms) = (world.projection.queries(), patient());
    let lots: Vec<LotId> = HISTORY.commits(Service::Station).iter().filter_map(|commit| collected(commit)).collect();
    assert!(lots.len() > 50, "{}", lots.len());
    for lot in lots.into_iter().step_by(7) {
        let page = FactPage::parse(1_000, "").unwrap();
        let answer = queries.ask(TraceLot { lot: LotKey::Lot(lot), page }, &terms).await.unwrap();
        let subject = Some(Subject::LotId(lot.to_string()));
        let request = pb::TraceLotRequest { subject, page_size: 1_000, ..Default::default() };
        let wire = world.trace().trace_lot(request).await.unwrap().into_inner();
        assert_eq!((wired(&answer.heads), answer.lot.to_string()), (wire.heads, wire.lot_id));
        let facts = answer.origins.iter().map(|origin| origin.fact).chain(answer.steps.iter().map(|step| step.fact));
        let wire_facts = wire.origins.iter().map(|row| &row.fact).chain(wire.steps.iter().map(|row| &row.fact));
        assert_eq!(
            facts.map(|fact| (position_to_pb(fact.position), fact.event)).collect::<Vec<_>>(),
            wire_facts.flatten().map(|fact| (fact.position.clone().unwrap(), fact.event)).collect::<Vec<_>>()
        );
        for (step, row) in answer.steps.iter().zip(&wire.steps) {
            assert_eq!(paid(&step.row.record, &answer.names), row.payee.as_ref().map(|payee| payee.label.clone()));
        }
    }
}

fn collected(commit: &Commit) -> Option<LotId> {
    commit.events.iter().find_map(|event| match event {
        Event::Station(station::Event::GoodsCollected(fact)) => Some(fact.lot),
        _ => None,
    })
}

/// The label of whom a step pays.
fn paid(step: &LotStepKind, names: &Names) -> Option<String> {
    let payee = match step {
        LotStepKind::Cost { payee, .. } | LotStepKind::Paid { payee, .. } => *payee,
        LotStepKind::Settled { producer, .. } => *producer,
        LotStepKind::Moved { .. } | LotStepKind::Sold { .. } | LotStepKind::Inspected(_) => None,
    };
    payee.map(|id| names.party(id).to_owned())
}

/// Every query waits until its terms are folded; a query about the projection's own state needs no ledger that has caught up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_keeps_its_terms() {
    let log = MemoryLog::new(PARTITIONS);
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    world.projection.caught_up().await;
    let queries = world.projection.queries();
    let first = position(Service::Procurement, 1);
    let query = || GetLoop { window: LoopWindow::default(), value_added: false };
    let late = queries.ask(query(), &terms(vec![first], 20)).await.unwrap_err();
    assert!(matches!(late, QueryError::Failed(Failure::UpstreamBehind { wanted: 1, have: 0, .. })), "{late:?}");
    assert!(queries.ask(query(), &terms(Vec::new(), 60_000)).await.unwrap().heads.is_empty());

    let status = queries.ask(GetStatus, &terms(Vec::new(), 60_000)).await.unwrap();
    assert_eq!(status.streams.map(|status| status.stream), Service::ALL.map(stream));
    append(&log, HISTORY.records()).await;
    let heads = queries.ask(Await, &patient()).await.unwrap().heads;
    assert_eq!(heads, world.projection.heads());

    assert_not_served(&queries).await;
}

async fn assert_not_served(queries: &Queries) {
    let other = StreamId { service: Service::Sales, county: CountyCode::parse("650102").unwrap() };
    let page = CommitPage::parse(0, "").unwrap();
    let query = ListCommits { stream: other, from_sequence: 1, page };
    let refused = queries.ask(query, &terms(Vec::new(), 60_000)).await.unwrap_err();
    assert_eq!(refused, QueryError::Failed(Failure::NotServed { stream: other }));
}
