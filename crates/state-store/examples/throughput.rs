//! How fast a store takes checkpoints, opens, loads and answers, with one stream or with many that take turns:
//! `cargo run --release -p loopledger-state-store --example throughput -- [--streams N] [COMMITS]`
#![allow(clippy::print_stdout, reason = "a measurement prints what it measured")]
#![allow(clippy::float_arithmetic, reason = "a measurement divides")]
#![allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a measurement divides"
)]
#![allow(clippy::arithmetic_side_effects, reason = "small counts")]
#![allow(clippy::unwrap_used, reason = "a measurement may stop")]

use std::time::Instant;

use loopledger_domain::Entity;
use loopledger_state_store::{
    Checkpoint, Mirror, Options, PageStore, Progress, RequestRecord, ServiceStore, SledStore, Store, stream_key,
};
use loopledger_types::{CountyCode, Hash, Head, RequestId, Service, StreamId, Timestamp};

/// What a writer cuts under load: 6,144 changes.
const COMMITS_PER_CHECKPOINT: u64 = 2_048;
/// What it cuts at least where many share the load: one a second, as a writer with that few commits does.
const COMMITS_PER_CHECKPOINT_MIN: u64 = 256;
/// A lot is closed this many commits after it was opened, in all streams together.
const OPEN_LOTS: u64 = 200_000;

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Load {
    commits: u64,
    streams: u64,
}

impl Load {
    fn from_arguments() -> Self {
        let mut load = Self { commits: 500_000, streams: 1 };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--streams" => load.streams = arguments.next().unwrap().parse().unwrap(),
                commits => load.commits = commits.parse().unwrap(),
            }
        }
        load
    }

    const fn commits_of_one(self) -> u64 {
        self.commits / self.streams
    }

    fn commits_per_checkpoint(self) -> u64 {
        (COMMITS_PER_CHECKPOINT / self.streams).max(COMMITS_PER_CHECKPOINT_MIN)
    }

    fn stream(number: u64) -> StreamId {
        let county = CountyCode::parse(&(650_000 + number).to_string()).unwrap();
        StreamId { service: Service::Station, county }
    }
}

/// Opened: as large as a collection with its lines. Closed: small.
#[derive(Debug, Clone, PartialEq)]
struct Lot {
    body: Vec<u8>,
    closed: bool,
}

impl Entity for Lot {
    type Key = u64;

    fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Mirror for Lot {
    const SCHEMA: u16 = 1;

    fn encode_key(key: &u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&spread(*key).to_be_bytes());
        out.extend_from_slice(&key.to_be_bytes());
    }

    fn decode_key(bytes: &[u8]) -> Option<u64> {
        bytes.last_chunk().map(|chunk| u64::from_be_bytes(*chunk))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.closed));
        out.extend_from_slice(&self.body);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (closed, body) = bytes.split_first()?;
        Some(Self { body: body.to_vec(), closed: *closed == 1 })
    }
}

fn spread(n: u64) -> u64 {
    (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn request(n: u64) -> RequestId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&spread(n).to_be_bytes());
    id[8..].copy_from_slice(&n.to_be_bytes());
    RequestId(id)
}

/// Commits of one stream, as a writer cuts them.
fn checkpoint(commits: core::ops::Range<u64>, open_lots: u64) -> Checkpoint<Lot> {
    let opened =
        commits.clone().map(|n| (n, Some(Lot { body: vec![n as u8; 150 + spread(n) as usize % 100], closed: false })));
    let closed = commits.clone().filter_map(|n| n.checked_sub(open_lots));
    let closed = closed.map(|n| (n, Some(Lot { body: vec![n as u8; 40], closed: true })));
    let record = |n| RequestRecord { request_id: request(n), digest: [1; 32], sequence: n + 1, hash: Hash([2; 32]) };
    Checkpoint {
        progress: Progress {
            head: Head { sequence: commits.end, hash: Hash([3; 32]) },
            offset: commits.end,
            recorded_at: Timestamp { seconds: 1_760_000_000, nanos: 0 },
            newest: None,
            referenced: 0,
            upstream: Vec::new(),
        },
        entities: opened.chain(closed).collect(),
        requests: commits.clone().map(record).collect(),
        tail: commits.map(|n| (n + 1, vec![7; 514].into())).collect(),
        orphans: Vec::new(),
    }
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    format!("{} {}", line("VmRSS"), line("VmHWM"))
}

