//! What a writer shows to Prometheus, read as strictly as the format is written.

use loopledger_event_log::{EventLog as _, MemoryLog, Record};
use loopledger_service::metrics::Registry;
use loopledger_service::writer::{Writer, WriterConfig, WriterHandle};
use loopledger_state_store::Memory;
use loopledger_testkit::Exposition;
use loopledger_types::{Key as LogKey, Service, partition_of};

use crate::peer::{Command, Left, Right};
use crate::world::{COUNTY, add, append_unknown, halts, in_time, start, stream, write};

const LEFT: [(&str, &str); 1] = [("service", "station")];

fn scrape(registry: &Registry) -> Exposition {
    Exposition::parse(&registry.render().unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

fn of_stream(name: &'static str) -> Vec<(&'static str, &'static str)> {
    LEFT.into_iter().chain([("county", "654224"), ("stream", name)]).collect()
}

fn register(left: &WriterHandle<Left>, right: &WriterHandle<Right>) -> Registry {
    let registry = Registry::new();
    registry.add(left.clone());
    registry.add(right.clone());
    registry
}

#[tokio::test(start_paused = true)]
async fn what_a_writer_does_is_seen() {
    let log = MemoryLog::new(8);
    let (left_memory, right_memory) = (Memory::new(), Memory::new());
    let left: Writer<Left> = start(&log, &left_memory, WriterConfig::default());
    let right: Writer<Right> = start(&log, &right_memory, WriterConfig::default());
    let registry = register(left.handle(), right.handle());
    assert_eq!(registry.readiness().1.last().map(String::as_str), Some("starting"));
    registry.complete();
    left.handle().serving().await.unwrap();
    right.handle().serving().await.unwrap();
    assert!(registry.readiness().0);
    let before = scrape(&registry);
    assert_eq!(before.value("loopledger_commits_total", &LEFT), Some(0.0));
    assert_eq!(before.value("loopledger_serving", &LEFT), Some(1.0));
    assert_eq!(before.value("loopledger_catch_up_progress_ratio", &LEFT), Some(1.0));
    assert_eq!(before.value("loopledger_lag_commits", &of_stream("distribution/654224")), Some(0.0));

    // Garbage in our partition, a refusal, a repeat, and a question that the other side answers.
    let partition = partition_of(LogKey(COUNTY), log.partition_count(Service::Station.topic()));
    let garbage = Record { key: LogKey(COUNTY), headers: Vec::new(), value: "not a commit".into() };
    log.append(Service::Station.topic(), partition, vec![garbage]).await.pop().unwrap().unwrap();
    left.handle().submit(add(1, 1, 5), in_time()).await.unwrap();
    left.handle().submit(add(1, 1, 5), in_time()).await.unwrap();
    left.handle().submit(add(2, 1, -50), in_time()).await.unwrap_err();
    left.handle().submit(write(3, Command::Ask { number: 1 }), in_time()).await.unwrap();
    let mut handle = left.handle().clone();
    // The question, its answer, and what the answer leads to.
    while handle.heads().get(stream(Service::Station)).sequence < 3 {
        handle.heads_changed().await;
    }
    let after = scrape(&registry);
    for (name, expected) in [
        ("loopledger_commits_total", 3.0),
        ("loopledger_reactions_total", 1.0),
        ("loopledger_upstream_commits_total", 1.0),
        ("loopledger_repeats_total", 1.0),
        ("loopledger_refusals_total", 1.0),
        ("loopledger_void_records_total", 1.0),
        ("loopledger_conflicts_total", 0.0),
        ("loopledger_in_flight_commits", 0.0),
        ("loopledger_queue_commands", 0.0),
        ("loopledger_due_reactions", 0.0),
        ("loopledger_append_to_read_back_seconds_count", 3.0),
    ] {
        assert_eq!(after.value(name, &LEFT), Some(expected), "{name}");
    }
    for (name, stream, expected) in [
        ("loopledger_head_sequence", "station/654224", 3.0),
        ("loopledger_head_sequence", "distribution/654224", 1.0),
        ("loopledger_lag_commits", "distribution/654224", 0.0),
        ("loopledger_lag_seconds", "distribution/654224", 0.0),
        ("loopledger_stream_halted", "station/654224", 0.0),
    ] {
        assert_eq!(after.value(name, &of_stream(stream)), Some(expected), "{name} of {stream}");
    }
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_halts_are_seen() {
    let log = MemoryLog::new(8);
    let (one_memory, other_memory) = (Memory::new(), Memory::new());
    let one: Writer<Left> = start(&log, &one_memory, WriterConfig::default());
    let other: Writer<Left> = start(&log, &other_memory, WriterConfig::default());
    one.handle().serving().await.unwrap();
    other.handle().serving().await.unwrap();
    let registry = Registry::new();
    registry.add(one.handle().clone());
    registry.complete();
    // Both append at the same head: one of them has to decide again.
    for number in 0..20 {
        let pair = (2 * number, 2 * number + 1);
        let (first, second) = tokio::join!(
            one.handle().submit(add(pair.0, 1, 1), in_time()),
            other.handle().submit(add(pair.1, 1, 1), in_time()),
        );
        first.unwrap();
        second.unwrap();
    }
    let shown = scrape(&registry);
    let value = |name| shown.value(name, &LEFT);
    assert_eq!(value("loopledger_commits_total"), Some(20.0));
    assert_eq!(value("loopledger_append_to_read_back_seconds_count"), Some(20.0), "voids are not timed");
    let lost = |writer: &Writer<Left>| u32::try_from(writer.handle().metrics().conflicts_total.get()).unwrap();
    assert!(lost(&one) + lost(&other) > 0, "no conflict came about");
    assert_eq!(value("loopledger_conflicts_total"), Some(f64::from(lost(&one))));
    assert!(value("loopledger_void_records_total") >= value("loopledger_conflicts_total"));

    let head = one.handle().heads().get(stream(Service::Station));
    append_unknown(&log, Service::Station, head.sequence + 1, head.hash).await;
    halts(one.handle()).await;
    let shown = scrape(&registry);
    let mut halted = of_stream("station/654224");
    halted.push(("reason", "NOT_UNDERSTOOD"));
    assert_eq!(shown.value("loopledger_stream_halted", &halted), Some(1.0));
    assert_eq!(shown.value("loopledger_serving", &LEFT), Some(0.0));
    let (is_ready, lines) = registry.readiness();
    assert!(!is_ready && lines[0].starts_with("station/654224: halted, NOT_UNDERSTOOD: "), "{lines:?}");
    assert!(lines[0].contains("run a newer version"), "{lines:?}");
}

#[tokio::test]
async fn numbers_that_a_library_named_are_shown() {
    let registry = Registry::new();
    for broker in ["one", "two"] {
        let labels = vec![("service", broker.to_owned())];
        registry.add_snapshot("kafka", labels, || vec![("deliveries_total", 3), ("queued", 4)]);
    }
    let shown = scrape(&registry);
    assert_eq!(shown.value("loopledger_kafka_deliveries_total", &[("service", "two")]), Some(3.0));
    assert_eq!(shown.value("loopledger_kafka_queued", &[("service", "one")]), Some(4.0));
    assert_eq!(shown.kind("loopledger_kafka_deliveries"), Some("counter"));
    assert_eq!(shown.kind("loopledger_kafka_queued"), Some("gauge"));
    assert!(shown.value("process_resident_memory_bytes", &[]).is_none_or(|bytes| bytes > 1e6));
}
