//! One writer on a log without faults.

use loopledger_domain::{Rejection, Rule};
use loopledger_event_log::MemoryLog;
use loopledger_service::writer::{Health, Ordered, WriteError, WriterConfig};
use loopledger_state_store::Memory;
use loopledger_types::Service;

use crate::peer::{Command, Key, Left, Number};
use crate::world::{add, commits, fold, in_time, start, state, write};

#[tokio::test(start_paused = true)]
async fn a_write_is_acknowledged_with_where_it_stands() {
    let log = MemoryLog::new(8);
    let writer = start::<Left>(&log, &Memory::new(), WriterConfig::default());
    let first = writer.handle().submit(add(1, 7, 50), in_time()).await.unwrap();
    let second = writer.handle().submit(add(2, 7, -20), in_time()).await.unwrap();
    assert_eq!((first.position.sequence, second.position.sequence), (1, 2));
    let commits = commits(&log, Service::Station).await;
    assert_eq!(commits[1].position(), second.position);
    let expected = Number { value: 30, closed: false };
    assert_eq!(state(writer.handle(), []).await.get(&Key::Account(7)), Some(&expected));
    assert_eq!(writer.handle().heads().get(second.position.stream).sequence, 2);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_gets_the_first_receipt_and_another_request_under_its_id_is_refused() {
    let log = MemoryLog::new(8);
    let writer = start::<Left>(&log, &Memory::new(), WriterConfig::default());
    let handle = writer.handle();
    // Both before and after the first is read back.
    let (first, twin) = tokio::join!(handle.submit(add(1, 7, 50), in_time()), handle.submit(add(1, 7, 50), in_time()));
    let (first, twin) = (first.unwrap(), twin.unwrap());
    assert_eq!((first.repeated, twin.repeated), (false, true));
    assert_eq!(twin.position, first.position);
    let again = handle.submit(add(1, 7, 50), in_time()).await.unwrap();
    assert_eq!(again.position, first.position);
    let reused = handle.submit(add(1, 7, 51), in_time()).await;
    assert!(matches!(reused, Err(WriteError::RequestIdReused { first: at, .. }) if at == first.position));
    let receipt = handle.receipt(crate::world::request(1), in_time()).await.unwrap().unwrap();
    assert_eq!(receipt.position, first.position);
    assert_eq!(handle.receipt(crate::world::request(2), in_time()).await.unwrap(), None);
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_writes_nothing() {
    let log = MemoryLog::new(8);
    let writer = start::<Left>(&log, &Memory::new(), WriterConfig::default());
    let refused = writer.handle().submit(add(1, 7, -1), in_time()).await;
    assert!(matches!(refused, Err(WriteError::Rejected(Rejection::Broken { rule: Rule::InsufficientStock, .. }))));
    let too_large = writer.handle().submit(write(2, Command::Talk { bytes: 25 * 1024 }), in_time()).await;
    assert!(matches!(too_large, Err(WriteError::Rejected(Rejection::Broken { rule: Rule::TooLarge, .. }))));
    writer.handle().submit(write(3, Command::Talk { bytes: 23 * 1024 }), in_time()).await.unwrap();
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_halts_the_stream_with_its_message() {
    let log = MemoryLog::new(8);
    let writer = start::<Left>(&log, &Memory::new(), WriterConfig::default());
    writer.handle().submit(add(1, 7, i64::MAX), in_time()).await.unwrap();
    // The sum does not fit, which these rules do not expect.
    writer.handle().submit(add(2, 7, 1), in_time()).await.unwrap_err();
    let halt = crate::world::halts(writer.handle()).await;
    assert_eq!(halt.reason(), "INTERNAL");
    assert!(halt.to_string().contains("attempt to add with overflow"), "{halt}");
    let refused = writer.handle().submit(add(3, 7, -1), in_time()).await;
    assert!(matches!(refused, Err(WriteError::Halted(_))), "{refused:?}");
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_at_once_are_answered_in_order_through_one_stream() {
    let log = MemoryLog::new(8);
    let writer = start::<Left>(&log, &Memory::new(), WriterConfig::default());
    let (mut ordered, mut answers) = Ordered::open(None);
    let send = async {
        for number in 0..1_000 {
            // Every tenth overdraws an account of its own.
            let amount = if number % 10 == 9 { -1 } else { 1 };
            ordered
                .submit(
                    writer.handle(),
                    add(number, if amount < 0 { 1_000 + number } else { number % 5 }, amount),
                    in_time(),
                )
                .await;
        }
        drop(ordered);
    };
    let receive = async {
        let mut sequence = 0;
        for number in 0..1_000 {
            let answer = answers.next().await.unwrap();
            if number % 10 == 9 {
                assert!(matches!(answer, Err(WriteError::Rejected(_))), "{number}");
            } else {
                sequence += 1;
                assert_eq!(answer.unwrap().position.sequence, sequence);
            }
        }
        assert!(answers.next().await.is_none());
    };
    tokio::join!(send, receive);
    let commits = commits(&log, Service::Station).await;
    assert_eq!(commits.len(), 900);
    assert_eq!(state(writer.handle(), []).await, fold::<Left>(&commits, &[]));
    assert!(writer.handle().metrics().window.get() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_finishes_what_was_queued() {
    let log = MemoryLog::new(8);
    let memory = Memory::new();
    let writer = start::<Left>(&log, &memory, WriterConfig::default());
    let handle = writer.handle().clone();
    handle.serving().await.unwrap();
    let writes: Vec<_> = (0..500).map(|number| handle.submit(add(number, number, 1), in_time())).collect();
    let ended = writer.shut_down().await;
    assert!(matches!(ended, Health::Stopped), "{ended:?}");
    for write in writes {
        write.await.unwrap();
    }
    assert!(matches!(handle.submit(add(1, 1, 1), in_time()).await, Err(WriteError::ShuttingDown)));
    assert_eq!(commits(&log, Service::Station).await.len(), 500);
    // Everything is in the store: nothing is folded again, and repeats are known.
    let writer = start::<Left>(&log, &memory, WriterConfig::default());
    let again = writer.handle().submit(add(499, 499, 1), in_time()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(writer.handle().metrics().foreign_commits_total.get(), 0);
}
