//! What a writer promises besides writing: waiting for upstream, back-pressure, halting, remembering.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use loopledger_event_log::{
    Decorator, Ending, EventLog, FaultPlan, LogReader, LogRecord, MemoryLog, Offset, ReadError,
};
use loopledger_service::clock::ManualClock;
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Ordered, WriteError, Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore, ServiceStore};
use loopledger_types::{Hash, Partition, Position, Service, Timestamp, Topic};
use tokio::time::Instant;

use crate::peer::{Command, Key, Left, Number, Right};
use crate::world::{COUNTY, add, after, commits, fold, in_time, request, start, start_with, state, stream, write};

fn soon() -> Option<Instant> {
    Instant::now().checked_add(Duration::from_millis(200))
}

#[tokio::test(start_paused = true)]
async fn a_write_waits_for_what_it_must_come_after() {
    let log = MemoryLog::new(8);
    let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    let there = right.handle().submit(write(1, Command::Talk { bytes: 5 }), in_time()).await.unwrap().position;
    let receipt = left.handle().submit(after(add(1, 1, 1), vec![there]), in_time()).await.unwrap();
    // It was decided at that head, and says so.
    let commit = commits(&log, Service::Station).await.pop().unwrap();
    assert_eq!(commit.position(), receipt.position);
    assert_eq!(
        commit.upstream.iter().map(|head| (head.stream, head.sequence)).collect::<Vec<_>>(),
        vec![(stream(Service::Distribution), 1)]
    );

    // Not there yet: the answer says so a little before the deadline, and nothing was written.
    let ahead = Position { sequence: 9, ..there };
    let behind = left.handle().submit(after(add(2, 1, 1), vec![ahead]), soon()).await;
    assert!(matches!(behind, Err(WriteError::UpstreamBehind { wanted: 9, read: 1, .. })), "{behind:?}");
    // Another hash at that position.
    let other = Position { hash: Hash([7; 32]), ..there };
    let lost = left.handle().submit(after(add(3, 1, 1), vec![other]), in_time()).await;
    assert!(matches!(lost, Err(WriteError::DataLoss(at)) if at == other), "{lost:?}");
    let unknown = Position { stream: stream(Service::Sales), ..there };
    let unread = left.handle().submit(after(add(4, 1, 1), vec![unknown]), in_time()).await;
    assert!(matches!(unread, Err(WriteError::StreamNotRead { .. })), "{unread:?}");
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_position_that_no_memory_holds_is_looked_up_in_the_log() {
    let log = MemoryLog::new(8);
    let memory = Memory::new();
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    let mut positions = Vec::new();
    for number in 0..20 {
        let talk = write(number, Command::Talk { bytes: 5 });
        positions.push(right.handle().submit(talk, in_time()).await.unwrap().position);
    }
    let left: Writer<Left> = start(&log, &memory, WriterConfig::default());
    left.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    left.shut_down().await;
    // After a restart only the newest hash is known.
    let left: Writer<Left> = start(&log, &memory, WriterConfig::default());
    left.handle().wait_for(vec![positions[3], positions[19]], in_time()).await.unwrap();
    let other = Position { hash: Hash([7; 32]), ..positions[4] };
    let lost = left.handle().wait_for(vec![other], in_time()).await;
    assert!(matches!(lost, Err(WriteError::DataLoss(at)) if at == other), "{lost:?}");
}

/// A log whose end cannot be found: a writer on it never begins to serve, and takes nothing out of its queue.
#[derive(Debug)]
struct Endless(MemoryLog);

impl Decorator for Endless {
    fn inner(&self) -> &dyn EventLog {
        &self.0
    }

    fn end(&self, _: Topic, _: Partition) -> Ending {
        Box::pin(core::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_stays_full_says_so() {
    let config = WriterConfig { queue_max: 4, ..WriterConfig::default() };
    let store: Arc<dyn ServiceStore<Number>> = Arc::new(MemoryStore::<Number>::new(Memory::new()));
    let feed = Feed::new(Arc::new(Endless(MemoryLog::new(8))));
    let writer: Writer<Left> = Writer::start(COUNTY, feed, store, crate::world::clock(), config);
    let queued: Vec<_> = (0..4).map(|number| writer.handle().submit(add(number, 1, 1), in_time())).collect();
    let refused = writer.handle().submit(add(9, 1, 1), in_time()).await;
    assert!(matches!(refused, Err(WriteError::QueueFull { .. })), "{refused:?}");
    drop(queued);
}

#[tokio::test(start_paused = true)]
async fn single_writes_and_bulk_streams_wait_in_turn_for_room_in_the_queue() {
    let log = MemoryLog::new(8);
    let config = WriterConfig { queue_max: 4, ..WriterConfig::default() };
    let writer: Writer<Left> = start(&log, &Memory::new(), config);
    let handle = writer.handle();
    // The writer's task has not run yet.
    let queued: Vec<_> = (0..9).map(|number| handle.submit(add(number, 1, 1), in_time())).collect();
    for answer in futures::future::join_all(queued).await {
        answer.unwrap();
    }
    let (mut ordered, mut answers) = Ordered::open(None);
    let send = async {
        for number in 10..200 {
            ordered.submit(handle, add(number, 1, 1), None).await;
        }
        drop(ordered);
    };
    let receive = async {
        let mut count = 0;
        while let Some(answer) = answers.next().await {
            answer.unwrap();
            count += 1;
        }
        count
    };
    assert_eq!(tokio::join!(send, receive).1, 190);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_changes_nothing() {
    let log = MemoryLog::with_faults(1, FaultPlan { delayed: 1_000, ..FaultPlan::NONE });
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    let handle = writer.handle();
    handle.serving().await.unwrap();
    let mut call = Box::pin(handle.submit(add(1, 1, 1), in_time()));
    // Until it is in flight.
    while handle.metrics().in_flight.get() == 0 {
        assert!(futures::poll!(&mut call).is_pending());
        tokio::task::yield_now().await;
    }
    drop(call);
    let again = handle.submit(add(1, 1, 1), in_time()).await.unwrap();
    assert_eq!(again.position.sequence, 1);
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_decided_again_after_a_conflict() {
    for seed in 0..20 {
        println!("seed {seed}");
        let log = MemoryLog::new(64);
        let one: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
        let two: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
        one.handle().serving().await.unwrap();
        two.handle().serving().await.unwrap();
        // Both decide at once on an empty account; the second's withdrawal waits behind its own deposit.
        let deposit = one.handle().submit(add(1, 1, 100), in_time());
        let own = two.handle().submit(add(2, 2, 1), in_time());
        let withdrawal = two.handle().submit(add(3, 1, -60), in_time());
        let (deposit, own, withdrawal) = tokio::join!(deposit, own, withdrawal);
        deposit.unwrap();
        own.unwrap();
        // One order or the other is right, but the answer must be that of the order in the log.
        let says = commits(&log, Service::Station).await;
        let withdrawn = says.iter().any(|commit| commit.request_id == request(3));
        assert_eq!(withdrawal.is_ok(), withdrawn);
        if withdrawn {
            assert_eq!(one.handle().metrics().conflicts_total.get() + two.handle().metrics().conflicts_total.get(), 1);
        }
        assert!(fold::<Left>(&says, &[]).values().all(|number| number.value >= 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_has_read_nothing_for_a_second_looks_before_it_refuses() {
    let log = MemoryLog::new(8);
    let one: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
    let two: Writer<Left> = start(&log.producer(), &Memory::new(), WriterConfig::default());
    one.handle().serving().await.unwrap();
    two.handle().serving().await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    // The deposit is in the log before the other writer's task runs again.
    let deposit = one.handle().submit(add(1, 1, 100), in_time());
    let withdrawal = two.handle().submit(add(2, 1, -60), in_time());
    let (deposit, withdrawal) = tokio::join!(deposit, withdrawal);
    deposit.unwrap();
    withdrawal.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_its_store_a_writer_folds_the_same_state() {
    let log = MemoryLog::new(8);
    let memory = Memory::new();
    let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let mut positions = Vec::new();
    for number in 0..300 {
        let amount = if number % 3 == 2 { -2 } else { 1 };
        positions.push(writer.handle().submit(add(number, number / 3, amount), in_time()).await.unwrap().position);
    }
    let keys = || (0..100).map(Key::Account);
    let before = state(writer.handle(), keys()).await;
    drop(writer);
    for memory in [memory, Memory::new()] {
        let writer: Writer<Left> = start(&log, &memory, WriterConfig::default());
        let again = writer.handle().submit(add(7, 2, 1), in_time()).await.unwrap();
        assert_eq!((again.repeated, again.position), (true, positions[7]));
        let reused = writer.handle().submit(add(7, 2, 5), in_time()).await;
        assert!(matches!(reused, Err(WriteError::RequestIdReused { .. })));
        assert_eq!(state(writer.handle(), keys()).await, before);
        assert_eq!(commits(&log, Service::Station).await.len(), 300);
    }
}

#[tokio::test(start_paused = true)]
async fn closed_entities_leave_memory_and_come_back() {
    let log = MemoryLog::new(8);
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    let handle = writer.handle();
    for account in 0..100 {
        handle.submit(add(account * 2, account, 5), in_time()).await.unwrap();
        handle.submit(add(account * 2 + 1, account, -5), in_time()).await.unwrap();
    }
    // The next checkpoint is a second away.
    tokio::time::advance(Duration::from_secs(2)).await;
    handle.submit(add(1_000, 500, 1), in_time()).await.unwrap();
    assert!(handle.metrics().checkpoints_total.get() > 0);
    assert!(state(handle, []).await.len() < 10);
    assert_eq!(state(handle, [Key::Account(3)]).await.get(&Key::Account(3)), Some(&Number { value: 0, closed: true }));
    let refused = handle.submit(add(1_001, 4, -1), in_time()).await;
    assert!(matches!(refused, Err(WriteError::Rejected(_))));
}

#[tokio::test(start_paused = true)]
async fn time_never_goes_backwards_in_a_stream() {
    let log = MemoryLog::new(8);
    let clock = Arc::new(ManualClock::new(Timestamp { seconds: 2_000, nanos: 5 }));
    let memory = Memory::new();
    let writer: Writer<Left> = start_with(&log, &memory, WriterConfig::default(), clock.clone());
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    clock.set(Timestamp { seconds: 1_000, nanos: 0 });
    writer.handle().submit(add(2, 1, 1), in_time()).await.unwrap();
    writer.shut_down().await;
    let writer: Writer<Left> = start_with(&log, &memory, WriterConfig::default(), clock.clone());
    writer.handle().submit(add(3, 1, 1), in_time()).await.unwrap();
    clock.set(Timestamp { seconds: 3_000, nanos: 0 });
    writer.handle().submit(add(4, 1, 1), in_time()).await.unwrap();
    let times: Vec<i64> = commits(&log, Service::Station).await.iter().map(|c| c.recorded_at.seconds).collect();
    assert_eq!(times, [2_000, 2_000, 2_000, 3_000]);
}

#[tokio::test(start_paused = true)]
async fn a_standby_reacts_only_to_what_goes_unanswered() {
    let log = MemoryLog::new(8);
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    let config = WriterConfig { reaction_delay: Duration::from_secs(5), ..WriterConfig::default() };
    let standby: Writer<Left> = start(&log, &Memory::new(), config);
    standby.handle().serving().await.unwrap();
    right.handle().submit(write(1, Command::Ask { number: 1 }), in_time()).await.unwrap();
    let asked = Instant::now();
    let mut handle = standby.handle().clone();
    while handle.heads_changed().await.get(stream(Service::Station)).sequence == 0 {}
    assert!(asked.elapsed() >= Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn followers_of_one_partition_see_the_same_commits_wherever_they_begin() {
    let log = MemoryLog::with_faults(3, crate::faults::FAULTS);
    let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    for number in 0..200 {
        left.handle().submit(add(number, 1, 1), in_time()).await.unwrap();
    }
    log.settle();
    let all_of_it = commits(&log, Service::Station).await;
    let feed = Feed::new(Arc::new(log.clone()));
    let mut offsets = vec![];
    let mut follower = feed.follow(stream(Service::Station));
    while offsets.len() < all_of_it.len() {
        for admitted in follower.next().await.unwrap().commits {
            offsets.push((admitted.commit.clone(), admitted.offset));
        }
    }
    // Right, wrong and beyond.
    for (index, hint) in
        [(50, offsets[50].1), (50, offsets[49].1), (50, Offset(7)), (50, Offset(u64::MAX)), (0, offsets[0].1)]
    {
        let position = offsets[index].0.position();
        let head = loopledger_types::Head { sequence: position.sequence, hash: position.hash };
        let mut follower = feed.resume(stream(Service::Station), head, hint).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < all_of_it.len() - index - 1 {
            seen.extend(follower.next().await.unwrap().commits.into_iter().map(|admitted| admitted.commit));
        }
        assert_eq!(seen, all_of_it[index + 1..]);
    }
}

/// A log whose readers of one topic wait for ever at its beginning; further on, a head is found where it was.
#[derive(Debug)]
struct Gated {
    log: MemoryLog,
    closed: Service,
}

struct Never;

impl LogReader for Never {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>> {
        Box::pin(core::future::pending())
    }

    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        Ok(Vec::new())
    }
}

impl Decorator for Gated {
    fn inner(&self) -> &dyn EventLog {
        &self.log
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        let is_closed = topic.0 == self.closed && from == Offset::START;
        if is_closed { Ok(Box::new(Never)) } else { self.log.read(topic, partition, from) }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_reaction_survives_a_stop_while_catching_up() {
    let slow = || WriterConfig { reaction_delay: Duration::from_hours(1), ..WriterConfig::default() };
    let log = MemoryLog::new(8);
    let memory = Memory::new();
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    let mut last = None;
    for number in 0..10 {
        let asked = right.handle().submit(write(number, Command::Ask { number }), in_time()).await.unwrap();
        last = Some(asked.position);
    }
    // Everything is folded, nothing is answered.
    let left: Writer<Left> = start(&log, &memory, slow());
    left.handle().submit(after(add(100, 1, 1), last.into_iter().collect()), in_time()).await.unwrap();
    left.shut_down().await;
    // Another writer goes on with the stream.
    let other: Writer<Left> = start(&log, &Memory::new(), slow());
    other.handle().submit(add(101, 1, 1), in_time()).await.unwrap();
    drop(other);
    // It folds that, and is stopped before it has read again what has no answer.
    let store: Arc<dyn ServiceStore<Number>> = Arc::new(MemoryStore::<Number>::new(memory.clone()));
    let feed = Feed::new(Arc::new(Gated { log: log.clone(), closed: Service::Distribution }));
    let left = Writer::<Left>::start(COUNTY, feed, store, crate::world::clock(), slow());
    while left.handle().heads().get(stream(Service::Station)).sequence < 2 {
        left.handle().clone().heads_changed().await;
    }
    left.shut_down().await;
    let left: Writer<Left> = start(&log, &memory, WriterConfig::default());
    let mut handle = left.handle().clone();
    let answered = async {
        while handle.heads().get(stream(Service::Station)).sequence < 12 {
            handle.heads_changed().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), answered).await.expect("all ten are answered");
    let causes = commits(&log, Service::Station).await.iter().filter(|commit| commit.cause.is_some()).count();
    assert_eq!(causes, 10);
}
