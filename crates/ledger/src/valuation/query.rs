//! Valuing lots out of their facts, when it is asked for: nothing of it is kept.

use std::collections::BTreeMap;

use loopledger_facts::{PartyRef, PlaceKind};
use loopledger_types::{BusinessDate, Exact as _, LotId, PartyId, ProductId, Quantity};

use crate::heads::EventHead;
use crate::kinds::party_kind_of;
use crate::lots::{self, CellRow, LotFact, LotRecord, TitleRow};
use crate::origins::{OriginRecord, agreed_price};
use crate::tables::{LotRow, Number};
use crate::{Account, EntryText, FactRef, GoodsAccount, Ledger};
use loopledger_accounting::{LotValue, Memorandum, Pool, StockValue, Use, Valuation, divide, value};

/// What is to be valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValuationQuery {
    /// In whose book; absent: in all.
    pub book: Option<PartyId>,
    pub lot: Option<LotId>,
    pub product: Option<ProductId>,
    /// Facts with a later business date are left out.
    pub through: BusinessDate,
    /// Facts recorded later (official time) are left out.
    pub as_of: Option<BusinessDate>,
}

/// The facts of one pool in its owner's book.
#[derive(Debug, Default)]
pub(super) struct PoolFacts {
    direct: i64,
    uses: BTreeMap<Use, i64>,
    /// Stock by account and place.
    places: BTreeMap<(Account, Number), i64>,
}

/// By owner and pool.
pub(super) type Pools = BTreeMap<(Number, u16), PoolFacts>;

impl Ledger {
    /// The valuation of every lot, or of one, from facts with a business date up to `through`.
    pub fn valuation(&self, lot: Option<LotId>, through: BusinessDate) -> Valuation {
        self.valuation_of(&ValuationQuery { book: None, lot, product: None, through, as_of: None }, |_| true)
    }

    /// The same for part of the lots, from the facts that are `known`. Reads every lot that the query takes in.
    pub fn valuation_of(&self, query: &ValuationQuery, known: impl Fn(FactRef) -> bool) -> Valuation {
        let mut valuation = Valuation::default();
        let only = query.lot.map(|lot| self.tables.lots.find(&lot));
        let product = query.product.map(|product| self.tables.products.find(&product));
        let counts = |head: &EventHead| {
            head.date <= query.through && query.as_of.is_none_or(|day| head.recorded_on <= day) && known(head.at)
        };
        for (number, id, row) in self.tables.lots.iter() {
            let of_product = product.is_none_or(|product| row.born.is_some_and(|born| product == Some(born.product)));
            if of_product && only.is_none_or(|only| only == Some(number)) {
                let facts = lots::facts(&self.tables, row.last).filter(|fact| counts(&fact.head)).collect::<Vec<_>>();
                self.value_lot((*id, row), &facts, query.book, &mut valuation);
            }
        }
        valuation.lots.sort_by_key(|value| (value.book.id, value.lot, value.pool));
        valuation.memoranda.sort_by_key(|memo| (memo.consignee.id, memo.lot));
        valuation
    }

    fn value_lot(
        &self,
        (id, row): (LotId, &LotRow),
        facts: &[LotFact],
        book: Option<PartyId>,
        valuation: &mut Valuation,
    ) {
        let product = row.born.and_then(|born| self.tables.product_id(born.product));
        for ((owner, pool), of_pool) in self.pools(facts, |_| true) {
            if book.is_none_or(|book| self.tables.party_id(owner) == Some(book))
                && let Some(mut value) = self.lot_value(owner, (id, pool), &of_pool)
            {
                value.product = product;
                valuation.lots.push(value);
            }
        }
        let memorandum = self.memorandum(id, row, unsold(facts)).map(|memo| Memorandum { product, ..memo });
        valuation.memoranda.extend(memorandum.filter(|memo| book.is_none_or(|book| book == memo.consignee.id)));
    }

    /// What facts say of each pool, counting the costs that `bears` takes.
    pub(super) fn pools(&self, facts: &[LotFact], bears: impl Fn(EntryText) -> bool) -> Pools {
        let mut pools = Pools::new();
        for fact in facts {
            match &fact.record {
                LotRecord::Cost { payer, amount, .. } if bears(fact.text) => {
                    let pool = pools.entry((*payer, fact.pool)).or_default();
                    pool.direct = pool.direct.plus(*amount);
                }
                LotRecord::Moved { from, to, quantity, .. } => {
                    for (cell, quantity) in [(from, quantity.negated()), (to, *quantity)] {
                        if let (TitleRow::Owned(owner), Some(kind)) = (cell.title, self.use_of(cell)) {
                            pools.entry((owner, fact.pool)).or_default().take(kind, cell, quantity);
                        }
                    }
                }
                LotRecord::Cost { .. } | LotRecord::Sold { .. } | LotRecord::Settled(_) | LotRecord::Paid { .. } => {}
            }
        }
        pools
    }

