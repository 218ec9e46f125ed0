//! What holds at every prefix, whatever is asked of both holders and however late they hear of each other.

mod by_day;

use std::collections::{BTreeMap, BTreeSet};

use loopledger_domain::stock::{Cell, CellKey, Embeds, Held, Holder, Shelf, Slot};
use loopledger_domain::{Commit, Dated, Entity, Event, Ranked, State, StockLine, distribution, station, stock};
use loopledger_types::{BusinessDate, LotId, Quantity};
use proptest::prelude::*;

use crate::harness::Manner;
use crate::holders::World;
use crate::words::Line;
use by_day::ByDays;

const PLACES: [&str; 5] = ["S1", "S2", "W1", "D1", "D2"];

/// What to do, and three numbers that say with what.
type Step = (u8, usize, usize, usize);

/// Business is done on the first days of April, in no order.
const LAST: usize = 9;

/// Turns steps into lines, remembering what there is to be named.
#[derive(Default)]
struct Author {
    count: usize,
    lots: Vec<String>,
    waiting: Vec<(String, String)>,
    shipments: Vec<(String, &'static str)>,
    order_lines: Vec<(String, &'static str)>,
}

impl Author {
    fn line(&mut self, (what, a, b, c): Step) -> Option<String> {
        self.count += 1;
        let n = self.count;
        let owner = ["COOP", "COOP", "FIRM"][b % 3];
        let on = format!("2020-04-{:02}", (a + b + c) % LAST + 1);
        let line = match what {
            0 => {
                let terms =
                    ["outright:COOP:9.2/kg", "commission:COOP", "agreed:COOP:9/kg", "outright:FIRM:9/kg"][b % 4];
                self.lots.push(format!("L{n}"));
                if terms.starts_with("outright") {
                    self.waiting.push((format!("L{n}"), on.clone()));
                }
                format!("collect L{n} at={} terms={terms} gross={}g", PLACES[a % 3], c + 1)
            }
            1 => {
                let (lot, on) = take(&mut self.waiting, a)?;
                format!("{} {lot} on={on}", ["accept", "accept", "decline"][b % 3])
            }
            2 => {
                self.lots.push(format!("L{n}"));
                format!("buyin L{n} at={} owner={owner} quantity={}g", PLACES[a % 5], c * 4 + 1)
            }
            3 | 4 => {
                let (word, from) = if what == 3 { ("hand", PLACES[a % 3]) } else { ("dispatch", PLACES[3 + a % 2]) };
                let to = PLACES[b % 5];
                let carrier = if c % 7 == 0 { "CX" } else { "CARR" };
                let named = self.lots.get(c % 5).filter(|_| c % 3 == 0);
                let named = named.map_or(String::new(), |lot| format!(",pea@{lot}:{}g", b % 9 + 1));
                self.shipments.push((format!("X{n}"), to));
                let route = format!("from={from} to={to} of={owner} carrier={carrier}");
                format!("{word} X{n} {route} lines=pea:{}g{named}", c / 4 + 1)
            }
            5 => {
                let (shipment, to) = self.shipments.get(a % self.shipments.len().max(1))?;
                let lot = self.lots.get(b % self.lots.len().max(1))?;
                let but = if c % 2 == 0 { String::new() } else { format!("but={lot}:{}g:{}g", c % 11, b % 7) };
                format!("receive {shipment} at={to} {but}")
            }
            6 => {
                let places = [PLACES[a % 5], PLACES[b % 5], PLACES[c % 5]];
                self.order_lines.extend((0..).zip(places).map(|(i, place)| (format!("O{n}/{i}"), place)));
                let lines = places.map(|place| format!("{place}:pea:{}g", c / 2 + 1)).join(",");
                format!("order O{n} seller={owner} lines={lines}")
            }
            7 => {
                let (line, place) = self.order_lines.get(a % self.order_lines.len().max(1))?;
                format!("cancel {line} at={place}")
            }
            _ => {
                let (line, place) = self.order_lines.get(a % self.order_lines.len().max(1))?;
                format!("issue {line} at={place} quantity={}g", c / 2 + b % 3 + 1)
            }
        };
        // What procurement answers is of the day that it answers.
        Some(if what == 1 { line } else { format!("{line} on={on}") })
    }
}

fn take<T>(from: &mut Vec<T>, index: usize) -> Option<T> {
    if from.is_empty() { None } else { Some(from.remove(index % from.len())) }
}

/// What the events of both logs say of a lot.
#[derive(Debug, Default)]
struct Tally {
    came_in: i64,
    issued: i64,
    returned: i64,
    /// Handed over or dispatched, less what arrived or was taken back.
    in_transit: i64,
}

fn tally(commits: &[Commit], lots: &mut BTreeMap<LotId, Tally>) {
    let mut add = |line: &StockLine, part: fn(&mut Tally) -> &mut i64, sign: i64| add_to(lots, line, part, sign);
    for event in commits.iter().flat_map(|commit| &commit.events) {
        match event {
            Event::Station(event) => match event {
                station::Event::GoodsCollected(e) => add(&collected(e), |t| &mut t.came_in, 1),
                station::Event::GoodsReturned(e) => add(&e.line, |t| &mut t.returned, 1),
                station::Event::GoodsHandedOver(e) => e.lines.iter().for_each(|l| add(l, |t| &mut t.in_transit, 1)),
                station::Event::GoodsTakenBack(e) => e.lines.iter().for_each(|l| add(l, |t| &mut t.in_transit, -1)),
                station::Event::StockTakenIn(e) => {
                    e.received.iter().chain(&e.damaged).for_each(|l| add(l, |t| &mut t.in_transit, -1));
                }
                station::Event::GoodsBoughtIn(e) => add(&e.line, |t| &mut t.came_in, 1),
                station::Event::GoodsIssued(e) => e.issued.iter().for_each(|l| add(l, |t| &mut t.issued, 1)),
                _ => {}
            },
            Event::Distribution(event) => match event {
                distribution::Event::ShipmentDispatched(e) if !e.handed_over => {
                    e.lines.iter().for_each(|l| add(&l.stock, |t| &mut t.in_transit, 1));
                }
                distribution::Event::ShipmentReceived(e) => {
                    for line in &e.lines {
                        let sum = line.received.0 + line.damaged.0 + line.missing.0;
                        assert_eq!(sum, line.stock.quantity.0, "received + damaged + missing = dispatched");
                        let arrived = Quantity(line.received.0 + line.damaged.0);
                        if !e.at_station {
                            add(&StockLine { quantity: arrived, ..line.stock }, |t| &mut t.in_transit, -1);
                        }
                    }
                }
                distribution::Event::GoodsBoughtIn(e) => add(&e.line, |t| &mut t.came_in, 1),
                distribution::Event::GoodsIssued(e) => e.issued.iter().for_each(|l| add(l, |t| &mut t.issued, 1)),
                _ => {}
            },
            _ => {}
        }
    }
}

fn add_to(lots: &mut BTreeMap<LotId, Tally>, line: &StockLine, part: fn(&mut Tally) -> &mut i64, sign: i64) {
    *part(lots.entry(line.lot).or_default()) += sign * line.quantity.0;
}

fn collected(event: &station::GoodsCollected) -> StockLine {
    StockLine {
        lot: event.lot,
        pool: 0,
        product: event.product,
        title: event.origin.terms.title(),
        collected_on: event.occasion.business_date,
        quantity: event.origin.quantity,
    }
}

fn held(cell: &Cell) -> i64 {
    cell.on_hand.balance() + cell.reserved.0 + cell.pending.0 + cell.quarantined.0
}

fn conserved(world: &World) {
    let mut lots = BTreeMap::new();
    tally(&world.station.log, &mut lots);
    tally(&world.distribution.log, &mut lots);
    // The lot of several pools came in a shipment that only station heard of.
    let pools = lots.entry(LotId(world.id("P"))).or_default();
    pools.came_in += 70;
    pools.in_transit += 70;
    let mut here: BTreeMap<LotId, i64> = BTreeMap::new();
    for (key, cell) in world.cells() {
        let parts = [Quantity(cell.on_hand.balance()), cell.reserved, cell.pending, cell.quarantined];
        assert!(parts.iter().all(|part| *part >= Quantity::ZERO), "below zero: {key:?} {cell:?}");
        *here.entry(key.lot).or_default() += held(&cell);
    }
    let mut shipped: BTreeMap<LotId, i64> = BTreeMap::new();
    for (_, entity) in world.distribution.state.entities.sorted() {
        let distribution::Entity::Shipment(shipment) = entity else { continue };
        for line in shipment.lines.iter() {
            *shipped.entry(line.stock.lot).or_default() += shipment.in_transit(line).0;
        }
    }
    let all_heard = world.to_station.is_empty() && world.to_distribution.is_empty();
    for (lot, tally) in &lots {
        let here = here.get(lot).copied().unwrap_or(0);
        assert!(tally.in_transit >= 0);
        assert_eq!(tally.came_in, here + tally.in_transit + tally.issued + tally.returned, "{lot} {tally:?}");
        if all_heard {
            assert_eq!(tally.in_transit, shipped.get(lot).copied().unwrap_or(0), "in transit: {lot}");
        }
    }
}

/// The index says what a full scan of the cells says.
fn indexed<H: Holder>(state: &State<H>) {
    let mut shelves: BTreeMap<Shelf, BTreeMap<Slot, &Dated>> = BTreeMap::new();
    let mut lots: BTreeMap<LotId, Vec<CellKey>> = BTreeMap::new();
    let (mut held, mut places) = (BTreeSet::new(), BTreeSet::new());
    for (key, entity) in state.entities.sorted() {
        if let Some(stock::Key::Place(place)) = H::Entity::stock_key(key) {
            places.insert(*place);
        }
        let cell = match (H::Entity::stock_key(key), entity.stock()) {
            (Some(stock::Key::Cell(key)), Some(stock::Entity::Cell(cell))) => Some((key, cell)),
            _ => None,
        };
        let Some((key, cell)) = cell.filter(|(_, cell)| !cell.is_empty()) else { continue };
        assert!(!entity.is_closed());
        lots.entry(key.lot).or_default().push(*key);
        let CellKey { place, lot, pool } = *key;
        held.insert(Held { place, product: cell.product, collected_on: cell.age.day, lot, pool });
        if cell.on_hand.balance() > 0 {
            let shelf = Shelf { place, product: cell.product, principal: cell.title.principal().id };
            let slot = Slot { age: Ranked::new(&cell.age), lot, pool };
            shelves.entry(shelf).or_default().insert(slot, &cell.on_hand);
        }
    }
    let index = state.entities.index();
    assert_eq!((index.held(), index.places()), (&held, &places));
    assert_eq!(index.shelves().collect::<Vec<_>>(), shelves.keys().copied().collect::<Vec<_>>());
    for (shelf, slots) in &shelves {
        for day in [1, 4, LAST as u32].map(|day| BusinessDate::from_ymd(2020, 4, day).unwrap()) {
            let free = slots.values().map(|on_hand| i128::from(on_hand.on(day))).sum();
            assert_eq!(index.free(shelf).map(|free| free.on(day)), Some(free));
        }
        assert!(index.oldest(shelf).eq(slots.keys()));
    }
    for (lot, keys) in lots {
        for key in &keys {
            let there: Vec<CellKey> = keys.iter().filter(|other| other.place == key.place).copied().collect();
            assert_eq!(index.of_lot(lot, key.place).collect::<Vec<_>>(), there);
        }
    }
}

fn everything_holds(world: &World) {
    conserved(world);
    indexed(&world.station.state);
    indexed(&world.distribution.state);
}
fn outcome(world: &mut World, line: &str) -> String {
    match world.act(&Line::parse(line)) {
        Ok(said) => said.join("; "),
        Err(rejection) => world.refusal(&rejection),
    }
}

fn play(steps: &[Step]) {
    let mut plain = World::new(Manner { with_store: false, window: 3 });
    let mut forgetful = World::new(Manner { with_store: true, window: 2 });
    for world in [&mut plain, &mut forgetful] {
        world.run("party CX to=station");
        world.run("arrive P on=2020-03-20 pools=COOP:33g,~COOP:20g,FIRM:10g,~COOP:7g");
    }
    let mut by_days = ByDays::default();
    let mut author = Author { lots: vec!["P".into()], ..Author::default() };
    for step in steps {
        if step.0 > 8 {
            for _ in 0..=step.1 % 3 {
                let to_station = step.2 % 2 == 0;
                assert_eq!(plain.deliver(to_station), forgetful.deliver(to_station));
            }
        } else if let Some(line) = author.line(*step) {
            let done = outcome(&mut plain, &line);
            assert_eq!(done, outcome(&mut forgetful, &line), "{line}");
            if done.starts_with('!') {
                author.shipments.retain(|(name, _)| !line.contains(&format!("{name} from")));
            }
        }
        by_days.follow(&plain);
        everything_holds(&plain);
        everything_holds(&forgetful);
        plain.station.roll_back(indexed);
        plain.distribution.roll_back(indexed);
        everything_holds(&plain);
    }
    while let Some(said) = plain.deliver(true).or_else(|| plain.deliver(false)) {
        assert_eq!(Some(said), forgetful.deliver(true).or_else(|| forgetful.deliver(false)));
        by_days.follow(&plain);
    }
    everything_holds(&plain);
    everything_holds(&forgetful);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn goods_are_conserved_on_every_day_the_index_is_exact_and_forgetting_changes_nothing(
        steps in prop::collection::vec((0_u8..=14, 0_usize..60, 0_usize..60, 0_usize..120), 1..120)
    ) {
        play(&steps);
    }
}
