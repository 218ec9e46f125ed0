//! Every view against a full scan of the journal.

use std::collections::BTreeMap;

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::*;

use crate::interleaving::{in_order, shuffled};
use crate::naive::Naive;
use crate::world::{World, division};

fn worlds() -> impl Iterator<Item = (u64, World, Naive, Ledger)> {
    (100..115).map(|seed| {
        let world = World::random(seed, 250);
        let naive = Naive::of(&world.all);
        let ledger = shuffled(&world, seed, [0, 1, 2, 3].map(|s| world.streams[s].len()));
        (seed, world, naive, ledger)
    })
}

fn months(world: &World) -> Vec<Month> {
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
            let query = IncomeQuery { from, to, as_of: None };
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
fn income_as_of_a_day_leaves_out_what_was_recorded_later() {
    for (seed, world, _, ledger) in worlds() {
        let recorded = |commit: &Commit| BusinessDate::of(commit.recorded_at);
        let as_of = recorded(&world.all[world.all.len() / 2]);
        let known: Vec<Commit> = world.all.iter().filter(|commit| recorded(commit) <= as_of).cloned().collect();
        let then = crate::interleaving::apply_all(&known);
        let from = BusinessDate::parse("2020-01-01").unwrap();
        for (household, _) in &world.households {
            let now = ledger.household_income(household.id, IncomeQuery { from, to: world.day, as_of: Some(as_of) });
            let past = then.household_income(household.id, IncomeQuery { from, to: world.day, as_of: None });
            assert_eq!(now.unwrap().total, past.unwrap().total, "seed {seed}");
        }
    }
}

#[test]
fn the_closed_loop_identity_is_exact_per_village_product_and_month() {
    for (seed, world, naive, ledger) in worlds() {
        for month in months(&world) {
            for village in ["654224202207", "654224100001", "654224203205", "650102"].map(division) {
                for product in &world.products {
                    let query = LoopQuery { division: Some(village), product: Some(*product), from: month, to: month };
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
        let query = LoopQuery { division: None, product: None, from: all[all.len() - 1], to: all[all.len() - 1] };
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
        let query = LoopQuery { division: None, product: None, from, to };
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
            if !(from..=to).contains(&on.month()) {
                return 0;
            }
            naive.paid_out += sign * fact.amount.0;
            if fact.payee_division.county() == crate::world::HOME {
                naive.paid_in_county += sign * fact.amount.0;
            }
            for item in &fact.items {
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
            1
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
        assert_eq!(ledger.loop_facts(&query, LoopFigure::Sales(None)).len(), facts[0], "seed {seed}");
        assert_eq!(ledger.loop_facts(&query, LoopFigure::GrossFlow).len(), facts[0] + facts[1], "seed {seed}");
        assert_eq!(ledger.loop_facts(&query, LoopFigure::PaidOut { in_county: false }).len(), facts[2], "seed {seed}");
        let parts =
            ledger.loop_by_division(LoopQuery { division: Some(division("654224")), ..query }, LoopLevel::Village);
        let sold: i64 = parts.iter().map(|(_, _, money)| money.final_sales).sum();
        assert_eq!(sold, measures.money.county_sales.iter().sum::<i64>(), "seed {seed}");
    }
}

#[test]
fn coverage_counts_completed_movements_of_stations() {
    for (seed, world, _, ledger) in worlds() {
        let all = months(&world);
        let coverage = ledger.coverage(Some(division("654224")), all[0], all[all.len() - 1]);
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
        let query =
            LoopQuery { division: Some(division("654224")), product: None, from: all[0], to: all[all.len() - 1] };
        assert_eq!(ledger.loop_facts(&query, LoopFigure::Coverage).len() as i64, movements, "seed {seed}");
    }
}

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
        }
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
                    trace
                        .steps
                        .iter()
                        .any(|step| matches!(step.deed, LotDeed::Sold { order, .. } if order == Some(fact.order)))
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
        let view = ledger.party(id, start.plus_days(days)).unwrap();
        (view.members, view.category.unwrap(), view.division.unwrap())
    };
    assert_eq!(seen(0), (3, HouseholdCategory::RegisteredPoor, home));
    assert_eq!(seen(10), (4, HouseholdCategory::RegisteredPoor, home));
    assert_eq!(seen(20), (4, HouseholdCategory::Exited, away));
    assert_eq!(seen(30), (3, HouseholdCategory::Exited, away));
    assert_eq!(ledger.party(world.coop.id, start).unwrap().label, "合作社");
}
