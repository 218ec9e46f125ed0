//! What others leave on the topics: void and counted, or, if it is a commit of a newer version, the end of the stream for
//! programs that do not understand it.

use loopledger_chain::{AnyRef, Envelope, RECORD_BYTES_MAX, leaf_hash};
use loopledger_event_log::{EventLog, Offset};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::{GetStatusRequest, GetStatusResponse};
use loopledger_testkit::wait::{PATIENCE, until};
use loopledger_types::{CountyCode, Hash, Head, Key, Service, StreamId, Timestamp, partition_of};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::deployment::{Deployment, PROJECTION, client_output, partition, status};
use crate::lines::registration;
use crate::services::{Bulk, Procurement};
use crate::workload::channel;

const DEMO: [&str; 5] = ["demo", "--households", "20", "--weeks", "4"];

#[test]
fn what_no_service_wrote_is_void_counted_and_changes_nothing() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    cluster.add_all("a", None);
    let servers = cluster.servers("a");
    client_output(&servers, &DEMO);
    let before = status(&servers);

    let runtime = crate::runtime();
    let existing = runtime.block_on(first_record(cluster.brokers.bootstrap(), Service::Station));
    let producer = producer(&cluster);
    let mut expected = before.clone();
    for stream in expected["streams"].as_array_mut().expect("streams") {
        let head = head(stream);
        let id = StreamId::parse(stream["stream"].as_str().expect("a name")).expect("a stream");
        let records = void_records(id, head, &existing);
        for record in &records {
            produce(&producer, id.service, record);
        }
        stream["voids"] = Value::from(stream["voids"].as_u64().expect("a count") + records.len() as u64);
        // Another county's first commit, where it belongs, is none of ours.
        let neighbour = StreamId { county: neighbour(true), ..id };
        produce(&producer, id.service, &commit(neighbour, Head::EMPTY, "loopledger.none.event.v1.Unheard"));
    }
    until("the void records are counted", || status(&servers) == expected);

    client_output(&servers, &DEMO);
    assert_eq!(status(&servers), expected, "writers read them too, and find every command where it was");
    let receipt = runtime.block_on(register(&cluster, 1)).expect("writers write on");
    assert!(receipt > 0);

    // From nothing: the same records are void again.
    let after = status(&servers);
    let projection = cluster.get(PROJECTION, "a");
    projection.kill();
    std::fs::remove_dir_all(projection.data()).expect("its store");
    projection.restart();
    assert_eq!(status(&cluster.servers("a")), after);
}

/// Ten records that are void on the topic of `stream`, whose head is `head`.
fn void_records(stream: StreamId, head: Head, existing: &[u8]) -> Vec<Vec<u8>> {
    let event = "loopledger.none.event.v1.Unheard";
    let next = commit(stream, head, event);
    let mut flipped = next.clone();
    flipped[0] ^= 1;
    let mut long = next.clone();
    long.resize(RECORD_BYTES_MAX + 1, 0);
    let other_service = if stream.service == Service::Sales { Service::Station } else { Service::Sales };
    let foreign_topic = if stream.service == Service::Station {
        commit(StreamId { service: other_service, ..stream }, Head::EMPTY, event)
    } else {
        existing.to_vec()
    };
    vec![
        Vec::new(),
        b"garbage".to_vec(),
        flipped,
        next[..next.len() - 1].to_vec(),
        long,
        foreign_topic,
        // Another county, in a partition that is not its own.
        commit(StreamId { county: neighbour(false), ..stream }, Head::EMPTY, event),
        // On another predecessor; one too far; over the whole stream again from the start.
        commit(stream, Head { hash: Hash([7; 32]), ..head }, event),
        commit(stream, Head { sequence: head.sequence + 1, ..head }, event),
        commit(stream, Head { sequence: head.sequence + 1_000, hash: Hash::ZERO }, event),
    ]
}

#[test]
fn a_commit_that_is_not_understood_halts_its_stream_and_nothing_is_skipped() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    cluster.add_all("a", None);
    let servers = cluster.servers("a");
    client_output(&servers, &DEMO);
    let before = status(&servers);
    let procurement = StreamId { service: Service::Procurement, county: CountyCode::TUOLI };
    let streams = before["streams"].as_array().expect("streams");
    let head = head(streams.iter().find(|one| one["stream"] == procurement.to_string()).expect("a stream"));

    let newer = commit(procurement, head, "loopledger.procurement.event.v9.FieldsBlessed");
    let producer = producer(&cluster);
    produce(&producer, Service::Procurement, &newer);
    // What follows it is in order, and must wait for it.
    let newer_head = Head { sequence: head.sequence + 1, hash: leaf_hash(&newer) };
    let runtime = crate::runtime();
    let followed = runtime.block_on(first_record(cluster.brokers.bootstrap(), Service::Procurement));
    produce(&producer, Service::Procurement, &again(&followed, newer_head));

    for round in ["live", "restarted on its store", "restarted on none"] {
        println!("{round}");
        runtime.block_on(halted(&cluster, head));
        for replica in cluster.replicas() {
            replica.kill();
            if round != "live" {
                std::fs::remove_dir_all(replica.data()).expect("its store");
            }
            replica.restart();
        }
        cluster.await_ready();
    }
    runtime.block_on(halted(&cluster, head));
    assert_eq!(cluster.ends(), [], "a halted stream ends no program");
}

