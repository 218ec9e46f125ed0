//! What grows when, and what it is worth: the calendar and the price levels of the demo.
//!
//! Prices are the demo's own, at the level of the spot values in the county's sources (mutton at 78 to 83 yuan a
//! kilogram in 2020, dry safflower petals at 130, chickpea at 9); quantities are of a household's size.

use loopledger_types::{BaseUnit, Unit};

/// On what terms the demo collects a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deal {
    Outright,
    Contract,
    AgreedPrice,
    Commission { commission_bp: u32 },
}

/// Who buys it, or takes it on consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principal {
    ChickpeaCoop,
    SafflowerCoop,
    LivestockCoop,
    Brand,
}

/// Which class of the plan it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Speciality,
    Handicraft,
    Industrial,
}

#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) base: BaseUnit,
    /// The unit that people weigh or count it in.
    pub(crate) unit: Unit,
    /// Units in one household's delivery, from and to.
    pub(crate) delivery: (i64, i64),
    /// What the producer gets, ten-thousandths of a yuan per unit; for commission the basis for losses.
    pub(crate) farm_price_e4: i64,
    /// What customers pay, ten-thousandths of a yuan per unit.
    pub(crate) shop_price_e4: i64,
    pub(crate) principal: Principal,
    pub(crate) deal: Deal,
    /// Percent of households that deliver in a week, by month from April to December.
    pub(crate) weekly_percent: [u64; 9],
    /// Whether moisture and impurity are deducted.
    pub(crate) cleaned: bool,
}

/// What households bring.
pub(crate) const PRODUCE: &[Product] = &[
    Product {
        code: "chickpea",
        name: "鹰嘴豆",
        class: Class::Speciality,
        base: BaseUnit::Gram,
        unit: Unit::Kilogram,
        delivery: (60, 400),
        farm_price_e4: 92_000,
        shop_price_e4: 148_000,
        principal: Principal::ChickpeaCoop,
        deal: Deal::Contract,
        weekly_percent: [2, 2, 1, 1, 10, 30, 24, 10, 4],
        cleaned: true,
    },
    Product {
        code: "chickpea-graded",
        name: "精选鹰嘴豆",
        class: Class::Speciality,
        base: BaseUnit::Gram,
        unit: Unit::Jin,
        delivery: (40, 160),
        farm_price_e4: 40_000,
        shop_price_e4: 66_000,
        principal: Principal::Brand,
        deal: Deal::AgreedPrice,
        weekly_percent: [2, 2, 1, 1, 6, 14, 12, 6, 3],
        cleaned: true,
    },
    Product {
        code: "safflower",
        name: "红花丝",
        class: Class::Speciality,
        base: BaseUnit::Gram,
        unit: Unit::Kilogram,
        delivery: (2, 12),
        farm_price_e4: 1_200_000,
        shop_price_e4: 1_680_000,
        principal: Principal::SafflowerCoop,
        deal: Deal::Outright,
        weekly_percent: [0, 0, 4, 34, 26, 8, 2, 0, 0],
        cleaned: false,
    },
    Product {
        code: "bashbay-sheep",
        name: "巴什拜羊",
        class: Class::Speciality,
        base: BaseUnit::Head,
        unit: Unit::Head,
        delivery: (1, 4),
        farm_price_e4: 13_600_000,
        shop_price_e4: 16_800_000,
        principal: Principal::LivestockCoop,
        deal: Deal::Outright,
        weekly_percent: [2, 2, 2, 3, 5, 12, 16, 9, 5],
        cleaned: false,
    },
    Product {
        code: "wood-ear",
        name: "黑木耳",
        class: Class::Speciality,
        base: BaseUnit::Gram,
        unit: Unit::Kilogram,
        delivery: (3, 20),
        farm_price_e4: 620_000,
        shop_price_e4: 880_000,
        principal: Principal::Brand,
        deal: Deal::Commission { commission_bp: 500 },
        weekly_percent: [6, 9, 10, 10, 9, 8, 5, 2, 1],
        cleaned: true,
    },
    Product {
        code: "shiitake",
        name: "香菇",
        class: Class::Speciality,
        base: BaseUnit::Gram,
        unit: Unit::Kilogram,
        delivery: (3, 18),
        farm_price_e4: 580_000,
        shop_price_e4: 790_000,
        principal: Principal::Brand,
        deal: Deal::Commission { commission_bp: 600 },
        weekly_percent: [5, 8, 9, 8, 8, 7, 5, 3, 1],
        cleaned: true,
    },
    Product {
        code: "felt-embroidery",
        name: "毡绣手工艺品",
        class: Class::Handicraft,
        base: BaseUnit::Piece,
        unit: Unit::Piece,
        delivery: (1, 6),
        farm_price_e4: 1_000_000,
        shop_price_e4: 1_580_000,
        principal: Principal::Brand,
        deal: Deal::Commission { commission_bp: 800 },
        weekly_percent: [4, 4, 3, 3, 3, 4, 5, 7, 8],
        cleaned: false,
    },
];

/// What comes down from outside the county: code, name, yuan e4 paid to the supplier, yuan e4 paid by customers.
pub(crate) const INDUSTRIAL: &[(&str, &str, i64, i64)] =
    &[("brick-tea", "砖茶", 180_000, 235_000), ("detergent", "洗衣液", 165_000, 219_000)];
