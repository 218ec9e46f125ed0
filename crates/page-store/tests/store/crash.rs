//! A process that writes is killed at named points; what the next one finds is the state at a batch boundary, not
//! older than what was flushed.

use core::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use loopledger_dice::Dice;
use loopledger_page_store::{Backend, Options, PageStore, PageStream, StreamKey, TAIL_RECORDS};
use tempfile::tempdir;

use crate::support::{Model, options, random_batch_of, scan};

const CHILD: &str = "LOOPLEDGER_STORE_CRASH_CHILD";
const STEPS: u64 = 400;
/// Raw records to a step: of one stream more than are kept after 150 steps, so that segments are removed too.
const RECORDS: u64 = 70;

/// Not a test of its own: the process that is killed. Arguments: directory, seed, streams, point, which passage of it.
#[test]
fn child_process() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let arguments: Vec<&str> = arguments.split('|').collect();
    let [path, seed, streams, point, passage] = arguments[..] else { panic!("five arguments") };
    let (point, passage) = (point.to_owned(), passage.parse::<u64>().unwrap());
    let passed = AtomicU64::new(0);
    let on_point = move |name: &'static str| {
        if name == point && passed.fetch_add(1, Ordering::Relaxed) + 1 == passage {
            std::process::abort();
        }
    };
    let options = Options { on_point: Some(Arc::new(on_point)), ..options() };
    let (store, _) = PageStore::open(Path::new(path), &options).unwrap();
    let plan = Plan { streams: streams.parse().unwrap() };
    let streams = plan.streams(&store);
    let mut random = Dice::new(seed.parse().unwrap());
    let mut model = Model::new();
    let start = step_of(&streams);
    for step in 1..=STEPS {
        let stream = &streams[plan.place(step)];
        let mut batch = random_batch_of(plan.key(step), &mut random, &mut model);
        if step <= start {
            continue;
        }
        batch.set_meta(step.to_be_bytes().to_vec());
        plan.records(step).for_each(|sequence| batch.push_tail(sequence, record(sequence)));
        while !stream.has_room() {
            stream.flush().unwrap();
        }
        stream.submit(Box::new(Some(batch))).unwrap();
        if step.is_multiple_of(16) {
            stream.flush().unwrap();
            std::fs::write(format!("{path}.flushing"), step.to_be_bytes()).unwrap();
            std::fs::rename(format!("{path}.flushing"), format!("{path}.flushed")).unwrap();
        }
    }
    streams[0].close().unwrap();
}

/// Which step writes what: the streams take turns.
#[derive(Debug, Clone, Copy)]
struct Plan {
    streams: u64,
}

impl Plan {
    fn place(self, step: u64) -> usize {
        (step % self.streams) as usize
    }

    fn key(self, step: u64) -> StreamKey {
        StreamKey((step % self.streams) as u32)
    }

    fn streams(self, store: &PageStore) -> Vec<PageStream> {
        (0..self.streams).map(|stream| store.stream(self.key(stream))).collect()
    }

    /// Sequences of the raw records that a step adds to its stream; the first step of the second half comes after a gap.
    fn records(self, step: u64) -> Range<u64> {
        let gap = if step > STEPS / 2 { 1_000 } else { 0 };
        let turn = (step - 1) / self.streams + 1;
        turn * RECORDS + gap..(turn + 1) * RECORDS + gap
    }

    /// The steps up to `step` that write the stream at `place`.
    fn steps_of(self, place: usize, step: u64) -> impl DoubleEndedIterator<Item = u64> {
        (1..=step).filter(move |step| self.place(*step) == place)
    }

    /// What the stream at `place` should hold of the raw records after `step`.
    fn tail_after(self, place: usize, step: u64) -> Vec<(u64, Bytes)> {
        let newest = self.steps_of(place, step).next_back().unwrap_or(0);
        let first = if newest > STEPS / 2 { STEPS / 2 + 1 } else { 1 };
        let steps = self.steps_of(place, step).filter(|step| *step >= first);
        let all: Vec<u64> = steps.flat_map(|step| self.records(step)).collect();
        all.iter().skip(all.len().saturating_sub(TAIL_RECORDS)).map(|sequence| (*sequence, record(*sequence))).collect()
    }
}

