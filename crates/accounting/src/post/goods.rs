//! Goods: what moves from where to where.

use loopledger_facts::distribution::{ShipmentDispatched, ShipmentReceived};
use loopledger_facts::station::{GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned, GoodsTakenBack};
use loopledger_facts::stock::{GoodsBoughtIn, GoodsIssued, ReservationReleased, StockReserved};
use loopledger_facts::{StockLine, Terms};
use loopledger_types::{PartyId, PlaceId};

use super::Post;
use crate::GoodsAccount as G;
use crate::journal::{Cell, EntryText, Journal};

/// supply[producer] → stock. Bought outright: pending and still the producer's; else on hand for the consignee.
impl Post for GoodsCollected {
    fn post(&self, journal: &mut Journal) {
        let origin = &self.origin;
        let line = StockLine {
            lot: self.lot,
            pool: 0,
            product: self.product,
            title: origin.terms.title(),
            collected_on: self.occasion.business_date,
            quantity: origin.quantity,
        };
        let stock = Cell::at(&line, G::OnHand, self.custodian, self.station);
        let stock = match origin.terms {
            Terms::Outright { .. } => stock.account(G::Pending).of(origin.producer),
            Terms::AgreedPrice { .. } | Terms::Commission { .. } => stock,
        };
        journal.begin(EntryText::Collected, self.occasion.business_date);
        journal.shift(&line, line.quantity, stock.account(G::Supply), stock);
        journal.end();
    }
}

/// Pending and the producer's → on hand and the buyer's.
impl Post for GoodsReleased {
    fn post(&self, journal: &mut Journal) {
        let stock = Cell::at(&self.line, G::OnHand, self.custodian, self.place);
        journal.begin(EntryText::Released, self.occasion.business_date);
        journal.shift(&self.line, self.line.quantity, stock.account(G::Pending).of(self.producer), stock);
        journal.end();
    }
}

/// Pending → returned[producer].
impl Post for GoodsReturned {
    fn post(&self, journal: &mut Journal) {
        let pending = Cell::at(&self.line, G::Pending, self.custodian, self.place).of(self.producer);
        journal.begin(EntryText::Returned, self.occasion.business_date);
        journal.shift(&self.line, self.line.quantity, pending, pending.account(G::Returned));
        journal.end();
    }
}

impl Post for GoodsHandedOver {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::HandedOver, self.occasion.business_date);
        for line in &self.lines {
            let (here, way) = leg(line, (self.custodian, self.from), (self.carrier.id, self.to));
            journal.shift(line, line.quantity, here, way);
        }
        journal.end();
    }
}

impl Post for GoodsTakenBack {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::TakenBack, self.occasion.business_date);
        for line in &self.lines {
            let (here, way) = leg(line, (self.custodian, self.from), (self.carrier.id, self.to));
            journal.shift(line, line.quantity, way, here);
        }
        journal.end();
    }
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
impl Post for ShipmentReceived {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::Received, self.occasion.business_date);
        for line in &self.lines {
            let stock = &line.stock;
            let (_, way) = leg(stock, (self.custodian, self.from), (self.carrier.id, self.place));
            let there = Cell::at(stock, G::OnHand, self.custodian, self.place);
            journal.shift(stock, line.received, way, there);
            journal.shift(stock, line.damaged, way, there.account(G::Quarantined));
        }
        journal.end();
    }
}

impl Post for GoodsBoughtIn {
    fn post(&self, journal: &mut Journal) {
        let stock = Cell::at(&self.line, G::OnHand, self.custodian, self.place);
        journal.begin(EntryText::BoughtIn, self.occasion.business_date);
        journal.shift(&self.line, self.line.quantity, stock.account(G::BoughtIn), stock);
        journal.end();
    }
}

impl Post for StockReserved {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::Reserved, self.occasion.business_date);
        for line in &self.picks {
            let stock = Cell::at(line, G::OnHand, self.custodian, self.place);
            journal.shift(line, line.quantity, stock, stock.account(G::Reserved));
        }
        journal.end();
    }
}

impl Post for ReservationReleased {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::Unreserved, self.occasion.business_date);
        for line in &self.picks {
            let stock = Cell::at(line, G::Reserved, self.custodian, self.place);
            journal.shift(line, line.quantity, stock, stock.account(G::OnHand));
        }
        journal.end();
    }
}

/// reserved → sold[scope]; issued beyond the reservation: first on hand → reserved; not needed: reserved → on hand.
impl Post for GoodsIssued {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::Issued, self.occasion.business_date);
        let reserved = |line: &StockLine| Cell::at(line, G::Reserved, self.custodian, self.place);
        for line in &self.beyond {
            let stock = reserved(line);
            journal.shift(line, line.quantity, stock.account(G::OnHand), stock);
        }
        for line in &self.issued {
            let stock = reserved(line);
            journal.shift(line, line.quantity, stock, stock.account(G::Sold(self.buyer.scope)));
        }
        for line in &self.released {
            let stock = reserved(line);
            journal.shift(line, line.quantity, stock, stock.account(G::OnHand));
        }
        journal.end();
    }
}

/// On hand at one end, and on the way from there to the other: (custodian, place) of each.
fn leg(line: &StockLine, from: (PartyId, PlaceId), to: (PartyId, PlaceId)) -> (Cell, Cell) {
    let here = Cell::at(line, G::OnHand, from.0, from.1);
    let way = Cell { account: G::InTransit, custodian: to.0, destination: Some(to.1), ..here };
    (here, way)
}
