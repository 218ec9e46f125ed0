//! How the facts of stock change cells and reservations. No rules: what was decided is done.

use std::sync::Arc;

use loopledger_types::{BusinessDate, OrderId, PlaceId, Quantity};

use super::{
    Cell, CellKey, Entity, GoodsBoughtIn, GoodsIssued, Holder, Key, OrderLineKey, Place, Reservation,
    ReservationReleased, ReservationStatus, StockRefused, StockReserved,
};
use crate::{Age, Dated, Numbered, State, StockLine};

/// The states of stock at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Pending,
    OnHand,
    Reserved,
    Quarantined,
}

impl Cell {
    /// Holds nothing yet. Of a lot that nothing is known of, only the day is known.
    fn of(line: &StockLine, age: Option<&Arc<Age>>) -> Self {
        let unknown = || {
            let at = line.collected_on.end();
            Arc::new(Age { day: line.collected_on, at, number: Numbered::default() })
        };
        Self {
            product: line.product,
            title: line.title,
            age: age.map_or_else(unknown, Arc::clone),
            on_hand: Dated::default(),
            reserved: Quantity::ZERO,
            pending: Quantity::ZERO,
            quarantined: Quantity::ZERO,
        }
    }

    fn add(&mut self, day: BusinessDate, bucket: Bucket, quantity: Quantity) {
        match bucket {
            Bucket::OnHand => self.on_hand.add(day, quantity.0),
            Bucket::Pending => self.pending = sum(self.pending, quantity),
            Bucket::Reserved => self.reserved = sum(self.reserved, quantity),
            Bucket::Quarantined => self.quarantined = sum(self.quarantined, quantity),
        }
    }

    fn take(&mut self, day: BusinessDate, bucket: Bucket, quantity: Quantity) {
        match bucket {
            Bucket::OnHand => self.on_hand.take(day, quantity.0),
            Bucket::Pending => self.pending = rest(self.pending, quantity),
            Bucket::Reserved => self.reserved = rest(self.reserved, quantity),
            Bucket::Quarantined => self.quarantined = rest(self.quarantined, quantity),
        }
    }
}

fn sum(a: Quantity, b: Quantity) -> Quantity {
    a.checked_add(b).expect("a cell holds at most one lot, which is far below 2^63")
}

fn rest(a: Quantity, b: Quantity) -> Quantity {
    a.checked_sub(b).expect("a cell holds at most one lot, which is far below 2^63")
}

/// Moves the line's quantity on that day between two states of its cell; `None` is anywhere else than this place.
///
/// A cell that holds nothing keeps nothing of its days either, so that it is the same whether it left memory meanwhile or
/// not, and need not be loaded: what comes back later is there from the day on which it comes back. Decisions never take
/// more than there is; should a log say otherwise, the quantity goes below zero, where it is seen and never picked.
pub(crate) fn shift<H: Holder>(
    state: &mut State<H>,
    (place, day): (PlaceId, BusinessDate),
    line: &StockLine,
    from: Option<Bucket>,
    to: Option<Bucket>,
) {
    let key = CellKey { place, lot: line.lot, pool: line.pool };
    let mut cell = state.cell(key).cloned().unwrap_or_else(|| Cell::of(line, state.lot(line.lot)));
    if let Some(bucket) = from {
        cell.take(day, bucket, line.quantity);
    }
    if let Some(bucket) = to {
        cell.add(day, bucket, line.quantity);
    }
    if cell.is_empty() {
        cell.on_hand = Dated::default();
    }
    state.entities.put(Key::Cell(key).into(), Entity::Cell(cell).into());
}

pub(crate) fn place_opened<H: Holder>(state: &mut State<H>, id: PlaceId, place: Place) {
    state.entities.put(Key::Place(id).into(), Entity::Place(place).into());
}

pub(crate) fn bought_in<H: Holder>(state: &mut State<H>, event: &GoodsBoughtIn) {
    let age = Age::new(&event.occasion, &event.lot_label);
    state.entities.put(Key::Lot(event.line.lot).into(), Entity::Lot(Arc::new(age)).into());
    shift(state, (event.place, event.occasion.business_date), &event.line, None, Some(Bucket::OnHand));
}

pub(crate) fn reserved<H: Holder>(state: &mut State<H>, event: &StockReserved) {
    let Some(first) = event.picks.first() else { return };
    let at = (event.place, event.occasion.business_date);
    for line in &event.picks {
        shift(state, at, line, Some(Bucket::OnHand), Some(Bucket::Reserved));
    }
    let reservation = Reservation {
        reserved_on: event.occasion.business_date,
        place: event.place,
        product: first.product,
        seller: event.seller,
        buyer: event.buyer,
        price: event.price,
        picks: Arc::from(event.picks.as_slice()),
        status: ReservationStatus::Open,
    };
    let key = Key::Reservation(OrderLineKey { order: event.order, line: event.line });
    state.entities.put(key.into(), Entity::Reservation(Box::new(reservation)).into());
}

pub(crate) fn refused<H: Holder>(state: &mut State<H>, event: &StockRefused) {
    if let Some(earliest) = event.earliest {
        let key = Key::Reservation(OrderLineKey { order: event.order, line: event.line });
        state.entities.put(key.into(), Entity::Refused(earliest).into());
    }
}

pub(crate) fn not_reserved_any_more<H: Holder>(state: &mut State<H>, event: &ReservationReleased) {
    let at = (event.place, event.occasion.business_date);
    for line in &event.picks {
        shift(state, at, line, Some(Bucket::Reserved), Some(Bucket::OnHand));
    }
    end(state, event.order, event.line, ReservationStatus::Released);
}

pub(crate) fn issued<H: Holder>(state: &mut State<H>, event: &GoodsIssued) {
    let at = (event.place, event.occasion.business_date);
    for line in &event.beyond {
        shift(state, at, line, Some(Bucket::OnHand), Some(Bucket::Reserved));
    }
    for line in &event.issued {
        shift(state, at, line, Some(Bucket::Reserved), None);
    }
    for line in &event.released {
        shift(state, at, line, Some(Bucket::Reserved), Some(Bucket::OnHand));
    }
    end(state, event.order, event.line, ReservationStatus::Issued);
}

fn end<H: Holder>(state: &mut State<H>, order: OrderId, line: u32, status: ReservationStatus) {
    let key = OrderLineKey { order, line };
    if let Some(reservation) = state.reservation(key) {
        let ended = Reservation { status, ..reservation.clone() };
        state.entities.put(Key::Reservation(key).into(), Entity::Reservation(Box::new(ended)).into());
    }
}
