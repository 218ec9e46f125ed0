//! Checkpoints are caches, except when they know more than the log.

use std::path::Path;

use loopledger_event_log::MemoryLog;
use loopledger_projection::{Halt, StartReport, StoragePlace, StreamHealth};
use loopledger_proto::ledger::v1 as pb;
use loopledger_state_store::{Batch, Memory, Reason, RowStore, RowsProgress};
use loopledger_testkit::County;
use loopledger_types::Service;
use tonic::Code;

use crate::world::{HISTORY, LEDGER, PARTITIONS, World, append, digests, full_log, stream};

/// A memory store with the checkpoint of the whole history.
async fn saved() -> Memory {
    let memory = Memory::new();
    let world = World::start(&full_log().await, StoragePlace::Memory(memory.clone())).await;
    world.settled().await;
    world.projection.shutdown().await;
    memory
}

async fn assert_whole(world: &World) {
    world.settled().await;
    let (ledger, state) = digests(&LEDGER);
    let status = world.status().await;
    assert_eq!((status.ledger_digest, status.state_digest), (ledger.0.to_vec(), state.0.to_vec()));
}

fn rows(store: &RowStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        Ok(())
    };
    store.scan(b"P", visit).unwrap();
    rows
}

/// Changes rows as a disk might.
fn tamper(memory: &Memory, change: impl FnOnce(&[(Vec<u8>, Vec<u8>)], &mut Batch)) {
    let store = RowStore::in_memory(memory.clone());
    let mut batch = Batch::new();
    change(&rows(&store), &mut batch);
    store.submit(&store.progress().unwrap().unwrap(), batch).unwrap();
}

