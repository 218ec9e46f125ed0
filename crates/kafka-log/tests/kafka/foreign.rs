//! Foreign producers on our topics: transactions, and the control records that end them.

use std::time::Duration;

use loopledger_event_log::{EventLog, Offset};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::support::{self, PARTITION, TOPIC, append, read_to, soon, values};

const PATIENCE: Duration = Duration::from_secs(30);

/// A transaction with one record, still open.
fn begin(options: &KafkaOptions, name: &str) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        .set("transactional.id", format!("{}{name}", options.topic_prefix))
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    producer.send(BaseRecord::<(), str>::to(&topic).partition(0).payload(name)).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    producer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_records_are_neither_records_nor_the_end() {
    let options = support::options(support::bootstrap());
    let log = support::connect(&options).await;
    append(&log, &["ours-0"]).await;
    // One after the other ends with a control record: more of them than the first look back covers.
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let open: Vec<BaseProducer> = names.iter().map(|name| begin(&options, name)).collect();
    let mut expected = vec!["ours-0".to_owned()];
    expected.extend(names.map(str::to_owned));
    let last = Offset(13);

    // Readers do not wait for an open transaction, and do not leave out one that was aborted.
    assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), last);
    assert_eq!(values(&read_to(&log, last).await), expected);
    for (number, producer) in open.iter().enumerate() {
        if number % 2 == 0 {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }
    for log in [&log, &KafkaLog::connect(options.clone()).await.unwrap()] {
        assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), last, "the watermark is 25, the last record at 12");
        assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), last, "asked again");
        assert_eq!(values(&read_to(log, last).await), expected, "catching up ends");
    }

    let offsets = append(&log, &["ours-1"]).await;
    assert_eq!(offsets, [Offset(25)], "control records take offsets");
    expected.push("ours-1".to_owned());
    for log in [&log, &KafkaLog::connect(options.clone()).await.unwrap()] {
        let end = log.end(TOPIC, PARTITION).await.unwrap();
        assert_eq!(end, Offset(26));
        assert_eq!(values(&read_to(log, end).await), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_are_an_incident_not_a_gap() {
    let options = support::options(support::bootstrap());
    let log = support::connect(&options).await;
    append(&log, &["a", "b", "c"]).await;
    let admin: rdkafka::admin::AdminClient<_> =
        ClientConfig::new().set("bootstrap.servers", &options.brokers).create().unwrap();
    let mut until = rdkafka::TopicPartitionList::new();
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    until.add_partition_offset(&topic, 0, rdkafka::Offset::Offset(2)).unwrap();
    admin.delete_records(&until, &rdkafka::admin::AdminOptions::new()).await.unwrap();
    let mut gone = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    let error = soon("a verdict", gone.next()).await.unwrap_err();
    assert!(error.to_string().contains("deleted") && error.to_string().contains(&topic), "{error}");
    let mut rest = log.read(TOPIC, PARTITION, Offset(2)).unwrap();
    assert_eq!(values(&soon("the rest", rest.next()).await.unwrap()), ["c"]);
}
