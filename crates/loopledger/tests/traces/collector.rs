//! A collector of spans, as far as a test needs one: OTLP over gRPC in, a list of spans out.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status};

/// A span as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) parent: Vec<u8>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The name of the process.
    pub(crate) service: String,
}

impl Span {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    spans: watch::Receiver<Vec<Span>>,
    _serving: AbortOnDropHandle<()>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, spans) = watch::channel(Vec::new());
        let serving = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Receiver { spans: sender }))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let serving = tokio::spawn(async { serving.await.expect("it serves") });
        Self { address, spans, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come in so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.borrow().clone()
    }
}

struct Receiver {
    spans: watch::Sender<Vec<Span>>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let names = resource.resource.into_iter().flat_map(|resource| resource.attributes);
            let name = names.filter(|pair| pair.key == "service.name").find_map(|pair| pair.value?.value);
            let service = if let Some(Value::StringValue(name)) = name { name } else { String::new() };
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let kind = span.kind();
                let attributes = span.attributes.into_iter().map(|pair| {
                    let value = pair.value.and_then(|value| value.value);
                    let text = match value {
                        Some(Value::StringValue(text)) => text,
                        Some(Value::IntValue(number)) => number.to_string(),
                        other => format!("{other:?}"),
                    };
                    (pair.key, text)
                });
                let taken = Span {
                    name: span.name,
                    kind,
                    trace: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    attributes: attributes.collect(),
                    service: service.clone(),
                };
                self.spans.send_modify(|spans| spans.push(taken));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
