//! A paused leader, and the readers of its partitions.

use std::time::{Duration, Instant};

use loopledger_event_log::{EventLog, LogReader, Offset, ReadError};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use loopledger_testkit::Brokers;
use loopledger_types::Partition;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::support::{self, PARTITION, PARTITIONS, TOPIC, record, soon, values};

/// How long after the cluster has another leader a reader may still wait for the old one: what the client needs to give
/// up a connection, and some for a machine that has much to do. A client left to its defaults takes a minute.
const LEFT_MAX: Duration = Duration::from_secs(10);

/// Who leads the partitions of the topic, by broker.
fn leaders(options: &KafkaOptions) -> Vec<i32> {
    let client: BaseConsumer =
        rdkafka::ClientConfig::new().set("bootstrap.servers", &options.brokers).create().unwrap();
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    let metadata = client.fetch_metadata(Some(&topic), Duration::from_secs(30)).unwrap();
    let mut partitions: Vec<_> =
        metadata.topics()[0].partitions().iter().map(|partition| (partition.id(), partition.leader())).collect();
    partitions.sort_unstable();
    partitions.into_iter().map(|(_, leader)| leader).collect()
}

/// Appends one record, until it is confirmed.
async fn append(log: &KafkaLog, partition: Partition, value: &'static str) -> Offset {
    let appended = async {
        loop {
            match log.append(TOPIC, partition, vec![record(value)]).await.as_slice() {
                [Ok(offset)] => return *offset,
                [Err(error)] if error.can_retry() => {}
                results => panic!("{results:?}"),
            }
        }
    };
    soon("an append", appended).await
}

/// The next batch; errors that pass are passed over.
async fn next(reader: &mut Box<dyn LogReader>) -> Vec<String> {
    let read = async {
        loop {
            match reader.next().await {
                Ok(batch) => return values(&batch),
                Err(ReadError::Unavailable { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    soon("the next records", read).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_stands_still_is_left_for_the_next_one_and_the_others_are_read_meanwhile() {
    let cluster = Brokers::start(3);
    let options = support::options(cluster.bootstrap());
    let log = support::connect(&options).await;
    let before = leaders(&options);
    let paused = before[0];
    let elsewhere = (0..PARTITIONS).find(|&number| before[usize::try_from(number).unwrap()] != paused);
    let elsewhere = Partition(elsewhere.expect("brokers share the partitions"));
    // Readers and the finder of ends have connections to the leader, which stay open.
    let mut readers = Vec::new();
    for partition in [PARTITION, elsewhere] {
        append(&log, partition, "before").await;
        let mut reader = log.read(TOPIC, partition, Offset::START).unwrap();
        assert_eq!(next(&mut reader).await, ["before"]);
        assert_eq!(soon("the end", log.end(TOPIC, partition)).await.unwrap(), Offset(1));
        readers.push(reader);
    }

    let began = Instant::now();
    cluster.run(&["pause", &paused.to_string()]);
    let other = soon("another log", KafkaLog::connect(options.clone())).await.expect("two brokers of three");
    append(&other, elsewhere, "elsewhere").await;
    assert_eq!(next(&mut readers[1]).await, ["elsewhere"]);
    println!("elsewhere read on after {:.1} s", began.elapsed().as_secs_f32());

    append(&other, PARTITION, "after").await;
    println!("another leads after {:.1} s", began.elapsed().as_secs_f32());
    let led = Instant::now();
    let end = async { (soon("the end", log.end(TOPIC, PARTITION)).await, led.elapsed()) };
    let after = async { (next(&mut readers[0]).await, led.elapsed()) };
    let ((end, known), (after, read)) = tokio::join!(end, after);
    println!("its end is known after {:.1} s more, and read after {:.1} s", known.as_secs_f32(), read.as_secs_f32());
    assert_eq!(end.expect("a broker answers"), Offset(2), "asked once");
    assert_eq!(after, ["after"]);
    assert!(read < LEFT_MAX, "{read:?}");
    cluster.run(&["resume", &paused.to_string()]);
}
