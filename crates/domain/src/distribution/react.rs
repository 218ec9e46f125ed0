//! Answers to station and sales.

use super::decide::with_freight;
use super::{Distribution, Event, HandOverRefusal, HandOverRefused, ShipmentDispatched};
use crate::station::GoodsHandedOver;
use crate::stock::{self, Holder, consequence};
use crate::{Decider, State, sales, station};

pub(super) fn concerns(event: &crate::Event) -> bool {
    match event {
        crate::Event::Station(event) => matches!(event, station::Event::GoodsHandedOver(_)),
        crate::Event::Sales(event) => stock::concerns(event, Distribution::SERVICE),
        crate::Event::Procurement(_) | crate::Event::Distribution(_) => false,
    }
}

/// At least one answer to an event that concerns distribution, none to any other. Whatever station hands over or sales
/// asks for is accepted or refused, so nothing is ignored.
pub(super) fn react(state: &State<Distribution>, event: &crate::Event) -> Vec<crate::Event> {
    match event {
        crate::Event::Station(station::Event::GoodsHandedOver(e)) => {
            vec![crate::Event::Distribution(handed_over(state, e))]
        }
        crate::Event::Sales(sales::Event::OrderPlaced(e)) => {
            stock::order_placed(state, e).into_iter().map(Distribution::answer).collect()
        }
        crate::Event::Sales(sales::Event::CancellationRequested(e)) if e.holder == Distribution::SERVICE => {
            vec![Distribution::answer(stock::release(state, e))]
        }
        crate::Event::Procurement(_)
        | crate::Event::Station(_)
        | crate::Event::Distribution(_)
        | crate::Event::Sales(_) => Vec::new(),
    }
}

fn handed_over(state: &State<Distribution>, event: &GoodsHandedOver) -> Event {
    let refused = |reason| {
        Event::HandOverRefused(HandOverRefused {
            occasion: consequence(&event.occasion),
            shipment: event.shipment,
            reason,
        })
    };
    let Some(destination) = state.place(event.to).or_else(|| state.other_place(event.to)) else {
        return refused(HandOverRefusal::DestinationUnknown);
    };
    let Some(carrier) = state.party(event.carrier.id) else { return refused(HandOverRefusal::CarrierUnknown) };
    if event.occasion.business_date < destination.since.max(carrier.since) {
        return refused(HandOverRefusal::DateTooEarly);
    }
    Event::ShipmentDispatched(ShipmentDispatched {
        occasion: consequence(&event.occasion),
        shipment: event.shipment,
        from: event.from,
        custodian: event.custodian,
        to: event.to,
        direction: event.direction,
        carrier: event.carrier,
        carrier_division: carrier.division_on(event.occasion.business_date),
        principal: event.principal,
        freight: event.freight,
        lines: with_freight(event.freight, &event.lines, &event.weights),
        handed_over: true,
    })
}
