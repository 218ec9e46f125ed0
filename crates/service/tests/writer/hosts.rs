//! Many counties in one process: they come to life when something concerns them, rest otherwise, and share nothing but
//! their partition.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loopledger_event_log::{Decorator, EventLog, LogReader, MemoryLog, Offset, ReadError};
use loopledger_service::feed::Feed;
use loopledger_service::grpc::Hosting as _;
use loopledger_service::host::{HostConfig, Parking, Running};
use loopledger_service::metrics::{Readiness, Registry};
use loopledger_service::writer::{WriterConfig, WriterHandle};
use loopledger_testkit::Exposition;
use loopledger_types::{CountyCode, Partition, Service, StreamId, Topic};
use loopledger_wire::Failure;

use crate::peer::{Command, Key, Left, Right};
use crate::world::{add, clock, in_time, write};

const COUNTIES: u32 = 30;
const KEEP: usize = 3;

/// Counts its readers.
#[derive(Debug, Clone)]
struct Log {
    inner: MemoryLog,
    readers: Arc<AtomicUsize>,
}

impl Decorator for Log {
    fn inner(&self) -> &dyn EventLog {
        &self.inner
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        self.readers.fetch_add(1, Ordering::Relaxed);
        self.inner.read(topic, partition, from)
    }
}

impl Log {
    fn new(partitions: u32) -> Self {
        Self { inner: MemoryLog::new(partitions), readers: Arc::default() }
    }

    fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }
}

fn county(number: u32) -> CountyCode {
    CountyCode::parse(&format!("65{number:04}")).unwrap()
}

fn of(service: Service, number: u32) -> StreamId {
    StreamId { service, county: county(number) }
}

/// Both services of one process.
struct Process {
    feed: Feed,
    left: Running<Left>,
    right: Running<Right>,
}

async fn start(log: &Log, data: &Path) -> Process {
    let feed = Feed::new(Arc::new(log.clone()));
    let parking = Parking { keep: KEEP, after: Duration::from_secs(10), every: Duration::from_secs(1) };
    let counties = (0..COUNTIES).map(county).collect();
    let config = HostConfig {
        counties,
        data: Some(data.to_path_buf()),
        writer: WriterConfig::default(),
        standby: BTreeSet::new(),
        parking,
    };
    let beginning = feed.beginning();
    let left = Running::start(&feed, clock(), config.clone()).await.unwrap();
    let right = Running::start(&feed, clock(), config).await.unwrap();
    drop(beginning);
    assert!(left.host().caught_up().await.is_empty() && right.host().caught_up().await.is_empty());
    Process { feed, left, right }
}

impl Process {
    async fn left(&self, number: u32) -> WriterHandle<Left> {
        self.left.host().writer(county(number)).await.unwrap()
    }

    /// A deposit, and a question that the other side answers.
    async fn deal(&self, number: u32, request: u64) {
        let left = self.left(number).await;
        left.submit(add(request, 1, i64::from(number) + 1), in_time()).await.unwrap();
        left.submit(write(request + 1, Command::Ask { number: request }), in_time()).await.unwrap();
    }

    /// Waits until the last question is answered.
    async fn settle(&self, number: u32, commits: u64) {
        let mut left = self.left(number).await;
        while left.heads().get(of(Service::Station, number)).sequence < commits {
            left.heads_changed().await;
        }
    }

    async fn balance(&self, number: u32) -> i64 {
        let keys = vec![Key::Account(1)];
        let ask = |state: &loopledger_domain::State<Left>| {
            state.entities.get(&Key::Account(1)).map_or(0, |number| number.value)
        };
        self.left(number).await.query(keys, in_time(), ask).await.unwrap().0
    }

    async fn end(self) {
        for health in self.left.shut_down().await.into_iter().chain(self.right.shut_down().await) {
            assert!(matches!(health, loopledger_service::writer::Health::Stopped), "{health:?}");
        }
    }
}

fn shown<D: loopledger_domain::Decider>(running: &Running<D>, name: &str) -> usize
where
    D::Entity: loopledger_state_store::Mirror,
{
    let registry = Registry::new();
    registry.add(running.host().clone());
    let shown = Exposition::parse(&registry.render().unwrap()).unwrap();
    let service = D::SERVICE.as_str();
    let value = shown.value(name, &[("service", service)]);
    value.unwrap_or_else(|| panic!("{name} of {service} is not shown")).to_string().parse().unwrap()
}

