//! The answers: the identity per product, sales by scope, turnover, money kept in the county, days to payment.

use std::collections::BTreeMap;

use loopledger_types::divisions::Edition;
use loopledger_types::{DivisionCode, Exact as _, Month, ProductId, Scope, mul_div_half_up};

use super::rows::LoopSums;
use super::{Coverage, LoopLevel, Measure, Targets};
use crate::area::Area;
use crate::balances::scope_code;
use crate::tables::{NO_ROW, Number, split};
use crate::{GoodsAccount, Ledger};

/// Which goods, by where they come from, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopQuery {
    /// Division of origin; absent: all goods, also those bought in from outside.
    pub division: Option<DivisionCode>,
    pub product: Option<ProductId>,
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// The list that divisions are grouped by; changes no sum over all of them.
    pub edition: Edition,
}

impl LoopQuery {
    pub(crate) fn area(&self) -> Area {
        Area::of(self.edition, self.division)
    }
}

/// One product's quantities in its base unit, and the values that belong to it, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductLoop {
    pub product: ProductId,
    /// Movement of every goods account within the window, by [`GoodsAccount::index`].
    pub movements: [i64; GoodsAccount::ALL.len()],
    /// Balance of every goods account before the window; only those of stock mean something.
    pub openings: [i64; GoodsAccount::ALL.len()],
    /// Fulfilled quantity and value by scope: county, prefecture, region, outside.
    pub fulfilled: [i64; 4],
    pub sales: [i64; 4],
    /// The part of `movements` sold and of `sales` that is of goods from the county.
    pub county_sold: [i64; 4],
    pub county_sales: [i64; 4],
    pub purchases: i64,
    pub bought_in_value: i64,
    pub settled_net: i64,
    pub delay: PaymentDelay,
}

/// Sums of money over all products asked for, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoopMoney {
    /// Fulfilment lines to buyers who do not resell in the loop.
    pub final_sales: i64,
    /// Every hand-over of ownership at its price: purchases, goods from outside, sales.
    pub gross_flow: i64,
    pub sales: [i64; 4],
    /// Of goods from the county.
    pub county_sales: [i64; 4],
    /// Payouts to parties of the division asked for (without one: to all), net of failed ones; of all products, since
    /// payouts belong to none.
    pub paid_out: i64,
    /// Of these, to parties of the county.
    pub paid_in_county: i64,
}

/// How long producers waited, from collection to payment: of the payments made in the window, failed ones left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentDelay {
    pub payments: i64,
    /// Fen.
    pub amount: i64,
    /// Days, summed over payments.
    pub days: i64,
    /// Fen × days.
    pub amount_days: i64,
}

impl PaymentDelay {
    /// Mean days per fen paid, in tenths of a day; `None` if nothing was paid.
    pub fn mean_tenths(&self) -> Option<i64> {
        mul_div_half_up(self.amount_days, 10, self.amount)
    }
}

/// The measures of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopMeasures {
    pub query: LoopQuery,
    /// By product id.
    pub products: Vec<ProductLoop>,
    pub money: LoopMoney,
    pub delay: PaymentDelay,
    pub coverage: Coverage,
    /// Of the whole county, in the calendar year that holds the window's last month; absent if less than the county and all
    /// its goods is asked for.
    pub targets: Option<Targets>,
}

/// The measures of part of what a query takes in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoopPart {
    /// By product id.
    pub products: Vec<ProductLoop>,
    pub money: LoopMoney,
    pub delay: PaymentDelay,
    pub coverage: Coverage,
}

/// A query's measures by the divisions of a level: together they are those of the query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoopByDivision {
    pub divisions: BTreeMap<DivisionCode, LoopPart>,
    /// Of what lies in no division of the level: goods and payees registered at a larger division or, unless the level is
    /// that of counties, outside the county.
    pub rest: LoopPart,
}

impl ProductLoop {
    const fn new(product: ProductId) -> Self {
        Self {
            product,
            movements: [0; GoodsAccount::ALL.len()],
            openings: [0; GoodsAccount::ALL.len()],
            fulfilled: [0; 4],
            sales: [0; 4],
            county_sold: [0; 4],
            county_sales: [0; 4],
            purchases: 0,
            bought_in_value: 0,
            settled_net: 0,
            delay: PaymentDelay { payments: 0, amount: 0, days: 0, amount_days: 0 },
        }
    }

    /// What an account moved by, signed as posted: what comes in across the boundary is negative.
    pub fn movement(&self, account: GoodsAccount) -> i64 {
        self.movements.get(usize::from(account.index())).copied().unwrap_or(0)
    }

    /// The stock in a state before the window.
    pub fn opening(&self, account: GoodsAccount) -> i64 {
        self.openings.get(usize::from(account.index())).copied().unwrap_or(0)
    }

