//! By division: every table adds up to its parent, at every level and by every edition, and one village has one code.

use std::collections::BTreeMap;

use loopledger_dice::Dice;
use loopledger_domain::procurement::PayoutMade;
use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::interleaving::{apply_all, in_order};
use crate::views::months;
use crate::world::{HOME, World, division, per_kilogram};

const LEVELS: [LoopLevel; 3] = [LoopLevel::County, LoopLevel::Township, LoopLevel::Village];

/// Everything that is measured, in one form that can be added.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    products: BTreeMap<ProductId, Vec<i64>>,
    money: Vec<i64>,
    delay: [i64; 4],
    stations: Vec<StationCoverage>,
}

fn delay(of: &PaymentDelay) -> [i64; 4] {
    [of.payments, of.amount, of.days, of.amount_days]
}

impl Sums {
    fn add(&mut self, products: &[ProductLoop], money: &LoopMoney, paid: &PaymentDelay, coverage: &Coverage) {
        let plus = |sums: &mut Vec<i64>, parts: Vec<i64>| {
            sums.resize(parts.len(), 0);
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        };
        for line in products {
            let arrays = [&line.movements[..], &line.openings, &line.fulfilled, &line.sales, &line.county_sold];
            let mut parts = [arrays.concat(), line.county_sales.to_vec(), delay(&line.delay).to_vec()].concat();
            parts.extend([line.purchases, line.bought_in_value, line.settled_net]);
            plus(self.products.entry(line.product).or_default(), parts);
        }
        let mut parts = [money.sales, money.county_sales].concat();
        parts.extend([money.final_sales, money.gross_flow, money.paid_out, money.paid_in_county]);
        plus(&mut self.money, parts);
        self.delay.iter_mut().zip(delay(paid)).for_each(|(sum, part)| *sum += part);
        self.stations.extend(&coverage.stations);
        self.stations.sort_unstable();
    }

    fn of(measures: &LoopMeasures) -> Self {
        let mut sums = Self::default();
        sums.add(&measures.products, &measures.money, &measures.delay, &measures.coverage);
        sums
    }

    fn of_parts<'a>(parts: impl IntoIterator<Item = &'a LoopPart>) -> Self {
        let mut sums = Self::default();
        for part in parts {
            sums.add(&part.products, &part.money, &part.delay, &part.coverage);
        }
        sums
    }

    /// The same, with stations by no edition.
    fn without_codes(mut self) -> Self {
        self.stations.iter_mut().for_each(|station| station.division = HOME.into());
        self
    }
}

fn worlds() -> impl Iterator<Item = (u64, World, Ledger)> {
    (300..310).map(|seed| {
        let world = World::random(seed, 250);
        let ledger = in_order(&world);
        (seed, world, ledger)
    })
}

#[test]
fn every_table_by_division_adds_up_to_its_parent() {
    let mut rests = 0;
    for (seed, world, ledger) in worlds() {
        let (mut dice, all) = (Dice::new(seed), months(&world));
        for edition in Edition::all() {
            let townships = edition.villages().iter().map(|village| village.township);
            let mut parents: Vec<Option<DivisionCode>> = townships.map(Some).collect();
            parents.dedup();
            parents.extend([None, Some(HOME.into()), Some(division("650102"))]);
            for parent in parents {
                let (a, b) = (dice.one_of(&all), dice.one_of(&all));
                let product = if dice.between(0, 1) == 0 { None } else { Some(dice.one_of(&world.products)) };
                let query = LoopQuery { division: parent, product, from: a.min(b), to: a.max(b), edition };
                let whole = Sums::of(&ledger.loop_measures(query));
                for level in LEVELS {
                    let parts = ledger.loop_by_division(query, level);
                    let context = format!("seed {seed} {query:?} {level:?}");
                    let sums = Sums::of_parts(parts.divisions.values().chain([&parts.rest]));
                    assert_eq!(sums, whole, "{context}");
                    rests += usize::from(parts.rest.money.final_sales != 0);
                    for (code, part) in &parts.divisions {
                        if parent.is_some_and(|parent| !parent.contains(*code)) {
                            continue;
                        }
                        let alone = ledger.loop_measures(LoopQuery { division: Some(*code), ..query });
                        assert_eq!(Sums::of_parts([part]), Sums::of(&alone), "{context} {code}");
                    }
                }
            }
        }
    }
    assert!(rests > 20, "goods of producers registered above the level were sold: {rests}");
}

#[test]
fn income_by_division_adds_up_to_its_parent() {
    for (seed, world, ledger) in worlds() {
        let from = BusinessDate::parse("2020-04-01").unwrap();
        for edition in Edition::all() {
            let query = IncomeQuery { from, to: world.day, as_of: None, edition };
            let income = |place| ledger.division_income(place, None, query);
            let county = income(HOME.into());
            assert_eq!(county.households.len(), world.households.len(), "seed {seed}");
            let mut parents: Vec<DivisionCode> = edition.villages().iter().map(|village| village.township).collect();
            parents.dedup();
            parents.push(HOME.into());
            for parent in parents.into_iter().map(income) {
                let (mut households, mut members, mut net, mut received) = (0, 0, 0, 0);
                for (part, sums) in &parent.by_division {
                    households += sums.households;
                    members += sums.members;
                    net += sums.sums.net();
                    received += sums.sums.received;
                    if let Some(part) = part {
                        let alone = income(*part);
                        assert_eq!((sums.members, sums.sums), (alone.members, alone.total), "seed {seed} {part}");
                    }
                }
                let wanted =
                    (parent.households.len() as u64, parent.members, parent.total.net(), parent.total.received);
                assert_eq!((households, members, net, received), wanted, "seed {seed} {}", parent.division);
            }
        }
    }
}