/// CPU of all threads but this one, and bytes handed to the kernel's write calls and to the disk.
fn used() -> (f64, u64, u64) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let stat = read("/proc/self/stat");
    let ticks = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    let all: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
    let own: u64 = read("/proc/thread-self/schedstat").split_whitespace().next().unwrap().parse().unwrap();
    let io = read("/proc/self/io");
    let field = |name: &str| {
        let line = io.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    (all as f64 / 100.0 - own as f64 / 1e9, field("wchar"), field("write_bytes"))
}

fn disk(directory: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                disk(&entry.path())
            } else {
                std::os::unix::fs::MetadataExt::blocks(&entry.metadata().unwrap()) * 512
            }
        })
        .sum()
}

fn open(path: &std::path::Path, load: Load) -> Vec<SledStore<Lot>> {
    let options = SledStore::<Lot>::options("partition 7", None);
    // Of many streams each has little to write: a batch of each may wait.
    let queue = if load.streams == 1 { options.queue } else { 1 };
    let (store, report) = PageStore::open(path, &Options { queue, ..options }).unwrap();
    assert_eq!(report.moved_aside, None);
    (0..load.streams).map(|number| Store::over(store.stream(stream_key(Load::stream(number))))).collect()
}

/// Every stream's commits, the streams by turns.
fn write(stores: &[SledStore<Lot>], load: Load) -> u64 {
    let mut waited = 0_u64;
    let open_lots = OPEN_LOTS / load.streams;
    for from in (0..load.commits_of_one()).step_by(load.commits_per_checkpoint() as usize) {
        let to = load.commits_of_one().min(from + load.commits_per_checkpoint());
        for store in stores {
            let next = checkpoint(from..to, open_lots);
            while !store.has_room() {
                waited += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            store.submit(next).unwrap();
        }
    }
    stores.first().unwrap().flush().unwrap();
    waited
}

fn main() {
    let load = Load::from_arguments();
    let commits = load.commits_of_one() * load.streams;
    let directory = tempfile::tempdir_in(".").unwrap();
    let path = directory.path().join("store");
    let stores = open(&path, load);
    let before = used();
    let start = Instant::now();
    let waited = write(&stores, load);
    let took = start.elapsed();
    println!(
        "write: {commits} commits of {} streams, {:.0} commits/s, {waited} waits, {}",
        load.streams,
        commits as f64 / took.as_secs_f64(),
        memory()
    );
    let after = used();
    println!(
        "CPU of the store: {:.2} us/commit; written {} bytes/commit, {} to disk",
        (after.0 - before.0) * 1e6 / commits as f64,
        (after.1 - before.1) / commits,
        (after.2 - before.2) / commits
    );
    stores.first().unwrap().close().unwrap();
    drop(stores);
    println!("closed after {:?}; disk {} MB; {}", start.elapsed(), disk(&path) / 1_000_000, memory());

    let start = Instant::now();
    let stores = open(&path, load);
    println!("open: {:?}", start.elapsed());
    read(&stores, load);
}

/// The streams by turns.
fn read(stores: &[SledStore<Lot>], load: Load) {
    let one = |n: u64| stores.get((n % load.streams) as usize).unwrap();
    let start = Instant::now();
    let open: usize = stores.iter().map(|store| store.load_open().unwrap().len()).sum();
    println!("load_open: {open} in {:?}; {}", start.elapsed(), memory());
    let start = Instant::now();
    let misses = 0..100_000;
    let found = misses.filter(|n| one(*n).request(request(load.commits + n)).unwrap().is_some()).count();
    println!("100,000 misses ({found} found): {:?}", start.elapsed());
    let start = Instant::now();
    let hit = |n: u64| one(n).request(request(spread(n) % load.commits_of_one())).unwrap().is_some();
    let found = (0..20_000).filter(|n| hit(*n)).count();
    println!("20,000 hits ({found} found): {:?}; {}", start.elapsed(), memory());
    let start = Instant::now();
    let records: usize = stores.iter().map(|store| store.tail().unwrap().len()).sum();
    println!("tail: {records} in {:?}", start.elapsed());
}
