//! However the streams are read, the state is one.

use loopledger_dice::Dice;
use loopledger_event_log::{FaultPlan, MemoryLog};
use loopledger_projection::{StartReport, StoragePlace};
use loopledger_state_store::Memory;
use loopledger_types::Service;
use loopledger_wire::position_to_pb;

use crate::world::{HISTORY, LEDGER, PARTITIONS, World, append, digests, full_log, position};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incremental_loaded_and_rebuilt_states_are_one() {
    let records = HISTORY.records();
    let (log, memory) = (MemoryLog::new(PARTITIONS), Memory::new());
    let quarter = records.len() / 4;
    append(&log, &records[..quarter]).await;

    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    assert_eq!(*world.projection.report(), StartReport::Empty);
    world.projection.caught_up().await;
    world.projection.checkpoint().await;
    let mut at = quarter;
    for end in [quarter + 1, 2 * quarter, 2 * quarter + 700] {
        append(&log, &records[at..end]).await;
        let counts = |service| records[..end].iter().filter(|(of, _)| *of == service).count();
        let positions = Service::ALL.into_iter().filter(|service| counts(*service) > 0);
        let positions = positions.map(|service| position_to_pb(position(service, counts(service)))).collect();
        let request = loopledger_proto::ledger::v1::AwaitRequest {
            positions,
            consequences: false,
            ..loopledger_proto::ledger::v1::AwaitRequest::default()
        };
        world.ledger().r#await(request).await.unwrap();
        world.projection.checkpoint().await;
        at = end;
    }
    assert!(world.projection.metrics().checkpoints_total.get() >= 3);
    world.projection.shutdown().await;

    append(&log, &records[at..]).await;
    let world = World::start(&log, StoragePlace::Memory(memory)).await;
    let StartReport::Loaded { commits, .. } = *world.projection.report() else {
        panic!("{:?}", world.projection.report())
    };
    assert_eq!(commits, u64::try_from(at).unwrap());
    world.settled().await;
    let (ledger, state) = digests(&LEDGER);
    let status = world.status().await;
    assert_eq!((status.ledger_digest, status.state_digest), (ledger.0.to_vec(), state.0.to_vec()));
    assert_eq!((status.open_hand_overs, status.exceptions), (0, 0));

    let reports = world.rebuild().await;
    let last = reports.last().unwrap();
    assert_eq!((last.digests_agree, last.done), (Some(true), u64::try_from(records.len()).unwrap()));
    assert_eq!((&last.ledger_digest, &last.state_digest), (&ledger.0.to_vec(), &state.0.to_vec()));
    assert!(reports.iter().all(|report| report.total == last.total && report.done <= last.done));
    assert_eq!(world.projection.metrics().rebuild_mismatches_total.get(), 0);
}

/// Streams keep their order, topics do not keep theirs; slow reads and duplicates change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_interleaving_of_the_topics_gives_one_ledger() {
    let (ledger, state) = digests(&LEDGER);
    for seed in 1..=6 {
        println!("seed {seed}");
        let plan = FaultPlan { duplicated: 100, slow_read: 200, ..FaultPlan::NONE };
        let log = MemoryLog::with_faults(seed, plan);
        let mut streams: Vec<Vec<&(Service, Vec<u8>)>> = Service::ALL
            .into_iter()
            .map(|service| HISTORY.records().iter().rev().filter(|(of, _)| *of == service).collect())
            .filter(|records: &Vec<_>| !records.is_empty())
            .collect();
        let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
        let mut dice = Dice::new(seed);
        while !streams.is_empty() {
            let at = dice.index(streams.len());
            let mut run = dice.below(40) + 1;
            while run > 0
                && let Some(record) = streams[at].pop()
            {
                crate::world::append_to(&log, record, 64).await;
                run -= 1;
            }
            streams.retain(|records| !records.is_empty());
        }
        log.settle();
        world.settled().await;
        let status = world.status().await;
        assert_eq!((status.ledger_digest, status.state_digest), (ledger.0.to_vec(), state.0.to_vec()), "seed {seed}");
        let voids: u64 = status.streams.iter().map(|stream| stream.voids).sum();
        assert!(log.report().duplicated > 0 && voids > 0, "duplicates are void: {:?}", log.report());
        assert_eq!(voids, world.projection.metrics().voids_total.get());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_of_an_empty_log_serves_at_once() {
    let world = World::start(&MemoryLog::new(PARTITIONS), StoragePlace::Memory(Memory::new())).await;
    assert!(world.projection.caught_up().await.is_serving());
    let status = world.status().await;
    assert!(status.streams.iter().all(|stream| stream.sequence == 0 && stream.health == "serving"), "{status:?}");
    assert_eq!(status.durability, "memory");
    assert_eq!(world.rebuild().await.last().unwrap().digests_agree, Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_whose_listener_goes_away_ends_and_lets_the_next_one_begin() {
    let world = World::start(&full_log().await, StoragePlace::Memory(Memory::new())).await;
    world.settled().await;
    drop(world.ledger().rebuild(loopledger_proto::ledger::v1::RebuildRequest::default()).await.unwrap());
    assert_eq!(world.rebuild().await.last().unwrap().digests_agree, Some(true));
}
