//! What station decides.

pub use crate::catalogue::station::Event;

use loopledger_types::{
    DivisionCode, LotId, MemberId, Money, PartyId, PlaceId, ProductId, Quantity, ReceiptId, Service, ShipmentId,
};

use crate::procurement::DeclineReason;
use crate::size::{
    Bounded, CONSEQUENCE, DIVISION, FLAG, HANDED_OVER, HASH, ID, LINE_WEIGHT, MONEY, OCCASION, ORIGIN, PARTY, QUANTITY,
    STOCK_LINE, TAKEN_BACK, TAKEN_IN, WORD, items, texts,
};
use crate::stock::LineWeight;
pub use crate::stock::{CancelRefused, GoodsBoughtIn, GoodsIssued, ReservationReleased, StockRefused, StockReserved};
use crate::{Asks, Direction, Occasion, Origin, PartyRef, PlaceKind, StockLine, Terms};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationOpened {
    pub occasion: Occasion,
    pub station: PlaceId,
    /// `Station` or `Workshop`.
    pub kind: PlaceKind,
    /// Village-level, in the county.
    pub division: DivisionCode,
    /// Who keeps custody of what lies there.
    pub operator: PartyRef,
    pub label: String,
}

impl Bounded for StationOpened {
    fn bytes_max(&self) -> usize {
        texts(OCCASION + ID + WORD + DIVISION + PARTY, [&self.label])
    }
}

/// A station takes goods from a producer against a receipt, as a new lot with one origin and one pool (index 0).
/// Outright: the lot is pending until procurement answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsCollected {
    pub occasion: Occasion,
    pub lot: LotId,
    /// Receipt, producer, village, terms, net quantity (twice: lot's unit and receipt's unit are the same here).
    pub origin: Origin,
    pub station: PlaceId,
    pub custodian: PartyId,
    pub product: ProductId,
    pub member: Option<MemberId>,
    /// People's number of the weigh slip.
    pub receipt_number: String,
    /// People's code of the lot.
    pub lot_label: String,
    pub grade: String,
    /// In the product's base unit; net = gross − tare − moisture − impurity.
    pub gross: Quantity,
    pub tare: Quantity,
    pub moisture: Quantity,
    pub impurity: Quantity,
    /// Of livestock counted by head.
    pub live_weight_grams: Option<u64>,
    /// Price × net, for outright purchases.
    pub amount: Option<Money>,
    /// The receipt that has the same number, if that was meant.
    pub same_number_as: Option<ReceiptId>,
}

impl Bounded for GoodsCollected {
    fn bytes_max(&self) -> usize {
        texts(
            OCCASION + ID + ORIGIN + ID + ID + ID + ID + 5 * QUANTITY + (MONEY + 1) + (ID + 1),
            [&self.receipt_number, &self.lot_label, &self.grade],
        )
    }
}

/// The buyer accepted: pending becomes on hand, and the buyer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoodsReleased {
    pub occasion: Occasion,
    pub receipt: ReceiptId,
    pub producer: PartyRef,
    pub place: PlaceId,
    pub custodian: PartyId,
    pub line: StockLine,
}

impl Bounded for GoodsReleased {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + PARTY + ID + ID + STOCK_LINE
    }
}

/// The buyer declined: pending goods go back to the producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoodsReturned {
    pub occasion: Occasion,
    pub receipt: ReceiptId,
    pub producer: PartyRef,
    pub place: PlaceId,
    pub custodian: PartyId,
    pub line: StockLine,
    pub reason: DeclineReason,
}

impl Bounded for GoodsReturned {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + PARTY + ID + ID + STOCK_LINE + WORD
    }
}

/// A station hands goods to a carrier: on hand becomes in transit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsHandedOver {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub from: PlaceId,
    /// Custodian at `from`.
    pub custodian: PartyId,
    pub to: PlaceId,
    pub direction: Direction,
    pub carrier: PartyRef,
    /// Whose goods they are, and who pays the freight.
    pub principal: PartyRef,
    pub freight: Money,
    pub lines: Vec<StockLine>,
    /// One for each line, if the freight is to be split by weight; empty: by quantity.
    pub weights: Vec<LineWeight>,
}

impl Bounded for GoodsHandedOver {
    fn bytes_max(&self) -> usize {
        items(items(HANDED_OVER, &self.lines, STOCK_LINE), &self.weights, LINE_WEIGHT)
    }
}

/// Distribution refused the hand-over: the goods are back in stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsTakenBack {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub from: PlaceId,
    pub custodian: PartyId,
    pub to: PlaceId,
    pub carrier: PartyRef,
    pub lines: Vec<StockLine>,
}

impl Bounded for GoodsTakenBack {
    fn bytes_max(&self) -> usize {
        items(TAKEN_BACK, &self.lines, STOCK_LINE)
    }
}

/// What a test found of a lot at a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsInspected {
    pub occasion: Occasion,
    /// Where the sample was taken.
    pub station: PlaceId,
    pub lot: LotId,
    /// The kind of test, or the number of its standard.
    pub test: String,
    pub passed: bool,
    /// What was measured.
    pub finding: String,
    pub laboratory_code: String,
    /// SHA-256 of the report.
    pub report_hash: Option<[u8; 32]>,
}

impl Bounded for GoodsInspected {
    fn bytes_max(&self) -> usize {
        texts(OCCASION + ID + ID + FLAG + HASH, [&self.test, &self.finding, &self.laboratory_code])
    }
}

/// A delivery to a station is in its books; the goods were posted by distribution's `ShipmentReceived`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockTakenIn {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub place: PlaceId,
    /// What is on hand now.
    pub received: Vec<StockLine>,
    /// What is quarantined now.
    pub damaged: Vec<StockLine>,
}

impl Bounded for StockTakenIn {
    fn bytes_max(&self) -> usize {
        items(items(TAKEN_IN, &self.received, STOCK_LINE), &self.damaged, STOCK_LINE)
    }
}

/// Outright purchases ask procurement, for the buyer.
impl Asks for GoodsCollected {
    fn asks(&self, _: Service) -> bool {
        matches!(self.origin.terms, Terms::Outright { .. })
    }
}
