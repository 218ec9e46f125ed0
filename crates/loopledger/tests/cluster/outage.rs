//! No brokers, no topics, no majority: said clearly and in time, and over when its cause is.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use loopledger_kafka_log::KafkaOptions;
use loopledger_kafka_log::topics::{self, Wanted};
use loopledger_proto::common::v1::{Position, StreamState};
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::loop_service_client::LoopServiceClient;
use loopledger_proto::ledger::v1::{AwaitRequest, GetLoopRequest, GetStatusRequest, GetStatusResponse};
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_testkit::Brokers;
use loopledger_testkit::wait::until;
use loopledger_types::Service;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::chain::Chain;
use crate::deployment::{Deployment, PROJECTION, client_output, status};
use crate::lines::registration;
use crate::replica::{BINARY, Replica};
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

/// Commands that end look once; programs that serve wait (`processes`, `ends`).
#[test]
fn an_address_without_a_listener_is_named() {
    let _machine = crate::machine();
    let check = |address: &str| {
        let mut command = Command::new(BINARY);
        command.args(["topics", "check", "--kafka", address]).output().expect("the binary runs")
    };
    // At once: each waits for an answer as long as it may.
    std::thread::scope(|scope| {
        for address in ["127.0.0.1:1", "no-such-host.invalid:9092"] {
            scope.spawn(move || unreachable(address, || check(address)));
        }
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
    register_at(url, number).await.map(|position| position.sequence)
}

async fn register_at(url: &str, number: u32) -> Result<Position, Status> {
    let line = registration(format!("00000000-0000-4000-8000-{number:012x}"), true);
    let Some(Procure::RegisterHousehold(command)) = line.line.and_then(Procurement::request).and_then(|it| it.command)
    else {
        panic!("a registration")
    };
    let mut request = Request::new(command);
    request.set_timeout(DEADLINE);
    let answer = ProcurementServiceClient::new(channel(url)).register_household(request).await?;
    Ok(answer.into_inner().position.expect("a position"))
}

/// Every program, its log and what it says of itself while there is no broker, and when there is one again.
#[test]
fn an_outage_is_shown_for_as_long_as_it_lasts_and_logged_once() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    cluster.add_all("a", None);
    let (procurement, projection) = (cluster.get("procurement", "a"), cluster.get(PROJECTION, "a"));
    let (url, servers) = (procurement.await_ready(), cluster.servers("a"));
    let runtime = crate::runtime();
    let first = runtime.block_on(register_at(&url, 1)).expect("a broker takes it");
    let digest = || status(&servers)["ledger_digest"].clone();
    let folded = AwaitRequest { positions: vec![first], consequences: false, ..AwaitRequest::default() };
    let url_of_ledger = projection.await_ready();
    runtime
        .block_on(async { LedgerServiceClient::new(channel(&url_of_ledger)).r#await(folded).await })
        .expect("it is folded");
    let before = digest();
    let reaches = |replica: &Replica| replica.scrape().value("loopledger_log_reachable", &[]) == Some(1.0);
    let lag = |replica: &Replica| {
        replica.scrape().all("loopledger_lag_seconds").map(|(_, seconds)| seconds).fold(0.0, f64::max)
    };
    assert!(cluster.replicas().iter().all(|replica| reaches(replica) && lag(replica) == 0.0));

    cluster.brokers.run(&["kill", "1"]);
    let began = Instant::now();
    until("every program notices", || !cluster.replicas().iter().any(|replica| reaches(replica)));
    println!("noticed after {:?}", began.elapsed());
    until("what was read grows old", || cluster.replicas().iter().all(|replica| lag(replica) > 12.0));
    let older = lag(&projection);
    until("and older", || lag(&projection) > older + 3.0);
    assert!(cluster.replicas().iter().all(|replica| !reaches(replica)), "for as long as it lasts");
    for replica in cluster.replicas() {
        // Every replica of everything is struck alike: none is taken away from its callers.
        let (code, body) = replica.get("/readyz");
        assert_eq!(code, 200, "{body}");
        assert!(body.contains("the log cannot be reached for") && body.contains("127.0.0.1:"), "{body}");
        let serving = replica.scrape().all("loopledger_serving").map(|(_, value)| value).sum::<f64>();
        assert_eq!(serving > 0.0, replica.setup().program == PROJECTION, "only it still answers");
    }
    // The ledger goes on answering, and says how old it is.
    assert_eq!(digest(), before);
    let answer = runtime.block_on(age_of_an_answer(&projection.await_ready()));
    assert!(answer > 8, "{answer} s");
    let shown = ledger_status(&runtime, &projection);
    assert!(!shown.log.as_ref().expect("a log").reachable, "{shown:?}");
    assert!(
        shown
            .streams
            .iter()
            .all(|s| s.state() == StreamState::LogUnreachable && s.age.is_some_and(|age| age.seconds > 8)),
        "{shown:?}"
    );
    let table = client_output(&servers, &["status"]);
    assert!(table.contains("无法访问日志") && table.contains("log_unreachable"), "{table}");

    cluster.brokers.run(&["start", "1"]);
    until("every program reaches it again", || cluster.replicas().iter().all(|replica| reaches(replica)));
    until("and is where it ends", || cluster.replicas().iter().all(|replica| lag(replica) == 0.0));
    until("a write is taken", || runtime.block_on(register(&url, 2)).is_ok());
    for replica in cluster.replicas() {
        let words = replica.last_words();
        let lines: Vec<&str> = words.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
        assert_eq!(lines.len(), 2, "one line when it begins, one when it ends: {words}");
        assert!(lines[0].contains("the log cannot be reached") && lines[0].contains("127.0.0.1:"), "{words}");
        assert!(lines[1].contains("the log is reachable again"), "{words}");
    }
    assert_eq!(cluster.ends(), [], "without a restart");
}

/// For how many seconds, by its own metadata, it has not been known that an answer has everything.
async fn age_of_an_answer(url: &str) -> u64 {
    let answer = LoopServiceClient::new(channel(url)).get_loop(GetLoopRequest::default()).await;
    // A county without facts has no window; the question is how old an answer is that has one.
    let answer = answer.expect("the ledger answers");
    let age = answer.metadata().get("loopledger-age-seconds").expect("every answer says its age");
    age.to_str().expect("text").parse().expect("seconds")
}

fn ledger_status(runtime: &tokio::runtime::Runtime, projection: &Replica) -> GetStatusResponse {
    let url = projection.await_ready();
    let asked = async { LedgerServiceClient::new(channel(&url)).get_status(GetStatusRequest::default()).await };
    runtime.block_on(asked).expect("a status").into_inner()
}

#[test]
fn programs_started_before_their_cluster_serve_when_it_is_there() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    cluster.brokers.run(&["kill", "1"]);
    cluster.add("procurement", "a", None);
    let procurement = cluster.get("procurement", "a");
    until("it says what it waits for", || {
        let (code, body) = procurement.get("/readyz");
        code == 503 && body.contains("no Kafka broker answers")
    });
    cluster.brokers.run(&["start", "1"]);
    let url = procurement.await_ready();
    let runtime = crate::runtime();
    assert_eq!(runtime.block_on(register(&url, 1)).expect("a broker takes it"), 1);
    assert_eq!(procurement.get("/readyz").0, 200);
    assert_eq!(cluster.ends(), [], "it waited");
}
