//! Real disks that run full, and have room again: without a restart, nothing that was acknowledged is lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::client::v1::{Await, RecordLine};
use loopledger_scenario::play;
use loopledger_testkit::Brokers;
use loopledger_testkit::wait::until;
use serde_json::Value;
use tokio::runtime::Runtime;
use tonic::Status;
use tonic_types::StatusExt;

use crate::deployment::{Deployment, PROJECTION, client_output, status};
use crate::lines::to_json;
use crate::outage::{DEADLINE, register};
use crate::same_ledger::Embedded;
use crate::small_disk::SmallDisk;

/// The demo in pieces, each recorded when it is wanted.
struct Pieces {
    files: std::vec::IntoIter<PathBuf>,
    last: Option<PathBuf>,
}

impl Pieces {
    const COUNT: usize = 4;

    fn write(folder: &Path) -> Self {
        let lines: Vec<RecordLine> = play(7, 20, 8).collect();
        let pieces = lines.chunks(lines.len().div_ceil(Self::COUNT)).zip(0..);
        let files = pieces.map(|(piece, number)| {
            let path = folder.join(format!("piece-{number}"));
            let last = RecordLine { line: Some(Line::Await(Await::default())) };
            let text: Vec<String> = piece.iter().chain([&last]).map(to_json).collect();
            std::fs::write(&path, text.join("\n")).expect("a file");
            path
        });
        Self { files: files.collect::<Vec<_>>().into_iter(), last: None }
    }

    fn record_next(&mut self, servers: &str) {
        self.last = self.files.next();
        self.record_last_again(servers);
    }

    fn record_last_again(&self, servers: &str) {
        let path = self.last.as_ref().and_then(|path| path.to_str()).expect("a piece that is left");
        client_output(servers, &["record", "--quiet", path]);
    }
}

/// The disks of a service's store and of the projection's: both go on without, and store again.
#[test]
fn programs_go_on_without_their_stores_and_store_again_when_there_is_room() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    let mut pieces = Pieces::write(cluster.folder());
    let small = ["procurement", PROJECTION];
    let disks = small.map(|program| {
        SmallDisk::mount(&cluster.folder().join(format!("{program}-a"))).expect("the right to mount a disk")
    });
    cluster.add_all("a", None);
    let servers = cluster.servers("a");
    pieces.record_next(&servers);
    let shown = |program: &str, name: &str| {
        let labels = [("service", program)];
        cluster.get(program, "a").scrape().value(name, &labels).unwrap_or_else(|| panic!("{name} is not shown"))
    };
    let has_failed = |program: &str| shown(program, "loopledger_store_failed") > 0.0;
    assert!(!small.into_iter().any(has_failed));

    disks.iter().for_each(SmallDisk::fill);
    pieces.record_next(&servers);
    for program in small {
        until("a full disk is noticed", || has_failed(program));
    }
    pieces.record_next(&servers);
    let before = status(&servers);
    assert!(small.into_iter().all(|program| shown(program, "loopledger_serving") > 0.0), "stores are only caches");

    disks.iter().for_each(SmallDisk::clear);
    for program in small {
        until("it stores again", || !has_failed(program) && shown(program, "loopledger_serving") > 0.0);
    }
    assert_eq!(status(&servers), before, "nothing is lost, nothing is there twice");
    let stored = small.map(|program| shown(program, "loopledger_checkpoints_total"));
    pieces.record_next(&servers);
    let before = status(&servers);
    assert_eq!(cluster.ends(), [], "without a restart");

    // What was stored then is good, too, and so is what is folded from nothing.
    for (program, stored) in small.into_iter().zip(stored) {
        until("a checkpoint is written", || shown(program, "loopledger_checkpoints_total") > stored);
        cluster.get(program, "a").kill();
        cluster.get(program, "a").restart();
    }
    cluster.await_ready();
    let servers = cluster.servers("a");
    assert_eq!(status(&servers), before);
    pieces.record_last_again(&servers);
    assert_eq!(status(&servers), before, "the services remember");
    let rebuilt = client_output(&servers, &["rebuild"]);
    assert!(rebuilt.contains(before["ledger_digest"].as_str().expect("a digest")), "{rebuilt}");
    // The programs before their disks.
    for program in small {
        cluster.remove(program, "a");
    }
}

/// Registrations of households before, on and after a full disk.
struct Registrations<'a> {
    runtime: Runtime,
    url: &'a str,
    /// Sequences of the commits that were acknowledged, by number.
    sequences: BTreeMap<u32, u64>,
    /// How many were sent.
    sent: u32,
}

