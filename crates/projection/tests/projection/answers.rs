//! Every answer is the ledger's own, with the facts that it rests on named by position and hash.

use std::sync::LazyLock;

use loopledger_chain::{Envelope, RECORD_BYTES_MAX};
use loopledger_domain::{Event, PartyKind, station};
use loopledger_event_log::MemoryLog;
use loopledger_ledger::{FactRef, IncomeQuery, LoopFigure, LoopLevel, LoopQuery, Payees, statement_from};
use loopledger_projection::StoragePlace;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_state_store::Memory;
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, Hash, Month, OrderId, PartyId, Service};
use loopledger_wire::position_to_pb;

use crate::world::{HISTORY, LEDGER, PARTITIONS, World, append, heads, position};

static LAST_DAY: LazyLock<BusinessDate> = LazyLock::new(|| {
    let lines = HISTORY.commits(Service::Sales).iter().chain(HISTORY.commits(Service::Procurement));
    let mut journal = loopledger_ledger::Journal::new();
    let dates = lines.filter_map(|commit| {
        loopledger_ledger::post(commit, &mut journal);
        journal.entries().iter().map(|entry| entry.date).max()
    });
    dates.max().unwrap()
});

pub(crate) fn ever() -> IncomeQuery {
    IncomeQuery {
        from: BusinessDate::parse("2000-01-01").unwrap(),
        to: last_day(),
        as_of: None,
        edition: Edition::FIRST,
    }
}

/// The last day with a fact, as an empty end of a window means.
pub(crate) fn last_day() -> BusinessDate {
    *LAST_DAY
}

pub(crate) fn fact(at: FactRef) -> Option<pb::Fact> {
    let position = position(at.service, usize::try_from(at.sequence).unwrap());
    Some(pb::Fact { position: Some(position_to_pb(position)), event: at.event })
}

pub(crate) fn households() -> Vec<PartyId> {
    LEDGER.parties(Some(PartyKind::Household), last_day(), None).iter().map(|household| household.id).collect()
}

