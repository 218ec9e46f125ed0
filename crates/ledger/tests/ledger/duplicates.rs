//! Receipts that look like one delivery written down twice, against a scan of the commits.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::*;

use crate::interleaving::{in_order, shuffled};
use crate::world::{World, per_kilogram};

/// What receipts of the same goods have in common: day, station, producer, product, quantity.
type Goods = (BusinessDate, PlaceId, PartyId, ProductId, i64);

fn scanned(world: &World) -> BTreeMap<Goods, Vec<ReceiptId>> {
    let mut went_back = BTreeSet::new();
    let mut receipts: BTreeMap<_, Vec<ReceiptId>> = BTreeMap::new();
    for event in world.all.iter().flat_map(|commit| &commit.events) {
        match event {
            Event::Station(station::Event::GoodsCollected(fact)) => {
                let origin = &fact.origin;
                let goods = (fact.occasion.business_date, fact.station, origin.producer.id, fact.product);
                let goods = (goods.0, goods.1, goods.2, goods.3, origin.quantity.0);
                receipts.entry(goods).or_default().push(origin.receipt);
            }
            Event::Station(station::Event::GoodsReturned(fact)) => {
                went_back.insert(fact.receipt);
            }
            _ => {}
        }
    }
    for receipts in receipts.values_mut() {
        receipts.retain(|receipt| !went_back.contains(receipt));
    }
    receipts.retain(|_, receipts| receipts.len() > 1);
    receipts
}

fn listed(ledger: &Ledger, query: DuplicateQuery) -> Vec<(Goods, Vec<ReceiptId>)> {
    let duplicates = ledger.likely_duplicates(&query);
    let row = |d: &LikelyDuplicate| {
        let receipts: Vec<ReceiptId> = d.receipts.iter().map(|receipt| receipt.receipt).collect();
        ((d.on, d.station, d.producer, d.product, d.quantity), receipts)
    };
    duplicates.iter().map(row).collect()
}

fn always() -> DuplicateQuery {
    let day = |text| BusinessDate::parse(text).unwrap();
    DuplicateQuery { from: day("2000-01-01"), to: day("2199-12-31"), station: None }
}

#[test]
fn the_same_goods_of_one_day_are_suspected_unless_they_went_back() {
    let mut world = World::new(1);
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(920), contract: None };
    let consigned = Terms::AgreedPrice { consignee: world.coop, price: per_kilogram(920), contract: None };
    let (h1, h2, product) = (world.households[0], world.households[1], world.products[0]);
    world.collect(h1, terms, product, 98_000, true);
    world.collect(h1, terms, product, 98_000, false);
    world.collect(h2, terms, product, 98_000, true);
    world.collect(h1, terms, product, 98_001, true);
    assert_eq!(listed(&in_order(&world), always()), []);
    world.collect(h1, consigned, product, 98_000, true);
    let ledger = in_order(&world);
    let found = ledger.likely_duplicates(&always());
    assert_eq!(found.len(), 1);
    let (numbers, labels): (Vec<_>, Vec<_>) = found[0].receipts.iter().map(|r| (&*r.number, &*r.label)).unzip();
    assert_eq!((numbers.len(), labels.len()), (2, 2));
    assert!(numbers.iter().all(|number| number.starts_with('R')) && labels.iter().all(|label| label.starts_with('L')));
    assert_eq!(listed(&ledger, always()), scanned(&world).into_iter().collect::<Vec<_>>());
}

#[test]
fn suspicions_are_those_of_a_scan_whatever_the_order_of_reading() {
    for seed in 500..510 {
        let mut world = World::random(seed, 60);
        for _ in 0..60 {
            world.day = world.day.plus_days((world.dice.between(0, 9) / 9) as i32);
            let producer = world.dice.one_of(&world.households.clone());
            let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(100), contract: None };
            let (product, grams) = (world.dice.one_of(&world.products.clone()), world.dice.between(1, 2));
            let accept = world.dice.between(0, 3) > 0;
            world.collect(producer, terms, product, grams, accept);
        }
        let expected = scanned(&world);
        assert!(!expected.is_empty(), "seed {seed}");
        let ledger = shuffled(&world, seed, [0, 1, 2, 3].map(|s| world.streams[s].len()));
        assert_eq!(listed(&ledger, always()), expected.clone().into_iter().collect::<Vec<_>>(), "seed {seed}");
        let day = expected.keys().next().unwrap().0;
        let of_day = DuplicateQuery { from: day, to: day, station: Some(world.stations[0]) };
        let expected: Vec<_> = expected.into_iter().filter(|(goods, _)| goods.0 == day).collect();
        assert_eq!(listed(&ledger, of_day), expected, "seed {seed}");
        let elsewhere = DuplicateQuery { station: Some(world.stations[1]), ..always() };
        assert_eq!(listed(&ledger, elsewhere), [], "seed {seed}");
        let unknown = DuplicateQuery { station: Some(PlaceId([0xee; 16])), ..always() };
        assert_eq!(listed(&ledger, unknown), [], "seed {seed}");
    }
}