    /// The stock in a state at the end of the window.
    pub fn closing(&self, account: GoodsAccount) -> i64 {
        self.opening(account).plus(self.movement(account))
    }

    /// What came in: supply + bought in + produced + found.
    pub fn inflow(&self) -> i64 {
        use GoodsAccount as G;
        [G::Supply, G::BoughtIn, G::Produced, G::Found]
            .into_iter()
            .fold(0_i64, |sum, account| sum.minus(self.movement(account)))
    }

    /// What left: sold + returned + lost + own use + transformed.
    pub fn outflow(&self) -> i64 {
        use GoodsAccount as G;
        let rest = [G::Returned, G::Lost, G::OwnUse, G::Transformed];
        rest.into_iter().fold(self.sold(), |sum, account| sum.plus(self.movement(account)))
    }

    pub fn sold(&self) -> i64 {
        SCOPES.into_iter().fold(0_i64, |sum, scope| sum.plus(self.movement(GoodsAccount::Sold(scope))))
    }

    /// What stock changed by, over all states.
    pub fn stock_change(&self) -> i64 {
        let stock = GoodsAccount::ALL.into_iter().filter(|account| account.is_stock());
        stock.fold(0_i64, |sum, account| sum.plus(self.movement(account)))
    }

    /// The closed-loop identity: what came in is what left and what stock changed by.
    pub fn identity_holds(&self) -> bool {
        self.inflow() == self.outflow().plus(self.stock_change())
    }

    /// Basis points of county-origin goods sold that stayed in the county, by quantity; `None` if none were sold.
    pub fn closed_loop_quantity_bp(&self) -> Option<i64> {
        closed_loop(&self.county_sold)
    }

    /// The same by value.
    pub fn closed_loop_value_bp(&self) -> Option<i64> {
        closed_loop(&self.county_sales)
    }
}

impl LoopMoney {
    /// Basis points of the sales of county-origin goods that stayed in the county; `None` if there were none.
    pub fn closed_loop_value_bp(&self) -> Option<i64> {
        closed_loop(&self.county_sales)
    }

    /// Basis points of all payouts that went to parties of the county.
    pub fn kept_in_county_bp(&self) -> Option<i64> {
        mul_div_half_up(self.paid_in_county, 10_000, self.paid_out)
    }
}

const SCOPES: [Scope; 4] = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];

fn closed_loop(by_scope: &[i64; 4]) -> Option<i64> {
    let [county, ..] = by_scope;
    mul_div_half_up(*county, 10_000, by_scope.iter().fold(0, |sum, part| sum.plus(*part)))
}

/// Sums of one division while the table is read.
#[derive(Debug, Default)]
struct Tally {
    products: BTreeMap<ProductId, ProductLoop>,
    money: LoopMoney,
    delay: PaymentDelay,
}

impl Tally {
    /// Without coverage, which is no sum of goods or money.
    fn part(self) -> LoopPart {
        let products = self.products.into_values().collect();
        LoopPart { products, money: self.money, delay: self.delay, coverage: Coverage::default() }
    }
}

impl Ledger {
    /// The loop measures of goods from a division.
    pub fn loop_measures(&self, query: LoopQuery) -> LoopMeasures {
        let mut tally = Tally::default();
        self.each_sum(&query, |division, month, product, measure, sums| {
            self.tally(&mut tally, query.from, (division, month), product, measure, sums);
        });
        let coverage = self.coverage(&query);
        let whole = query.product.is_none() && query.division.is_none_or(|asked| asked == self.county.into());
        let targets = whole.then(|| self.targets(query.to, query.edition));
        let products = tally.products.into_values().collect();
        LoopMeasures { query, products, money: tally.money, delay: tally.delay, coverage, targets }
    }

    /// Whether goods may come from `division`: one of the county, or one outside that something did come from.
    pub fn is_origin(&self, division: DivisionCode) -> bool {
        division.county() == self.county
            || self.tables.loops.iter().any(|(_, key, _)| {
                key.product != NO_ROW && DivisionCode::from_number(key.division).is_ok_and(|of| division.contains(of))
            })
    }

    /// The money of a window alone.
    pub(super) fn loop_money(&self, query: &LoopQuery) -> LoopMoney {
        let mut tally = Tally::default();
        self.each_sum(query, |division, month, product, measure, sums| {
            self.tally(&mut tally, query.from, (division, month), product, measure, sums);
        });
        tally.money
    }

    /// The measures of `query` by the divisions of a level, as its edition tells them apart.
    pub fn loop_by_division(&self, query: LoopQuery, level: LoopLevel) -> LoopByDivision {
        let mut tallies: BTreeMap<Option<DivisionCode>, Tally> = BTreeMap::new();
        self.each_sum(&query, |division, month, product, measure, sums| {
            let part = level.of(query.edition.of(division), self.county);
            self.tally(tallies.entry(part).or_default(), query.from, (division, month), product, measure, sums);
        });
        let mut parts: BTreeMap<Option<DivisionCode>, LoopPart> =
            tallies.into_iter().map(|(division, tally)| (division, tally.part())).collect();
        for station in self.coverage(&query).stations {
            let part = parts.entry(level.of(station.division, self.county)).or_default();
            part.coverage.stations.push(station);
        }
        let rest = parts.remove(&None).unwrap_or_default();
        let divisions = parts.into_iter().filter_map(|(division, part)| Some((division?, part)));
        LoopByDivision { divisions: divisions.collect(), rest }
    }

