//! Crashes: at every point of a group commit, and at random moments.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use loopledger_event_log::{AFTER_SYNC, AFTER_WRITE, FileLogOptions};

use crate::tools::{append, open, options, read_texts, try_open};

const CHILD_DIR: &str = "LOOPLEDGER_TEST_CHILD_DIR";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of the folder at each point is what a process that dies there leaves.
#[tokio::test]
async fn a_crash_at_any_point_keeps_what_was_acknowledged() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let taken = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let (from, to, taken) = (dir.path().to_owned(), copies.path().to_owned(), Arc::clone(&taken));
        move |point| {
            let mut taken = taken.lock().unwrap();
            copy(&from, &to.join(taken.len().to_string()));
            taken.push(point);
        }
    };
    let small = || FileLogOptions { segment_bytes: 64, ..options() };
    let log = open(dir.path(), FileLogOptions { on_point: Some(Arc::new(hook)), ..small() });
    let values = ["one", "two", "three", "four", "five"];
    for value in values {
        assert!(append(&log, &[value]).await[0].is_ok());
    }
    drop(log);
    let taken = taken.lock().unwrap();
    assert_eq!(*taken, [AFTER_WRITE, AFTER_SYNC].repeat(values.len()));
    for (index, point) in taken.iter().enumerate() {
        let left = read_texts(&open(&copies.path().join(index.to_string()), small()));
        // The group in flight was written, if not synced: it may stand, what came before it must.
        assert_eq!(left, values[..=index / 2], "{point} {index}");
    }
}

/// Not a test of its own: what the killed process runs.
#[tokio::test]
async fn child_that_appends_until_it_is_killed() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let log = open(Path::new(&dir), FileLogOptions { segment_bytes: 4_096, ..options() });
    for group in 0..u64::MAX {
        let values: Vec<String> = (0..20).map(|number| format!("{group}/{number}")).collect();
        assert!(append(&log, &values).await.iter().all(Result::is_ok));
        // Straight to the pipe: the test harness captures what is printed.
        std::io::Write::write_all(&mut std::io::stderr(), format!("acknowledged {group}\n").as_bytes()).unwrap();
    }
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    for groups in [1_u64, 50, 120] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_that_appends_until_it_is_killed", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let last =
            lines.filter(|line| line.starts_with("acknowledged ")).nth(usize::try_from(groups).unwrap()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(last, format!("acknowledged {groups}"));
        let (log, report) = try_open(dir.path(), FileLogOptions { segment_bytes: 4_096, ..options() }).unwrap();
        let read = read_texts(&log);
        assert!(u64::try_from(read.len()).unwrap() >= (groups + 1) * 20, "{} records, {report:?}", read.len());
        for (index, value) in read.iter().enumerate() {
            assert_eq!(*value, format!("{}/{}", index / 20, index % 20));
        }
    }
}
