//! A span around every call, and its context in the call's metadata for its handler.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http_body::Frame;
use tonic::Code;
use tonic::service::Routes;

use super::context::{TRACEPARENT, TraceContext};
use super::span::{self, Span};

/// Ours; health checks and reflection are of no interest.
const PACKAGES: &str = "loopledger.";

/// The bulk stream of every service.
const BULK: &str = "Record";

/// Puts a span around every call of these routes, if spans are made.
pub fn traced(routes: Routes) -> Routes {
    if !span::are_made() {
        return routes;
    }
    routes.into_axum_router().layer(from_fn(in_span)).into()
}

async fn in_span(mut request: Request, next: Next) -> Response {
    let caller = request.headers().get(TRACEPARENT).and_then(|value| TraceContext::parse(value.as_bytes()));
    let path = request.uri().path().strip_prefix('/').and_then(|path| path.split_once('/'));
    let Some((service, method)) = path.filter(|(service, _)| service.starts_with(PACKAGES)) else {
        return next.run(request).await;
    };
    let Some(mut span) = Span::of_call(caller, format_args!("{service}/{method}")) else {
        return next.run(request).await;
    };
    span.set("rpc.system", "grpc");
    span.set("rpc.service", service.to_owned());
    span.set("rpc.method", method.to_owned());
    // A bulk stream is one span. Its commands get their own only if its caller traces it: a trace of a hundred thousand
    // commits without a caller has no reader, and costs as much.
    if (caller.is_some() || method != BULK)
        && let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(span.context().to_string()))
    {
        request.headers_mut().insert(TRACEPARENT, value);
    }
    let response = next.run(request).await;
    // An error that came before any answer is in the head.
    note_status(&mut span, response.headers());
    response.map(|body| Body::new(Spanned { body, span }))
}

/// An answer and the span that lasts as long.
struct Spanned {
    body: Body,
    span: Span,
}

impl HttpBody for Spanned {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            note_status(&mut self.span, trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

fn note_status(span: &mut Span, headers: &HeaderMap) {
    let Some(value) = headers.get("grpc-status") else { return };
    let code = Code::from_bytes(value.as_bytes());
    span.set("rpc.grpc.status_code", i64::from(i32::from(code)));
    match code {
        // The server's fault, by the conventions; the rest is the caller's.
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => span.fail(code.description()),
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unauthenticated => {}
    }
}
