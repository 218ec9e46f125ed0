//! What sales can be asked to do. Shapes are checked already; existence and rules are not.

use loopledger_types::{ChannelId, DivisionCode, LotId, Money, OrderId, PartyId, PlaceId, ProductId, UnitPrice};

use crate::{Charge, Measure, Medium, Occasion, PaymentMethod};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    OpenChannel(OpenChannel),
    PlaceOrder(PlaceOrder),
    CancelOrderLine(CancelOrderLine),
    RecordPayment(RecordPayment),
    ReturnPrepayment(ReturnPrepayment),
    SettleConsignment(SettleConsignment),
}

/// Creates a channel (`ChannelId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChannel {
    pub occasion: Occasion,
    pub medium: Medium,
    pub operator: PartyId,
    pub label: String,
}

/// Creates an order (`OrderId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    pub occasion: Occasion,
    pub number: String,
    /// The order that has the same number, if that is meant.
    pub same_number_as: Option<OrderId>,
    pub channel: ChannelId,
    pub seller: PartyId,
    pub buyer: Option<PartyId>,
    /// Where the buyer stands; of a registered buyer it must be the registered division, by any of its codes.
    pub buyer_division: DivisionCode,
    pub lines: Vec<PlaceOrderLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceOrderLine {
    pub product: ProductId,
    pub quantity: Measure,
    pub price: UnitPrice,
    pub place: PlaceId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelOrderLine {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
}

/// Creates a payment (`PaymentId` index 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPayment {
    pub occasion: Occasion,
    pub order: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
}

/// Creates a payment (`PaymentId` index 0), outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnPrepayment {
    pub occasion: Occasion,
    pub order: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
}

/// Creates a settlement (`SettlementId` index 0) of what was sold of these lots since the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleConsignment {
    pub occasion: Occasion,
    pub consignee: PartyId,
    pub lots: Vec<SettleLot>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleLot {
    pub lot: LotId,
    /// Costs passed on, split over the lot's producers by quantity.
    pub charges: Vec<Charge>,
}
