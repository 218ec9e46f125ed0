//! The free stock of each place, product and principal in the order in which it is picked, where each lot lies, and
//! what there is to list.
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
    free: Table<Shelf, Free>,
    /// Cells that hold anything, in any state: lot, place, pool.
    lots: BTreeSet<(LotId, PlaceId, u16)>,
    /// The same cells as they are listed.
    held: BTreeSet<Held>,
    /// Own places.
    places: BTreeSet<PlaceId>,
}

/// A cell that holds anything, in the order of lists: by place, product and age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    pub place: PlaceId,
    pub product: ProductId,
    pub slot: Slot,
}

impl Held {
    fn new(key: &CellKey, cell: &Cell) -> Self {
        let slot = Slot { collected_on: cell.collected_on, lot: key.lot, pool: key.pool };
        Self { place: key.place, product: cell.product, slot }
    }

    pub const fn key(&self) -> CellKey {
        CellKey { place: self.place, lot: self.slot.lot, pool: self.slot.pool }
    }
}

impl Shelves {
    /// What is free on the shelf, in base units of the product.
    pub fn free(&self, goods: &Shelf) -> i128 {
        self.free.get(goods).map_or(0, |free| free.total)
    }

    /// What is free on the shelf, oldest first, lots together.
    pub fn oldest(&self, goods: &Shelf) -> impl Iterator<Item = (Slot, i64)> + '_ {
        self.free.get(goods).into_iter().flat_map(|free| free.slots.iter().map(|(slot, quantity)| (*slot, *quantity)))
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
        self.free.sorted().into_iter().map(|(goods, _)| *goods)
    }

    /// Every cell that holds anything.
    pub const fn held(&self) -> &BTreeSet<Held> {
        &self.held
    }

    /// The holder's own places.
    pub const fn places(&self) -> &BTreeSet<PlaceId> {
        &self.places
    }

    fn set_free(&mut self, key: &CellKey, cell: &Cell, quantity: i64) {
        let goods = Shelf { place: key.place, product: cell.product, principal: cell.title.principal().id };
        let slot = Slot { collected_on: cell.collected_on, lot: key.lot, pool: key.pool };
        let free = self.free.entry_or_insert_with(goods, Free::default);
        let before =
            if quantity > 0 { free.slots.insert(slot, quantity) } else { free.slots.remove(&slot) }.unwrap_or(0);
        free.total = free.total.saturating_sub(i128::from(before)).saturating_add(i128::from(quantity.max(0)));
        if free.slots.is_empty() {
            self.free.remove(&goods);
        }
    }
}

impl<E: Embeds> Index<E> for Shelves {
    fn update(&mut self, key: &E::Key, old: Option<&E>, new: Option<&E>) {
        let key = match E::stock_key(key) {
            Some(Key::Cell(key)) => key,
            Some(Key::Place(place)) => {
                if new.is_some() {
                    self.places.insert(*place);
                } else {
                    self.places.remove(place);
                }
                return;
            }
            Some(Key::Party(_) | Key::Product(_) | Key::OtherPlace(_) | Key::Reservation(_)) | None => return,
        };
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
        let holds = |cell: Option<&Cell>| cell.is_some_and(|cell| !cell.is_empty());
        if let Some(old) = old.filter(|_| moved || !holds(new)) {
            self.held.remove(&Held::new(key, old));
        }
        if let Some(new) = new.filter(|_| holds(new) && (moved || !holds(old))) {
            self.held.insert(Held::new(key, new));
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
