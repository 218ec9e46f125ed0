//! Brokers that are killed or hang during a run.

use std::sync::Arc;
use std::time::Duration;

use loopledger_event_log::{EventLog, Offset, ReadError};
use loopledger_kafka_log::KafkaLog;
use loopledger_testkit::Brokers;
use tokio::sync::watch;

use crate::support::{self, PARTITION, TOPIC, read_to, soon};
use crate::writer::{Account, Writer, follow};

async fn finish(log: &KafkaLog, writer: Writer, follower: Follower) -> (Account, usize) {
    let account = writer.finish().await;
    let last = *account.acknowledged.keys().next_back().unwrap();
    follower.to.send_replace(Some(last));
    let (live, errors) = follower.task.await.unwrap();
    account.check(&live);
    // A later reader sees the same, also when a broker has only just come back.
    let end = soon("the end", async {
        loop {
            match log.end(TOPIC, PARTITION).await {
                Err(ReadError::Unavailable { .. }) => {}
                end => return end.unwrap(),
            }
        }
    });
    let end = end.await;
    assert!(end > last);
    account.check(&read_to(log, end).await);
    (account, errors)
}

struct Follower {
    to: watch::Sender<Option<Offset>>,
    task: tokio::task::JoinHandle<(Vec<loopledger_event_log::LogRecord>, usize)>,
}

impl Follower {
    fn start(log: &Arc<KafkaLog>) -> Self {
        let (to, until) = watch::channel(None);
        let log = Arc::clone(log);
        Self { to, task: tokio::spawn(async move { follow(&log, until).await }) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broker_killed_and_started_again_loses_nothing_acknowledged() {
    let cluster = Brokers::start(1);
    let mut options = support::options(cluster.bootstrap());
    // Shorter than the outage, so that failures are reported and the same bytes appended again.
    options.append_timeout = Duration::from_secs(2);
    let log = Arc::new(support::connect(&options).await);
    assert_eq!(log.durability(), "kafka rf=1 flush.messages=1");
    let follower = Follower::start(&log);
    let mut writer = Writer::start(&log, "w");
    writer.gain(100).await;
    for _ in 0..2 {
        cluster.run(&["kill", "1"]);
        cluster.run(&["start", "1"]);
        writer.gain(100).await;
    }
    let (account, read_errors) = finish(&log, writer, follower).await;
    assert!(account.failures > 0, "the outage was noticed by those who append");
    assert!(read_errors > 0, "and by those who read");
    let counts: std::collections::BTreeMap<_, _> = log.metrics().snapshot().into_iter().collect();
    assert!(counts["broker_errors_total"] > 0 && counts["all_brokers_down_total"] > 0, "{counts:?}");
    assert!(counts["timed_out_records_total"] > 0, "{counts:?}");
    assert_eq!(counts["queued_records"], 0, "{counts:?}");
}

/// The partition's leader, by broker.
fn leader(options: &loopledger_kafka_log::KafkaOptions) -> i32 {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let client: BaseConsumer =
        rdkafka::ClientConfig::new().set("bootstrap.servers", &options.brokers).create().unwrap();
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    let metadata = client.fetch_metadata(Some(&topic), Duration::from_secs(30)).unwrap();
    metadata.topics()[0].partitions().iter().find(|partition| partition.id() == 0).unwrap().leader()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_brokers_lose_their_leader_twice_and_nothing_acknowledged() {
    let cluster = Brokers::start(3);
    let options = support::options(cluster.bootstrap());
    let log = Arc::new(support::connect(&options).await);
    assert_eq!(log.durability(), "kafka rf=3 min.insync.replicas=2");
    let follower = Follower::start(&log);
    let mut writer = Writer::start(&log, "w");
    writer.gain(100).await;

    let killed = leader(&options).to_string();
    cluster.run(&["kill", &killed]);
    writer.gain(100).await;
    drop(KafkaLog::connect(options.clone()).await.expect("two of three are enough to start with"));
    cluster.run(&["start", &killed]);
    writer.gain(100).await;

    // It answers nothing and closes nothing.
    let paused = leader(&options).to_string();
    cluster.run(&["pause", &paused]);
    writer.gain(100).await;
    cluster.run(&["resume", &paused]);
    writer.gain(100).await;
    finish(&log, writer, follower).await;
}
