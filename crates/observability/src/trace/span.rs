//! Spans.

use core::fmt;
use std::sync::OnceLock;

use loopledger_types::StreamId;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use super::TraceContext;

/// Set once, when exporting begins: without it there are no spans.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Whether spans are made at all.
pub(super) fn are_made() -> bool {
    TRACER.get().is_some()
}

/// False: they are made already, and go elsewhere.
pub(super) fn make(tracer: SdkTracer) -> bool {
    TRACER.set(tracer).is_ok()
}

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something was written to the log.
    Producer,
    /// Something was made of what was read from the log.
    Consumer,
}

/// Something that takes time and is recorded. It ends when it is dropped.
#[derive(Debug)]
pub struct Span(Box<SdkSpan>);

impl Span {
    /// Of what follows from `parent`; nothing, if spans are not made or the trace is not sampled.
    pub fn after(parent: TraceContext, kind: Kind, name: fmt::Arguments<'_>) -> Option<Self> {
        if !parent.is_sampled() {
            return None;
        }
        let kind = match kind {
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        };
        Self::start(Some(parent), kind, name)
    }

    /// Of a call; without a caller's trace it begins one, if the sampler wants it.
    pub fn of_call(caller: Option<TraceContext>, name: fmt::Arguments<'_>) -> Option<Self> {
        Self::start(caller, SpanKind::Server, name)
    }

    fn start(parent: Option<TraceContext>, kind: SpanKind, name: fmt::Arguments<'_>) -> Option<Self> {
        let tracer = TRACER.get()?;
        let context = match parent {
            Some(parent) => Context::new().with_remote_span_context(to_sdk(parent)),
            None => Context::new(),
        };
        let span = tracer.span_builder(name.to_string()).with_kind(kind).start_with_context(tracer, &context);
        // Not sampled, or exporting has ended.
        span.is_recording().then(|| Self(Box::new(span)))
    }

    /// What makes others part of the trace, after this span.
    pub fn context(&self) -> TraceContext {
        let context = self.0.span_context();
        TraceContext {
            trace_id: context.trace_id().to_bytes(),
            span_id: context.span_id().to_bytes(),
            flags: context.trace_flags().to_u8(),
        }
    }

    /// Says which commit it is about.
    pub fn set_commit(&mut self, stream: StreamId, sequence: u64) {
        self.set("loopledger.stream", stream.to_string());
        self.set("loopledger.sequence", i64::try_from(sequence).unwrap_or(i64::MAX));
    }

    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.set_attribute(KeyValue::new(key, value));
    }

    /// Says that it did not come to what it was meant to.
    pub fn fail(&mut self, why: &'static str) {
        self.0.set_status(Status::error(why));
    }
}

fn to_sdk(context: TraceContext) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes(context.trace_id), SpanId::from_bytes(context.span_id));
    SpanContext::new(trace, span, TraceFlags::new(context.flags), true, TraceState::NONE)
}
