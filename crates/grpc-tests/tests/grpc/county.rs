//! The county that the tests call: four services and their server in this process.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loopledger_distribution as distribution;
use loopledger_procurement as procurement;
use loopledger_sales as sales;
use loopledger_service::Heads;
use loopledger_service::clock::ManualClock;
use loopledger_service::feed::Feed;
use loopledger_service::grpc::{AllowAll, Policy, ServeError, Server, ServerConfig};
use loopledger_service::host::HostConfig;
use loopledger_service::limits::connections::Connections;
use loopledger_service::metrics::Registry;
use loopledger_service::writer::{Health, WriterConfig};
use loopledger_station as station;
use loopledger_types::{CountyCode, Service, StreamId, Timestamp};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::Channel;

use crate::gate::Gate;
use crate::wire;

/// 2026-11-24T00:00:00Z.
const NOW: Timestamp = Timestamp { seconds: 1_795_478_400, nanos: 0 };

/// Nothing takes this long; a test that waits in vain fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const VILLAGE: &str = "654224202207";
pub(crate) const ABSENT: &str = "99999999-0000-4000-8000-000000000000";

pub(crate) struct County {
    pub(crate) procurement: procurement::App,
    pub(crate) station: station::App,
    pub(crate) distribution: distribution::App,
    pub(crate) sales: sales::App,
    pub(crate) gate: Arc<Gate>,
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    pub(crate) connections: Arc<Connections>,
    pub(crate) metrics: Registry,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<Result<(), ServeError>>,
    known: Mutex<Known>,
}

/// What was learnt from answers.
#[derive(Default)]
struct Known {
    /// Ids by the names that the tests give them.
    names: BTreeMap<String, String>,
    /// The newest position of each stream.
    heads: BTreeMap<String, Value>,
    requests: u64,
}

impl County {
    pub(crate) async fn start() -> Self {
        Self::start_on(Gate::open(), Duration::from_secs(10)).await
    }

    pub(crate) async fn start_on(gate: Gate, drain_max: Duration) -> Self {
        Self::start_with(gate, |config| config.drain_max = drain_max).await
    }

    /// With other bounds of its server.
    pub(crate) async fn start_with(gate: Gate, change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::begin(gate, Arc::new(AllowAll), change).await
    }

    /// Every call passes `policy`.
    pub(crate) async fn start_under(policy: Arc<dyn Policy>) -> Self {
        Self::begin(Gate::open(), policy, |_| ()).await
    }

    async fn begin(gate: Gate, policy: Arc<dyn Policy>, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let gate = Arc::new(gate);
        let feed = Feed::new(gate.clone());
        let clock = || Arc::new(ManualClock::new(NOW));
        let config = HostConfig::of(CountyCode::TUOLI, None, WriterConfig::default());
        let procurement = procurement::App::start(&feed, clock(), config.clone()).await.unwrap();
        let station = station::App::start(&feed, clock(), config.clone()).await.unwrap();
        let distribution = distribution::App::start(&feed, clock(), config.clone()).await.unwrap();
        let sales = sales::App::start(&feed, clock(), config.clone()).await.unwrap();
        let stop = CancellationToken::new();
        let mut server = Server::new(stop.clone()).await.unwrap().with_policy(policy);
        procurement::serve(&procurement, &mut server);
        station::serve(&station, &mut server);
        distribution::serve(&distribution, &mut server);
        sales::serve(&sales, &mut server);
        let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
        change(&mut config);
        let bound = server.bind(config).await.unwrap();
        let (address, connections, metrics) = (bound.address(), bound.connections(), Registry::new());
        bound.register_metrics(&metrics);
        let served = tokio::spawn(bound.serve());
        let channel = connect(address).await;
        let known = Mutex::default();
        Self {
            procurement,
            station,
            distribution,
            sales,
            gate,
            address,
            channel,
            connections,
            metrics,
            stop,
            served,
            known,
        }
    }

