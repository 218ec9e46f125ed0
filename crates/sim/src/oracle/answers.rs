//! Final answers of the services and the ledger, against the streams and the model.

use core::time::Duration;
use std::collections::BTreeMap;

use loopledger_domain::stock::Holder;
use loopledger_domain::{Decider, State, Subject};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::income_service_client::IncomeServiceClient;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::loop_service_client::LoopServiceClient;
use loopledger_types::{PartyId, WithCauses};
use tokio::time::{Instant, sleep};
use tonic::Status;
use tonic::service::Routes;

use super::SERVICES;
use super::chain::Streams;
use super::model::{ARRIVED, BOUGHT_IN, COLLECTED, Income, Model, ON_HAND, PENDING, SOLD};
use super::model::{ON_THE_WAY, QUARANTINED, RESERVED, RETURNED};
use crate::node::HandlePool;
use crate::workload::TUOLI;

/// Longer than anything takes at rest.
fn in_time() -> Option<Instant> {
    Instant::now().checked_add(Duration::from_mins(1))
}

/// Every writer of a service holds exactly the fold of the streams, and finds every request.
pub(crate) async fn check_service<D: Decider>(pool: &HandlePool<D>, streams: &Streams) -> Vec<String> {
    let mut wrong = Vec::new();
    let folded = fold::<D>(streams);
    let expected: Vec<_> = folded.entities.sorted().into_iter().map(|(key, entity)| (*key, entity.clone())).collect();
    for (place, handle) in pool.all().into_iter().enumerate() {
        let keys: Vec<_> = expected.iter().map(|(key, _)| *key).collect();
        let asked = keys.clone();
        let look = move |state: &State<D>| keys.iter().map(|key| state.entities.get(key).cloned()).collect::<Vec<_>>();
        match handle.query(asked, in_time(), look).await {
            Ok((found, _)) => {
                for ((key, entity), found) in expected.iter().zip(found) {
                    if found.as_ref() != Some(entity) {
                        wrong.push(format!("{}/{place}: {key:?} is {found:?}, not {entity:?}", D::SERVICE));
                    }
                }
            }
            Err(error) => wrong.push(format!("{}/{place} does not answer: {}", D::SERVICE, WithCauses(&error))),
        }
        for commit in streams.of(D::SERVICE).iter().filter(|commit| commit.cause.is_none()) {
            match handle.receipt(commit.request_id, in_time()).await {
                Ok(Some(receipt)) if receipt.position == commit.position() => {}
                other => wrong.push(format!("{}/{place}: {} got {other:?}", D::SERVICE, commit.request_id)),
            }
        }
    }
    wrong
}

fn fold<D: Decider>(streams: &Streams) -> State<D> {
    let mut state = State::<D>::new(TUOLI);
    for upstream in D::UPSTREAM {
        for commit in streams.of(*upstream) {
            assert!(D::keys(&state, Subject::Upstream(commit)).is_empty(), "everything is in memory");
            D::apply_upstream(&mut state, commit);
        }
    }
    for commit in streams.of(D::SERVICE) {
        state.evolve(commit);
        state.entities.confirm();
    }
    state
}

/// A holder's stock is what the model says.
pub(crate) fn check_stock<H: Holder>(streams: &Streams, model: &Model) -> Vec<String> {
    let state = fold::<H>(streams);
    let held = state.entities.index().held().iter().filter_map(|held| {
        let (key, cell) = (held.key(), state.cell(held.key())?);
        let cell = [cell.pending.0, cell.on_hand.balance(), cell.reserved.0, cell.quarantined.0];
        Some(((key.place, key.lot, key.pool), cell))
    });
    let held: BTreeMap<_, _> = held.collect();
    let ours = model.cells.iter().filter(|((place, ..), cell)| state.place(*place).is_some() && **cell != [0; 4]);
    let ours: BTreeMap<_, _> = ours.map(|(key, cell)| (*key, *cell)).collect();
    if ours == held { Vec::new() } else { vec![format!("{} holds {held:?}, not {ours:?}", H::SERVICE)] }
}

