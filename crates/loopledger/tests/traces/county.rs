//! Procurement, station and the projection of a county, with their server, in this process.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use loopledger_event_log::{EventLog as _, MemoryLog, Offset};
use loopledger_procurement as procurement_service;
use loopledger_projection::{Projection, ProjectionConfig, StoragePlace};
use loopledger_proto::common::v1 as common;
use loopledger_proto::procurement::v1 as procurement;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::station::v1 as station;
use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_service::clock::SystemClock;
use loopledger_service::feed::Feed;
use loopledger_service::grpc::{ServeError, Server, ServerConfig};
use loopledger_service::host::HostConfig;
use loopledger_service::writer::WriterConfig;
use loopledger_state_store::Memory;
use loopledger_station as station_service;
use loopledger_types::{CountyCode, Key, Service, StreamId, partition_of};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

const VILLAGE: &str = "654224202207";
const PARTITIONS: u32 = 4;

pub(crate) struct County {
    log: MemoryLog,
    procurement: procurement_service::App,
    station: station_service::App,
    projection: Projection,
    stop: CancellationToken,
    served: JoinHandle<Result<(), ServeError>>,
    pub(crate) channel: Channel,
    requests: AtomicU64,
    ids: Mutex<Ids>,
}

#[derive(Debug, Default, Clone)]
struct Ids {
    coop: String,
    household: String,
    product: String,
    station: String,
    heads: Vec<common::Position>,
}

