//! Every fact balances in every book and for every product, and says what the table of postings says.

use std::collections::BTreeMap;

use loopledger_dice::Dice;
use loopledger_domain::sales::Event as Sales;
use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::*;

use crate::naive::Naive;
use crate::world::{World, division, per_kilogram};

#[test]
fn random_histories_balance_after_each_commit_and_both_sides_agree() {
    for seed in 0..40 {
        let world = World::random(seed, 120);
        let mut naive = Naive::default();
        let mut journal = Journal::new();
        for commit in &world.all {
            assert_eq!(check_with(commit, &mut journal), Ok(()), "seed {seed}");
            for entry in journal.entries() {
                let mut books: BTreeMap<PartyId, i64> = BTreeMap::new();
                journal.money(entry).iter().for_each(|line| *books.entry(line.book.id).or_default() += line.amount);
                let mut products: BTreeMap<ProductId, i64> = BTreeMap::new();
                journal.goods(entry).iter().for_each(|l| *products.entry(l.product).or_default() += l.quantity);
                assert!(books.values().chain(products.values()).all(|sum| *sum == 0), "seed {seed}: {entry:?}");
                assert!(journal.money(entry).iter().all(|line| line.book.kind.has_book() && line.amount != 0));
            }
            naive.read(commit);
            naive.pair_equations_hold();
        }
        let negative: Vec<_> = stock_by_cell(&naive).into_iter().filter(|(_, quantity)| *quantity < 0).collect();
        assert!(negative.is_empty(), "seed {seed}: {negative:?}");
    }
}

fn stock_by_cell(naive: &Naive) -> BTreeMap<(LotId, u16, GoodsAt), i64> {
    let mut sums = BTreeMap::new();
    for ((lot, pool, _, at, _), quantity) in naive.goods.iter().filter(|((_, _, _, at, _), _)| at.account.is_stock()) {
        *sums.entry((*lot, *pool, *at)).or_default() += quantity;
    }
    sums
}

/// One commit's money lines as `book account counterparty amount`, with short names.
fn money(world: &World, commit: &Commit) -> Vec<String> {
    let name = |id: PartyId| {
        let named =
            [(world.coop, "C"), (world.firm, "F"), (world.carrier, "K"), (world.buyer, "B"), (world.supplier, "S")];
        let household = world.households.iter().position(|(party, _)| party.id == id);
        let known = named.iter().find(|(party, _)| party.id == id).map(|(_, name)| (*name).to_owned());
        known.or_else(|| household.map(|n| format!("H{}", n + 1))).unwrap()
    };
    let mut journal = Journal::new();
    post(commit, &mut journal);
    let mut out = Vec::new();
    for entry in journal.entries() {
        for line in journal.money(entry) {
            let against = match line.counterparty {
                Counterparty::None => String::new(),
                Counterparty::Party(id) => format!("[{}]", name(id)),
                Counterparty::Outside(scope) => format!("[{scope:?}]"),
            };
            out.push(format!("{} {}{against} {}", name(line.book.id), line.account.number(), Money(line.amount)));
        }
    }
    out
}

fn all_money(world: &World, from: usize) -> Vec<String> {
    world.all[from..].iter().flat_map(|commit| money(world, commit)).collect()
}

#[test]
fn a_purchase_its_payout_and_the_payouts_failure() {
    let mut world = World::new(1);
    let from = world.all.len();
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(920), contract: None };
    world.collect(world.households[0], terms, world.products[0], 98_000, true);
    world.pay(0);
    world.fail_payout(0);
    assert_eq!(
        all_money(&world, from),
        [
            "C 1401 901.60",
            "C 2202[H1] -901.60",
            "H1 1121[C] 901.60",
            "H1 5001.produce[C] -901.60",
            "C 2202[H1] 901.60",
            "C 1001 -901.60",
            "H1 1001 901.60",
            "H1 1121[C] -901.60",
            "C 2202[H1] -901.60",
            "C 1001 901.60",
            "H1 1001 -901.60",
            "H1 1121[C] 901.60",
        ]
    );
}

#[test]
fn a_coop_that_supplies_earns_sales_not_household_income() {
    let mut world = World::new(2);
    let from = world.all.len();
    let terms = Terms::Outright { buyer: world.firm, price: per_kilogram(100), contract: None };
    world.collect((world.coop, division("654224202207")), terms, world.products[0], 1_000, true);
    assert_eq!(all_money(&world, from), ["F 1401 1.00", "F 2202[C] -1.00", "C 1121[F] 1.00", "C 6001[F] -1.00"]);
}

