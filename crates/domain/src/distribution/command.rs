//! What distribution can be asked to do. Shapes are checked already; existence and rules are not.

use loopledger_types::{DivisionCode, LotId, Money, PartyId, PlaceId, ShipmentId};

use crate::stock::{BuyIn, IssueGoods, MoveLine};
use crate::{Measure, Occasion, PlaceKind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    OpenSite(OpenSite),
    DispatchShipment(DispatchShipment),
    ReceiveShipment(ReceiveShipment),
    BuyInGoods(BuyIn),
    IssueGoods(IssueGoods),
}

/// Creates a site (`PlaceId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSite {
    pub occasion: Occasion,
    pub kind: PlaceKind,
    pub division: DivisionCode,
    pub operator: PartyId,
    pub label: String,
}

/// Sends goods from an own site; creates a shipment (`ShipmentId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchShipment {
    pub occasion: Occasion,
    pub from: PlaceId,
    pub to: PlaceId,
    pub principal: PartyId,
    pub carrier: PartyId,
    pub freight: Money,
    pub lines: Vec<MoveLine>,
}

/// Takes a shipment in. Lines that are not named arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveShipment {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub place: PlaceId,
    /// What did not arrive whole.
    pub differences: Vec<ReceiptDifference>,
}

/// What of a line was damaged or is missing; the rest was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptDifference {
    pub lot: LotId,
    pub pool: u16,
    pub damaged: Measure,
    pub missing: Measure,
}
