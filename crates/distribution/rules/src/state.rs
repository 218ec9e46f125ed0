//! What distribution remembers: its sites and stock (`stock`), and shipments.

use std::sync::Arc;

use loopledger_facts::{Direction, PartyRef, StockLine};
use loopledger_rules::{entities, stock};
use loopledger_types::{BusinessDate, Money, PlaceId, Quantity, ShipmentId};

use crate::Distribution;

entities! {
    distribution_entities, [trait DistributionState for Distribution], embeds Stock;

    0 Stock(stock::Key => stock::Entity)    [|stock| stock.is_closed()]        [_];
    /// Goods under way, or what became of them.
    1 Shipment(ShipmentId => Box<Shipment>) [|shipment| shipment.is_settled()] [shipment];
}

/// Goods under way, or what became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    pub from: PlaceId,
    pub to: PlaceId,
    pub direction: Direction,
    pub carrier: PartyRef,
    /// Whose goods they are, and who owes the freight.
    pub principal: PartyRef,
    pub freight: Money,
    pub dispatched_on: BusinessDate,
    /// Absent: under way.
    pub received_on: Option<BusinessDate>,
    /// Each (lot, pool) once.
    pub lines: Arc<[TransitLine]>,
}

/// A line of a shipment; received + damaged + missing = dispatched once it is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransitLine {
    /// What was dispatched.
    pub stock: StockLine,
    pub received: Quantity,
    pub damaged: Quantity,
    /// In transit until it is settled.
    pub missing: Quantity,
}

impl Shipment {
    /// What of a line is in transit now.
    pub const fn in_transit(&self, line: &TransitLine) -> Quantity {
        if self.received_on.is_none() { line.stock.quantity } else { line.missing }
    }

    /// Whether nothing of it is in transit any more.
    pub fn is_settled(&self) -> bool {
        self.lines.iter().all(|line| self.in_transit(line) == Quantity::ZERO)
    }
}
