//! What the transport says of messages that it cannot read, as this system says it: `INVALID_ARGUMENT`, with details.
//!
//! tonic refuses such a message before any handler sees it: with INTERNAL if it is none of the method's, with
//! `OUT_OF_RANGE` if it is too large. Neither has details, and every status of ours has, so the two differ.

use core::convert::Infallible;
use core::error::Error as _;
use core::task::{Context, Poll};

use loopledger_wire::Failure;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::{Code, Status};

use super::REQUEST_BYTES_MAX;

/// The same status, unless it is the transport's about an unreadable message.
pub(super) fn explained(status: Status) -> Status {
    failure(&status).map_or(status, Status::from)
}

fn failure(status: &Status) -> Option<Failure> {
    // What came of a connection has a source, and is no fault of a message.
    if !status.details().is_empty() || status.source().is_some() {
        return None;
    }
    if status.code() == Code::Internal {
        return Some(Failure::MalformedMessage { what: status.message().to_owned() });
    }
    (status.code() == Code::OutOfRange).then_some(Failure::MessageTooLarge { bytes_max: REQUEST_BYTES_MAX })
}

/// A service whose answers are [`explained`]: those that say no at once. What a stream ends with is said by who reads it.
#[derive(Debug, Clone)]
pub(super) struct Explained<S>(pub(super) S);

impl<S, R, B> Service<R> for Explained<S>
where
    S: Service<R, Response = http::Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<B>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let answering = self.0.call(request);
        Box::pin(async move {
            let mut response = answering.await?;
            // The head of an answer has a status only if that is all there is.
            let failure = Status::from_header_map(response.headers()).and_then(|status| failure(&status));
            if let Some(failure) = failure
                && let Err(error) = Status::from(failure).add_header(response.headers_mut())
            {
                tracing::error!(%error, "could not encode a status as headers");
            }
            Ok(response)
        })
    }
}
