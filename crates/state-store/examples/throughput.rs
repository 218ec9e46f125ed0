//! How fast a store takes checkpoints, opens, loads and answers. `cargo run --profile dist --example throughput [commits]`
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
use loopledger_state_store::{Checkpoint, Mirror, Progress, RequestRecord, ServiceStore, SledStore};
use loopledger_types::{CountyCode, Hash, Head, RequestId, Service, StreamId, Timestamp};

const STREAM: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };
/// What a writer cuts under load: 6,144 changes.
const COMMITS_PER_CHECKPOINT: u64 = 2_048;
/// A lot is closed this many commits after it was opened.
const OPEN_LOTS: u64 = 200_000;

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

fn checkpoint(from: u64) -> Checkpoint<Lot> {
    let commits = from..from + COMMITS_PER_CHECKPOINT;
    let opened =
        commits.clone().map(|n| (n, Some(Lot { body: vec![n as u8; 150 + spread(n) as usize % 100], closed: false })));
    let closed = commits.clone().filter_map(|n| n.checked_sub(OPEN_LOTS));
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

fn main() {
    let commits: u64 = std::env::args().nth(1).map_or(500_000, |text| text.parse().unwrap());
    let directory = tempfile::tempdir_in(".").unwrap();
    let path = directory.path().join("store");
    let (store, _) = SledStore::<Lot>::open(&path, STREAM, None).unwrap();
    let mut waited = 0_u64;
    let before = used();
    let start = Instant::now();
    for from in (0..commits).step_by(COMMITS_PER_CHECKPOINT as usize) {
        let next = checkpoint(from);
        while !store.has_room() {
            waited += 1;
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        store.submit(next).unwrap();
    }
    store.flush().unwrap();
    let took = start.elapsed();
    println!(
        "write: {commits} commits, {:.0} commits/s, {waited} waits, {}",
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
    store.close().unwrap();
    drop(store);
    println!("closed after {:?}; disk {} MB; {}", start.elapsed(), disk(&path) / 1_000_000, memory());

    let start = Instant::now();
    let (store, report) = SledStore::<Lot>::open(&path, STREAM, None).unwrap();
    println!("open: {:?} {report:?}", start.elapsed());
    let start = Instant::now();
    let open = store.load_open().unwrap();
    println!("load_open: {} in {:?}; {}", open.len(), start.elapsed(), memory());
    let start = Instant::now();
    let found = (0..100_000).filter(|n| store.request(request(commits + n)).unwrap().is_some()).count();
    println!("100,000 misses ({found} found): {:?}", start.elapsed());
    let start = Instant::now();
    let found = (0..20_000).filter(|n| store.request(request(spread(*n) % commits)).unwrap().is_some()).count();
    println!("20,000 hits ({found} found): {:?}; {}", start.elapsed(), memory());
    let start = Instant::now();
    println!("tail: {} in {:?}", store.tail().unwrap().len(), start.elapsed());
}
