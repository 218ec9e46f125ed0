//! What can be looked at.

use core::ops::Bound;

use loopledger_domain::procurement::ProcurementState as _;
use loopledger_domain::procurement::{Account, Key, Payable, Procurement};
use loopledger_domain::{Age, FieldFault, Numbered, PartyKind, Rejection};
use loopledger_proto::procurement::v1 as pb;
use loopledger_service::grpc::{CountyCalls, pages, refused};
use loopledger_types::{BusinessDate, ContractId, EntityKind, Money, PartyId, PayableId, ProductId, Timestamp};
use loopledger_wire::query::{self, Page};
use tokio::time::Instant;
use tonic::Status;

use crate::view;

pub(crate) async fn get_receipt(
    calls: &CountyCalls<Procurement>,
    request: pb::GetReceiptRequest,
    deadline: Instant,
) -> Result<pb::GetReceiptResponse, Status> {
    let (receipt, heads) = calls.receipt(&request.at_least, &request.request_id, deadline).await?;
    Ok(pb::GetReceiptResponse { heads, receipt: Some(receipt) })
}

pub(crate) async fn get_party(
    calls: &CountyCalls<Procurement>,
    request: pb::GetPartyRequest,
    deadline: Instant,
) -> Result<pb::GetPartyResponse, Status> {
    let id = query::id("party_id", &request.party_id, PartyId::parse).map_err(refused)?;
    let (party, heads) = calls
        .ask(&request.at_least, vec![Key::Party(id)], deadline, move |state| {
            let missing = || Rejection::NotFound { kind: EntityKind::Party, id: id.to_string() };
            state.party(id).map(|party| view::party(id, party)).ok_or_else(missing)
        })
        .await?;
    Ok(pb::GetPartyResponse { heads, party: Some(party) })
}

pub(crate) async fn list_parties(
    calls: &CountyCalls<Procurement>,
    request: pb::ListPartiesRequest,
    deadline: Instant,
) -> Result<pb::ListPartiesResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let after = pages::begins_after(&page).map_err(refused)?.map(PartyId);
    let kind = query::optional_word::<PartyKind>("kind", request.kind).map_err(refused)?;
    let ((parties, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let ids = state.entities.index().parties().range((from, Bound::Unbounded));
            let parties = ids.filter_map(|id| state.party(*id).map(|party| (id, party)));
            let parties = parties.filter(|(_, party)| kind.is_none_or(|kind| party.kind == kind));
            Ok(pages::fill(&page, parties.map(|(id, party)| (id.0, view::party(*id, party)))))
        })
        .await?;
    Ok(pb::ListPartiesResponse { heads, next_page_token, parties })
}

pub(crate) async fn list_products(
    calls: &CountyCalls<Procurement>,
    request: pb::ListProductsRequest,
    deadline: Instant,
) -> Result<pb::ListProductsResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let after = pages::begins_after(&page).map_err(refused)?.map(ProductId);
    let ((products, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let mut ids: Vec<_> = state.entities.index().products().collect();
            ids.sort_unstable();
            let ids = ids.into_iter().filter(|id| after.is_none_or(|after| *id > after));
            let products = ids.filter_map(|id| state.product(id).map(|found| (id.0, view::product(id, found))));
            Ok(pages::fill(&page, products))
        })
        .await?;
    Ok(pb::ListProductsResponse { heads, next_page_token, products })
}

pub(crate) async fn list_contracts(
    calls: &CountyCalls<Procurement>,
    request: pb::ListContractsRequest,
    deadline: Instant,
) -> Result<pb::ListContractsResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let after = pages::begins_after(&page).map_err(refused)?.map(ContractId);
    let ((contracts, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let ids = state.entities.index().contracts().range((from, Bound::Unbounded));
            let view = |id: ContractId, found| (id.0, view::contract(id, found, state.consigned(id)));
            let contracts = ids.filter_map(|id| state.contract(*id).map(|found| view(*id, found)));
            Ok(pages::fill(&page, contracts))
        })
        .await?;
    Ok(pb::ListContractsResponse { heads, next_page_token, contracts })
}

