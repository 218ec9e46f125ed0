//! The messages of a bulk stream one by one: what cannot be read is handed on as such, and the next one is read.
//!
//! tonic's own decoder gives up on a stream with the first message that it cannot read. This one knows where the message
//! ends, so it need not; it reads into the same types, and copies nothing more.

use core::convert::Infallible;
use core::future::ready;
use core::marker::PhantomData;
use core::task::{Context, Poll};

use bytes::Buf as _;
use loopledger_domain::Decider;
use loopledger_wire::{BulkRequest, Shape, UnknownField};
use prost::DecodeError;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::codegen::{Body, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstEncoder;

use super::{Calls, MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX, RecordStream};

/// A message of a bulk stream, or why it is none.
pub(super) type Frame<R> = Result<R, Unread>;

/// Why a message is no request.
#[derive(Debug)]
pub(super) enum Unread {
    Malformed(DecodeError),
    /// It has a field that its contract does not have. The id is the request's.
    UnknownField {
        unknown: UnknownField,
        request_id: String,
    },
}

/// Reads `R`s as frames, and writes their answers as usual.
struct Frames<R> {
    shape: Option<Shape>,
    requests: PhantomData<fn() -> R>,
}

impl<R: BulkRequest> Codec for Frames<R> {
    type Encode = R::Response;
    type Decode = Frame<R>;
    type Encoder = ProstEncoder<R::Response>;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Self { shape: self.shape.clone(), requests: PhantomData }
    }
}

impl<R: BulkRequest> Decoder for Frames<R> {
    type Item = Frame<R>;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let unknown = self.shape.as_ref().and_then(|shape| {
            // One piece, as tonic has it: anything else would be taken for a message that is cut short.
            debug_assert_eq!(message.chunk().len(), message.remaining(), "a message is one piece");
            shape.unknown_field(message.chunk())
        });
        let frame = match (R::decode(&mut *message), unknown) {
            (Ok(request), None) => Ok(request),
            (Ok(request), Some(unknown)) => {
                Err(Unread::UnknownField { unknown, request_id: request.request_id().to_owned() })
            }
            (Err(error), _) => Err(Unread::Malformed(error)),
        };
        // A message that failed was read up to where it failed; the next one begins behind it.
        message.advance(message.remaining());
        Ok(Some(frame))
    }
}

/// The bulk stream of a service as a route of its own.
pub(super) struct Bulk<D: Decider, R> {
    calls: Calls<D>,
    shape: Option<Shape>,
    requests: PhantomData<fn(R)>,
}

impl<D: Decider, R> Bulk<D, R> {
    /// Takes requests of this shape and no other.
    pub(super) const fn new(calls: Calls<D>, shape: Option<Shape>) -> Self {
        Self { calls, shape, requests: PhantomData }
    }
}

impl<D: Decider, R> Clone for Bulk<D, R> {
    fn clone(&self) -> Self {
        Self::new(self.calls.clone(), self.shape.clone())
    }
}

impl<D, R, B> Service<http::Request<B>> for Bulk<D, R>
where
    D: Decider,
    R: BulkRequest<Command = D::Command>,
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let stream = self.clone();
        Box::pin(async move {
            let grpc = Grpc::new(Frames::<R> { shape: stream.shape.clone(), requests: PhantomData });
            let mut grpc = grpc.apply_max_message_size_config(Some(REQUEST_BYTES_MAX), Some(MESSAGE_BYTES_MAX));
            Ok(grpc.streaming(stream, request).await)
        })
    }
}

impl<D, R> StreamingService<Frame<R>> for Bulk<D, R>
where
    D: Decider,
    R: BulkRequest<Command = D::Command>,
{
    type Response = R::Response;
    type ResponseStream = RecordStream<R>;
    type Future = BoxFuture<Response<RecordStream<R>>, Status>;

    fn call(&mut self, requests: Request<Streaming<Frame<R>>>) -> Self::Future {
        Box::pin(ready(Ok(self.calls.record_frames(requests))))
    }
}
