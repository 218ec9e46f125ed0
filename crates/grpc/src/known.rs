//! Single calls whose request has a field that its contract does not have are refused before they are decoded, as messages
//! of bulk streams are (`frames`): the generated decoder would drop the field, and answer as if nothing were wrong.
//!
//! Compressed requests are not looked at, since no service takes any.

use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::BytesMut;
use http_body::Frame;
use loopledger_wire::Failure;
use tonic::Status;
use tonic::codegen::{BoxFuture, Service, StdError};

use super::REQUEST_BYTES_MAX;
use super::methods::Methods;

/// Whether it is compressed, and the length.
const HEAD_BYTES: usize = 5;

/// Decorator the routes `inner`.
#[derive(Debug, Clone)]
pub(super) struct Known<S> {
    inner: S,
    methods: Arc<Methods>,
}

impl<S> Known<S> {
    pub(super) fn new(inner: S, methods: &Arc<Methods>) -> Self {
        Self { inner, methods: Arc::clone(methods) }
    }
}

impl<S> Service<Request> for Known<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let method = self.methods.find(request.uri().path());
        if method.shape.is_none() || method.reads_stream {
            return Box::pin(self.inner.call(request));
        }
        // The clone may not be ready, so it is the one that stays.
        let clone = self.inner.clone();
        let mut inner = core::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = Replayed::read(body).await;
            let unknown = method.shape.as_ref().and_then(|shape| shape.unknown_field(message(&body.read)?));
            if let Some(unknown) = unknown {
                return Ok(Status::from(Failure::UnknownField(unknown)).into_http());
            }
            inner.call(Request::from_parts(head, Body::new(body))).await
        })
    }
}

/// How many bytes the first message has with its head, as far as its head is there.
fn length(read: &[u8]) -> Option<usize> {
    let (head, _) = read.split_first_chunk::<HEAD_BYTES>()?;
    let [_, length @ ..] = *head;
    usize::try_from(u32::from_be_bytes(length)).ok()?.checked_add(HEAD_BYTES)
}

/// Whether the first message is not whole. What is longer than any may be is refused by its length alone.
fn lacks_bytes(read: &[u8]) -> bool {
    length(read).is_none_or(|length| read.len() < length && length <= REQUEST_BYTES_MAX.saturating_add(HEAD_BYTES))
}

/// The first message, if it is there and not compressed.
fn message(read: &[u8]) -> Option<&[u8]> {
    if read.first() != Some(&0) {
        return None;
    }
    read.get(HEAD_BYTES..length(read)?)
}

/// Nearly every request comes in one frame, which is not copied.
fn joined(read: &Bytes, data: Bytes) -> Bytes {
    if read.is_empty() {
        return data;
    }
    let mut both = BytesMut::from(read.as_ref());
    both.extend_from_slice(&data);
    both.freeze()
}

/// A body of which the first message was read, from its beginning.
struct Replayed {
    /// What was read.
    read: Bytes,
    /// How reading ended, if it did before the message was there.
    error: Option<StdError>,
    rest: Body,
}

impl Replayed {
    /// Reads until the first message is there, or until it is clear that it will not be.
    async fn read(mut body: Body) -> Self {
        let (mut read, mut error) = (Bytes::new(), None);
        while lacks_bytes(&read) {
            let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => read = joined(&read, data),
                Some(Err(failed)) => {
                    error = Some(failed.into_inner());
                    break;
                }
                // The end, or trailers, which mean nothing in a request.
                Some(Ok(Err(_))) | None => break,
            }
        }
        Self { read, error, rest: body }
    }
}

impl HttpBody for Replayed {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if !self.read.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(core::mem::take(&mut self.read)))));
        }
        if let Some(error) = self.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        Pin::new(&mut self.rest).poll_frame(context).map_err(axum::Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.error.is_none() && self.rest.is_end_stream()
    }
}
