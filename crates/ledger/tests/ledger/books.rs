//! Statements, valuation, traces and the directory against a full scan of the journal.

use std::collections::BTreeMap;

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::interleaving::in_order;
use crate::views::{months, worlds};
use crate::world::{World, division};

#[test]
fn statements_reposted_from_their_commits_are_the_journals_lines() {
    for (seed, world, naive, ledger) in worlds() {
        let all = months(&world);
        let find = |refs: &[FactRef]| -> Vec<&Commit> {
            refs.iter()
                .map(|at| &world.streams[at.service.index()][usize::try_from(at.sequence).unwrap() - 1])
                .collect()
        };
        let recorded = |at: &FactRef| BusinessDate::of(find(std::slice::from_ref(at))[0].recorded_at);
        let cut = recorded(&naive.lines[naive.lines.len() / 2].0);
        for party in [world.households[0].0.id, world.coop.id, world.firm.id] {
            for (month, as_of) in all.iter().flat_map(|month| [(*month, None), (*month, Some(cut))]) {
                let commits = ledger.statement_commits(party, month, as_of).unwrap();
                let statement =
                    statement_from(party, month, &commits, find(&commits.month), find(&commits.opening_too_new));
                let mine = || {
                    naive
                        .lines
                        .iter()
                        .filter(|(at, _, book, _)| book.id == party && as_of.is_none_or(|day| recorded(at) <= day))
                };
                let mut opening: BTreeMap<Account, i64> = BTreeMap::new();
                for (_, _, _, line) in mine().filter(|(_, date, ..)| date.month() < month) {
                    *opening.entry(line.account).or_default() += line.amount;
                }
                opening.retain(|_, amount| *amount != 0);
                assert_eq!(statement.opening, opening, "seed {seed} {month} {as_of:?}");
                let mut expected: Vec<_> = mine()
                    .filter(|(_, date, ..)| date.month() == month)
                    .map(|(at, date, _, line)| (*date, *at, line.account, line.amount))
                    .collect();
                expected.sort();
                let mut found: Vec<_> = statement.lines.iter().map(|l| (l.date, l.at, l.account, l.amount)).collect();
                found.sort();
                assert_eq!(found, expected, "seed {seed} {month} {as_of:?}");
                let sum: i64 = statement.closing.values().sum();
                assert_eq!(sum, 0, "a book balances");
            }
        }
    }
}

#[test]
fn valuation_takes_every_direct_cost_and_posts_balanced() {
    for (seed, world, naive, ledger) in worlds() {
        let valuation = ledger.valuation(None, world.day);
        let expected: BTreeMap<(PartyId, LotId), i64> =
            naive.cost.iter().filter(|(_, c)| **c != 0).map(|(k, c)| (*k, *c)).collect();
        let found: BTreeMap<_, _> = valuation.lots.iter().map(|v| ((v.book.id, v.lot), v.cost)).collect();
        assert_eq!(found, expected, "seed {seed}");
        for value in &valuation.lots {
            assert_eq!(value.cost, value.cost_of_sales + value.loss + value.stock.values().sum::<i64>(), "seed {seed}");
            for (account, fen) in &value.stock {
                let here = value.places.iter().filter(|part| part.account == *account);
                assert_eq!(here.map(|part| part.value).sum::<i64>(), *fen, "seed {seed} {account:?}");
            }
        }
        let query = ValuationQuery { book: None, lot: None, product: None, through: world.day, as_of: None };
        for book in [world.coop, world.firm] {
            let of_book = ledger.valuation_of(&ValuationQuery { book: Some(book.id), ..query }, |_| true);
            let expected: Vec<_> = valuation.lots.iter().filter(|value| value.book == book).cloned().collect();
            let memoranda: Vec<_> = valuation.memoranda.iter().filter(|memo| memo.consignee == book).cloned().collect();
            assert_eq!((of_book.lots, of_book.memoranda), (expected, memoranda), "seed {seed}");
        }
        let parts = world.products.iter().map(|product| {
            ledger.valuation_of(&ValuationQuery { product: Some(*product), ..query }, |_| true).lots.len()
        });
        assert_eq!(parts.sum::<usize>(), valuation.lots.len(), "seed {seed}: each lot is of one product");
        assert_eq!(ledger.valuation_of(&query, |_| false), Valuation::default(), "nothing known, nothing valued");
        let mut journal = Journal::new();
        valuation.post(world.day, &mut journal);
        assert!(journal.exceptions().is_empty() && journal.entries().iter().all(|entry| entry.derived));
    }
}

