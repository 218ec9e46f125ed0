//! Exporting spans with OTLP over gRPC, as the standard environment variables say (`OTEL_EXPORTER_OTLP_ENDPOINT`,
//! `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and their kin).
//!
//! A thread of its own sends them in batches; spans that find its queue full are dropped. Nothing that a service does
//! waits for it, and a collector that is away is a line in the log.

use core::time::Duration;
use std::env;

use loopledger_types::WithCauses;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Key, Value};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::span;

/// Either of them switches tracing on.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// How long the last spans may take to be sent.
const FLUSH_MAX: Duration = Duration::from_secs(3);

const SERVICE_NAME: Key = Key::from_static_str("service.name");

/// The process's traces, if it exports any.
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins to export if the environment asks for it. `service` is the name to go by unless the environment gives
    /// another. Must be called within a tokio runtime, once per process.
    pub fn from_environment(service: &'static str) -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_disabled = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        if is_disabled || !ENDPOINTS.into_iter().any(is_set) {
            return Self(None);
        }
        Self::begin(SpanExporter::builder().with_tonic().build(), service)
    }

    /// The same to a given endpoint, e.g. `http://127.0.0.1:4317`.
    pub fn to(endpoint: &str, service: &'static str) -> Self {
        Self::begin(SpanExporter::builder().with_tonic().with_endpoint(endpoint).build(), service)
    }

    fn begin(exporter: Result<SpanExporter, ExporterBuildError>, service: &'static str) -> Self {
        let exporter = match exporter {
            Ok(exporter) => exporter,
            Err(error) => {
                // A service is worth more than its traces.
                tracing::error!(error = %WithCauses(&error), "could not create the trace exporter");
                return Self(None);
            }
        };
        let provider =
            SdkTracerProvider::builder().with_resource(resource(service)).with_batch_exporter(exporter).build();
        if !span::make(provider.tracer("loopledger")) {
            tracing::error!("a trace exporter is already installed");
        }
        Self(Some(provider))
    }

    /// Sends what is left, within a bounded time. Spans begun later are not made.
    pub async fn shut_down(self) {
        let Some(provider) = self.0 else { return };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_MAX)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(error = %WithCauses(&error), "could not export the last spans");
        }
    }
}

/// What the environment says, with a name in any case.
fn resource(service: &'static str) -> Resource {
    let detected = Resource::builder().build();
    match detected.get(&SERVICE_NAME) {
        Some(Value::String(name)) if !name.as_str().starts_with("unknown_service") => detected,
        _ => Resource::builder().with_service_name(service).build(),
    }
}