    /// Every sum up to the window's end that the query takes in. Payouts belong to no product and are always given.
    fn each_sum(
        &self,
        query: &LoopQuery,
        mut give: impl FnMut(DivisionCode, Month, Option<ProductId>, Measure, LoopSums),
    ) {
        let product = query.product.map(|id| self.tables.products.find(&id));
        let area = query.area();
        for (_, key, sums) in self.tables.loops.iter() {
            let (month, measure) = split(key.month_measure);
            let (Ok(month), Some(measure)) = (Month::from_index(month), Measure::of(measure)) else { continue };
            let Ok(division) = DivisionCode::from_number(key.division) else { continue };
            let of_product = measure == Measure::PaidOut || product.is_none_or(|number| number == Some(key.product));
            if month <= query.to && of_product && area.takes(division) {
                give(division, month, self.product_of(key.product), measure, *sums);
            }
        }
    }

    fn product_of(&self, number: Number) -> Option<ProductId> {
        if number == NO_ROW { None } else { self.tables.product_id(number) }
    }

    fn tally(
        &self,
        tally: &mut Tally,
        from: Month,
        (division, month): (DivisionCode, Month),
        product: Option<ProductId>,
        measure: Measure,
        sums: LoopSums,
    ) {
        let within = month >= from;
        let ours = division.county() == self.county;
        let Some(id) = product else {
            if within && measure == Measure::PaidOut {
                add(&mut tally.money.paid_out, sums.value);
                add(&mut tally.money.paid_in_county, if ours { sums.value } else { 0 });
            }
            return;
        };
        let line = tally.products.entry(id).or_insert_with(|| ProductLoop::new(id));
        if let Measure::Goods(account) = measure {
            let slots = if within { &mut line.movements } else { &mut line.openings };
            if let Some(slot) = slots.get_mut(usize::from(account.index())) {
                add(slot, sums.quantity);
            }
        }
        if within {
            line.add_within(measure, sums, ours);
            add_money(&mut tally.money, measure, sums, ours);
            add_delay(&mut tally.delay, measure, sums);
        }
    }
}

impl ProductLoop {
    fn add_within(&mut self, measure: Measure, sums: LoopSums, ours: bool) {
        add_delay(&mut self.delay, measure, sums);
        match measure {
            Measure::Goods(GoodsAccount::Sold(scope)) if ours => add_scope(&mut self.county_sold, scope, sums.quantity),
            Measure::Sales(scope) => {
                add_scope(&mut self.fulfilled, scope, sums.quantity);
                add_scope(&mut self.sales, scope, sums.value);
                add_scope(&mut self.county_sales, scope, if ours { sums.value } else { 0 });
            }
            Measure::Purchases => add(&mut self.purchases, sums.value),
            Measure::BoughtInValue => add(&mut self.bought_in_value, sums.value),
            Measure::SettledNet => add(&mut self.settled_net, sums.value),
            Measure::Goods(_) | Measure::Paid | Measure::PaidDays | Measure::PaidOut => {}
        }
    }
}

fn add_money(money: &mut LoopMoney, measure: Measure, sums: LoopSums, ours: bool) {
    match measure {
        Measure::Sales(scope) => {
            add(&mut money.final_sales, sums.value);
            add(&mut money.gross_flow, sums.value);
            add_scope(&mut money.sales, scope, sums.value);
            add_scope(&mut money.county_sales, scope, if ours { sums.value } else { 0 });
        }
        Measure::Purchases | Measure::BoughtInValue => add(&mut money.gross_flow, sums.value),
        Measure::Goods(_) | Measure::SettledNet | Measure::Paid | Measure::PaidDays | Measure::PaidOut => {}
    }
}

fn add_delay(delay: &mut PaymentDelay, measure: Measure, sums: LoopSums) {
    if measure == Measure::Paid {
        add(&mut delay.payments, sums.quantity);
        add(&mut delay.amount, sums.value);
    } else if measure == Measure::PaidDays {
        add(&mut delay.days, sums.quantity);
        add(&mut delay.amount_days, sums.value);
    }
}

fn add(sum: &mut i64, part: i64) {
    *sum = sum.plus(part);
}

fn add_scope(sums: &mut [i64; 4], scope: Scope, part: i64) {
    if let Some(sum) = sums.get_mut(usize::from(scope_code(scope))) {
        add(sum, part);
    }
}
