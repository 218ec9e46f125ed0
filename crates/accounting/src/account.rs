//! The chart of accounts of every book, and the accounts of goods.

use loopledger_types::Scope;

macro_rules! chart {
    ($($(#[$doc:meta])* $name:ident => $number:literal, $english:literal, $chinese:literal;)*) => {
        /// A money account. Every party's book uses the same chart; a debit is positive.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Account { $($(#[$doc])* $name,)* }

        impl Account {
            /// The whole chart, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable number, with the sub-account after a dot.
            pub const fn number(self) -> &'static str {
                match self { $(Self::$name => $number,)* }
            }

            pub const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }

            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

chart! {
    Cash => "1001", "Cash and bank", "库存现金及银行存款";
    Receivable => "1121", "Claims on buyers", "应收账款";
    AdvancePaid => "1123.advance", "Advances paid", "预付账款";
    ClawbackClaim => "1123.clawback", "Clawback claims on producers", "应收追回款";
    MemberCurrent => "1131", "Member current account", "成员往来";
    ConsignedHeld => "1321", "Consigned goods held (memorandum)", "受托代销商品";
    BoughtOnBehalf => "1322", "Goods bought on behalf", "代购商品";
    OrderedThroughStation => "1324", "Goods ordered through the station", "委托代购款";
    Goods => "1401", "Goods purchased", "库存商品";
    GoodsProcessing => "1402", "Goods out for processing", "委托加工物资";
    GoodsInTransit => "1403", "Goods in transit", "在途物资";
    GoodsAtOutlet => "1404", "Goods at front warehouse or outlet", "前置仓及直销点商品";
    AdvanceReceived => "2131.advance", "Advances received", "预收账款";
    ClawbackOwed => "2131.clawback", "Clawbacks owed", "应付追回款";
    Payable => "2202", "Payable to producers and suppliers", "应付账款";
    PayableCarriage => "2203", "Payable to carriers and processors", "应付运费及加工费";
    WagesPayable => "2211", "Wages payable", "应付工资";
    Tax => "2221", "Taxes", "应交税费";
    ConsignmentLiability => "2314", "Consignment liability (memorandum)", "受托代销商品款";
    /// Gross proceeds of consigned goods sold and not yet settled.
    ConsignmentProceeds => "2314s", "Proceeds of consigned goods, unsettled", "代销货款(待结算)";
    OnBehalfLiability => "2315", "Owed for goods bought on behalf", "代购商品款";
    AgencyMoney => "2401", "Agency money held", "代收代缴款";
    RestrictedFund => "2501", "Restricted fund", "专项资金";
    Opening => "3001", "Opening balance", "期初权益";
    Surplus => "3201", "Surplus", "盈余公积";
    IncomeProduce => "5001.produce", "Operating income: produce", "生产经营收入(农产品)";
    IncomePatronage => "5001.patronage", "Operating income: patronage refund", "生产经营收入(盈余返还)";
    IncomeCompensation => "5001.compensation", "Operating income: compensation", "生产经营收入(赔偿)";
    IncomeWages => "5002", "Wage income", "工资性收入";
    IncomeProperty => "5003", "Property income", "财产性收入";
    IncomeTransfer => "5004", "Transfer income", "转移性收入";
    OperatingCost => "5401", "Cost of operating", "生产经营支出";
    Consumption => "5901", "Consumption bought through the station", "生活消费支出";
    Sales => "6001", "Sales", "主营业务收入";
    Service => "6051", "Commission and service income", "手续费及服务收入";
    Margin => "6052", "Margin on agreed-price consignment", "代销差价收入";
    Subsidy => "6111", "Subsidies", "补助收入";
    InsuranceIncome => "6301", "Insurance compensation", "保险赔款收入";
    LossRecovered => "6302", "Losses recovered", "赔偿收入";
    CostOfSales => "6401", "Cost of sales", "主营业务成本";
    Processing => "6402", "Processing", "加工成本";
    Logistics => "6601", "Logistics", "物流费用";
    Platform => "6602", "Platform and agency fees", "平台及代理费";
    Loss => "6711", "Loss and spoilage", "损失及报损";
    /// What would not balance; never empty without an exception beside it.
    Suspense => "9999", "Suspense", "待查";
}

impl Account {
    /// Dense index, the position in [`Account::ALL`].
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    pub const fn index(self) -> u8 {
        self as u8
    }

    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// The account with this number in the chart.
    pub fn parse(number: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|account| account.number() == number)
    }

    /// The category that a household's income in this account belongs to.
    pub const fn income_category(self) -> Option<IncomeCategory> {
        if matches!(self, Self::IncomeProduce | Self::IncomePatronage | Self::IncomeCompensation) {
            Some(IncomeCategory::Operating)
        } else if matches!(self, Self::IncomeWages) {
            Some(IncomeCategory::Wage)
        } else if matches!(self, Self::IncomeProperty) {
            Some(IncomeCategory::Property)
        } else if matches!(self, Self::IncomeTransfer) {
            Some(IncomeCategory::Transfer)
        } else {
            None
        }
    }
}

/// 收入类别.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncomeCategory {
    /// 生产经营性收入.
    Operating,
    /// 工资性收入.
    Wage,
    /// 财产性收入.
    Property,
    /// 转移性收入.
    Transfer,
}

impl IncomeCategory {
    pub const ALL: [Self; 4] = [Self::Operating, Self::Wage, Self::Property, Self::Transfer];

    pub const fn index(self) -> u8 {
        match self {
            Self::Operating => 0,
            Self::Wage => 1,
            Self::Property => 2,
            Self::Transfer => 3,
        }
    }
}

/// An account of goods. Stock is positive; what came in across a boundary is negative there, what went out positive,
/// so that each product adds up to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GoodsAccount {
    /// A producer of the loop made it.
    Supply,
    /// From outside the county.
    BoughtIn,
    /// In: came of another product.
    Produced,
    /// In: a count found more.
    Found,
    Sold(Scope),
    /// Back to the producer.
    Returned,
    Lost,
    OwnUse,
    /// Out: became another product.
    Transformed,
    /// Collected outright, waiting for the buyer's answer: still the producer's.
    Pending,
    OnHand,
    Reserved,
    InTransit,
    Quarantined,
    InProcess,
    /// What would not balance.
    Suspense,
}

