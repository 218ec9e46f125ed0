//! The state store's disk runs full and has room again: without a restart, nothing is lost or done twice.

use std::time::Duration;

use loopledger_domain::Decider;
use loopledger_event_log::MemoryLog;
use loopledger_service::writer::{Halt, Health, WriteError, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::{Memory, MemoryStore, ServiceStore as _};
use loopledger_types::Service;
use tokio::time::Instant;

use crate::peer::{Key, Left, Number};
use crate::world::{STEP, add, commits, fold, in_time, pass, request, start, state};

/// Time for a checkpoint to be due, and for a look at the disk.
const A_WHILE: Duration = Duration::from_secs(3);

async fn record<D>(handle: &WriterHandle<D>, numbers: core::ops::Range<u64>)
where
    D: Decider<Command = crate::peer::Command>,
{
    let answers: Vec<_> = numbers.map(|number| handle.submit(add(number, number % 7, 1), in_time())).collect();
    for answer in answers {
        answer.await.unwrap();
    }
}

/// Waits until the writer has noticed that its store fails, or works again.
async fn until<D: Decider>(handle: &WriterHandle<D>, has_failed: bool) {
    let began = Instant::now();
    while (handle.metrics().store_failed.get() > 0) != has_failed {
        assert!(
            began.elapsed() < Duration::from_mins(10),
            "the store has {}failed",
            if has_failed { "not " } else { "" }
        );
        pass(STEP).await;
    }
    if !has_failed {
        let mut health = handle.health();
        health.wait_for(|health| matches!(health, Health::Serving)).await.unwrap();
    }
}

async fn check(log: &MemoryLog, handle: &WriterHandle<Left>, asked: u64) {
    let log_says = commits(log, Service::Station).await;
    assert_eq!(log_says.len() as u64, asked, "everything once");
    assert_eq!(state(handle, (0..7).map(Key::Account)).await, fold::<Left>(&log_says, &[]));
    for commit in &log_says {
        let receipt = handle.receipt(commit.request_id, in_time()).await.unwrap().unwrap();
        assert_eq!(receipt.position, commit.position());
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_goes_on_without_its_store_and_stores_again_when_there_is_room() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let handle = writer.handle();
    record(handle, 0..100).await;
    pass(A_WHILE).await;

    memory.set_full(true);
    record(handle, 100..200).await;
    until(handle, true).await;
    record(handle, 200..300).await;
    pass(A_WHILE).await;
    assert!(matches!(*handle.health().borrow(), Health::Serving), "the store is only a cache");
    check(&log, handle, 300).await;

    memory.set_full(false);
    // No caller notices that it begins anew.
    let mut number = 300;
    while handle.metrics().store_failed.get() > 0 {
        record(handle, number..number + 1).await;
        number += 1;
        pass(STEP).await;
    }
    check(&log, handle, number).await;
    record(handle, number..400).await;
    // What was answered before is known again, whether it was stored or not.
    record(handle, 0..300).await;
    check(&log, handle, 400).await;
    assert_eq!(handle.metrics().store_failures_total.get(), 1);
    pass(A_WHILE).await;
    drop(writer);
    let stored = MemoryStore::<Number>::new(memory.clone()).progress().unwrap().unwrap();
    assert_eq!(stored.head.sequence, 400);
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    writer.handle().serving().await.unwrap();
    assert_eq!(writer.handle().metrics().foreign_commits_total.get(), 0, "nothing is folded again");
    check(&log, writer.handle(), 400).await;
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_has_no_room_left_says_so_and_goes_on_by_itself() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let handle = writer.handle();
    handle.serving().await.unwrap();
    memory.set_full(true);
    let mut asked = 0;
    let halt = loop {
        // Fewer than the queue holds.
        let numbers = asked..asked + 2_000;
        let answers: Vec<_> = numbers.map(|number| handle.submit(add(number, number, 1), in_time())).collect();
        let mut halt = None;
        for answer in answers {
            match answer.await {
                Ok(_) => asked += 1,
                Err(WriteError::Halted(why)) => halt = Some(why),
                Err(error) => panic!("{error}"),
            }
        }
        if let Some(halt) = halt {
            break halt;
        }
        pass(STEP).await;
        assert!(asked < 1_000_000, "memory is bounded");
    };
    assert_eq!(halt.reason(), "STORE_FULL", "{halt}");
    assert!(asked > 10_000, "{asked}");
    let began = Instant::now();
    let refused = handle.submit(add(asked, asked, 1), in_time()).await;
    assert!(matches!(refused, Err(WriteError::Halted(Halt::Store(_)))), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "at once");

    memory.set_full(false);
    until(handle, false).await;
    let log_says = commits(&log, Service::Station).await;
    assert!(log_says.len() as u64 >= asked);
    for number in (0..asked).step_by(997) {
        let receipt = handle.receipt(request(number), in_time()).await.unwrap();
        assert!(receipt.is_some(), "{number} was acknowledged");
    }
    handle.submit(add(2_000_000, 1, 1), in_time()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_writer_can_be_stopped_while_its_store_is_away() {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    record(writer.handle(), 0..10).await;
    memory.set_full(true);
    pass(A_WHILE).await;
    record(writer.handle(), 10..20).await;
    let ended = writer.shut_down().await;
    assert!(matches!(ended, Health::Halted(Halt::Store(_))), "{ended:?}");
    memory.set_full(false);
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    check(&log, writer.handle(), 20).await;
}
