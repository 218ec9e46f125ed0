//! The layer of bytes against a `BTreeMap`.

use loopledger_dice::Dice;
use loopledger_page_store::{Backend, Batch, Memory, Options, PageStream, StoreError, TAIL_RECORDS};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::support::{Gate, Model, open, open_with, options, random_batch, scan, submit};

fn check(store: &PageStream, model: &Model, random: &mut Dice) {
    assert_eq!(scan(store, b""), *model);
    let prefix = [b'a' + random.below(4) as u8];
    let under: Model =
        model.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(scan(store, &prefix), under);
    for number in 0..700_u64 {
        let mut key = vec![b'a' + (number % 3) as u8];
        key.extend_from_slice(&number.to_be_bytes()[5..]);
        key.extend(std::iter::repeat_n(0, (number % 7) as usize));
        assert_eq!(store.get(&key).unwrap().as_ref(), model.get(&key), "key {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_writes_merges_and_reopenings_read_like_a_map(seed: u64) {
        let directory = tempdir().unwrap();
        let path = directory.path().join("store");
        let mut random = Dice::new(seed);
        let mut model = Model::new();
        let mut store = open(&path);
        for _ in 0..150 {
            match random.below(12) {
                0 => store.settle().unwrap(),
                1 => {
                    store.flush().unwrap();
                    check(&store, &model, &mut random);
                }
                2 if random.below(3) == 0 => {
                    store.close().unwrap();
                    drop(store);
                    store = open(&path);
                }
                _ => submit(&store, random_batch(&mut random, &mut model)),
            }
        }
        store.settle().unwrap();
        check(&store, &model, &mut random);
    }
}

#[test]
fn a_key_written_once_is_found_after_many_merges() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let store = open(&path);
    let key = |n: u64| [b"q".as_slice(), &n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()].concat();
    for from in (0..40_000_u64).step_by(100) {
        let mut batch = Batch::new();
        (from..from + 100).for_each(|n| batch.put(&key(n), &n.to_be_bytes()));
        submit(&store, batch);
    }
    store.settle().unwrap();
    store.close().unwrap();
    drop(store);
    let store = open(&path);
    for n in 0..40_000_u64 {
        assert_eq!(store.get(&key(n)).unwrap(), Some(n.to_be_bytes().to_vec()), "key {n}");
    }
    assert_eq!(store.get(&key(40_000)).unwrap(), None);
}

#[test]
fn a_scan_sees_one_state_while_merges_delete_what_it_reads() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    let mut random = Dice::new(7);
    let mut model = Model::new();
    (0..60).for_each(|_| submit(&store, random_batch(&mut random, &mut model)));
    store.flush().unwrap();
    let mut seen = Model::new();
    let mut later = Model::new();
    store
        .scan(b"", &mut |key, value| {
            if seen.len().is_multiple_of(50) {
                submit(&store, random_batch(&mut random, &mut later));
                store.settle().unwrap();
            }
            seen.insert(key.to_vec(), value.to_vec());
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, model);
}

#[test]
fn deleted_entries_leave_nothing_behind() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    for round in 0..200_u32 {
        let mut batch = Batch::new();
        (0..50_u32).for_each(|n| batch.put(&(round * 50 + n).to_be_bytes(), &[1; 100]));
        submit(&store, batch);
        let mut batch = Batch::new();
        (0..50_u32).for_each(|n| batch.delete(&(round * 50 + n).to_be_bytes()));
        submit(&store, batch);
    }
    store.settle().unwrap();
    assert_eq!(scan(&store, b""), Model::new());
}

#[test]
fn the_tail_is_the_newest_records_without_a_gap() {
    fn tail(backend: &dyn Backend) -> Vec<u64> {
        backend.flush().unwrap();
        backend
            .tail()
            .unwrap()
            .into_iter()
            .map(|(sequence, record)| {
                assert_eq!(record, sequence.to_be_bytes().repeat(20));
                sequence
            })
            .collect()
    }
    fn push(backend: &dyn Backend, sequences: impl Iterator<Item = u64>) {
        let mut batch = Batch::new();
        sequences.for_each(|n| batch.push_tail(n, n.to_be_bytes().repeat(20).into()));
        while !backend.has_room() {
            backend.flush().unwrap();
        }
        backend.submit(Box::new(Some(batch))).unwrap();
    }
    let kept = TAIL_RECORDS as u64;
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let check = |backend: &dyn Backend| {
        (0..70).for_each(|n| push(backend, n * 300 + 1..=n * 300 + 300));
        assert_eq!(tail(backend), (21_001 - kept..=21_000).collect::<Vec<_>>());
        push(backend, 20_990..=21_002);
        assert_eq!(tail(backend).last(), Some(&21_002), "what is known already is passed over");
        push(backend, 30_000..=30_003);
        assert_eq!(tail(backend), [30_000, 30_001, 30_002, 30_003]);
        push(backend, 30_004..=30_004);
    };
    check(&Memory::new());
    let store = open(&path);
    check(&store);
    store.close().unwrap();
    drop(store);
    assert_eq!(tail(&open(&path)), [30_000, 30_001, 30_002, 30_003, 30_004]);
}

#[test]
fn a_slow_disk_is_felt_as_back_pressure_and_nothing_is_lost() {
    let directory = tempdir().unwrap();
    let gate = Gate::default();
    let options = Options { on_point: Some(gate.on_point()), ..options() };
    let (store, _) = open_with(&directory.path().join("store"), &options).unwrap();
    let mut taken = 0_u32;
    let put = |n: u32| {
        let mut batch = Batch::new();
        batch.put(&n.to_be_bytes(), b"value");
        store.submit(Box::new(Some(batch)))
    };
    while store.has_room() {
        put(taken).unwrap();
        taken += 1;
        assert!(taken < 1_000, "the queue is bounded");
    }
    assert_eq!(put(taken), Err(StoreError::Full));
    gate.open();
    store.flush().unwrap();
    assert!(store.has_room());
    assert_eq!(scan(&store, b"").len(), taken as usize);
}

/// sled's pool of writers is shared by all stores of a process: with too much under way it waits for itself for ever.
#[test]
fn stores_of_one_process_write_merge_and_delete_at_once() {
    let directory = tempdir().unwrap();
    let directory = directory.path();
    let write = |number: u64| {
        let options = Options { overlay_keys: 2_048, ..Options::new(format!("store {number}"), 1) };
        let (store, _) = open_with(&directory.join(number.to_string()), &options).unwrap();
        let mut random = Dice::new(number);
        for _ in 0..300 {
            let mut batch = Batch::new();
            for _ in 0..500 {
                let (key, length) = (random.below(60_000), random.below(200));
                batch.put(&key.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(), &vec![1; length as usize]);
            }
            submit(&store, batch);
        }
        store.settle().unwrap();
        assert!(scan(&store, b"").len() > 50_000);
    };
    std::thread::scope(|scope| {
        (0..5).for_each(|number| drop(scope.spawn(move || write(number))));
    });
}

#[test]
fn after_close_everything_says_so() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    store.close().unwrap();
    assert_eq!(store.get(b"a"), Err(StoreError::Closed));
    assert_eq!(store.meta(), Err(StoreError::Closed));
    assert_eq!(store.flush(), Err(StoreError::Closed));
    assert_eq!(store.submit(Box::new(Some(Batch::new()))), Err(StoreError::Closed));
}
