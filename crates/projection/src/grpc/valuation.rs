//! What no fact posts: cost of sales, losses, the value of stock, memoranda. Computed when it is asked for.

use std::collections::BTreeMap;

use loopledger_ledger::{Account, Journal, Ledger, LotValue, Memorandum, StockValue, Valuation, ValuationQuery};
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_types::{BusinessDate, EntityKind, LotId, PartyId, PlaceId, ProductId};
use loopledger_wire::{Failure, query};
use tonic::{Request, Status};

use super::page::{FactPage, is_within};
use super::statement::Subject;
use super::{Api, Fields, Terms, not_found};
use crate::shared::Folded;
use crate::view;

/// What is asked for and no fact names.
type Unknown = (EntityKind, String);

/// Which of a party's lots, and as of when.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    party: PartyId,
    product: Option<ProductId>,
    lot: Option<LotId>,
    place: Option<PlaceId>,
    through: Option<BusinessDate>,
    as_of: Option<BusinessDate>,
}

impl Api {
    pub(super) async fn lot_values(
        &self,
        request: Request<pb::ListLotValuesRequest>,
    ) -> Result<pb::ListLotValuesResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let wanted = wanted(&mut fields, &request);
        let ((at_least, page), wanted) = fields.finish(at_least.zip(page).zip(wanted))?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let answer = self.long(&terms, move |folded| {
            check(folded, &wanted)?;
            let heads = page.heads(folded);
            let last = folded.last_day(wanted.as_of).unwrap_or_else(|| super::fields::Months::first().last_day());
            let query = ValuationQuery {
                book: Some(wanted.party),
                lot: wanted.lot,
                product: wanted.product,
                through: wanted.through.unwrap_or(last),
                as_of: wanted.as_of,
            };
            let valuation = folded.ledger.valuation_of(&query, |fact| is_within(fact, &heads));
            let rows = rows(&valuation, wanted.place, &folded.ledger);
            let sum = |of: fn(&pb::LotValue) -> i64| rows.iter().fold(0_i64, |sum, row| sum.saturating_add(of(row)));
            let answer = pb::ListLotValuesResponse {
                cost_of_sales_fen: sum(|row| row.cost_of_sales_fen),
                loss_fen: sum(|row| row.loss_fen),
                stock_fen: sum(|row| row.stock.iter().fold(0, |sum, part| sum.saturating_add(part.value_fen))),
                memorandum_fen: sum(|row| row.memorandum_fen),
                ..pb::ListLotValuesResponse::default()
            };
            let (rows, next_page_token) = page.cut(rows, heads);
            Ok((pb::ListLotValuesResponse { rows, next_page_token, ..answer }, heads))
        });
        let (answer, heads) = answer.await?.map_err(|(kind, id): Unknown| not_found(kind, &id))?;
        let hashes = self.shared.hashes_of_list(core::iter::empty(), &heads).await?;
        Ok(pb::ListLotValuesResponse { heads: self.heads_at(&heads, &hashes), ..answer })
    }

    /// What valuation adds to the accounts of a party's statement.
    pub(super) async fn derived(
        &self,
        subject: Subject,
        heads: [u64; 5],
        terms: &Terms,
    ) -> Result<Vec<pb::DerivedAmount>, Failure> {
        let sums = self.long(terms, move |folded| {
            let Subject { party, month, as_of } = subject;
            let at = |through| {
                let query = ValuationQuery { book: Some(party), lot: None, product: None, through, as_of };
                by_account(&folded.ledger.valuation_of(&query, |fact| is_within(fact, &heads)), through)
            };
            (at(month.first_day().plus_days(-1)), at(month.last_day()))
        });
        let (opening, closing) = sums.await?;
        let accounts = Account::ALL.iter().copied();
        let amounts = accounts.map(|account| {
            let of = |sums: &BTreeMap<Account, i64>| sums.get(&account).copied().unwrap_or(0);
            let (opening_fen, closing_fen) = (of(&opening), of(&closing));
            let movement_fen = closing_fen.saturating_sub(opening_fen);
            pb::DerivedAmount { account: Some(view::account(account)), opening_fen, movement_fen, closing_fen }
        });
        Ok(amounts.filter(|amount| (amount.opening_fen, amount.closing_fen) != (0, 0)).collect())
    }
}