impl County {
    pub(crate) async fn start() -> Self {
        let log = MemoryLog::keeping_headers(PARTITIONS);
        let feed = Feed::new(Arc::new(log.clone()));
        let config = HostConfig::of(CountyCode::TUOLI, None, WriterConfig::default());
        let procurement = procurement_service::App::start(&feed, Arc::new(SystemClock), config.clone()).await.unwrap();
        let station = station_service::App::start(&feed, Arc::new(SystemClock), config.clone()).await.unwrap();
        let stop = CancellationToken::new();
        let mut server = Server::new(stop.clone()).await.unwrap();
        let projection = project(feed, stop.clone()).await;
        procurement_service::serve(&procurement, &mut server);
        station_service::serve(&station, &mut server);
        let bound = server.bind(ServerConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let address = bound.address();
        let served = tokio::spawn(bound.serve());
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        let (requests, ids) = (AtomicU64::new(0), Mutex::default());
        Self { log, procurement, station, projection, stop, served, channel, requests, ids }
    }

    pub(crate) async fn stop(self) {
        drop(self.channel);
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
        tokio::join!(self.procurement.shut_down(), self.station.shut_down());
        self.projection.shutdown().await;
    }

    /// Folds everything once more, as a start without a checkpoint does.
    pub(crate) async fn replay(&self) {
        project(Feed::new(Arc::new(self.log.clone())), self.stop.clone()).await.shutdown().await;
    }

    fn request_id(&self) -> String {
        format!("{:08x}-0000-4000-8000-000000000000", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Everybody that a collection of goods names; what no span may say.
    pub(crate) async fn prepare(&self) -> BTreeSet<String> {
        let mut client = ProcurementServiceClient::new(self.channel.clone());
        let coop = client.register_party(self.party()).await.unwrap().into_inner();
        let household = procurement::RegisterHouseholdRequest {
            request_id: self.request_id(),
            occasion: occasion(),
            division_code: VILLAGE.to_owned(),
            category: common::HouseholdCategory::RegisteredPoor.into(),
            members: vec![common::Relation::Head.into()],
            ..Default::default()
        };
        let household = client.register_household(household).await.unwrap().into_inner();
        let product = procurement::RegisterProductRequest {
            request_id: self.request_id(),
            occasion: occasion(),
            code: "pea".to_owned(),
            name: "鹰嘴豆".to_owned(),
            product_class: common::ProductClass::Speciality.into(),
            base_unit: common::BaseUnit::Gram.into(),
            ..Default::default()
        };
        let product = client.register_product(product).await.unwrap().into_inner();
        let opening = station::OpenStationRequest {
            request_id: self.request_id(),
            after: product.position.clone().into_iter().collect(),
            occasion: occasion(),
            kind: common::PlaceKind::Station.into(),
            division_code: VILLAGE.to_owned(),
            operator_id: coop.party_id.clone(),
            label: "一号站".to_owned(),
            county_code: String::new(),
        };
        let opened = StationServiceClient::new(self.channel.clone()).open_station(opening).await.unwrap().into_inner();
        let ids = Ids {
            coop: coop.party_id,
            household: household.household_id,
            product: product.product_id,
            station: opened.station_id,
            heads: product.position.into_iter().collect(),
        };
        *self.ids.lock().unwrap() = ids.clone();
        let requests = (0..100).map(|number| format!("{number:08x}-0000-4000-8000-000000000000"));
        let texts = ["合作社", "鹰嘴豆", "一号站", "pea", "S-1", "S-2"].into_iter().map(str::to_owned);
        [ids.coop, ids.household, ids.product, ids.station].into_iter().chain(texts).chain(requests).collect()
    }

    fn party(&self) -> procurement::RegisterPartyRequest {
        procurement::RegisterPartyRequest {
            request_id: self.request_id(),
            occasion: occasion(),
            kind: common::PartyKind::Cooperative.into(),
            division_code: VILLAGE.to_owned(),
            label: "合作社".to_owned(),
            ..Default::default()
        }
    }

    pub(crate) fn bulk_party(&self) -> procurement::RecordRequest {
        let command = procurement::record_request::Command::RegisterParty(self.party());
        procurement::RecordRequest { command: Some(command) }
    }

    /// Ten kilograms, sold outright to the co-op.
    pub(crate) fn slip(&self, number: &str) -> station::CollectGoodsRequest {
        let ids = self.ids.lock().unwrap().clone();
        let price = common::UnitPrice { e4: 92_000, per: common::Unit::Kilogram.into() };
        let outright = common::OutrightTerms { price: Some(price) };
        let terms = common::ContractTerms { terms: Some(common::contract_terms::Terms::Outright(outright)) };
        station::CollectGoodsRequest {
            request_id: self.request_id(),
            after: ids.heads,
            occasion: occasion(),
            station_id: ids.station,
            producer_id: ids.household,
            product_id: ids.product,
            basis: Some(station::collect_goods_request::Basis::Stated(station::StatedTerms {
                principal_id: ids.coop,
                terms: Some(terms),
            })),
            receipt_number: number.to_owned(),
            lot_label: number.to_owned(),
            gross: Some(common::Quantity { value: 10, unit: common::Unit::Kilogram.into() }),
            ..Default::default()
        }
    }

    /// Waits until every reaction is written and everything is folded.
    pub(crate) async fn settle(&self) {
        let stream = |service| StreamId { service, county: CountyCode::TUOLI };
        let (mut procurement, mut station) = (self.procurement.handle().clone(), self.station.handle().clone());
        loop {
            let (bought, collected) = (procurement.heads(), station.heads());
            let folded = self.projection.heads();
            let is_folded = |service| {
                let own = if service == Service::Station { &collected } else { &bought };
                let head = own.get(stream(service)).sequence;
                folded.iter().any(|position| position.stream == stream(service) && position.sequence == head)
            };
            // Both slips have led to a reaction and to its consequence, in two streams with five other commits each.
            let is_answered = bought.get(stream(Service::Procurement)).sequence >= 3 + 6 + 2
                && collected.get(stream(Service::Station)).sequence >= 1 + 2 + 2;
            if is_answered && is_folded(Service::Procurement) && is_folded(Service::Station) {
                return;
            }
            if is_answered {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                _ = procurement.heads_changed() => {}
                _ = station.heads_changed() => {}
            }
        }
    }

    /// The header of every record of a service's topic, where there is one.
    pub(crate) fn traceparents(&self, service: Service) -> Vec<String> {
        let topic = service.topic();
        let partition = partition_of(Key(CountyCode::TUOLI), PARTITIONS);
        let mut reader = self.log.read(topic, partition, Offset::START).unwrap();
        let mut found = Vec::new();
        loop {
            let records = reader.poll_now().unwrap();
            if records.is_empty() {
                return found;
            }
            for (name, value) in records.into_iter().flat_map(|record| record.headers) {
                if name == "traceparent" {
                    found.push(String::from_utf8(value.to_vec()).unwrap());
                }
            }
        }
    }
}

/// A projection that has caught up.
async fn project(feed: Feed, stop: CancellationToken) -> Projection {
    let config = ProjectionConfig::new(CountyCode::TUOLI, StoragePlace::Memory(Memory::new()));
    let projection = Projection::start(config, feed, stop).await.unwrap();
    assert!(projection.caught_up().await.is_serving());
    projection
}

#[expect(clippy::unnecessary_wraps, reason = "a field of requests")]
fn occasion() -> Option<common::Occasion> {
    let (business_date, division_code) = ("2026-03-02".to_owned(), VILLAGE.to_owned());
    Some(common::Occasion { business_date, division_code, ..Default::default() })
}
