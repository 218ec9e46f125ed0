//! What station remembers: its places and stock (`stock`), receipts that wait for an answer, hand-overs, and what it
//! needs to know of contracts and household members.

use loopledger_rules::{Paper, entities, stock};
use loopledger_types::{ContractId, NumberId, PartyId, Quantity, ReceiptId, ShipmentId};

use crate::Station;
use crate::contracts::Contract;
use crate::hand_over::HandOver;
use crate::members::Membership;
use crate::purchase::PendingReceipt;

entities! {
    station_entities, [trait StationState for Station], embeds Stock;

    0 Stock(stock::Key => stock::Entity)          [|stock| stock.is_closed()]  [_];
    /// Reference: the members of a household.
    1 Members(PartyId => Box<[Membership]>)       [never]                      [members or default];
    /// Reference.
    2 Contract(ContractId => Box<Contract>)       [never]                      [contract];
    /// What was collected on consignment under a contract so far, in the product's base unit; of outright purchases
    /// procurement keeps count.
    5 Collected(ContractId => Quantity)           [never]                      [collected or default];
    /// An outright purchase, and whether it was answered.
    3 Receipt(ReceiptId => Box<PendingReceipt>)   [|receipt| receipt.answered] [receipt];
    /// Loaded by a refused hand-over, which is rare: of an accepted one station hears nothing.
    4 HandOver(ShipmentId => Box<HandOver>)       [always]                     [hand_over];
    /// The receipts that have a number of a station in a business year, oldest first; none if they were declined.
    /// Loaded by a receipt that asks for the number.
    6 Number(NumberId => Box<[Paper<ReceiptId>]>) [always]                     [numbered or default];
}
