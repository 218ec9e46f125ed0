//! No brokers, no topics, no majority: said clearly and in time, and over when its cause is.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use loopledger_kafka_log::KafkaOptions;
use loopledger_kafka_log::topics::{self, Wanted};
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_testkit::Brokers;
use loopledger_types::Service;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::chain::Chain;
use crate::deployment::Deployment;
use crate::lines::registration;
use crate::replica::BINARY;
use crate::services::{Bulk, Procurement};
use crate::workload::channel;

/// Longer than the time that a program waits for a cluster's answer (10 s).
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(20);
/// A caller's deadline.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);
/// How long after the brokers are back a write may still be refused.
const RECOVERY_MAX: Duration = Duration::from_mins(1);

fn serve(brokers: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "station", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--kafka", brokers, "--data"])
        .arg(folder.path());
    command.output().expect("the binary runs")
}

#[test]
fn an_address_where_nobody_listens_is_said_to_be_one() {
    let _machine = crate::machine();
    let folder = tempfile::tempdir().expect("a folder");
    let mut up = Command::new(BINARY);
    up.args(["up", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--kafka", "127.0.0.1:1", "--data"])
        .arg(folder.path());
    // At once: each waits for an answer as long as it may.
    std::thread::scope(|scope| {
        scope.spawn(|| unreachable("127.0.0.1:1", || serve("127.0.0.1:1")));
        scope.spawn(|| unreachable("no-such-host.invalid:9092", || serve("no-such-host.invalid:9092")));
        scope.spawn(|| unreachable("127.0.0.1:1", || up.output().expect("the binary runs")));
    });
}

fn unreachable(address: &str, command: impl FnOnce() -> Output) {
    let began = Instant::now();
    let output = command();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("no Kafka broker answers at {address}")), "{said}");
    assert_eq!(said.lines().count(), 1, "once: {said}");
    assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
}

#[test]
fn topics_that_are_missing_or_wrong_are_named() {
    let _machine = crate::machine();
    let brokers = Brokers::start(1);
    let refused = |expected: &[&str]| {
        let output = serve(brokers.bootstrap());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        for word in expected {
            assert!(said.contains(word), "{word} is not named: {said}");
        }
    };
    let names = Service::ALL.map(|service| service.topic().to_string());
    refused(&names.each_ref().map(String::as_str));

    let runtime = crate::runtime();
    let [.., sales, _] = &names;
    runtime.block_on(async {
        let client: AdminClient<_> =
            ClientConfig::new().set("bootstrap.servers", brokers.bootstrap()).create().expect("a client");
        let compacted = NewTopic::new(sales, 8, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
        client.create_topics([&compacted], &AdminOptions::new()).await.expect("an answer").remove(0).expect("a topic");
        let options = KafkaOptions::new(brokers.bootstrap());
        let wanted = Wanted { partitions: Some(8), replication_factor: None };
        topics::create(&options, wanted).await.expect_err("one of them is wrong");
    });
    refused(&[sales, "cleanup.policy", "compact"]);
}

#[test]
fn without_a_majority_writes_fail_in_time_and_succeed_again_when_it_is_back() {
    let _machine = crate::machine();
    let cluster = Deployment::new(3);
    cluster.add("procurement", "a", None);
    let url = cluster.get("procurement", "a").await_ready();
    let runtime = crate::runtime();
    runtime.block_on(register(&url, 1)).expect("three brokers take it");

    cluster.brokers.run(&["kill", "1", "2"]);
    let began = Instant::now();
    let failed = runtime.block_on(register(&url, 2)).expect_err("one broker of three takes nothing");
    assert!(matches!(failed.code(), Code::DeadlineExceeded | Code::Unavailable), "{failed:?}");
    assert!(failed.get_details_error_info().is_some(), "an answer of the service, not of the transport: {failed:?}");
    assert!(began.elapsed() < DEADLINE + Duration::from_secs(1), "{:?}", began.elapsed());

    cluster.brokers.run(&["start", "1", "2"]);
    let back = Instant::now();
    let sequence = loop {
        match runtime.block_on(register(&url, 2)) {
            Ok(sequence) => break sequence,
            Err(status) => assert!(back.elapsed() < RECOVERY_MAX, "{status:?}\n{}", cluster.last_words()),
        }
    };
    println!("a write {:.1} s after the brokers were back", back.elapsed().as_secs_f32());
    assert_eq!(sequence, 2, "once");
    let chain = runtime.block_on(Chain::read(cluster.brokers.bootstrap()));
    assert_eq!(chain.commits().count(), 2);
    assert_eq!(cluster.ends(), [], "without a restart");
}

/// Registers a household within the deadline; the sequence of the commit.
pub(crate) async fn register(url: &str, number: u32) -> Result<u64, Status> {
    let line = registration(format!("00000000-0000-4000-8000-{number:012x}"), true);
    let Some(Procure::RegisterHousehold(command)) = line.line.and_then(Procurement::request).and_then(|it| it.command)
    else {
        panic!("a registration")
    };
    let mut request = Request::new(command);
    request.set_timeout(DEADLINE);
    let answer = ProcurementServiceClient::new(channel(url)).register_household(request).await?;
    Ok(answer.into_inner().position.expect("a position").sequence)
}