/// What procurement knows to be owed is what the model says.
pub(crate) fn check_owed(streams: &Streams, model: &Model) -> Vec<String> {
    let state = fold::<loopledger_domain::procurement::Procurement>(streams);
    let accounts = state.entities.index().accounts().iter();
    let owed: BTreeMap<_, _> = accounts.map(|(between, account)| (*between, account.owed_fen())).collect();
    let owed: BTreeMap<_, _> = owed.into_iter().filter(|(_, fen)| *fen != 0).collect();
    let ours = model.owed.iter().filter(|(_, fen)| **fen != 0).map(|(between, fen)| (*between, i128::from(*fen)));
    let ours: BTreeMap<_, _> = ours.collect();
    if ours == owed { Vec::new() } else { vec![format!("procurement knows {owed:?}, not {ours:?}")] }
}

/// The ledger's answers are the model's.
pub(crate) async fn check_ledger(routes: &Routes, model: &Model) -> Result<Vec<String>, Status> {
    let mut wrong = Vec::new();
    let mut ledger = LedgerServiceClient::new(routes.clone());
    let mut income = IncomeServiceClient::new(routes.clone());
    for household in &model.households {
        let ours = model.income.get(household).copied().unwrap_or_default();
        let request = pb::GetHouseholdIncomeRequest { household_id: household.to_string(), ..Default::default() };
        let sums = income.get_household_income(request).await?.into_inner().total.unwrap_or_default();
        let theirs = Income { gross: sums.gross_fen, cost: sums.cost_fen, received: sums.received_fen };
        if theirs != ours || sums.net_fen != ours.gross - ours.cost {
            wrong.push(format!("{household} earned {theirs:?}, not {ours:?}"));
        }
        let claims = claims(&mut ledger, *household).await?;
        if claims != ours.gross - ours.cost - ours.received {
            wrong.push(format!("{household} has claims of {claims} fen, not {ours:?}"));
        }
    }
    let request = pb::GetLoopRequest::default();
    let goods = LoopServiceClient::new(routes.clone()).get_loop(request).await?.into_inner();
    for (product, ours) in &model.goods {
        let is_it = |other: &&pb::ProductLoop| other.product.as_ref().is_some_and(|it| it.id == product.to_string());
        let theirs = goods.products.iter().find(is_it).cloned().unwrap_or_default();
        let sold = theirs.sold.unwrap_or_default();
        let mut said = [0; 10];
        said[PENDING] = theirs.pending;
        said[ON_HAND] = theirs.on_hand;
        said[RESERVED] = theirs.reserved;
        said[QUARANTINED] = theirs.quarantined;
        said[COLLECTED] = -theirs.supply;
        said[BOUGHT_IN] = -theirs.bought_in;
        said[ON_THE_WAY] = theirs.in_transit;
        said[ARRIVED] = 0;
        said[SOLD] = sold.county + sold.prefecture + sold.region + sold.outside;
        said[RETURNED] = theirs.returned;
        if said != *ours || !theirs.identity_holds {
            wrong.push(format!("{product} is {said:?}, not {ours:?}"));
        }
    }
    let trial = ledger.get_trial_balance(pb::GetTrialBalanceRequest::default()).await?.into_inner();
    let sum: i64 = trial.lines.iter().map(|line| line.closing_fen).sum();
    if sum != 0 {
        wrong.push(format!("the trial balance is out by {sum} fen"));
    }
    Ok(wrong)
}

/// What others owe a household, by its own book.
async fn claims(ledger: &mut LedgerServiceClient<Routes>, household: PartyId) -> Result<i64, Status> {
    const RECEIVABLE: &str = "1121";
    let request = pb::ListBalancesRequest { party_id: household.to_string(), page_size: 1_000, ..Default::default() };
    let balances = ledger.list_balances(request).await?.into_inner().balances;
    let claims = balances.iter().filter(|b| b.account.as_ref().is_some_and(|account| account.number == RECEIVABLE));
    Ok(claims.map(|balance| balance.amount_fen).sum())
}