impl GoodsAccount {
    /// Every account, by index.
    pub const ALL: [Self; 19] = [
        Self::Supply,
        Self::BoughtIn,
        Self::Produced,
        Self::Found,
        Self::Sold(Scope::County),
        Self::Sold(Scope::Prefecture),
        Self::Sold(Scope::Region),
        Self::Sold(Scope::Outside),
        Self::Returned,
        Self::Lost,
        Self::OwnUse,
        Self::Transformed,
        Self::Pending,
        Self::OnHand,
        Self::Reserved,
        Self::InTransit,
        Self::Quarantined,
        Self::InProcess,
        Self::Suspense,
    ];

    /// Dense index, the position in [`GoodsAccount::ALL`].
    pub const fn index(self) -> u8 {
        match self {
            Self::Supply => 0,
            Self::BoughtIn => 1,
            Self::Produced => 2,
            Self::Found => 3,
            Self::Sold(Scope::County) => 4,
            Self::Sold(Scope::Prefecture) => 5,
            Self::Sold(Scope::Region) => 6,
            Self::Sold(Scope::Outside) => 7,
            Self::Returned => 8,
            Self::Lost => 9,
            Self::OwnUse => 10,
            Self::Transformed => 11,
            Self::Pending => 12,
            Self::OnHand => 13,
            Self::Reserved => 14,
            Self::InTransit => 15,
            Self::Quarantined => 16,
            Self::InProcess => 17,
            Self::Suspense => 18,
        }
    }

    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Whether goods in this account are a party's stock.
    pub const fn is_stock(self) -> bool {
        match self {
            Self::Pending | Self::OnHand | Self::Reserved | Self::InTransit | Self::Quarantined | Self::InProcess => {
                true
            }
            Self::Supply
            | Self::BoughtIn
            | Self::Produced
            | Self::Found
            | Self::Sold(_)
            | Self::Returned
            | Self::Lost
            | Self::OwnUse
            | Self::Transformed
            | Self::Suspense => false,
        }
    }

    /// Whether goods come in through this account, which is negative then.
    pub const fn is_inflow(self) -> bool {
        matches!(self, Self::Supply | Self::BoughtIn | Self::Produced | Self::Found)
    }

    /// The stable lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::BoughtIn => "bought_in",
            Self::Produced => "produced",
            Self::Found => "found",
            Self::Sold(Scope::County) => "sold_county",
            Self::Sold(Scope::Prefecture) => "sold_prefecture",
            Self::Sold(Scope::Region) => "sold_region",
            Self::Sold(Scope::Outside) => "sold_outside",
            Self::Returned => "returned",
            Self::Lost => "lost",
            Self::OwnUse => "own_use",
            Self::Transformed => "transformed",
            Self::Pending => "pending",
            Self::OnHand => "on_hand",
            Self::Reserved => "reserved",
            Self::InTransit => "in_transit",
            Self::Quarantined => "quarantined",
            Self::InProcess => "in_process",
            Self::Suspense => "suspense",
        }
    }

    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Supply => "农户交来",
            Self::BoughtIn => "外购",
            Self::Produced => "加工产出",
            Self::Found => "盘盈",
            Self::Sold(Scope::County) => "销往县内",
            Self::Sold(Scope::Prefecture) => "销往地区内",
            Self::Sold(Scope::Region) => "销往区内",
            Self::Sold(Scope::Outside) => "销往区外",
            Self::Returned => "退还农户",
            Self::Lost => "损失",
            Self::OwnUse => "自用",
            Self::Transformed => "投入加工",
            Self::Pending => "待确认",
            Self::OnHand => "在库",
            Self::Reserved => "已预留",
            Self::InTransit => "在途",
            Self::Quarantined => "待处理",
            Self::InProcess => "加工中",
            Self::Suspense => "待查",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_positions_and_numbers_are_unique() {
        for (position, account) in Account::ALL.iter().enumerate() {
            assert_eq!(usize::from(account.index()), position);
            assert_eq!(Account::from_index(account.index()), Some(*account));
        }
        let numbers: std::collections::BTreeSet<&str> = Account::ALL.iter().map(|account| account.number()).collect();
        assert_eq!(numbers.len(), Account::ALL.len());
        for (position, account) in GoodsAccount::ALL.iter().enumerate() {
            assert_eq!(usize::from(account.index()), position);
        }
    }
}