fn record(sequence: u64) -> Bytes {
    sequence.to_be_bytes().repeat(1 + sequence as usize % 7).into()
}

fn step_of_one(stream: &PageStream) -> u64 {
    stream.meta().unwrap().map_or(0, |meta| u64::from_be_bytes(meta.try_into().unwrap()))
}

/// The newest step of any stream.
fn step_of(streams: &[PageStream]) -> u64 {
    streams.iter().map(step_of_one).max().unwrap()
}

/// Runs the child until it dies or is done; whether it was done.
fn run_child(path: &Path, seed: u64, plan: Plan, point: &str, passage: u64) -> bool {
    let arguments = format!("{}|{seed}|{}|{point}|{passage}", path.display(), plan.streams);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_process"])
        .env(CHILD, arguments)
        .output()
        .unwrap();
    output.status.success()
}

/// Batches are written in order whichever stream they are of, so every stream is found as of the same step.
fn check(path: &Path, seed: u64, plan: Plan) {
    let (store, report) = PageStore::open(path, &options()).unwrap();
    assert_eq!(report.moved_aside, None, "a kill damages nothing");
    let streams = plan.streams(&store);
    let flushed = std::fs::read(format!("{}.flushed", path.display())).ok();
    let flushed = flushed.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    let step = step_of(&streams);
    assert!(step >= flushed, "at {step}, flushed up to {flushed}");
    let mut random = Dice::new(seed);
    let mut models = vec![Model::new(); streams.len()];
    (1..=step).for_each(|step| drop(random_batch_of(plan.key(step), &mut random, &mut models[plan.place(step)])));
    let check_all = |when: &str| {
        for (place, (stream, model)) in streams.iter().zip(&models).enumerate() {
            let case = format!("seed {seed}, step {step}, stream {place}{when}");
            assert_eq!(step_of_one(stream), plan.steps_of(place, step).next_back().unwrap_or(0), "{case}");
            assert_eq!(scan(stream, b""), *model, "{case}");
            assert_eq!(stream.tail().unwrap(), plan.tail_after(place, step), "{case}");
        }
    };
    check_all("");
    streams[0].settle().unwrap();
    check_all(", after the merges were taken up");
    for (stream, model) in streams.iter().zip(&models) {
        for (key, value) in model {
            assert_eq!(stream.get(key).unwrap().as_ref(), Some(value));
        }
    }
    streams[0].close().unwrap();
}

fn kill_again_and_again(seed: u64, streams: u64, point: &str, mut passage: u64) {
    let plan = Plan { streams };
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let mut kills = 0;
    while !run_child(&path, seed, plan, point, passage) {
        kills += 1;
        check(&path, seed, plan);
        passage = passage * 3 / 2 + 7;
        assert!(kills < 40, "the child gets ahead");
    }
    check(&path, seed, plan);
    assert!(kills >= 3, "killed {kills} times");
}

#[test]
fn a_kill_inside_a_checkpoint_leaves_it_out_or_takes_it_whole() {
    kill_again_and_again(11, 1, "state-store.inside-checkpoint", 5);
    kill_again_and_again(21, 5, "state-store.inside-checkpoint", 5);
}

#[test]
fn a_kill_between_the_tail_and_the_meta_that_counts_it_leaves_it_out() {
    kill_again_and_again(13, 1, "state-store.between-tail-and-meta", 3);
    kill_again_and_again(23, 5, "state-store.between-tail-and-meta", 3);
}

#[test]
fn a_kill_inside_a_merge_loses_nothing() {
    kill_again_and_again(12, 1, "state-store.inside-merge", 9);
    kill_again_and_again(22, 5, "state-store.inside-merge", 9);
}
