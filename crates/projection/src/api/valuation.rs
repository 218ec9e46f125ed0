//! What no fact posts: cost of sales, losses, the value of stock, memoranda. Computed when it is asked for.

use std::collections::BTreeMap;

use loopledger_ledger::{Account, Journal, LotValue, Memorandum, StockValue, Valuation, ValuationQuery};
use loopledger_types::{BusinessDate, EntityKind, LotId, PartyId, PlaceId, Position, ProductId};
use loopledger_wire::Failure;

use super::names::Naming;
use super::page::is_within;
use super::statement::GetStatement;
use super::window::first_month;
use super::{FactPage, Names, Query, QueryError, Reader, not_found};
use crate::shared::{Folded, Sequences};

/// What a party's lots cost and are worth.
#[derive(Debug, Clone)]
pub struct ListLotValues {
    pub party: PartyId,
    pub product: Option<ProductId>,
    pub lot: Option<LotId>,
    /// With a place: only what lies there.
    pub place: Option<PlaceId>,
    /// Facts with a later business date are left out; without it, none.
    pub through: Option<BusinessDate>,
    pub as_of: Option<BusinessDate>,
    pub page: FactPage,
}

/// Amounts in fen.
#[derive(Debug, Clone)]
pub struct LotValuesAnswer {
    pub heads: Vec<Position>,
    /// Those of this page.
    pub rows: Vec<LotValueRow>,
    /// Over all pages, as the sums that follow.
    pub cost_of_sales: i64,
    pub loss: i64,
    pub stock: i64,
    pub memorandum: i64,
    pub next_page_token: String,
    pub names: Names,
}

/// One pool of a lot, or what a consignee holds of it for a producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotValueRow {
    pub lot: LotId,
    pub pool: u16,
    pub product: Option<ProductId>,
    /// Of consigned goods.
    pub producer: Option<PartyId>,
    pub cost: i64,
    pub cost_of_sales: i64,
    pub loss: i64,
    pub stock: Vec<StockValue>,
    pub memorandum: i64,
}

impl Query for ListLotValues {
    type Answer = LotValuesAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.begun()
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let answer = reader.long(move |folded| {
            self.check(folded)?;
            let heads = self.page.heads(folded);
            let rows = rows(&self.valuation(folded, heads), self.place);
            let sum = |of: fn(&LotValueRow) -> i64| rows.iter().fold(0_i64, |sum, row| sum.saturating_add(of(row)));
            let (cost_of_sales, loss) = (sum(|row| row.cost_of_sales), sum(|row| row.loss));
            let stock = sum(|row| row.stock.iter().fold(0, |sum, part| sum.saturating_add(part.value)));
            let memorandum = sum(|row| row.memorandum);
            let (rows, next_page_token) = self.page.cut(rows, heads);
            let mut naming = Naming::of(&folded.ledger);
            for row in &rows {
                naming.products(row.product);
                naming.parties(row.producer);
                naming.places(row.stock.iter().filter_map(|part| part.place));
            }
            let names = naming.finish();
            let answer = LotValuesAnswer {
                heads: Vec::new(),
                rows,
                cost_of_sales,
                loss,
                stock,
                memorandum,
                next_page_token,
                names,
            };
            Ok::<_, QueryError>((answer, heads))
        });
        let (answer, heads) = answer.await??;
        let hashes = reader.shared.hashes_of_list(core::iter::empty(), &heads).await?;
        Ok(LotValuesAnswer { heads: hashes.heads(&heads), ..answer })
    }
}

impl ListLotValues {
    fn check(&self, folded: &Folded) -> Result<(), QueryError> {
        let ledger = &folded.ledger;
        let day = first_month().first_day();
        if ledger.party(self.party, day, self.as_of).is_none() {
            return Err(not_found(EntityKind::Party, &self.party));
        }
        // What was registered after `as_of` is not known then; of what is not registered yet there are only facts.
        let later = |recorded: BusinessDate| self.as_of.is_some_and(|day| recorded > day);
        let product = |id| ledger.product(id).filter(|product| !product.recorded_on.is_some_and(later));
        let place = |id| ledger.place(id).filter(|place| !place.recorded_on.is_some_and(later));
        match (self.product, self.lot, self.place) {
            (Some(id), _, _) if product(id).is_none() => Err(not_found(EntityKind::Product, &id)),
            (_, Some(lot), _) if !ledger.knows_lot(lot, self.as_of) => Err(not_found(EntityKind::Lot, &lot)),
            (_, _, Some(id)) if place(id).is_none() => Err(not_found(EntityKind::Place, &id)),
            _ => Ok(()),
        }
    }

