//! What must be true when everything is healed: the caller's record, the chain on Kafka, and every replica agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use loopledger_domain::distribution::Distribution as DistributionRules;
use loopledger_domain::procurement::Procurement as ProcurementRules;
use loopledger_domain::sales::Sales as SalesRules;
use loopledger_domain::station::Station as StationRules;
use loopledger_domain::{Commit, Decider};
use loopledger_proto::common::v1::Position;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::{GetStatusRequest, GetStatusResponse, GetTrialBalanceRequest};
use loopledger_types::Hash;

use crate::account::Book;
use crate::chain::Chain;
use crate::deployment::{Deployment, PROJECTION, client_output};
use crate::services::{Bulk, Distribution, Procurement, Sales, Station};
use crate::workload::channel;

/// Questions at a time.
const ASKED: usize = 32;

/// Checks everything; returns the ledger's digest, and the chain.
pub(crate) async fn check(deployment: &Deployment, book: &Book) -> (String, Chain) {
    let chain = Chain::read(deployment.brokers.bootstrap()).await;
    check_commands(book, &chain);
    check_reactions::<ProcurementRules>(&chain);
    check_reactions::<StationRules>(&chain);
    check_reactions::<DistributionRules>(&chain);
    check_reactions::<SalesRules>(&chain);
    check_receipts::<Procurement>(deployment, &chain, book).await;
    check_receipts::<Station>(deployment, &chain, book).await;
    check_receipts::<Distribution>(deployment, &chain, book).await;
    check_receipts::<Sales>(deployment, &chain, book).await;
    (check_projections(deployment, &chain).await, chain)
}

/// Acknowledged: in the chain once, where the receipt says. Refused: never. Given up: at most once. No other commit.
fn check_commands(book: &Book, chain: &Chain) {
    let mut found: BTreeMap<String, &Commit> = BTreeMap::new();
    for commit in chain.commits().filter(|commit| commit.cause.is_none()) {
        let request_id = commit.request_id.to_string();
        assert!(book.sent.contains(&request_id), "{request_id} was never sent: {commit:?}");
        assert!(!book.refused.contains_key(&request_id), "{request_id} was refused, and is there: {commit:?}");
        let again = found.insert(request_id, commit);
        assert!(again.is_none(), "one request, two commits: {again:?} {commit:?}");
    }
    for (request_id, status) in &book.refused {
        assert!(book.unlawful.contains(request_id), "{request_id} is lawful, and was refused: {status}");
    }
    for (request_id, position) in &book.acknowledged {
        let commit = found.get(request_id).unwrap_or_else(|| panic!("{request_id} is lost: {position:?}"));
        assert_eq!(&to_pb(commit), position, "{request_id} is where its receipt says");
    }
    for request_id in &book.sent {
        let known = book.acknowledged.contains_key(request_id) || book.refused.contains_key(request_id);
        assert!(known || book.given_up.contains(request_id), "{request_id} has no outcome");
    }
}

/// Every upstream commit that concerns a service has one reaction, and nothing else has any.
fn check_reactions<D: Decider>(chain: &Chain) {
    let upstream = D::UPSTREAM.iter().filter_map(|service| chain.streams.get(service)).flatten();
    let due: BTreeSet<_> =
        upstream.filter(|commit| commit.events.iter().any(D::concerns)).map(Commit::position).collect();
    let mut answered = BTreeSet::new();
    for commit in chain.streams.get(&D::SERVICE).into_iter().flatten() {
        if let Some(cause) = commit.cause {
            assert!(answered.insert(cause), "{} reacts twice to {cause:?}", D::SERVICE);
        }
    }
    assert_eq!(answered, due, "{} answers what concerns it", D::SERVICE);
}

/// Every replica of a service gives the same receipt to every command that was acknowledged.
async fn check_receipts<S: Bulk>(deployment: &Deployment, chain: &Chain, book: &Book) {
    let stream = chain.streams.iter().find(|(service, _)| service.as_str() == S::PROGRAM);
    let commits = stream.map(|(_, commits)| commits.as_slice()).unwrap_or_default();
    let asked: Vec<_> = commits.iter().filter(|commit| commit.cause.is_none()).collect();
    for url in deployment.urls(S::PROGRAM) {
        let channel = channel(&url);
        let asking = asked.iter().map(|commit| {
            let (channel, request_id) = (channel.clone(), commit.request_id.to_string());
            async move {
                let receipt = S::receipt(channel, request_id.clone()).await;
                let receipt = receipt.unwrap_or_else(|status| panic!("{} {request_id}: {status}", S::PROGRAM));
                assert_eq!(receipt.position, Some(to_pb(commit)), "{} {request_id}", S::PROGRAM);
            }
        });
        stream::iter(asking).buffer_unordered(ASKED).collect::<Vec<()>>().await;
        for request_id in book.refused.keys().filter(|_| S::PROGRAM == Procurement::PROGRAM) {
            let found = S::receipt(channel.clone(), request_id.clone()).await;
            assert!(found.is_err(), "{request_id} was refused, and has a receipt: {found:?}");
        }
    }
}

/// How long a healed projection may take to say so.
const HEALED_MAX: Duration = Duration::from_secs(30);

/// Every projection has read the whole chain, to the same ledger, which balances and is that of a rebuild.
async fn check_projections(deployment: &Deployment, chain: &Chain) -> String {
    let heads: Vec<Position> = chain.streams.values().filter_map(|commits| commits.last()).map(to_pb).collect();
    let mut seen: Option<GetStatusResponse> = None;
    for url in deployment.urls(PROJECTION) {
        let mut client = LedgerServiceClient::new(channel(&url));
        let ask = GetStatusRequest { at_least: heads.clone(), consequences: true, county_code: String::new() };
        let began = Instant::now();
        // A stream that could not be read a moment ago is said to serve again some time after it was.
        let status = loop {
            let status = client.get_status(ask.clone()).await.expect("a status").into_inner();
            if status.streams.iter().all(|stream| stream.health == "serving") || began.elapsed() > HEALED_MAX {
                break status;
            }
        };
        assert_eq!((status.exceptions, status.open_hand_overs), (0, 0), "{status:?}");
        assert_eq!(status.ledger_digest.len(), 32, "{status:?}");
        let is_healed = status.streams.iter().all(|stream| stream.health == "serving");
        assert!(is_healed, "{status:?}\n{}", deployment.last_words());
        if let Some(seen) = &seen {
            assert_eq!(seen.ledger_digest, status.ledger_digest, "two projections, one ledger");
            assert_eq!(seen.state_digest, status.state_digest, "two projections, one state");
        }
        seen = Some(status);
        let balance =
            client.get_trial_balance(GetTrialBalanceRequest::default()).await.expect("a balance").into_inner();
        assert!(!balance.lines.is_empty(), "there is something to balance");
        let sums = balance.lines.iter().fold((0, 0, 0), |sums, line| {
            (sums.0 + line.opening_fen, sums.1 + line.movement_fen, sums.2 + line.closing_fen)
        });
        assert_eq!(sums, (0, 0, 0), "the books balance");
        client_output(&format!("{PROJECTION}={url}"), &["rebuild"]);
    }
    let seen = seen.expect("a projection");
    Hash(seen.ledger_digest.try_into().expect("32 bytes")).to_string()
}

fn to_pb(commit: &Commit) -> Position {
    let Commit { stream, sequence, hash, .. } = commit;
    Position { stream: stream.to_string(), sequence: *sequence, hash: hash.0.to_vec() }
}
