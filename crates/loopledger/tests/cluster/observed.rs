//! What the programs show of themselves on real Kafka: counters of the log, and traces through its headers.

use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::client::v1::{Await, RecordLine};
use loopledger_proto::common::v1::contract_terms::Terms;
use loopledger_proto::station::v1::CollectGoodsRequest;
use loopledger_proto::station::v1::collect_goods_request::Basis;
use loopledger_proto::station::v1::record_request::Command as AtStation;
use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_scenario::play;
use loopledger_testkit::wait::{comes_true, until};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tonic::Request;

use crate::collector::{Collector, Span};
use crate::deployment::{Deployment, client_output};
use crate::lines::to_json;
use crate::outage::register;
use crate::workload::channel;

#[test]
fn what_the_log_on_kafka_counts_is_shown() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    cluster.add("procurement", "a", None);
    let replica = cluster.get("procurement", "a");
    let url = replica.await_ready();
    let shown = |name: &str| {
        let name = format!("loopledger_kafka_{name}");
        replica.scrape().value(&name, &[]).unwrap_or_else(|| panic!("{name} is not shown"))
    };
    assert_eq!((shown("produced_records_total"), shown("confirmed_records_total")), (0.0, 0.0));
    assert!(shown("readers") > 0.0, "its own stream is read");
    let runtime = crate::runtime();
    for number in 1..=20 {
        runtime.block_on(register(&url, number)).expect("a broker takes it");
    }
    assert_eq!(shown("produced_records_total"), 20.0);
    assert_eq!(shown("confirmed_records_total"), 20.0);
    assert!(shown("read_records_total") >= 20.0 && shown("read_batches_total") > 0.0);
    assert_eq!((shown("queued_records"), shown("queued_bytes")), (0.0, 0.0));
    until("statistics come every few seconds", || shown("connects_total") > 0.0);
    let exposition = replica.scrape();
    for (family, kind) in [("confirmed_records", "counter"), ("queued_bytes", "gauge"), ("fetch_lag_offsets", "gauge")]
    {
        assert_eq!(exposition.kind(&format!("loopledger_kafka_{family}")), Some(kind), "{family}");
    }

    cluster.brokers.run(&["kill", "1"]);
    until("a broker that is away is noticed", || {
        shown("broker_errors_total") > 0.0 && shown("all_brokers_down_total") > 0.0
    });
    runtime.block_on(register(&url, 21)).expect_err("no broker takes it");
    cluster.brokers.run(&["start", "1"]);
    until("it is back", || runtime.block_on(register(&url, 21)).is_ok());
    // What was under way may have been read back without ever having been confirmed; what comes now is confirmed, perhaps
    // a moment after it was read back.
    runtime.block_on(register(&url, 22)).expect("a broker takes it");
    until("it is confirmed", || shown("confirmed_records_total") >= 21.0);
    assert_eq!(cluster.ends(), [], "without a restart");
}

/// The caller's own span.
const CALLER: &str = "00-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1-a1a1a1a1a1a1a1a1-01";
const COLLECT: &str = "loopledger.station.v1.StationService/CollectGoods";

#[test]
fn a_fact_is_followed_from_its_call_through_kafka_into_other_processes() {
    let _machine = crate::machine();
    let runtime = crate::runtime();
    let collector = runtime.block_on(Collector::start());
    let cluster = Deployment::new(1)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
        .with("OTEL_BSP_SCHEDULE_DELAY", "100");
    cluster.add_all("a", None);
    let (before, collection) = first_collection();
    let path = cluster.folder().join("before");
    let text: Vec<String> = before.iter().map(to_json).collect();
    std::fs::write(&path, text.join("\n")).expect("a file");
    client_output(&cluster.servers("a"), &["record", "--quiet", path.to_str().expect("a path")]);

    runtime.block_on(async {
        let mut request = Request::new(collection);
        request.metadata_mut().insert("traceparent", CALLER.parse().expect("ASCII"));
        let channel = channel(&cluster.get("station", "a").await_ready());
        StationServiceClient::new(channel).collect_goods(request).await.expect("it is collected");
    });
    // The call; the commit, the buyer's reaction and the release of the goods to it; each of these folded.
    let trace = || -> Vec<Span> { collector.spans().into_iter().filter(|span| span.trace == [0xa1; 16]).collect() };
    assert!(comes_true(|| trace().len() >= 7), "not all is exported: {:#?}", trace());
    let trace = trace();
    let one = |name: &str, parent: &[u8], service: &str| -> Span {
        let found: Vec<&Span> = trace.iter().filter(|span| span.is(name) && span.parent == parent).collect();
        let [span] = found[..] else { panic!("{name} after {parent:?} in {trace:#?}") };
        assert_eq!(span.service, service, "{span:?}");
        span.clone()
    };
    let call = one(COLLECT, &[0xa1; 8], "station");
    let commit = one("station commit", &call.id, "station");
    let reaction = one("procurement reaction", &commit.id, "procurement");
    let consequence = one("station reaction", &reaction.id, "station");
    assert_eq!((call.kind, commit.kind, reaction.kind), (SpanKind::Server, SpanKind::Producer, SpanKind::Consumer));
    for written in [&commit, &reaction, &consequence] {
        let project = one("project", &written.id, "projection");
        assert_eq!(project.attributes, written.attributes, "it names the same commit");
    }
    assert_eq!(trace.len(), 7, "{trace:#?}");
}

/// The first collection of the demo that the buyer pays outright, and what comes before it.
fn first_collection() -> (Vec<RecordLine>, CollectGoodsRequest) {
    let mut before = Vec::new();
    for line in play(1, 20, 12) {
        if let Some(Line::Station(request)) = &line.line
            && let Some(AtStation::CollectGoods(collection)) = &request.command
            && let Some(Basis::Stated(stated)) = &collection.basis
            && matches!(stated.terms.as_ref().and_then(|terms| terms.terms.as_ref()), Some(Terms::Outright(_)))
        {
            before.push(RecordLine { line: Some(Line::Await(Await::default())) });
            return (before, collection.clone());
        }
        before.push(line);
    }
    panic!("the demo collects goods")
}
