//! A producer that fails permanently, which no real broker does on request.

use bytes::Bytes;
use loopledger_types::{CountyCode, Key, Partition, Service, Topic};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::settings::KafkaOptions;

/// How long the test waits for what must come: a failure, not a pace.
const PATIENCE: Duration = Duration::from_secs(30);

fn record() -> Record {
    Record { key: Key(CountyCode::TUOLI), headers: Vec::new(), value: Bytes::from_static(b"any") }
}

#[tokio::test]
async fn a_producer_that_failed_for_good_is_replaced() {
    let cluster = MockCluster::new(1).unwrap();
    let topic = Topic(Service::Station);
    cluster.create_topic(&topic.to_string(), 1, 1).unwrap();
    let options = KafkaOptions::new(cluster.bootstrap_servers());
    let (lanes, metrics) = (Arc::new(Lanes::new("", 1)), Arc::<Metrics>::default());
    let lane_id = lanes.find(topic, Partition(0)).unwrap();
    let producer = Producer::start(options.producer(), lanes, Arc::clone(&metrics)).unwrap();
    producer.warm(PATIENCE).unwrap();
    let append = async |records: &[Record]| {
        let results = tokio::time::timeout(PATIENCE, producer.append(lane_id, records)).await;
        results.expect("an append is answered")
    };
    let two = [record(), record()];
    let results = append(&two).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    // Nothing that the client can put right by itself. Of one record: of two, the second may be on its way already, and
    // this broker, unlike real ones, would take it without the first.
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[fatal]);
    let results = append(&two[..1]).await;
    let can_retry = |result: &Result<_, AppendError>| result.as_ref().is_err_and(AppendError::can_retry);
    assert!(results.iter().all(can_retry), "{results:?}");

    let again = async { while !append(&two).await.iter().all(Result::is_ok) {} };
    tokio::time::timeout(PATIENCE, again).await.expect("the next producer works");
    let counts: std::collections::BTreeMap<_, _> = metrics.snapshot().into_iter().collect();
    assert_eq!(counts["producer_rebuilds_total"], 1);
    assert_eq!((counts["queued_records"], counts["queued_bytes"]), (0, 0), "{counts:?}");
    assert_eq!(counts["confirmed_records_total"], 4);
}
