//! The free stock of each place, product and principal in the order in which it is picked, and where each lot lies.
//!
//! Cells that hold something are never evicted, so this is complete whatever else has left memory. Picking walks only
//! what it picks, never the whole shelf.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_types::{BusinessDate, LotId, PartyId, PlaceId, ProductId, Table};

use super::{Cell, CellKey, Embeds, Entity, Key};
use crate::Index;

/// Free stock of one product at one place that one principal may move and sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shelf {
    pub place: PlaceId,
    pub product: ProductId,
    /// The owner, or the consignee of consigned goods.
    pub principal: PartyId,
}

/// A pool on a shelf, in picking order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    pub collected_on: BusinessDate,
    pub lot: LotId,
    pub pool: u16,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Free {
    /// Of any number of cells, so it may pass 2⁶³ where a cell cannot.
    total: i128,
    slots: BTreeMap<Slot, i64>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shelves {
    shelves: Table<Shelf, Free>,
    /// Cells that hold anything, in any state: lot, place, pool.
    lots: BTreeSet<(LotId, PlaceId, u16)>,
}

impl Shelves {
    /// What is free on the shelf, in base units of the product.
    pub fn free(&self, goods: &Shelf) -> i128 {
        self.shelves.get(goods).map_or(0, |free| free.total)
    }

    /// What is free on the shelf, oldest first, lots together.
    pub fn oldest(&self, goods: &Shelf) -> impl Iterator<Item = (Slot, i64)> + '_ {
        self.shelves
            .get(goods)
            .into_iter()
            .flat_map(|free| free.slots.iter().map(|(slot, quantity)| (*slot, *quantity)))
    }

    /// The cells of a lot at a place that hold anything.
    pub fn of_lot(&self, lot: LotId, place: PlaceId) -> impl Iterator<Item = CellKey> + '_ {
        self.lots.range((lot, place, 0)..=(lot, place, u16::MAX)).map(|&(lot, place, pool)| CellKey {
            place,
            lot,
            pool,
        })
    }

    /// Every shelf with something free, in order.
    pub fn shelves(&self) -> impl Iterator<Item = Shelf> + '_ {
        self.shelves.sorted().into_iter().map(|(goods, _)| *goods)
    }

    fn set_free(&mut self, key: &CellKey, cell: &Cell, quantity: i64) {
        let goods = Shelf { place: key.place, product: cell.product, principal: cell.title.principal().id };
        let slot = Slot { collected_on: cell.collected_on, lot: key.lot, pool: key.pool };
        let free = self.shelves.entry_or_insert_with(goods, Free::default);
        let before =
            if quantity > 0 { free.slots.insert(slot, quantity) } else { free.slots.remove(&slot) }.unwrap_or(0);
        free.total = free.total.saturating_sub(i128::from(before)).saturating_add(i128::from(quantity.max(0)));
        if free.slots.is_empty() {
            self.shelves.remove(&goods);
        }
    }
}

impl<E: Embeds> Index<E> for Shelves {
    fn update(&mut self, key: &E::Key, old: Option<&E>, new: Option<&E>) {
        let Some(Key::Cell(key)) = E::stock_key(key) else { return };
        let (old, new) = (cell(old), cell(new));
        let moved = match (old, new) {
            (Some(old), Some(new)) => {
                (old.product, old.title, old.collected_on) != (new.product, new.title, new.collected_on)
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        if let Some(old) = old.filter(|_| moved) {
            self.set_free(key, old, 0);
        }
        if let Some(new) = new.filter(|new| moved || old.is_none_or(|old| old.on_hand != new.on_hand)) {
            self.set_free(key, new, new.on_hand.0);
        }
        let place = (key.lot, key.place, key.pool);
        if new.is_some_and(|cell| !cell.is_empty()) {
            self.lots.insert(place);
        } else {
            self.lots.remove(&place);
        }
    }
}

fn cell<E: Embeds>(entity: Option<&E>) -> Option<&Cell> {
    let Some(Entity::Cell(cell)) = entity?.stock() else { return None };
    Some(cell)
}
