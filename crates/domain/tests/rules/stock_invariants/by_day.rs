//! What lies where on every day, added up from the facts alone.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_domain::stock::{GoodsIssued, ReservationReleased, StockReserved};
use loopledger_domain::{Event, StockLine, Terms, distribution, station};
use loopledger_types::{BusinessDate, LotId};

use super::collected;
use crate::holders::World;

/// A state of goods: of a pool of a lot at a place, or on the way in a shipment.
type State4 = (LotId, u16, [u8; 16], &'static str);

/// What the events of both logs say of every state, by day, added up from the events alone.
#[derive(Default)]
pub(crate) struct ByDays {
    moved: BTreeMap<State4, BTreeMap<BusinessDate, i64>>,
    /// Commits of each log that are in it.
    seen: [usize; 2],
}

impl ByDays {
    /// Adds what is new in the logs. No state holds less than nothing on any day.
    pub(crate) fn follow(&mut self, world: &World) {
        let mut touched = BTreeSet::new();
        let logs = [&world.station.log, &world.distribution.log];
        for event in logs.iter().zip(self.seen).flat_map(|(log, seen)| &log[seen..]).flat_map(|commit| &commit.events) {
            let mut shift = |line: &StockLine, on: BusinessDate, from: Option<Where>, to: Option<Where>| {
                for (place, sign) in [(from, -1), (to, 1)] {
                    if let Some((place, state)) = place {
                        let key = (line.lot, line.pool, place, state);
                        *self.moved.entry(key).or_default().entry(on).or_default() += sign * line.quantity.0;
                        touched.insert(key);
                    }
                }
            };
            match event {
                Event::Station(event) => at_station(event, &mut shift),
                Event::Distribution(event) => at_sites(event, &mut shift),
                Event::Procurement(_) | Event::Sales(_) => {}
            }
        }
        self.seen = logs.map(Vec::len);
        for state in touched {
            let mut balance = 0;
            for (day, change) in &self.moved[&state] {
                balance += change;
                assert!(balance >= 0, "{state:?} holds {balance} on {day}");
            }
        }
    }
}

type Where = ([u8; 16], &'static str);

type Shift<'a> = dyn FnMut(&StockLine, BusinessDate, Option<Where>, Option<Where>) + 'a;

fn at_station(event: &station::Event, shift: &mut Shift<'_>) {
    use station::Event as E;
    match event {
        E::GoodsCollected(e) => {
            let state = if matches!(e.origin.terms, Terms::Outright { .. }) { "pending" } else { "on hand" };
            shift(&collected(e), e.occasion.business_date, None, Some((e.station.0, state)));
        }
        E::GoodsReleased(e) => {
            shift(&e.line, e.occasion.business_date, Some((e.place.0, "pending")), Some((e.place.0, "on hand")));
        }
        E::GoodsReturned(e) => shift(&e.line, e.occasion.business_date, Some((e.place.0, "pending")), None),
        E::GoodsHandedOver(e) => e.lines.iter().for_each(|line| {
            let way = Some((e.shipment.0, "in transit"));
            shift(line, e.occasion.business_date, Some((e.from.0, "on hand")), way);
        }),
        E::GoodsTakenBack(e) => e.lines.iter().for_each(|line| {
            let way = Some((e.shipment.0, "in transit"));
            shift(line, e.occasion.business_date, way, Some((e.from.0, "on hand")));
        }),
        E::StockTakenIn(e) => {
            for (lines, state) in [(&e.received, "on hand"), (&e.damaged, "quarantined")] {
                for line in lines {
                    shift(line, e.occasion.business_date, None, Some((e.place.0, state)));
                }
            }
        }
        E::GoodsBoughtIn(e) => shift(&e.line, e.occasion.business_date, None, Some((e.place.0, "on hand"))),
        E::StockReserved(e) => reserved(e, shift),
        E::ReservationReleased(e) => released(e, shift),
        E::GoodsIssued(e) => issued(e, shift),
        E::StationOpened(_)
        | E::GoodsInspected(_)
        | E::StockRefused(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn at_sites(event: &distribution::Event, shift: &mut Shift<'_>) {
    use distribution::Event as E;
    match event {
        E::ShipmentDispatched(e) if !e.handed_over => e.lines.iter().for_each(|line| {
            let way = Some((e.shipment.0, "in transit"));
            shift(&line.stock, e.occasion.business_date, Some((e.from.0, "on hand")), way);
        }),
        E::ShipmentReceived(e) => {
            for line in &e.lines {
                for (quantity, state) in [(line.received, "on hand"), (line.damaged, "quarantined")] {
                    let stock = StockLine { quantity, ..line.stock };
                    let there = Some((e.place.0, state)).filter(|_| !e.at_station);
                    shift(&stock, e.occasion.business_date, Some((e.shipment.0, "in transit")), there);
                }
            }
        }
        E::GoodsBoughtIn(e) => shift(&e.line, e.occasion.business_date, None, Some((e.place.0, "on hand"))),
        E::StockReserved(e) => reserved(e, shift),
        E::ReservationReleased(e) => released(e, shift),
        E::GoodsIssued(e) => issued(e, shift),
        // Goods that were handed over are on their way already.
        E::ShipmentDispatched(_)
        | E::SiteOpened(_)
        | E::HandOverRefused(_)
        | E::StockRefused(_)
        | E::CancelRefused(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn reserved(e: &StockReserved, shift: &mut Shift<'_>) {
    for line in &e.picks {
        shift(line, e.occasion.business_date, Some((e.place.0, "on hand")), Some((e.place.0, "reserved")));
    }
}

fn released(e: &ReservationReleased, shift: &mut Shift<'_>) {
    for line in &e.picks {
        shift(line, e.occasion.business_date, Some((e.place.0, "reserved")), Some((e.place.0, "on hand")));
    }
}

fn issued(e: &GoodsIssued, shift: &mut Shift<'_>) {
    let (on, hand, reserved) = (e.occasion.business_date, Some((e.place.0, "on hand")), Some((e.place.0, "reserved")));
    e.beyond.iter().for_each(|line| shift(line, on, hand, reserved));
    e.issued.iter().for_each(|line| shift(line, on, reserved, None));
    e.released.iter().for_each(|line| shift(line, on, reserved, hand));
}
