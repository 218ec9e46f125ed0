//! Every view against a full scan of the journal.

use std::collections::BTreeMap;

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::interleaving::shuffled;
use crate::naive::Naive;
use crate::world::{World, division};

pub(crate) fn worlds() -> impl Iterator<Item = (u64, World, Naive, Ledger)> {
    (100..115).map(|seed| {
        let world = World::random(seed, 250);
        let naive = Naive::of(&world.all);
        let ledger = shuffled(&world, seed, [0, 1, 2, 3].map(|s| world.streams[s].len()));
        (seed, world, naive, ledger)
    })
}

pub(crate) fn months(world: &World) -> Vec<Month> {
    let first = world.all.iter().map(|_| 243).min().unwrap();
    (first..=world.day.month().index()).map(|index| Month::from_index(index).unwrap()).collect()
}

#[test]
fn balances_and_trial_balances_are_the_journals_sums() {
    for (seed, world, naive, ledger) in worlds() {
        let all = months(&world);
        let (from, to) = (all[all.len() / 2], all[all.len() - 2]);
        let mut parties: Vec<PartyId> = world.households.iter().map(|(party, _)| party.id).collect();
        parties.extend([world.coop.id, world.firm.id, world.carrier.id, world.buyer.id]);
        for party in &parties {
            let mut expected: BTreeMap<(Account, Counterparty), i64> = BTreeMap::new();
            for ((book, account, counterparty, month), amount) in &naive.money {
                if book == party && *month <= to {
                    *expected.entry((*account, *counterparty)).or_default() += amount;
                }
            }
            expected.retain(|_, amount| *amount != 0);
            let found: BTreeMap<_, _> =
                ledger.balances(*party, to).iter().map(|b| ((b.account, b.counterparty), b.amount)).collect();
            assert_eq!(found, expected, "seed {seed}");
        }
        for party in parties.iter().map(|party| Some(*party)).chain([None]) {
            let mut expected: BTreeMap<Account, (i64, i64)> = BTreeMap::new();
            for ((book, account, _, month), amount) in &naive.money {
                if party.is_none_or(|party| party == *book) && *month <= to {
                    let (opening, movement) = expected.entry(*account).or_default();
                    *if *month < from { opening } else { movement } += amount;
                }
            }
            expected.retain(|_, sums| *sums != (0, 0));
            let lines = ledger.trial_balance(party, from, to);
            assert_eq!(lines.iter().map(|line| line.closing).sum::<i64>(), 0, "seed {seed}: a trial balance balances");
            let found: BTreeMap<_, _> = lines.iter().map(|l| (l.account, (l.opening, l.movement))).collect();
            assert_eq!(found, expected, "seed {seed}");
        }
    }
}

#[test]
fn household_income_is_the_movement_of_its_book() {
    for (seed, world, naive, ledger) in worlds() {
        let first = BusinessDate::parse("2020-04-01").unwrap();
        for (from, to) in [(first, world.day), (first.plus_days(40), first.plus_days(121)), (world.day, world.day)] {
            let query = IncomeQuery { from, to, as_of: None, edition: Edition::FIRST };
            let mut total = (0, 0, 0);
            for (household, _) in &world.households {
                let within =
                    naive.income.iter().filter(|((id, day), _)| *id == household.id && (from..=to).contains(day));
                let expected = within
                    .fold((0, 0, 0), |(g, c, r), (_, (gross, cost, received))| (g + gross, c + cost, r + received));
                let income = ledger.household_income(household.id, query).unwrap();
                let sums = income.total;
                assert_eq!((sums.gross, sums.cost, sums.received), expected, "seed {seed}");
                let lines = ledger.income_lines(household.id, query, &IncomeFilter::default());
                assert_eq!(lines.len() as u64, sums.lines);
                for parts in [
                    income.by_month.values().map(IncomeSums::net).sum::<i64>(),
                    income.by_product.values().map(IncomeSums::net).sum(),
                    income.by_basis.values().map(IncomeSums::net).sum(),
                    income.by_category.values().map(IncomeSums::net).sum(),
                ] {
                    assert_eq!(parts, sums.net(), "seed {seed}");
                }
                assert!(lines.iter().all(|line| line.product.is_some() && line.lot.is_some() && line.basis.is_some()));
                assert!(lines.iter().all(|line| line.view == IncomeView::Received || line.receipt.is_some()));
                total = (total.0 + expected.0, total.1 + expected.1, total.2 + expected.2);
            }
            let county = ledger.division_income(division("654224"), None, query);
            assert_eq!((county.total.gross, county.total.cost, county.total.received), total, "seed {seed}");
            assert_eq!(county.households.len(), world.households.len());
        }
    }
}

