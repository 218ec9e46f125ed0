//! One service's calls: requests in, through the writer, answers out.

use core::time::Duration;
use std::sync::Arc;

use futures::{Stream, TryStreamExt as _};
use loopledger_domain::{Decider, Rejection, State};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{RequestId, StreamId, parse_uuid};
use loopledger_wire::{BulkRequest, Created, Failure, Request as WireRequest, position_to_pb, query};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::bulk::{self, RecordStream};
use super::deadline::stream_deadline_of;
use super::frames::Frame;
use super::metered::CallContext;
use super::status::check_streams;
use super::{deadline_of, refused, write_status};
use loopledger_feed::Outage;
use loopledger_observability::trace::TraceContext;
use loopledger_writer::{EntityKey, Health, WriterHandle};

/// How long a call waits for a service that is catching up: a start without much to read is over by then.
const READY_MAX: Duration = Duration::from_secs(1);

/// The calls of a service; what its tonic service is made of.
#[derive(Debug)]
pub struct Calls<D: Decider> {
    handle: WriterHandle<D>,
    health: watch::Receiver<Health>,
    stop: CancellationToken,
}

impl<D: Decider> Clone for Calls<D> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), health: self.health.clone(), stop: self.stop.clone() }
    }
}

impl<D: Decider> Calls<D> {
    /// Bulk streams end when `stop` is cancelled.
    pub fn new(handle: WriterHandle<D>, stop: CancellationToken) -> Self {
        Self { health: handle.health(), handle, stop }
    }

    pub const fn handle(&self) -> &WriterHandle<D> {
        &self.handle
    }

    pub const fn stream(&self) -> StreamId {
        self.handle.stream()
    }

    /// One write.
    pub async fn write<R>(&self, request: Request<R>) -> Result<Response<R::Response>, Status>
    where
        R: WireRequest<Command = D::Command>,
    {
        let (deadline, trace) = (deadline_of(request.metadata()), TraceContext::of_call(request.metadata()));
        let write = request.into_inner().into_write().map_err(refused)?;
        check_streams::<D>("after", self.stream(), &write.after).map_err(refused)?;
        self.ready(Some(deadline)).await?;
        let (request_id, created) = (write.request_id, write.created);
        let answer = self.handle.submit_traced(write, Some(deadline), trace).await;
        let receipt = answer.map_err(|error| write_status(self.stream(), Some(request_id), &error))?;
        Ok(Response::new(R::answer(&receipt, created)))
    }

    /// A bulk stream of the generated service, which a message that is none ends; see [`super::Server::bulk`].
    pub async fn record<R>(&self, requests: Request<Streaming<R>>) -> Result<Response<RecordStream<R>>, Status>
    where
        R: BulkRequest<Command = D::Command>,
    {
        self.record_frames(requests.map(|requests| requests.map_ok(Ok))).await
    }

    /// A bulk stream. Only a deadline that its caller sets bounds it.
    pub(super) async fn record_frames<R>(
        &self,
        requests: Request<impl Stream<Item = Result<Frame<R>, Status>> + Send + Unpin + 'static>,
    ) -> Result<Response<RecordStream<R>>, Status>
    where
        R: BulkRequest<Command = D::Command>,
    {
        let (deadline, trace) = (stream_deadline_of(requests.metadata()), TraceContext::of_call(requests.metadata()));
        let call = requests.extensions().get::<Arc<CallContext>>().cloned();
        self.ready(deadline).await?;
        let requests = requests.into_inner();
        let answers = bulk::record(self.handle.clone(), requests, deadline, trace, call, self.stop.clone());
        Ok(Response::new(answers))
    }