fn wanted(fields: &mut Fields, request: &pb::ListLotValuesRequest) -> Option<Wanted> {
    let party = fields.take(query::id("party_id", &request.party_id, PartyId::parse));
    let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
    let lot = fields.take(query::optional_id("lot_id", &request.lot_id, LotId::parse));
    let place = fields.take(query::optional_id("place_id", &request.place_id, PlaceId::parse));
    let through = fields.take(query::optional_date("through", &request.through));
    let as_of = fields.take(query::optional_date("as_of", &request.as_of));
    Some(Wanted { party: party?, product: product?, lot: lot?, place: place?, through: through?, as_of: as_of? })
}

fn check(folded: &Folded, wanted: &Wanted) -> Result<(), Unknown> {
    let ledger = &folded.ledger;
    let day = super::fields::Months::first().first_day();
    let missing = |kind, id: &dyn ToString| Err((kind, id.to_string()));
    if ledger.party(wanted.party, day, wanted.as_of).is_none() {
        return missing(EntityKind::Party, &wanted.party);
    }
    // What was registered after `as_of` is not known then; of what is not registered yet there are only facts.
    let later = |recorded: BusinessDate| wanted.as_of.is_some_and(|day| recorded > day);
    let product = |id| ledger.product(id).filter(|product| !product.recorded_on.is_some_and(later));
    let place = |id| ledger.place(id).filter(|place| !place.recorded_on.is_some_and(later));
    match (wanted.product, wanted.lot, wanted.place) {
        (Some(id), _, _) if product(id).is_none() => missing(EntityKind::Product, &id),
        (_, Some(lot), _) if !ledger.knows_lot(lot, wanted.as_of) => missing(EntityKind::Lot, &lot),
        (_, _, Some(id)) if place(id).is_none() => missing(EntityKind::Place, &id),
        _ => Ok(()),
    }
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

/// By lot and pool, memoranda after what the same lot costs.
fn rows(valuation: &Valuation, place: Option<PlaceId>, ledger: &Ledger) -> Vec<pb::LotValue> {
    let values = valuation.lots.iter().map(|value| (value.lot, value.pool, value_to_pb(value, place, ledger)));
    let memoranda = valuation.memoranda.iter().filter(|_| place.is_none());
    let memoranda = memoranda.map(|memo| (memo.lot, 0, memorandum_to_pb(memo, ledger)));
    let mut rows: Vec<(LotId, u16, pb::LotValue)> = values.chain(memoranda).collect();
    rows.sort_by_key(|(lot, pool, _)| (*lot, *pool));
    let rows = rows.into_iter().map(|(_, _, row)| row);
    rows.filter(|row| place.is_none() || !row.stock.is_empty()).collect()
}

/// With a place: only what lies there.
fn value_to_pb(value: &LotValue, place: Option<PlaceId>, ledger: &Ledger) -> pb::LotValue {
    let here = value.places.iter().filter(|part| place.is_none() || part.place == place);
    let row = pb::LotValue {
        lot_id: value.lot.to_string(),
        pool: u32::from(value.pool),
        product: value.product.map(|id| view::product(id, ledger)),
        cost_fen: value.cost,
        stock: here.map(|part| stock_to_pb(part, ledger)).collect(),
        ..pb::LotValue::default()
    };
    if place.is_some() {
        return row;
    }
    pb::LotValue { cost_of_sales_fen: value.cost_of_sales, loss_fen: value.loss, ..row }
}

fn stock_to_pb(part: &StockValue, ledger: &Ledger) -> pb::StockValue {
    pb::StockValue {
        account: Some(view::account(part.account)),
        place: part.place.map(|id| view::place(id, ledger)),
        quantity: part.quantity,
        value_fen: part.value,
    }
}

fn memorandum_to_pb(memo: &Memorandum, ledger: &Ledger) -> pb::LotValue {
    pb::LotValue {
        lot_id: memo.lot.to_string(),
        product: memo.product.map(|id| view::product(id, ledger)),
        memorandum_fen: memo.amount,
        producer: Some(view::party(memo.producer.id, ledger)),
        ..pb::LotValue::default()
    }
}