/// Procurement has halted behind `head` for everybody, visibly.
async fn halted(cluster: &Deployment, head: Head) {
    let url = cluster.get("procurement", "a").await_ready();
    ends_serving(&url, "loopledger.procurement.v1.ProcurementService").await;
    let refused = register(cluster, 7).await.expect_err("a stream that is halted takes nothing");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let info = refused.get_details_error_info().expect("a reason");
    assert_eq!(info.reason, "STREAM_HALTED", "{info:?}");
    assert_eq!(info.metadata["sequence"], (head.sequence + 1).to_string(), "{info:?}");

    let projection = cluster.get(PROJECTION, "a").await_ready();
    ends_serving(&projection, "loopledger.ledger.v1.LedgerService").await;
    let status = ledger_status(&projection).await;
    let stream = status.streams.iter().find(|one| one.stream.starts_with("procurement/")).expect("a stream");
    assert_eq!((stream.sequence, &stream.hash[..]), (head.sequence, &head.hash.0[..]), "nothing is skipped");
    assert!(stream.health.contains("not understood"), "{stream:?}");
}

/// Waits until a program says of a service that it does not serve any more.
async fn ends_serving(url: &str, service: &str) {
    let mut client = HealthClient::new(channel(url));
    let request = HealthCheckRequest { service: service.to_owned() };
    let mut states = client.watch(request).await.expect("an answer").into_inner();
    let ends = async {
        while states.message().await.expect("an answer").expect("news").status() != ServingStatus::NotServing {}
    };
    timeout(PATIENCE, ends).await.unwrap_or_else(|_| panic!("{service} goes on serving"));
}

async fn ledger_status(url: &str) -> GetStatusResponse {
    let mut client = LedgerServiceClient::new(channel(url));
    client.get_status(GetStatusRequest::default()).await.expect("a status").into_inner()
}

/// Registers a household; the sequence of the commit.
async fn register(cluster: &Deployment, number: u32) -> Result<u64, Status> {
    let channel = channel(&cluster.get("procurement", "a").await_ready());
    let line = registration(format!("00000000-0000-4000-8000-{number:012x}"), true);
    let request = line.line.and_then(Procurement::request).expect("a registration");
    let (sender, requests) = mpsc::channel(1);
    sender.try_send(request).expect("room for one");
    drop(sender);
    let answer = Procurement::open(channel, requests).await?.message().await?;
    let receipt = Procurement::outcome(answer.ok_or_else(|| Status::unavailable("no answer"))?)?;
    Ok(receipt.position.expect("a position").sequence)
}

/// The first record of the county's stream.
async fn first_record(brokers: &str, service: Service) -> Vec<u8> {
    let log = KafkaLog::connect(KafkaOptions::new(brokers)).await.expect("a log");
    let place = partition_of(Key(CountyCode::TUOLI), log.partition_count(service.topic()));
    let mut reader = log.read(service.topic(), place, Offset::START).expect("the beginning");
    let batch = reader.next().await.expect("records");
    batch.first().expect("a record").value.to_vec()
}

fn head(stream: &Value) -> Head {
    let hash = Hash::parse(stream["hash"].as_str().expect("a hash")).unwrap_or(Hash::ZERO);
    Head { sequence: stream["sequence"].as_u64().expect("a sequence"), hash }
}

/// A commit of one event that no program knows, properly chained on `head`.
fn commit(stream: StreamId, head: Head, event: &str) -> Vec<u8> {
    let type_url = format!("type.googleapis.com/{event}");
    let envelope = Envelope {
        stream,
        sequence: head.sequence + 1,
        previous_hash: head.hash,
        request_id: "9b2d7c1e-5f3a-4c8e-8a21-0d4f6b7c9e10",
        request_digest: [1; 32],
        cause: None,
        actor: None,
        recorded_at: Timestamp { seconds: 4_000_000_000, nanos: 0 },
        events: vec![AnyRef { type_url: &type_url, value: b"" }],
        upstream: Vec::new(),
    };
    let mut bytes = Vec::new();
    envelope.encode(&mut bytes);
    bytes
}

/// What `record` said, said again on `head`.
fn again(record: &[u8], head: Head) -> Vec<u8> {
    let mut envelope = Envelope::decode(record).expect("a commit");
    (envelope.sequence, envelope.previous_hash) = (head.sequence + 1, head.hash);
    envelope.recorded_at = Timestamp { seconds: 4_000_000_000, nanos: 0 };
    let mut bytes = Vec::new();
    envelope.encode(&mut bytes);
    bytes
}

/// A county that lives in the partition of ours, or in another.
fn neighbour(same_partition: bool) -> CountyCode {
    // For 8 partitions, by Kafka's own partitioner: 654224 and 110101 in 4, 654201 in 6.
    CountyCode::parse(if same_partition { "110101" } else { "654201" }).expect("a county")
}

fn producer(cluster: &Deployment) -> BaseProducer {
    ClientConfig::new().set("bootstrap.servers", cluster.brokers.bootstrap()).create().expect("a producer")
}

/// Appends bytes to the county's partition of a topic, as anybody may who has the right to.
fn produce(producer: &BaseProducer, service: Service, bytes: &[u8]) {
    let topic = service.topic().to_string();
    let record = BaseRecord::<[u8], [u8]>::to(&topic).partition(partition()).key(b"654224").payload(bytes);
    producer.send(record).map_err(|(error, _)| error).expect("a place in the queue");
    producer.flush(PATIENCE).expect("the broker takes it");
}
