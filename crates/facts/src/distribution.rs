//! What distribution decides.

pub use crate::catalogue::distribution::Event;

use loopledger_types::{DivisionCode, Money, PartyId, PlaceId, Quantity, Service, ShipmentId};

use crate::size::{
    Bounded, CONSEQUENCE, DISPATCHED, DIVISION, ID, OCCASION, PARTY, RECEIVED, RECEIVED_LINE, SHIPMENT_LINE, WORD,
    items, texts,
};
pub use crate::stock::{CancelRefused, GoodsBoughtIn, GoodsIssued, ReservationReleased, StockRefused, StockReserved};
use crate::{Asks, Direction, Occasion, PartyRef, PlaceKind, StockLine};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteOpened {
    pub occasion: Occasion,
    pub site: PlaceId,
    /// Any kind but `Station` and `Workshop`.
    pub kind: PlaceKind,
    /// May lie outside the county (front warehouse, outlet).
    pub division: DivisionCode,
    /// Who keeps custody of what lies there.
    pub operator: PartyRef,
    pub label: String,
}

impl Bounded for SiteOpened {
    fn bytes_max(&self) -> usize {
        texts(OCCASION + ID + WORD + DIVISION + PARTY, [&self.label])
    }
}

/// A line of a shipment, with its part of the freight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShipmentLine {
    pub stock: StockLine,
    /// The freight split over the lines by largest remainder: by quantity, or by weight if that was stated.
    pub freight: Money,
}

/// A shipment is under way. Of a station's hand-over the goods were posted by station; of an own site's dispatch they
/// are posted here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentDispatched {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub from: PlaceId,
    /// Custodian at `from`.
    pub custodian: PartyId,
    pub to: PlaceId,
    pub direction: Direction,
    /// Custodian on the way; earns the freight.
    pub carrier: PartyRef,
    pub carrier_division: DivisionCode,
    /// Whose goods they are, and who owes the freight.
    pub principal: PartyRef,
    pub freight: Money,
    pub lines: Vec<ShipmentLine>,
    /// Whether it answers a station's `GoodsHandedOver`.
    pub handed_over: bool,
}

impl Bounded for ShipmentDispatched {
    fn bytes_max(&self) -> usize {
        items(DISPATCHED, &self.lines, SHIPMENT_LINE)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOverRefused {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub reason: HandOverRefusal,
}

impl Bounded for HandOverRefused {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + WORD
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandOverRefusal {
    DestinationUnknown,
    CarrierUnknown,
    /// The destination or the carrier came after the day of the hand-over.
    DateTooEarly,
}

/// What became of a line: received + damaged + missing = dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedLine {
    /// Its quantity is what was dispatched.
    pub stock: StockLine,
    /// On hand at the destination.
    pub received: Quantity,
    /// Quarantined at the destination.
    pub damaged: Quantity,
    /// Stays in transit until it is settled.
    pub missing: Quantity,
}

/// A shipment has arrived, all of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentReceived {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub from: PlaceId,
    pub place: PlaceId,
    /// Whether `place` is a station or workshop: then station takes the stock in.
    pub at_station: bool,
    pub direction: Direction,
    pub carrier: PartyRef,
    /// Custodian at `place`.
    pub custodian: PartyId,
    pub lines: Vec<ReceivedLine>,
}

impl Bounded for ShipmentReceived {
    fn bytes_max(&self) -> usize {
        items(RECEIVED, &self.lines, RECEIVED_LINE)
    }
}

/// Freight is owed.
impl Asks for ShipmentDispatched {
    fn asks(&self, _: Service) -> bool {
        self.freight.is_positive()
    }
}

/// Stations take in what arrives there.
impl Asks for ShipmentReceived {
    fn asks(&self, _: Service) -> bool {
        self.at_station
    }
}
