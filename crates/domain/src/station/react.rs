//! Answers to procurement, distribution and sales.

use super::{Entity, Event, GoodsReleased, GoodsReturned, GoodsTakenBack, Key, PendingReceipt, Station, StockTakenIn};
use crate::distribution::{HandOverRefused, ReceivedLine, ShipmentReceived};
use crate::procurement::{PurchaseAccepted, PurchaseDeclined};
use crate::stock::{self, Holder, consequence};
use crate::{Decider, IgnoreReason, State, StockLine, UpstreamIgnored, distribution, procurement, sales};
use loopledger_types::{PartyId, Quantity, ReceiptId};

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

/// At least one answer to an event that concerns station, none to any other. An answer to something that station never
/// asked, or that was answered already, is ignored: no correct upstream says such a thing.
pub(super) fn react(state: &State<Station>, event: &crate::Event) -> Vec<crate::Event> {
    let (cause, answer) = match event {
        crate::Event::Procurement(procurement::Event::PurchaseAccepted(e)) => (&e.occasion, released(state, e)),
        crate::Event::Procurement(procurement::Event::PurchaseDeclined(e)) => (&e.occasion, returned(state, e)),
        crate::Event::Distribution(distribution::Event::HandOverRefused(e)) => (&e.occasion, taken_back(state, e)),
        crate::Event::Distribution(distribution::Event::ShipmentReceived(e)) if e.at_station => {
            (&e.occasion, Ok(taken_in(e)))
        }
        crate::Event::Sales(sales::Event::OrderPlaced(e)) => {
            return stock::order_placed(state, e).into_iter().map(Station::answer).collect();
        }
        crate::Event::Sales(sales::Event::CancellationRequested(e)) if e.holder == Station::SERVICE => {
            return vec![Station::answer(stock::release(state, e))];
        }
        crate::Event::Procurement(_)
        | crate::Event::Distribution(_)
        | crate::Event::Sales(_)
        | crate::Event::Station(_) => return Vec::new(),
    };
    let answer = answer.unwrap_or_else(|reason| Event::UpstreamIgnored(UpstreamIgnored::of(cause, reason)));
    vec![crate::Event::Station(answer)]
}

/// The receipt that waits for an answer, and who keeps custody of its goods.
fn waiting(state: &State<Station>, receipt: ReceiptId) -> Result<(&PendingReceipt, PartyId), IgnoreReason> {
    let Some(Entity::Receipt(receipt)) = state.entities.get(&Key::Receipt(receipt)) else {
        return Err(IgnoreReason::NotAsked);
    };
    if receipt.answered {
        return Err(IgnoreReason::AlreadyAnswered);
    }
    let place = state.place(receipt.place).ok_or(IgnoreReason::NotAsked)?;
    Ok((receipt, place.operator.id))
}

fn released(state: &State<Station>, accepted: &PurchaseAccepted) -> Result<Event, IgnoreReason> {
    let (receipt, custodian) = waiting(state, accepted.receipt)?;
    Ok(Event::GoodsReleased(GoodsReleased {
        occasion: consequence(&accepted.occasion),
        receipt: accepted.receipt,
        producer: receipt.producer,
        place: receipt.place,
        custodian,
        line: receipt.line,
    }))
}

fn returned(state: &State<Station>, declined: &PurchaseDeclined) -> Result<Event, IgnoreReason> {
    let (receipt, custodian) = waiting(state, declined.receipt)?;
    Ok(Event::GoodsReturned(GoodsReturned {
        occasion: consequence(&declined.occasion),
        receipt: declined.receipt,
        producer: receipt.producer,
        place: receipt.place,
        custodian,
        line: receipt.line,
        reason: declined.reason,
    }))
}

fn taken_back(state: &State<Station>, refused: &HandOverRefused) -> Result<Event, IgnoreReason> {
    let Some(Entity::HandOver(hand_over)) = state.entities.get(&Key::HandOver(refused.shipment)) else {
        return Err(IgnoreReason::NotAsked);
    };
    Ok(Event::GoodsTakenBack(GoodsTakenBack {
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
