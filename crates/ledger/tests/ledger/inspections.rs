//! What tests found of a lot stands in its trace, whatever is read first, and changes no figure.

use std::collections::BTreeMap;

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::*;

use crate::interleaving::{in_order, shuffled};
use crate::random::concerns;
use crate::world::{HOME, World, per_kilogram};

fn inspections(ledger: &Ledger, lot: LotId) -> Vec<(BusinessDate, Inspection)> {
    let steps = ledger.trace_lot(lot).unwrap().steps.into_iter();
    let found = steps.filter_map(|step| match step.record {
        LotStepKind::Inspected(found) => Some((step.date, *found)),
        _ => None,
    });
    found.collect()
}

#[test]
fn inspections_are_steps_of_the_trace_and_change_no_figure() {
    let mut world = World::new(1);
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(920), contract: None };
    let (household, product, station) = (world.households[0], world.products[0], world.stations[0]);
    let lot = world.collect(household, terms, product, 98_000, true);
    let before = in_order(&world);
    let mut expected = Vec::new();
    for (passed, finding, report_hash) in [(false, "0.12 mg/kg".repeat(10), Some([7; 32])), (true, String::new(), None)]
    {
        world.day = world.day.plus_days(1);
        let (test, laboratory_code) = ("农".repeat(64), "L".repeat(64));
        let occasion = world.occasion(household.1);
        let fact = station::GoodsInspected {
            occasion,
            station,
            lot,
            test: test.clone(),
            passed,
            finding: finding.clone(),
            laboratory_code: laboratory_code.clone(),
            report_hash,
        };
        world.station(station::Event::GoodsInspected(fact), None);
        let station = Some(station);
        expected.push((world.day, Inspection { station, test, passed, finding, laboratory_code, report_hash }));
    }
    let after = in_order(&world);
    assert_eq!(inspections(&before, lot), []);
    assert_eq!(inspections(&after, lot), expected);
    assert_eq!(after.trace_lot(lot).unwrap().balances, before.trace_lot(lot).unwrap().balances);
    assert_eq!(after.ledger_digest(), before.ledger_digest());

    let all = [0, 1, 2, 3].map(|stream| world.streams[stream].len());
    for seed in 0..20 {
        assert_eq!(inspections(&shuffled(&world, seed, all), lot), expected, "seed {seed}");
    }
    let mut after = after;
    let saved: BTreeMap<PageKey, Vec<u8>> = after.drain_changed().into_iter().collect();
    let loaded = Ledger::load(HOME, concerns(), saved.iter().map(|(key, page)| (*key, page))).unwrap();
    assert_eq!(inspections(&loaded, lot), expected);
}
