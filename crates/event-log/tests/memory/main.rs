//! The faults of the memory log: each occurs, each does what its name says, and a seed reproduces them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;
use loopledger_event_log::{
    AppendError, EventLog, FaultPlan, FaultReport, LogRecord, MemoryLog, Offset, ReadError, Record,
};
use loopledger_types::{CountyCode, Key, Partition, Service, Topic};

const TOPIC: Topic = Topic(Service::Sales);
const PARTITION: Partition = Partition(3);

fn record(value: &str) -> Record {
    let key = Key(CountyCode::parse("654224").unwrap());
    Record { key, headers: Vec::new(), value: Bytes::copy_from_slice(value.as_bytes()) }
}

fn read_all(log: &MemoryLog) -> Vec<String> {
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    let mut all = Vec::new();
    loop {
        let batch = reader.poll_now().unwrap();
        if batch.is_empty() {
            return all;
        }
        all.extend(texts(&batch));
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(30), future).await.expect("held records are released")
}

fn texts(batch: &[LogRecord]) -> Vec<String> {
    batch.iter().map(|record| String::from_utf8(record.value.to_vec()).unwrap()).collect()
}

/// Three producers append 200 records each, one at a time, all at once; then everything settles.
async fn play(seed: u64, plan: FaultPlan) -> (Vec<String>, Vec<(String, bool)>, FaultReport) {
    let log = MemoryLog::with_faults(seed, plan);
    let producers = ["a", "b", "c"].map(|name| {
        let producer = log.producer();
        async move {
            let mut answers = Vec::new();
            for number in 0..200 {
                let value = format!("{name}{number:03}");
                let results = producer.append(TOPIC, PARTITION, vec![record(&value)]).await;
                tokio::task::yield_now().await;
                answers.push((value, results[0].is_ok()));
            }
            answers
        }
    });
    let answers = join_all(producers).await.concat();
    log.settle();
    (read_all(&log), answers, log.report())
}

fn own<'a>(read: &'a [String], name: &str) -> Vec<&'a String> {
    read.iter().filter(|value| value.starts_with(name)).collect()
}

const SEEDS: std::ops::Range<u64> = 0..20;

#[tokio::test]
async fn a_seed_fixes_the_whole_history() {
    let plan = FaultPlan {
        delayed: 200,
        duplicated: 100,
        failed_applied: 100,
        failed_applied_late: 100,
        failed_not_applied: 100,
        slow_read: 100,
    };
    let mut histories = Vec::new();
    for seed in SEEDS {
        let history = play(seed, plan).await;
        assert_eq!(history, play(seed, plan).await, "seed {seed}");
        histories.push(history.0);
    }
    histories.sort();
    histories.dedup();
    assert_eq!(histories.len(), SEEDS.count(), "seeds make a difference");
}

#[tokio::test]
async fn without_faults_nothing_strikes() {
    let (read, answers, report) = play(1, FaultPlan::NONE).await;
    assert_eq!((read.len(), report), (600, FaultReport::default()));
    assert!(answers.iter().all(|(_, ok)| *ok));
}

