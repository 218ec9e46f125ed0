//! The entities that both holders keep: parties, products and places they need to know, cells, reservations.

use core::fmt;
use std::sync::Arc;

use loopledger_types::{
    BaseUnit, BusinessDate, DivisionCode, LotId, OrderId, PartyId, PlaceId, ProductId, Quantity, UnitPrice,
};

use super::{Answer, Shelves};
use crate::{BuyerRef, Decider, Event, PartyKind, PartyRef, PlaceKind, State, StockLine, Title};

/// A service that holds stock.
pub trait Holder: Decider<Entity: Embeds, Index = Shelves> {
    /// Wraps an answer to sales into the service's own event.
    fn answer(answer: Answer) -> Event;
}

/// A service's entities, which embed those of this module.
pub trait Embeds: crate::Entity<Key: From<Key>> + From<Entity> {
    fn stock(&self) -> Option<&Entity>;
    fn stock_key(key: &Self::Key) -> Option<&Key>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Reference: any party.
    Party(PartyId),
    /// Reference.
    Product(ProductId),
    /// An own place.
    Place(PlaceId),
    /// Reference: a place of the other holder.
    OtherPlace(PlaceId),
    Cell(CellKey),
    Reservation(OrderLineKey),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entity {
    Party(Party),
    Product(Product),
    Place(Place),
    OtherPlace(Place),
    Cell(Cell),
    Reservation(Box<Reservation>),
}

impl Entity {
    /// Cells that hold nothing and reservations that ended may leave memory. Neither needs to come back for a decision:
    /// a cell that holds nothing is as good as none, and so is a reservation that is not open.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Party(_) | Self::Product(_) | Self::Place(_) | Self::OtherPlace(_) => false,
            Self::Cell(cell) => cell.is_empty(),
            Self::Reservation(reservation) => reservation.status != ReservationStatus::Open,
        }
    }
}

/// What is known of a party: its kind, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    pub kind: PartyKind,
    /// Where it stood at first.
    pub division: DivisionCode,
    /// Where it moved, by day.
    pub moves: Box<[Move]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    pub from: BusinessDate,
    pub division: DivisionCode,
}

impl Party {
    /// Where it stood on that day; before it was registered, where it stood at first.
    pub fn division_on(&self, day: BusinessDate) -> DivisionCode {
        self.moves.iter().rev().find(|m| m.from <= day).map_or(self.division, |m| m.division)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    pub base: BaseUnit,
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub kind: PlaceKind,
    pub division: DivisionCode,
    /// The custodian of what lies there.
    pub operator: PartyRef,
    pub label: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    pub place: PlaceId,
    pub lot: LotId,
    pub pool: u16,
}

/// What a place holds of one pool of one lot. A unit is in exactly one of the four states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub product: ProductId,
    pub title: Title,
    /// Business date of collection, or of being bought in.
    pub collected_on: BusinessDate,
    /// Free to be moved, reserved or issued.
    pub on_hand: Quantity,
    /// Kept for an order line.
    pub reserved: Quantity,
    /// Waits for the buyer's answer; not free.
    pub pending: Quantity,
    /// Arrived damaged; not free.
    pub quarantined: Quantity,
}

impl Cell {
    pub fn is_empty(&self) -> bool {
        [self.on_hand, self.reserved, self.pending, self.quarantined] == [Quantity::ZERO; 4]
    }

    /// A line of this cell.
    pub const fn line(&self, key: &CellKey, quantity: Quantity) -> StockLine {
        StockLine {
            lot: key.lot,
            pool: key.pool,
            product: self.product,
            title: self.title,
            collected_on: self.collected_on,
            quantity,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderLineKey {
    pub order: OrderId,
    pub line: u32,
}

impl fmt::Display for OrderLineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.order, self.line)
    }
}

/// Goods kept for an order line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub place: PlaceId,
    pub product: ProductId,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    /// The order line's price: what is issued must come to an amount.
    pub price: UnitPrice,
    /// What was reserved, oldest lot first; each (lot, pool) once.
    pub picks: Arc<[StockLine]>,
    pub status: ReservationStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReservationStatus {
    Open,
    Issued,
    Released,
}

impl<H: Holder> State<H> {
    fn stock(&self, key: Key) -> Option<&Entity> {
        self.entities.get(&key.into())?.stock()
    }

    pub fn party(&self, id: PartyId) -> Option<&Party> {
        let Entity::Party(party) = self.stock(Key::Party(id))? else { return None };
        Some(party)
    }

    pub fn product(&self, id: ProductId) -> Option<&Product> {
        let Entity::Product(product) = self.stock(Key::Product(id))? else { return None };
        Some(product)
    }

    /// An own place.
    pub fn place(&self, id: PlaceId) -> Option<&Place> {
        let Entity::Place(place) = self.stock(Key::Place(id))? else { return None };
        Some(place)
    }

    /// A place of the other holder.
    pub fn other_place(&self, id: PlaceId) -> Option<&Place> {
        let Entity::OtherPlace(place) = self.stock(Key::OtherPlace(id))? else { return None };
        Some(place)
    }

    pub fn cell(&self, key: CellKey) -> Option<&Cell> {
        let Entity::Cell(cell) = self.stock(Key::Cell(key))? else { return None };
        Some(cell)
    }

    pub fn reservation(&self, key: OrderLineKey) -> Option<&Reservation> {
        let Entity::Reservation(reservation) = self.stock(Key::Reservation(key))? else { return None };
        Some(reservation)
    }
}
