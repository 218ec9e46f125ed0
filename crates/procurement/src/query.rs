//! What can be looked at.

use loopledger_domain::procurement::{Account, Key, Payable, Procurement};
use loopledger_domain::{PartyKind, Rejection};
use loopledger_proto::procurement::v1 as pb;
use loopledger_service::grpc::{Calls, refused};
use loopledger_types::{EntityKind, PartyId, PayableId};
use loopledger_wire::query::{self, Page};
use tokio::time::Instant;
use tonic::Status;

use crate::view;

pub(crate) async fn get_receipt(
    calls: &Calls<Procurement>,
    request: pb::GetReceiptRequest,
    deadline: Instant,
) -> Result<pb::GetReceiptResponse, Status> {
    let (receipt, heads) = calls.receipt(&request.at_least, &request.request_id, deadline).await?;
    Ok(pb::GetReceiptResponse { heads, receipt: Some(receipt) })
}

pub(crate) async fn get_party(
    calls: &Calls<Procurement>,
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
    calls: &Calls<Procurement>,
    request: pb::ListPartiesRequest,
    deadline: Instant,
) -> Result<pb::ListPartiesResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let kind = query::optional_word::<PartyKind>("kind", request.kind).map_err(refused)?;
    let ((parties, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let ids = state.entities.index().parties().iter().copied();
            let parties = ids.filter_map(|id| state.party(id).map(|party| (id, party)));
            let parties = parties.filter(|(_, party)| kind.is_none_or(|kind| party.kind == kind));
            let (rows, token) = page.cut(parties, |(id, _)| id.0.to_vec());
            Ok((rows.into_iter().map(|(id, party)| view::party(id, party)).collect::<Vec<_>>(), token))
        })
        .await?;
    Ok(pb::ListPartiesResponse { heads, next_page_token, parties })
}

pub(crate) async fn list_products(
    calls: &Calls<Procurement>,
    request: pb::ListProductsRequest,
    deadline: Instant,
) -> Result<pb::ListProductsResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let ((products, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let mut ids: Vec<_> = state.entities.index().products().collect();
            ids.sort_unstable();
            let products = ids.into_iter().filter_map(|id| state.product(id).map(|product| view::product(id, product)));
            Ok(page.cut(products, |product| product.product_id.clone().into_bytes()))
        })
        .await?;
    Ok(pb::ListProductsResponse { heads, next_page_token, products })
}

pub(crate) async fn list_contracts(
    calls: &Calls<Procurement>,
    request: pb::ListContractsRequest,
    deadline: Instant,
) -> Result<pb::ListContractsResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let ((contracts, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let ids = state.entities.index().contracts().iter().copied();
            let contracts = ids.filter_map(|id| state.contract(id).map(|contract| (id, contract)));
            let (rows, token) = page.cut(contracts, |(id, _)| id.0.to_vec());
            Ok((rows.into_iter().map(|(id, contract)| view::contract(id, contract)).collect::<Vec<_>>(), token))
        })
        .await?;
    Ok(pb::ListContractsResponse { heads, next_page_token, contracts })
}

pub(crate) async fn list_payables(
    calls: &Calls<Procurement>,
    request: pb::ListPayablesRequest,
    deadline: Instant,
) -> Result<pb::ListPayablesResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let payer = query::optional_id("payer_id", &request.payer_id, PartyId::parse).map_err(refused)?;
    let payee = query::optional_id("payee_id", &request.payee_id, PartyId::parse).map_err(refused)?;
    if payer.is_none() && payee.is_none() {
        let text = "A payer, a payee or both are required.";
        return Err(refused(Rejection::invalid("payer_id", "REQUIRED", text)));
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
            rows.sort_unstable_by_key(|(id, payable)| (payable.opened_at, *id));
            let (rows, token) = page.cut(rows, |(id, payable)| {
                let mut key = payable.opened_at.to_be_bytes().to_vec();
                key.extend_from_slice(&id.0);
                key
            });
            Ok((rows.into_iter().map(|(id, payable)| view::payable(id, payable)).collect::<Vec<_>>(), token))
        })
        .await?;
    Ok(pb::ListPayablesResponse { heads, next_page_token, payables })
}
