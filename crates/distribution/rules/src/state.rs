//! What distribution remembers: its sites and stock (`stock`), and shipments.

use std::sync::Arc;

use loopledger_facts::{Direction, PartyRef, StockLine};
use loopledger_rules::State;
use loopledger_rules::stock::{self, Embeds};
use loopledger_types::{BusinessDate, Money, PlaceId, Quantity, ShipmentId};

use crate::Distribution;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Stock(stock::Key),
    Shipment(ShipmentId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entity {
    Stock(stock::Entity),
    Shipment(Box<Shipment>),
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
}

impl loopledger_rules::Entity for Entity {
    type Key = Key;

    fn is_closed(&self) -> bool {
        match self {
            Self::Stock(entity) => entity.is_closed(),
            Self::Shipment(shipment) => shipment.lines.iter().all(|line| shipment.in_transit(line) == Quantity::ZERO),
        }
    }
}

impl From<stock::Key> for Key {
    fn from(key: stock::Key) -> Self {
        Self::Stock(key)
    }
}

impl From<stock::Entity> for Entity {
    fn from(entity: stock::Entity) -> Self {
        Self::Stock(entity)
    }
}

impl Embeds for Entity {
    fn stock(&self) -> Option<&stock::Entity> {
        let Self::Stock(entity) = self else { return None };
        Some(entity)
    }

    fn stock_key(key: &Key) -> Option<&stock::Key> {
        let Key::Stock(key) = key else { return None };
        Some(key)
    }
}

/// What is asked of the state.
pub trait DistributionState {
    fn shipment(&self, id: ShipmentId) -> Option<&Shipment>;
}

impl DistributionState for State<Distribution> {
    fn shipment(&self, id: ShipmentId) -> Option<&Shipment> {
        let Entity::Shipment(shipment) = self.entities.get(&Key::Shipment(id))? else { return None };
        Some(shipment)
    }
}
