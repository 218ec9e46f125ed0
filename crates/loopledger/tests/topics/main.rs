//! `topics create` and `topics check`, on a broker of their own: what they print, and their exit codes.

#![allow(clippy::indexing_slicing, reason = "tests: an index out of range should stop them")]

use std::process::{Command, Output};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_loopledger");
const KAFKA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/kafka");

/// Starts one broker that ends with this process, and returns where it is.
fn broker() -> String {
    let data = tempfile::tempdir().expect("a temporary folder").keep();
    let pid = std::process::id().to_string();
    let output = Command::new(KAFKA).args(["up", "--for", &pid, "--data"]).arg(&data).output().expect("it runs");
    assert!(output.status.success(), "scripts/kafka: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("text");
    printed.lines().find_map(|line| line.strip_prefix("bootstrap=")).expect("it says where").to_owned()
}

fn topics(args: &[&str], kafka: &str) -> Output {
    Command::new(BINARY).arg("topics").args(args).args(["--kafka", kafka]).output().expect("the binary runs")
}

/// Runs it, and returns its standard output and standard error.
fn expect(code: i32, args: &[&str], kafka: &str) -> (String, String) {
    let output = topics(args, kafka);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {out}{err}");
    (out, err)
}

#[test]
fn topics_are_created_checked_and_never_changed() {
    let kafka = broker();
    let (_, missing) = expect(1, &["check"], &kafka);
    assert!(missing.contains("loopledger.station.v1: the topic is missing"), "{missing}");
    assert!(missing.contains(&format!("loopledger topics create --kafka {kafka}")), "{missing}");

    let (created, _) = expect(0, &["create", "--partitions", "4"], &kafka);
    assert_eq!(created.matches("新建").count(), 5, "{created}");
    assert!(created.contains("kafka rf=1 flush.messages=1"), "{created}");
    let (again, _) = expect(0, &["create", "--partitions", "4"], &kafka);
    assert_eq!(again.matches("已有").count(), 5, "{again}");

    let (checked, _) = expect(0, &["check", "--format", "json"], &kafka);
    let rows: Value = serde_json::from_str(&checked).expect("JSON");
    assert_eq!(rows[1]["topic"], "loopledger.station.v1");
    assert_eq!((&rows[1]["partitions"], &rows[1]["replication_factor"]), (&4.into(), &1.into()));
    let (_, other) = expect(1, &["create"], &kafka);
    assert!(other.contains("the number of partitions is 4 and must be 64"), "{other}");
    let (_, replicas) = expect(1, &["check", "--replication-factor", "3"], &kafka);
    assert!(replicas.contains("the replication factor is 1 and must be 3"), "{replicas}");
    expect(0, &["check"], &kafka);
}

#[test]
fn an_unreachable_cluster_differs_from_nonsense() {
    let (_, unreachable) = expect(3, &["check"], "127.0.0.1:1");
    assert!(unreachable.contains("127.0.0.1:1"), "{unreachable}");
    expect(2, &["check", "--partitions", "0"], "127.0.0.1:1");
    expect(2, &["create", "--replication-factor", "many"], "127.0.0.1:1");
    expect(2, &["alter"], "127.0.0.1:1");
}