    fn valuation(&self, folded: &Folded, heads: Sequences) -> Valuation {
        let last = folded.last_day(self.as_of).unwrap_or_else(|| first_month().last_day());
        let query = ValuationQuery {
            book: Some(self.party),
            lot: self.lot,
            product: self.product,
            through: self.through.unwrap_or(last),
            as_of: self.as_of,
        };
        folded.ledger.valuation_of(&query, |fact| is_within(fact, &heads))
    }
}

/// By lot and pool, memoranda after what the same lot costs.
fn rows(valuation: &Valuation, place: Option<PlaceId>) -> Vec<LotValueRow> {
    let values = valuation.lots.iter().map(|value| value_row(value, place));
    let memoranda = valuation.memoranda.iter().filter(|_| place.is_none()).map(memorandum_row);
    let mut rows: Vec<LotValueRow> = values.chain(memoranda).collect();
    rows.sort_by_key(|row| (row.lot, row.pool));
    rows.retain(|row| place.is_none() || !row.stock.is_empty());
    rows
}

/// With a place: only what lies there.
fn value_row(value: &LotValue, place: Option<PlaceId>) -> LotValueRow {
    let here = value.places.iter().filter(|part| place.is_none() || part.place == place);
    let (cost_of_sales, loss) = if place.is_none() { (value.cost_of_sales, value.loss) } else { (0, 0) };
    LotValueRow {
        lot: value.lot,
        pool: value.pool,
        product: value.product,
        producer: None,
        cost: value.cost,
        cost_of_sales,
        loss,
        stock: here.copied().collect(),
        memorandum: 0,
    }
}

const fn memorandum_row(memo: &Memorandum) -> LotValueRow {
    LotValueRow {
        lot: memo.lot,
        pool: 0,
        product: memo.product,
        producer: Some(memo.producer.id),
        cost: 0,
        cost_of_sales: 0,
        loss: 0,
        stock: Vec::new(),
        memorandum: memo.amount,
    }
}

/// What valuation adds to an account, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedAmount {
    pub account: Account,
    pub opening: i64,
    pub movement: i64,
    pub closing: i64,
}

/// What valuation adds to the accounts of a party's statement.
pub(super) async fn derived(
    reader: Reader<'_>,
    statement: &GetStatement,
    heads: Sequences,
) -> Result<Vec<DerivedAmount>, Failure> {
    let &GetStatement { party, month, as_of, .. } = statement;
    let sums = reader.long(move |folded| {
        let at = |through| {
            let query = ValuationQuery { book: Some(party), lot: None, product: None, through, as_of };
            by_account(&folded.ledger.valuation_of(&query, |fact| is_within(fact, &heads)), through)
        };
        (at(month.first_day().plus_days(-1)), at(month.last_day()))
    });
    let (opening, closing) = sums.await?;
    let amounts = Account::ALL.iter().map(|account| {
        let of = |sums: &BTreeMap<Account, i64>| sums.get(account).copied().unwrap_or(0);
        let (opening, closing) = (of(&opening), of(&closing));
        DerivedAmount { account: *account, opening, movement: closing.saturating_sub(opening), closing }
    });
    Ok(amounts.filter(|amount| (amount.opening, amount.closing) != (0, 0)).collect())
}

/// The derived entries' sums: balanced.
fn by_account(valuation: &Valuation, day: BusinessDate) -> BTreeMap<Account, i64> {
    let mut journal = Journal::new();
    valuation.post(day, &mut journal);
    let mut sums: BTreeMap<Account, i64> = BTreeMap::new();
    for line in journal.entries().iter().flat_map(|entry| journal.money(entry)) {
        let sum = sums.entry(line.account).or_default();
        *sum = sum.saturating_add(line.amount);
    }
    sums
}