#[test]
fn freight_is_a_cost_of_own_lots_and_logistics_of_consigned_ones() {
    let mut world = World::new(3);
    let own = Terms::Outright { buyer: world.coop, price: per_kilogram(100), contract: None };
    let consigned = Terms::Commission { consignee: world.coop, commission_bp: 500, price_basis: None, contract: None };
    for (terms, account) in [(own, "1401"), (consigned, "6601")] {
        world.collect(world.households[0], terms, world.products[0], 1_000, true);
        let from = world.all.len();
        world.ship(0, 300, 0, 0);
        let expected =
            [format!("C {account} 3.00"), "C 2203[K] -3.00".into(), "K 1121[C] 3.00".into(), "K 6051[C] -3.00".into()];
        assert_eq!(all_money(&world, from), expected);
        world.shelves.clear();
        world.owed.retain(|owed| owed.payee.kind == PartyKind::Carrier);
        let from = world.all.len();
        world.pay(0);
        assert_eq!(all_money(&world, from), ["C 2203[K] 3.00", "C 1001 -3.00", "K 1001 3.00", "K 1121[C] -3.00"]);
    }
}

#[test]
fn goods_from_outside_are_owed_to_a_supplier_without_a_book() {
    let mut world = World::new(4);
    let from = world.all.len();
    world.buy_in(2_000, per_kilogram(500));
    world.pay(0);
    assert_eq!(all_money(&world, from), ["C 1401 10.00", "C 2202[S] -10.00", "C 2202[S] 10.00", "C 1001 -10.00"]);
}

#[test]
fn a_prepaid_sale_uses_the_prepayment_and_returns_the_rest() {
    let mut world = World::new(5);
    world.buy_in(2_000, per_kilogram(500));
    let from = world.all.len();
    let buyer = BuyerRef { party: Some(world.buyer), ..World::consumer("610102") };
    world.sell(0, 1_000, 800, per_kilogram(1_000), buyer, 1_000);
    assert_eq!(
        all_money(&world, from),
        [
            "C 1001 10.00",
            "C 2131.advance[B] -10.00",
            "C 1121[B] 8.00",
            "C 6001 -8.00",
            "C 2131.advance[B] 8.00",
            "C 1121[B] -8.00",
            "C 2131.advance[B] 2.00",
            "C 1001 -2.00",
        ]
    );
}

#[test]
fn consigned_goods_are_owed_gross_until_they_are_settled() {
    let mut world = World::new(6);
    let terms = Terms::Commission { consignee: world.coop, commission_bp: 500, price_basis: None, contract: None };
    let lot = world.collect(world.households[1], terms, world.products[0], 1_000, true);
    let from = world.all.len();
    world.dice = Dice::new(0);
    world.sell(0, 1_000, 1_000, per_kilogram(2_000), World::consumer("654224202207"), 0);
    world.settle(lot, 50);
    let lines: Vec<String> = all_money(&world, from).into_iter().filter(|line| !line.starts_with("C 1001")).collect();
    let lines: Vec<String> = lines.into_iter().filter(|line| line != "C 1121[County] -20.00").collect();
    assert_eq!(
        lines,
        [
            "C 1121[County] 20.00",
            "C 2314s -20.00",
            "C 2314s 20.00",
            "C 2202[H2] -18.50",
            "C 6051[H2] -1.00",
            "C 6601[H2] -0.50",
            "H2 1121[C] 18.50",
            "H2 5401[C] 1.00",
            "H2 5401[C] 0.50",
            "H2 5001.produce[C] -20.00",
        ]
    );
}

/// One commit's goods as `from -> to quantity`, a cell as `account@place by custodian of owner`.
fn goods(world: &World, commit: &Commit) -> Vec<String> {
    let party = |id: PartyId| {
        let named = [(world.coop, "C"), (world.firm, "F"), (world.carrier, "K")];
        named.iter().find(|(party, _)| party.id == id).map_or("H", |(_, name)| *name)
    };
    let place = |id: PlaceId| {
        let named = [(world.stations[0], "S1"), (world.stations[1], "S2"), (world.centre, "D"), (world.outlet, "O")];
        named.iter().find(|(place, _)| *place == id).unwrap().1
    };
    let cell = |line: &GoodsLine| {
        let way = line.destination.map_or(String::new(), |to| format!(">{}", place(to)));
        let title = match line.title {
            Title::Owned { owner } => party(owner.id).to_owned(),
            Title::Consigned { consignee, .. } => format!("consignors/{}", party(consignee.id)),
        };
        format!("{}@{}{way} by {} of {title}", line.account.as_str(), place(line.place), party(line.custodian))
    };
    let mut journal = Journal::new();
    post(commit, &mut journal);
    let lines = journal.entries().iter().flat_map(|entry| journal.goods(entry).chunks_exact(2));
    lines.map(|pair| format!("{} -> {} {}", cell(&pair[0]), cell(&pair[1]), pair[1].quantity)).collect()
}