#[test]
fn totals_never_change_with_the_edition() {
    for (seed, world, ledger) in worlds() {
        let all = months(&world);
        for parent in [None, Some(HOME.into())] {
            let of = |edition| {
                let query =
                    LoopQuery { division: parent, product: None, from: all[1], to: all[all.len() - 1], edition };
                Sums::of(&ledger.loop_measures(query)).without_codes()
            };
            assert_eq!(of(Edition::FIRST), of(Edition::LATEST), "seed {seed}");
        }
        let from = BusinessDate::parse("2020-04-01").unwrap();
        let of = |edition| {
            let income =
                ledger.division_income(HOME.into(), None, IncomeQuery { from, to: world.day, as_of: None, edition });
            (income.total, income.members, income.by_category, income.by_month)
        };
        assert_eq!(of(Edition::FIRST), of(Edition::LATEST), "seed {seed}");
    }
}

/// 喀拉苏村 was in 乌雪特乡 and is in 哈图镇: by each edition one code, in what was recorded by either.
#[test]
fn a_village_with_another_code_goes_by_one_in_loop_and_income() {
    let mut world = World::new(21);
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(1_000), contract: None };
    let (old, new) = (division("654224201206"), division("654224103200"));
    let at = |code| move |(_, stands): &&(PartyRef, DivisionCode)| *stands == code;
    let by_old = *world.households.iter().find(at(old)).unwrap();
    let by_new = *world.households.iter().find(at(new)).unwrap();
    for household in [by_old, by_new] {
        world.collect(household, terms, world.products[0], 1_000, true);
    }
    let ledger = in_order(&world);
    let month = world.day.month();
    for (edition, village, town, other_town) in
        [(Edition::FIRST, old, "654224201", "654224103"), (Edition::LATEST, new, "654224103", "654224201")]
    {
        let query = LoopQuery { division: None, product: None, from: month, to: month, edition };
        let rows = ledger.loop_by_division(query, LoopLevel::Village).divisions;
        let supplied: Vec<DivisionCode> =
            rows.iter().filter(|(_, part)| part.money.gross_flow > 0).map(|(code, _)| *code).collect();
        assert_eq!(supplied, [village]);
        let days = IncomeQuery { from: world.day, to: world.day, as_of: None, edition };
        for household in [by_old, by_new] {
            let income = ledger.household_income(household.0.id, days).unwrap();
            assert_eq!(income.household.division, Some(village));
        }
        let net = |place: DivisionCode| ledger.division_income(place, None, days).total.net();
        let flow = |place| ledger.loop_measures(LoopQuery { division: Some(place), ..query }).money.gross_flow;
        // Asked for by either code, and by the township of the edition.
        for place in [old, new, division(town)] {
            assert_eq!((net(place), flow(place)), (2_000, 2_000), "{place}");
        }
        assert_eq!((net(division(other_town)), flow(division(other_town))), (0, 0));
    }
}

/// A payment that fails later is taken off where it was counted, so that a mean is one of payments that stand.
#[test]
fn the_mean_delay_is_of_payments_that_stand() {
    let mut world = World::new(22);
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(1_000), contract: None };
    let producer = world.households[0];
    for days in [90, 5] {
        world.collect(producer, terms, world.products[0], 1_000, true);
        world.day = world.day.plus_days(days);
        world.pay(world.owed.len() - 1);
    }
    let failed_in = world.day.plus_days(40);
    let (first, second) = (world.paid[0].occasion.business_date.month(), world.paid[1].occasion.business_date.month());
    world.day = failed_in;
    world.fail_payout(0);
    // One that is dated before its collection, which no service accepts.
    let early = PayoutMade {
        occasion: Occasion { business_date: world.day.plus_days(-300), ..world.occasion(HOME.into()) },
        ..world.paid[0].clone()
    };
    world.procurement(procurement::Event::PayoutMade(early), None);
    let ledger = apply_all(&world.all);
    let delay = |from, to| {
        let query = LoopQuery { division: None, product: None, from, to, edition: Edition::FIRST };
        ledger.loop_measures(query).delay
    };
    let (january, december) = (Month::parse("2019-01").unwrap(), Month::parse("2020-12").unwrap());
    assert_eq!((delay(january, december).payments, delay(january, december).mean_tenths()), (1, Some(50)));
    assert_eq!(delay(failed_in.month(), december), PaymentDelay::default(), "a failure is no payment");
    assert_eq!(delay(first, second).mean_tenths(), Some(50));
}
