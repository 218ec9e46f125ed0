//! One service's calls: requests in, through the writer, answers out.

use loopledger_domain::{Decider, Rejection, State};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{Position, RequestId, StreamId, parse_uuid};
use loopledger_wire::{BulkRequest, Created, Failure, Request as WireRequest, position_to_pb, query};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::bulk::{self, RecordStream};
use super::{deadline_of, refused, write_status};
use crate::writer::{EntityKey, WriterHandle};

/// The calls of a service; what its tonic service is made of.
#[derive(Debug)]
pub struct Calls<D: Decider> {
    handle: WriterHandle<D>,
    stop: CancellationToken,
}

impl<D: Decider> Clone for Calls<D> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), stop: self.stop.clone() }
    }
}

impl<D: Decider> Calls<D> {
    /// Bulk streams end when `stop` is cancelled.
    pub const fn new(handle: WriterHandle<D>, stop: CancellationToken) -> Self {
        Self { handle, stop }
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
        let deadline = deadline_of(request.metadata());
        let write = request.into_inner().into_write().map_err(refused)?;
        let (request_id, created) = (write.request_id, write.created);
        let answer = self.handle.submit(write, Some(deadline)).await;
        let receipt = answer.map_err(|error| write_status(self.stream(), Some(request_id), &error))?;
        Ok(Response::new(R::answer(&receipt, created)))
    }

    /// A bulk stream.
    pub fn record<R>(&self, requests: Request<Streaming<R>>) -> RecordStream<R::Response>
    where
        R: BulkRequest<Command = D::Command>,
    {
        bulk::record(self.handle.clone(), requests.into_inner(), self.stop.clone())
    }

    /// The receipt of a request that was recorded at any time, and the heads.
    pub async fn receipt(
        &self,
        at_least: &[pb::Position],
        request_id: &str,
        deadline: Instant,
    ) -> Result<(pb::Receipt, Vec<pb::Position>), Status> {
        let at_least = query::at_least(at_least).map_err(refused)?;
        // Derived ids may be asked for too; only callers' own must be of a certain version.
        let id = query::id("request_id", request_id, |text| parse_uuid(text).map(RequestId)).map_err(refused)?;
        self.wait_for(at_least, deadline).await?;
        let found = self.handle.receipt(id, Some(deadline)).await;
        let heads = self.handle.heads().positions().map(position_to_pb).collect();
        match found.map_err(|error| write_status(self.stream(), None, &error))? {
            Some(receipt) => Ok((receipt.to_pb(Created::default()), heads)),
            None => Err(Failure::ReceiptNotFound { request_id: id }.into()),
        }
    }

    /// A look at the state at `at_least` or later, with the heads that it was taken at. `keys` are loaded first.
    pub async fn ask<R: Send + 'static>(
        &self,
        at_least: &[pb::Position],
        keys: Vec<EntityKey<D>>,
        deadline: Instant,
        ask: impl Fn(&State<D>) -> Result<R, Rejection> + Send + 'static,
    ) -> Result<(R, Vec<pb::Position>), Status> {
        let at_least = query::at_least(at_least).map_err(refused)?;
        self.wait_for(at_least, deadline).await?;
        let answer = self.handle.query(keys, Some(deadline), ask).await;
        let (answer, heads) = answer.map_err(|error| write_status(self.stream(), None, &error))?;
        let answer = answer.map_err(refused)?;
        Ok((answer, heads.positions().map(position_to_pb).collect()))
    }

    async fn wait_for(&self, positions: Vec<Position>, deadline: Instant) -> Result<(), Status> {
        let waited = self.handle.wait_for(positions, Some(deadline)).await;
        waited.map_err(|error| write_status(self.stream(), None, &error))
    }
}
