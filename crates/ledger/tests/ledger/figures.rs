//! Every figure is the sum of the facts that can be listed for it, over random windows, divisions and products.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_dice::Dice;
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::county::County;
use crate::views::{months, worlds};
use crate::world::{HOME, division};

const SCOPES: [Scope; 4] = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];

/// What the facts of a figure add up to; each fact stands once, within the heads.
fn sum(ledger: &Ledger, query: &LoopQuery, figure: LoopFigure) -> (i64, i64) {
    let facts = ledger.loop_facts(query, figure);
    let at: BTreeSet<FactRef> = facts.iter().map(|fact| fact.at).collect();
    assert_eq!(at.len(), facts.len(), "{figure:?}");
    assert!(facts.is_sorted_by_key(|fact| (fact.date, fact.at)), "{figure:?}");
    facts.iter().fold((0, 0), |sum, fact| (sum.0 + fact.quantity, sum.1 + fact.value))
}

fn subjects(ledger: &Ledger, query: &LoopQuery, figure: LoopFigure) -> BTreeSet<[u8; 16]> {
    let facts = ledger.loop_facts(query, figure);
    let subjects = facts.iter().map(|fact| match fact.subject.unwrap() {
        Subject::Station(station) => station.0,
        Subject::Seller(seller) => seller.0,
    });
    subjects.collect()
}

/// Every figure of one product line.
fn check_product(ledger: &Ledger, query: &LoopQuery, line: &ProductLoop) {
    use GoodsAccount as G;
    use LoopFigure as F;
    let quantity = |figure| sum(ledger, query, figure).0;
    let value = |figure| sum(ledger, query, figure).1;
    for account in [G::Supply, G::BoughtIn, G::Produced, G::Found] {
        assert_eq!(quantity(F::Flow(account)), -line.movement(account), "{account:?} {query:?}");
    }
    for account in [G::Returned, G::Lost, G::OwnUse, G::Transformed] {
        assert_eq!(quantity(F::Flow(account)), line.movement(account), "{account:?} {query:?}");
    }
    let states: Vec<G> = G::ALL.into_iter().filter(|account| account.is_stock()).collect();
    for state in &states {
        assert_eq!(quantity(F::ClosingStock(Some(*state))), line.closing(*state), "{state:?} {query:?}");
    }
    assert_eq!(quantity(F::OpeningStock), states.iter().map(|state| line.opening(*state)).sum::<i64>());
    assert_eq!(quantity(F::ClosingStock(None)), states.iter().map(|state| line.closing(*state)).sum::<i64>());
    for (at, scope) in SCOPES.into_iter().enumerate() {
        assert_eq!(quantity(F::Sold(Some(scope))), line.movement(G::Sold(scope)), "{scope:?} {query:?}");
        assert_eq!(sum(ledger, query, F::Sales(Some(scope))), (line.fulfilled[at], line.sales[at]));
        let county = LoopQuery { division: query.division.or(Some(HOME.into())), ..*query };
        if query.division.is_none_or(|asked| asked.county() == HOME) {
            assert_eq!(sum(ledger, &county, F::Sold(Some(scope))).0, line.county_sold[at], "{scope:?} {query:?}");
            assert_eq!(sum(ledger, &county, F::Sales(Some(scope))).1, line.county_sales[at], "{scope:?} {query:?}");
        }
    }
    assert_eq!(quantity(F::Sold(None)), line.sold());
    assert_eq!(value(F::Purchases), line.purchases);
    assert_eq!(value(F::BoughtInValue), line.bought_in_value);
    assert_eq!(value(F::SettledNet), line.settled_net);
    assert_eq!(sum(ledger, query, F::PaidToProducers), (line.delay.payments, line.delay.amount));
    assert_eq!(sum(ledger, query, F::PaymentDays), (line.delay.days, line.delay.amount_days));
}

/// Every figure of money and of stations.
fn check_sums(ledger: &Ledger, measures: &LoopMeasures) {
    use LoopFigure as F;
    let query = &measures.query;
    let value = |figure| sum(ledger, query, figure).1;
    assert_eq!(value(F::Sales(None)), measures.money.final_sales, "{query:?}");
    assert_eq!(value(F::GrossFlow), measures.money.gross_flow, "{query:?}");
    assert_eq!(value(F::PaidOut(Payees::All)), measures.money.paid_out, "{query:?}");
    assert_eq!(value(F::PaidOut(Payees::County)), measures.money.paid_in_county, "{query:?}");
    assert_eq!(sum(ledger, query, F::PaidToProducers), (measures.delay.payments, measures.delay.amount));

    let stations = subjects(ledger, query, F::Stations);
    let coverage = &measures.coverage;
    assert_eq!(stations, coverage.stations.iter().map(|station| station.station.0).collect(), "{query:?}");
    let moved = |way| subjects(ledger, query, F::Coverage(Some(way)));
    let covered = moved(Way::Up).intersection(&moved(Way::Down)).filter(|at| stations.contains(*at)).count();
    assert_eq!(covered, coverage.covered(), "{query:?}");
    let all = sum(ledger, query, F::Coverage(None)).0;
    assert_eq!(
        all,
        sum(ledger, query, F::Coverage(Some(Way::Up))).0 + sum(ledger, query, F::Coverage(Some(Way::Down))).0
    );
}

