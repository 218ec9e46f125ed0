//! What the tests stand on: a county, a log, stores that survive their writers, and ways to look at all of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use loopledger_chain::{Envelope, leaf_hash};
use loopledger_domain::{Commit, Decider, State, Subject};
use loopledger_event_log::{EventLog, MemoryLog, Record};
use loopledger_service::clock::{Clock, ManualClock};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Halt, Health, WriteError, Writer, WriterConfig, WriterHandle};
use loopledger_state_store::{Memory, MemoryStore, Mirror, ServiceStore};
use loopledger_types::{
    CountyCode, Hash, Key as LogKey, Partition, Position, RequestId, Service, StreamId, Timestamp, partition_of,
};
use loopledger_wire::{Created, Write};
use tokio::time::Instant;

use crate::peer::{Command, Key, Number};

pub(crate) const COUNTY: CountyCode = CountyCode::TUOLI;

pub(crate) fn stream(service: Service) -> StreamId {
    StreamId { service, county: COUNTY }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp { seconds: 1_767_225_600, nanos: 0 }))
}

/// A writer that begins with what `memory` remembers.
pub(crate) fn start<D>(log: &MemoryLog, memory: &Memory, config: WriterConfig) -> Writer<D>
where
    D: Decider<Entity = Number>,
    D::Entity: Mirror,
{
    start_with(log, memory, config, clock())
}

pub(crate) fn start_with<D>(log: &MemoryLog, memory: &Memory, config: WriterConfig, clock: Arc<dyn Clock>) -> Writer<D>
where
    D: Decider<Entity = Number>,
{
    let store: Arc<dyn ServiceStore<Number>> = Arc::new(MemoryStore::<Number>::new(memory.clone()));
    Writer::start(COUNTY, Feed::new(Arc::new(log.clone())), store, clock, config)
}

/// The same on a feed that it shares with other programs.
pub(crate) fn start_on<D>(feed: &Feed, memory: &Memory) -> Writer<D>
where
    D: Decider<Entity = Number>,
{
    let store: Arc<dyn ServiceStore<Number>> = Arc::new(MemoryStore::<Number>::new(memory.clone()));
    Writer::start(COUNTY, feed.clone(), store, clock(), WriterConfig::default())
}

pub(crate) fn request(number: u64) -> RequestId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[6] = 0x40;
    bytes[8] = 0x80;
    bytes[8..].copy_from_slice(&(number | 1 << 63).to_be_bytes());
    RequestId(bytes)
}

/// A write whose digest follows from its command.
pub(crate) fn write(number: u64, command: Command) -> Write<Command> {
    let mut digest = [0; 32];
    let text = format!("{command:?}");
    for (slot, byte) in digest.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
    Write { request_id: request(number), digest, after: Vec::new(), created: Created::default(), command, county: None }
}

pub(crate) fn after(mut write: Write<Command>, positions: Vec<Position>) -> Write<Command> {
    write.after = positions;
    write
}

pub(crate) fn add(number: u64, account: u64, amount: i64) -> Write<Command> {
    write(number, Command::Add { account, amount })
}

pub(crate) fn in_time() -> Option<Instant> {
    Instant::now().checked_add(Duration::from_mins(10))
}

/// Every commit of the stream in the log now.
pub(crate) async fn commits(log: &MemoryLog, service: Service) -> Vec<Arc<Commit>> {
    let stream = stream(service);
    let topic = service.topic();
    let end = log.end(topic, partition_of(LogKey(COUNTY), log.partition_count(topic))).await.unwrap();
    let feed = Feed::new(Arc::new(log.clone()));
    let mut follower = feed.follow(stream);
    follower.wake_at(end);
    let mut all = Vec::new();
    while follower.next_offset() < end {
        all.extend(follower.next().await.unwrap().commits.into_iter().map(|admitted| admitted.commit));
    }
    for (commit, sequence) in all.iter().zip(1..) {
        assert_eq!(commit.sequence, sequence, "sequences have no gap");
    }
    all
}

/// The state that the log says there is.
pub(crate) fn fold<D: Decider<Entity = Number>>(
    own: &[Arc<Commit>],
    upstream: &[Arc<Commit>],
) -> BTreeMap<Key, Number> {
    let mut state = State::<D>::new(COUNTY);
    for commit in upstream {
        assert!(D::keys(&state, Subject::Upstream(commit)).is_empty());
        D::apply_upstream(&mut state, commit);
    }
    for commit in own {
        state.evolve(commit);
        state.entities.confirm();
    }
    all(&state)
}

pub(crate) fn all<D: Decider<Entity = Number>>(state: &State<D>) -> BTreeMap<Key, Number> {
    state.entities.sorted().into_iter().map(|(key, number)| (*key, number.clone())).collect()
}

/// The writer's state, with everything that it has ever stored in memory.
pub(crate) async fn state<D>(handle: &WriterHandle<D>, keys: impl IntoIterator<Item = Key>) -> BTreeMap<Key, Number>
where
    D: Decider<Entity = Number>,
{
    handle.query(keys.into_iter().collect(), in_time(), |state: &State<D>| all(state)).await.unwrap().0
}

/// Less than anything that is waited for.
pub(crate) const STEP: Duration = Duration::from_millis(50);
/// After so many turns no task has anything left to do.
const TURNS: usize = 20;

/// Moves the clock, which stands still by itself, and lets everybody do what is due meanwhile.
pub(crate) async fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        tokio::time::advance(STEP).await;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) async fn halted<D: Decider>(handle: &WriterHandle<D>) -> Halt {
    match handle.serving().await {
        Err(WriteError::Halted(halt)) => halt,
        other => panic!("{other:?}"),
    }
}

/// Waits until the writer has halted after it served.
pub(crate) async fn halts<D: Decider>(handle: &WriterHandle<D>) -> Halt {
    let mut health = handle.health();
    loop {
        if let Health::Halted(halt) = &*health.borrow_and_update() {
            return halt.clone();
        }
        health.changed().await.unwrap();
    }
}

pub(crate) fn partition(log: &MemoryLog, service: Service) -> Partition {
    partition_of(LogKey(COUNTY), log.partition_count(service.topic()))
}

/// Appends an admissible commit whose event no program knows.
pub(crate) async fn append_unknown(log: &MemoryLog, service: Service, sequence: u64, previous_hash: Hash) -> Hash {
    let mut value = Vec::new();
    Envelope {
        stream: stream(service),
        sequence,
        previous_hash,
        request_id: &request(77_777).to_string(),
        request_digest: [0; 32],
        cause: None,
        actor: None,
        recorded_at: Timestamp { seconds: 1_767_225_601, nanos: 0 },
        events: vec![loopledger_chain::AnyRef {
            type_url: "type.googleapis.com/loopledger.station.event.v1.GoodsTeleported",
            value: &[],
        }],
        upstream: Vec::new(),
    }
    .encode(&mut value);
    let hash = leaf_hash(&value);
    let record = Record { key: LogKey(COUNTY), headers: Vec::new(), value: value.into() };
    log.append(service.topic(), partition(log, service), vec![record]).await.pop().unwrap().unwrap();
    hash
}
