//! Opening and closing: the lock, the metadata file, the start time.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use loopledger_event_log::{EventLog, FileLogOptions, Offset, OpenError, ReadError};

use crate::tools::{HEADER_BYTES, PARTITION, TOPIC, append, open, options, read_texts, records, segments, try_open};

#[test]
fn a_second_opening_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), options());
    let error = try_open(dir.path(), options()).unwrap_err();
    assert!(matches!(&error, OpenError::Locked { path } if *path == dir.path().join("lock")), "{error}");
    drop(log);
    open(dir.path(), options());
}

/// A child holds a copy of every handle from its fork to its exec, which must not keep the lock.
#[test]
fn children_being_started_do_not_keep_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Command::new("true").status().expect("true runs");
            }
        });
        let opened = (0..500).find_map(|_| try_open(dir.path(), options()).err());
        // An opening that is refused lets it go, too.
        let other = || try_open(dir.path(), FileLogOptions { partition_count: 2, ..options() }).map(drop);
        let refused = (0..500)
            .find_map(|_| Some(other()).filter(|refused| !matches!(refused, Err(OpenError::PartitionCount { .. }))));
        done.store(true, Ordering::Relaxed);
        assert!(opened.is_none(), "{opened:?}");
        assert!(refused.is_none(), "{refused:?}");
    });
}

#[test]
fn another_partition_count_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), options());
    let error = try_open(dir.path(), FileLogOptions { partition_count: 2, ..options() }).unwrap_err();
    assert!(matches!(error, OpenError::PartitionCount { found: 1, wanted: 2 }), "{error}");
}

#[tokio::test]
async fn what_is_not_a_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(append(&open(dir.path(), options()), &["x"]).await[0].is_ok());
    let meta = dir.path().join("log.meta");
    let text = std::fs::read_to_string(&meta).unwrap();
    for wrong in ["", "x", text.trim_end(), &text.replace('1', "9")] {
        std::fs::write(&meta, wrong).unwrap();
        let result = try_open(dir.path(), options());
        assert!(matches!(result, Err(OpenError::NotALog { .. })), "{wrong:?}: {result:?}");
    }
    std::fs::remove_file(&meta).unwrap();
    assert!(matches!(try_open(dir.path(), options()), Err(OpenError::NotALog { .. })));
    std::fs::write(&meta, text).unwrap();
    let stray = dir.path().join(TOPIC.to_string()).join("0").join("copy.log");
    std::fs::write(&stray, "").unwrap();
    assert!(matches!(try_open(dir.path(), options()), Err(OpenError::NotALog { path, .. }) if path == stray));
    std::fs::remove_file(stray).unwrap();
    std::fs::create_dir(dir.path().join(TOPIC.to_string()).join("1")).unwrap();
    assert!(matches!(try_open(dir.path(), options()), Err(OpenError::NotALog { .. })));
}

#[tokio::test]
async fn closing_writes_what_is_queued_and_ends_the_readers() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), options());
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    let values: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let pending: Vec<_> = values.chunks(10).map(|chunk| log.append(TOPIC, PARTITION, records(chunk))).collect();
    drop(log);
    for append in pending {
        assert!(append.await.iter().all(Result::is_ok));
    }
    let mut seen = 0;
    let error = loop {
        match reader.next().await {
            Ok(batch) => seen += batch.len(),
            Err(error) => break error,
        }
    };
    assert!(seen == 1_000 && matches!(error, ReadError::Closed), "{seen} {error}");
    assert_eq!(read_texts(&open(dir.path(), options())), values);
}

#[tokio::test]
async fn segments_follow_each_other_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let options = FileLogOptions { segment_bytes: 200, ..options() };
    let values: Vec<String> = (0..100).map(|number| format!("value {number}")).collect();
    for part in values.chunks(25) {
        let log = open(dir.path(), options.clone());
        for value in part {
            assert!(append(&log, &[value]).await[0].is_ok());
        }
    }
    assert_eq!(read_texts(&open(dir.path(), options)), values);
    let mut end = 0;
    for segment in segments(dir.path()) {
        assert_eq!(crate::tools::base(&segment), end);
        let length = std::fs::metadata(segment).unwrap().len();
        assert!(length > HEADER_BYTES && length <= 200, "{length}");
        end += length;
    }
}
