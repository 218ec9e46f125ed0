//! How quantities move between the states of a cell. No rules: what was decided is done.

use std::sync::Arc;

use loopledger_types::{BusinessDate, PlaceId, Quantity};

use super::{Cell, CellKey, Entity, Holder, Key};
use crate::{Age, Dated, Missing, Numbered, State, StockLine};

/// The states of stock at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
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
pub fn shift<H: Holder>(
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
    state.entities.put(Key::Cell(key).into(), Entity::Cell(Box::new(cell)).into());
}

/// Goods leave a place, by a hand-over or a dispatch, and may come to another one: how old they are is remembered.
///
/// Not when the lot comes to be: most lots are never seen by another place of the same holder.
pub fn leave<'a, H: Holder>(
    state: &mut State<H>,
    (place, day): (PlaceId, BusinessDate),
    lines: impl IntoIterator<Item = &'a StockLine>,
) {
    for line in lines {
        let cell = state.cell(CellKey { place, lot: line.lot, pool: line.pool });
        if let Some(age) = cell.map(|cell| Arc::clone(&cell.age)) {
            state.entities.put(Key::Lot(line.lot).into(), Entity::Lot(age).into());
        }
        shift(state, (place, day), line, Some(Bucket::OnHand), None);
    }
}

/// A lot comes to be at a place.
pub fn begin<H: Holder>(
    state: &mut State<H>,
    (place, day): (PlaceId, BusinessDate),
    line: &StockLine,
    age: Age,
    bucket: Bucket,
) {
    let key = CellKey { place, lot: line.lot, pool: line.pool };
    let mut cell = Cell::of(line, Some(&Arc::new(age)));
    cell.add(day, bucket, line.quantity);
    state.entities.put(Key::Cell(key).into(), Entity::Cell(Box::new(cell)).into());
}

/// Goods come to a place: how old they are is remembered where none of them lie yet.
pub fn ask_arrival<'a, H: Holder>(
    missing: &mut Missing<'_, H>,
    place: PlaceId,
    lines: impl IntoIterator<Item = &'a StockLine>,
) {
    for line in lines {
        if missing.state().cell(CellKey { place, lot: line.lot, pool: line.pool }).is_none() {
            missing.ask(Key::Lot(line.lot));
        }
    }
}
