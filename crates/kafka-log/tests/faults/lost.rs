//! A log that comes back with fewer records than it acknowledged.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use loopledger_event_log::{EventLog, LogReader, Offset, ReadError};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use loopledger_testkit::{Brokers, free_port};

use crate::support::{self, PARTITION, TOPIC, append, read_to, record, soon, values};

/// Cuts the partition's only segment after so many of the equal batches that it holds, as a disk that had not kept its
/// promise would.
fn cut(cluster: &Brokers, options: &KafkaOptions, keep: u64, of: u64) {
    let data = cluster.data().join("broker-1/data");
    let partition: PathBuf = data.join(format!("{}{TOPIC}-0", options.topic_prefix));
    let segment = partition.join("00000000000000000000.log");
    let bytes = fs::metadata(&segment).unwrap().len();
    assert_eq!(bytes % of, 0, "batches of one size");
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(bytes / of * keep).unwrap();
    // Without these a broker believes what is on disk only after looking at it.
    for name in ["00000000000000000000.index", "00000000000000000000.timeindex"] {
        fs::remove_file(partition.join(name)).unwrap();
    }
    for entry in fs::read_dir(&partition).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "snapshot") {
            fs::remove_file(path).unwrap();
        }
    }
    for name in [".kafka_cleanshutdown", "recovery-point-offset-checkpoint"] {
        let _ = fs::remove_file(data.join(name));
    }
}

/// The broker's address, in the files that it is started from.
fn move_broker(cluster: &Brokers, from: u16, to: u16) {
    for name in ["ports", "server.properties"] {
        let path = cluster.data().join("broker-1").join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&from.to_string()), "{text}");
        fs::write(&path, text.replace(&from.to_string(), &to.to_string())).unwrap();
    }
}

/// Waits for what is not an outage.
async fn verdict(reader: &mut Box<dyn LogReader>) -> ReadError {
    let heard = async {
        loop {
            match reader.next().await {
                Err(ReadError::Unavailable { .. }) => {}
                Err(error) => return error,
                Ok(batch) => panic!("records after the loss: {:?}", values(&batch)),
            }
        }
    };
    soon("a verdict", heard).await
}

async fn hundred(log: &KafkaLog) -> Box<dyn LogReader> {
    for number in 100..200 {
        append(log, &[&number.to_string()]).await;
    }
    let read = read_to(log, Offset(100)).await;
    assert_eq!(read.len(), 100);
    let mut live = log.read(TOPIC, PARTITION, Offset(99)).unwrap();
    assert_eq!(values(&soon("the last", live.next()).await.unwrap()), ["199"]);
    live
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_tail_is_seen_by_those_who_had_read_it() {
    let cluster = Brokers::start(1);
    let options = support::options(cluster.bootstrap());
    let log = support::connect(&options).await;
    let mut live = hundred(&log).await;

    cluster.run(&["stop", "1"]);
    cut(&cluster, &options, 60, 100);
    cluster.run(&["start", "1"]);
    let shorter = |error: &ReadError, end: u64| matches!(error, ReadError::OffsetOutOfRange { from: Offset(100), end: Offset(to) } if *to == end);
    let error = verdict(&mut live).await;
    assert!(shorter(&error, 60), "{error:?}");
    assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), Offset(60), "what was known of the end is forgotten");
    let error = verdict(&mut log.read(TOPIC, PARTITION, Offset(100)).unwrap()).await;
    assert!(shorter(&error, 60), "{error:?}");

    // What is left goes on, with another producer: the broker does not know what the old one had counted up to. A
    // reader that had read further gets the error again, and stays where it was.
    let appended = async {
        loop {
            match log.append(TOPIC, PARTITION, vec![record("new")]).await.as_slice() {
                [Ok(offset)] => return *offset,
                [Err(error)] if error.can_retry() => {}
                results => panic!("{results:?}"),
            }
        }
    };
    assert_eq!(soon("an append", appended).await, Offset(60));
    assert_eq!(log.metrics().producer_rebuilds_total.get(), 1);
    let mut error = verdict(&mut live).await;
    while shorter(&error, 60) {
        // Of before the append.
        error = verdict(&mut live).await;
    }
    assert!(shorter(&error, 61), "{error:?}");
    assert_eq!(read_to(&log, Offset(61)).await.len(), 61);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_records_in_place_of_those_lost_are_not_taken_for_what_follows() {
    let cluster = Brokers::start(1);
    let options = support::options(cluster.bootstrap());
    let log = support::connect(&options).await;
    let mut live = hundred(&log).await;

    cluster.run(&["stop", "1"]);
    cut(&cluster, &options, 60, 100);
    // Unnoticed by the readers, the log grows beyond where they stand.
    let usual: u16 = cluster.bootstrap().rsplit_once(':').unwrap().1.parse().unwrap();
    let elsewhere = free_port();
    move_broker(&cluster, usual, elsewhere);
    cluster.run(&["start", "1"]);
    let mut other = options.clone();
    other.brokers = format!("127.0.0.1:{elsewhere}");
    let other = KafkaLog::connect(other).await.unwrap();
    for number in 0..100 {
        append(&other, &[&format!("other-{number}")]).await;
    }
    drop(other);
    cluster.run(&["stop", "1"]);
    move_broker(&cluster, elsewhere, usual);
    cluster.run(&["start", "1"]);

    for _ in 0..3 {
        let error = verdict(&mut live).await;
        assert!(matches!(error, ReadError::Damaged { offset: Offset(100), .. }), "{error:?}");
    }
}
