//! Clocks that are wrong: nothing is decided under one, and what was dated by one does not date what follows.

use std::sync::Arc;
use std::time::Duration;

use loopledger_domain::{Event, station};
use loopledger_event_log::MemoryLog;
use loopledger_service::clock::ManualClock;
use loopledger_service::writer::{Halt, Health, WriteError, Writer, WriterConfig};
use loopledger_state_store::Memory;
use loopledger_types::{BusinessDate, Service, Timestamp};
use tokio::time::Instant;

use crate::peer::{Command, Left, Right};
use crate::world::{add, commits, halted, halts, in_time, request, start_with, stream, write};

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;
const TEN_YEARS: i64 = 3_652 * 86_400;

fn clock_at(seconds: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp { seconds, nanos: 0 }))
}

fn start(log: &MemoryLog, memory: &Memory, clock: &Arc<ManualClock>) -> Writer<Left> {
    start_with(log, memory, WriterConfig::default(), clock.clone())
}

/// A log with one commit of a writer whose clock was wrong, and what that writer stored.
async fn written_at(seconds: i64) -> (MemoryLog, Memory) {
    let (log, memory) = (MemoryLog::new(8), Memory::new());
    let writer = start(&log, &memory, &clock_at(seconds));
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    writer.shut_down().await;
    (log, memory)
}

