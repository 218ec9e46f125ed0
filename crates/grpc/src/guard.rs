//! Decorator every call: what it may hold, for whom it runs, and what is counted of it.

use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use tokio::time::Instant;
use tonic::codegen::{BoxFuture, Service};

use super::answered::{Answered, Ending};
use super::metered::{CallContext, Metered, lacking};
use super::methods::{Method, Methods};
use super::policy::Policy;
use loopledger_limits::bytes::{Short, Taker};
use loopledger_limits::connections::Peer;
use loopledger_limits::{Asking, Caller, Permits};

/// Answers up to so many bytes are never refused: what was written must be acknowledged.
const SMALL_ANSWER_BYTES: u64 = 4 * 1_024;

/// Bulk streams of a connection at a time. Each may hold a frame of the transport's that is not charged yet.
const BULK_STREAMS_MAX: usize = 32;

/// Decorator the routes `inner`.
pub(super) fn guarded<S>(inner: S, methods: &Arc<Methods>, policy: &Arc<dyn Policy>, read_max: Duration) -> Guarded<S> {
    let bulk = Arc::new(Permits::new(BULK_STREAMS_MAX));
    Guarded { inner, methods: Arc::clone(methods), policy: Arc::clone(policy), bulk, read_max }
}

#[derive(Debug, Clone)]
pub(super) struct Guarded<S> {
    inner: S,
    methods: Arc<Methods>,
    policy: Arc<dyn Policy>,
    /// Permits for bulk streams.
    bulk: Arc<Permits>,
    read_max: Duration,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let admitted = self.policy.admit(request.uri().path(), request.headers());
        // There is none where the routes are called within the process.
        let Some(peer) = request.extensions().get::<Arc<Peer>>().cloned() else {
            return match admitted {
                Ok(actor) => Box::pin(Asking { caller: Caller::PROCESS, actor }.scope(self.inner.call(request))),
                Err(status) => Box::pin(async move { Ok(status.into_http()) }),
            };
        };
        let began = Instant::now();
        let open = peer.begin_call();
        let method = self.methods.find(request.uri().path());
        let call = admitted.and_then(|actor| {
            let call = self.admit(&method, &peer, &request);
            call.map(|call| (Arc::new(call), actor)).map_err(|short| Box::new(lacking(short)))
        });
        let (call, actor) = match call {
            Ok(call) => call,
            Err(status) => {
                method.count(status.code(), began.elapsed());
                method.count_refusal(&status);
                return Box::pin(async move { Ok(status.into_http()) });
            }
        };
        request.extensions_mut().insert(Arc::clone(&call));
        let (metered, read_max) = (Arc::clone(&call), self.read_max);
        let request = request.map(|body| Body::new(Metered::new(body, metered, read_max)));
        let ending = Ending::new(call, open, began);
        let answering = self.inner.call(request);
        let asking = Asking { caller: peer.caller, actor };
        Box::pin(asking.scope(async move { Ok(answer(answering.await?, &peer, ending).await) }))
    }
}

impl<S> Guarded<S> {
    fn admit(&self, method: &Arc<Method>, peer: &Arc<Peer>, request: &Request) -> Result<CallContext, Short> {
        let permit =
            if method.is_bulk() { Some(self.bulk.take(peer.caller).ok_or(Short::OfConnection)?) } else { None };
        CallContext::open(Arc::clone(method), permit, &peer.requests, request.headers())
    }
}

/// A single answer is encoded at once, so that what it holds until it is taken is known.
async fn answer(response: Response, peer: &Arc<Peer>, mut ending: Ending) -> Response {
    let (head, mut body) = response.into_parts();
    ending.note(&head.headers);
    let mut first = None;
    if !ending.answers_stream() && !body.is_end_stream() {
        first = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.and_then(Result::ok);
    }
    let bytes = first.as_ref().and_then(|frame| frame.data_ref()).map_or(0, bytes::Bytes::len);
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let charge = if bytes <= SMALL_ANSWER_BYTES {
        Ok(peer.answers.charge_anyway(bytes))
    } else {
        peer.answers.try_charge(bytes, Taker::Call)
    };
    match charge {
        Ok(charge) => Response::from_parts(head, Body::new(Answered::new(body, first, Some(charge), ending))),
        Err(short) => {
            let response: Response = lacking(short).into_http();
            ending.note(response.headers());
            response
        }
    }
}
