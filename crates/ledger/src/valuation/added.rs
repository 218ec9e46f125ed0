//! Value added of a product line: what goods brought beyond what their producers got for them.
//!
//! Own goods count when they are sold, at their purchase price; consigned goods when they are settled, since their price is
//! not known before. Not here: processing, whose outputs come of other products; nothing is processed yet.

use std::collections::BTreeMap;

use loopledger_types::{Exact as _, ProductId, mul_div_half_up};

use crate::lots::{self, LotFact, LotRecord};
use crate::{EntryText, Ledger, LoopQuery};
use loopledger_accounting::{Use, value};

/// What a product line brought, and what the same goods had cost. Fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueAdded {
    /// Of own goods sold, and of consigned goods settled.
    pub sales: i64,
    /// Their purchase price, and what was settled.
    pub input_cost: i64,
}

impl ValueAdded {
    pub fn amount(&self) -> i64 {
        self.sales.minus(self.input_cost)
    }

    /// In basis points of the cost; `None` if there is none.
    pub fn basis_points(&self) -> Option<i64> {
        mul_div_half_up(self.amount(), 10_000, self.input_cost)
    }

    fn add(&mut self, sales: i64, input_cost: i64) {
        self.sales = self.sales.plus(sales);
        self.input_cost = self.input_cost.plus(input_cost);
    }
}

impl Ledger {
    /// The value added of each product line within a window. A price that comes after the sale counts when it comes, so
    /// windows add up. Reads every lot that the query takes in.
    pub fn value_added(&self, query: &LoopQuery) -> BTreeMap<ProductId, ValueAdded> {
        let product = query.product.map(|id| self.tables.products.find(&id));
        let area = query.area();
        let mut added: BTreeMap<ProductId, ValueAdded> = BTreeMap::new();
        for (_, _, row) in self.tables.lots.iter() {
            let Some(born) = row.born else { continue };
            let wanted =
                area.takes(born.division.division()) && product.is_none_or(|number| number == Some(born.product));
            if let Some(id) = self.tables.product_id(born.product).filter(|_| wanted) {
                let facts = lots::facts(&self.tables, row.last).filter(|fact| fact.head.date.month() <= query.to);
                self.add_lot(added.entry(id).or_default(), &facts.collect::<Vec<_>>(), query);
            }
        }
        added
    }

    fn add_lot(&self, added: &mut ValueAdded, facts: &[LotFact], query: &LoopQuery) {
        for fact in facts.iter().filter(|fact| fact.head.date.month() >= query.from) {
            match &fact.record {
                LotRecord::Sold { own: true, amount, .. } => added.add(*amount, 0),
                LotRecord::Settled(settled) => added.add(settled.gross, settled.net),
                LotRecord::Sold { .. } | LotRecord::Moved { .. } | LotRecord::Cost { .. } | LotRecord::Paid { .. } => {}
            }
        }
        let before: Vec<LotFact> = facts.iter().filter(|fact| fact.head.date.month() < query.from).copied().collect();
        let price = self.price_of_sold(facts).minus(self.price_of_sold(&before));
        added.add(0, price);
    }

    /// The purchase price of what was sold of owned goods.
    fn price_of_sold(&self, facts: &[LotFact]) -> i64 {
        let is_price = |text| matches!(text, EntryText::PurchaseAccepted | EntryText::SupplierOwed);
        let pools = self.pools(facts, is_price).into_values().map(|facts| facts.pool());
        pools.fold(0_i64, |sum, pool| {
            let costs = value(core::slice::from_ref(&pool)).unwrap_or_default();
            let parts = costs.first().map(|cost| cost.parts.as_slice()).unwrap_or_default();
            let sold = pool.uses.iter().zip(parts).filter(|((kind, _), _)| *kind == Use::Sold);
            sold.fold(sum, |sum, (_, part)| sum.plus(*part))
        })
    }
}
