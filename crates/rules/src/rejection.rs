//! Why a command is refused. A closed vocabulary: each rule has a stable reason, and a refusal writes nothing.

use loopledger_types::{BusinessDate, EntityKind};

/// One field of a request that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the request's field in protobuf names, e.g. `lines[2].quantity`.
    pub field: String,
    pub fault: FieldFault,
    /// One English sentence.
    pub description: String,
}

impl Violation {
    pub fn new(field: impl Into<String>, fault: FieldFault, description: impl Into<String>) -> Self {
        Self { field: field.into(), fault, description: description.into() }
    }
}

macro_rules! field_faults {
    ($($name:ident => $reason:literal, $chinese:literal;)*) => {
        /// What can be wrong with a field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FieldFault { $($name,)* }

        impl FieldFault {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable reason, `UPPER_SNAKE`.
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason,)* }
            }

            /// One Chinese sentence.
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

field_faults! {
    Required => "REQUIRED", "必填。";
    NotAUuid => "NOT_A_UUID", "不是有效的 UUID。";
    UuidVersion => "UUID_VERSION", "请求编号须为第 4、7 或 8 版 UUID。";
    UnknownValue => "UNKNOWN_VALUE", "取值无法识别。";
    NotPositive => "NOT_POSITIVE", "必须大于零。";
    Negative => "NEGATIVE", "不得小于零。";
    OutOfRange => "OUT_OF_RANGE", "超出允许范围。";
    TooLong => "TOO_LONG", "文字过长。";
    TooMany => "TOO_MANY", "条目过多,请拆分后重试。";
    ControlCharacter => "CONTROL_CHARACTER", "不得包含控制字符。";
    LineSeparator => "LINE_SEPARATOR", "不得包含换行或分段符。";
    FormatCharacter => "FORMAT_CHARACTER", "不得包含不可见的格式字符(如零宽字符、书写方向控制符)。";
    BlankCharacter => "BLANK_CHARACTER", "不得包含看不见的占位字符。";
    UnassignedCharacter => "UNASSIGNED_CHARACTER", "含有无法识别的字符。";
    NothingVisible => "NOTHING_VISIBLE", "没有任何可见的文字。";
    MalformedDate => "MALFORMED_DATE", "日期无效,应为 YYYY-MM-DD。";
    MalformedMonth => "MALFORMED_MONTH", "月份无效,应为 YYYY-MM。";
    MalformedDivision => "MALFORMED_DIVISION", "行政区划代码格式不正确,应为 6、9 或 12 位数字。";
    UnknownDivision => "UNKNOWN_DIVISION", "没有该行政区划代码,或该代码当日不适用。";
    DivisionNotInEdition => "DIVISION_NOT_IN_EDITION", "所选版本的区划目录中没有该区划。";
    AmbiguousLabel => "AMBIGUOUS_LABEL", "多个批次使用该批次码,请改用批次编号。";
    NotApplicable => "NOT_APPLICABLE", "该条件不适用于此项查询。";
    MalformedCounty => "MALFORMED_COUNTY", "县级行政区划代码格式不正确,应为 6 位数字。";
    OtherCounty => "OTHER_COUNTY", "属于其他县,与请求的县不一致。";
    BeforeFrom => "BEFORE_FROM", "截止时间不得早于起始时间。";
    MalformedStream => "MALFORMED_STREAM", "流名称不正确。";
    StreamNotRead => "STREAM_NOT_READ", "本服务不读取该流。";
    MalformedPageToken => "MALFORMED_PAGE_TOKEN", "分页标记无效。";
    HashLength => "HASH_LENGTH", "哈希值须为 32 字节。";
    Duplicate => "DUPLICATE", "重复。";
    OtherNumber => "OTHER_NUMBER", "该编号的单据中没有此单据。";
    HouseholdNeedsOneHead => "HOUSEHOLD_NEEDS_ONE_HEAD", "每户必须有且只有一名户主。";
    WrongUnit => "WRONG_UNIT", "计量单位与产品不符。";
    DateInFuture => "DATE_IN_FUTURE", "业务日期不得晚于今天。";
    OutsideCounty => "OUTSIDE_COUNTY", "该地点须位于本县。";
    NotAVillageOfTheCounty => "NOT_A_VILLAGE_OF_THE_COUNTY", "须为本县的村级区划。";
    NotTheRegisteredDivision => "NOT_THE_REGISTERED_DIVISION", "与登记的区划不符。";
    OtherAccount => "OTHER_ACCOUNT", "该应付款不属于此付款方与收款方。";
    AmountTooLarge => "AMOUNT_TOO_LARGE", "金额(或单价乘以数量)超出上限。";
}

