//! The entities that both holders keep: parties, products and places they need to know, cells, reservations.

use core::fmt;
use std::sync::Arc;

use loopledger_facts::distribution::SiteOpened;
use loopledger_facts::station::StationOpened;
use loopledger_types::{
    BaseUnit, BusinessDate, DivisionCode, LotId, OrderId, PartyId, PlaceId, ProductId, Quantity, UnitPrice,
};

use super::{CancelRefused, ReservationReleased, Shelves, StockRefused, StockReserved};
use crate::{Age, BuyerRef, Dated, Decider, PartyKind, PartyRef, PlaceKind, Rules, State, StockLine, Title};

/// A service that holds stock.
pub trait Holder:
    Decider<Entity: Embeds, Index = Shelves>
    + Rules<Fact: From<StockReserved> + From<StockRefused> + From<ReservationReleased> + From<CancelRefused>>
{
}

/// A service's entities, which embed those of this module.
pub trait Embeds: crate::Entity<Key: From<Key>> + From<Entity> {
    fn stock(&self) -> Option<&Entity>;
    fn stock_key(key: &Self::Key) -> Option<&Key>;
}

crate::entities! {
    stock_entities, [impl<H: Holder> State<H>];

    /// Reference: any party.
    0 Party(PartyId => Party)                       [never]                                [party];
    /// Reference.
    1 Product(ProductId => Product)                 [never]                                [product];
    /// An own place.
    2 Place(PlaceId => Place)                       [never]                                [place];
    /// Reference: a place of the other holder.
    3 OtherPlace(PlaceId => Place)                  [never]                                [other_place];
    // Closed, it need not come back: a cell that holds nothing is as good as none, and so is an ended reservation.
    4 Cell(CellKey => Box<Cell>)                    [|cell| cell.is_empty()]               [cell];
    5 Reservation(OrderLineKey => Box<Reservation>) [|reservation| !reservation.is_open()] [reservation]
        /// Instead: the first day on which an order line that was refused could have been reserved.
        or 7 Refused(BusinessDate)                  [always]                               [refused];
    /// How old a lot is, whichever holder took it in. Loaded when its goods come to a place that holds none of them,
    /// which remembers how old they are.
    6 Lot(LotId => Arc<Age>)                        [always]                               [lot];
}

/// What is known of a party: its kind, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    pub kind: PartyKind,
    /// The day from which on there is such a party.
    pub since: BusinessDate,
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
    /// Where it stood on that day, by the code of that day; before it was registered, where it stood at first.
    pub fn division_on(&self, day: BusinessDate) -> DivisionCode {
        self.moves.iter().rev().find(|m| m.from <= day).map_or(self.division, |m| m.division).on(day)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// The day from which on there is such a product.
    pub since: BusinessDate,
    pub base: BaseUnit,
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub kind: PlaceKind,
    /// The day on which it opened.
    pub since: BusinessDate,
    pub division: DivisionCode,
    /// The custodian of what lies there.
    pub operator: PartyRef,
    pub label: Box<str>,
}

impl From<&StationOpened> for Place {
    fn from(fact: &StationOpened) -> Self {
        Self {
            kind: fact.kind,
            since: fact.occasion.business_date,
            division: fact.division,
            operator: fact.operator,
            label: fact.label.as_str().into(),
        }
    }
}

impl From<&SiteOpened> for Place {
    fn from(fact: &SiteOpened) -> Self {
        Self {
            kind: fact.kind,
            since: fact.occasion.business_date,
            division: fact.division,
            operator: fact.operator,
            label: fact.label.as_str().into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    pub place: PlaceId,
    pub lot: LotId,
    pub pool: u16,
}

/// What a place holds of one pool of one lot. A unit is in exactly one of the four states.
///
/// Only what is on hand is kept by day, because only that is taken by quantity: pending, reserved and quarantined goods
/// leave with the receipt, the reservation or the shipment that brought them, none of them earlier than it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub product: ProductId,
    pub title: Title,
    pub age: Arc<Age>,
    /// Free to be moved, reserved or issued, by day.
    pub on_hand: Dated,
    /// Kept for an order line.
    pub reserved: Quantity,
    /// Waits for the buyer's answer; not free.
    pub pending: Quantity,
    /// Arrived damaged; not free.
    pub quarantined: Quantity,
}

impl Cell {
    pub fn is_empty(&self) -> bool {
        self.on_hand.balance() == 0 && [self.reserved, self.pending, self.quarantined] == [Quantity::ZERO; 3]
    }

    /// A line of this cell.
    pub fn line(&self, key: &CellKey, quantity: Quantity) -> StockLine {
        StockLine {
            lot: key.lot,
            pool: key.pool,
            product: self.product,
            title: self.title,
            collected_on: self.age.day,
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
    /// No issue is dated before it.
    pub reserved_on: BusinessDate,
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

impl Reservation {
    /// Whether it was neither issued nor released.
    pub fn is_open(&self) -> bool {
        self.status == ReservationStatus::Open
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReservationStatus {
    Open,
    Issued,
    Released,
}

impl<H: Holder> State<H> {
    fn entity(&self, key: Key) -> Option<&Entity> {
        self.entities.get(&key.into())?.stock()
    }
}