async fn serves_again(writer: &Writer<Left>) {
    let mut health = writer.handle().health();
    health.wait_for(|health| matches!(health, Health::Serving)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_while_the_head_is_ahead_of_the_clock_until_the_clock_is_right() {
    let (log, memory) = written_at(NOW + TEN_YEARS).await;
    let clock = clock_at(NOW);
    let writer = start(&log, &memory, &clock);
    let handle = writer.handle().clone();
    assert_eq!(halts(&handle).await.reason(), "CLOCK_BEHIND");

    // A command is refused at once, long before its deadline; it can be sent again later.
    let asked = Instant::now();
    let refused = handle.submit(add(2, 1, 1), in_time()).await.unwrap_err();
    assert!(matches!(&refused, WriteError::Halted(halt) if halt.reason() == "CLOCK_BEHIND"), "{refused}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    // What was recorded is found, and the state can be seen.
    assert!(handle.submit(add(1, 1, 1), in_time()).await.unwrap().repeated);
    assert!(handle.receipt(request(1), in_time()).await.unwrap().is_some());
    assert_eq!(crate::world::state(&handle, []).await.len(), 1);
    // Nor is anything answered that other streams say.
    let right: Writer<Right> = start_with(&log, &Memory::new(), WriterConfig::default(), clock.clone());
    let asked = right.handle().submit(write(3, Command::Ask { number: 1 }), in_time()).await.unwrap();
    handle.wait_for(vec![asked.position], in_time()).await.unwrap();
    crate::world::pass(Duration::from_secs(30)).await;
    assert_eq!(commits(&log, Service::Station).await.len(), 1);

    clock.set(Timestamp { seconds: NOW + TEN_YEARS + 1, nanos: 0 });
    serves_again(&writer).await;
    handle.submit(add(2, 1, 1), in_time()).await.unwrap();
    let mut heads = right.handle().clone();
    while heads.heads_changed().await.get(stream(Service::Station)).sequence < 3 {}
}

#[tokio::test(start_paused = true)]
async fn a_foreign_record_of_the_far_future_halts_the_stream_and_is_not_followed() {
    let (log, clock) = (MemoryLog::new(8), clock_at(NOW));
    let writer = start(&log, &Memory::new(), &clock);
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    // Another writer of the stream, in the year 9999.
    let stranger = start(&log, &Memory::new(), &clock_at(253_370_764_800));
    assert_eq!(halts(stranger.handle()).await.reason(), "CLOCK_AHEAD", "it is far after everything recorded");
    stranger.shut_down().await;
    let config = WriterConfig { accept_clock: true, ..WriterConfig::default() };
    let stranger: Writer<Left> = start_with(&log, &Memory::new(), config, clock_at(253_370_764_800));
    stranger.handle().submit(add(2, 1, 1), in_time()).await.unwrap();
    assert_eq!(halts(writer.handle()).await.reason(), "CLOCK_BEHIND");
    assert!(matches!(writer.handle().submit(add(3, 1, 1), in_time()).await, Err(WriteError::Halted(Halt::Clock(_)))));
    assert_eq!(commits(&log, Service::Station).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_head_is_decided_on_with_the_days_of_the_clock() {
    let (log, memory) = written_at(NOW + TEN_YEARS).await;
    let config = WriterConfig { accept_clock: true, ..WriterConfig::default() };
    let writer: Writer<Left> = start_with(&log, &memory, config, clock_at(NOW));
    writer.handle().serving().await.unwrap();
    writer.handle().submit(add(2, 1, 1), in_time()).await.unwrap();
    let newest = commits(&log, Service::Station).await.pop().unwrap();
    // Within a stream time never goes back; what is decided is decided on the day of the clock.
    assert_eq!(newest.recorded_at.seconds, NOW + TEN_YEARS);
    let Event::Station(station::Event::StationOpened(opened)) = &newest.events[0] else { panic!("{newest:?}") };
    assert_eq!(opened.occasion.business_date, BusinessDate::parse("2026-01-01").unwrap());
    writer.shut_down().await;
    // It is accepted for one start.
    assert_eq!(halted_after_start(&log, &memory, NOW).await, "CLOCK_BEHIND");
}

async fn halted_after_start(log: &MemoryLog, memory: &Memory, seconds: i64) -> &'static str {
    let writer = start(log, memory, &clock_at(seconds));
    halts(writer.handle()).await.reason()
}

#[tokio::test(start_paused = true)]
async fn a_start_far_after_everything_recorded_writes_nothing() {
    let (log, memory) = written_at(NOW).await;
    assert_eq!(halted_after_start(&log, &memory, NOW + TEN_YEARS).await, "CLOCK_AHEAD");
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
    // What another service recorded lately shows that the county was not idle, also in the next life.
    let right: Writer<Right> = start_with(&log, &Memory::new(), accepting(), clock_at(NOW + TEN_YEARS - 86_400));
    let asked = right.handle().submit(write(2, Command::Talk { bytes: 3 }), in_time()).await.unwrap();
    for life in 0..2 {
        let writer = start(&log, &memory, &clock_at(NOW + TEN_YEARS));
        writer.handle().wait_for(vec![asked.position], in_time()).await.unwrap();
        writer.handle().serving().await.unwrap_or_else(|error| panic!("life {life}: {error}"));
        writer.shut_down().await;
    }
}

fn accepting() -> WriterConfig {
    WriterConfig { accept_clock: true, ..WriterConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_while_it_serves_halts_the_writer_until_it_jumps_back() {
    for (jump, reason) in [(8 * 3_600, "CLOCK_AHEAD"), (TEN_YEARS, "CLOCK_AHEAD"), (-8 * 3_600, "CLOCK_BEHIND")] {
        let (log, clock) = (MemoryLog::new(8), clock_at(NOW));
        let writer = start(&log, &Memory::new(), &clock);
        writer.handle().serving().await.unwrap();
        clock.set(Timestamp { seconds: NOW + jump, nanos: 0 });
        // Also without a request.
        assert_eq!(halts(writer.handle()).await.reason(), reason, "{jump}");
        writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap_err();
        assert!(commits(&log, Service::Station).await.is_empty());
        clock.set(Timestamp { seconds: NOW + 5, nanos: 0 });
        serves_again(&writer).await;
        writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
        assert_eq!(commits(&log, Service::Station).await[0].recorded_at.seconds, NOW + 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_comes_right_after_the_jump_is_refused_too() {
    let (log, clock) = (MemoryLog::new(8), clock_at(NOW));
    let writer = start(&log, &Memory::new(), &clock);
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    clock.set(Timestamp { seconds: NOW + TEN_YEARS, nanos: 0 });
    assert!(writer.handle().submit(add(2, 1, 1), in_time()).await.is_err());
    assert_eq!(commits(&log, Service::Station).await.len(), 1);
    assert_eq!(halted(writer.handle()).await.reason(), "CLOCK_AHEAD");
}
