//! Goods: what moves from where to where.

use loopledger_domain::distribution::{ShipmentDispatched, ShipmentReceived};
use loopledger_domain::station::{GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned, GoodsTakenBack};
use loopledger_domain::stock::{GoodsBoughtIn, GoodsIssued, ReservationReleased, StockReserved};
use loopledger_domain::{StockLine, Terms};
use loopledger_types::{PartyId, PlaceId};

use crate::GoodsAccount as G;
use crate::journal::{Cell, EntryText, Journal};

/// supply[producer] → stock. Bought outright: pending and still the producer's; else on hand for the consignee.
pub(super) fn collected(fact: &GoodsCollected, journal: &mut Journal) {
    let origin = &fact.origin;
    let line = StockLine {
        lot: fact.lot,
        pool: 0,
        product: fact.product,
        title: origin.terms.title(),
        collected_on: fact.occasion.business_date,
        quantity: origin.quantity,
    };
    let stock = Cell::at(&line, G::OnHand, fact.custodian, fact.station);
    let stock = match origin.terms {
        Terms::Outright { .. } => stock.account(G::Pending).of(origin.producer),
        Terms::AgreedPrice { .. } | Terms::Commission { .. } => stock,
    };
    journal.begin(EntryText::Collected, fact.occasion.business_date);
    journal.shift(&line, line.quantity, stock.account(G::Supply), stock);
    journal.end();
}

/// Pending and the producer's → on hand and the buyer's.
pub(super) fn released(fact: &GoodsReleased, journal: &mut Journal) {
    let stock = Cell::at(&fact.line, G::OnHand, fact.custodian, fact.place);
    journal.begin(EntryText::Released, fact.occasion.business_date);
    journal.shift(&fact.line, fact.line.quantity, stock.account(G::Pending).of(fact.producer), stock);
    journal.end();
}

/// Pending → returned[producer].
pub(super) fn returned(fact: &GoodsReturned, journal: &mut Journal) {
    let pending = Cell::at(&fact.line, G::Pending, fact.custodian, fact.place).of(fact.producer);
    journal.begin(EntryText::Returned, fact.occasion.business_date);
    journal.shift(&fact.line, fact.line.quantity, pending, pending.account(G::Returned));
    journal.end();
}

pub(super) fn handed_over(fact: &GoodsHandedOver, journal: &mut Journal) {
    journal.begin(EntryText::HandedOver, fact.occasion.business_date);
    for line in &fact.lines {
        let (here, way) = leg(line, (fact.custodian, fact.from), (fact.carrier.id, fact.to));
        journal.shift(line, line.quantity, here, way);
    }
    journal.end();
}

pub(super) fn taken_back(fact: &GoodsTakenBack, journal: &mut Journal) {
    journal.begin(EntryText::TakenBack, fact.occasion.business_date);
    for line in &fact.lines {
        let (here, way) = leg(line, (fact.custodian, fact.from), (fact.carrier.id, fact.to));
        journal.shift(line, line.quantity, way, here);
    }
    journal.end();
}

pub(super) fn dispatched(fact: &ShipmentDispatched, journal: &mut Journal) {
    journal.begin(EntryText::Dispatched, fact.occasion.business_date);
    for line in &fact.lines {
        let line = &line.stock;
        let (here, way) = leg(line, (fact.custodian, fact.from), (fact.carrier.id, fact.to));
        journal.shift(line, line.quantity, here, way);
    }
    journal.end();
}

/// What is missing stays in transit until it is settled.
pub(super) fn received(fact: &ShipmentReceived, journal: &mut Journal) {
    journal.begin(EntryText::Received, fact.occasion.business_date);
    for line in &fact.lines {
        let stock = &line.stock;
        let (_, way) = leg(stock, (fact.custodian, fact.from), (fact.carrier.id, fact.place));
        let there = Cell::at(stock, G::OnHand, fact.custodian, fact.place);
        journal.shift(stock, line.received, way, there);
        journal.shift(stock, line.damaged, way, there.account(G::Quarantined));
    }
    journal.end();
}

pub(super) fn bought_in(fact: &GoodsBoughtIn, journal: &mut Journal) {
    let stock = Cell::at(&fact.line, G::OnHand, fact.custodian, fact.place);
    journal.begin(EntryText::BoughtIn, fact.occasion.business_date);
    journal.shift(&fact.line, fact.line.quantity, stock.account(G::BoughtIn), stock);
    journal.end();
}

pub(super) fn reserved(fact: &StockReserved, journal: &mut Journal) {
    journal.begin(EntryText::Reserved, fact.occasion.business_date);
    for line in &fact.picks {
        let stock = Cell::at(line, G::OnHand, fact.custodian, fact.place);
        journal.shift(line, line.quantity, stock, stock.account(G::Reserved));
    }
    journal.end();
}

pub(super) fn unreserved(fact: &ReservationReleased, journal: &mut Journal) {
    journal.begin(EntryText::Unreserved, fact.occasion.business_date);
    for line in &fact.picks {
        let stock = Cell::at(line, G::Reserved, fact.custodian, fact.place);
        journal.shift(line, line.quantity, stock, stock.account(G::OnHand));
    }
    journal.end();
}

/// reserved → sold[scope]; issued beyond the reservation: first on hand → reserved; not needed: reserved → on hand.
pub(super) fn issued(fact: &GoodsIssued, journal: &mut Journal) {
    journal.begin(EntryText::Issued, fact.occasion.business_date);
    let reserved = |line: &StockLine| Cell::at(line, G::Reserved, fact.custodian, fact.place);
    for line in &fact.beyond {
        let stock = reserved(line);
        journal.shift(line, line.quantity, stock.account(G::OnHand), stock);
    }
    for line in &fact.issued {
        let stock = reserved(line);
        journal.shift(line, line.quantity, stock, stock.account(G::Sold(fact.buyer.scope)));
    }
    for line in &fact.released {
        let stock = reserved(line);
        journal.shift(line, line.quantity, stock, stock.account(G::OnHand));
    }
    journal.end();
}

/// On hand at one end, and on the way from there to the other: (custodian, place) of each.
fn leg(line: &StockLine, from: (PartyId, PlaceId), to: (PartyId, PlaceId)) -> (Cell, Cell) {
    let here = Cell::at(line, G::OnHand, from.0, from.1);
    let way = Cell { account: G::InTransit, custodian: to.0, destination: Some(to.1), ..here };
    (here, way)
}
