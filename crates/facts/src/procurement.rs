//! What procurement decides.

pub use crate::catalogue::procurement::Event;

use loopledger_types::{
    BaseUnit, BusinessDate, ContractId, DivisionCode, LotId, MemberId, Money, PartyId, PayableId, PayoutId, PlaceId,
    ProductId, Quantity, ReceiptId, SettlementId, ShipmentId, UnitPrice,
};

use crate::size::{
    Bounded, CONSEQUENCE, CONTRACT_TERMS, DATE, DEBT, DIVISION, ID, MEMBER, MONEY, OCCASION, PAID, PARTY, PAYABLE,
    PAYOUT_ITEM, PRICE, QUANTITY, WORD, items, message, texts,
};
use crate::{HouseholdCategory, Occasion, PartyKind, PartyRef, PaymentMethod, ProductClass, Relation, SettlementMode};

/// A member of a household from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberSince {
    pub member: MemberId,
    pub relation: Relation,
    pub from: BusinessDate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdRegistered {
    pub occasion: Occasion,
    pub household: PartyId,
    /// Village-level.
    pub division: DivisionCode,
    pub category: HouseholdCategory,
    /// Category, division and members hold from this day.
    pub from: BusinessDate,
    pub members: Vec<MemberSince>,
}

impl Bounded for HouseholdRegistered {
    fn bytes_max(&self) -> usize {
        items(OCCASION + ID + DIVISION + WORD + DATE, &self.members, MEMBER)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HouseholdCategoryChanged {
    pub occasion: Occasion,
    pub household: PartyId,
    pub category: HouseholdCategory,
    pub from: BusinessDate,
}

impl Bounded for HouseholdCategoryChanged {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + WORD + DATE
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberJoined {
    pub occasion: Occasion,
    pub household: PartyId,
    pub member: MemberSince,
}

impl Bounded for MemberJoined {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + MEMBER
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberLeft {
    pub occasion: Occasion,
    pub household: PartyId,
    pub member: MemberId,
    /// The first day on which the member no longer belongs.
    pub from: BusinessDate,
}

impl Bounded for MemberLeft {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + ID + DATE
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HouseholdRelocated {
    pub occasion: Occasion,
    pub household: PartyId,
    pub division: DivisionCode,
    pub from: BusinessDate,
}

impl Bounded for HouseholdRelocated {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + DIVISION + DATE
    }
}

/// A co-op, firm, carrier, buyer or supplier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyRegistered {
    pub occasion: Occasion,
    pub party: PartyRef,
    pub division: DivisionCode,
    /// A public business name or code; never a person's name.
    pub label: String,
}

impl Bounded for PartyRegistered {
    fn bytes_max(&self) -> usize {
        texts(OCCASION + PARTY + DIVISION, [&self.label])
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRegistered {
    pub occasion: Occasion,
    pub product: ProductId,
    /// Short code, unique in the county, e.g. `chickpea`.
    pub code: String,
    /// 品名.
    pub name: String,
    pub class: ProductClass,
    pub base: BaseUnit,
}

impl Bounded for ProductRegistered {
    fn bytes_max(&self) -> usize {
        texts(OCCASION + ID + WORD + WORD, [&self.code, &self.name])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkageContracted {
    pub occasion: Occasion,
    pub contract: ContractId,
    /// Buyer or consignee.
    pub firm: PartyRef,
    pub station: PlaceId,
    pub producer: PartyRef,
    pub product: ProductId,
    pub terms: ContractTerms,
    pub valid_from: BusinessDate,
    /// The last day.
    pub valid_to: BusinessDate,
    /// What the firm takes in all; absent means no limit.
    pub quantity_max: Option<Quantity>,
}

impl Bounded for LinkageContracted {
    fn bytes_max(&self) -> usize {
        OCCASION + ID + PARTY + ID + PARTY + ID + CONTRACT_TERMS + DATE + DATE + QUANTITY
    }
}

/// The terms that a collection under the contract gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractTerms {
    Outright { price: UnitPrice },
    AgreedPrice { price: UnitPrice },
    Commission { commission_bp: u32, price_basis: Option<UnitPrice> },
}

/// The buyer takes an outright purchase, at the receipt's price; answers station's `GoodsCollected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseAccepted {
    pub occasion: Occasion,
    pub receipt: ReceiptId,
    pub lot: LotId,
    pub station: PlaceId,
    pub buyer: PartyRef,
    pub producer: PartyRef,
    pub product: ProductId,
    pub contract: Option<ContractId>,
    pub quantity: Quantity,
    pub price: UnitPrice,
    pub amount: Money,
    /// What the buyer now owes the producer.
    pub payable: PayableId,
    /// People's number of the weigh slip: which of two debts of one instant is the older.
    pub receipt_number: String,
}

impl Bounded for PurchaseAccepted {
    fn bytes_max(&self) -> usize {
        texts(DEBT + ID + ID + ID + PARTY + PARTY + ID + ID + QUANTITY + PRICE + MONEY + ID, [&self.receipt_number])
    }
}

/// The buyer does not take it: the goods go back to the producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseDeclined {
    pub occasion: Occasion,
    pub receipt: ReceiptId,
    pub lot: LotId,
    pub station: PlaceId,
    pub reason: DeclineReason,
    /// What is left of the contract's quantity, if that is the reason.
    pub quantity_left: Option<Quantity>,
}

impl Bounded for PurchaseDeclined {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + ID + ID + ID + WORD + QUANTITY
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclineReason {
    BuyerUnknown,
    ProducerUnknown,
    ContractUnknown,
    ContractNotInForce,
    ContractMismatch,
    /// The receipt's price is not the contract's.
    PriceMismatch,
    /// The receipt exceeds what is left of the contract's quantity.
    QuantityExceeded,
    /// The buyer or the producer was registered after the day of the collection.
    DateTooEarly,
}

/// What a payable is for; says which account it stands in and who posted its opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayableSource {
    /// 2202, posted by procurement with the purchase. Carried by `PurchaseAccepted` itself.
    Purchase { receipt: ReceiptId },
    /// 2202, posted by sales.
    Settlement { settlement: SettlementId, lot: LotId, mode: SettlementMode },
    /// 2203, posted by distribution.
    Freight { shipment: ShipmentId },
    /// 2202 towards a supplier from outside, posted by procurement, a direct cost of the lot.
    BoughtIn { lot: LotId },
}

/// An obligation noted by procurement, which alone pays; answers facts of the other services, at their instant.
/// One event per obligation; a commit may hold several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayableOpened {
    pub occasion: Occasion,
    pub payable: PayableId,
    pub payer: PartyRef,
    pub payee: PartyRef,
    /// Where the payee stands: payments to parties of the county are money kept in the county.
    pub payee_division: DivisionCode,
    pub amount: Money,
    pub source: PayableSource,
    /// People's code of the lot, for goods bought in. It orders debts of one instant.
    pub number: String,
}

impl Bounded for PayableOpened {
    fn bytes_max(&self) -> usize {
        texts(PAYABLE, [&self.number])
    }
}

/// Part of a payout: which obligation it pays, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutItem {
    pub payable: PayableId,
    pub source: PayableSource,
    pub amount: Money,
}

/// Money paid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutMade {
    pub occasion: Occasion,
    pub payout: PayoutId,
    pub payer: PartyRef,
    pub payee: PartyRef,
    pub payee_division: DivisionCode,
    /// The sum of the items.
    pub amount: Money,
    pub items: Vec<PayoutItem>,
    pub method: PaymentMethod,
    /// SHA-256 of the bank slip or signed list; never the document.
    pub proof_hash: Option<[u8; 32]>,
    /// The member who took it, if it is a household's.
    pub received_by: Option<MemberId>,
}

impl Bounded for PayoutMade {
    fn bytes_max(&self) -> usize {
        items(PAID, &self.items, PAYOUT_ITEM)
    }
}

/// A payout that did not arrive: the exact opposite of it, which it carries whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutFailed {
    pub occasion: Occasion,
    pub reason: String,
    pub original: PayoutMade,
}

impl Bounded for PayoutFailed {
    fn bytes_max(&self) -> usize {
        texts(OCCASION, [&self.reason]).saturating_add(message(items(PAID, &self.original.items, PAYOUT_ITEM)))
    }
}

impl PartyRegistered {
    pub const fn kind(&self) -> PartyKind {
        self.party.kind
    }
}
