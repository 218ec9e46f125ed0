//! A process that writes is killed at named points; what the next one finds is the state at a batch boundary, not
//! older than what was flushed.

use core::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use loopledger_page_store::{Backend, Options, PageStore, TAIL_RECORDS};
use tempfile::tempdir;

use crate::support::{Model, Random, options, random_batch, scan};

const CHILD: &str = "LOOPLEDGER_STORE_CRASH_CHILD";
const STEPS: u64 = 400;
/// Raw records to a step: more than are kept after 150 steps, so that segments are removed too.
const RECORDS: u64 = 70;

/// Not a test of its own: the process that is killed. Arguments: directory, seed, point, which passage of it.
#[test]
fn child_process() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let arguments: Vec<&str> = arguments.split('|').collect();
    let [path, seed, point, passage] = arguments[..] else { panic!("four arguments") };
    let (point, passage) = (point.to_owned(), passage.parse::<u64>().unwrap());
    let passed = AtomicU64::new(0);
    let on_point = move |name: &'static str| {
        if name == point && passed.fetch_add(1, Ordering::Relaxed) + 1 == passage {
            std::process::abort();
        }
    };
    let options = Options { on_point: Some(Arc::new(on_point)), ..options() };
    let (store, _) = PageStore::open(Path::new(path), &options).unwrap();
    let mut random = Random(seed.parse().unwrap());
    let mut model = Model::new();
    let start = step_of(&store);
    for step in 1..=STEPS {
        let mut batch = random_batch(&mut random, &mut model);
        if step <= start {
            continue;
        }
        batch.set_meta(step.to_be_bytes().to_vec());
        records(step).for_each(|sequence| batch.push_tail(sequence, record(sequence)));
        while !store.has_room() {
            store.flush().unwrap();
        }
        store.submit(Box::new(Some(batch))).unwrap();
        if step.is_multiple_of(16) {
            store.flush().unwrap();
            std::fs::write(format!("{path}.flushing"), step.to_be_bytes()).unwrap();
            std::fs::rename(format!("{path}.flushing"), format!("{path}.flushed")).unwrap();
        }
    }
    store.close().unwrap();
}

/// Sequences of the raw records that a step adds; the first step of the second half comes after a gap.
fn records(step: u64) -> Range<u64> {
    let gap = if step > STEPS / 2 { 1_000 } else { 0 };
    step * RECORDS + gap..(step + 1) * RECORDS + gap
}

fn record(sequence: u64) -> Bytes {
    sequence.to_be_bytes().repeat(1 + sequence as usize % 7).into()
}

/// What the store should hold of them after `step`.
fn tail_after(step: u64) -> Vec<(u64, Bytes)> {
    let first = if step > STEPS / 2 { STEPS / 2 + 1 } else { 1 };
    let all: Vec<u64> = (first..=step).flat_map(records).collect();
    all.iter().skip(all.len().saturating_sub(TAIL_RECORDS)).map(|sequence| (*sequence, record(*sequence))).collect()
}

fn step_of(store: &PageStore) -> u64 {
    store.meta().unwrap().map_or(0, |meta| u64::from_be_bytes(meta.try_into().unwrap()))
}

/// Runs the child until it dies or is done; whether it was done.
fn run_child(path: &Path, seed: u64, point: &str, passage: u64) -> bool {
    let arguments = format!("{}|{seed}|{point}|{passage}", path.display());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_process"])
        .env(CHILD, arguments)
        .output()
        .unwrap();
    output.status.success()
}

fn check(path: &Path, seed: u64) {
    let (store, report) = PageStore::open(path, &options()).unwrap();
    assert_eq!(report.moved_aside, None, "a kill damages nothing");
    let flushed = std::fs::read(format!("{}.flushed", path.display())).ok();
    let flushed = flushed.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    let step = step_of(&store);
    assert!(step >= flushed, "at {step}, flushed up to {flushed}");
    let mut random = Random(seed);
    let mut model = Model::new();
    (0..step).for_each(|_| drop(random_batch(&mut random, &mut model)));
    assert_eq!(scan(&store, b""), model, "seed {seed}, step {step}");
    assert_eq!(store.tail().unwrap(), tail_after(step), "seed {seed}, step {step}");
    store.settle().unwrap();
    assert_eq!(scan(&store, b""), model, "seed {seed}, step {step}, after the merges were taken up");
    for (key, value) in &model {
        assert_eq!(store.get(key).unwrap().as_ref(), Some(value));
    }
    store.close().unwrap();
}

fn kill_again_and_again(seed: u64, point: &str, mut passage: u64) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let mut kills = 0;
    while !run_child(&path, seed, point, passage) {
        kills += 1;
        check(&path, seed);
        passage = passage * 3 / 2 + 7;
        assert!(kills < 40, "the child gets ahead");
    }
    check(&path, seed);
    assert!(kills >= 3, "killed {kills} times");
}

#[test]
fn a_kill_inside_a_checkpoint_leaves_it_out_or_takes_it_whole() {
    kill_again_and_again(11, "state-store.inside-checkpoint", 5);
}

#[test]
fn a_kill_between_the_tail_and_the_meta_that_counts_it_leaves_it_out() {
    kill_again_and_again(13, "state-store.between-tail-and-meta", 3);
}

#[test]
fn a_kill_inside_a_merge_loses_nothing() {
    kill_again_and_again(12, "state-store.inside-merge", 9);
}