#[tokio::test]
async fn delays_reorder_across_producers_only() {
    for seed in SEEDS {
        let (read, answers, report) = play(seed, FaultPlan { delayed: 300, ..FaultPlan::NONE }).await;
        assert!(report.delayed > 0 && report.reordered > 0, "seed {seed}: {report:?}");
        assert!(answers.iter().all(|(_, ok)| *ok), "seed {seed}");
        for name in ["a", "b", "c"] {
            assert!(own(&read, name).is_sorted() && own(&read, name).len() == 200, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn duplicates_land_once_more() {
    for seed in SEEDS {
        let (mut read, _, report) = play(seed, FaultPlan { duplicated: 100, ..FaultPlan::NONE }).await;
        assert!(report.duplicated > 0, "seed {seed}");
        assert_eq!(read.len(), 600 + usize::try_from(report.duplicated).unwrap(), "seed {seed}");
        read.sort();
        read.dedup();
        assert_eq!(read.len(), 600, "seed {seed}");
    }
}

#[tokio::test]
async fn failures_are_applied_at_once_or_late_or_never() {
    let plans = [
        FaultPlan { failed_applied: 100, ..FaultPlan::NONE },
        FaultPlan { failed_applied_late: 100, ..FaultPlan::NONE },
        FaultPlan { failed_not_applied: 100, ..FaultPlan::NONE },
    ];
    for seed in SEEDS {
        for (index, plan) in plans.into_iter().enumerate() {
            let (read, answers, report) = play(seed, plan).await;
            let counts = [report.failed_applied, report.failed_applied_late, report.failed_not_applied];
            let failed = answers.iter().filter(|(_, ok)| !ok).count();
            assert!(failed > 0 && counts[index] == u64::try_from(failed).unwrap(), "seed {seed}: {report:?}");
            assert_eq!(counts.iter().sum::<u64>(), counts[index], "seed {seed}: {report:?}");
            assert_eq!(read.len(), if index == 2 { 600 - failed } else { 600 }, "seed {seed}");
            assert!(answers.iter().all(|(value, ok)| index != 2 || read.contains(value) == *ok), "seed {seed}");
            for name in ["a", "b", "c"] {
                assert!(own(&read, name).is_sorted(), "seed {seed}");
            }
        }
    }
}

#[tokio::test]
async fn a_failed_append_can_land_after_the_log_was_read_to_its_end() {
    let log = MemoryLog::with_faults(1, FaultPlan { failed_applied_late: 1_000, ..FaultPlan::NONE });
    let results = log.append(TOPIC, PARTITION, vec![record("late")]).await;
    assert!(matches!(results[0], Err(AppendError::Unconfirmed { .. })));
    assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), Offset::START);
    log.settle();
    assert_eq!(read_all(&log), ["late"]);
}

/// No append and no settle follows, and the append's own future is gone: the reader still gets the record,
/// whether it began to wait before or after.
#[tokio::test]
async fn a_waiting_reader_gets_what_is_held() {
    for seed in SEEDS {
        let log = MemoryLog::with_faults(seed, FaultPlan { delayed: 1_000, ..FaultPlan::NONE });
        let mut early = log.read(TOPIC, PARTITION, Offset::START).unwrap();
        let early = tokio::spawn(async move { texts(&early.next().await.unwrap()) });
        tokio::task::yield_now().await;
        drop(log.append(TOPIC, PARTITION, vec![record("held")]));
        assert_eq!(soon(early).await.unwrap(), ["held"], "seed {seed}");
        let mut late = log.read(TOPIC, PARTITION, log.end(TOPIC, PARTITION).await.unwrap()).unwrap();
        drop(log.append(TOPIC, PARTITION, vec![record("held too")]));
        assert_eq!(texts(&soon(late.next()).await.unwrap()), ["held too"], "seed {seed}");
        assert_eq!(log.report().delayed, 2);
    }
}

#[tokio::test]
async fn a_held_append_is_answered_without_a_reader() {
    let log = MemoryLog::with_faults(5, FaultPlan { delayed: 1_000, ..FaultPlan::NONE });
    let results = log.append(TOPIC, PARTITION, ["a", "b", "c"].map(record).into()).await;
    assert!(results.iter().all(Result::is_ok) && results.is_sorted_by_key(|result| result.as_ref().ok().copied()));
    assert_eq!(read_all(&log), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_truncated_tail_is_gone_and_its_readers_learn_it() {
    let log = MemoryLog::new(8);
    let offsets = log.append(TOPIC, PARTITION, ["a", "b", "c"].map(record).into()).await;
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    assert_eq!(reader.next().await.unwrap().len(), 3);
    let cut = *offsets[1].as_ref().unwrap();
    assert!(log.truncate(TOPIC, PARTITION, Offset(cut.0 + 1)).is_err());
    log.truncate(TOPIC, PARTITION, cut).unwrap();
    assert!(matches!(reader.next().await, Err(ReadError::OffsetOutOfRange { .. })));
    assert_eq!((read_all(&log), log.report().truncated), (vec!["a".to_owned()], 2));
    let again = log.append(TOPIC, PARTITION, vec![record("d")]).await;
    assert_eq!((again[0].as_ref().unwrap(), read_all(&log)), (&cut, vec!["a".to_owned(), "d".to_owned()]));
}

#[tokio::test]
async fn slow_readers_see_everything_in_small_bites() {
    let log = MemoryLog::with_faults(3, FaultPlan { slow_read: 500, ..FaultPlan::NONE });
    let values: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
    for value in &values {
        assert!(log.append(TOPIC, PARTITION, vec![record(value)]).await[0].is_ok());
    }
    assert_eq!(read_all(&log), values);
    assert!(log.report().slow_reads > 0);
}

#[tokio::test]
async fn faults_can_be_ended() {
    let log = MemoryLog::with_faults(3, FaultPlan { failed_not_applied: 1_000, ..FaultPlan::NONE });
    assert!(log.append(TOPIC, PARTITION, vec![record("x")]).await[0].is_err());
    log.set_faults(FaultPlan::NONE);
    let appended = log.append(TOPIC, PARTITION, vec![record("x")]);
    assert!(appended.now_or_never().unwrap()[0].is_ok(), "without faults an append waits for nothing");
}
