//! Real disks that run full, and have room again: nobody restarts anything, and nothing that was acknowledged is lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use loopledger::demo::play;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::client::v1::{Await, RecordLine};
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::deployment::{Deployment, PROJECTION, status, told};
use crate::lines::to_json;
use crate::outage::{DEADLINE, register};
use crate::same_ledger::Embedded;
use crate::small_disk::SmallDisk;
use crate::wait::until;

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
        told(servers, &["record", "--quiet", path]);
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
        let labels = [("county", "654224"), ("service", program)];
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
    let rebuilt = told(&servers, &["rebuild"]);
    assert!(rebuilt.contains(before["ledger_digest"].as_str().expect("a digest")), "{rebuilt}");
    // The programs before their disks.
    for program in small {
        cluster.remove(program, "a");
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
    let runtime = crate::runtime();
    let mut pieces = Pieces::write(folder.path());
    pieces.record_next(&server.url);
    let mut sequences = BTreeMap::new();

    disk.fill();
    // A little fits into the blocks that are begun.
    let is_refused = |number: &u32| match runtime.block_on(register(&server.url, *number)) {
        Ok(sequence) => {
            sequences.insert(*number, sequence);
            false
        }
        Err(refused) => {
            said_so(&refused);
            true
        }
    };
    let first = (1..1_000).find(is_refused).expect("not a byte is left");
    for number in first..first + 3 {
        let began = Instant::now();
        said_so(&runtime.block_on(register(&server.url, number)).expect_err("not a byte is left"));
        assert!(began.elapsed() < DEADLINE + Duration::from_secs(1), "{:?}", began.elapsed());
    }
    disk.clear();
    for number in 1..first + 3 {
        let mut sequence = 0;
        until("it is recorded", || match runtime.block_on(register(&server.url, number)) {
            Ok(recorded) => {
                sequence = recorded;
                true
            }
            Err(_) => false,
        });
        let earlier = sequences.insert(number, sequence);
        assert!(earlier.is_none_or(|earlier| earlier == sequence), "a receipt is for ever");
    }
    let places: Vec<u64> = sequences.into_values().collect();
    assert!(places.windows(2).all(|pair| pair[0] + 1 == pair[1]), "in order, and each once: {places:?}");
    pieces.record_next(&server.url);
    let before = status(&server.url);
    let rebuilt = told(&server.url, &["rebuild"]);
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

fn said_so(refused: &Status) {
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert_eq!(refused.get_details_error_info().expect("a reason").reason, "LOG_UNAVAILABLE", "{refused:?}");
}
