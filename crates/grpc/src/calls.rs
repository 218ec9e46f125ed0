//! One service's calls: requests in, through the writer of the county that they name, answers out.

use std::sync::Arc;

use futures::{Stream, TryStreamExt as _};
use loopledger_domain::Decider;
use loopledger_wire::{BulkRequest, OfCounty, Request as WireRequest, query};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::bulk::{self, RecordStream};
use super::deadline::stream_deadline_of;
use super::frames::Frame;
use super::metered::CallContext;
use super::status::{check_streams, write_status};
use super::{CountyCalls, Hosting, deadline_of, refused};
use loopledger_observability::trace::TraceContext;

/// The calls of a service; what its tonic service is made of.
#[derive(Debug)]
pub struct Calls<D: Decider> {
    hosting: Arc<dyn Hosting<D>>,
    stop: CancellationToken,
}

impl<D: Decider> Clone for Calls<D> {
    fn clone(&self) -> Self {
        Self { hosting: Arc::clone(&self.hosting), stop: self.stop.clone() }
    }
}

impl<D: Decider> Calls<D> {
    /// Bulk streams end when `stop` is cancelled.
    pub fn new(hosting: Arc<dyn Hosting<D>>, stop: CancellationToken) -> Self {
        Self { hosting, stop }
    }

    /// The calls of the county that a query names.
    pub async fn of(&self, request: &impl OfCounty, deadline: Instant) -> Result<CountyCalls<D>, Status> {
        let county = query::county(request.county_code()).map_err(refused)?;
        Ok(CountyCalls::find(&*self.hosting, county, Some(deadline)).await?)
    }

    /// One write.
    pub async fn write<R>(&self, request: Request<R>) -> Result<Response<R::Response>, Status>
    where
        R: WireRequest<Command = D::Command>,
    {
        let (deadline, trace) = (deadline_of(request.metadata()), TraceContext::of_call(request.metadata()));
        let write = request.into_inner().into_write().map_err(refused)?;
        let calls = CountyCalls::find(&*self.hosting, write.county, Some(deadline)).await?;
        let stream = calls.stream();
        check_streams::<D>("after", stream, &write.after).map_err(refused)?;
        calls.ready(Some(deadline)).await?;
        let (request_id, created) = (write.request_id, write.created);
        let answer = calls.writer().submit_traced(write, Some(deadline), trace).await;
        let receipt = answer.map_err(|error| write_status(Some(stream), Some(request_id), &error))?;
        Ok(Response::new(R::answer(&receipt, created)))
    }

    /// A bulk stream of the generated service, which a message that is none ends; see [`super::Server::bulk`].
    pub fn record<R>(&self, requests: Request<Streaming<R>>) -> Response<RecordStream<R>>
    where
        R: BulkRequest<Command = D::Command>,
    {
        self.record_frames(requests.map(|requests| requests.map_ok(Ok)))
    }

    /// A bulk stream. Only a deadline that its caller sets bounds it.
    pub(super) fn record_frames<R>(
        &self,
        requests: Request<impl Stream<Item = Result<Frame<R>, Status>> + Send + Unpin + 'static>,
    ) -> Response<RecordStream<R>>
    where
        R: BulkRequest<Command = D::Command>,
    {
        let (deadline, trace) = (stream_deadline_of(requests.metadata()), TraceContext::of_call(requests.metadata()));
        let call = requests.extensions().get::<Arc<CallContext>>().cloned();
        let (requests, hosting, stop) = (requests.into_inner(), Arc::clone(&self.hosting), self.stop.clone());
        Response::new(bulk::record(hosting, requests, deadline, trace, call, stop))
    }
}