pub(crate) fn cooperative() -> PartyId {
    LEDGER.parties(Some(PartyKind::Cooperative), last_day(), None).first().unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_is_the_ledgers_and_its_facts_can_be_listed() {
    let world = World::full().await;
    let last = heads();
    let query = LoopQuery {
        division: None,
        product: None,
        from: Month::from_index(0).unwrap(),
        to: Month::parse("2020-12").unwrap(),
        edition: Edition::FIRST,
    };
    let expected = LEDGER.loop_measures(query);
    let answer = world.loops().get_loop(pb::GetLoopRequest::default()).await.unwrap().into_inner();
    assert_eq!((answer.heads, answer.products.len()), (last.clone(), expected.products.len()));
    for (row, line) in answer.products.iter().zip(&expected.products) {
        assert!(row.identity_holds && !row.product.as_ref().unwrap().label.is_empty());
        let sold = row.sold.unwrap();
        let out = sold.county
            + sold.prefecture
            + sold.region
            + sold.outside
            + row.returned
            + row.lost
            + row.own_use
            + row.transformed;
        assert_eq!(row.supply + row.bought_in + row.produced + row.found, out + row.closing_stock - row.opening_stock);
        assert_eq!((row.supply + row.bought_in, row.purchases_fen), (line.inflow(), line.purchases));
        assert_eq!(row.pending + row.on_hand + row.reserved + row.quarantined + row.in_transit, row.closing_stock);
    }
    let money = answer.money.unwrap();
    assert_eq!((money.final_sales_fen, money.paid_out_fen), (expected.money.final_sales, expected.money.paid_out));
    assert!(money.final_sales_fen > 0 && money.paid_out_fen > 0);
    assert_eq!(answer.targets.len(), 5);
    assert_eq!(answer.delay.unwrap().mean_days_tenths, expected.delay.mean_tenths());

    let request = pb::ListLoopByDivisionRequest {
        level: pb::DivisionLevel::Village.into(),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = world.loops().list_loop_by_division(request).await.unwrap().into_inner();
    let expected = LEDGER.loop_by_division(query, LoopLevel::Village);
    assert_eq!(answer.divisions.len(), expected.divisions.len());
    let rows = answer.divisions.iter().chain(&answer.rest);
    let sold: i64 = rows.map(|row| row.money.unwrap().final_sales_fen).sum();
    assert_eq!((sold, answer.division_edition.as_str()), (money.final_sales_fen, "2019-10-31"));

    for (figure, expected) in [
        (pb::LoopFigure::Sales, LoopFigure::Sales(None)),
        (pb::LoopFigure::PaidOut, LoopFigure::PaidOut(Payees::All)),
        (pb::LoopFigure::Purchases, LoopFigure::Purchases),
        (pb::LoopFigure::Coverage, LoopFigure::Coverage(None)),
    ] {
        let request = pb::ListLoopFactsRequest { figure: figure.into(), page_size: 1_000, ..Default::default() };
        let answer = world.loops().list_loop_facts(request).await.unwrap().into_inner();
        let facts = LEDGER.loop_facts(&query, expected);
        assert!(!facts.is_empty(), "{figure:?}");
        let wanted: Vec<_> =
            facts.iter().take(1_000).map(|f| (f.date.to_string(), fact(f.at), f.quantity, f.value)).collect();
        let found = answer.facts.into_iter().map(|row| (row.business_date, row.fact, row.quantity, row.amount_fen));
        assert_eq!(found.collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lots_are_traced_by_id_receipt_and_label() {
    let world = World::full().await;
    let collected = HISTORY.commits(Service::Station).iter().flat_map(|commit| &commit.events);
    let collected = collected.filter_map(|event| match event {
        Event::Station(station::Event::GoodsCollected(fact)) => Some(fact),
        _ => None,
    });
    let mut labels = 0;
    for collected in collected.step_by(17) {
        let expected = LEDGER.trace_lot(collected.lot).unwrap();
        let ask = async |subject| {
            let request = pb::TraceLotRequest { subject: Some(subject), ..Default::default() };
            world.trace().trace_lot(request).await.map(tonic::Response::into_inner)
        };
        let answer = ask(Subject::LotId(collected.lot.to_string())).await.unwrap();
        assert_eq!(ask(Subject::ReceiptId(collected.origin.receipt.to_string())).await.unwrap(), answer);
        assert_eq!(
            answer.origins.iter().map(|o| o.fact.clone()).collect::<Vec<_>>(),
            expected.origins.iter().map(|o| fact(o.at)).collect::<Vec<_>>()
        );
        assert_eq!(
            answer.steps.iter().map(|s| (s.fact.clone(), s.text.as_str())).collect::<Vec<_>>(),
            expected.steps.iter().map(|s| (fact(s.at), s.text.code())).collect::<Vec<_>>()
        );
        assert_eq!(
            answer.balances.iter().map(|b| b.quantity).collect::<Vec<_>>(),
            expected.balances.iter().map(|b| b.2).collect::<Vec<_>>()
        );
        let origin = &answer.origins[0];
        assert_eq!((origin.quantity, origin.terms.is_some()), (collected.origin.quantity.0, true));
        let is_household = collected.origin.producer.kind == PartyKind::Household;
        assert_eq!(origin.producer.as_ref().unwrap().label.is_empty(), is_household, "households have no name");
        assert!(
            !answer.place.unwrap().label.is_empty() && answer.since == collected.occasion.business_date.to_string()
        );
        if !collected.lot_label.is_empty() {
            let same = LEDGER.lots_by_label(&collected.lot_label);
            let found = ask(Subject::Label(collected.lot_label.clone())).await;
            if same.len() == 1 {
                assert_eq!(found.unwrap().lot_id, collected.lot.to_string());
            } else {
                let details = tonic_types::StatusExt::get_error_details(&found.unwrap_err());
                assert_eq!(details.bad_request().unwrap().field_violations[0].reason, "AMBIGUOUS_LABEL");
            }
            labels += 1;
        }
    }
    println!("{labels} labels");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_traced_to_lots() {
    let world = World::full().await;
    let orders = HISTORY.commits(Service::Sales).iter().flat_map(|commit| &commit.events);
    let orders: Vec<OrderId> = orders
        .filter_map(|event| match event {
            Event::Sales(loopledger_domain::sales::Event::OrderPlaced(fact)) => Some(fact.order),
            _ => None,
        })
        .collect();
    assert!(!orders.is_empty());
    for order in orders.into_iter().step_by(5) {
        let expected = LEDGER.trace_order(order);
        let request = pb::TraceOrderRequest { order_id: order.to_string(), ..Default::default() };
        let answer = world.trace().trace_order(request).await.unwrap().into_inner();
        let wanted: Vec<_> = expected.iter().map(|step| (fact(step.at), step.step.as_str(), step.lots.len())).collect();
        assert_eq!(
            answer.steps.iter().map(|s| (s.fact.clone(), s.text.as_str(), s.lot_ids.len())).collect::<Vec<_>>(),
            wanted
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_balance_and_statements_are_posted_again_from_the_log() {
    let world = World::full().await;
    let coop = cooperative();
    let last = Month::parse("2020-12").unwrap();
    let request = pb::ListBalancesRequest { party_id: coop.to_string(), page_size: 1_000, ..Default::default() };
    let answer = world.ledger().list_balances(request).await.unwrap().into_inner();
    let expected = LEDGER.balances(coop, last);
    assert!(!expected.is_empty());
    let wanted: Vec<_> = expected.iter().map(|balance| (balance.account.number(), balance.amount)).collect();
    assert_eq!(
        answer.balances.iter().map(|b| (b.account.as_ref().unwrap().number.as_str(), b.amount_fen)).collect::<Vec<_>>(),
        wanted
    );

    for party_id in [String::new(), coop.to_string()] {
        let request = pb::GetTrialBalanceRequest { party_id, from_month: "2020-05".into(), ..Default::default() };
        let lines = world.ledger().get_trial_balance(request).await.unwrap().into_inner().lines;
        assert!(!lines.is_empty());
        let sum = |of: fn(&pb::TrialBalanceLine) -> i64| lines.iter().map(of).sum::<i64>();
        assert_eq!((sum(|l| l.opening_fen), sum(|l| l.movement_fen), sum(|l| l.closing_fen)), (0, 0, 0));
    }

    let month = Month::parse("2020-05").unwrap();
    let commits = LEDGER.statement_commits(coop, month, None).unwrap();
    let commit = |at: &FactRef| &*HISTORY.commits(at.service)[usize::try_from(at.sequence).unwrap() - 1];
    let expected = statement_from(coop, month, &commits, commits.month.iter().map(commit), []);
    let request = pb::GetStatementRequest {
        party_id: coop.to_string(),
        month: "2020-05".into(),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = world.ledger().get_statement(request).await.unwrap().into_inner();
    assert!(expected.lines.len() > 20 && !answer.party.unwrap().label.is_empty());
    let wanted: Vec<_> =
        expected.lines.iter().take(1_000).map(|line| (fact(line.at), line.account.number(), line.amount)).collect();
    assert_eq!(
        answer
            .lines
            .iter()
            .map(|l| (l.fact.clone(), l.account.as_ref().unwrap().number.as_str(), l.amount_fen))
            .collect::<Vec<_>>(),
        wanted
    );
    let amounts = |rows: &[pb::AccountAmount]| {
        rows.iter().map(|r| (r.account.as_ref().unwrap().number.clone(), r.amount_fen)).collect::<Vec<_>>()
    };
    let sums = |sums: &std::collections::BTreeMap<loopledger_ledger::Account, i64>| {
        sums.iter().map(|(a, fen)| (a.number().to_owned(), *fen)).collect::<Vec<_>>()
    };
    assert_eq!(
        (amounts(&answer.opening), amounts(&answer.closing)),
        (sums(&expected.opening), sums(&expected.closing))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_are_listed_with_their_exact_records() {
    let world = World::full().await;
    for service in [Service::Procurement, Service::Station, Service::Distribution, Service::Sales] {
        let records: Vec<_> =
            HISTORY.records().iter().filter(|(of, _)| *of == service).map(|(_, record)| record).collect();
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListCommitsRequest {
                stream: format!("{service}/654224"),
                page_size: 997,
                page_token: token,
                ..Default::default()
            };
            let answer = world.ledger().list_commits(request).await.unwrap().into_inner();
            found.extend(answer.commits);
            token = answer.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found.len(), records.len(), "{service}");
        for (commit, (record, expected)) in found.iter().zip(records.iter().zip(HISTORY.commits(service))) {
            assert_eq!((&commit.record, &commit.position), (*record, &Some(position_to_pb(expected.position()))));
            assert_eq!(commit.cause, expected.cause.map(position_to_pb));
            assert_eq!(
                (commit.events.len(), &commit.request_id),
                (expected.events.len(), &expected.request_id.to_string())
            );
        }
        let request = pb::ListCommitsRequest {
            stream: format!("{service}/654224"),
            from_sequence: 70,
            page_size: 1,
            ..Default::default()
        };
        let answer = world.ledger().list_commits(request).await.unwrap().into_inner();
        assert_eq!(answer.commits[0].position.as_ref().unwrap().sequence, 70);
    }
}

/// A twin of a record that claims its sequence on another predecessor: admitted nowhere.
fn forged(record: &[u8]) -> Vec<u8> {
    let mut envelope = Envelope::decode(record).unwrap();
    envelope.previous_hash = Hash([0xee; 32]);
    let mut out = Vec::new();
    envelope.encode(&mut out);
    out
}

/// A twin of a record that would be admitted in its place, if it were not too long.
fn bloated(record: &[u8]) -> Vec<u8> {
    let mut envelope = Envelope::decode(record).unwrap();
    let long = vec![7; RECORD_BYTES_MAX];
    envelope.events[0].value = &long;
    let mut out = Vec::new();
    envelope.encode(&mut out);
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn void_records_are_passed_over_when_commits_are_read_back() {
    let log = MemoryLog::new(PARTITIONS);
    let (mut records, mut voids) = (Vec::new(), 0);
    for (n, (service, record)) in HISTORY.records().iter().enumerate() {
        if n % 3 == 0 {
            records.push((*service, forged(record)));
            voids += 1;
        }
        if n % 7 == 0 {
            records.push((*service, bloated(record)));
            voids += 1;
        }
        records.push((*service, record.clone()));
        if n % 5 == 0 {
            records.push((*service, record.clone()));
            voids += 1;
        }
    }
    append(&log, &records).await;
    let memory = Memory::new();
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    world.settled().await;
    assert_eq!(world.projection.metrics().voids_total.get(), voids);
    world.projection.shutdown().await;
    let world = World::start(&log, StoragePlace::Memory(memory)).await;
    world.settled().await;
    for service in [Service::Procurement, Service::Station, Service::Distribution, Service::Sales] {
        let stream = format!("{service}/654224");
        let request = pb::ListCommitsRequest { stream, page_size: 1_000, ..Default::default() };
        let answer = world.ledger().list_commits(request).await.unwrap().into_inner();
        let found: Vec<_> = answer.commits.into_iter().map(|commit| commit.position.unwrap()).collect();
        let expected: Vec<_> =
            HISTORY.commits(service).iter().take(1_000).map(|commit| position_to_pb(commit.position())).collect();
        assert_eq!(found, expected);
    }
    for at in (1..HISTORY.commits(Service::Station).len()).step_by(41) {
        let positions = vec![position_to_pb(position(Service::Station, at))];
        world
            .ledger()
            .r#await(pb::AwaitRequest { positions, consequences: true, ..pb::AwaitRequest::default() })
            .await
            .unwrap();
    }
}
