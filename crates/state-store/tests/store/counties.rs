//! Two counties in one directory: equal keys, and neither sees the other.

use std::collections::BTreeMap;
use std::path::Path;

use loopledger_state_store::{
    Checkpoint, Memory, OpenReport, PageStore, RowStore, RowsProgress, ServiceStore, SledStore, Store, StoreError,
    stream_key,
};
use loopledger_types::{CountyCode, Service, StreamId};
use tempfile::tempdir;

use crate::service::{Thing, checkpoint, orphan, record, submit};

fn stream(county: &str) -> StreamId {
    StreamId { service: Service::Station, county: CountyCode::parse(county).unwrap() }
}

fn streams() -> [StreamId; 2] {
    [stream("654224"), stream("654223")]
}

fn open(directory: &Path) -> (PageStore, [SledStore<Thing>; 2]) {
    let options = SledStore::<Thing>::options("station/partition 7", None);
    let (store, report) = PageStore::open(directory, &options).unwrap();
    assert_eq!(report, OpenReport::default());
    let stores = streams().map(|stream| Store::over(store.stream(stream_key(stream))));
    (store, stores)
}

/// What county number `county` writes at `sequence`: the keys are those of the other one.
fn written(county: u32, sequence: u64) -> Checkpoint<Thing> {
    let thing = |key: u32| Thing { number: key * 2 + county, closed: key.is_multiple_of(5) };
    let keys = 0..sequence as u32 * 3;
    Checkpoint { entities: keys.map(|key| (key, Some(thing(key)))).collect(), ..checkpoint(sequence, Vec::new()) }
}

fn check(store: &dyn ServiceStore<Thing>, county: u32, sequence: u64) {
    let last = written(county, sequence);
    assert_eq!(store.progress().unwrap(), Some(last.progress));
    for (key, thing) in &last.entities {
        assert_eq!(store.entity(key).unwrap(), *thing);
    }
    let open: BTreeMap<u32, Thing> = store.load_open().unwrap().into_iter().collect();
    let wanted = last.entities.into_iter().filter_map(|(key, thing)| Some((key, thing.filter(|thing| !thing.closed)?)));
    assert_eq!(open, wanted.collect());
    let requests = (1..=200).filter(|n| store.request(record(*n).request_id).unwrap() == Some(record(*n)));
    assert_eq!(requests.collect::<Vec<_>>(), (1..=sequence).collect::<Vec<_>>());
    let tail: Vec<u64> = store.tail().unwrap().into_iter().map(|(sequence, _)| sequence).collect();
    assert_eq!(tail, (1..=sequence).collect::<Vec<_>>());
    assert_eq!(store.remembered().unwrap_or(sequence), sequence);
    assert_eq!(store.orphans().unwrap(), (50..=sequence).step_by(50).map(orphan).collect::<Vec<_>>());
}

fn write(stores: [&dyn ServiceStore<Thing>; 2]) {
    for sequence in 1..=120 {
        submit(stores[0], written(0, sequence));
        if sequence <= 60 {
            submit(stores[1], written(1, sequence));
        }
    }
}

#[test]
fn two_counties_in_one_directory_do_not_see_each_other() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let (store, stores) = open(&path);
    write([&stores[0], &stores[1]]);
    for _ in 0..2 {
        check(&stores[0], 0, 120);
        check(&stores[1], 1, 60);
    }
    // As a kill leaves it: a copy of the files while the store is open and has more.
    stores[0].flush().unwrap();
    let copy = directory.path().join("copy");
    copy_all(&path, &copy);
    submit(&stores[1], written(1, 61));
    stores[1].close().unwrap();
    assert_eq!(stores[0].progress(), Err(StoreError::Closed), "they share their files");
    drop((stores, store));
    for (path, sequence) in [(&path, 61), (&copy, 60)] {
        let (_, stores) = open(path);
        check(&stores[0], 0, 120);
        check(&stores[1], 1, sequence);
    }
}

#[test]
fn two_counties_in_one_memory_do_not_see_each_other() {
    let memory = Memory::new();
    let stores = streams().map(|stream| Store::<Thing, _>::over(memory.stream(stream_key(stream))));
    write([&stores[0], &stores[1]]);
    check(&stores[0], 0, 120);
    check(&stores[1], 1, 60);
}

#[test]
fn a_store_of_one_county_is_not_taken_for_one_of_many() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let (store, _) = SledStore::<Thing>::open(&path, streams()[0], None).unwrap();
    store.close().unwrap();
    let options = SledStore::<Thing>::options("station/partition 7", None);
    assert!(PageStore::open(&path, &options).unwrap().1.moved_aside.is_some());
}

#[test]
fn the_rows_of_two_counties_lie_in_one_directory() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("rows");
    for life in 0..2 {
        let (store, report) = PageStore::open(&path, &RowStore::options("projection/partition 7", 1, None)).unwrap();
        assert_eq!(report, OpenReport::default());
        for (stream, extra) in streams().into_iter().zip([b"a", b"b"]) {
            let rows = RowStore::over(store.stream(stream_key(stream)));
            let progress = RowsProgress { streams: Vec::new(), extra: extra.to_vec() };
            if life == 0 {
                assert_eq!(rows.progress().unwrap(), None);
                let mut batch = rows.batch();
                batch.put(b"P/1", extra);
                rows.submit(&progress, batch).unwrap();
                rows.flush().unwrap();
            }
            assert_eq!(rows.progress().unwrap(), Some(progress));
            let mut found = Vec::new();
            rows.scan(b"", &mut |key, value| {
                found.push((key.to_vec(), value.to_vec()));
                Ok(())
            })
            .unwrap();
            assert_eq!(found, [(b"P/1".to_vec(), extra.to_vec())]);
        }
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
