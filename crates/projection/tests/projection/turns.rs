//! Connections take turns and have places of their own: what one asks for does not keep the others from theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::select_all;
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::limits::Caller;
use loopledger_types::{Position, Service};
use loopledger_wire::position_to_pb;
use tonic::{Code, Status};

use crate::world::{World, position, within};

const MANY: Caller = Caller::connection(1);
const OTHER: Caller = Caller::connection(2);

/// As many as a connection has places.
const PLACES: usize = 128;

fn reason(status: &Status) -> String {
    tonic_types::StatusExt::get_details_error_info(status).map(|info| info.reason).unwrap_or_default()
}

/// On one thread, so that nothing goes on while the test looks.
#[tokio::test]
async fn long_queries_take_turns_by_connection() {
    let world = Arc::new(World::full().await);
    let done = Arc::new(AtomicUsize::new(0));
    let ask = |caller: Caller| {
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        tokio::spawn(caller.scope(async move {
            world.ledger().get_trial_balance(pb::GetTrialBalanceRequest::default()).await.unwrap();
            done.fetch_add(1, Ordering::Relaxed)
        }))
    };
    let many: Vec<_> = (0..100).map(|_| ask(MANY)).collect();
    // All of them are queued before the first is done.
    while done.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let before = done.load(Ordering::Relaxed);
    let place = ask(OTHER).await.unwrap();
    assert!(place <= before + 10, "{place} queries of another connection came first, of them {before} before it came");
    for query in many {
        query.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_is_not_read_keeps_no_other_from_beginning() {
    let world = World::full().await;
    let unread = world.ledger().rebuild(pb::RebuildRequest::default()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.rebuild().await.last().unwrap().digests_agree, Some(true));
    }
    // Its own end is still there for it.
    let mut unread = unread.into_inner();
    let mut last = None;
    while let Some(report) = unread.message().await.unwrap() {
        last = Some(report);
    }
    assert_eq!(last.unwrap().digests_agree, Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_waits_for_what_is_far_leaves_others_their_places() {
    let world = Arc::new(World::full().await);
    let there = position(Service::Sales, 1);
    let far = Position { sequence: 1_000_000, ..there };
    let ask = |caller: Caller, position: Position, millis: u64| {
        let world = Arc::clone(&world);
        let request = pb::AwaitRequest {
            positions: vec![position_to_pb(position)],
            consequences: false,
            ..pb::AwaitRequest::default()
        };
        tokio::spawn(caller.scope(async move { world.ledger().r#await(within(request, millis)).await }))
    };
    // One too many: it is the only one that is answered.
    let (refused, _, waiting) = select_all((0..=PLACES).map(|_| ask(MANY, far, 60_000))).await;
    let refused = refused.unwrap().unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "QUEUE_FULL"));
    ask(MANY, there, 60_000).await.unwrap().expect("what is folded needs no place");
    assert_eq!(reason(&ask(OTHER, far, 20).await.unwrap().unwrap_err()), "UPSTREAM_BEHIND");
    // Callers that go away give their places back.
    for gone in waiting {
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    assert_eq!(reason(&ask(MANY, far, 20).await.unwrap().unwrap_err()), "UPSTREAM_BEHIND");
}
