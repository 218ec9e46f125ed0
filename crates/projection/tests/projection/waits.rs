//! Read your writes: what must be included is waited for, and what cannot be is said.

use loopledger_event_log::MemoryLog;
use loopledger_projection::StoragePlace;
use loopledger_proto::ledger::v1 as pb;
use loopledger_state_store::Memory;
use loopledger_types::{Hash, Position, Service};
use loopledger_wire::position_to_pb;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::world::{HISTORY, PARTITIONS, World, append, heads, position, stream, within};

fn reason(status: &tonic::Status) -> String {
    tonic_types::StatusExt::get_details_error_info(status).map(|info| info.reason).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_waits_for_what_is_not_folded_yet() {
    let (log, records) = (MemoryLog::new(PARTITIONS), HISTORY.records());
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    let mut client = world.ledger();
    let request = pb::AwaitRequest { positions: heads(), consequences: true, ..pb::AwaitRequest::default() };
    let waiting = tokio::spawn(async move { client.r#await(request).await });
    append(&log, records).await;
    let answer = waiting.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.heads, heads());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_beyond_the_head_is_behind_when_time_is_up() {
    let world = World::full().await;
    let head = HISTORY.commits(Service::Sales).len();
    let beyond = Position { sequence: u64::try_from(head + 3).unwrap(), ..position(Service::Sales, head) };
    let request = pb::AwaitRequest {
        positions: vec![position_to_pb(beyond)],
        consequences: false,
        ..pb::AwaitRequest::default()
    };
    let refused = world.ledger().r#await(within(request, 40)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "UPSTREAM_BEHIND"));
    let details = tonic_types::StatusExt::get_error_details(&refused);
    let metadata = &details.error_info().unwrap().metadata;
    assert_eq!(
        (metadata["wanted"].as_str(), metadata["have"].as_str()),
        (&*(head + 3).to_string(), &*head.to_string())
    );
    assert!(details.retry_info().is_some());
}

/// In memory, long ago, and of a query like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_with_another_hash_is_data_loss() {
    let memory = Memory::new();
    let log = crate::world::full_log().await;
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    world.settled().await;
    world.projection.shutdown().await;
    // After a restart only the heads are known by heart: older hashes are read again.
    let world = World::start(&log, StoragePlace::Memory(memory)).await;
    world.settled().await;
    let last = HISTORY.commits(Service::Station).len();
    for sequence in [1, 2, 63, 64, 65, 130, last - 1, last] {
        let right = position(Service::Station, sequence);
        let wrong = Position { hash: Hash([7; 32]), ..right };
        let ask = |position| pb::AwaitRequest {
            positions: vec![position_to_pb(position)],
            consequences: true,
            ..pb::AwaitRequest::default()
        };
        world.ledger().r#await(ask(right)).await.unwrap();
        let lost = world.ledger().r#await(ask(wrong)).await.unwrap_err();
        assert_eq!((lost.code(), reason(&lost).as_str()), (Code::DataLoss, "POSITION_NOT_IN_LOG"), "{sequence}");
    }
    let wrong = Position { hash: Hash([7; 32]), ..position(Service::Sales, 1) };
    let request = pb::GetLoopRequest { at_least: vec![position_to_pb(wrong)], ..pb::GetLoopRequest::default() };
    assert_eq!(world.loops().get_loop(request).await.unwrap_err().code(), Code::DataLoss);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consequences_are_waited_for_and_named_when_they_are_missing() {
    // The first collection that procurement answers, and the record of the answer.
    let collected = HISTORY.commits(Service::Procurement).iter().find_map(|commit| {
        commit.cause.filter(|cause| cause.stream.service == Service::Station).map(|cause| (cause, commit.sequence))
    });
    let (cause, answer) = collected.unwrap();
    let mut counts = [0_u64; 5];
    let before = HISTORY.records().iter().position(|(service, _)| {
        counts[service.index()] += 1;
        *service == Service::Procurement && counts[service.index()] == answer
    });
    let (log, before) = (MemoryLog::new(PARTITIONS), before.unwrap());
    append(&log, &HISTORY.records()[..before]).await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    let ask = |consequences| pb::AwaitRequest {
        positions: vec![position_to_pb(cause)],
        consequences,
        ..pb::AwaitRequest::default()
    };
    world.ledger().r#await(ask(false)).await.unwrap();
    let late = world.ledger().r#await(within(ask(true), 40)).await.unwrap_err();
    assert_eq!((late.code(), reason(&late).as_str()), (Code::Unavailable, "UPSTREAM_BEHIND"));
    assert!(late.message().contains(&stream(Service::Procurement).to_string()), "{}", late.message());
    append(&log, &HISTORY.records()[before..]).await;
    world.ledger().r#await(ask(true)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_county_is_not_served_here() {
    let world = World::full().await;
    let foreign = loopledger_types::StreamId::parse("sales/650102").unwrap();
    let positions = vec![position_to_pb(Position { stream: foreign, ..position(Service::Sales, 1) })];
    let refused = world
        .ledger()
        .r#await(pb::AwaitRequest { positions, consequences: false, ..pb::AwaitRequest::default() })
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "INVALID_REQUEST");
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let found: Vec<_> = violations.iter().map(|found| (found.field.as_str(), found.reason.as_str())).collect();
    assert_eq!(found, [("positions[0].stream", "OTHER_COUNTY")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_ends_with_the_projection() {
    let world = World::full().await;
    let beyond = Position { sequence: 1_000_000, ..position(Service::Sales, 1) };
    let mut client = world.ledger();
    let request = pb::AwaitRequest {
        positions: vec![position_to_pb(beyond)],
        consequences: false,
        ..pb::AwaitRequest::default()
    };
    let waiting = tokio::spawn(async move { client.r#await(request).await });
    world.projection.shutdown().await;
    assert_eq!(reason(&waiting.await.unwrap().unwrap_err()), "SHUTTING_DOWN");
}
