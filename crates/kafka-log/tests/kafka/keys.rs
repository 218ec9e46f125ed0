//! Keys go to the partitions that Java producers choose.

use std::sync::Mutex;
use std::time::Duration;

use loopledger_types::{CountyCode, Key, partition_of};
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::support::{self, PARTITIONS, TOPIC};

/// Where each county's record went.
#[derive(Default)]
struct Places(Mutex<Vec<(usize, i32)>>);

impl ClientContext for Places {}

impl ProducerContext for Places {
    type DeliveryOpaque = usize;

    fn delivery(&self, delivery: &DeliveryResult<'_>, county: usize) {
        self.0.lock().unwrap().push((county, delivery.as_ref().unwrap().partition()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_partition_of_a_key_is_that_of_murmur2() {
    let options = support::options(support::bootstrap());
    let log = support::connect(&options).await;
    let counties: Vec<usize> = (650_101..650_201).chain([654_224, 110_101, 820_001]).collect();
    let producer: BaseProducer<Places> = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        .set("partitioner", "murmur2")
        .create_with_context(Places::default())
        .unwrap();
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    for county in &counties {
        let key = county.to_string();
        let record = BaseRecord::with_opaque_to(&topic, *county).key(&key).payload("x");
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    let places = producer.context().0.lock().unwrap().clone();
    assert_eq!(places.len(), counties.len());
    for (county, partition) in places {
        let key = Key(CountyCode::parse(&county.to_string()).unwrap());
        assert_eq!(i64::from(partition_of(key, PARTITIONS).0), i64::from(partition), "{county}");
    }
    drop(log);
}
