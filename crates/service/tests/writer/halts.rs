//! A stream that is halted: reported at once to every caller that needs it, and lifted by a build without the bug.

use std::sync::Arc;
use std::time::Duration;

use loopledger_event_log::MemoryLog;
use loopledger_service::feed::Feed;
use loopledger_service::metrics::Registry;
use loopledger_service::writer::{Halt, WriteError, Writer, WriterConfig};
use loopledger_state_store::Memory;
use loopledger_types::{Hash, Position, Service};
use loopledger_wire::HaltReason;
use tokio::time::Instant;

use crate::peer::{BUG, Buggy, Command, Left, PANIC, Right};
use crate::world::{STEP, add, after, append_unknown, commits, halts, in_time, pass, start, start_on, stream, write};

fn ask(number: u64) -> loopledger_wire::Write<Command> {
    write(1_000 + number, Command::Ask { number })
}

/// A position of the other side that is never written.
fn beyond(sequence: u64) -> Vec<Position> {
    vec![Position { stream: stream(Service::Distribution), sequence, hash: Hash([1; 32]) }]
}

#[tokio::test(start_paused = true)]
async fn a_halt_caused_by_a_bug_is_lifted_by_a_build_without_it() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    let buggy: Writer<Buggy> = start(&log, &memory, WriterConfig::default());
    for number in 0..BUG {
        left.handle().submit(ask(number), in_time()).await.unwrap();
    }
    // The halt comes on top of a checkpoint, and of commands of its own.
    buggy.handle().submit(write(1, Command::Talk { bytes: 5 }), in_time()).await.unwrap();
    while buggy.handle().metrics().checkpoints_total.get() == 0 {
        pass(STEP).await;
    }
    left.handle().submit(ask(BUG), in_time()).await.unwrap();
    let halt = halts(buggy.handle()).await;
    assert!(matches!(halt, Halt::Internal { .. }), "{halt}");
    assert_eq!((halt.kind(), halt.kind().advice().contains("version without the bug")), (HaltReason::Internal, true));
    let refused = buggy.handle().submit(write(2, Command::Talk { bytes: 5 }), in_time()).await;
    assert!(matches!(refused, Err(WriteError::Halted(Halt::Internal { .. }))), "{refused:?}");
    drop(buggy);
    // The same build halts again, on its store and on none.
    for memory in [memory.clone(), Memory::new()] {
        let again: Writer<Buggy> = start(&log, &memory, WriterConfig::default());
        halts(again.handle()).await;
    }

    let right: Writer<Right> = start(&log, &memory, WriterConfig::default());
    right.handle().serving().await.unwrap();
    left.handle().submit(ask(BUG + 1), in_time()).await.unwrap();
    right.handle().submit(write(2, Command::Talk { bytes: 5 }), in_time()).await.unwrap();
    // Every question is answered once, and every answer is heard.
    let questions = BUG + 2;
    while left.handle().heads().get(stream(Service::Station)).sequence < 2 * questions {
        pass(STEP).await;
    }
    let causes: Vec<u64> =
        commits(&log, Service::Distribution).await.iter().filter_map(|commit| Some(commit.cause?.sequence)).collect();
    let mut once = causes.clone();
    once.dedup();
    assert_eq!((causes.len() as u64, once.len()), (questions, causes.len()), "{causes:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_halted_stream_hears_of_it_at_once() {
    let feed = Feed::new(Arc::new(MemoryLog::new(8)));
    let left: Writer<Left> = start_on(&feed, &Memory::new());
    let buggy: Writer<Buggy> = start_on(&feed, &Memory::new());
    left.handle().serving().await.unwrap();
    buggy.handle().serving().await.unwrap();
    // One waits before the halt, in each way there is.
    let write_early = left.handle().submit(after(add(1, 1, 1), beyond(9)), in_time());
    let early = left.handle().clone();
    let read_early = tokio::spawn(async move { early.wait_for(beyond(9), in_time()).await });
    pass(STEP).await;
    assert!(!read_early.is_finished());
    left.handle().submit(ask(BUG), in_time()).await.unwrap();
    halts(buggy.handle()).await;
    let began = Instant::now();
    let write_late = left.handle().submit(after(add(2, 1, 1), beyond(9)), in_time());
    let read_late = left.handle().wait_for(beyond(9), in_time()).await;
    let outcomes = [write_early.await.map(drop), write_late.await.map(drop), read_early.await.unwrap(), read_late];
    for outcome in outcomes {
        let Err(WriteError::UpstreamHalted(notice)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((notice.stream, notice.reason), (stream(Service::Distribution), HaltReason::Internal));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // Its own stream goes on.
    left.handle().submit(add(3, 1, 1), in_time()).await.unwrap();
    // A build without the bug in its place: what is waited for may come again.
    drop(buggy);
    let right: Writer<Right> = start_on(&feed, &Memory::new());
    right.handle().serving().await.unwrap();
    let soon = Instant::now().checked_add(Duration::from_millis(200));
    let behind = left.handle().wait_for(beyond(9), soon).await;
    assert!(matches!(behind, Err(WriteError::UpstreamBehind { .. })), "{behind:?}");
}

#[tokio::test(start_paused = true)]
async fn a_process_is_ready_for_as_long_as_anything_in_it_serves() {
    let feed = Feed::new(Arc::new(MemoryLog::new(8)));
    let left: Writer<Left> = start_on(&feed, &Memory::new());
    let buggy: Writer<Buggy> = start_on(&feed, &Memory::new());
    let (both, alone) = (Registry::new(), Registry::new());
    both.add(left.handle().clone());
    both.add(buggy.handle().clone());
    alone.add(buggy.handle().clone());
    for registry in [&both, &alone] {
        registry.complete();
        assert!(!registry.readiness().0, "it has not caught up");
    }
    left.handle().serving().await.unwrap();
    buggy.handle().serving().await.unwrap();
    let lines = ["station/654224: serving", "distribution/654224: serving"].map(str::to_owned);
    assert_eq!(both.readiness(), (true, lines.to_vec()));
    left.handle().submit(ask(BUG), in_time()).await.unwrap();
    halts(buggy.handle()).await;
    let (is_ready, lines) = both.readiness();
    assert!(is_ready, "one halted stream does not take the others out of service");
    assert!(
        lines[1].starts_with("distribution/654224: halted, INTERNAL: ") && lines[1].contains("report it"),
        "{lines:?}"
    );
    assert!(!alone.readiness().0, "it serves nothing");
    both.end();
    let (is_ready, lines) = both.readiness();
    assert_eq!((is_ready, lines.last().map(String::as_str)), (false, Some("ending")));
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_panics_is_halted_and_reported() {
    let feed = Feed::new(Arc::new(MemoryLog::new(8)));
    let left: Writer<Left> = start_on(&feed, &Memory::new());
    let buggy: Writer<Buggy> = start_on(&feed, &Memory::new());
    buggy.handle().serving().await.unwrap();
    left.handle().submit(ask(PANIC), in_time()).await.unwrap();
    let halt = halts(buggy.handle()).await;
    assert!(matches!(&halt, Halt::Internal { detail } if detail == "planted"), "{halt}");
    let refused = buggy.handle().submit(write(2, Command::Talk { bytes: 5 }), in_time()).await;
    assert!(matches!(refused, Err(WriteError::Halted(Halt::Internal { .. }))), "{refused:?}");
    let waited = left.handle().wait_for(beyond(9), in_time()).await;
    assert!(
        matches!(&waited, Err(WriteError::UpstreamHalted(notice)) if notice.reason == HaltReason::Internal),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_admitted_commit_that_is_not_understood_halts_and_a_void_one_does_not() {
    for service in [Service::Station, Service::Distribution] {
        let log = MemoryLog::new(8);
        let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
        left.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
        // Void: another predecessor.
        append_unknown(&log, service, 2, Hash([5; 32])).await;
        let receipt = left.handle().submit(add(2, 1, 1), in_time()).await.unwrap();
        assert_eq!(receipt.position.sequence, 2);
        let (sequence, previous) =
            if service == Service::Station { (3, receipt.position.hash) } else { (1, Hash::ZERO) };
        append_unknown(&log, service, sequence, previous).await;
        let halt = halts(left.handle()).await;
        assert_eq!(halt.reason(), "NOT_UNDERSTOOD");
        assert!(matches!(left.handle().submit(add(3, 1, 1), in_time()).await, Err(WriteError::Halted(_))));
    }
}
