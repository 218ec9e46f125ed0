//! What station remembers: its places and stock (`stock`), receipts that wait for an answer, hand-overs, and what it
//! needs to know of contracts and household members.

use loopledger_rules::stock::{self, Embeds};
use loopledger_rules::{Paper, State};
use loopledger_types::{ContractId, NumberId, PartyId, Quantity, ReceiptId, ShipmentId};

use crate::Station;
use crate::contracts::Contract;
use crate::hand_over::HandOver;
use crate::members::Membership;
use crate::purchase::PendingReceipt;

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

impl loopledger_rules::Entity for Entity {
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
        let Self::Stock(entity) = self else { return None };
        Some(entity)
    }

    fn stock_key(key: &Key) -> Option<&stock::Key> {
        let Key::Stock(key) = key else { return None };
        Some(key)
    }
}

/// What is asked of the state.
pub trait StationState {
    fn contract(&self, id: ContractId) -> Option<&Contract>;

    /// An outright purchase, and whether it was answered.
    fn receipt(&self, id: ReceiptId) -> Option<&PendingReceipt>;

    /// The receipts that have a number.
    fn numbered(&self, number: NumberId) -> &[Paper<ReceiptId>];

    /// What was collected on consignment under a contract so far.
    fn collected(&self, contract: ContractId) -> Quantity;
}

impl StationState for State<Station> {
    fn contract(&self, id: ContractId) -> Option<&Contract> {
        let Entity::Contract(contract) = self.entities.get(&Key::Contract(id))? else { return None };
        Some(contract)
    }

    fn receipt(&self, id: ReceiptId) -> Option<&PendingReceipt> {
        let Entity::Receipt(receipt) = self.entities.get(&Key::Receipt(id))? else { return None };
        Some(receipt)
    }

    fn numbered(&self, number: NumberId) -> &[Paper<ReceiptId>] {
        let Some(Entity::Number(receipts)) = self.entities.get(&Key::Number(number)) else { return &[] };
        receipts
    }

    fn collected(&self, contract: ContractId) -> Quantity {
        let collected = self.entities.get(&Key::Collected(contract));
        let Some(Entity::Collected(quantity)) = collected else { return Quantity::ZERO };
        *quantity
    }
}
