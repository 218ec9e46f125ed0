//! Answers to procurement, distribution and sales.

use super::{Entity, Event, GoodsReleased, GoodsReturned, GoodsTakenBack, Key, PendingReceipt, Station, StockTakenIn};
use crate::distribution::{HandOverRefused, ReceivedLine, ShipmentReceived};
use crate::stock::{self, Holder, consequence};
use crate::{Decider, State, StockLine, distribution, procurement, sales};
use loopledger_types::{Quantity, ReceiptId};

pub(super) fn concerns(event: &crate::Event) -> bool {
    match event {
        crate::Event::Procurement(event) => {
            matches!(event, procurement::Event::PurchaseAccepted(_) | procurement::Event::PurchaseDeclined(_))
        }
        crate::Event::Distribution(distribution::Event::ShipmentReceived(e)) => e.at_station,
        crate::Event::Distribution(event) => matches!(event, distribution::Event::HandOverRefused(_)),
        crate::Event::Sales(event) => stock::concerns(event, Station::SERVICE),
        crate::Event::Station(_) => false,
    }
}

/// Empty for an event that does not concern station, and for an answer to something that station never asked or that
/// was answered already: no correct upstream says such a thing, and there is nothing true to say of it.
pub(super) fn react(state: &State<Station>, event: &crate::Event) -> Vec<crate::Event> {
    let answer = match event {
        crate::Event::Procurement(procurement::Event::PurchaseAccepted(e)) => {
            waiting(state, e.receipt).and_then(|receipt| {
                Some(Event::GoodsReleased(GoodsReleased {
                    occasion: consequence(&e.occasion),
                    receipt: e.receipt,
                    producer: receipt.producer,
                    place: receipt.place,
                    custodian: state.place(receipt.place)?.operator.id,
                    line: receipt.line,
                }))
            })
        }
        crate::Event::Procurement(procurement::Event::PurchaseDeclined(e)) => {
            waiting(state, e.receipt).and_then(|receipt| {
                Some(Event::GoodsReturned(GoodsReturned {
                    occasion: consequence(&e.occasion),
                    receipt: e.receipt,
                    producer: receipt.producer,
                    place: receipt.place,
                    custodian: state.place(receipt.place)?.operator.id,
                    line: receipt.line,
                    reason: e.reason,
                }))
            })
        }
        crate::Event::Distribution(distribution::Event::HandOverRefused(e)) => taken_back(state, e),
        crate::Event::Distribution(distribution::Event::ShipmentReceived(e)) if e.at_station => Some(taken_in(e)),
        crate::Event::Sales(sales::Event::OrderPlaced(e)) => {
            return stock::order_placed(state, e).into_iter().map(Station::answer).collect();
        }
        crate::Event::Sales(sales::Event::CancellationRequested(e)) if e.holder == Station::SERVICE => {
            return vec![Station::answer(stock::release(state, e))];
        }
        crate::Event::Procurement(_)
        | crate::Event::Distribution(_)
        | crate::Event::Sales(_)
        | crate::Event::Station(_) => None,
    };
    answer.into_iter().map(crate::Event::Station).collect()
}

fn waiting(state: &State<Station>, receipt: ReceiptId) -> Option<&PendingReceipt> {
    let Entity::Receipt(receipt) = state.entities.get(&Key::Receipt(receipt))? else { return None };
    (!receipt.answered).then_some(receipt)
}

fn taken_back(state: &State<Station>, refused: &HandOverRefused) -> Option<Event> {
    let Entity::HandOver(hand_over) = state.entities.get(&Key::HandOver(refused.shipment))? else { return None };
    Some(Event::GoodsTakenBack(GoodsTakenBack {
        occasion: consequence(&refused.occasion),
        shipment: refused.shipment,
        from: hand_over.from,
        custodian: hand_over.custodian,
        to: hand_over.to,
        carrier: hand_over.carrier,
        lines: hand_over.lines.to_vec(),
    }))
}

fn taken_in(shipment: &ShipmentReceived) -> Event {
    let lines = |part: fn(&ReceivedLine) -> Quantity| {
        let lines = shipment.lines.iter().map(|line| StockLine { quantity: part(line), ..line.stock });
        lines.filter(|line| line.quantity.is_positive()).collect()
    };
    Event::StockTakenIn(StockTakenIn {
        occasion: consequence(&shipment.occasion),
        shipment: shipment.shipment,
        place: shipment.place,
        received: lines(|line| line.received),
        damaged: lines(|line| line.damaged),
    })
}
