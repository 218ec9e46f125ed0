//! What station remembers: its places and stock (`stock`), receipts that wait for an answer, hand-overs, and what it
//! needs to know of contracts and household members.

use std::sync::Arc;

use loopledger_types::{
    BusinessDate, ContractId, MemberId, NumberId, PartyId, PlaceId, ProductId, Quantity, ReceiptId, ShipmentId,
};

use crate::procurement::ContractTerms;
use crate::stock::{self, Embeds};
use crate::{Paper, PartyRef, State, StockLine};

use super::Station;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Stock(stock::Key),
    /// Reference: the members of a household.
    Members(PartyId),
    /// Reference.
    Contract(ContractId),
    /// What was collected under a contract.
    Collected(ContractId),
    /// An outright purchase.
    Receipt(ReceiptId),
    HandOver(ShipmentId),
    /// A receipt number of a station in a business year.
    Number(NumberId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entity {
    Stock(stock::Entity),
    Members(Box<[Membership]>),
    Contract(Box<Contract>),
    /// Consigned goods, in the product's base unit; of outright purchases procurement keeps count.
    Collected(Quantity),
    Receipt(Box<PendingReceipt>),
    HandOver(Box<HandOver>),
    /// The receipts that have it, oldest first; none if they were declined.
    Number(Box<[Paper<ReceiptId>]>),
}

/// When a member belongs to a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    pub member: MemberId,
    pub from: BusinessDate,
    /// The first day on which the member no longer belongs.
    pub until: Option<BusinessDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    pub firm: PartyRef,
    pub station: PlaceId,
    pub producer: PartyId,
    pub product: ProductId,
    pub terms: ContractTerms,
    pub valid_from: BusinessDate,
    /// The last day.
    pub valid_to: BusinessDate,
    /// What the firm takes in all.
    pub quantity_max: Option<Quantity>,
}

/// An outright purchase, and whether its buyer answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingReceipt {
    pub place: PlaceId,
    pub producer: PartyRef,
    pub line: StockLine,
    /// Free again when the purchase is declined.
    pub number: Option<NumberId>,
    pub answered: bool,
}

/// Goods given to a carrier, so that they can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    pub from: PlaceId,
    /// Custodian at `from`.
    pub custodian: PartyId,
    pub to: PlaceId,
    pub carrier: PartyRef,
    pub lines: Arc<[StockLine]>,
}

impl crate::Entity for Entity {
    type Key = Key;

    fn is_closed(&self) -> bool {
        match self {
            Self::Stock(entity) => entity.is_closed(),
            Self::Members(_) | Self::Contract(_) | Self::Collected(_) => false,
            Self::Receipt(receipt) => receipt.answered,
            // Loaded when they are needed: by a refused hand-over, which is rare (of an accepted one station hears nothing), and
            // by a receipt that asks for the number.
            Self::HandOver(_) | Self::Number(_) => true,
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
        match self {
            Self::Stock(entity) => Some(entity),
            Self::Members(_)
            | Self::Contract(_)
            | Self::Collected(_)
            | Self::Receipt(_)
            | Self::HandOver(_)
            | Self::Number(_) => None,
        }
    }

    fn stock_key(key: &Key) -> Option<&stock::Key> {
        match key {
            Key::Stock(key) => Some(key),
            Key::Members(_)
            | Key::Contract(_)
            | Key::Collected(_)
            | Key::Receipt(_)
            | Key::HandOver(_)
            | Key::Number(_) => None,
        }
    }
}

impl State<Station> {
    pub fn contract(&self, id: ContractId) -> Option<&Contract> {
        let Entity::Contract(contract) = self.entities.get(&Key::Contract(id))? else { return None };
        Some(contract)
    }

    pub fn receipt(&self, id: ReceiptId) -> Option<&PendingReceipt> {
        let Entity::Receipt(receipt) = self.entities.get(&Key::Receipt(id))? else { return None };
        Some(receipt)
    }

    /// The receipts that have a number.
    pub fn numbered(&self, number: NumberId) -> &[Paper<ReceiptId>] {
        match self.entities.get(&Key::Number(number)) {
            Some(Entity::Number(receipts)) => receipts,
            _ => &[],
        }
    }

    /// What was collected on consignment under a contract so far.
    pub fn collected(&self, contract: ContractId) -> Quantity {
        match self.entities.get(&Key::Collected(contract)) {
            Some(Entity::Collected(quantity)) => *quantity,
            _ => Quantity::ZERO,
        }
    }
}