#[test]
fn orders_trace_back_to_lots_and_lots_carry_their_sales() {
    for (seed, world, _, ledger) in worlds() {
        for event in world.all.iter().flat_map(|commit| &commit.events) {
            if let Event::Sales(sales::Event::OrderFulfilled(fact)) = event {
                let steps = ledger.trace_order(fact.order);
                let fulfilled = steps.iter().find(|step| step.step == OrderStep::Fulfilled).unwrap();
                assert_eq!(fulfilled.lots, [fact.parts[0].stock.lot], "seed {seed}");
                assert!(steps.iter().any(|step| step.step == OrderStep::Placed));
                let trace = ledger.trace_lot(fulfilled.lots[0]).unwrap();
                assert!(
                    trace.steps.iter().any(
                        |step| matches!(step.record, LotStepKind::Sold { order, .. } if order == Some(fact.order))
                    )
                );
            }
        }
    }
}

#[test]
fn households_are_shown_as_they_were_on_the_day() {
    use procurement::{
        Event as P, HouseholdCategoryChanged, HouseholdRelocated, MemberJoined, MemberLeft, MemberSince,
    };
    let mut world = World::new(5);
    let (home, away) = (division("654224202207"), division("654224100001"));
    let start = world.day;
    let household = world.household(home, 3);
    let occasion = world.occasion(home);
    let (member, id) = (MemberId(world.id()), household.id);
    let since = MemberSince { member, relation: Relation::Child, from: start.plus_days(10) };
    world.procurement(P::MemberJoined(MemberJoined { occasion, household: id, member: since }), None);
    world.procurement(P::MemberLeft(MemberLeft { occasion, household: id, member, from: start.plus_days(30) }), None);
    let category = HouseholdCategory::Exited;
    let from = start.plus_days(20);
    world.procurement(
        P::HouseholdCategoryChanged(HouseholdCategoryChanged { occasion, household: id, category, from }),
        None,
    );
    world
        .procurement(P::HouseholdRelocated(HouseholdRelocated { occasion, household: id, division: away, from }), None);
    let ledger = in_order(&world);
    let seen = |days| {
        let view = ledger.party(id, start.plus_days(days), None).unwrap();
        (view.members, view.category.unwrap(), view.division.unwrap())
    };
    assert_eq!(seen(0), (3, HouseholdCategory::RegisteredPoor, home));
    assert_eq!(seen(10), (4, HouseholdCategory::RegisteredPoor, home));
    assert_eq!(seen(20), (4, HouseholdCategory::Exited, away));
    assert_eq!(seen(30), (3, HouseholdCategory::Exited, away));
    assert_eq!(ledger.party(world.coop.id, start, None).unwrap().label, "合作社");
}

/// Windows add up, whatever order prices, sales and settlements come in, and villages add up to all.
#[test]
fn value_added_of_windows_and_divisions_adds_up() {
    for (seed, world, _, ledger) in worlds() {
        let all = months(&world);
        let sums = |query: &LoopQuery| {
            ledger
                .value_added(query)
                .values()
                .fold((0, 0), |sum, added| (sum.0 + added.sales, sum.1 + added.input_cost))
        };
        let whole =
            LoopQuery { division: None, product: None, from: all[0], to: all[all.len() - 1], edition: Edition::FIRST };
        let expected = sums(&whole);
        assert!(expected.0 != 0 && expected.1 > 0, "seed {seed}");
        let by_month = all.iter().map(|month| sums(&LoopQuery { from: *month, to: *month, ..whole }));
        assert_eq!(by_month.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1)), expected, "seed {seed}");
        let parts = ["654224", "650102"].map(|at| sums(&LoopQuery { division: Some(division(at)), ..whole }));
        assert_eq!(parts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1)), expected, "seed {seed}");
        // Freight apart, what own goods cost is the cost of sales, and consigned goods cost what was settled.
        let settled = ledger.loop_measures(whole).products.iter().map(|line| line.settled_net).sum::<i64>();
        let own = ledger.valuation(None, world.day).lots.iter().map(|value| value.cost_of_sales).sum::<i64>();
        assert!(expected.1 >= settled && expected.1 <= settled + own, "seed {seed}: {expected:?} {settled} {own}");
    }
}
