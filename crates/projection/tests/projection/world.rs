//! A projection over the memory log, and a history that the services' own rules decided.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use loopledger_event_log::{EventLog as _, MemoryLog, Record};
use loopledger_ledger::{Concerns, Ledger};
use loopledger_projection::{Projection, ProjectionConfig, StoragePlace};
use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::income_service_client::IncomeServiceClient;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_proto::ledger::v1::loop_service_client::LoopServiceClient;
use loopledger_proto::ledger::v1::trace_service_client::TraceServiceClient;
use loopledger_scenario::play;
use loopledger_service::feed::Feed;
use loopledger_state_store::Memory;
use loopledger_testkit::County;
use loopledger_types::{CountyCode, Hash, Key, Position, Service, StreamId, partition_of};
use loopledger_wire::position_to_pb;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use tonic::service::Routes;

pub(crate) const PARTITIONS: u32 = 4;

/// Twelve weeks of forty households: some thousands of commits with every hand-over in them.
pub(crate) static HISTORY: LazyLock<County> = LazyLock::new(|| {
    let mut county = County::new();
    for line in play(2020, 40, 12) {
        if let Some(outcome) = county.record(line) {
            outcome.expect("the scenario is not refused");
        }
    }
    county
});

/// The same history folded directly, stream by stream.
pub(crate) static LEDGER: LazyLock<Ledger> = LazyLock::new(|| {
    let mut ledger = Ledger::new(CountyCode::TUOLI, Concerns::SERVICES);
    for service in Service::ALL {
        for commit in HISTORY.commits(service) {
            ledger.apply(commit).unwrap();
        }
    }
    ledger
});

pub(crate) const fn stream(service: Service) -> StreamId {
    StreamId { service, county: CountyCode::TUOLI }
}

pub(crate) fn position(service: Service, sequence: usize) -> Position {
    HISTORY.commits(service)[sequence - 1].position()
}

/// The heads of the whole history.
pub(crate) fn heads() -> Vec<common::Position> {
    let last = |service| HISTORY.commits(service).last().map(|commit| position_to_pb(commit.position()));
    Service::ALL.into_iter().filter_map(last).collect()
}

pub(crate) async fn append(log: &MemoryLog, records: &[(Service, Vec<u8>)]) {
    for record in records {
        append_to(log, record, PARTITIONS).await;
    }
}

pub(crate) async fn append_to(log: &MemoryLog, (service, value): &(Service, Vec<u8>), partitions: u32) {
    let key = Key(CountyCode::TUOLI);
    let record = Record { key, headers: Vec::new(), value: Bytes::copy_from_slice(value) };
    let appended = log.append(service.topic(), partition_of(key, partitions), vec![record]).await;
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
}

pub(crate) async fn full_log() -> MemoryLog {
    let log = MemoryLog::new(PARTITIONS);
    append(&log, HISTORY.records()).await;
    log
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) projection: Projection,
    pub(crate) routes: Routes,
}

impl World {
    pub(crate) async fn start(log: &MemoryLog, storage: StoragePlace) -> Self {
        Self::start_on(Feed::new(Arc::new(log.clone())), storage).await
    }

    pub(crate) async fn start_on(feed: Feed, storage: StoragePlace) -> Self {
        // Checkpoints only when a test asks for one.
        let config = ProjectionConfig { checkpoint_every: Duration::MAX, ..config(storage) };
        let projection = Projection::start(config, feed, CancellationToken::new()).await.unwrap();
        let routes = projection.add_services(Routes::default());
        Self { projection, routes }
    }

    /// Over the whole history, caught up.
    pub(crate) async fn full() -> Self {
        let world = Self::start(&full_log().await, StoragePlace::Memory(Memory::new())).await;
        assert!(world.projection.caught_up().await.is_serving());
        world
    }

    pub(crate) fn income(&self) -> IncomeServiceClient<Routes> {
        IncomeServiceClient::new(self.routes.clone())
    }

    pub(crate) fn loops(&self) -> LoopServiceClient<Routes> {
        LoopServiceClient::new(self.routes.clone())
    }

    pub(crate) fn trace(&self) -> TraceServiceClient<Routes> {
        TraceServiceClient::new(self.routes.clone())
    }

    pub(crate) fn ledger(&self) -> LedgerServiceClient<Routes> {
        LedgerServiceClient::new(self.routes.clone()).max_decoding_message_size(16 * 1_024 * 1_024)
    }

    /// Waits until the whole history is folded, and all that follows from it.
    pub(crate) async fn settled(&self) {
        let request = pb::AwaitRequest { positions: heads(), consequences: true, ..pb::AwaitRequest::default() };
        self.ledger().r#await(request).await.unwrap();
    }

    pub(crate) async fn status(&self) -> pb::GetStatusResponse {
        self.ledger().get_status(pb::GetStatusRequest::default()).await.unwrap().into_inner()
    }

    pub(crate) async fn rebuild(&self) -> Vec<pb::RebuildResponse> {
        let mut reports = self.ledger().rebuild(pb::RebuildRequest::default()).await.unwrap().into_inner();
        let mut all = Vec::new();
        while let Some(report) = reports.message().await.unwrap() {
            all.push(report);
        }
        all
    }
}

pub(crate) fn config(storage: StoragePlace) -> ProjectionConfig {
    ProjectionConfig::new(CountyCode::TUOLI, storage)
}

pub(crate) fn digests(ledger: &Ledger) -> (Hash, Hash) {
    let digest = ledger.ledger_digest();
    (digest, ledger.state_digest(digest))
}

/// A request that gives up soon.
pub(crate) fn within<T>(message: T, millis: u64) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_millis(millis));
    request
}
