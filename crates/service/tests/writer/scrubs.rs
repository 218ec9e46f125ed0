//! The log read again in the background: a byte that the disk changed is found, and named.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use loopledger_event_log::{EventLog, FileLog, FileLogOptions};
use loopledger_service::feed::Feed;
use loopledger_service::metrics::Registry;
use loopledger_service::scrub::{Known, Scrub, ScrubConfig, known_to};
use loopledger_service::writer::{Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore};
use loopledger_types::{Hash, Position, Service};

use crate::peer::{Left, Number};
use crate::world::{COUNTY, add, clock, in_time, stream};

const COMMITS: u64 = 200;
/// Between two passes, and two looks at what they found.
const LOOK: Duration = Duration::from_millis(20);

/// A log of many small segments, and the writer of its only stream.
struct World {
    folder: tempfile::TempDir,
    feed: Feed,
    writer: Writer<Left>,
    metrics: Registry,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = FileLogOptions { partition_count: 1, segment_bytes: 4_096, ..FileLogOptions::default() };
        let (log, _) = FileLog::open(folder.path(), options).unwrap();
        let log: Arc<dyn EventLog> = Arc::new(log);
        let feed = Feed::new(log);
        let store = Arc::new(MemoryStore::<Number>::new(Memory::new()));
        let writer = Writer::<Left>::start(COUNTY, feed.clone(), store, clock(), WriterConfig::default());
        for number in 1..=COMMITS {
            writer.handle().submit(add(number, number, 1), in_time()).await.unwrap();
        }
        Self { folder, feed, writer, metrics: Registry::new() }
    }

    fn scrub(&self, known: Known) -> Scrub {
        let streams = Service::ALL.map(stream).to_vec();
        let config = ScrubConfig { pause: LOOK, rate_min: u64::from(u32::MAX), ..ScrubConfig::default() };
        Scrub::start(self.feed.clone(), streams, known, config, &self.metrics)
    }

    fn known(&self) -> Known {
        known_to(self.writer.handle())
    }

    fn segments(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join(Service::Station.topic().to_string()).join("0");
        let mut segments: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        segments
    }

    /// What it shows, once `line` is among it.
    async fn shows(&self, line: &str) -> String {
        let wait = async {
            loop {
                let shown = self.metrics.render().unwrap();
                if shown.lines().any(|shown| shown == line) {
                    return shown;
                }
                tokio::task::yield_now().await;
            }
        };
        let shown = tokio::time::timeout(Duration::from_mins(1), wait).await;
        shown.unwrap_or_else(|_| panic!("never shown: {line}\n{}", self.metrics.render().unwrap()))
    }
}

fn flip(segment: &Path, at: u64) {
    let mut bytes = std::fs::read(segment).unwrap();
    bytes[usize::try_from(at).unwrap()] ^= 1;
    let mut file = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&bytes[usize::try_from(at).unwrap()..][..1]).unwrap();
}

const DAMAGED: &str = "loopledger_log_damaged{stream=\"station/654224\"} 1";
const WHOLE: &str = "loopledger_log_damaged{stream=\"station/654224\"} 0";

#[tokio::test]
async fn a_flipped_byte_in_an_old_segment_is_found_while_it_serves_and_forgotten_when_repaired() {
    let world = World::new().await;
    assert!(world.segments().len() > 3);
    let _scrub = world.scrub(world.known());
    let shown = world.shows("loopledger_scrub_passes_total 1").await;
    assert!(shown.contains(WHOLE) && shown.contains("loopledger_scrub_damage_total 0"), "{shown}");
    let old = &world.segments()[1];
    flip(old, 100);
    let shown = world.shows(DAMAGED).await;
    assert!(shown.contains("loopledger_log_damaged{stream=\"sales/654224\"} 0"), "{shown}");
    // The stream goes on.
    world.writer.handle().submit(add(COMMITS + 1, 1, 1), in_time()).await.unwrap();
    flip(old, 100);
    world.shows(WHOLE).await;
}

#[tokio::test]
async fn a_commit_that_is_not_the_one_that_was_read_is_damage_although_its_checksum_fits() {
    let world = World::new().await;
    let head = world.writer.handle().heads().get(stream(Service::Station));
    let other = Position { stream: stream(Service::Station), sequence: head.sequence / 2, hash: Hash([7; 32]) };
    let _scrub = world.scrub(Arc::new(move || vec![other]));
    world.shows(DAMAGED).await;
}

#[tokio::test]
async fn a_log_that_is_shorter_than_what_was_read_is_damage() {
    let world = World::new().await;
    let head = world.writer.handle().heads().get(stream(Service::Station));
    let beyond = Position { stream: stream(Service::Station), sequence: head.sequence + 1, hash: head.hash };
    let _scrub = world.scrub(Arc::new(move || vec![beyond]));
    world.shows(DAMAGED).await;
}