    /// Ends in good order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
        for health in [
            self.procurement.shut_down().await,
            self.station.shut_down().await,
            self.distribution.shut_down().await,
            self.sales.shut_down().await,
        ] {
            assert!(matches!(*health, [Health::Stopped]), "{health:?}");
        }
    }

    /// A new request id.
    pub(crate) fn request_id(&self) -> String {
        let mut known = self.known.lock().unwrap();
        known.requests += 1;
        format!("{:08x}-0000-4000-8000-000000000000", known.requests)
    }

    /// Gives an id a name: `$name` stands for it in requests from now on.
    pub(crate) fn name(&self, name: &str, id: &str) {
        self.known.lock().unwrap().names.insert(name.to_owned(), id.to_owned());
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.known.lock().unwrap().names.get(name).unwrap_or_else(|| panic!("nothing is called {name}")).clone()
    }

    /// A text with names in place of ids.
    pub(crate) fn with_names(&self, text: &str) -> String {
        let known = self.known.lock().unwrap();
        known.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(id, &format!("${name}")))
    }

    /// The newest positions heard of.
    pub(crate) fn heads(&self) -> Vec<Value> {
        self.known.lock().unwrap().heads.values().cloned().collect()
    }

    /// Replaces names by ids.
    pub(crate) fn with_ids(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some("ABSENT") => json!(ABSENT),
                Some(name) => json!(self.id(name)),
                None => value.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.with_ids(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.with_ids(value))).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A whole write request: request id, positions and occasion are added where they are missing.
    pub(crate) fn complete(&self, fields: &Value) -> Value {
        let mut whole: Map<String, Value> = self.with_ids(fields).as_object().unwrap().clone();
        whole.entry("requestId").or_insert_with(|| json!(self.request_id()));
        whole.entry("after").or_insert_with(|| json!(self.heads()));
        whole.entry("occasion").or_insert_with(|| json!({"businessDate": "2026-03-02", "divisionCode": VILLAGE}));
        Value::Object(whole)
    }

    /// A write as it is, whatever comes of it.
    pub(crate) async fn write(&self, service: &str, method: &str, request: &Value) -> Result<Value, Status> {
        let answer = wire::call(&self.channel, service, method, request, None).await?;
        let position = answer["position"].clone();
        let stream = position["stream"].as_str().unwrap().to_owned();
        self.known.lock().unwrap().heads.insert(stream, position);
        Ok(answer)
    }

    /// A write that must succeed; what it creates gets `names`, each `field=NAME` or `field[index]=NAME`.
    pub(crate) async fn made(&self, service: &str, method: &str, fields: Value, names: &[&str]) -> Value {
        let request = self.complete(&fields);
        let answer = self.write(service, method, &request).await;
        let answer = answer.unwrap_or_else(|status| panic!("{method} {request}: {status:?}"));
        for name in names {
            let (field, name) = name.split_once('=').unwrap();
            let id = match field.split_once('[') {
                Some((field, index)) => &answer[field][index.trim_end_matches(']').parse::<usize>().unwrap()],
                None => &answer[field],
            };
            self.name(name, id.as_str().unwrap_or_else(|| panic!("{method} answers no {field}: {answer}")));
        }
        answer
    }

    pub(crate) async fn ask(&self, service: &str, method: &str, fields: Value) -> Result<Value, Status> {
        wire::call(&self.channel, service, method, &self.with_ids(&fields), None).await
    }

    /// The heads of every service, as seen when it had read back all that it had decided.
    pub(crate) async fn all_heads(&self) -> Vec<(Service, Heads)> {
        let failed = "a query of a service that serves";
        vec![
            (Service::Procurement, self.procurement.handle().query(vec![], None, |_| ()).await.expect(failed).1),
            (Service::Station, self.station.handle().query(vec![], None, |_| ()).await.expect(failed).1),
            (Service::Distribution, self.distribution.handle().query(vec![], None, |_| ()).await.expect(failed).1),
            (Service::Sales, self.sales.handle().query(vec![], None, |_| ()).await.expect(failed).1),
        ]
    }

    /// Waits until every service has heard and answered everything.
    pub(crate) async fn settle(&self) {
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut before = Vec::new();
            loop {
                let heads = self.all_heads().await;
                let due = self.procurement.handle().metrics().reactions_due.get()
                    + self.station.handle().metrics().reactions_due.get()
                    + self.distribution.handle().metrics().reactions_due.get()
                    + self.sales.handle().metrics().reactions_due.get();
                let all_heard = heads.iter().all(|(service, own)| {
                    let stream = StreamId { service: *service, county: CountyCode::TUOLI };
                    heads.iter().all(|(_, others)| others.get(stream) == own.get(stream))
                });
                // Seen twice: what the first look found due is counted, or decided, by the second.
                if all_heard && due == 0 && before == heads {
                    return;
                }
                before = heads;
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("the services come to rest");
        let mut known = self.known.lock().unwrap();
        for (service, heads) in self.all_heads_now() {
            let head = heads.get(StreamId { service, county: CountyCode::TUOLI });
            if head.sequence > 0 {
                let stream = StreamId { service, county: CountyCode::TUOLI }.to_string();
                let hash = base64(&head.hash.0);
                let position = json!({"stream": stream, "sequence": head.sequence.to_string(), "hash": hash});
                known.heads.insert(stream, position);
            }
        }
    }

    fn all_heads_now(&self) -> Vec<(Service, Arc<Heads>)> {
        vec![
            (Service::Procurement, self.procurement.handle().heads()),
            (Service::Station, self.station.handle().heads()),
            (Service::Distribution, self.distribution.handle().heads()),
            (Service::Sales, self.sales.handle().heads()),
        ]
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// As `ProtoJSON` writes bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