/// Time passes until idle counties are parked.
async fn rest() {
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn counties_come_to_life_rest_and_come_to_life_again() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new(1));
    let process = start(&log, folder.path()).await;
    assert_eq!(shown(&process.left, "loopledger_live_counties"), 0);
    assert_eq!(*process.left.host().readiness().borrow(), Readiness::Able);
    for number in 0..COUNTIES {
        // The same ids in every county.
        process.deal(number, 1).await;
    }
    for number in 0..COUNTIES {
        process.settle(number, 3).await;
    }
    assert_eq!(shown(&process.right, "loopledger_live_counties"), COUNTIES as usize, "a question woke each");
    // One reader for each of the two topics, however many counties are read.
    assert_eq!(log.readers(), 2);
    rest().await;
    for live in [shown(&process.left, "loopledger_live_counties"), shown(&process.right, "loopledger_live_counties")] {
        assert_eq!(live, KEEP);
    }
    assert_eq!(shown(&process.left, "loopledger_commits_total"), COUNTIES as usize * 3, "what ended writers counted");
    for number in 0..COUNTIES {
        assert_eq!(process.balance(number).await, i64::from(number) + 1);
        process.deal(number, 101).await;
        process.settle(number, 6).await;
        assert_eq!(process.balance(number).await, 2 * (i64::from(number) + 1));
    }
    assert_eq!(log.readers(), 2, "what rests is followed on without a look at the log");
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_costs_nothing_for_counties_at_rest() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new(1));
    let process = start(&log, folder.path()).await;
    for number in 0..COUNTIES {
        process.deal(number, 1).await;
        process.settle(number, 3).await;
    }
    process.end().await;

    let before = log.readers();
    let process = start(&log, folder.path()).await;
    assert_eq!(shown(&process.left, "loopledger_live_counties"), 0);
    process.settle(7, 3).await;
    assert_eq!(process.balance(7).await, 8);
    assert_eq!(shown(&process.left, "loopledger_foreign_commits_total"), 0, "nothing is read again");
    // The mark of each topic is looked up by both services, and then each topic is read once.
    assert!(log.readers() - before <= 6, "{} readers", log.readers() - before);
    process.deal(7, 101).await;
    process.settle(7, 6).await;
    process.end().await;
}

/// A process that dies has counties of which more is in the log than in their checkpoints.
#[tokio::test(start_paused = true)]
async fn what_a_killed_process_left_open_is_finished_by_the_next() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new(2));
    let process = start(&log, &folder.path().join("data")).await;
    for number in 0..COUNTIES {
        process.deal(number, 1).await;
        process.settle(number, 3).await;
    }
    rest().await;
    // Some are in the middle of something.
    for number in 5..10 {
        process.deal(number, 101).await;
    }
    drop(process);
    // What was not synced stays with the process that is gone, and so does its lock.
    let copy = folder.path().join("copy");
    let copied =
        std::process::Command::new("cp").arg("-r").arg(folder.path().join("data")).arg(&copy).status().unwrap();
    assert!(copied.success());
    let process = start(&log, &copy).await;
    for number in 5..10 {
        let mut heads = process.feed.follow(of(Service::Station, number));
        while heads.head().sequence < 6 {
            heads.next().await.unwrap();
        }
    }
    for number in 0..COUNTIES {
        let times = if (5..10).contains(&number) { 2 } else { 1 };
        assert_eq!(process.balance(number).await, times * (i64::from(number) + 1), "county {number}");
    }
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_gone_is_rebuilt_with_all_counties_of_its_partition_and_no_other() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new(2));
    let process = start(&log, folder.path()).await;
    for number in 0..COUNTIES {
        process.deal(number, 1).await;
        process.settle(number, 3).await;
    }
    let partition = |number| process.feed.partition(of(Service::Station, number));
    let here = partition(0);
    let in_it: Vec<u32> = (0..COUNTIES).filter(|number| partition(*number) == here).collect();
    assert!((1..COUNTIES as usize).contains(&in_it.len()));
    process.end().await;
    std::fs::remove_dir_all(folder.path().join(format!("station/partition-{}", here.0))).unwrap();
    let process = start(&log, folder.path()).await;
    for number in 0..COUNTIES {
        assert_eq!(process.balance(number).await, i64::from(number) + 1);
    }
    let replayed = shown(&process.left, "loopledger_foreign_commits_total");
    assert_eq!(replayed, 3 * in_it.len());
    process.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_county_that_is_not_hosted_is_named() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::new(1));
    let process = start(&log, folder.path()).await;
    let elsewhere = CountyCode::parse("110101").unwrap();
    let refused = process.left.host().writer(elsewhere).await.unwrap_err();
    assert!(matches!(refused, Failure::CountyNotHosted { county, .. } if county == elsewhere), "{refused:?}");
    assert_eq!(process.left.host().only(), None, "a request must say which it means");
    process.end().await;
}
