//! A process that exports its traces: the last ones too, and without harm if no collector listens.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::calls::register;
use crate::collector::{Collector, Span};
use crate::support::Server;

const REQUEST: &str = "00000001-0000-4000-8000-000000000000";

const CALLER: Option<&str> = Some("00-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1-a1a1a1a1a1a1a1a1-01");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_did_last_is_exported_before_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::start().await;
    let log = std::fs::File::create(folder.path().join("log")).expect("a file");
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::start_logging(&folder.path().join("data"), &variables, log);
    register(&server.url, REQUEST, "合作社", CALLER).await.expect("it is recorded");
    assert_eq!(tokio::task::spawn_blocking(|| server.interrupt()).await.expect("it ends"), Some(0));

    let spans = collector.spans();
    let trace: Vec<&Span> = spans.iter().filter(|span| span.trace == [0xa1; 16]).collect();
    // The embedded log keeps no headers: the trace ends with the commit.
    let [commit, call] = trace[..] else { panic!("{spans:#?}") };
    assert!(call.is("loopledger.procurement.v1.ProcurementService/RegisterParty"), "{call:?}");
    assert_eq!((call.kind, call.parent.as_slice()), (SpanKind::Server, &[0xa1; 8][..]));
    assert!(commit.is("procurement commit"), "{commit:?}");
    assert_eq!((commit.kind, &commit.parent), (SpanKind::Producer, &call.id));
    assert_eq!(commit.attributes["loopledger.sequence"], "1");
    assert_eq!(commit.service, "loopledger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_does_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // The second is no address at all, the third asks for what is not built in.
    for (run, endpoint) in ["http://127.0.0.1:1", "nonsense", "https://127.0.0.1:1"].into_iter().enumerate() {
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let server = Server::start_logging(&data, &[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)], log);
        register(&server.url, REQUEST, "合作社", CALLER).await.expect("it is recorded");
        let began = Instant::now();
        let code = tokio::task::spawn_blocking(|| server.interrupt()).await.expect("it ends");
        assert_eq!(code, Some(0), "run {run}");
        assert!(began.elapsed() < Duration::from_secs(20), "run {run} took {:?} to end", began.elapsed());
    }
}