    /// The receipt of a request that was recorded at any time, and the heads.
    pub async fn receipt(
        &self,
        at_least: &[pb::Position],
        request_id: &str,
        deadline: Instant,
    ) -> Result<(pb::Receipt, Vec<pb::Position>), Status> {
        // Derived ids may be asked for too; only callers' own must be of a certain version.
        let id = query::id("request_id", request_id, |text| parse_uuid(text).map(RequestId)).map_err(refused)?;
        self.wait_for(at_least, deadline).await?;
        let failed = |error| write_status(self.stream(), None, &error);
        // What is decided and not read back yet is neither recorded nor not: wait until it is.
        let ((), mut heads) = self.handle.query(Vec::new(), Some(deadline), |_| ()).await.map_err(failed)?;
        let Some(receipt) = self.handle.receipt(id, Some(deadline)).await.map_err(failed)? else {
            return Err(Failure::ReceiptNotFound { request_id: id }.into());
        };
        if heads.get(self.stream()).sequence < receipt.position.sequence {
            // Recorded meanwhile.
            ((), heads) = self.handle.query(Vec::new(), Some(deadline), |_| ()).await.map_err(failed)?;
        }
        Ok((receipt.to_pb(Created::default()), heads.positions().map(position_to_pb).collect()))
    }

    /// What the writer says of itself, and its heads. Nothing is waited for.
    pub fn status(&self) -> (pb::WriterStatus, Vec<pb::Position>) {
        let (stream, contact) = (self.stream(), self.handle.contact());
        let outage = contact.outage();
        let (state, caught_up_percent, halt) = match &*self.health.borrow() {
            Health::CatchingUp(progress) => (pb::StreamState::CatchingUp, progress.percent, None),
            Health::Serving if outage.is_some() => (pb::StreamState::LogUnreachable, 100, None),
            Health::Serving => (pb::StreamState::Serving, 100, None),
            Health::Stopped => (pb::StreamState::Stopped, 100, None),
            Health::Halted(halt) => (pb::StreamState::Halted, 100, Some(halt.notice(stream).to_pb())),
        };
        let status = pb::WriterStatus {
            stream: stream.to_string(),
            state: state.into(),
            caught_up_percent: u32::from(caught_up_percent),
            halt,
            log: Some(log_status(outage, contact.durability())),
        };
        (status, self.handle.heads().positions().map(position_to_pb).collect())
    }

    /// A look at the state at `at_least` or later, with the heads that it was taken at. `keys` are loaded first.
    pub async fn ask<R: Send + 'static>(
        &self,
        at_least: &[pb::Position],
        keys: Vec<EntityKey<D>>,
        deadline: Instant,
        ask: impl Fn(&State<D>) -> Result<R, Rejection> + Send + 'static,
    ) -> Result<(R, Vec<pb::Position>), Status> {
        self.wait_for(at_least, deadline).await?;
        let answer = self.handle.query(keys, Some(deadline), ask).await;
        let (answer, heads) = answer.map_err(|error| write_status(self.stream(), None, &error))?;
        let answer = answer.map_err(refused)?;
        Ok((answer, heads.positions().map(position_to_pb).collect()))
    }

    async fn wait_for(&self, at_least: &[pb::Position], deadline: Instant) -> Result<(), Status> {
        let positions = query::at_least(at_least).map_err(refused)?;
        check_streams::<D>("at_least", self.stream(), &positions).map_err(refused)?;
        self.ready(Some(deadline)).await?;
        let waited = self.handle.wait_for(positions, Some(deadline)).await;
        waited.map_err(|error| write_status(self.stream(), None, &error))
    }

    /// Waits a little for a service that is still catching up.
    async fn ready(&self, deadline: Option<Instant>) -> Result<(), Status> {
        if !matches!(*self.health.borrow(), Health::CatchingUp(_)) {
            return Ok(());
        }
        let patience = Instant::now().checked_add(READY_MAX);
        let until = [deadline, patience].into_iter().flatten().min().unwrap_or_else(Instant::now);
        match timeout_at(until, self.handle.serving()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(write_status(self.stream(), None, &error)),
            Err(_) => Err(Failure::NotReady { retry_after: READY_MAX }.into()),
        }
    }
}

/// Whether the log can be reached, and what an acknowledged write survives.
pub fn log_status(outage: Option<Outage>, durability: &str) -> pb::LogStatus {
    let unreachable_for = outage.as_ref().map(|outage| duration_to_pb(outage.since.elapsed()));
    pb::LogStatus {
        reachable: outage.is_none(),
        cause: outage.map(|outage| outage.cause).unwrap_or_default(),
        unreachable_for,
        durability: durability.to_owned(),
    }
}

/// A duration as the contracts have it.
pub fn duration_to_pb(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}
