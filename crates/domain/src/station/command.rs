//! What station can be asked to do. Shapes are checked already; existence and rules are not.

use loopledger_types::{ContractId, DivisionCode, MemberId, Money, PartyId, PlaceId, ProductId, ReceiptId};

use crate::procurement::ContractTerms;
use crate::stock::{BuyIn, IssueGoods, MoveLine};
use crate::{Measure, Occasion, PlaceKind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    OpenStation(OpenStation),
    CollectGoods(CollectGoods),
    HandOverGoods(HandOverGoods),
    BuyInGoods(BuyIn),
    IssueGoods(IssueGoods),
}

/// Creates a station or workshop (`PlaceId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStation {
    pub occasion: Occasion,
    pub kind: PlaceKind,
    pub division: DivisionCode,
    pub operator: PartyId,
    pub label: String,
}

/// Creates a receipt (`ReceiptId` index 0) and a lot (`LotId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectGoods {
    pub occasion: Occasion,
    pub station: PlaceId,
    pub producer: PartyId,
    pub member: Option<MemberId>,
    pub product: ProductId,
    pub terms: CollectTerms,
    pub receipt_number: String,
    /// The receipt that has the same number, if that is meant.
    pub same_number_as: Option<ReceiptId>,
    pub lot_label: String,
    pub grade: String,
    pub gross: Measure,
    pub tare: Measure,
    pub moisture: Measure,
    pub impurity: Measure,
    pub live_weight_grams: Option<u64>,
}

/// The terms of a collection: those of a contract, or stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectTerms {
    Contract(ContractId),
    Stated { principal: PartyId, terms: ContractTerms },
}

/// Creates a shipment (`ShipmentId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverGoods {
    pub occasion: Occasion,
    pub from: PlaceId,
    pub to: PlaceId,
    pub principal: PartyId,
    pub carrier: PartyId,
    pub freight: Money,
    pub lines: Vec<MoveLine>,
}
