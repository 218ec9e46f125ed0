//! What happened, folded into the state; and what other services said that distribution needs to know.

use loopledger_types::{Quantity, ShipmentId};

use super::{
    Distribution, Entity, Event, Key, ReceivedLine, Shipment, ShipmentDispatched, ShipmentLine, ShipmentReceived,
    TransitLine,
};
use crate::stock::{self, Bucket, Place};
use crate::{Age, State, StockLine, station};

pub(super) fn evolve(state: &mut State<Distribution>, event: &Event) {
    match event {
        Event::SiteOpened(e) => {
            let place = Place {
                kind: e.kind,
                since: e.occasion.business_date,
                division: e.division,
                operator: e.operator,
                label: e.label.as_str().into(),
            };
            stock::place_opened(state, e.site, place);
        }
        Event::ShipmentDispatched(e) => dispatched(state, e),
        Event::ShipmentReceived(e) => received(state, e),
        Event::GoodsBoughtIn(e) => stock::bought_in(state, e),
        Event::StockReserved(e) => stock::reserved(state, e),
        Event::StockRefused(e) => stock::refused(state, e),
        Event::ReservationReleased(e) => stock::not_reserved_any_more(state, e),
        Event::GoodsIssued(e) => stock::issued(state, e),
        Event::HandOverRefused(_)
        | Event::CancelRefused(_)
        | Event::UpstreamIgnored(_)
        | Event::AnswerRepeated(_)
        | Event::TailLost(_) => {}
    }
}

fn dispatched(state: &mut State<Distribution>, event: &ShipmentDispatched) {
    // What a station handed over left station's stock, not ours.
    if !event.handed_over {
        for line in &event.lines {
            let at = (event.from, event.occasion.business_date);
            stock::shift(state, at, &line.stock, Some(Bucket::OnHand), None);
        }
    }
    let shipment = Shipment {
        from: event.from,
        to: event.to,
        direction: event.direction,
        carrier: event.carrier,
        principal: event.principal,
        freight: event.freight,
        dispatched_on: event.occasion.business_date,
        received_on: None,
        lines: event.lines.iter().map(under_way).collect(),
    };
    state.entities.put(Key::Shipment(event.shipment), Entity::Shipment(Box::new(shipment)));
}

fn under_way(line: &ShipmentLine) -> TransitLine {
    TransitLine { stock: line.stock, received: Quantity::ZERO, damaged: Quantity::ZERO, missing: Quantity::ZERO }
}

fn received(state: &mut State<Distribution>, event: &ShipmentReceived) {
    if !event.at_station {
        for line in &event.lines {
            put_away(state, event, line, line.received, Bucket::OnHand);
            put_away(state, event, line, line.damaged, Bucket::Quarantined);
        }
    }
    if let Some(shipment) = state.shipment(event.shipment) {
        let shipment = Shipment {
            received_on: Some(event.occasion.business_date),
            lines: event.lines.iter().map(arrived).collect(),
            ..shipment.clone()
        };
        state.entities.put(Key::Shipment(event.shipment), Entity::Shipment(Box::new(shipment)));
    }
}

fn put_away(
    state: &mut State<Distribution>,
    event: &ShipmentReceived,
    line: &ReceivedLine,
    quantity: Quantity,
    bucket: Bucket,
) {
    if quantity.is_positive() {
        let at = (event.place, event.occasion.business_date);
        stock::shift(state, at, &StockLine { quantity, ..line.stock }, None, Some(bucket));
    }
}

const fn arrived(line: &ReceivedLine) -> TransitLine {
    TransitLine { stock: line.stock, received: line.received, damaged: line.damaged, missing: line.missing }
}

/// Folds an event of another stream.
pub(super) fn note(state: &mut State<Distribution>, event: &crate::Event) {
    match event {
        crate::Event::Procurement(event) => stock::note_parties(state, event),
        crate::Event::Station(station::Event::StationOpened(e)) => {
            let place = Place {
                kind: e.kind,
                since: e.occasion.business_date,
                division: e.division,
                operator: e.operator,
                label: e.label.as_str().into(),
            };
            stock::note_other_place(state, e.station, place);
        }
        crate::Event::Station(station::Event::GoodsCollected(e)) => {
            stock::note_lot(state, e.lot, Age::new(&e.occasion, &e.receipt_number));
        }
        crate::Event::Station(station::Event::GoodsBoughtIn(e)) => {
            stock::note_lot(state, e.line.lot, Age::new(&e.occasion, &e.lot_label));
        }
        crate::Event::Station(_) | crate::Event::Sales(_) | crate::Event::Distribution(_) => {}
    }
}

impl State<Distribution> {
    pub fn shipment(&self, id: ShipmentId) -> Option<&Shipment> {
        let Entity::Shipment(shipment) = self.entities.get(&Key::Shipment(id))? else { return None };
        Some(shipment)
    }
}
