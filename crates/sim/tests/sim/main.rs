//! Plays seeds from beginning to end. `LOOPLEDGER_SIM_SEEDS=a..b` plays others.

#![allow(clippy::arithmetic_side_effects, clippy::needless_for_each, clippy::print_stdout, reason = "tests")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use loopledger_sim::{KINDS, Report, run};

/// As many as must meet every kind of fault.
const SEEDS: Range<u64> = 0..100;
/// Commands that callers send in a seed.
const COMMANDS_MIN: u64 = 200;

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("LOOPLEDGER_SIM_SEEDS") else { return SEEDS };
    let (first, end) = asked.split_once("..").expect("LOOPLEDGER_SIM_SEEDS is a range, e.g. 100..1100");
    first.parse().expect("the first seed")..end.parse().expect("the end of the seeds")
}

/// Plays the seeds on every core; each on one thread.
fn play(seeds: Range<u64>, each: impl Fn(Report) + Sync) {
    let next = AtomicU64::new(seeds.start);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    each(run(seed));
                }
            });
        }
    });
}

/// The end of a failing seed's history, and how to see the rest.
fn show(report: &Report) {
    println!("seed {} fails:", report.seed);
    report.violations.iter().for_each(|violation| println!("  {violation}"));
    println!(
        "play it again: LOOPLEDGER_SIM_SEEDS={0}..{1} cargo test -p loopledger-sim replay -- --nocapture",
        report.seed,
        report.seed + 1
    );
}

#[test]
fn whatever_strikes_everything_acknowledged_happened_once() {
    let seeds = seeds();
    println!("seeds {}..{}", seeds.start, seeds.end);
    let began = Instant::now();
    let (failed, totals) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<&str, u64>::new()));
    play(seeds.clone(), |report| {
        let commands = report.counts.get("commands").copied().unwrap_or(0);
        if !report.violations.is_empty() || commands < COMMANDS_MIN {
            show(&report);
            failed.lock().unwrap().push(report.seed);
        }
        let mut totals = totals.lock().unwrap();
        for (what, count) in &report.counts {
            *totals.entry(what).or_default() += count;
        }
    });
    let (mut failed, totals) = (failed.into_inner().unwrap(), totals.into_inner().unwrap());
    println!("{} seeds in {:?}", seeds.end - seeds.start, began.elapsed());
    totals.iter().for_each(|(what, count)| println!("{count:>9} {what}"));
    failed.sort_unstable();
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
    if seeds.end - seeds.start >= SEEDS.end {
        let missing: Vec<_> = KINDS.iter().filter(|kind| !totals.contains_key(**kind)).collect();
        assert!(missing.is_empty(), "these faults never struck: {missing:?}");
    }
}

#[test]
fn a_seed_replays_to_the_byte() {
    play(0..6, |report| {
        let again = run(report.seed);
        for (first, second) in report.history.iter().zip(&again.history) {
            assert_eq!(first, second, "seed {}", report.seed);
        }
        assert_eq!(report, again, "seed {}", report.seed);
    });
}

/// Prints whole histories: of the seeds that are asked for, or of none.
#[test]
fn replay() {
    if std::env::var_os("LOOPLEDGER_SIM_SEEDS").is_none() {
        return;
    }
    for seed in seeds().take(3) {
        let report = run(seed);
        report.history.iter().for_each(|line| println!("{line}"));
        report.counts.iter().for_each(|(what, count)| println!("{count:>9} {what}"));
        report.violations.iter().for_each(|violation| println!("VIOLATED: {violation}"));
    }
}
