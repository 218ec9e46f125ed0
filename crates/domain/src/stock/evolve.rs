//! How the facts of stock change cells and reservations. No rules: what was decided is done.

use std::sync::Arc;

use loopledger_types::{OrderId, PlaceId, Quantity};

use super::{
    Cell, CellKey, Entity, GoodsBoughtIn, GoodsIssued, Holder, Key, OrderLineKey, Place, Reservation,
    ReservationReleased, ReservationStatus, StockReserved,
};
use crate::{State, StockLine};

/// The states of stock at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Pending,
    OnHand,
    Reserved,
    Quarantined,
}

impl Cell {
    const fn of(line: &StockLine) -> Self {
        Self {
            product: line.product,
            title: line.title,
            collected_on: line.collected_on,
            on_hand: Quantity::ZERO,
            reserved: Quantity::ZERO,
            pending: Quantity::ZERO,
            quarantined: Quantity::ZERO,
        }
    }

    const fn bucket(&mut self, bucket: Bucket) -> &mut Quantity {
        match bucket {
            Bucket::Pending => &mut self.pending,
            Bucket::OnHand => &mut self.on_hand,
            Bucket::Reserved => &mut self.reserved,
            Bucket::Quarantined => &mut self.quarantined,
        }
    }
}

/// Moves the line's quantity between two states of its cell; `None` is anywhere else than this place.
///
/// A cell that left memory held nothing, so it need not be loaded. Decisions never take more than there is; should a log
/// say otherwise, the quantity goes below zero, where it is seen and never picked.
pub(crate) fn shift<H: Holder>(
    state: &mut State<H>,
    place: PlaceId,
    line: &StockLine,
    from: Option<Bucket>,
    to: Option<Bucket>,
) {
    let key = CellKey { place, lot: line.lot, pool: line.pool };
    let mut cell = state.cell(key).copied().unwrap_or_else(|| Cell::of(line));
    if let Some(bucket) = from {
        let quantity = cell.bucket(bucket);
        quantity.0 = quantity.0.saturating_sub(line.quantity.0);
    }
    if let Some(bucket) = to {
        let quantity = cell.bucket(bucket);
        quantity.0 = quantity.0.saturating_add(line.quantity.0);
    }
    state.entities.put(Key::Cell(key).into(), Entity::Cell(cell).into());
}

pub(crate) fn place_opened<H: Holder>(state: &mut State<H>, id: PlaceId, place: Place) {
    state.entities.put(Key::Place(id).into(), Entity::Place(place).into());
}

pub(crate) fn bought_in<H: Holder>(state: &mut State<H>, event: &GoodsBoughtIn) {
    shift(state, event.place, &event.line, None, Some(Bucket::OnHand));
}

pub(crate) fn reserved<H: Holder>(state: &mut State<H>, event: &StockReserved) {
    let Some(first) = event.picks.first() else { return };
    for line in &event.picks {
        shift(state, event.place, line, Some(Bucket::OnHand), Some(Bucket::Reserved));
    }
    let reservation = Reservation {
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

pub(crate) fn not_reserved_any_more<H: Holder>(state: &mut State<H>, event: &ReservationReleased) {
    for line in &event.picks {
        shift(state, event.place, line, Some(Bucket::Reserved), Some(Bucket::OnHand));
    }
    end(state, event.order, event.line, ReservationStatus::Released);
}

pub(crate) fn issued<H: Holder>(state: &mut State<H>, event: &GoodsIssued) {
    for line in &event.beyond {
        shift(state, event.place, line, Some(Bucket::OnHand), Some(Bucket::Reserved));
    }
    for line in &event.issued {
        shift(state, event.place, line, Some(Bucket::Reserved), None);
    }
    for line in &event.released {
        shift(state, event.place, line, Some(Bucket::Reserved), Some(Bucket::OnHand));
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
