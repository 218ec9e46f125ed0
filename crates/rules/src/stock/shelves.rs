//! The free stock of each place, product and principal in the order in which it is picked, where each lot lies, and
//! what there is to list.
//!
//! Cells that hold something are never evicted, so this is complete whatever else has left memory. Picking walks only
//! what it picks, never the whole shelf.

use std::collections::BTreeSet;

use loopledger_types::{BusinessDate, LotId, PartyId, PlaceId, ProductId, Table};

use super::{Cell, CellKey, Embeds, Entity, Key};
use crate::{ByDay, Index, Ranked};

/// Free stock of one product at one place that one principal may move and sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shelf {
    pub place: PlaceId,
    pub product: ProductId,
    /// The owner, or the consignee of consigned goods.
    pub principal: PartyId,
}

impl Shelf {
    pub(super) fn of(key: &CellKey, cell: &Cell) -> Self {
        Self { place: key.place, product: cell.product, principal: cell.title.principal().id }
    }
}

/// A pool on a shelf, in picking order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub age: Ranked,
    pub lot: LotId,
    pub pool: u16,
}

impl Slot {
    fn of(key: &CellKey, cell: &Cell) -> Self {
        Self { age: Ranked::new(&cell.age), lot: key.lot, pool: key.pool }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Free {
    by_day: ByDay,
    slots: BTreeSet<Slot>,
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

/// A cell that holds anything, in the order of lists: by place, product and day of collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    pub place: PlaceId,
    pub product: ProductId,
    pub collected_on: BusinessDate,
    pub lot: LotId,
    pub pool: u16,
}

impl Held {
    fn new(key: &CellKey, cell: &Cell) -> Self {
        let CellKey { place, lot, pool } = *key;
        Self { place, product: cell.product, collected_on: cell.age.day, lot, pool }
    }

    pub const fn key(&self) -> CellKey {
        CellKey { place: self.place, lot: self.lot, pool: self.pool }
    }
}

impl Shelves {
    /// What is free on the shelf, in base units of the product: that of the whole shelf together, by day.
    pub fn free(&self, goods: &Shelf) -> Option<&ByDay> {
        Some(&self.free.get(goods)?.by_day)
    }

    /// What has anything on hand on the shelf, oldest first, lots together.
    pub fn oldest(&self, goods: &Shelf) -> impl Iterator<Item = &Slot> + '_ {
        self.free.get(goods).into_iter().flat_map(|free| &free.slots)
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

    /// Puts the cell's goods on its shelf instead of what was there of it.
    fn set_free(&mut self, key: &CellKey, old: Option<&Cell>, new: Option<&Cell>) {
        for cell in old.into_iter().filter(|cell| cell.on_hand.balance() > 0) {
            let goods = Shelf::of(key, cell);
            let free = self.free.entry_or_insert_with(goods, Free::default);
            free.by_day.remove(&cell.on_hand);
            free.slots.remove(&Slot::of(key, cell));
            if free.slots.is_empty() {
                self.free.remove(&goods);
            }
        }
        for cell in new.into_iter().filter(|cell| cell.on_hand.balance() > 0) {
            let free = self.free.entry_or_insert_with(Shelf::of(key, cell), Free::default);
            free.by_day.add(&cell.on_hand);
            free.slots.insert(Slot::of(key, cell));
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
            Some(Key::Party(_) | Key::Product(_) | Key::OtherPlace(_) | Key::Reservation(_) | Key::Lot(_)) | None => {
                return;
            }
        };
        let (old, new) = (cell(old), cell(new));
        let moved = match (old, new) {
            (Some(old), Some(new)) => (old.product, old.title, &old.age) != (new.product, new.title, &new.age),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if moved || old.map(|cell| &cell.on_hand) != new.map(|cell| &cell.on_hand) {
            self.set_free(key, old, new);
        }
        let holds = |cell: Option<&Cell>| cell.is_some_and(|cell| !cell.is_empty());
        let place = (key.lot, key.place, key.pool);
        if let Some(old) = old.filter(|_| holds(old) && (moved || !holds(new))) {
            self.held.remove(&Held::new(key, old));
            self.lots.remove(&place);
        }
        if let Some(new) = new.filter(|_| holds(new) && (moved || !holds(old))) {
            self.held.insert(Held::new(key, new));
            self.lots.insert(place);
        }
    }
}

fn cell<E: Embeds>(entity: Option<&E>) -> Option<&Cell> {
    let Some(Entity::Cell(cell)) = entity?.stock() else { return None };
    Some(cell)
}
