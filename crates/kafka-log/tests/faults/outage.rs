//! No broker answers: errors say so in time, and memory stays bounded.

use std::time::{Duration, Instant};

use bytes::Bytes;
use loopledger_event_log::{APPEND_QUEUE_BYTES_MAX, AppendError, EventLog, Offset, ReadError};
use loopledger_kafka_log::{ConnectError, KafkaLog, KafkaOptions};
use loopledger_testkit::Brokers;

use crate::support::{self, PARTITION, TOPIC, append, read_to, record, soon, values};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_without_a_listener_is_named() {
    let mut options = KafkaOptions::new("127.0.0.1:1");
    options.answer_timeout = Duration::from_secs(2);
    let started = Instant::now();
    let error = KafkaLog::connect(options).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stands_still_fills_the_queue_and_no_more() {
    let cluster = Brokers::start(1);
    let mut options = support::options(cluster.bootstrap());
    options.answer_timeout = Duration::from_secs(2);
    options.append_timeout = Duration::from_mins(1);
    let log = support::connect(&options).await;
    append(&log, &["before"]).await;
    cluster.run(&["pause", "1"]);

    let value = Bytes::from(vec![7; 60_000]);
    let count = APPEND_QUEUE_BYTES_MAX / value.len();
    let records = |count| std::iter::repeat_n(record(value.clone()), count).collect::<Vec<_>>();
    let mut call = records(count + 10);
    // There would be room for it, but it may not overtake.
    call.push(record("small"));
    let waiting = log.append(TOPIC, PARTITION, call);
    let refused = soon("a refusal", log.append(TOPIC, PARTITION, records(2))).await;
    assert!(refused.iter().all(|result| matches!(result, Err(AppendError::Busy))), "{refused:?}");
    let end = soon("an answer", log.end(TOPIC, PARTITION)).await;
    assert!(matches!(end, Err(ReadError::Unavailable { .. })), "{end:?}");
    let counts: std::collections::BTreeMap<_, _> = log.metrics().snapshot().into_iter().collect();
    let queued = usize::try_from(counts["queued_bytes"]).unwrap();
    assert!((APPEND_QUEUE_BYTES_MAX - 70_000..=APPEND_QUEUE_BYTES_MAX).contains(&queued), "{counts:?}");

    cluster.run(&["resume", "1"]);
    let results = soon("the appends that waited", waiting).await;
    let taken = results.iter().take_while(|result| result.is_ok()).count();
    assert!((count - 10..=count).contains(&taken), "{taken} of {count}");
    let rest = results.get(taken..).unwrap();
    assert!(rest.iter().all(|result| matches!(result, Err(AppendError::Busy))), "all that follow the first refused");
    append(&log, &["after"]).await;
    let end = log.end(TOPIC, PARTITION).await.unwrap();
    let read = read_to(&log, end).await;
    assert_eq!(read.len(), taken + 2, "what was refused is not there");
    assert_eq!(values(&read[taken + 1..]), ["after"]);
    assert_eq!(read[0].offset, Offset::START);
}
