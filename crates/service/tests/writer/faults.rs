//! Two writers of one stream, on a log that delays, duplicates, reorders, and fails with and without applying.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loopledger_dice::Dice;
use loopledger_event_log::{FaultPlan, FaultReport, MemoryLog};
use loopledger_service::writer::{Answer, WriteError, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::Memory;
use loopledger_types::{RequestId, Service};

use crate::peer::{Command, Key, Left, Right};
use crate::world::{add, all, commits, fold, in_time, request, start, state, write};

pub(crate) const FAULTS: FaultPlan = FaultPlan {
    delayed: 60,
    duplicated: 50,
    failed_applied: 30,
    failed_applied_late: 30,
    failed_not_applied: 30,
    slow_read: 100,
};

/// How many seeds to play; `SEEDS` asks for more.
fn seeds(at_least: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(at_least)
}

/// What a client remembers: the position of every acknowledged request, and the refused ones.
#[derive(Default)]
struct Outcomes {
    acknowledged: BTreeMap<RequestId, loopledger_types::Position>,
    refused: u64,
}

impl Outcomes {
    fn take(&mut self, id: RequestId, answer: &Answer) {
        match answer {
            Ok(receipt) => {
                let first = *self.acknowledged.entry(id).or_insert(receipt.position);
                assert_eq!(first, receipt.position, "receipts are stable");
            }
            Err(WriteError::Rejected(_)) => self.refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn rounds(left: &WriterHandle<Left>, other: &WriterHandle<Left>, dice: &mut Dice, outcomes: &mut Outcomes) {
    for round in 0..40_u64 {
        // Checkpoints fall due while commits are in flight.
        tokio::time::advance(Duration::from_millis(300)).await;
        let mut under_way = Vec::new();
        for index in 0..25_u64 {
            let number = round * 25 + index;
            // Withdrawals often fail, and whether they do depends on what came before.
            let amount = i64::try_from(dice.below(9)).unwrap() - 4;
            let command = add(number, dice.below(3), amount);
            let (first, second) = if dice.below(2) == 0 { (left, other) } else { (other, left) };
            under_way.push((number, first.submit(command.clone(), in_time())));
            if dice.below(3) == 0 {
                under_way.push((number, second.submit(command, in_time())));
            }
            // A caller that goes away.
            if dice.below(10) == 0 {
                drop(first.submit(add(1_000_000 + number, 5, 1), in_time()));
            }
        }
        for (number, answer) in under_way {
            outcomes.take(request(number), &answer.await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_writers_of_one_stream_do_everything_once() {
    let mut total = FaultReport::default();
    let (mut conflicts, mut resends) = (0, 0);
    for seed in 0..seeds(30) {
        println!("seed {seed}");
        let log = MemoryLog::with_faults(seed, FAULTS);
        let one: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
        let two: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
        let mut outcomes = Outcomes::default();
        rounds(one.handle(), two.handle(), &mut Dice::new(seed), &mut outcomes).await;
        log.settle();

        let log_says = commits(&log, Service::Station).await;
        let mut seen = BTreeSet::new();
        for commit in &log_says {
            assert!(seen.insert(commit.request_id), "a request has one effect");
            if let Some(position) = outcomes.acknowledged.get(&commit.request_id) {
                assert_eq!(*position, commit.position());
            }
        }
        for id in outcomes.acknowledged.keys() {
            assert!(seen.contains(id), "what was acknowledged is in the log");
        }
        assert!(outcomes.refused > 0);
        let expected = fold::<Left>(&log_says, &[]);
        assert!(expected.values().all(|number| number.value >= 0));
        let heads = log_says.last().unwrap().position();
        for writer in [&one, &two] {
            writer.handle().wait_for(vec![heads], in_time()).await.unwrap();
            assert_eq!(state(writer.handle(), (0..6).map(Key::Account)).await, expected);
            conflicts += writer.handle().metrics().conflicts_total.get();
            resends += writer.handle().metrics().resends_total.get();
        }
        add_report(&mut total, log.report());
    }
    assert!(conflicts > 100, "{conflicts}");
    assert!(resends > 100, "{resends}");
    assert_every_fault(&total);
}

/// Restarts a writer: the old one is dropped where it stands. Returns how many checkpoints it had cut.
fn crash<D>(writer: &mut Option<Writer<D>>, log: &MemoryLog, memory: &Memory, keep: bool) -> u64
where
    D: loopledger_domain::Decider<Entity = crate::peer::Number>,
{
    let checkpoints = writer.take().map_or(0, |writer| writer.handle().metrics().checkpoints_total.get());
    let memory = if keep { memory.clone() } else { Memory::new() };
    *writer = Some(start(&log.producer(), &memory, WriterConfig::default()));
    checkpoints
}

#[tokio::test(start_paused = true)]
async fn reactions_happen_once_under_faults_and_crashes() {
    let mut total = FaultReport::default();
    let mut checkpoints = 0;
    for seed in 0..seeds(60) {
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let log = MemoryLog::with_faults(seed, FAULTS);
        let (left_memory, right_memory) = (Memory::new(), Memory::new());
        let mut left: Option<Writer<Left>> = None;
        let mut right: Option<Writer<Right>> = None;
        crash(&mut left, &log, &left_memory, true);
        crash(&mut right, &log, &right_memory, true);
        // A second writer of the left stream, which reacts too.
        let mut standby: Option<Writer<Left>> = None;
        crash(&mut standby, &log, &Memory::new(), false);
        let asked = 60;
        for number in 0..asked {
            ask(left.as_ref().unwrap().handle(), number).await;
            ask(right.as_ref().unwrap().handle(), 1_000 + number).await;
            // Checkpoints fall due while reactions are in flight.
            tokio::time::advance(Duration::from_millis(dice.below(900))).await;
            match dice.below(14) {
                0 => checkpoints += crash(&mut left, &log, &left_memory, true),
                1 => checkpoints += crash(&mut right, &log, &right_memory, true),
                // Without the store everything is folded again.
                2 => {
                    crash(&mut left, &log, &Memory::new(), false);
                }
                3 => {
                    crash(&mut standby, &log, &Memory::new(), false);
                }
                4 => {
                    // In an orderly way.
                    right.take().unwrap().shut_down().await;
                    crash(&mut right, &log, &right_memory, true);
                }
                // The disk of a store runs full, or has room again.
                5 => left_memory.set_full(true),
                6 => left_memory.set_full(false),
                _ => {}
            }
        }
        left_memory.set_full(false);
        let left = left.unwrap();
        let right = right.unwrap();
        until(left.handle(), asked, 1_000).await;
        until(right.handle(), asked, 0).await;
        log.settle();
        let lefts = commits(&log, Service::Station).await;
        let rights = commits(&log, Service::Distribution).await;
        for commits in [&lefts, &rights] {
            let mut causes = BTreeSet::new();
            for commit in commits {
                assert!(commit.cause.is_none_or(|cause| causes.insert(cause)), "one reaction to a cause");
            }
            assert_eq!(causes.len() as u64, 2 * asked, "an answer and a thanks to each");
        }
        let state = left.handle().query(keys(asked), in_time(), all).await.unwrap().0;
        assert_eq!(state, fold::<Left>(&lefts, &rights));
        let state = right.handle().query(keys(asked), in_time(), all).await.unwrap().0;
        assert_eq!(state, fold::<Right>(&rights, &lefts));
        add_report(&mut total, log.report());
    }
    assert!(checkpoints > 100, "{checkpoints} checkpoints before crashes");
    assert_every_fault(&total);
}

/// Asks until it is acknowledged, as a client does across restarts.
async fn ask<D>(handle: &WriterHandle<D>, number: u64)
where
    D: loopledger_domain::Decider<Command = Command>,
{
    handle.submit(write(number, Command::Ask { number }), in_time()).await.unwrap();
}

fn keys(asked: u64) -> Vec<Key> {
    let numbers = (0..asked).chain(1_000..1_000 + asked);
    numbers.flat_map(|number| [Key::Answered(number), Key::Done(number), Key::Seen(number)]).collect()
}

/// Waits until this side has answered everything that the other asked, from number `first`, and was answered.
async fn until<D>(handle: &WriterHandle<D>, asked: u64, first: u64)
where
    D: loopledger_domain::Decider<Entity = crate::peer::Number>,
{
    let own = if first == 0 { 1_000 } else { 0 };
    let mut heads = handle.clone();
    loop {
        let state = state(handle, keys(asked)).await;
        let answered = (first..first + asked).filter(|number| state.contains_key(&Key::Answered(*number))).count();
        let done = (own..own + asked).filter(|number| state.contains_key(&Key::Done(*number))).count();
        if answered as u64 == asked && done as u64 == asked {
            return;
        }
        heads.heads_changed().await;
    }
}

pub(crate) fn add_report(total: &mut FaultReport, report: FaultReport) {
    total.delayed += report.delayed;
    total.duplicated += report.duplicated;
    total.reordered += report.reordered;
    total.failed_applied += report.failed_applied;
    total.failed_applied_late += report.failed_applied_late;
    total.failed_not_applied += report.failed_not_applied;
    total.slow_reads += report.slow_reads;
}

pub(crate) fn assert_every_fault(report: &FaultReport) {
    println!("{report:?}");
    for (count, name) in [
        (report.delayed, "delayed"),
        (report.duplicated, "duplicated"),
        (report.reordered, "reordered"),
        (report.failed_applied, "failed but applied"),
        (report.failed_applied_late, "failed but applied late"),
        (report.failed_not_applied, "failed and not applied"),
        (report.slow_reads, "slow reads"),
    ] {
        assert!(count > 50, "{name} occurred {count} times only");
    }
}
