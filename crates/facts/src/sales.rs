//! What sales decides.

pub use crate::catalogue::sales::Event;

use loopledger_types::{
    ChannelId, DivisionCode, IssueId, LotId, Money, OrderId, PaymentId, PlaceId, ProductId, Quantity, ReceiptId,
    Service, SettlementId, UnitPrice,
};

use crate::size::{
    BUYER, Bounded, CONSEQUENCE, FULFILLED, FULFILLED_PART, ID, MONEY, OCCASION, ORDER_LINE, ORDERED, PARTY, SMALL,
    TOTAL, WORD, items, settlement, texts,
};
use crate::stock::StockRefusal;
use crate::{Asks, BuyerRef, Charge, Medium, Occasion, PartyRef, PaymentMethod, SettlementMode, StockLine};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelOpened {
    pub occasion: Occasion,
    pub channel: ChannelId,
    pub medium: Medium,
    pub operator: PartyRef,
    pub label: String,
}

impl Bounded for ChannelOpened {
    fn bytes_max(&self) -> usize {
        texts(OCCASION + ID + WORD + PARTY, [&self.label])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLine {
    pub product: ProductId,
    pub quantity: Quantity,
    pub price: UnitPrice,
    /// Price × ordered quantity; the actual weight decides in the end.
    pub amount: Money,
    /// Where the goods are taken from.
    pub place: PlaceId,
    /// Who holds stock there: station or distribution.
    pub holder: Service,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlaced {
    pub occasion: Occasion,
    pub order: OrderId,
    /// People's number of the order.
    pub number: String,
    pub channel: ChannelId,
    pub medium: Medium,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    pub lines: Vec<OrderLine>,
    /// The order that has the same number, if that was meant.
    pub same_number_as: Option<OrderId>,
}

impl Bounded for OrderPlaced {
    fn bytes_max(&self) -> usize {
        texts(items(ORDERED, &self.lines, ORDER_LINE), [&self.number])
    }
}

/// A line that will not be fulfilled: its holder refused it, or released it on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLineCancelled {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    /// Absent: cancelled on request.
    pub refusal: Option<StockRefusal>,
    /// Of a refused line: what its holder could have reserved.
    pub available: Option<Quantity>,
}

impl Bounded for OrderLineCancelled {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + SMALL + WORD + TOTAL
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancellationRequested {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    pub place: PlaceId,
    pub holder: Service,
}

impl Bounded for CancellationRequested {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + SMALL + ID + WORD
    }
}

/// The holder refused to cancel: the line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLineStands {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
}

impl Bounded for OrderLineStands {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + SMALL
    }
}

/// Part of a fulfilled line: goods of one pool, with their part of the amount (largest remainder by quantity).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FulfilledPart {
    pub stock: StockLine,
    pub amount: Money,
    /// Whether several producers share the pool: then this sale is divided among them on its own.
    pub shared: bool,
}

/// A line was issued: the sale, at actual weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFulfilled {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    pub issue: IssueId,
    pub channel: ChannelId,
    pub medium: Medium,
    pub place: PlaceId,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    pub product: ProductId,
    pub quantity: Quantity,
    pub price: UnitPrice,
    /// Price × actual quantity, rounded once.
    pub amount: Money,
    /// How much of it the order's prepayment covers.
    pub from_prepayment: Money,
    pub parts: Vec<FulfilledPart>,
}

impl Bounded for OrderFulfilled {
    fn bytes_max(&self) -> usize {
        items(FULFILLED, &self.parts, FULFILLED_PART)
    }
}

/// Money from a customer: what settles the claim, and what is paid ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentReceived {
    pub occasion: Occasion,
    pub payment: PaymentId,
    pub order: OrderId,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    /// Credited to the claim on the buyer.
    pub applied: Money,
    /// Owed to the buyer until goods are issued.
    pub prepaid: Money,
    pub method: PaymentMethod,
}

impl Bounded for PaymentReceived {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + ID + PARTY + BUYER + MONEY + MONEY + WORD
    }
}

/// Prepayment that nothing will use goes back to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrepaymentReturned {
    pub occasion: Occasion,
    pub payment: PaymentId,
    pub order: OrderId,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    pub amount: Money,
    pub method: PaymentMethod,
}

impl Bounded for PrepaymentReturned {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + ID + PARTY + BUYER + MONEY + WORD
    }
}

/// One origin's part of a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledLine {
    pub lot: LotId,
    pub pool: u16,
    pub receipt: ReceiptId,
    pub producer: PartyRef,
    pub producer_division: DivisionCode,
    pub product: ProductId,
    pub mode: SettlementMode,
    /// Sold since the last settlement, in the lot's unit.
    pub quantity: Quantity,
    /// The same in the receipt's unit.
    pub source_quantity: Quantity,
    /// What it was sold for.
    pub gross: Money,
    /// What the consignee keeps: the commission; of agreed-price goods its margin (may be negative). What the receipt has
    /// come to so far, rounded, less what was booked before.
    pub commission: Money,
    pub charges: Vec<Charge>,
    /// gross − commission − charges: what the producer is owed.
    pub net: Money,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsignmentSettled {
    pub occasion: Occasion,
    pub settlement: SettlementId,
    /// The consignee named in the terms.
    pub consignee: PartyRef,
    pub lines: Vec<SettledLine>,
}

impl Bounded for ConsignmentSettled {
    fn bytes_max(&self) -> usize {
        settlement(self)
    }
}

/// The holder of a line reserves it.
impl Asks for OrderPlaced {
    fn asks(&self, reader: Service) -> bool {
        self.lines.iter().any(|line| line.holder == reader)
    }
}

/// The line's holder releases it.
impl Asks for CancellationRequested {
    fn asks(&self, reader: Service) -> bool {
        self.holder == reader
    }
}
