//! A disk that runs full, and has room again: the store fails and says so, goes on answering, and what it had synced is
//! found when it is opened again. The disk is played here; `loopledger`'s suite `cluster` fills a real one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loopledger_dice::Dice;
use loopledger_page_store::{Backend, Options, PageStream, StoreError};
use tempfile::tempdir;

use crate::support::{Model, open_with, options, random_batch, scan, submit};

const PLENTY: u64 = 1 << 40;

/// A disk whose room is said by a number.
fn played(left: &Arc<AtomicU64>) -> Options {
    let left = Arc::clone(left);
    Options { on_space: Some(Arc::new(move || left.load(Ordering::Relaxed))), ..options() }
}

/// Submits until the store has failed; what it held after every batch since the last that was synced.
fn submit_until_failed(store: &PageStream, random: &mut Dice, from: (u64, Model)) -> Vec<(u64, Model)> {
    let mut states = vec![from];
    while store.failure().is_none() {
        if !store.has_room() {
            std::thread::yield_now();
            continue;
        }
        let (number, mut model) = states.last().unwrap().clone();
        let number = number + 1;
        let mut batch = random_batch(random, &mut model);
        (number * 70..(number + 1) * 70).for_each(|sequence| batch.push_tail(sequence, vec![1; 50].into()));
        batch.set_meta(number.to_le_bytes().to_vec());
        if store.submit(Box::new(Some(batch))).is_ok() {
            states.push((number, model));
        }
        if number.is_multiple_of(7) && store.flush().is_ok() {
            states.drain(..states.len() - 1);
        }
    }
    states
}

#[test]
fn a_store_on_a_full_disk_answers_and_is_opened_again_with_what_it_had_synced() {
    for seed in 1..=10 {
        println!("seed {seed}");
        let directory = tempdir().unwrap();
        let left = Arc::new(AtomicU64::new(PLENTY));
        let (store, _) = open_with(&directory.path().join("store"), &played(&left)).unwrap();
        let mut random = Dice::new(seed);
        let mut state = (0_u64, Model::new());
        for round in 0..4 {
            for _ in 0..random.below(30) {
                let mut batch = random_batch(&mut random, &mut state.1);
                state.0 += 1;
                batch.set_meta(state.0.to_le_bytes().to_vec());
                submit(&store, batch);
            }
            store.flush().unwrap();
            left.store(random.below(1_000_000), Ordering::Relaxed);
            let states = submit_until_failed(&store, &mut random, state);
            let failed = |error: StoreError| matches!(error, StoreError::OutOfSpace(_));
            assert!(store.failure().is_some_and(failed) && store.flush().is_err_and(failed), "round {round}");
            assert!(store.probe().is_err_and(failed));
            scan(&store, b"");
            assert!(store.reopen().is_err_and(failed), "while it is full");
            assert_eq!(store.get(b"any"), Err(StoreError::Closed));

            left.store(PLENTY, Ordering::Relaxed);
            store.probe().unwrap();
            assert_eq!(store.reopen().unwrap().moved_aside, None, "round {round}");
            assert_eq!(store.failure(), None);
            let found = store.meta().unwrap().map_or(0, |meta| u64::from_le_bytes(meta.try_into().unwrap()));
            let kept = states.into_iter().find(|(number, _)| *number == found);
            state = kept.unwrap_or_else(|| panic!("round {round}: nothing that was synced is lost, found {found}"));
            assert_eq!(scan(&store, b""), state.1, "round {round}");
        }
    }
}

#[test]
fn a_store_is_not_moved_aside_because_its_disk_is_full() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let left = Arc::new(AtomicU64::new(PLENTY));
    let (store, _) = open_with(&path, &played(&left)).unwrap();
    let mut model = Model::new();
    submit(&store, random_batch(&mut Dice::new(1), &mut model));
    store.close().unwrap();
    left.store(0, Ordering::Relaxed);
    assert!(matches!(open_with(&path, &played(&left)), Err(StoreError::OutOfSpace(_))));
    left.store(PLENTY, Ordering::Relaxed);
    let (store, report) = open_with(&path, &played(&left)).unwrap();
    assert_eq!((report.moved_aside, scan(&store, b"")), (None, model));
}
