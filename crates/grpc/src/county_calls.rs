//! The calls of one county of a service: what it asks of the county's writer.

use core::time::Duration;

use loopledger_domain::{Decider, Rejection, State};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{CountyCode, RequestId, StreamId, parse_uuid};
use loopledger_wire::{Created, Failure, position_to_pb, query};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use super::status::{check_streams, write_status};
use super::{Hosting, refused};
use loopledger_feed::Outage;
use loopledger_writer::{EntityKey, Health, WriterHandle};

/// How long a call waits for a service that is catching up: a start without much to read is over by then.
const READY_MAX: Duration = Duration::from_secs(1);

/// What is asked of the writer of one county.
#[derive(Debug)]
pub struct CountyCalls<D: Decider> {
    writer: WriterHandle<D>,
}

impl<D: Decider> CountyCalls<D> {
    /// The calls of the county that a request names, or of the only one if it names none.
    pub(super) async fn find(
        hosting: &dyn Hosting<D>,
        named: Option<CountyCode>,
        deadline: Option<Instant>,
    ) -> Result<Self, Failure> {
        let county = named.or_else(|| hosting.only()).ok_or(Failure::CountyRequired)?;
        let finding = hosting.writer(county);
        let found = match deadline {
            // A writer that was parked may take longer than the call has.
            Some(deadline) => timeout_at(deadline, finding).await,
            None => Ok(finding.await),
        };
        let writer = found.unwrap_or(Err(Failure::NotReady { retry_after: READY_MAX }))?;
        Ok(Self { writer })
    }

    pub(super) const fn writer(&self) -> &WriterHandle<D> {
        &self.writer
    }

    pub(super) fn into_writer(self) -> WriterHandle<D> {
        self.writer
    }

    pub(super) const fn stream(&self) -> StreamId {
        self.writer.stream()
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
        let failed = |error| write_status(Some(self.stream()), None, &error);
        // What is decided and not read back yet is neither recorded nor not: wait until it is.
        let ((), mut heads) = self.writer.query(Vec::new(), Some(deadline), |_| ()).await.map_err(failed)?;
        let Some(receipt) = self.writer.receipt(id, Some(deadline)).await.map_err(failed)? else {
            return Err(Failure::ReceiptNotFound { request_id: id }.into());
        };
        if heads.get(self.stream()).sequence < receipt.position.sequence {
            // Recorded meanwhile.
            ((), heads) = self.writer.query(Vec::new(), Some(deadline), |_| ()).await.map_err(failed)?;
        }
        Ok((receipt.to_pb(Created::default()), heads.positions().map(position_to_pb).collect()))
    }

    /// What the writer says of itself, and its heads. Nothing is waited for.
    pub fn status(&self) -> (pb::WriterStatus, Vec<pb::Position>) {
        let (stream, contact) = (self.stream(), self.writer.contact());
        let outage = contact.outage();
        let (state, caught_up_percent, halt) = match &*self.writer.health().borrow() {
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
        (status, self.writer.heads().positions().map(position_to_pb).collect())
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
        let answer = self.writer.query(keys, Some(deadline), ask).await;
        let (answer, heads) = answer.map_err(|error| write_status(Some(self.stream()), None, &error))?;
        let answer = answer.map_err(refused)?;
        Ok((answer, heads.positions().map(position_to_pb).collect()))
    }

    async fn wait_for(&self, at_least: &[pb::Position], deadline: Instant) -> Result<(), Status> {
        let positions = query::at_least(at_least).map_err(refused)?;
        check_streams::<D>("at_least", self.stream(), &positions).map_err(refused)?;
        self.ready(Some(deadline)).await?;
        let waited = self.writer.wait_for(positions, Some(deadline)).await;
        waited.map_err(|error| write_status(Some(self.stream()), None, &error))
    }

    /// Waits a little for a service that is still catching up.
    pub(super) async fn ready(&self, deadline: Option<Instant>) -> Result<(), Status> {
        if !matches!(*self.writer.health().borrow(), Health::CatchingUp(_)) {
            return Ok(());
        }
        let patience = Instant::now().checked_add(READY_MAX);
        let until = [deadline, patience].into_iter().flatten().min().unwrap_or_else(Instant::now);
        match timeout_at(until, self.writer.serving()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(write_status(Some(self.stream()), None, &error)),
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