/// The outcome of a command that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The request itself is wrong: `INVALID_ARGUMENT`.
    Invalid(Vec<Violation>),
    /// It names something that does not exist: `NOT_FOUND`.
    NotFound { kind: EntityKind, id: String },
    /// It would create something that exists: `ALREADY_EXISTS`.
    Exists { kind: EntityKind, id: String },
    /// It breaks a rule: `FAILED_PRECONDITION`. `subject` names what the rule is about; `facts` are the numbers behind it,
    /// as (name, value) for `ErrorInfo` metadata.
    Broken { rule: Rule, subject: String, facts: Vec<(&'static str, String)> },
}

#[expect(clippy::needless_pass_by_value, reason = "callers write ids, numbers and texts as they have them")]
impl Rejection {
    pub fn invalid(field: impl Into<String>, fault: FieldFault, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, fault, description)])
    }

    pub fn broken(rule: Rule, subject: impl ToString) -> Self {
        Self::Broken { rule, subject: subject.to_string(), facts: Vec::new() }
    }

    /// The command is dated before `subject`, which it rests on: it may be dated `earliest` or later.
    pub fn too_early(subject: impl ToString, earliest: BusinessDate) -> Self {
        Self::broken(Rule::DateTooEarly, subject).with("earliest", earliest)
    }

    #[must_use]
    pub fn with(self, name: &'static str, value: impl ToString) -> Self {
        match self {
            Self::Broken { rule, subject, mut facts } => {
                facts.push((name, value.to_string()));
                Self::Broken { rule, subject, facts }
            }
            other @ (Self::Invalid(_) | Self::NotFound { .. } | Self::Exists { .. }) => other,
        }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident => $reason:literal, $english:literal, $chinese:literal;)*) => {
        /// The rules that a command can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule: tests show that each can be broken.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable reason, `UPPER_SNAKE`.
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason,)* }
            }

            /// One English sentence.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }

            /// One Chinese sentence.
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

