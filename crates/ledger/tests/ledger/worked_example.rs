//! A worked example in figures, from the receipt to the payout: no merge, no processing, no refund.

use loopledger_domain::Terms;
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::interleaving::in_order;
use crate::world::{World, per_kilogram};

fn year() -> IncomeQuery {
    let day = |text| BusinessDate::parse(text).unwrap();
    IncomeQuery { from: day("2020-01-01"), to: day("2020-12-31"), as_of: None, edition: Edition::FIRST }
}

#[test]
fn h1_outright_is_recognised_at_901_60_and_received_when_paid() {
    let mut world = World::new(1);
    let (h1, _) = world.households[0];
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(920), contract: None };
    let lot = world.collect(world.households[0], terms, world.products[0], 98_000, true);
    let income = in_order(&world).household_income(h1.id, year()).unwrap();
    assert_eq!((income.total.gross, income.total.cost, income.total.received), (90_160, 0, 0));
    world.pay(0);
    let ledger = in_order(&world);
    let income = ledger.household_income(h1.id, year()).unwrap();
    assert_eq!((income.total.net(), income.total.received), (90_160, 90_160));
    assert_eq!(income.net_per_head(), Some((90_160 * 2 / i64::from(income.household.members) + 1) / 2));
    let lines = ledger.income_lines(h1.id, year(), &IncomeFilter::default());
    assert_eq!(lines.len(), 2);
    assert!(
        lines.iter().all(|line| line.lot == Some(lot) && line.receipt.is_some() && line.basis == Some(Basis::Outright))
    );
}

#[test]
fn h2_on_commission_nets_1335_70_of_1406_00() {
    let mut world = World::new(2);
    let (h2, _) = world.households[1];
    let terms = Terms::Commission {
        consignee: world.coop,
        commission_bp: 500,
        price_basis: Some(per_kilogram(920)),
        contract: None,
    };
    let lot = world.collect(world.households[1], terms, world.products[0], 98_000, true);
    // 95 packs of 500 g at 14.80.
    world.sell(0, 47_500, 47_500, per_kilogram(2_960), World::consumer("654224202207"), 0);
    assert_eq!(in_order(&world).household_income(h2.id, year()).unwrap().total, IncomeSums::default(), "nothing yet");
    world.settle(lot, 0);
    let ledger = in_order(&world);
    let income = ledger.household_income(h2.id, year()).unwrap();
    assert_eq!((income.total.gross, income.total.cost, income.total.net()), (140_600, 7_030, 133_570));
    assert_eq!(income.by_basis[&Some(Basis::Commission)].net(), 133_570);
    let month = Month::parse("2020-04").unwrap();
    let owed = ledger.balances(world.coop.id, month);
    let payable = owed.iter().find(|balance| balance.account == Account::Payable).unwrap();
    assert_eq!((payable.counterparty, payable.amount), (Counterparty::Party(h2.id), -133_570));
    let measures = ledger.loop_measures(LoopQuery {
        division: Some(CountyCode::TUOLI.into()),
        product: None,
        from: month,
        to: month,
        edition: Edition::FIRST,
    });
    assert_eq!(measures.money.closed_loop_value_bp(), Some(10_000), "all that was sold was sold in the county");
    assert_eq!(measures.money.final_sales, 140_600);
}

#[test]
fn agreed_price_is_recognised_at_80_00_whatever_it_was_sold_for() {
    let mut world = World::new(3);
    let (producer, _) = world.households[2];
    let terms = Terms::AgreedPrice { consignee: world.coop, price: per_kilogram(800), contract: None };
    let lot = world.collect(world.households[2], terms, world.products[0], 10_000, true);
    let memo = in_order(&world).valuation(Some(lot), world.day).memoranda;
    assert_eq!(memo.len(), 1);
    assert_eq!((memo[0].amount, memo[0].producer, memo[0].consignee), (8_000, producer, world.coop));
    // 251.60 for all of it.
    world.sell(0, 10_000, 10_000, per_kilogram(2_516), World::consumer("654224202207"), 0);
    world.settle(lot, 0);
    let ledger = in_order(&world);
    let income = ledger.household_income(producer.id, year()).unwrap();
    assert_eq!((income.total.gross, income.total.cost), (8_000, 0));
    let margin = ledger.balances(world.coop.id, world.day.month());
    assert_eq!(margin.iter().find(|b| b.account == Account::Margin).map(|b| b.amount), Some(-17_160));
    assert!(ledger.valuation(Some(lot), world.day).memoranda.is_empty(), "memorandum back to nil");
}

#[test]
fn own_goods_carry_their_cost_to_sales_transit_and_stock() {
    let mut world = World::new(4);
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(920), contract: None };
    let lot = world.collect(world.households[0], terms, world.products[0], 98_000, true);
    world.ship(0, 1_000, 1_000, 0);
    world.sell(0, 47_500, 47_500, per_kilogram(2_960), World::consumer("654224202207"), 0);
    let ledger = in_order(&world);
    let valuation = ledger.valuation(Some(lot), world.day);
    let value = &valuation.lots[0];
    // 901.60 + 10.00 freight over 98,000 g: 47,500 sold, 1,000 missing on the way, 49,500 on hand.
    assert_eq!((value.cost, value.cost_of_sales), (91_160, 44_185));
    assert_eq!(value.stock[&Account::GoodsInTransit], 930);
    assert_eq!(value.stock[&Account::Goods], 91_160 - 44_185 - 930);
    let mut journal = Journal::new();
    valuation.post(world.day, &mut journal);
    assert!(journal.exceptions().is_empty() && journal.entries().iter().all(|entry| entry.derived));
}

/// 47.5 kg of H1's lot brought 1,406.00 and had cost 437.00; H2's settlement kept 70.30 of 1,406.00; the agreed-price lot
/// brought 251.60 and its producer 80.00. Freight is in none of it.
#[test]
fn value_added_is_what_goods_brought_beyond_what_their_producers_got() {
    let price = per_kilogram(920);
    let added = |terms: Terms, grams: i64, sold: i64, at: UnitPrice, freight: i64| {
        let mut world = World::new(5);
        let lot = world.collect(world.households[0], terms, world.products[0], grams, true);
        if freight > 0 {
            world.ship(0, freight, 0, 0);
        }
        world.sell(0, sold, sold, at, World::consumer("654224202207"), 0);
        world.settle(lot, 0);
        let month = Month::parse("2020-04").unwrap();
        let query = LoopQuery { division: None, product: None, from: month, to: month, edition: Edition::FIRST };
        in_order(&world).value_added(&query)[&world.products[0]]
    };
    let coop = World::new(5).coop;
    let outright = Terms::Outright { buyer: coop, price, contract: None };
    let own = added(outright, 98_000, 47_500, per_kilogram(2_960), 1_000);
    assert_eq!((own.sales, own.input_cost, own.amount()), (140_600, 43_700, 96_900));
    assert_eq!(own.basis_points(), Some(22_174));
    let commission =
        Terms::Commission { consignee: coop, commission_bp: 500, price_basis: Some(price), contract: None };
    let consigned = added(commission, 98_000, 47_500, per_kilogram(2_960), 0);
    assert_eq!((consigned.sales, consigned.input_cost), (140_600, 133_570));
    let agreed = Terms::AgreedPrice { consignee: coop, price: per_kilogram(800), contract: None };
    let kept = added(agreed, 10_000, 10_000, per_kilogram(2_516), 0);
    assert_eq!((kept.amount(), kept.basis_points()), (17_160, Some(21_450)));
}