fn random_query(dice: &mut Dice, months: &[Month], products: &[ProductId]) -> LoopQuery {
    let (a, b) = (dice.one_of(months), dice.one_of(months));
    let places = ["654224202207", "654224100001", "654224202", "654224", "650102", "654224201206", "654224103"];
    let division = if dice.between(0, 3) == 0 { None } else { Some(division(dice.one_of(&places))) };
    let product = if dice.between(0, 2) == 0 { None } else { Some(dice.one_of(products)) };
    let edition = dice.one_of(&[Edition::FIRST, Edition::LATEST]);
    LoopQuery { division, product, from: a.min(b), to: a.max(b), edition }
}

fn check(ledger: &Ledger, seed: u64, months: &[Month], products: &[ProductId]) {
    let mut dice = Dice::new(seed);
    for round in 0..12 {
        let query = random_query(&mut dice, months, products);
        eprintln!("seed {seed} round {round}: {query:?}");
        let measures = ledger.loop_measures(query);
        check_sums(ledger, &measures);
        for line in &measures.products {
            check_product(ledger, &LoopQuery { product: Some(line.product), ..query }, line);
        }
    }
}

#[test]
fn every_figure_is_the_sum_of_its_facts_in_hand_written_histories() {
    for (seed, world, _, ledger) in worlds() {
        check(&ledger, seed, &months(&world), &world.products);
    }
}

#[test]
fn every_figure_is_the_sum_of_its_facts_in_histories_that_the_services_decide() {
    for seed in 0..4 {
        let streams = County::random(seed, 400);
        let mut ledger = Ledger::new(HOME, Concerns::SERVICES);
        streams.iter().flatten().for_each(|commit| ledger.apply(commit).unwrap());
        let products: Vec<ProductId> = ledger.products().iter().map(|product| product.id).collect();
        let from = Month::parse("2020-03").unwrap().index();
        let months: Vec<Month> = (from..from + 20).map(|index| Month::from_index(index).unwrap()).collect();
        check(&ledger, seed, &months, &products);
        let whole =
            LoopQuery { division: None, product: None, from: months[0], to: months[19], edition: Edition::FIRST };
        let online = subjects(&ledger, &whole, LoopFigure::OnlineSales);
        let sellers = ledger.online_sellers(months[0], months[19]);
        assert!(!sellers.is_empty(), "seed {seed}: the channel is an online one");
        assert_eq!(online, sellers.iter().map(|seller| seller.0).collect(), "seed {seed}");
        assert_eq!(sum(&ledger, &whole, LoopFigure::OnlineSales), sum(&ledger, &whole, LoopFigure::Sales(None)));
    }
}

fn at(month: &str) -> Month {
    Month::parse(month).unwrap()
}

/// The plan speaks of the county and of years: for less there are no targets, and a longer window changes none.
#[test]
fn targets_are_those_of_the_county_in_the_year_of_the_windows_end() {
    for (seed, world, _, ledger) in worlds() {
        let ask = |place: Option<&str>, product, from: &str, to: &str| {
            ledger
                .loop_measures(LoopQuery {
                    division: place.map(division),
                    product,
                    from: at(from),
                    to: at(to),
                    edition: Edition::FIRST,
                })
                .targets
        };
        for (place, product) in [
            (Some("654224202"), None),
            (Some("654224202207"), None),
            (Some("650102"), None),
            (None, Some(world.products[0])),
            (Some("654224"), Some(world.products[0])),
        ] {
            assert_eq!(ask(place, product, "2020-01", "2020-12"), None, "seed {seed} {place:?}");
        }
        for year in ["2019", "2020", "2021"] {
            let (january, december) = (format!("{year}-01"), format!("{year}-12"));
            let targets = ask(None, None, &january, &december).unwrap();
            assert_eq!(targets.year.to_string(), year);
            for (place, from, to) in [(Some("654224"), "2000-01", format!("{year}-02")), (None, "2018-05", january)] {
                assert_eq!(ask(place, None, from, &to), Some(targets.clone()), "seed {seed} {to}");
            }
            let (from, to) = (at(&format!("{year}-01")), at(&december));
            let query = LoopQuery { division: None, product: None, from, to, edition: Edition::FIRST };
            let actual: BTreeMap<&str, i64> = targets.targets.iter().map(|t| (t.kind.as_str(), t.actual)).collect();
            assert_eq!(actual["turnover"], sum(&ledger, &query, LoopFigure::Sales(None)).1, "seed {seed}");
            let stations = ledger.loop_facts(&query, LoopFigure::Stations);
            let villages: BTreeSet<DivisionCode> = stations.iter().filter_map(|fact| fact.division).collect();
            assert_eq!(actual["villages"], villages.len() as i64, "seed {seed}");
            assert_eq!(actual["online_sellers"], subjects(&ledger, &query, LoopFigure::OnlineSales).len() as i64);
        }
    }
}

#[test]
fn every_balance_is_the_sum_of_the_lines_that_can_be_posted_again() {
    for (seed, world, _, ledger) in worlds() {
        let through = world.day.month();
        let mut journal = Journal::new();
        let lines: Vec<StatementLine> =
            world.all.iter().flat_map(|commit| posted_lines(None, commit, &mut journal)).collect();
        for party in [world.coop, world.firm, world.carrier, world.households[0].0] {
            let mut sums: BTreeMap<(Account, Counterparty), i64> = BTreeMap::new();
            for line in lines.iter().filter(|line| line.book == party.id) {
                *sums.entry((line.account, line.counterparty)).or_default() += line.amount;
            }
            sums.retain(|_, sum| *sum != 0);
            let balances = ledger.balances(party.id, through);
            let found: BTreeMap<_, _> = balances.iter().map(|b| ((b.account, b.counterparty), b.amount)).collect();
            assert_eq!(found, sums, "seed {seed}");
        }
    }
}
