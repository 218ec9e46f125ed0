//! What figures rest on: every balance is the sum of lines that can be listed, what is derived is balanced, lists end.

use loopledger_domain::PartyKind;
use loopledger_ledger::{Account, ValuationQuery};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_types::{BusinessDate, LotId, Month, PartyId};

use crate::world::{LEDGER, World, heads};

fn any_day() -> BusinessDate {
    BusinessDate::parse("2020-12-31").unwrap()
}

fn party(kind: PartyKind) -> PartyId {
    LEDGER.parties(Some(kind), any_day(), None).first().unwrap().id
}

/// Every line that a request lists, page by page.
async fn lines(world: &World, request: pb::ListBalanceFactsRequest) -> Vec<pb::StatementLine> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListBalanceFactsRequest { page_token: token, ..request.clone() };
        let answer = world.ledger().list_balance_facts(request).await.unwrap().into_inner();
        assert!(answer.lines.len() <= 1_000);
        assert_eq!(answer.heads, heads());
        all.extend(answer.lines);
        token = answer.next_page_token;
        if token.is_empty() {
            return all;
        }
    }
}

fn sum(lines: &[pb::StatementLine]) -> i64 {
    lines.iter().map(|line| line.amount_fen).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_balance_is_the_sum_of_its_lines() {
    let world = World::full().await;
    for kind in [PartyKind::Cooperative, PartyKind::Firm, PartyKind::Household] {
        let party_id = party(kind).to_string();
        for through_month in ["2020-04", "2020-05", ""] {
            let request = pb::ListBalancesRequest {
                party_id: party_id.clone(),
                through_month: through_month.into(),
                page_size: 1_000,
                ..Default::default()
            };
            let balances = world.ledger().list_balances(request).await.unwrap().into_inner().balances;
            for balance in balances.iter().step_by(3) {
                let request = pb::ListBalanceFactsRequest {
                    party_id: party_id.clone(),
                    account_number: balance.account.as_ref().unwrap().number.clone(),
                    counterparty: Some(balance.counterparty.clone().unwrap_or_default()),
                    to_month: through_month.into(),
                    page_size: 1_000,
                    ..Default::default()
                };
                let lines = lines(&world, request).await;
                assert_eq!(sum(&lines), balance.amount_fen, "{balance:?}");
                assert!(lines.iter().all(|line| line.counterparty == balance.counterparty && line.fact.is_some()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_trial_balance_is_the_sum_of_its_lines() {
    let world = World::full().await;
    for party_id in [String::new(), party(PartyKind::Cooperative).to_string()] {
        let request = pb::GetTrialBalanceRequest {
            party_id: party_id.clone(),
            from_month: "2020-05".into(),
            to_month: "2020-05".into(),
            ..Default::default()
        };
        let trial = world.ledger().get_trial_balance(request).await.unwrap().into_inner();
        assert!(trial.lines.len() > 3 && trial.lines.len() <= Account::ALL.len());
        for line in trial.lines {
            let request = |from: &str, to: &str| pb::ListBalanceFactsRequest {
                party_id: party_id.clone(),
                account_number: line.account.as_ref().unwrap().number.clone(),
                from_month: from.into(),
                to_month: to.into(),
                page_size: 1_000,
                ..Default::default()
            };
            let movement = lines(&world, request("2020-05", "2020-05")).await;
            assert_eq!(sum(&movement), line.movement_fen, "{line:?}");
            assert!(movement.iter().all(|line| line.book.is_some()));
            assert_eq!(sum(&lines(&world, request("", "2020-05")).await), line.closing_fen, "{line:?}");
        }
    }
}

/// Small pages end within a commit and go on within it: none is longer than asked, and together they are the whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_pages_of_lines_are_the_large_one_cut_up() {
    let world = World::full().await;
    let request = |page_size| pb::ListBalanceFactsRequest {
        party_id: party(PartyKind::Cooperative).to_string(),
        from_month: "2020-05".into(),
        to_month: "2020-05".into(),
        page_size,
        ..Default::default()
    };
    let whole = lines(&world, request(1_000)).await;
    assert!(whole.len() > 50);
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListBalanceFactsRequest { page_token: token, ..request(7) };
        let answer = world.ledger().list_balance_facts(request).await.unwrap().into_inner();
        assert!(answer.lines.len() <= 7);
        found.extend(answer.lines);
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_of_lots_and_orders_come_in_pages() {
    let world = World::full().await;
    let lots = crate::world::HISTORY.commits(loopledger_types::Service::Sales).iter().flat_map(|commit| &commit.events);
    let fulfilled = lots.filter_map(|event| match event {
        loopledger_domain::Event::Sales(loopledger_domain::sales::Event::OrderFulfilled(fact)) => Some(fact),
        _ => None,
    });
    // One page holds it all, and small pages are many.
    let steps = |fact: &&loopledger_domain::sales::OrderFulfilled| {
        LEDGER.trace_lot(fact.parts[0].stock.lot).unwrap().steps.len()
    };
    let fulfilled = fulfilled.step_by(11).filter(|fact| steps(fact) < 1_000).max_by_key(steps).unwrap();
    let lot = fulfilled.parts[0].stock.lot;
    let ask = |page_size, page_token| pb::TraceLotRequest {
        subject: Some(Subject::LotId(lot.to_string())),
        page_size,
        page_token,
        ..Default::default()
    };
    let whole = world.trace().trace_lot(ask(1_000, String::new())).await.unwrap().into_inner();
    assert!(whole.steps.len() > 4 && whole.next_page_token.is_empty(), "{} steps", whole.steps.len());
    assert!(whole.unit > 0);
    let (mut steps, mut token) = (Vec::new(), String::new());
    loop {
        let answer = world.trace().trace_lot(ask(20, token)).await.unwrap().into_inner();
        assert!(answer.steps.len() <= 20);
        assert_eq!((&answer.origins, &answer.balances), (&whole.origins, &whole.balances));
        steps.extend(answer.steps);
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(steps, whole.steps);

    let ask = |page_size, page_token| pb::TraceOrderRequest {
        order_id: fulfilled.order.to_string(),
        page_size,
        page_token,
        ..Default::default()
    };
    let whole = world.trace().trace_order(ask(0, String::new())).await.unwrap().into_inner();
    let (mut steps, mut token) = (Vec::new(), String::new());
    for _ in &whole.steps {
        let answer = world.trace().trace_order(ask(1, token)).await.unwrap().into_inner();
        steps.extend(answer.steps);
        token = answer.next_page_token;
    }
    assert!(token.is_empty() && whole.steps.len() > 2);
    assert_eq!(steps, whole.steps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_value_of_lots_is_the_ledgers_and_adds_up() {
    let world = World::full().await;
    // In the middle of things, when there is stock; the book of the party with the most lots.
    let through = &BusinessDate::parse("2020-05-20").unwrap();
    let mut books: std::collections::BTreeMap<PartyId, usize> = std::collections::BTreeMap::new();
    for value in LEDGER.valuation(None, *through).lots {
        *books.entry(value.book.id).or_default() += 1;
    }
    let owner = books.into_iter().max_by_key(|(_, lots)| *lots).unwrap().0;
    let ask = |page_token: String, place_id: String| pb::ListLotValuesRequest {
        party_id: owner.to_string(),
        page_size: 50,
        page_token,
        place_id,
        through: through.to_string(),
        ..Default::default()
    };
    let (mut rows, mut token) = (Vec::new(), String::new());
    let last = loop {
        let answer = world.ledger().list_lot_values(ask(token, String::new())).await.unwrap().into_inner();
        rows.extend(answer.rows.clone());
        token = answer.next_page_token.clone();
        if token.is_empty() {
            break answer;
        }
    };
    let query = ValuationQuery { book: Some(owner), lot: None, product: None, through: *through, as_of: None };
    let expected = LEDGER.valuation_of(&query, |_| true);
    assert!(expected.lots.len() > 3, "{} lots", expected.lots.len());
    assert_eq!(rows.len(), expected.lots.len() + expected.memoranda.len());
    let stock = |row: &pb::LotValue| row.stock.iter().map(|part| part.value_fen).sum::<i64>();
    for value in &expected.lots {
        let row = rows.iter().find(|row| row.lot_id == value.lot.to_string() && row.cost_fen != 0).unwrap();
        assert_eq!((row.cost_fen, row.cost_of_sales_fen, row.loss_fen), (value.cost, value.cost_of_sales, value.loss));
        assert_eq!(row.cost_fen, row.cost_of_sales_fen + row.loss_fen + stock(row));
    }
    let sum = |of: fn(&pb::LotValue) -> i64| rows.iter().map(of).sum::<i64>();
    assert_eq!(
        (last.cost_of_sales_fen, last.loss_fen, last.stock_fen, last.memorandum_fen),
        (
            sum(|row| row.cost_of_sales_fen),
            sum(|row| row.loss_fen),
            rows.iter().map(stock).sum(),
            sum(|r| r.memorandum_fen)
        )
    );
    let places = rows.iter().flat_map(|row| &row.stock).filter_map(|part| part.place.as_ref().map(|at| at.id.clone()));
    let places: std::collections::BTreeSet<String> = places.collect();
    let mut by_place = 0;
    for place in &places {
        let answer = world.ledger().list_lot_values(ask(String::new(), place.clone())).await.unwrap().into_inner();
        assert_eq!((answer.cost_of_sales_fen, answer.memorandum_fen), (0, 0));
        by_place += answer.stock_fen;
    }
    let placeless = rows.iter().flat_map(|row| &row.stock).filter(|part| part.place.is_none());
    assert_eq!(by_place + placeless.map(|part| part.value_fen).sum::<i64>(), last.stock_fen);
    assert!(!places.is_empty() && by_place > 0, "{} rows in {} places", rows.len(), places.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_shows_what_is_derived_beside_what_is_posted() {
    let world = World::full().await;
    let coop = party(PartyKind::Cooperative);
    let ask = |month: &str, derived| pb::GetStatementRequest {
        party_id: coop.to_string(),
        month: month.into(),
        page_size: 1,
        derived,
        ..Default::default()
    };
    let get = async |request| world.ledger().get_statement(request).await.unwrap().into_inner();
    assert_eq!(get(ask("2020-05", false)).await.derived, []);
    let (april, may) = (get(ask("2020-04", true)).await, get(ask("2020-05", true)).await);
    let number = |row: &pb::DerivedAmount| row.account.as_ref().unwrap().number.clone();
    let closing = |rows: &[pb::DerivedAmount], of: &str| {
        rows.iter().find(|row| number(row) == of).map_or(0, |row| row.closing_fen)
    };
    for answer in [&april, &may] {
        let sum = |of: fn(&pb::DerivedAmount) -> i64| answer.derived.iter().map(of).sum::<i64>();
        assert_eq!((sum(|r| r.opening_fen), sum(|r| r.movement_fen), sum(|r| r.closing_fen)), (0, 0, 0));
    }
    for row in &may.derived {
        assert_eq!(row.opening_fen, closing(&april.derived, &number(row)), "{row:?}");
    }
    // Posted 1401 holds every direct cost; with what is derived it is the value of the stock.
    let through = Month::parse("2020-05").unwrap().last_day();
    let query = ValuationQuery { book: Some(coop), lot: None, product: None, through, as_of: None };
    let expected = LEDGER.valuation_of(&query, |_| true);
    let posted = may.closing.iter().find(|row| row.account.as_ref().unwrap().number == "1401").unwrap().amount_fen;
    let in_1401 = expected.lots.iter().filter_map(|value| value.stock.get(&Account::Goods)).sum::<i64>();
    assert_eq!(posted + closing(&may.derived, "1401"), in_1401);
    let cost_of_sales = expected.lots.iter().map(|value| value.cost_of_sales).sum::<i64>();
    assert!(cost_of_sales > 0);
    assert_eq!(closing(&may.derived, "6401"), cost_of_sales);
    assert_eq!(closing(&may.derived, "1321"), expected.memoranda.iter().map(|memo| memo.amount).sum::<i64>());
    assert_eq!(closing(&may.derived, "2314"), -closing(&may.derived, "1321"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn value_added_and_targets_are_given_where_they_mean_something() {
    let world = World::full().await;
    let get = async |request| world.loops().get_loop(request).await.unwrap().into_inner();
    let plain = get(pb::GetLoopRequest::default()).await;
    assert!(plain.products.iter().all(|row| row.value_added.is_none()));
    assert_eq!((plain.target_year, plain.targets.len()), (2020, 5));
    let answer = get(pb::GetLoopRequest { value_added: true, ..Default::default() }).await;
    let added: Vec<_> = answer.products.iter().map(|row| row.value_added.unwrap()).collect();
    assert!(added.iter().any(|added| added.value_added_fen != 0));
    assert!(added.iter().all(|added| added.sales_fen - added.input_cost_fen == added.value_added_fen));
    let township = get(pb::GetLoopRequest { division_code: "654224202".into(), ..Default::default() }).await;
    assert_eq!((township.target_year, township.targets), (0, Vec::new()), "the plan sets nothing for a township");
    let county = get(pb::GetLoopRequest { division_code: "654224".into(), ..Default::default() }).await;
    assert_eq!(county.targets, plain.targets);
    let stations: i64 = {
        let request = pb::ListLoopFactsRequest {
            figure: pb::LoopFigure::Stations.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let facts = world.loops().list_loop_facts(request).await.unwrap().into_inner().facts;
        assert!(facts.iter().all(|fact| !fact.subject.as_ref().unwrap().label.is_empty()));
        facts.iter().map(|fact| fact.quantity).sum()
    };
    assert_eq!(stations, i64::from(plain.coverage.unwrap().active));
    assert!(LEDGER.knows_lot(LotId::parse(&first_lot(&world).await).unwrap(), None));
}

async fn first_lot(world: &World) -> String {
    let request =
        pb::ListLotValuesRequest { party_id: party(PartyKind::Cooperative).to_string(), ..Default::default() };
    world.ledger().list_lot_values(request).await.unwrap().into_inner().rows[0].lot_id.clone()
}