#[tokio::test]
async fn nothing_is_written_after_a_crash() {
    let (log, memory) = (full_log().await, Memory::new());
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    world.settled().await;
    drop(world);
    // On one thread whatever is left would run now.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let world = World::start(&log, StoragePlace::Memory(memory)).await;
    assert_eq!(*world.projection.report(), StartReport::Empty, "no checkpoint was due before the crash");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_disk_is_loaded_again() {
    let directory = tempfile::tempdir().unwrap();
    let place = || StoragePlace::Directory(directory.path().join("projection"));
    let log = full_log().await;
    let world = World::start(&log, place()).await;
    world.settled().await;
    world.projection.checkpoint().await;
    world.projection.shutdown().await;
    let world = World::start(&log, place()).await;
    let commits = u64::try_from(HISTORY.records().len()).unwrap();
    assert!(matches!(world.projection.report(), StartReport::Loaded { commits: all, .. } if *all == commits));
    assert_whole(&world).await;
    assert_eq!(world.projection.metrics().commits_total.get(), 0, "nothing was folded again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_another_version_is_moved_aside_and_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("projection");
    let (older, _) = RowStore::open(&path, "projection/654224", 1, None).unwrap();
    older.submit(&RowsProgress::default(), Batch::new()).unwrap();
    older.close().unwrap();
    let world = World::start(&full_log().await, StoragePlace::Directory(path)).await;
    let StartReport::MovedAside { to: Some(to), why: Reason::OtherVersion { .. } } = world.projection.report() else {
        panic!("{:?}", world.projection.report())
    };
    assert!(Path::new(to).is_dir());
    assert_whole(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_given_up_and_rebuilt() {
    type Damage = fn(&[(Vec<u8>, Vec<u8>)], &mut Batch);
    let damages: [(&str, Damage); 4] = [
        ("a page is cut off", |rows, batch| {
            let (key, value) = rows.iter().find(|(key, _)| key[1] == 6).unwrap();
            batch.put(key, &value[..value.len() / 2]);
        }),
        ("a page is missing", |rows, batch| batch.delete(&rows.iter().find(|(key, _)| key[1] == 9).unwrap().0)),
        ("the head page is missing", |rows, batch| batch.delete(&rows.iter().find(|(key, _)| key[1] == 0).unwrap().0)),
        ("the index has a gap", |_, batch| batch.delete(&[b'I', 1, 0, 0, 0, 0])),
    ];
    for (name, damage) in damages {
        println!("{name}");
        let memory = saved().await;
        tamper(&memory, damage);
        let world = World::start(&full_log().await, StoragePlace::Memory(memory.clone())).await;
        assert!(matches!(world.projection.report(), StartReport::MovedAside { .. }), "{:?}", world.projection.report());
        assert_whole(&world).await;
        world.projection.shutdown().await;
        let again = World::start(&full_log().await, StoragePlace::Memory(memory)).await;
        assert!(matches!(again.projection.report(), StartReport::Loaded { .. }), "{name}: it was written anew");
        assert_whole(&again).await;
    }
}

/// A checkpoint is larger than one write: what was written of one that was cut short does not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_was_cut_short_does_not_count() {
    let (log, memory, records) = (MemoryLog::new(PARTITIONS), Memory::new(), HISTORY.records());
    append(&log, &records[..records.len() / 2]).await;
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    world.projection.caught_up().await;
    world.projection.shutdown().await;
    tamper(&memory, |rows, batch| {
        for (key, _) in rows {
            let mut newer = key.clone();
            newer[9] += 1;
            batch.put(&newer, b"of a state that was never finished");
        }
    });
    append(&log, &records[records.len() / 2..]).await;
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    assert!(matches!(world.projection.report(), StartReport::Loaded { .. }), "{:?}", world.projection.report());
    assert_whole(&world).await;
    world.projection.shutdown().await;
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    assert_whole(&world).await;
    let leftover = rows(&RowStore::in_memory(memory)).iter().any(|(_, value)| value.starts_with(b"of a state"));
    assert!(!leftover, "what does not count is deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_no_fold_and_what_it_missed_is_written_when_it_has_room() {
    let records = HISTORY.records();
    for saved_before in [false, true] {
        let (log, memory) = (MemoryLog::new(PARTITIONS), Memory::new());
        append(&log, &records[..records.len() / 2]).await;
        let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
        world.projection.caught_up().await;
        if saved_before {
            world.projection.checkpoint().await;
        }
        let health = world.projection.health();
        let failed = || health.borrow().checkpoints_failed.clone();
        append(&log, &records[records.len() / 2..]).await;
        memory.set_full(true);
        assert_whole(&world).await;
        for attempt in 1..=3 {
            world.projection.checkpoint().await;
            assert!(failed().is_some_and(|why| why.contains("no space")), "{:?}", failed());
            assert_eq!(world.projection.metrics().checkpoint_failures_total.get(), attempt);
        }
        assert!(health.borrow().is_serving(), "answers need no store");
        assert_whole(&world).await;
        memory.set_full(false);
        world.projection.checkpoint().await;
        assert_eq!(failed(), None);
        // A crash: what is there was written before.
        drop(world);
        let world = World::start(&log, StoragePlace::Memory(memory)).await;
        let commits = u64::try_from(records.len()).unwrap();
        assert!(matches!(world.projection.report(), StartReport::Loaded { commits: all, .. } if *all == commits));
        assert_whole(&world).await;
        assert_eq!(world.projection.metrics().commits_total.get(), 0, "nothing was folded again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_ahead_of_the_log_is_evidence() {
    let memory = saved().await;
    let before = RowStore::in_memory(memory.clone()).progress().unwrap();
    let stations = HISTORY.commits(Service::Station).len();
    let lost = 25;
    // The newest 25 commits of the stations are gone.
    let mut left = stations - lost;
    let mut records = HISTORY.records().to_vec();
    records.retain(|(service, _)| {
        let kept = *service != Service::Station || left > 0;
        left -= usize::from(*service == Service::Station && kept);
        kept
    });
    let log = MemoryLog::new(PARTITIONS);
    append(&log, &records).await;
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    let health = world.projection.caught_up().await;
    let (from, to) = (u64::try_from(stations - lost + 1).unwrap(), u64::try_from(stations).unwrap());
    let halt = Halt::LostTail { stream: stream(Service::Station), from, to };
    assert_eq!(*health.stream(Service::Station), StreamHealth::Halted(halt));
    let refused = world.loops().get_loop(pb::GetLoopRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::DataLoss);
    assert!(refused.message().contains(&format!("{from} to {to}")), "{}", refused.message());
    world.projection.checkpoint().await;
    world.projection.shutdown().await;
    assert_eq!(RowStore::in_memory(memory).progress().unwrap(), before, "the store stays as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_another_history_is_evidence_too() {
    let memory = saved().await;
    let mut other = County::new();
    for line in loopledger_scenario::play(7, 40, 14) {
        other.record(line);
    }
    let log = MemoryLog::new(PARTITIONS);
    append(&log, other.records()).await;
    let world = World::start(&log, StoragePlace::Memory(memory)).await;
    assert!(matches!(world.projection.caught_up().await.halt(), Some(Halt::LostTail { .. })));
}
