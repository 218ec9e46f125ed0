//! Words that events and commands of several services share.

use loopledger_types::{
    BaseUnit, BusinessDate, ContractId, DivisionCode, LotId, Money, PartyId, ProductId, Quantity, ReceiptId, Scope,
    Service, Timestamp, UnitPrice,
};

/// When and where a fact happened; every event carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// The day in official time (UTC+8) that the fact belongs to, as the caller said.
    pub business_date: BusinessDate,
    /// The device's own instant, if it sent one.
    pub occurred_at: Option<Timestamp>,
    /// The device's offset from UTC in minutes, if it sent one (Xinjiang time is +360, official time +480).
    pub device_utc_offset_min: Option<i16>,
    /// The division that the fact belongs to, as of `business_date`.
    pub division: DivisionCode,
}

/// The occasion of a reaction: its cause's, less what the cause's device said.
pub const fn consequence(cause: &Occasion) -> Occasion {
    Occasion { occurred_at: None, device_utc_offset_min: None, ..*cause }
}

/// The occasion of a reaction that cannot be refused: its cause's day, or that of what it rests on, if that is later.
pub fn consequence_from(since: BusinessDate, cause: &Occasion) -> Occasion {
    let occasion = consequence(cause);
    Occasion { business_date: occasion.business_date.max(since), ..occasion }
}

/// What kind of party; decides which book it has and which account it earns in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartyKind {
    /// 农户: an income unit, pseudonymous.
    Household,
    /// 合作社.
    Cooperative,
    /// 企业; a station's operator or a shop is one too.
    Firm,
    /// 寄递企业.
    Carrier,
    /// A registered customer outside the loop: no book of its own.
    Buyer,
    /// A supplier outside the county: no book of its own.
    Supplier,
}

impl PartyKind {
    /// Whether the ledger keeps a book for such a party.
    pub const fn has_book(self) -> bool {
        match self {
            Self::Household | Self::Cooperative | Self::Firm | Self::Carrier => true,
            Self::Buyer | Self::Supplier => false,
        }
    }

    /// Whether such a party can own goods in the loop: buy from producers, take on consignment, sell.
    pub const fn trades(self) -> bool {
        match self {
            Self::Cooperative | Self::Firm => true,
            Self::Household | Self::Carrier | Self::Buyer | Self::Supplier => false,
        }
    }
}

/// A party with its kind as of the decision: postings depend on the kind, so events copy it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyRef {
    pub id: PartyId,
    pub kind: PartyKind,
}

/// 贫困户类别 of a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HouseholdCategory {
    /// 一般农户.
    General,
    /// 建档立卡贫困户.
    RegisteredPoor,
    /// 脱贫户.
    Exited,
    /// 脱贫不稳定户.
    ExitedUnstable,
    /// 边缘易致贫户.
    AtRisk,
    /// 突发严重困难户.
    SuddenHardship,
}

/// A category from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryAt {
    pub category: HouseholdCategory,
    pub from: BusinessDate,
}

/// 与户主关系.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    Head,
    Spouse,
    Child,
    Parent,
    Other,
}

/// The plan's product classes by origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProductClass {
    /// 农特产品.
    Speciality,
    /// 手工艺品.
    Handicraft,
    /// 工业品, coming down.
    Industrial,
}

/// A kind of place that holds stock. Stations and workshops belong to the station service, the rest to distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlaceKind {
    /// 电商服务站点.
    Station,
    Workshop,
    /// 县域商品配送中心.
    CountyCentre,
    TownshipHub,
    /// 前置仓/云仓.
    FrontWarehouse,
    /// 直销点.
    Outlet,
}

impl PlaceKind {
    /// The service that holds the stock of such a place.
    pub const fn holder(self) -> Service {
        match self {
            Self::Station | Self::Workshop => Service::Station,
            Self::CountyCentre | Self::TownshipHub | Self::FrontWarehouse | Self::Outlet => Service::Distribution,
        }
    }
}

/// 上行 / 下行 / 县内.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Up,
    Down,
    Local,
}

/// 线上 / 线下.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    Online,
    Offline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentMethod {
    Cash,
    BankTransfer,
    /// `WeChat`, Alipay and the like.
    Mobile,
}

