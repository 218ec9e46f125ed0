//! Facts about stock that a holder (station or distribution) decides; both services record the same shapes.

use loopledger_types::{BusinessDate, DivisionCode, IssueId, Money, OrderId, PartyId, PlaceId, Quantity, UnitPrice};

use crate::size::{
    Bounded, CONSEQUENCE, DIVISION, ID, ISSUED, MONEY, OCCASION, PARTY, PRICE, REFUSED, RELEASED, RESERVED, SMALL,
    STOCK_LINE, items, texts,
};
use crate::{BuyerRef, Occasion, PartyRef, StockLine};

/// Goods taken for an order line, lot by lot: on hand becomes reserved. Answers sales' `OrderPlaced`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockReserved {
    pub occasion: Occasion,
    pub order: OrderId,
    /// Index of the order's line.
    pub line: u32,
    pub place: PlaceId,
    pub custodian: PartyId,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    pub picks: Vec<StockLine>,
    /// The order's, so that no more is issued than an amount can name.
    pub price: UnitPrice,
}

impl Bounded for StockReserved {
    fn bytes_max(&self) -> usize {
        items(RESERVED, &self.picks, STOCK_LINE)
    }
}

/// A line that cannot be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockRefused {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    pub place: PlaceId,
    pub reason: StockRefusal,
    pub requested: Quantity,
    /// What is free there on that day, of that product and principal; if there are too many lots, what the lots hold that
    /// the order's other lines left room for.
    pub available: Quantity,
    /// The first day on which it could be reserved, if there is any.
    pub earliest: Option<BusinessDate>,
}

impl Bounded for StockRefused {
    fn bytes_max(&self) -> usize {
        REFUSED
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StockRefusal {
    PlaceUnknown,
    InsufficientStock,
    /// There is enough, but in more lots than one answer can name.
    TooManyLots,
    /// The place opened after the day of the order.
    DateTooEarly,
}

/// A cancelled line's goods: reserved becomes on hand. Answers sales' `CancellationRequested`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationReleased {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    pub place: PlaceId,
    pub custodian: PartyId,
    pub picks: Vec<StockLine>,
}

impl Bounded for ReservationReleased {
    fn bytes_max(&self) -> usize {
        items(RELEASED, &self.picks, STOCK_LINE)
    }
}

/// The line was issued already, or never reserved here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelRefused {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    pub place: PlaceId,
}

impl Bounded for CancelRefused {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + SMALL + ID
    }
}

/// Goods leave to the buyer, at their actual weight: reserved becomes sold; what was reserved beyond it is on hand
/// again, and what was issued beyond the reservation comes from on hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsIssued {
    pub occasion: Occasion,
    pub issue: IssueId,
    pub order: OrderId,
    pub line: u32,
    pub place: PlaceId,
    pub custodian: PartyId,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    /// What left.
    pub issued: Vec<StockLine>,
    /// Part of `issued` that had not been reserved: taken from on hand.
    pub beyond: Vec<StockLine>,
    /// Reserved, not needed: on hand again.
    pub released: Vec<StockLine>,
}

impl Bounded for GoodsIssued {
    fn bytes_max(&self) -> usize {
        [&self.issued, &self.beyond, &self.released].iter().fold(ISSUED, |sum, lines| items(sum, lines, STOCK_LINE))
    }
}

/// Goods bought from a supplier outside the county, as a new lot with one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsBoughtIn {
    pub occasion: Occasion,
    pub place: PlaceId,
    pub custodian: PartyId,
    pub line: StockLine,
    pub owner: PartyRef,
    pub supplier: PartyRef,
    pub supplier_division: DivisionCode,
    pub price: UnitPrice,
    pub amount: Money,
    pub lot_label: String,
}

impl Bounded for GoodsBoughtIn {
    fn bytes_max(&self) -> usize {
        let fixed = OCCASION + ID + ID + STOCK_LINE + PARTY + PARTY + DIVISION + PRICE + MONEY;
        texts(fixed, [&self.lot_label])
    }
}

/// Grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineWeight {
    pub grams: i64,
}