fn all_goods(world: &World, from: usize) -> Vec<String> {
    world.all[from..].iter().flat_map(|commit| goods(world, commit)).collect()
}

#[test]
fn bought_goods_are_the_producers_until_they_are_released_or_returned() {
    let mut world = World::new(11);
    let from = world.all.len();
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(100), contract: None };
    world.collect(world.households[0], terms, world.products[0], 700, true);
    world.collect(world.households[0], terms, world.products[0], 300, false);
    assert_eq!(
        all_goods(&world, from),
        [
            "supply@S1 by F of H -> pending@S1 by F of H 700",
            "pending@S1 by F of H -> on_hand@S1 by F of C 700",
            "supply@S1 by F of H -> pending@S1 by F of H 300",
            "pending@S1 by F of H -> returned@S1 by F of H 300",
        ]
    );
}

#[test]
fn consigned_goods_move_with_their_title_and_what_is_missing_stays_in_transit() {
    let mut world = World::new(12);
    let from = world.all.len();
    let terms = Terms::Commission { consignee: world.coop, commission_bp: 500, price_basis: None, contract: None };
    world.collect(world.households[0], terms, world.products[0], 1_000, true);
    world.ship(0, 0, 30, 20);
    world.ship(0, 0, 0, 0);
    let on = if world.shelves[0].place == world.outlet { "O" } else { "S2" };
    let (way, there) = (format!("in_transit@D>{on} by K"), format!("on_hand@{on} by F"));
    assert_eq!(
        all_goods(&world, from),
        [
            "supply@S1 by F of consignors/C -> on_hand@S1 by F of consignors/C 1000".to_owned(),
            "on_hand@S1 by F of consignors/C -> in_transit@S1>D by K of consignors/C 1000".to_owned(),
            "in_transit@S1>D by K of consignors/C -> on_hand@D by F of consignors/C 950".to_owned(),
            "in_transit@S1>D by K of consignors/C -> quarantined@D by F of consignors/C 20".to_owned(),
            format!("on_hand@D by F of consignors/C -> {way} of consignors/C 950"),
            format!("{way} of consignors/C -> {there} of consignors/C 950"),
        ]
    );
}

#[test]
fn an_issue_takes_what_was_reserved_more_from_stock_and_gives_back_the_rest() {
    let mut world = World::new(13);
    world.buy_in(1_000, per_kilogram(500));
    let from = world.all.len();
    world.sell(0, 300, 200, per_kilogram(1_000), World::consumer("610102"), 0);
    world.sell(0, 300, 350, per_kilogram(1_000), World::consumer("654224202207"), 0);
    assert_eq!(
        all_goods(&world, from),
        [
            "on_hand@D by F of C -> reserved@D by F of C 300",
            "reserved@D by F of C -> sold_outside@D by F of C 200",
            "reserved@D by F of C -> on_hand@D by F of C 100",
            "on_hand@D by F of C -> reserved@D by F of C 300",
            "on_hand@D by F of C -> reserved@D by F of C 50",
            "reserved@D by F of C -> sold_county@D by F of C 350",
        ]
    );
}

#[test]
fn an_entry_that_does_not_balance_goes_to_suspense_and_is_refused() {
    let mut world = World::new(7);
    world.buy_in(2_000, per_kilogram(500));
    world.sell(0, 1_000, 1_000, per_kilogram(1_000), World::consumer("610102"), 0);
    let mut commit =
        world.all.iter().rfind(|c| matches!(c.events[0], Event::Sales(Sales::OrderFulfilled(_)))).unwrap().clone();
    let Event::Sales(Sales::OrderFulfilled(fact)) = &mut commit.events[0] else { unreachable!() };
    fact.parts[0].amount.0 -= 1;
    assert_eq!(money(&world, &commit), ["C 1121[Outside] 10.00", "C 6001 -9.99", "C 9999 -0.01"]);
    let exception = Exception::Money { event: 0, book: world.coop, amount: 1 };
    assert_eq!(check(&commit), Err(Unbalanced { exceptions: vec![exception] }));
    let mut ledger = Ledger::new(CountyCode::TUOLI, Concerns::NONE);
    commit.sequence = 1;
    ledger.apply(&commit).unwrap();
    assert_eq!(ledger.exception_count(), 1);
    assert_eq!(ledger.exceptions()[0].exception, exception);
}

#[test]
fn a_sale_to_a_party_with_a_book_is_refused_because_its_half_is_missing() {
    let mut world = World::new(8);
    world.buy_in(2_000, per_kilogram(500));
    let buyer = BuyerRef { party: Some(world.firm), ..World::consumer("654224202207") };
    world.sell(0, 1_000, 1_000, per_kilogram(1_000), buyer, 0);
    assert!(world.all.iter().any(|commit| check(commit).is_err()));
}
