//! A broker that comes back with less than it had acknowledged: nobody goes on from the shorter log, until it is mended
//! from what the services still hold.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::Command;

use loopledger_types::Service;

use crate::chain::Chain;
use crate::deployment::{Deployment, PROGRAMS, client, partition, status, told};
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

#[test]
fn what_a_broker_lost_halts_everybody_until_it_is_appended_again() {
    let _machine = crate::machine();
    let cluster = Deployment::new(1);
    cluster.add_all("a", None);
    let servers = cluster.servers("a");
    told(&servers, &DEMO);
    let before = status(&servers);
    let all = stations(&cluster);
    // In good order, so that the stores hold all there is.
    for replica in cluster.replicas() {
        replica.end();
    }

    cluster.brokers.run(&["stop", "1"]);
    cut(&cluster.brokers.data().join("broker-1"), &Service::Station.topic().to_string(), CUT);
    cluster.brokers.run(&["start", "1"]);
    let kept = stations(&cluster);
    assert!(kept < all, "{kept} of {all} are left");
    println!("{kept} of {all} commits of the stations are left");

    for replica in cluster.replicas() {
        replica.restart();
    }
    cluster.await_ready();
    let lost = format!("commits {} to {all}", kept + 1);
    for program in PROGRAMS {
        let said = cluster.get(program, "a").last_words();
        assert!(said.contains("is halted: LOST_TAIL") && said.contains(&lost), "{program}: {said}");
    }
    let servers = cluster.servers("a");
    let refused = client(&servers, &["loop"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("LOST_TAIL"), "{said}");
    let halted = told(&servers, &["status"]);
    assert!(halted.contains(&lost) && halted.contains("loopledger repair"), "{halted}");
    for replica in cluster.replicas() {
        replica.end();
    }
    assert_eq!(stations(&cluster), kept, "nobody has written");

    let mut repair = Command::new(BINARY);
    repair.args(["repair", "--kafka", cluster.brokers.bootstrap(), "--data"]).arg(cluster.get("station", "a").data());
    let repaired = repair.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&repaired.stderr).into_owned();
    assert!(repaired.status.success() && said.contains(&format!("第 {} 至 {all} 条", kept + 1)), "{said}");
    assert_eq!(stations(&cluster), all);
    for replica in cluster.replicas() {
        replica.restart();
    }
    cluster.await_ready();
    let after = status(&cluster.servers("a"));
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(cluster.ends(), []);
}