#[test]
fn the_closed_loop_identity_is_exact_per_village_product_and_month() {
    for (seed, world, naive, ledger) in worlds() {
        for month in months(&world) {
            for village in ["654224202207", "654224100001", "654224203205", "650102"].map(division) {
                for product in &world.products {
                    let query = LoopQuery {
                        division: Some(village),
                        product: Some(*product),
                        from: month,
                        to: month,
                        edition: Edition::FIRST,
                    };
                    let measures = ledger.loop_measures(query);
                    let mut expected = [0_i64; GoodsAccount::ALL.len()];
                    for ((lot, _, of, at, moved_in), quantity) in &naive.goods {
                        if naive.villages[lot] == village && of == product && *moved_in == month {
                            expected[usize::from(at.account.index())] += quantity;
                        }
                    }
                    let found = measures.products.first().map_or([0; GoodsAccount::ALL.len()], |line| line.movements);
                    assert_eq!(found, expected, "seed {seed} {village} {month}");
                    assert!(measures.products.iter().all(ProductLoop::identity_holds));
                }
            }
        }
    }
}

#[test]
fn stock_by_state_is_what_lies_in_the_lots() {
    for (seed, world, naive, ledger) in worlds() {
        let all = months(&world);
        let query = LoopQuery {
            division: None,
            product: None,
            from: all[all.len() - 1],
            to: all[all.len() - 1],
            edition: Edition::FIRST,
        };
        let measures = ledger.loop_measures(query);
        for line in &measures.products {
            for account in GoodsAccount::ALL.into_iter().filter(|account| account.is_stock()) {
                let of = |(_, _, product, at, _): &(LotId, u16, ProductId, GoodsAt, Month)| {
                    *product == line.product && at.account == account
                };
                let expected: i64 = naive.goods.iter().filter(|(key, _)| of(key)).map(|(_, quantity)| quantity).sum();
                assert_eq!(line.closing(account), expected, "seed {seed} {account:?}");
            }
        }
        for lot in &world.lots {
            let trace = ledger.trace_lot(lot.lot).unwrap();
            let mut expected: BTreeMap<(u16, GoodsAt), i64> = BTreeMap::new();
            for ((id, pool, _, at, _), quantity) in &naive.goods {
                if *id == lot.lot {
                    *expected.entry((*pool, *at)).or_default() += quantity;
                }
            }
            expected.retain(|_, quantity| *quantity != 0);
            let found: BTreeMap<_, _> = trace.balances.iter().map(|(pool, at, q)| ((*pool, *at), *q)).collect();
            assert_eq!(found, expected, "seed {seed}");
            assert_eq!(trace.origins[0].receipt, Some(lot.origin.receipt));
            assert_eq!(trace.origins[0].terms, Some(lot.origin.terms));
            assert_eq!(ledger.lot_of_receipt(lot.origin.receipt), Some(lot.lot));
        }
    }
}

