//! A broker that comes back with less than it had acknowledged: no program continues from the shorter log, until it is repaired
//! from what the services still hold.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::Command;

use loopledger_types::Service;
use serde_json::Value;

use crate::chain::Chain;
use crate::deployment::{Deployment, PROGRAMS, client, client_output, partition, status};
use crate::replica::BINARY;

const DEMO: [&str; 5] = ["demo", "--households", "60", "--weeks", "8"];

/// Batches cut from the end of the stations' partition: a bulk stream has several commits in each.
const CUT: usize = 20;

/// Of a batch's header, what stands before the bytes that its length counts: its offset (8 bytes) and the length (4).
const BEFORE_LENGTH: usize = 8;
const HEADER: usize = 12;

/// Cuts the newest batches off a partition's only segment, as a disk that had not kept its promise would.
fn cut(broker: &Path, topic: &str, batches: usize) {
    let directory = broker.join("data").join(format!("{topic}-{}", partition()));
    let segment = directory.join("00000000000000000000.log");
    let bytes = fs::read(&segment).expect("the segment");
    let mut ends = vec![0];
    while let Some(at) = ends.last().copied().filter(|at| at + HEADER <= bytes.len()) {
        let length = bytes[at + BEFORE_LENGTH..at + HEADER].try_into().expect("four bytes");
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 {
            break;
        }
        ends.push(at + HEADER + length);
    }
    assert!(ends.len() > batches + 1, "{} batches", ends.len() - 1);
    let end = ends[ends.len() - 1 - batches];
    OpenOptions::new().write(true).open(&segment).expect("the segment").set_len(end as u64).expect("it is cut");
    // Without these a broker believes what is on disk only after looking at it.
    for entry in fs::read_dir(&directory).expect("the partition") {
        let path = entry.expect("a file").path();
        if path
            .extension()
            .is_some_and(|extension| ["index", "timeindex", "snapshot"].iter().any(|it| extension == *it))
        {
            fs::remove_file(path).expect("it is removed");
        }
    }
    for name in [".kafka_cleanshutdown", "recovery-point-offset-checkpoint"] {
        // A broker writes them when it pleases.
        let _ = fs::remove_file(broker.join("data").join(name));
    }
}

/// Stations' commits in the log.
fn stations(cluster: &Deployment) -> usize {
    let chain = crate::runtime().block_on(Chain::read(cluster.brokers.bootstrap()));
    chain.streams[&Service::Station].len()
}

/// A county whose broker came back with less, its programs ended in good order, so that the stores hold all there was.
struct Shortened {
    cluster: Deployment,
    before: Value,
    /// Stations' commits before and after.
    all: usize,
    kept: usize,
}

impl Shortened {
    fn new() -> Self {
        let cluster = Deployment::new(1);
        cluster.add_all("a", None);
        let servers = cluster.servers("a");
        client_output(&servers, &DEMO);
        let before = status(&servers);
        let all = stations(&cluster);
        for replica in cluster.replicas() {
            replica.end();
        }
        cluster.brokers.run(&["stop", "1"]);
        cut(&cluster.brokers.data().join("broker-1"), &Service::Station.topic().to_string(), CUT);
        cluster.brokers.run(&["start", "1"]);
        let kept = stations(&cluster);
        assert!(kept < all, "{kept} of {all} are left");
        println!("{kept} of {all} commits of the stations are left");
        Self { cluster, before, all, kept }
    }

    /// Starts every program, and waits until each serves or says that it is halted.
    fn start(&self) {
        for replica in self.cluster.replicas() {
            // What it said in an earlier life is not asked.
            replica.forget_words();
            replica.restart();
        }
        self.cluster.await_ready();
    }

    /// Each has halted, and says what is missing; ends them.
    fn every_program_is_halted(&self) {
        let last = format!(" to {}", self.all);
        for program in PROGRAMS {
            let said = self.cluster.get(program, "a").last_words();
            // Without its store it knows only of what the others name.
            let first = format!("commits {}", self.kept + 1);
            assert!(said.contains("is halted: LOST_TAIL") && said.contains(&first), "{program}: {said}");
            assert!(program == "station" || said.contains(&last), "{program}: {said}");
        }
        for replica in self.cluster.replicas() {
            replica.end();
        }
        assert_eq!(stations(&self.cluster), self.kept, "no program has written");
    }

    /// Runs `repair` on a program's folder; what it said.
    fn repair(&self, program: &str, more: &[&str]) -> String {
        let mut repair = Command::new(BINARY);
        repair.args(["repair", "--kafka", self.cluster.brokers.bootstrap()]).args(more).arg("--data");
        let repaired = repair.arg(self.cluster.get(program, "a").data()).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&repaired.stderr).into_owned();
        assert!(repaired.status.success(), "{program}: {said}");
        said
    }
}

#[test]
fn what_a_broker_lost_halts_every_program_until_it_is_appended_again() {
    let _machine = crate::machine();
    let county = Shortened::new();
    let (cluster, missing) = (&county.cluster, format!("{} to {}", county.kept + 1, county.all));
    county.start();
    let servers = cluster.servers("a");
    let refused = client(&servers, &["loop"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("LOST_TAIL"), "{said}");
    let halted = client(&servers, &["status"]);
    let table = String::from_utf8_lossy(&halted.stdout).into_owned();
    assert_eq!(halted.status.code(), Some(1), "{table}");
    assert!(table.contains(&missing) && table.contains("loopledger repair"), "{table}");
    county.every_program_is_halted();

    let said = county.repair("station", &[]);
    assert!(said.contains(&format!("第 {} 至 {} 条", county.kept + 1, county.all)), "{said}");
    assert_eq!(stations(cluster), county.all);
    county.start();
    let after = status(&cluster.servers("a"));
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], county.before[same], "{same}");
    }
    assert_eq!(cluster.ends(), []);
}

#[test]
fn what_no_store_holds_is_accepted_and_sent_again() {
    let _machine = crate::machine();
    let county = Shortened::new();
    let cluster = &county.cluster;
    fs::remove_dir_all(cluster.get("station", "a").data()).expect("its store");
    // The second time it has a store again, of the shorter log.
    for _ in 0..2 {
        county.start();
        county.every_program_is_halted();
    }

    for program in PROGRAMS {
        county.repair(program, &["--accept-loss"]);
    }
    for program in PROGRAMS {
        assert!(county.repair(program, &[]).contains("没有缺失"), "{program}: nothing is left to do");
    }
    county.start();
    let servers = cluster.servers("a");
    client_output(&servers, &DEMO);
    assert_eq!(status(&servers)["ledger_digest"], county.before["ledger_digest"]);
    assert_eq!(cluster.ends(), []);
}
