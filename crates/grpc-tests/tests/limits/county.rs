//! Four writers on one log, and everything that they recorded.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use loopledger_chain::{Envelope, RECORD_BYTES_MAX, leaf_hash};
use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::Sales;
use loopledger_domain::size::COMMAND_BYTES_MAX;
use loopledger_domain::station::Station;
use loopledger_domain::{Commit, Decider, Event, Rejection};
use loopledger_event_log::{EventLog, MemoryLog, Offset};
use loopledger_service::clock::ManualClock;
use loopledger_service::feed::Feed;
use loopledger_service::repair::{Finding, Witness, accept, examine, is_evidence};
use loopledger_service::writer::{Health, WriteError, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::{Memory, MemoryStore, Mirror, ServiceStore};
use loopledger_types::{CountyCode, Head, Key, Partition, Service, StreamId, Timestamp, partition_of};
use loopledger_wire::{BulkRequest, decode_commit};
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

const COUNTY: CountyCode = CountyCode::TUOLI;
/// 2026-11-24T00:00:00Z.
const NOW: Timestamp = Timestamp { seconds: 1_795_478_400, nanos: 0 };
const SERVICES: [Service; 4] = [Service::Procurement, Service::Station, Service::Distribution, Service::Sales];

struct Seat<D: Decider> {
    memory: Memory,
    writer: Option<Writer<D>>,
}

impl<D: Decider<Entity: Mirror>> Seat<D> {
    fn new() -> Self {
        Self { memory: Memory::new(), writer: None }
    }

    fn start(&mut self, feed: &Feed) {
        let store: Arc<dyn ServiceStore<D::Entity>> = Arc::new(self.store());
        let clock = Arc::new(ManualClock::new(NOW));
        self.writer = Some(Writer::start(COUNTY, feed.clone(), store, clock, WriterConfig::default()));
    }

    fn store(&self) -> MemoryStore<D::Entity> {
        MemoryStore::new(self.memory.clone())
    }

    fn handle(&self) -> &WriterHandle<D> {
        self.writer.as_ref().unwrap().handle()
    }

    async fn stop(&mut self) {
        let health = self.writer.take().unwrap().shut_down().await;
        assert!(matches!(health, Health::Stopped), "{health:?}");
    }

    fn witness(&self) -> Witness {
        Witness::of_service(D::SERVICE.to_string(), stream(D::SERVICE), &self.store()).unwrap()
    }

    /// Moves the store aside if it holds effects of what is lost.
    fn retire_evidence(&self, findings: &[Finding]) {
        if is_evidence(findings, &D::SERVICE.to_string()) {
            self.store().retire().unwrap();
        }
    }

    /// The heads that it knows, once it has nothing left to do.
    fn at_rest(&self) -> Option<[Head; 4]> {
        let handle = self.handle();
        let health = handle.health().borrow().clone();
        assert!(!matches!(health, Health::Halted(_)), "{} halted: {health:?}", D::SERVICE);
        let metrics = handle.metrics();
        let busy = [&metrics.reactions_due, &metrics.in_flight, &metrics.queued, &metrics.waiting_for_upstream];
        if busy.into_iter().any(|gauge| gauge.get() > 0) || !matches!(health, Health::Serving) {
            return None;
        }
        let heads = handle.heads();
        Some(SERVICES.map(|service| heads.get(stream(service))))
    }
}

fn stream(service: Service) -> StreamId {
    StreamId { service, county: COUNTY }
}

pub(crate) struct County {
    log: MemoryLog,
    procurement: Seat<Procurement>,
    station: Seat<Station>,
    distribution: Seat<Distribution>,
    sales: Seat<Sales>,
    pool: DescriptorPool,
    /// Requests so far.
    asked: Cell<u64>,
    /// Commands that were asked for, as `service command`.
    pub(crate) commands: RefCell<BTreeSet<String>>,
}

impl County {
    pub(crate) async fn start() -> Self {
        let mut county = Self {
            log: MemoryLog::new(8),
            procurement: Seat::new(),
            station: Seat::new(),
            distribution: Seat::new(),
            sales: Seat::new(),
            pool: DescriptorPool::decode(loopledger_proto::FILE_DESCRIPTOR_SET).unwrap(),
            asked: Cell::new(0),
            commands: RefCell::default(),
        };
        county.begin().await;
        county
    }

    async fn begin(&mut self) {
        let feed = Feed::new(Arc::new(self.log.clone()));
        self.procurement.start(&feed);
        self.station.start(&feed);
        self.distribution.start(&feed);
        self.sales.start(&feed);
        self.settle().await;
    }

    /// A request id that was not used yet.
    pub(crate) fn request_id(&self) -> String {
        self.asked.set(self.asked.get() + 1);
        format!("{:08x}-0000-4000-8000-000000000000", self.asked.get())
    }

    /// Sends `{"command": {fields}}`, which must be legal in form; the ids that it created, by their kinds.
    pub(crate) async fn ask(&self, service: Service, command: &str, fields: Value) -> Result<Value, Rejection> {
        let mut fields = fields;
        fields.as_object_mut().unwrap().entry("requestId").or_insert_with(|| json!(self.request_id()));
        self.commands.borrow_mut().insert(format!("{service} {command}"));
        let request = json!({ command: fields });
        match service {
            Service::Procurement => {
                self.send::<_, loopledger_proto::procurement::v1::RecordRequest>(&self.procurement, &request).await
            }
            Service::Station => {
                self.send::<_, loopledger_proto::station::v1::RecordRequest>(&self.station, &request).await
            }
            Service::Distribution => {
                self.send::<_, loopledger_proto::distribution::v1::RecordRequest>(&self.distribution, &request).await
            }
            Service::Sales => self.send::<_, loopledger_proto::sales::v1::RecordRequest>(&self.sales, &request).await,
            Service::Ledger => panic!("the ledger takes no commands"),
        }
    }

    async fn send<D, R>(&self, seat: &Seat<D>, request: &Value) -> Result<Value, Rejection>
    where
        D: Decider<Entity: Mirror>,
        R: BulkRequest<Command = D::Command>,
    {
        let kind = self.pool.get_message_by_name(&format!("loopledger.{}.v1.RecordRequest", D::SERVICE)).unwrap();
        let message = DynamicMessage::deserialize(kind, request).unwrap_or_else(|why| panic!("{why}: {request}"));
        let write = R::decode(message.encode_to_vec().as_slice()).unwrap().into_write();
        let write = write.unwrap_or_else(|why| panic!("not legal in form: {why:?}"));
        let created = write.created;
        let answer = seat.handle().submit(write, Instant::now().checked_add(Duration::from_mins(10))).await;
        let receipt = match answer {
            Ok(receipt) => receipt,
            Err(WriteError::Rejected(rejection)) => return Err(rejection),
            Err(error) => panic!("{error}: {request}"),
        };
        self.settle().await;
        let mut ids = json!({});
        for created in receipt.to_pb(created).created {
            let of_kind = ids.as_object_mut().unwrap().entry(created.kind).or_insert_with(|| json!([]));
            of_kind.as_array_mut().unwrap().push(json!(created.id));
        }
        Ok(ids)
    }

    /// Waits until every reaction is recorded and read by all.
    pub(crate) async fn settle(&self) {
        // Far more turns than a thousand reactions take: a county that never rests fails instead of hanging.
        for _ in 0..1_000_000 {
            let heads =
                [self.procurement.at_rest(), self.station.at_rest(), self.distribution.at_rest(), self.sales.at_rest()];
            if heads[0].is_some() && heads.iter().all(|other| *other == heads[0]) {
                return;
            }
            tokio::task::yield_now().await;
            advance(Duration::from_micros(100)).await;
        }
        panic!("the county does not come to rest");
    }

    fn partition(&self, service: Service) -> Partition {
        partition_of(Key(COUNTY), self.log.partition_count(service.topic()))
    }

    /// Every commit of a service, with the length of its record.
    pub(crate) fn commits(&self, service: Service) -> Vec<(usize, Commit)> {
        let mut reader = self.log.read(service.topic(), self.partition(service), Offset::START).unwrap();
        let mut commits = Vec::new();
        while let Ok(read) = reader.poll_now() {
            if read.is_empty() {
                break;
            }
            for record in read {
                let envelope = Envelope::decode(&record.value).unwrap();
                commits.push((record.value.len(), decode_commit(&envelope, leaf_hash(&record.value)).unwrap()));
            }
        }
        commits
    }

    /// The newest commit of a service whose first event says `name`.
    pub(crate) fn newest(&self, service: Service, name: &str) -> Commit {
        let mut commits = self.commits(service);
        commits.retain(|(_, commit)| name_of(&commit.events[0]) == name);
        commits.pop().unwrap_or_else(|| panic!("{service} has not said {name}")).1
    }

    /// Every record is within its bound, and what commands decided within theirs.
    pub(crate) fn check_sizes(&self) {
        let mut longest = std::collections::BTreeMap::new();
        for (bytes, commit) in SERVICES.into_iter().flat_map(|service| self.commits(service)) {
            let name = name_of(&commit.events[0]);
            let bound = if commit.cause.is_some() { RECORD_BYTES_MAX } else { COMMAND_BYTES_MAX + 1_024 };
            assert!(bytes <= bound, "{name}: {bytes}");
            let known = longest.entry(name).or_insert((0, 0));
            *known = (*known).max((bytes, commit.events.len()));
        }
        for (name, (bytes, events)) in longest {
            println!("{name:30} {events:4} events {bytes:6} bytes");
        }
    }

    /// Loses the newest commit of a service that says `name`, and all after it; the loss is accepted.
    pub(crate) async fn lose_from(&mut self, service: Service, name: &str) {
        let kept = self.commits(service).iter().rposition(|(_, commit)| name_of(&commit.events[0]) == name).unwrap();
        assert!(kept > 0, "something is kept");
        self.procurement.stop().await;
        self.station.stop().await;
        self.distribution.stop().await;
        self.sales.stop().await;
        let (topic, partition) = (service.topic(), self.partition(service));
        let mut reader = self.log.read(topic, partition, Offset::START).unwrap();
        let mut ends = Vec::new();
        while ends.len() < kept {
            ends.extend(reader.poll_now().unwrap().into_iter().map(|record| record.next));
        }
        self.log.truncate(topic, partition, ends[kept - 1]).unwrap();
        let feed = Feed::new(Arc::new(self.log.clone()));
        let witnesses =
            [self.procurement.witness(), self.station.witness(), self.distribution.witness(), self.sales.witness()];
        let findings = examine(&feed, COUNTY, &witnesses, true).await.unwrap();
        for finding in &findings {
            accept(&feed, finding, NOW).await.unwrap();
        }
        let findings = examine(&feed, COUNTY, &witnesses, true).await.unwrap();
        self.procurement.retire_evidence(&findings);
        self.station.retire_evidence(&findings);
        self.distribution.retire_evidence(&findings);
        self.sales.retire_evidence(&findings);
        self.begin().await;
    }
}

/// What an event is called.
pub(crate) fn name_of(event: &Event) -> &'static str {
    loopledger_wire::type_url(event).rsplit('.').next().unwrap()
}