rules! {
    /// Any service: the events would exceed 24 KiB.
    TooLarge => "TOO_LARGE", "What this command decides does not fit one commit.", "该请求产生的记录过大,请拆分后重试。";
    /// Any service: existence is an entity's opening day, not when it was recorded. `earliest` says from when on it may be.
    DateTooEarly => "DATE_TOO_EARLY", "The day is before that of something that this rests on.", "业务日期早于其所依据事项的日期。";
    /// Procurement.
    NotAHousehold => "NOT_A_HOUSEHOLD", "The party is not a household.", "该主体不是农户。";
    MemberNotIn => "MEMBER_NOT_IN_HOUSEHOLD", "The member does not belong to the household on that day.", "该成员当日不属于本户。";
    HeadMustStay => "HOUSEHOLD_NEEDS_ONE_HEAD", "A household has exactly one head.", "每户必须有且只有一名户主。";
    BackDated => "BACK_DATED", "A later change of the same attribute is already recorded.", "已登记了更晚的变更,不能再补登更早的变更。";
    PartyCannotTrade => "PARTY_CANNOT_TRADE", "Only a co-op or a firm can buy from producers, take on consignment or sell.", "只有合作社或企业可以收购、代销或销售。";
    PartyNotCarrier => "PARTY_NOT_A_CARRIER", "The party is not a carrier.", "该主体不是承运方。";
    PartyNotProducer => "PARTY_NOT_A_PRODUCER", "Goods are collected from households and co-ops only.", "只能向农户或合作社收购。";
    PartyNotSupplier => "PARTY_NOT_A_SUPPLIER", "The party is not a supplier from outside.", "该主体不是外部供货方。";
    ContractNotInForce => "CONTRACT_NOT_IN_FORCE", "The contract is not in force on that day.", "合同在该日期无效。";
    ContractMismatch => "CONTRACT_MISMATCH", "The contract is for another party, station or product.", "合同与主体、站点或产品不符。";
    NothingOwed => "NOTHING_OWED", "The payer owes the payee nothing.", "付款方没有应付该收款方的款项。";
    PayoutExceedsOwed => "PAYOUT_EXCEEDS_OWED", "The payout exceeds what is owed.", "支付金额超过应付金额。";
    PayoutAlreadyFailed => "PAYOUT_ALREADY_FAILED", "The payout has failed already.", "该笔支付已登记为失败。";
    /// Station and sales.
    NumberTaken => "NUMBER_TAKEN", "The number is that of another paper of this year.", "该编号本年度已被另一张单据使用。";
    /// Station and distribution.
    PlaceKindWrong => "PLACE_KIND_WRONG", "The place is of another kind.", "地点类型不符。";
    StationNotInVillage => "STATION_NOT_IN_VILLAGE", "A station lies in a village-level unit of the county.", "站点必须位于本县的村级区划内。";
    DeductionsExceedGross => "DEDUCTIONS_EXCEED_GROSS", "Tare and deductions leave nothing.", "皮重与扣减不得大于或等于毛重。";
    ContractUsedUp => "CONTRACT_QUANTITY_EXCEEDED", "The receipt exceeds what is left of the contract's quantity.", "本次收货超出合同剩余数量。";
    InsufficientStock => "INSUFFICIENT_STOCK", "There is not that much free stock.", "可用库存不足。";
    TooManyLots => "TOO_MANY_LOTS", "There is enough, but in more lots than one record can name.", "库存足够,但分散的批次过多,请减少数量或拆分后重试。";
    LotNotHere => "LOT_NOT_HERE", "The station has heard of no such lot.", "该站点没有此批次的记录。";
    LotPending => "LOT_PENDING", "The lot waits for the buyer's answer.", "该批次尚待收购方确认。";
    SamePlace => "SAME_PLACE", "Goods are sent from one place to another.", "发货地与收货地不能相同。";
    ShipmentNotOpen => "SHIPMENT_NOT_OPEN", "The shipment is not under way.", "该运单不在运输途中。";
    ShipmentLineUnknown => "SHIPMENT_LINE_UNKNOWN", "The shipment has no such line.", "运单中没有该明细。";
    ShipmentDoesNotAddUp => "SHIPMENT_DOES_NOT_ADD_UP", "Received, damaged and missing must add up to what was sent.", "实收、损坏与缺失之和必须等于发出数量。";
    WrongDestination => "WRONG_DESTINATION", "The shipment goes to another place.", "该运单的目的地不是此处。";
    ReservationNotOpen => "RESERVATION_NOT_OPEN", "The order line has no open reservation here.", "该订单行在此处没有有效预留。";
    /// Sales.
    BuyerInLoop => "BUYER_IN_LOOP", "Sales to a party with a book of its own are not taken as orders yet.", "暂不受理向本体系内主体的销售订单。";
    SellerIsBuyer => "SELLER_IS_BUYER", "Seller and buyer are the same party.", "卖方与买方不能是同一主体。";
    LineNotOpen => "ORDER_LINE_NOT_OPEN", "The order line is fulfilled or cancelled already.", "该订单行已完成或已取消。";
    CancellationPending => "CANCELLATION_PENDING", "A cancellation of this line is under way.", "该订单行的取消申请正在处理。";
    PaymentExceedsOrder => "PAYMENT_EXCEEDS_ORDER", "The payment exceeds what the order can still come to.", "付款金额超过订单应付金额。";
    PrepaymentExceeded => "PREPAYMENT_EXCEEDED", "There is not that much prepayment to return.", "可退预付款不足。";
    NotConsigned => "NOT_CONSIGNED", "The lot was not consigned to this party.", "该批次不是该主体受托代销的货物。";
    NothingToSettle => "NOTHING_TO_SETTLE", "Nothing of these lots was sold since the last settlement.", "这些批次自上次结算以来没有新的销售。";
    ChargesExceedSale => "CHARGES_EXCEED_SALE", "Commission and charges exceed the sale.", "佣金与费用超过销售额。";
}
