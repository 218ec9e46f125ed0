//! A writer's store under the bulk load, on disk: checkpoints as fast as it takes them. What it costs besides time is
//! printed at the end: CPU of the store's threads (all but this one) and bytes written, for each commit.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loopledger_domain::Entity;
use loopledger_state_store::{Checkpoint, Mirror, Progress, RequestRecord, ServiceStore, SledStore};
use loopledger_types::{CountyCode, Hash, Head, RequestId, Service, StreamId, Timestamp};

const STREAM: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };
/// What a writer cuts under load (6,144 changes), and twice that.
const CHECKPOINTS: [u64; 2] = [2_048, 4_096];
/// An entity is changed, to a small one, this many commits after it was made.
const CHANGED_AFTER: u64 = 200_000;
/// Bytes of a raw commit, as in the demo.
const RECORD_BYTES: usize = 514;
/// How long to wait for room.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, PartialEq)]
struct Lot {
    closed: bool,
    body: Vec<u8>,
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
        Some(Self { closed: *closed == 1, body: body.to_vec() })
    }
}

/// Ids are hashes: neighbours in time lie far apart.
const fn spread(n: u64) -> u64 {
    (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn request_id(n: u64) -> RequestId {
    RequestId(((u128::from(spread(n)) << 64) | u128::from(n)).to_be_bytes())
}

/// For each commit a new entity of 150 to 250 bytes, a changed small one, a request and the raw bytes.
fn checkpoint(from: u64, count: u64) -> Checkpoint<Lot> {
    let end = from.saturating_add(count);
    let made = |n: u64| {
        let length = usize::from(spread(n).to_be_bytes()[0]).clamp(150, 250);
        (n, Some(Lot { closed: false, body: vec![1; length] }))
    };
    let changed = (from..end).filter_map(|n| n.checked_sub(CHANGED_AFTER));
    let changed = changed.map(|n| (n, Some(Lot { closed: true, body: vec![2; 40] })));
    let request =
        |n: u64| RequestRecord { request_id: request_id(n), digest: [1; 32], sequence: n, hash: Hash([2; 32]) };
    Checkpoint {
        progress: Progress {
            head: Head { sequence: end, hash: Hash([3; 32]) },
            offset: end,
            recorded_at: Timestamp { seconds: 1_760_000_000, nanos: 0 },
            newest: None,
            referenced: 0,
            upstream: Vec::new(),
        },
        entities: (from..end).map(made).chain(changed).collect(),
        requests: (from..end).map(request).collect(),
        tail: (from..end).map(|n| (n.saturating_add(1), vec![7; RECORD_BYTES].into())).collect(),
        orphans: Vec::new(),
    }
}

/// What the process used so far: CPU of all threads but this one in microseconds, and bytes given to be written.
fn used() -> (u64, u64) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let stat = read("/proc/self/stat");
    // User and system time, in hundredths of a second.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let all = number(fields.next()).saturating_add(number(fields.next())).saturating_mul(10_000);
    let own = number(read("/proc/thread-self/schedstat").split_whitespace().next()) / 1_000;
    let io = read("/proc/self/io");
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    (all.saturating_sub(own), number(written))
}

fn state_store(c: &mut Criterion) {
    let mut group = c.benchmark_group("state store");
    for count in CHECKPOINTS {
        let directory = tempfile::tempdir_in(".").expect("a folder");
        let (store, _) = SledStore::<Lot>::open(&directory.path().join("store"), STREAM, None).expect("a store");
        let mut commits = 0;
        let before = used();
        group.throughput(Throughput::Elements(count)).sample_size(10).measurement_time(Duration::from_secs(10));
        group.bench_function(format!("checkpoint of {count} commits"), |b| {
            b.iter_custom(|iterations| {
                let start = Instant::now();
                for _ in 0..iterations {
                    let next = checkpoint(commits, count);
                    while !store.has_room() {
                        std::thread::sleep(PAUSE);
                    }
                    store.submit(next).expect("room");
                    commits = commits.saturating_add(count);
                }
                store.flush().expect("written");
                start.elapsed()
            });
        });
        let after = used();
        let each = |after: u64, before: u64| after.saturating_sub(before).checked_div(commits).unwrap_or_default();
        let nanoseconds = each(after.0.saturating_mul(1_000), before.0.saturating_mul(1_000));
        eprintln!("{commits} commits: {nanoseconds} ns of CPU and {} bytes written for each", each(after.1, before.1));
        store.close().expect("closed");
    }
    group.finish();
}

criterion_group!(benches, state_store);
criterion_main!(benches);