#[test]
fn sales_turnover_payouts_and_delays_are_the_facts_sums() {
    for (seed, world, _, ledger) in worlds() {
        let all = months(&world);
        let (from, to) = (all[1], all[all.len() - 2]);
        let query = LoopQuery { division: None, product: None, from, to, edition: Edition::FIRST };
        let measures = ledger.loop_measures(query);
        let mut naive = LoopMoney::default();
        let mut facts = [0_usize; 3];
        let collected: BTreeMap<ReceiptId, BusinessDate> = world
            .all
            .iter()
            .flat_map(|c| &c.events)
            .filter_map(|e| match e {
                Event::Station(station::Event::GoodsCollected(fact)) => {
                    Some((fact.origin.receipt, fact.occasion.business_date))
                }
                _ => None,
            })
            .collect();
        let by_lot: BTreeMap<LotId, ReceiptId> = world.lots.iter().map(|l| (l.lot, l.origin.receipt)).collect();
        let mut delay = PaymentDelay::default();
        let mut paid = |fact: &procurement::PayoutMade, on: BusinessDate, sign: i64, naive: &mut LoopMoney| {
            let within = |day: BusinessDate| (from..=to).contains(&day.month());
            if within(on) {
                naive.paid_out += sign * fact.amount.0;
                if fact.payee_division.county() == crate::world::HOME {
                    naive.paid_in_county += sign * fact.amount.0;
                }
            }
            // What did not arrive is taken out of the month in which it was paid.
            for item in fact.items.iter().filter(|_| within(fact.occasion.business_date)) {
                let receipt = match item.source {
                    procurement::PayableSource::Purchase { receipt } => receipt,
                    procurement::PayableSource::Settlement { lot, .. } => by_lot[&lot],
                    _ => continue,
                };
                let days = i64::from(fact.occasion.business_date.days() - collected[&receipt].days());
                delay.payments += sign;
                delay.amount += sign * item.amount.0;
                delay.days += sign * days;
                delay.amount_days += sign * days * item.amount.0;
            }
            usize::from(within(on))
        };
        for event in world.all.iter().flat_map(|commit| &commit.events) {
            match event {
                Event::Sales(sales::Event::OrderFulfilled(fact))
                    if (from..=to).contains(&fact.occasion.business_date.month()) =>
                {
                    naive.final_sales += fact.amount.0;
                    naive.gross_flow += fact.amount.0;
                    let scope = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];
                    let at = scope.iter().position(|s| *s == fact.buyer.scope).unwrap();
                    naive.sales[at] += fact.amount.0;
                    if by_lot.contains_key(&fact.parts[0].stock.lot) {
                        naive.county_sales[at] += fact.amount.0;
                    }
                    facts[0] += 1;
                }
                Event::Procurement(procurement::Event::PurchaseAccepted(fact))
                    if (from..=to).contains(&fact.occasion.business_date.month()) =>
                {
                    naive.gross_flow += fact.amount.0;
                    facts[1] += 1;
                }
                Event::Procurement(procurement::Event::PayableOpened(fact))
                    if (from..=to).contains(&fact.occasion.business_date.month()) =>
                {
                    if matches!(fact.source, procurement::PayableSource::BoughtIn { .. }) {
                        naive.gross_flow += fact.amount.0;
                        facts[1] += 1;
                    }
                }
                Event::Procurement(procurement::Event::PayoutMade(fact)) => {
                    facts[2] += paid(fact, fact.occasion.business_date, 1, &mut naive);
                }
                Event::Procurement(procurement::Event::PayoutFailed(fact)) => {
                    facts[2] += paid(&fact.original, fact.occasion.business_date, -1, &mut naive);
                }
                _ => {}
            }
        }
        assert_eq!(measures.money, naive, "seed {seed}");
        assert_eq!(measures.delay, delay, "seed {seed}");
        assert!(measures.delay.mean_tenths().is_none_or(|mean| mean >= 0), "seed {seed}");
        assert_eq!(ledger.loop_facts(&query, LoopFigure::Sales(None)).len(), facts[0], "seed {seed}");
        assert_eq!(ledger.loop_facts(&query, LoopFigure::GrossFlow).len(), facts[0] + facts[1], "seed {seed}");
        assert_eq!(ledger.loop_facts(&query, LoopFigure::PaidOut(Payees::All)).len(), facts[2], "seed {seed}");
        let parts =
            ledger.loop_by_division(LoopQuery { division: Some(division("654224")), ..query }, LoopLevel::Village);
        let parts = parts.divisions.values().chain([&parts.rest]);
        let sold: i64 = parts.map(|part| part.money.final_sales).sum();
        assert_eq!(sold, measures.money.county_sales.iter().sum::<i64>(), "seed {seed}");
    }
}

#[test]
fn coverage_counts_completed_movements_of_stations() {
    for (seed, world, _, ledger) in worlds() {
        let all = months(&world);
        let (from, to) = (all[0], all[all.len() - 1]);
        let query = LoopQuery { division: Some(division("654224")), product: None, from, to, edition: Edition::FIRST };
        let coverage = ledger.coverage(&query);
        let mut up: BTreeMap<PlaceId, i64> = BTreeMap::new();
        let mut down: BTreeMap<PlaceId, i64> = BTreeMap::new();
        for event in world.all.iter().flat_map(|commit| &commit.events) {
            if let Event::Distribution(distribution::Event::ShipmentReceived(fact)) = event {
                match fact.direction {
                    Direction::Up => *up.entry(fact.from).or_default() += 1,
                    Direction::Down => *down.entry(fact.place).or_default() += 1,
                    Direction::Local => {}
                }
            }
        }
        assert_eq!(coverage.active(), 2);
        let mut movements = 0;
        for station in &coverage.stations {
            assert_eq!(station.up, up.get(&station.station).copied().unwrap_or(0), "seed {seed}");
            assert_eq!(station.down, down.get(&station.station).copied().unwrap_or(0), "seed {seed}");
            movements += station.up + station.down;
        }
        assert_eq!(ledger.loop_facts(&query, LoopFigure::Coverage(None)).len() as i64, movements, "seed {seed}");
    }
}
