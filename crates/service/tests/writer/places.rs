//! Places for those who wait for positions: each connection has its own, writes and questions apart, and none is needed
//! for what is folded.

use std::time::Duration;

use loopledger_event_log::MemoryLog;
use loopledger_service::limits::Caller;
use loopledger_service::writer::{WriteError, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::Memory;
use loopledger_types::Position;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::peer::Left;
use crate::world::{add, after, in_time, start};

const MANY: Caller = Caller::connection(1);
const OTHER: Caller = Caller::connection(2);

fn wait(
    caller: Caller,
    handle: &WriterHandle<Left>,
    position: Position,
    deadline: Option<Instant>,
) -> JoinHandle<Result<(), WriteError>> {
    let handle = handle.clone();
    tokio::spawn(caller.scope(async move { handle.wait_for(vec![position], deadline).await }))
}

fn soon() -> Option<Instant> {
    Instant::now().checked_add(Duration::from_millis(200))
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_what_is_far_leaves_others_their_places() {
    let config = WriterConfig::default();
    let places = config.waiting_max;
    let writer: Writer<Left> = start(&MemoryLog::new(1), &Memory::new(), config);
    let handle = writer.handle();
    let there = handle.submit(add(1, 1, 1), in_time()).await.unwrap().position;
    let far = Position { sequence: 1_000_000, ..there };
    let mut waiting: Vec<_> = (0..places).map(|_| wait(MANY, handle, far, in_time())).collect();
    while handle.waiting() < places {
        tokio::task::yield_now().await;
    }
    let refused = wait(MANY, handle, far, in_time()).await.unwrap();
    assert!(matches!(refused, Err(WriteError::QueueFull { .. })), "{refused:?}");

    wait(MANY, handle, there, in_time()).await.unwrap().expect("what is folded needs no place");
    let behind = |answer: &WriteError| matches!(answer, WriteError::UpstreamBehind { wanted: 1_000_000, .. });
    let write = MANY.scope(async { handle.submit(after(add(2, 1, 1), vec![far]), soon()).await }).await;
    assert!(behind(&write.unwrap_err()), "writes have places of their own");
    assert!(behind(&wait(OTHER, handle, far, soon()).await.unwrap().unwrap_err()), "and so have others");

    // A caller that goes away gives its place back at once, long before its deadline.
    for gone in waiting.drain(..places / 2) {
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    assert_eq!(handle.waiting(), places - places / 2);
    assert!(behind(&wait(MANY, handle, far, soon()).await.unwrap().unwrap_err()), "it can be had again");
}

#[tokio::test(start_paused = true)]
async fn writes_that_wait_for_what_is_far_leave_questions_their_places() {
    let config = WriterConfig { waiting_max: 2, ..WriterConfig::default() };
    let writer: Writer<Left> = start(&MemoryLog::new(1), &Memory::new(), config);
    let handle = writer.handle();
    let there = handle.submit(add(1, 1, 1), in_time()).await.unwrap().position;
    let far = Position { sequence: 1_000_000, ..there };
    let write = |number| after(add(number, 1, 1), vec![far]);
    let calls = MANY.scope(async {
        let waiting: Vec<_> = (2..4).map(|number| handle.submit(write(number), in_time())).collect();
        let refused = handle.submit(write(4), in_time()).await;
        assert!(matches!(refused, Err(WriteError::QueueFull { .. })), "{refused:?}");
        let question = handle.wait_for(vec![far], soon()).await;
        assert!(matches!(question, Err(WriteError::UpstreamBehind { .. })), "{question:?}");
        waiting
    });
    let waiting = calls.await;
    assert_eq!(handle.waiting(), 2);
    drop(waiting);
    assert_eq!(handle.waiting(), 0);
    handle.submit(add(5, 1, 1), in_time()).await.expect("and the writer goes on");
}

#[tokio::test(start_paused = true)]
async fn callers_that_went_away_are_not_kept_until_their_deadlines() {
    let writer: Writer<Left> = start(&MemoryLog::new(1), &Memory::new(), WriterConfig::default());
    let handle = writer.handle();
    let there = handle.submit(add(1, 1, 1), in_time()).await.unwrap().position;
    let far = Position { sequence: 1_000_000, ..there };
    let mut most = 0;
    for _ in 0..10_000 {
        let waiting = wait(MANY, handle, far, in_time());
        while handle.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        most = most.max(handle.metrics().waiting_for_upstream.get());
    }
    assert!((1..1_000).contains(&most), "{most} are kept");
}

#[tokio::test(start_paused = true)]
async fn positions_of_long_ago_are_looked_up_by_turns_and_never_refused() {
    const COUNT: u64 = 100;
    let (log, memory) = (MemoryLog::new(1), Memory::new());
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let mut positions = Vec::new();
    for number in 0..COUNT {
        positions.push(writer.handle().submit(add(number, 1, 1), in_time()).await.unwrap().position);
    }
    writer.shut_down().await;
    // After a restart only the newest hash is known.
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    writer.handle().serving().await.unwrap();
    let waiting: Vec<_> = positions.iter().map(|position| wait(MANY, writer.handle(), *position, in_time())).collect();
    for (waiting, position) in waiting.into_iter().zip(&positions) {
        waiting.await.unwrap().unwrap_or_else(|error| panic!("{}: {error}", position.sequence));
    }
}
