//! The body of an answer as it is taken: charged, watched, and counted at its end.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use http_body::Frame;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::metered::CallContext;
use loopledger_limits::bytes::Charge;
use loopledger_limits::connections::OpenCall;

/// Ends with the call: what it held is free then, and it is counted.
pub(super) struct Ending {
    call: Arc<CallContext>,
    open: OpenCall,
    began: Instant,
    code: Option<Code>,
}

impl Ending {
    pub(super) const fn new(call: Arc<CallContext>, open: OpenCall, began: Instant) -> Self {
        Self { call, open, began, code: None }
    }

    /// Reads the status, if there is one.
    pub(super) fn note(&mut self, headers: &HeaderMap) {
        if !headers.contains_key("grpc-status") {
            return;
        }
        let Some(status) = Status::from_header_map(headers) else { return };
        self.code = Some(status.code());
        self.call.method.count_refusal(&status);
    }

    pub(super) fn answers_stream(&self) -> bool {
        self.call.method.answers_stream
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Without a status its caller went away.
        self.call.method.count(self.code.unwrap_or(Code::Cancelled), self.began.elapsed());
    }
}

pub(super) struct Answered {
    body: Body,
    /// What was made ready before it was asked for.
    first: Option<Frame<Bytes>>,
    ending: Ending,
    _charge: Option<Charge>,
}

impl Answered {
    pub(super) fn new(body: Body, first: Option<Frame<Bytes>>, charge: Option<Charge>, ending: Ending) -> Self {
        ending.open.taking.lies();
        Self { body, first, ending, _charge: charge }
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => Pin::new(&mut self.body).poll_frame(context),
        };
        match &frame {
            Poll::Pending => self.ending.open.taking.waits(),
            Poll::Ready(Some(Ok(frame))) => {
                self.ending.open.taking.lies();
                if let Some(trailers) = frame.trailers_ref() {
                    self.ending.note(trailers);
                }
            }
            Poll::Ready(None | Some(Err(_))) => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }
}
