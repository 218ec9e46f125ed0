//! A server that hosts several counties: procurement and the ledger's queries of each.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all, ready};
use loopledger_domain::procurement::Procurement;
use loopledger_procurement as procurement;
use loopledger_projection::api::{Ledgers, Queries};
use loopledger_projection::{Projection, ProjectionConfig, StoragePlace, add_services};
use loopledger_proto::procurement::v1::RecordRequest;
use loopledger_service::clock::ManualClock;
use loopledger_service::feed::Feed;
use loopledger_service::grpc::{Calls, Hosting, ServeError, Server, ServerConfig};
use loopledger_service::host::HostConfig;
use loopledger_service::writer::{WriterConfig, WriterHandle};
use loopledger_state_store::Memory;
use loopledger_types::{CountyCode, Timestamp};
use loopledger_wire::Failure;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::county;
use crate::gate::Gate;

/// 2026-11-24T00:00:00Z.
const NOW: Timestamp = Timestamp { seconds: 1_795_478_400, nanos: 0 };

#[derive(Debug)]
struct Writers(BTreeMap<CountyCode, WriterHandle<Procurement>>);

impl Hosting<Procurement> for Writers {
    fn only(&self) -> Option<CountyCode> {
        None
    }

    fn writer(&self, county: CountyCode) -> BoxFuture<'_, Result<WriterHandle<Procurement>, Failure>> {
        let not_hosted = Failure::CountyNotHosted { county, owner: Some("procurement-7".to_owned()) };
        ready(self.0.get(&county).cloned().ok_or(not_hosted)).boxed()
    }
}

#[derive(Debug)]
struct Books(BTreeMap<CountyCode, Queries>);

impl Ledgers for Books {
    fn only(&self) -> Option<CountyCode> {
        None
    }

    fn queries(&self, county: CountyCode) -> BoxFuture<'_, Result<Queries, Failure>> {
        let found = { self.0.get(&county).cloned().ok_or(Failure::CountyNotHosted { county, owner: None }) };
        Box::pin(core::future::ready(found))
    }
}

pub(crate) struct Several {
    apps: Vec<procurement::App>,
    projections: Vec<Projection>,
    pub(crate) calls: Calls<Procurement>,
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    stop: CancellationToken,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Several {
    pub(crate) async fn start(codes: &[&str]) -> Self {
        let feed = Feed::new(Arc::new(Gate::open()));
        let (mut apps, mut projections) = (Vec::new(), Vec::new());
        let (mut writers, mut books) = (BTreeMap::new(), BTreeMap::new());
        for code in codes {
            let county = CountyCode::parse(code).unwrap();
            let config = HostConfig::of(county, None, WriterConfig::default());
            let app = procurement::App::start(&feed, Arc::new(ManualClock::new(NOW)), config).await.unwrap();
            let config = ProjectionConfig::new(county, StoragePlace::Memory(Memory::new()));
            let projection = Projection::start(config, feed.clone(), CancellationToken::new()).await.unwrap();
            writers.insert(county, app.handle());
            books.insert(county, projection.queries());
            apps.push(app);
            projections.push(projection);
        }
        let stop = CancellationToken::new();
        let calls = Calls::new(Arc::new(Writers(writers)), stop.clone());
        let mut server = Server::new(stop.clone()).await.unwrap();
        server.bulk::<_, RecordRequest>(procurement::NAME, calls.clone());
        server.route(|routes| add_services(Arc::new(Books(books)), routes));
        let bound = server.bind(ServerConfig::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let address = bound.address();
        let served = tokio::spawn(bound.serve());
        Self { apps, projections, calls, address, channel: county::connect(address).await, stop, served }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
        join_all(self.apps.into_iter().map(procurement::App::shut_down)).await;
        join_all(self.projections.into_iter().map(Projection::shutdown)).await;
    }
}