/// An amount in a unit as a caller stated it: already in base units, with the base kept, so that it can be compared
/// with the product's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    pub quantity: Quantity,
    pub base: BaseUnit,
}

/// On what terms a producer hands goods over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// 买断收购: ownership passes when the buyer accepts.
    Outright { buyer: PartyRef, price: UnitPrice, contract: Option<ContractId> },
    /// 视同买断代销: settled at the agreed price, whatever the sale price.
    AgreedPrice { consignee: PartyRef, price: UnitPrice, contract: Option<ContractId> },
    /// 手续费代销: settled at the sale price less commission; `price_basis` values losses.
    Commission { consignee: PartyRef, commission_bp: u32, price_basis: Option<UnitPrice>, contract: Option<ContractId> },
}

impl Terms {
    /// The buyer or consignee.
    pub const fn principal(&self) -> PartyRef {
        match self {
            Self::Outright { buyer, .. } => *buyer,
            Self::AgreedPrice { consignee, .. } | Self::Commission { consignee, .. } => *consignee,
        }
    }

    pub const fn contract(&self) -> Option<ContractId> {
        match self {
            Self::Outright { contract, .. }
            | Self::AgreedPrice { contract, .. }
            | Self::Commission { contract, .. } => *contract,
        }
    }

    /// What the pool of such goods is: the buyer's own from collection on, or consigned.
    pub const fn title(&self) -> Title {
        match self {
            Self::Outright { buyer, .. } => Title::Owned { owner: *buyer },
            Self::AgreedPrice { consignee, .. } => {
                Title::Consigned { consignee: *consignee, mode: SettlementMode::AgreedPrice }
            }
            Self::Commission { consignee, .. } => {
                Title::Consigned { consignee: *consignee, mode: SettlementMode::Commission }
            }
        }
    }
}

/// How a consigned pool is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettlementMode {
    AgreedPrice,
    Commission,
}

/// Whose a pool is: one owner's, or the consignors' in the hands of one consignee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Title {
    Owned { owner: PartyRef },
    Consigned { consignee: PartyRef, mode: SettlementMode },
}

impl Title {
    /// Who may sell it: the owner, or the consignee.
    pub const fn principal(&self) -> PartyRef {
        match self {
            Self::Owned { owner } => *owner,
            Self::Consigned { consignee, .. } => *consignee,
        }
    }
}

/// One producer's part of a lot; listed once, in the event that creates the lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub receipt: ReceiptId,
    pub producer: PartyRef,
    /// The village (or other division) that it comes from.
    pub division: DivisionCode,
    pub terms: Terms,
    /// In this lot's unit.
    pub quantity: Quantity,
    /// In the receipt's unit.
    pub source_quantity: Quantity,
}

/// A quantity of one pool of one lot, with what a holder needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockLine {
    pub lot: LotId,
    /// Index of the pool within the lot.
    pub pool: u16,
    pub product: ProductId,
    pub title: Title,
    /// Business date of collection (or of being bought in): lots are picked oldest first.
    pub collected_on: BusinessDate,
    pub quantity: Quantity,
}

/// Who buys, and where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuyerRef {
    /// A registered party; absent: an anonymous consumer.
    pub party: Option<PartyRef>,
    pub division: DivisionCode,
    pub scope: Scope,
}

/// A cost that a consignee passes on to consignors at settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub kind: ChargeKind,
    pub amount: Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChargeKind {
    /// 6601.
    Freight,
    /// 6602.
    Platform,
    /// 6402.
    Processing,
}

/// Why an upstream event is answered with [`UpstreamIgnored`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IgnoreReason {
    /// It answers something that this service never asked.
    NotAsked,
    /// It answers something that was answered before.
    AlreadyAnswered,
    /// It settles no line, so nothing is owed.
    NothingOwed,
}

/// The whole answer to an upstream event that a correct upstream would not have said, so that it has an answer.
///
/// Every service can say it. It changes no state, posts nothing and needs no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamIgnored {
    /// Its cause's, as for every reaction.
    pub occasion: Occasion,
    pub reason: IgnoreReason,
}

impl UpstreamIgnored {
    pub const fn of(cause: &Occasion, reason: IgnoreReason) -> Self {
        Self { occasion: consequence(cause), reason }
    }
}