/// What a projection says of itself.
pub(crate) async fn status(routes: &Routes, streams: &Streams) -> Result<pb::GetStatusResponse, Status> {
    let mut ledger = LedgerServiceClient::new(routes.clone());
    let heads = SERVICES.into_iter().filter_map(|service| streams.of(service).last());
    let at_least = heads.map(|commit| loopledger_wire::position_to_pb(commit.position())).collect();
    let mut request =
        tonic::Request::new(pb::GetStatusRequest { at_least, consequences: true, county_code: String::new() });
    request.set_timeout(Duration::from_mins(1));
    Ok(ledger.get_status(request).await?.into_inner())
}

/// Whether a projection is complete, without an exception, and at these heads.
pub(crate) fn check_status(name: &str, status: &pb::GetStatusResponse, streams: &Streams) -> Vec<String> {
    let mut wrong = Vec::new();
    if (status.exceptions, status.open_hand_overs) != (0, 0) {
        wrong.push(format!("{name}: {} exceptions, {} open", status.exceptions, status.open_hand_overs));
    }
    for service in SERVICES {
        let last = streams.of(service).last();
        let said = status.streams.iter().find(|stream| stream.stream == format!("{service}/{TUOLI}"));
        let said = said.map(|stream| (stream.sequence, stream.hash.clone()));
        if said.as_ref().map(|(sequence, _)| *sequence) != last.map(|commit| commit.sequence)
            || said.map(|(_, hash)| hash) != last.map(|commit| commit.hash.0.to_vec())
        {
            wrong.push(format!("{name}: {service} is elsewhere"));
        }
    }
    wrong
}

/// Void records that a projection from zero meets are those that the oracle met; those after the last commit it may
/// still have to read.
pub(crate) async fn check_voids(routes: &Routes, streams: &Streams) -> Result<Vec<String>, Status> {
    let mut wrong = Vec::new();
    for _ in 0..100 {
        let status = status(routes, streams).await?;
        let said = |service| {
            let said = status.streams.iter().find(|stream| stream.stream == format!("{service}/{TUOLI}"));
            said.map_or(0, |stream| stream.voids)
        };
        let differ = SERVICES.into_iter().filter(|service| said(*service) != streams.voids[service.index()]);
        wrong = differ.map(|service| format!("{service} has other voids: {}", said(service))).collect();
        if wrong.is_empty() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(wrong)
}

/// The commits that a projection reads back from the log are those of the streams.
pub(crate) async fn check_commits(routes: &Routes, streams: &Streams) -> Result<Vec<String>, Status> {
    let mut wrong = Vec::new();
    for service in SERVICES {
        let stream = format!("{service}/{TUOLI}");
        let request = pb::ListCommitsRequest { stream, page_size: 1_000, ..Default::default() };
        let listed = LedgerServiceClient::new(routes.clone()).list_commits(request).await?.into_inner().commits;
        let listed: Vec<_> = listed.into_iter().filter_map(|commit| commit.position).collect();
        let ours = streams.of(service).iter().map(|commit| loopledger_wire::position_to_pb(commit.position()));
        if listed != ours.take(1_000).collect::<Vec<_>>() {
            wrong.push(format!("{service}: other commits are listed"));
        }
    }
    Ok(wrong)
}

/// Folding everything anew gives the same digests.
pub(crate) async fn rebuild(routes: &Routes) -> Result<Vec<String>, Status> {
    let mut reports =
        LedgerServiceClient::new(routes.clone()).rebuild(pb::RebuildRequest::default()).await?.into_inner();
    let mut agree = None;
    while let Some(report) = reports.message().await? {
        agree = report.digests_agree.or(agree);
    }
    Ok(if agree == Some(true) { Vec::new() } else { vec![format!("the rebuilt ledger agrees: {agree:?}")] })
}