pub(crate) async fn list_payables(
    calls: &CountyCalls<Procurement>,
    request: pb::ListPayablesRequest,
    deadline: Instant,
) -> Result<pb::ListPayablesResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let after = page.after.as_deref().map(read_key).transpose().map_err(refused)?;
    let payer = query::optional_id("payer_id", &request.payer_id, PartyId::parse).map_err(refused)?;
    let payee = query::optional_id("payee_id", &request.payee_id, PartyId::parse).map_err(refused)?;
    if payer.is_none() && payee.is_none() {
        let text = "A payer, a payee or both are required.";
        return Err(refused(Rejection::invalid("payer_id", FieldFault::Required, text)));
    }
    let ((payables, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let directory = state.entities.index();
            let pairs: Vec<(PartyId, PartyId)> = match (payer, payee) {
                (Some(payer), Some(payee)) => vec![(payer, payee)],
                (Some(payer), None) => directory
                    .accounts()
                    .range((payer, PartyId([0; 16]))..=(payer, PartyId([0xff; 16])))
                    .map(|(pair, _)| *pair)
                    .collect(),
                (None, Some(payee)) => directory
                    .by_payee()
                    .range((payee, PartyId([0; 16]))..=(payee, PartyId([0xff; 16])))
                    .map(|(payee, payer)| (*payer, *payee))
                    .collect(),
                (None, None) => Vec::new(),
            };
            let accounts = pairs.into_iter().filter_map(|(payer, payee)| directory.account(payer, payee));
            let ids = accounts.flat_map(Account::items);
            let mut rows: Vec<(PayableId, &Payable)> =
                ids.filter_map(|id| state.payable(id).map(|payable| (id, payable))).collect();
            let rank = |id: PayableId, payable: &Payable| (Age::clone(&payable.age), payable.amount, id);
            rows.retain(|(id, payable)| after.as_ref().is_none_or(|after| rank(*id, payable) > *after));
            rows.sort_by_cached_key(|(id, payable)| rank(*id, payable));
            let rows = rows.into_iter().map(|(id, open)| (write_key(&rank(id, open)), view::payable(id, open)));
            Ok(pages::fill(&page, rows))
        })
        .await?;
    Ok(pb::ListPayablesResponse { heads, next_page_token, payables })
}

/// The rank of an obligation among others: oldest first.
type Rank = (Age, Money, PayableId);

/// Day, instant, amount and id, then the number, which is of any length.
const FIXED_BYTES: usize = 4 + 8 + 4 + 8 + 16;

fn write_key((age, amount, id): &Rank) -> Vec<u8> {
    let mut key = Vec::with_capacity(FIXED_BYTES);
    key.extend_from_slice(&age.day.days().to_be_bytes());
    key.extend_from_slice(&age.at.seconds.to_be_bytes());
    key.extend_from_slice(&age.at.nanos.to_be_bytes());
    key.extend_from_slice(&amount.0.to_be_bytes());
    key.extend_from_slice(&id.0);
    key.extend_from_slice(age.number.0.as_bytes());
    key
}

fn read_key(key: &[u8]) -> Result<Rank, Rejection> {
    let read = || {
        let (days, rest) = key.split_first_chunk()?;
        let (seconds, rest) = rest.split_first_chunk()?;
        let (nanos, rest) = rest.split_first_chunk()?;
        let (amount, rest) = rest.split_first_chunk()?;
        let (id, number) = rest.split_first_chunk()?;
        let day = BusinessDate::from_days(i32::from_be_bytes(*days)).ok()?;
        let at = Timestamp { seconds: i64::from_be_bytes(*seconds), nanos: u32::from_be_bytes(*nanos) };
        let number = Numbered(core::str::from_utf8(number).ok()?.into());
        Some((Age { day, at, number }, Money(i64::from_be_bytes(*amount)), PayableId(*id)))
    };
    read().ok_or_else(|| {
        Rejection::invalid("page_token", FieldFault::MalformedPageToken, "This token is not one of this list.")
    })
}