impl<'a> Registrations<'a> {
    /// Sends until there is no room, and some more: each is refused within its deadline, for one of `reasons`.
    fn until_refused(url: &'a str, reasons: &[&str]) -> Self {
        let mut all = Self { runtime: crate::runtime(), url, sequences: BTreeMap::new(), sent: 0 };
        // A little fits into the blocks that are begun.
        while all.send().is_none() {
            assert!(all.sent < 1_000, "not a byte is left");
        }
        for _ in 0..3 {
            let began = Instant::now();
            let refused = all.send().expect("not a byte is left");
            let info = refused.get_details_error_info().expect("a reason");
            assert!(reasons.contains(&info.reason.as_str()), "{refused:?}");
            assert!(began.elapsed() < DEADLINE + Duration::from_secs(1), "{:?}", began.elapsed());
        }
        all
    }

    /// The next one; why it was refused.
    fn send(&mut self) -> Option<Status> {
        self.sent += 1;
        match self.runtime.block_on(register(self.url, self.sent)) {
            Ok(sequence) => {
                self.sequences.insert(self.sent, sequence);
                None
            }
            Err(refused) => Some(refused),
        }
    }

    /// Once there is room: all that were sent are sent again until they are recorded.
    fn are_recorded_once(mut self) {
        for number in 1..=self.sent {
            let mut sequence = 0;
            until("it is recorded", || match self.runtime.block_on(register(self.url, number)) {
                Ok(recorded) => {
                    sequence = recorded;
                    true
                }
                Err(_) => false,
            });
            let earlier = self.sequences.insert(number, sequence);
            assert!(earlier.is_none_or(|earlier| earlier == sequence), "a receipt is for ever");
        }
        let places: Vec<u64> = self.sequences.into_values().collect();
        assert!(places.windows(2).all(|pair| pair[0] + 1 == pair[1]), "in order, and each once: {places:?}");
    }
}

/// The embedded log and every store on one disk.
#[test]
fn a_log_without_space_is_said_in_time_and_written_on_when_there_is_some() {
    let _machine = crate::machine();
    let folder = tempfile::tempdir().expect("a folder");
    let disk = SmallDisk::mount(&folder.path().join("disk")).expect("the right to mount a disk");
    let data = folder.path().join("disk");
    let server = Embedded::start(&data);
    let mut pieces = Pieces::write(folder.path());
    pieces.record_next(&server.url);

    disk.fill();
    let registrations = Registrations::until_refused(&server.url, &["LOG_UNAVAILABLE"]);
    disk.clear();
    registrations.are_recorded_once();
    pieces.record_next(&server.url);
    let before = status(&server.url);
    let rebuilt = client_output(&server.url, &["rebuild"]);
    assert!(rebuilt.contains(before["ledger_digest"].as_str().expect("a digest")), "{rebuilt}");
    // Also after a kill.
    drop(server);
    let server = Embedded::start(&data);
    let after = status(&server.url);
    let heads = |status: &Value| status["streams"].clone();
    assert_eq!((heads(&after), &after["ledger_digest"]), (heads(&before), &before["ledger_digest"]));
    drop(server);
    drop(disk);
}

/// The disk of the only broker. Kafka ends itself then, and has to be started again; nothing else has.
#[test]
fn a_broker_that_ended_on_a_full_disk_has_lost_nothing() {
    let _machine = crate::machine();
    let mut disk = None;
    let brokers = Brokers::start_on(1, |data| {
        disk = Some(SmallDisk::mount(&data.join("broker-1/data")).expect("the right to mount a disk"));
    });
    let disk = disk.expect("a disk");
    let cluster = Deployment::on(brokers);
    cluster.add_all("a", None);
    let servers = cluster.servers("a");
    let mut pieces = Pieces::write(cluster.folder());
    pieces.record_next(&servers);
    let url = cluster.get("procurement", "a").await_ready();

    disk.fill();
    // A broker that is away may have taken what it was sent.
    let registrations = Registrations::until_refused(&url, &["OUTCOME_UNKNOWN", "LOG_UNAVAILABLE"]);
    until("the broker has ended", || !cluster.brokers.runs(1));
    disk.clear();
    cluster.brokers.run(&["start", "1"]);
    registrations.are_recorded_once();
    pieces.record_next(&servers);
    pieces.record_last_again(&servers);
    let (before, rebuilt) = (status(&servers), client_output(&servers, &["rebuild"]));
    assert!(rebuilt.contains(before["ledger_digest"].as_str().expect("a digest")), "{rebuilt}");
    assert_eq!(cluster.ends(), [], "without a restart");
}
