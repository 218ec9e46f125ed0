//! What the wrapper does for every method, also for streams and for those that answer whatever the health.

use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use tonic::{Response, Status};

use crate::world::World;

fn malformed() -> Vec<common::Position> {
    vec![common::Position { stream: "nowhere".into(), sequence: 1, hash: vec![0; 32] }]
}

/// Counted once each, and as a failure if that is what it was; every answer says how old it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_is_counted_and_says_how_old_its_answer_is() {
    let world = World::full().await;
    let metrics = world.projection.metrics();
    let counted = || (metrics.queries_total.get(), metrics.failures_total.get());
    let check = |before: (u64, u64), answer: Result<bool, Status>| {
        assert_eq!(counted(), (before.0 + 1, before.1 + u64::from(answer.is_err())), "{answer:?}");
        assert!(answer.unwrap_or(true), "an answer says its age");
    };
    let (mut loops, mut ledger) = (world.loops(), world.ledger());
    for at_least in [Vec::new(), malformed()] {
        let before = counted();
        let request = pb::GetLoopRequest { at_least: at_least.clone(), ..Default::default() };
        check(before, loops.get_loop(request).await.map(|answer| says_its_age(&answer)));
        let before = counted();
        let request = pb::GetStatusRequest { at_least: at_least.clone(), ..Default::default() };
        check(before, ledger.get_status(request).await.map(|answer| says_its_age(&answer)));
        let before = counted();
        let request = pb::AwaitRequest { positions: at_least, consequences: true, ..pb::AwaitRequest::default() };
        check(before, ledger.r#await(request).await.map(|answer| says_its_age(&answer)));
    }
    let before = counted();
    let rebuilding = ledger.rebuild(pb::RebuildRequest::default()).await.unwrap();
    check(before, Ok(says_its_age(&rebuilding)));
    let mut reports = rebuilding.into_inner();
    while reports.message().await.unwrap().is_some() {}
    world.projection.shutdown().await;
    let before = counted();
    let refused = ledger.rebuild(pb::RebuildRequest::default()).await.map(|answer| says_its_age(&answer));
    assert!(refused.is_err(), "nothing is answered after the end");
    check(before, refused);
    assert_eq!(counted().1, 4, "three malformed requests, and a rebuild that came too late");
}

fn says_its_age<T>(answer: &Response<T>) -> bool {
    answer.metadata().contains_key("loopledger-age-seconds")
}
