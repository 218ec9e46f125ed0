//! What no single fact can know: the cost of a lot, cost of sales, loss, and the value of stock.
//!
//! One pure function over the lot graph, for now or at the end of a day: the cost of a pool is its direct costs plus what
//! its parents pass on; it is divided over everything that became of the pool by quantity (largest remainder). It
//! runs per book: goods that begin with a new owner start at their price and take nothing from their parents.

use std::collections::BTreeMap;

use loopledger_facts::PartyRef;
use loopledger_types::{BusinessDate, Exact as _, LotId, PlaceId, ProductId, largest_remainder};

use crate::Account;
use crate::journal::{Counterparty, EntryText, Journal};

/// What became of part of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// In stock; the account that its value stands in: 1401, 1403 on the way, 1404 at a front warehouse or outlet.
    Stock(Account),
    Sold,
    Lost,
    /// Loss in process or within the norm: its cost stays on the rest.
    CostFree,
    /// Became part of another pool of the same owner, by its index: a later one.
    Into(usize),
}

/// A pool of a lot in its owner's book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Direct costs, fen.
    pub direct: i64,
    pub uses: Vec<(Use, i64)>,
}

/// The cost of a pool, and how it is divided: one part per use; what no use takes stays in 1401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolCost {
    pub cost: i64,
    pub parts: Vec<i64>,
}

/// Values every pool. Parents come before what they went into; `None` if not, or if a sum does not fit.
pub fn value(pools: &[Pool]) -> Option<Vec<PoolCost>> {
    let mut passed_on = vec![0_i64; pools.len()];
    let mut costs = Vec::with_capacity(pools.len());
    for (index, pool) in pools.iter().enumerate() {
        let cost = pool.direct.checked_add(*passed_on.get(index)?)?;
        let bears = |(kind, quantity): &(Use, i64)| if *kind == Use::CostFree { 0 } else { *quantity };
        let weights: Vec<i64> = pool.uses.iter().map(bears).collect();
        let parts = divide(cost, &weights)?;
        for ((kind, _), part) in pool.uses.iter().zip(&parts) {
            if let Use::Into(child) = kind {
                let slot = passed_on.get_mut(*child).filter(|_| *child > index)?;
                *slot = slot.checked_add(*part)?;
            }
        }
        costs.push(PoolCost { cost, parts });
    }
    Some(costs)
}

/// Divides a cost, fen: largest remainder, also of a negative cost; nothing to divide over leaves all of it where it is.
pub fn divide(cost: i64, weights: &[i64]) -> Option<Vec<i64>> {
    if weights.iter().all(|weight| *weight == 0) {
        return Some(vec![0; weights.len()]);
    }
    let parts = largest_remainder(cost.checked_abs()?, weights)?;
    Some(if cost < 0 { parts.into_iter().map(i64::negated).collect() } else { parts })
}

/// A lot's pool, valued in its owner's book. Fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotValue {
    pub book: PartyRef,
    pub lot: LotId,
    pub pool: u16,
    pub product: Option<ProductId>,
    pub cost: i64,
    pub cost_of_sales: i64,
    pub loss: i64,
    /// 1401, 1403, 1404.
    pub stock: BTreeMap<Account, i64>,
    /// The same by place.
    pub places: Vec<StockValue>,
}

/// Part of a lot's stock in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockValue {
    pub account: Account,
    /// Of goods on their way: where they come from. Absent: cost that no goods carry.
    pub place: Option<PlaceId>,
    pub quantity: i64,
    pub value: i64,
}

/// Goods consigned at an agreed price and not sold yet: a memorandum of the consignee, never in turnover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memorandum {
    pub consignee: PartyRef,
    pub producer: PartyRef,
    pub lot: LotId,
    pub product: Option<ProductId>,
    /// Agreed price × source quantity still unsold, fen.
    pub amount: i64,
}

/// Everything derived, by book, lot and pool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Valuation {
    pub lots: Vec<LotValue>,
    pub memoranda: Vec<Memorandum>,
}

impl Valuation {
    /// The derived entries: balanced, and marked derived. What stays in 1401 needs no line.
    pub fn post(&self, day: BusinessDate, journal: &mut Journal) {
        journal.clear();
        for value in &self.lots {
            journal.begin(EntryText::Valued, day);
            let lot = Some((value.lot, value.pool));
            let moved = value.stock.iter().filter(|(account, _)| **account != Account::Goods);
            let uses = [(Account::CostOfSales, value.cost_of_sales), (Account::Loss, value.loss)];
            let mut sum = 0_i64;
            for (account, amount) in moved.map(|(account, amount)| (*account, *amount)).chain(uses) {
                journal.line(value.book, account, Counterparty::None, lot, amount);
                sum = sum.plus(amount);
            }
            journal.line(value.book, Account::Goods, Counterparty::None, lot, sum.negated());
            journal.end();
        }
        for memo in &self.memoranda {
            journal.begin(EntryText::Valued, day);
            let lot = Some((memo.lot, 0));
            journal.line(memo.consignee, Account::ConsignedHeld, Counterparty::None, lot, memo.amount);
            let producer = Counterparty::from(memo.producer);
            journal.line(memo.consignee, Account::ConsignmentLiability, producer, lot, memo.amount.negated());
            journal.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example: 98 kg at 901.60, 500 g missing (borne by the carrier), processed, 190 packs and 2 spoiled.
    #[test]
    fn the_worked_example_values_over_the_graph() {
        let bought = Pool { direct: 90_160, uses: vec![(Use::Into(1), 98_000)] };
        let merged = Pool { direct: 0, uses: vec![(Use::Lost, 500), (Use::Into(2), 97_500)] };
        let roasted = Pool {
            direct: 0,
            uses: vec![
                (Use::CostFree, 14_625),
                (Use::Sold, 47_500),
                (Use::Lost, 500),
                (Use::Stock(Account::Goods), 34_875),
            ],
        };
        let costs = value(&[bought, merged, roasted]).unwrap();
        assert_eq!(costs[1].parts, [460, 89_700]);
        assert_eq!(costs[2].cost, 89_700);
        assert_eq!(costs[2].parts, [0, 51_412, 541, 37_747], "514.12 cost of sales, 5.41 spoiled");
    }

    #[test]
    fn a_parent_must_come_first_and_nothing_is_lost_without_uses() {
        let backwards = Pool { direct: 1, uses: vec![(Use::Into(0), 1)] };
        assert_eq!(value(&[backwards]), None);
        let unused = Pool { direct: 77, uses: vec![] };
        assert_eq!(value(&[unused]).unwrap()[0], PoolCost { cost: 77, parts: vec![] });
    }
}
