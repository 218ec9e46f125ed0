//! A log whose tail was cut while nobody looked: nothing serves from it, until it is mended.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{BINARY, Server, write_scenario};

/// Commits cut from the end of the stations' stream.
const CUT: usize = 40;

/// A county with some weeks of business, its process killed; what it said of itself before.
fn killed_county(folder: &Path) -> (PathBuf, Value) {
    let (data, file) = (folder.join("data"), folder.join("commands"));
    write_scenario(&file, 60, 8);
    let server = Server::start(&data);
    let recorded = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    let status = server.status();
    // What is acknowledged is in the log at once, and in the stores in good time, or when the process ends in good order.
    assert_eq!(server.interrupt(), Some(0));
    let mut server = Server::start(&data);
    server.kill();
    (data, status)
}

/// Cuts the newest records off a stream's only segment; how many were left.
fn cut(data: &Path, service: &str, records: usize) -> usize {
    let topic = data.join("log").join(format!("loopledger.{service}.v1"));
    let mut segments: Vec<PathBuf> = Vec::new();
    for partition in std::fs::read_dir(topic).expect("the topic") {
        let files = std::fs::read_dir(partition.expect("a folder").path()).expect("a partition");
        segments.extend(files.map(|file| file.expect("a file").path()));
    }
    let [segment] = &segments[..] else { panic!("{segments:?}") };
    let bytes = std::fs::read(segment).expect("the segment");
    // A header of 24 bytes; of each record, a length of 4 bytes, a checksum of 4, and the value.
    let mut ends = vec![24];
    while let Some(at) = ends.last().copied().filter(|at| *at < bytes.len()) {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
        ends.push(at + 8 + length);
    }
    let kept = ends.len() - 1 - records;
    let file = OpenOptions::new().write(true).open(segment).expect("the segment");
    file.set_len(ends[kept] as u64).expect("it is cut");
    kept
}

/// Runs `repair`: how it ended, its rows, and what it said.
fn repair(data: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = Command::new(BINARY)
        .args(["repair", "--format", "json", "--data"])
        .arg(data)
        .args(more)
        .output()
        .expect("the binary runs");
    let rows = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), rows, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn lost_streams(rows: &[Value]) -> BTreeSet<(String, String)> {
    let lost = rows.iter().filter(|row| row["missing"].is_string());
    let cell = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    lost.map(|row| (cell(row, "stream"), cell(row, "missing"))).collect()
}

#[test]
fn what_a_log_lost_is_named_and_appended_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, before) = killed_county(folder.path());
    let kept = cut(&data, "station", CUT);
    let missing = format!("{}", kept + 1);
    let last = (kept + CUT).to_string();

    let (server, said) = Server::start_halted(&data);
    assert!(said.contains("station is halted: LOST_TAIL"), "{said}");
    assert!(said.contains(&format!("commits {missing} to {last} of station/654224")), "{said}");
    assert!(said.contains("run `loopledger repair`"), "{said}");
    // Whoever had read what is lost has halted too, and every answer that needs it says so.
    for service in ["procurement", "distribution", "sales", "the projection"] {
        assert!(said.contains(&format!("{service} is halted")), "{service}: {said}");
    }
    let status = server.run(&["status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("LOST_TAIL") && status.contains("run `loopledger repair`"), "{status}");
    assert!(status.contains(&format!("{missing} to {last}")), "{status}");
    let refused = server.run(&["loop"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && told.contains("LOST_TAIL"), "{told}");
    assert_eq!(repair(&data, &[]).0, Some(1), "not while it runs");
    assert_eq!(server.interrupt(), Some(0));
    // However often it is started.
    let (server, again) = Server::start_halted(&data);
    assert!(again.contains("LOST_TAIL"), "{again}");
    assert_eq!(server.interrupt(), Some(0));

    let (code, rows, said) = repair(&data, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lost_streams(&rows), [("station/654224".to_owned(), format!("{missing}-{last}"))].into());
    assert_eq!(repair(&data, &[]).1.iter().filter(|row| row["missing"].is_string()).count(), 0, "once is enough");
    let server = Server::start(&data);
    let after = server.status();
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let rebuilt = server.run(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
}
