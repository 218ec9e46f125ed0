//! One fact followed from the call that records it, through headers of the log, into what other services make of it and
//! into the projection. On a log in memory that keeps headers, as Kafka does; the spans go to a collector over OTLP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::similar_names, reason = "tests")]

mod collector;
mod county;

use std::collections::BTreeSet;

use loopledger_proto::procurement::v1 as procurement;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_service::trace::Traces;
use loopledger_types::Service;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tonic::Request;

use crate::collector::{Collector, Span};
use crate::county::County;

const COLLECT: &str = "loopledger.station.v1.StationService/CollectGoods";
const BULK: &str = "loopledger.procurement.v1.ProcurementService/Record";

/// A caller's own span of this trace.
fn caller(trace: u8, flags: u8) -> String {
    let byte = format!("{trace:02x}");
    format!("00-{}-{}-{flags:02x}", byte.repeat(16), byte.repeat(8))
}

fn traced<R>(message: R, traceparent: &str) -> Request<R> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fact_is_followed_from_its_call_into_the_projection() {
    let collector = Collector::start().await;
    let traces = Traces::to(&collector.endpoint(), "test");
    let county = County::start().await;
    let secrets = county.prepare().await;

    let mut station = StationServiceClient::new(county.channel.clone());
    station.collect_goods(traced(county.slip("S-1"), &caller(0xa1, 1))).await.unwrap();
    station.collect_goods(traced(county.slip("S-2"), &caller(0xa2, 0))).await.unwrap();
    bulk(&county, Some(&caller(0xb1, 1))).await;
    bulk(&county, None).await;
    county.settle().await;
    // What is read again belongs to traces long ended.
    county.replay().await;
    let headers = county.traceparents(Service::Station);
    county.stop().await;
    traces.shut_down().await;

    let spans = collector.spans();
    check_fact(&spans);
    assert!(spans.iter().all(|span| span.trace != [0xa2; 16]), "what is not sampled makes no spans");
    assert!(headers.contains(&caller(0xa2, 0)), "but is passed on: {headers:?}");
    check_bulk(&spans);
    // Every span is one of those, or of a call that began a trace of its own.
    for span in &spans {
        let known: BTreeSet<&str> = ["loopledger.sequence", "loopledger.stream"]
            .into_iter()
            .chain(["rpc.grpc.status_code", "rpc.method", "rpc.service", "rpc.system"])
            .collect();
        for (key, value) in &span.attributes {
            assert!(known.contains(key.as_str()), "{key} of {}", span.name);
            assert!(!secrets.contains(value), "{key} of {} says {value}", span.name);
        }
    }
}

/// Three registrations through the bulk stream.
async fn bulk(county: &County, traceparent: Option<&str>) {
    let requests: Vec<procurement::RecordRequest> = (0..3).map(|_| county.bulk_party()).collect();
    let mut request = Request::new(tokio_stream::iter(requests));
    if let Some(traceparent) = traceparent {
        request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    }
    let mut client = ProcurementServiceClient::new(county.channel.clone());
    let mut answers = client.record(request).await.unwrap().into_inner();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(matches!(answer.outcome, Some(procurement::record_response::Outcome::Receipt(_))), "{answer:?}");
    }
}

/// Goods are collected, bought, and released to the buyer: three commits in two streams, all folded.
fn check_fact(spans: &[Span]) {
    let trace: Vec<&Span> = spans.iter().filter(|span| span.trace == [0xa1; 16]).collect();
    let one = |name: &str, parent: &[u8]| {
        let found: Vec<_> = trace.iter().filter(|span| span.is(name) && span.parent == parent).copied().collect();
        assert_eq!(found.len(), 1, "{name} after {parent:?} in {trace:#?}");
        found[0].clone()
    };
    let call = one(COLLECT, &[0xa1; 8]);
    assert_eq!(call.kind, SpanKind::Server);
    assert_eq!(call.attributes["rpc.grpc.status_code"], "0");
    assert_eq!(call.service, "test");
    let commit = one("station commit", &call.id);
    assert_eq!(commit.kind, SpanKind::Producer);
    let reaction = one("procurement reaction", &commit.id);
    assert_eq!(reaction.kind, SpanKind::Consumer);
    let consequence = one("station reaction", &reaction.id);
    for written in [&commit, &reaction, &consequence] {
        let project = one("project", &written.id);
        assert_eq!(project.kind, SpanKind::Consumer);
        assert_eq!(project.attributes, written.attributes, "it names the same commit");
    }
    assert_eq!(commit.attributes["loopledger.stream"], "station/654224");
    assert_eq!(trace.len(), 7, "{trace:#?}");
}

fn check_bulk(spans: &[Span]) {
    let streams: Vec<&Span> = spans.iter().filter(|span| span.is(BULK)).collect();
    assert_eq!(streams.len(), 2);
    let (asked, unasked): (Vec<&Span>, Vec<&Span>) = streams.into_iter().partition(|span| span.trace == [0xb1; 16]);
    let after = |parent: &Span| {
        let children = spans.iter().filter(|span| span.parent == parent.id);
        children.map(|span| span.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(after(asked[0]), ["procurement commit"; 3]);
    assert!(after(unasked[0]).is_empty(), "a stream without a trace is one span");
}
