//! What a server counts of its calls.

use loopledger_testkit::Exposition;
use serde_json::json;

use crate::county::{ABSENT, County};
use crate::wire;

const SERVICE: &str = "loopledger.procurement.v1.ProcurementService";

fn shown(county: &County) -> Exposition {
    let text = county.metrics.render().unwrap();
    Exposition::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn counted(shown: &Exposition, name: &str, method: &str, (label, value): (&str, &str)) -> f64 {
    let labels = [("grpc_service", SERVICE), ("grpc_method", method), (label, value)];
    shown.value(name, &labels).unwrap_or(0.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_counted_and_timed_by_method_and_code_and_refusals_by_reason() {
    use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
    use loopledger_proto::procurement::v1::{RecordRequest, record_request::Command};

    let county = County::start().await;
    let firm = json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": "A"});
    county.made("procurement", "RegisterParty", firm.clone(), &[]).await;
    let wrong = county.complete(&json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224", "label": ""}));
    county.write("procurement", "RegisterParty", &wrong).await.unwrap_err();
    county.ask("procurement", "GetParty", json!({"partyId": ABSENT})).await.unwrap_err();

    let request = |fields| {
        let bytes = wire::encode(&wire::method("procurement", "RegisterParty"), &county.complete(&fields));
        RecordRequest { command: Some(Command::RegisterParty(prost::Message::decode(bytes.as_slice()).unwrap())) }
    };
    let messages = [request(firm.clone()), RecordRequest { command: None }, request(firm)];
    let mut client = ProcurementServiceClient::new(county.channel.clone());
    let mut answers = client.record(futures::stream::iter(messages)).await.unwrap().into_inner();
    while answers.message().await.unwrap().is_some() {}
    drop(answers);

    // What was answered is counted when the answer has gone out, which its caller may see first.
    let bulk_ended =
        |shown: &Exposition| counted(shown, "loopledger_grpc_calls_total", "Record", ("grpc_code", "OK")) > 0.0;
    let mut now = shown(&county);
    while !bulk_ended(&now) {
        tokio::task::yield_now().await;
        now = shown(&county);
    }
    for (name, method, label, expected) in [
        ("loopledger_grpc_calls_total", "RegisterParty", ("grpc_code", "OK"), 1.0),
        ("loopledger_grpc_calls_total", "RegisterParty", ("grpc_code", "INVALID_ARGUMENT"), 1.0),
        ("loopledger_grpc_calls_total", "GetParty", ("grpc_code", "NOT_FOUND"), 1.0),
        ("loopledger_grpc_calls_total", "Record", ("grpc_code", "OK"), 1.0),
        ("loopledger_grpc_bulk_messages_total", "Record", ("grpc_code", "OK"), 2.0),
        ("loopledger_grpc_bulk_messages_total", "Record", ("grpc_code", "INVALID_ARGUMENT"), 1.0),
        ("loopledger_grpc_refusals_total", "RegisterParty", ("reason", "INVALID_REQUEST"), 1.0),
        ("loopledger_grpc_refusals_total", "GetParty", ("reason", "NOT_FOUND"), 1.0),
        ("loopledger_grpc_refusals_total", "Record", ("reason", "INVALID_REQUEST"), 1.0),
    ] {
        assert_eq!(Some(counted(&now, name, method, label)), Some(expected), "{name} {method} {label:?}");
    }
    let of = |method| [("grpc_service", SERVICE), ("grpc_method", method)];
    assert_eq!(now.value("loopledger_grpc_call_seconds_count", &of("RegisterParty")), Some(2.0));
    assert_eq!(now.value("loopledger_grpc_call_seconds_count", &of("Record")), None, "a stream's length says nothing");
    assert_eq!(now.kind("loopledger_grpc_call_seconds"), Some("histogram"));
    assert_eq!(now.value("loopledger_grpc_connections", &[]), Some(1.0));
    assert_eq!(now.value("loopledger_grpc_request_bytes", &[]), Some(0.0));
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_methods_get_no_labels_of_their_own() {
    let county = County::start().await;
    for path in ["/made.up.Service/Method", "/loopledger.procurement.v1.ProcurementService/MadeUp"] {
        let mut grpc = tonic::client::Grpc::new(county.channel.clone());
        grpc.ready().await.unwrap();
        let answer: Result<tonic::Response<Vec<u8>>, _> =
            grpc.unary(tonic::Request::new(Vec::new()), path.parse().unwrap(), wire::Raw).await;
        assert_eq!(answer.unwrap_err().code(), tonic::Code::Unimplemented);
    }
    let other = [("grpc_service", "other"), ("grpc_method", "other"), ("grpc_code", "UNIMPLEMENTED")];
    while shown(&county).value("loopledger_grpc_calls_total", &other) != Some(2.0) {
        tokio::task::yield_now().await;
    }
    assert!(shown(&county).label_values().iter().all(|value| !value.contains("MadeUp") && !value.contains("made")));
    county.stop().await;
}
