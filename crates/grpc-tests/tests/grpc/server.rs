//! Health, reflection, and the end of a server.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_proto::station::v1::{RecordRequest, record_request, record_response};
use loopledger_service::writer::Health;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt as _;

use crate::county::{County, PATIENCE, connect};
use crate::gate::Gate;
use crate::wire::call;

const STATION: &str = "loopledger.station.v1.StationService";
const SERVICES: [&str; 4] = [
    "loopledger.procurement.v1.ProcurementService",
    STATION,
    "loopledger.distribution.v1.DistributionService",
    "loopledger.sales.v1.SalesService",
];

async fn check(county: &County, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(county.channel.clone()).check(request).await.unwrap().into_inner().status()
}

async fn watch(county: &County, service: &str) -> Streaming<HealthCheckResponse> {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(county.channel.clone()).watch(request).await.unwrap().into_inner()
}

async fn until(watch: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    while timeout(PATIENCE, watch.message()).await.expect("it changes").unwrap().unwrap().status() != status {}
}

fn register() -> serde_json::Value {
    json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": "A"})
}

async fn status_of(county: &County, service: &str) -> serde_json::Value {
    call(&county.channel, service, "GetStatus", &json!({}), None).await.unwrap()
}

/// Trying again does not help, and what helps is said in both languages.
fn is_halted(status: &Status) {
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "STREAM_HALTED");
    assert!(status.get_details_retry_info().is_none(), "{status:?}");
    assert!(status.message().contains("restart the service"), "{status:?}");
    assert!(status.get_details_localized_message().unwrap().message.contains("重启该服务"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_follows_the_writers() {
    let gate = Gate::open();
    gate.ends.send_replace(false);
    let county = County::start_on(gate, Duration::from_secs(10)).await;
    let mut overall = watch(&county, "").await;
    for service in ["", SERVICES[0], SERVICES[1], SERVICES[2], SERVICES[3]] {
        assert_eq!(check(&county, service).await, ServingStatus::NotServing, "{service} catches up");
    }
    let request = county.complete(&register());
    let status = call(&county.channel, "procurement", "RegisterParty", &request, None).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "NOT_READY");

    county.gate.ends.send_replace(true);
    until(&mut overall, ServingStatus::Serving).await;
    for service in SERVICES {
        assert_eq!(check(&county, service).await, ServingStatus::Serving, "{service}");
    }
    county.write("procurement", "RegisterParty", &request).await.unwrap();

    // A log that refuses for good halts the writer that needs it, and says so.
    county.gate.is_broken.store(true, Ordering::Relaxed);
    let request = county.complete(&register());
    let status = call(&county.channel, "procurement", "RegisterParty", &request, None).await.unwrap_err();
    is_halted(&status);
    let mut procurement = watch(&county, SERVICES[0]).await;
    until(&mut procurement, ServingStatus::NotServing).await;
    assert_eq!(check(&county, STATION).await, ServingStatus::Serving, "the others go on");
    assert_eq!(check(&county, "").await, ServingStatus::Serving, "so the process is still to be called");
    // Its own status says why; callers that wait for a commit of it are answered at once.
    let halted = status_of(&county, "procurement").await;
    assert_eq!(
        (&halted["status"]["state"], &halted["status"]["halt"]["reason"]),
        (&json!("STREAM_STATE_HALTED"), &json!("LOG_REFUSES"))
    );
    assert!(halted["status"]["halt"]["messageZh"].as_str().unwrap().contains("重启"), "{halted}");
    let serving = status_of(&county, "station").await;
    assert_eq!(
        (&serving["status"]["state"], &serving["status"]["log"]["reachable"]),
        (&json!("STREAM_STATE_SERVING"), &json!(true))
    );
    let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let waiting = json!({"atLeast": [{"stream": "procurement/654224", "sequence": 99, "hash": hash}]});
    let began = Instant::now();
    is_halted(&call(&county.channel, "station", "ListStations", &waiting, None).await.unwrap_err());
    assert!(began.elapsed() < loopledger_service::grpc::DEADLINE_DEFAULT, "not by its deadline");
    let mut health = HealthClient::new(county.channel.clone());
    let unknown = HealthCheckRequest { service: "nothing".to_owned() };
    assert_eq!(health.check(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_lists_what_is_served_in_both_versions() {
    let county = County::start().await;
    let expected: BTreeSet<String> = SERVICES
        .into_iter()
        .chain([
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ])
        .map(str::to_owned)
        .collect();
    macro_rules! check {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            use tonic_reflection::pb::$version::{ServerReflectionRequest, ServerReflectionResponse};
            let mut client = ServerReflectionClient::new(county.channel.clone());
            let ask = |ask| ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
            let symbols = expected.iter().map(|name| ask(MessageRequest::FileContainingSymbol(name.clone())));
            let asked: Vec<_> =
                core::iter::once(ask(MessageRequest::ListServices(String::new()))).chain(symbols).collect();
            let mut answers = client.server_reflection_info(tokio_stream::iter(asked)).await.unwrap().into_inner();
            let list: ServerReflectionResponse = answers.message().await.unwrap().unwrap();
            let Some(MessageResponse::ListServicesResponse(list)) = list.message_response else { panic!("{list:?}") };
            let listed: BTreeSet<String> = list.service.into_iter().map(|service| service.name).collect();
            assert_eq!(listed, expected);
            for name in &expected {
                let answer = answers.message().await.unwrap().unwrap();
                assert!(
                    matches!(answer.message_response, Some(MessageResponse::FileDescriptorResponse(_))),
                    "{name}: {answer:?}"
                );
            }
        }};
    }
    check!(v1);
    check!(v1alpha);
    county.stop().await;
}

fn open_station(county: &County, label: &str) -> RecordRequest {
    let request = county.complete(&json!({"kind": "PLACE_KIND_STATION", "divisionCode": crate::county::VILLAGE,
        "operatorId": "$FIRM", "label": label}));
    let method = crate::wire::method("station", "OpenStation");
    let bytes = crate::wire::encode(&method, &request);
    RecordRequest {
        command: Some(record_request::Command::OpenStation(prost::Message::decode(bytes.as_slice()).unwrap())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_answers_what_it_took_and_ends_every_stream() {
    let county = County::start().await;
    county.made("procurement", "RegisterParty", register(), &["partyId=FIRM"]).await;
    let mut overall = watch(&county, "").await;
    until(&mut overall, ServingStatus::Serving).await;
    let (send, requests) = mpsc::channel(8);
    let mut client = StationServiceClient::new(county.channel.clone());
    let mut answers = client.record(ReceiverStream::new(requests)).await.unwrap().into_inner();
    send.send(open_station(&county, "A")).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    // Two more are appended and not read back when the end begins.
    county.gate.appends.send_replace(false);
    let asked = *county.gate.asked.borrow();
    send.send(open_station(&county, "B")).await.unwrap();
    county.gate.asked.subscribe().wait_for(|now| *now > asked).await.unwrap();
    county.stop.cancel();
    until(&mut overall, ServingStatus::NotServing).await;
    assert!(overall.message().await.unwrap().is_none(), "a watch ends");
    county.gate.appends.send_replace(true);
    let answer = answers.message().await.unwrap().expect("what was taken is answered");
    assert!(matches!(answer.outcome, Some(record_response::Outcome::Receipt(_))), "{answer:?}");
    let ended = answers.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    assert_eq!(ended.get_details_error_info().unwrap().reason, "SHUTTING_DOWN");
    let (address, station) = (county.address, county.station.handle().clone());
    county.stop().await;
    assert_eq!(station.heads().positions().map(|p| p.sequence).max(), Some(2), "both stand");
    assert!(matches!(*station.health().borrow(), Health::Stopped));
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the server does not listen any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_never_ends_does_not_keep_the_server() {
    let county = County::start_on(Gate::open(), Duration::from_millis(200)).await;
    county.gate.appends.send_replace(false);
    let channel = connect(county.address).await;
    let request = county.complete(&register());
    let calling =
        tokio::spawn(async move { call(&channel, "procurement", "RegisterParty", &request, None).await.unwrap_err() });
    county.gate.asked.subscribe().wait_for(|asked| *asked > 0).await.unwrap();
    county.stop.cancel();
    timeout(PATIENCE, county.served).await.expect("the server ends").unwrap().unwrap();
    // Its connection was cut, long before its own time was up; what it asked for is not taken back.
    let status = calling.await.unwrap();
    assert!(![Code::Ok, Code::DeadlineExceeded].contains(&status.code()), "{status:?}");
    county.gate.appends.send_replace(true);
    assert!(matches!(*county.procurement.shut_down().await, [Health::Stopped]));
}