    /// Nothing for a pool without cost: pending goods are still the producer's, who keeps no cost of them.
    fn lot_value(&self, book: Number, (lot, pool): (LotId, u16), facts: &PoolFacts) -> Option<LotValue> {
        let book = PartyRef { id: self.tables.party_id(book)?, kind: self.tables.parties.value(book)?.kind? };
        let uses = facts.pool();
        let costs = value(core::slice::from_ref(&uses))?;
        let cost = costs.first().filter(|cost| cost.cost != 0)?;
        let (stock, places) = (BTreeMap::new(), Vec::new());
        let mut result =
            LotValue { book, lot, pool, product: None, cost: cost.cost, cost_of_sales: 0, loss: 0, stock, places };
        let mut left = cost.cost;
        for ((kind, _), part) in uses.uses.iter().zip(&cost.parts) {
            left = left.minus(*part);
            match kind {
                Use::Sold => result.cost_of_sales = result.cost_of_sales.plus(*part),
                Use::Lost => result.loss = result.loss.plus(*part),
                Use::Stock(account) => {
                    let sum = result.stock.entry(*account).or_default();
                    *sum = sum.plus(*part);
                    result.places.extend(self.by_place(*account, *part, facts)?);
                }
                Use::CostFree | Use::Into(_) => {}
            }
        }
        let sum = result.stock.entry(Account::Goods).or_default();
        *sum = sum.plus(left);
        if left != 0 {
            result.places.push(StockValue { account: Account::Goods, place: None, quantity: 0, value: left });
        }
        Some(result)
    }

    /// Divides an account's part over its places by quantity.
    fn by_place(&self, account: Account, part: i64, facts: &PoolFacts) -> Option<Vec<StockValue>> {
        let here = facts.places.iter().filter(|((of, _), quantity)| *of == account && **quantity > 0);
        let (places, quantities): (Vec<Number>, Vec<i64>) = here.map(|((_, place), held)| (*place, *held)).unzip();
        let values = divide(part, &quantities)?;
        let rows = places.into_iter().zip(quantities).zip(values);
        let rows = rows.map(|((place, quantity), value)| StockValue {
            account,
            place: self.tables.place_id(place),
            quantity,
            value,
        });
        Some(rows.collect())
    }

    fn use_of(&self, cell: &CellRow) -> Option<Use> {
        match cell.account {
            GoodsAccount::Sold(_) => Some(Use::Sold),
            GoodsAccount::Lost => Some(Use::Lost),
            GoodsAccount::InTransit => Some(Use::Stock(Account::GoodsInTransit)),
            GoodsAccount::InProcess => Some(Use::Stock(Account::GoodsProcessing)),
            GoodsAccount::OnHand | GoodsAccount::Reserved | GoodsAccount::Quarantined | GoodsAccount::Pending => {
                let kind = self.tables.places.value(cell.place).and_then(|row| row.opened).map(|opened| opened.kind);
                let outside = matches!(kind, Some(PlaceKind::FrontWarehouse | PlaceKind::Outlet));
                Some(Use::Stock(if outside { Account::GoodsAtOutlet } else { Account::Goods }))
            }
            GoodsAccount::Supply
            | GoodsAccount::BoughtIn
            | GoodsAccount::Produced
            | GoodsAccount::Found
            | GoodsAccount::Returned
            | GoodsAccount::OwnUse
            | GoodsAccount::Transformed
            | GoodsAccount::Suspense => None,
        }
    }

    fn memorandum(&self, lot: LotId, row: &LotRow, unsold: i64) -> Option<Memorandum> {
        let origin = OriginRecord::of(&row.born?, &self.tables)?;
        let (consignee, price) = agreed_price(origin.terms.as_ref())?;
        // What all of it comes to, less what the sold part comes to: sales rounds that part down in the receipt's unit, and
        // its price as one sum.
        let gone = i128::from(origin.quantity).checked_sub(i128::from(unsold))?;
        let gone = gone.checked_mul(i128::from(origin.source_quantity))?.checked_div(i128::from(origin.quantity))?;
        let of = |source: i64| price.amount(Quantity(source));
        let amount = of(origin.source_quantity)?.checked_sub(of(i64::try_from(gone).ok()?)?)?.0;
        let (producer, kind) = origin.producer;
        let producer = PartyRef { id: self.tables.party_id(producer)?, kind: party_kind_of(kind)? };
        (amount != 0).then_some(Memorandum { consignee, producer, lot, product: None, amount })
    }
}

impl PoolFacts {
    fn take(&mut self, kind: Use, cell: &CellRow, quantity: i64) {
        let sum = self.uses.entry(kind).or_default();
        *sum = sum.plus(quantity);
        if let Use::Stock(account) = kind {
            let held = self.places.entry((account, cell.place)).or_default();
            *held = held.plus(quantity);
        }
    }

    pub(super) fn pool(&self) -> Pool {
        let uses = self.uses.iter().map(|(kind, quantity)| (*kind, *quantity));
        Pool { direct: self.direct, uses: uses.filter(|(_, quantity)| *quantity > 0).collect() }
    }
}

/// What of a lot is still in stock.
fn unsold(facts: &[LotFact]) -> i64 {
    facts.iter().fold(0_i64, |sum, fact| match &fact.record {
        LotRecord::Moved { from, to, quantity } => {
            let leaves = if from.account.is_stock() { *quantity } else { 0 };
            let comes = if to.account.is_stock() { *quantity } else { 0 };
            sum.minus(leaves).plus(comes)
        }
        LotRecord::Cost { .. } | LotRecord::Sold { .. } | LotRecord::Settled(_) | LotRecord::Paid { .. } => sum,
    })
}
