//! A failing disk: nothing acknowledged is lost, nothing unacknowledged is readable.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use loopledger_event_log::{
    AFTER_SYNC, AFTER_WRITE, APPEND_QUEUE_BYTES_MAX, AppendError, EventLog, FileLogOptions, IoOperation, Offset,
    RECORD_BYTES_MAX,
};

use crate::tools::{HEADER_BYTES, PARTITION, TOPIC, append, open, options, read_texts, records, segments, with_script};

#[tokio::test]
async fn a_full_disk_loses_nothing_and_needs_no_restart() {
    for written in [0, 1, 8, 20, 1_000] {
        let dir = tempfile::tempdir().unwrap();
        let (options, script) = with_script();
        let log = open(dir.path(), options.clone());
        assert!(append(&log, &["kept"]).await[0].is_ok());
        let end = log.end(TOPIC, PARTITION).await.unwrap();
        script.fail(IoOperation::Write, written, ErrorKind::StorageFull);
        let failed = append(&log, &["lost", "too"]).await;
        assert!(
            matches!(failed.as_slice(), [Err(AppendError::OutOfSpace { .. }), Err(AppendError::OutOfSpace { .. })]),
            "{failed:?}"
        );
        assert!(failed.iter().filter_map(|result| result.as_ref().err()).all(AppendError::can_retry));
        assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), end);
        assert_eq!(std::fs::metadata(&segments(dir.path())[0]).unwrap().len(), end.0, "cut back at once");
        assert_eq!(append(&log, &["again"]).await[0].as_ref().unwrap(), &end);
        assert_eq!((read_texts(&log), script.left()), (vec!["kept".to_owned(), "again".to_owned()], 0));
        drop(log);
        assert_eq!(read_texts(&open(dir.path(), options)), ["kept", "again"]);
    }
}

#[tokio::test]
async fn a_failed_repair_is_tried_again_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (options, script) = with_script();
    let log = open(dir.path(), options.clone());
    assert!(append(&log, &["kept"]).await[0].is_ok());
    script.fail(IoOperation::Write, 5, ErrorKind::StorageFull);
    script.fail(IoOperation::Truncate, 0, ErrorKind::Other);
    script.fail(IoOperation::Truncate, 0, ErrorKind::Other);
    assert!(matches!(append(&log, &["a"]).await[0], Err(AppendError::OutOfSpace { .. })));
    assert!(matches!(append(&log, &["b"]).await[0], Err(AppendError::Io { .. })));
    assert!(append(&log, &["c"]).await[0].is_ok());
    drop(log);
    assert_eq!((read_texts(&open(dir.path(), options)), script.left()), (vec!["kept".to_owned(), "c".to_owned()], 0));
}

#[tokio::test]
async fn a_failed_sync_stops_the_partition_until_it_is_reopened() {
    let dir = tempfile::tempdir().unwrap();
    let (options, script) = with_script();
    let log = open(dir.path(), options.clone());
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    assert!(append(&log, &["kept"]).await[0].is_ok());
    script.fail(IoOperation::Sync, 0, ErrorKind::Other);
    for attempt in ["first", "second", "third"] {
        let error = append(&log, &[attempt]).await.remove(0).unwrap_err();
        assert!(matches!(error, AppendError::SyncFailed { .. }) && !error.can_retry(), "{attempt}: {error}");
    }
    assert_eq!(script.left(), 0, "it is not synced again");
    assert_eq!(reader.poll_now().unwrap().len(), 1);
    assert!(reader.poll_now().unwrap().is_empty());
    drop(log);
    let log = open(dir.path(), options);
    assert_eq!(read_texts(&log), ["kept"]);
    assert!(append(&log, &["after"]).await[0].is_ok());
}

#[tokio::test]
async fn a_segment_that_cannot_be_created_is_created_later() {
    let failures = [
        (IoOperation::CreateDirectory, 0),
        (IoOperation::CreateSegment, 0),
        (IoOperation::Write, 0),
        (IoOperation::Write, 10),
    ];
    for (operation, written) in failures {
        for first_segment in [true, false] {
            if operation == IoOperation::CreateDirectory && !first_segment {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let (options, script) = with_script();
            let options = FileLogOptions { segment_bytes: HEADER_BYTES + 1, ..options };
            let log = open(dir.path(), options.clone());
            let mut expected = Vec::new();
            if !first_segment {
                assert!(append(&log, &["kept"]).await[0].is_ok());
                expected.push("kept");
            }
            script.fail(operation, written, ErrorKind::StorageFull);
            assert!(matches!(append(&log, &["lost"]).await[0], Err(AppendError::OutOfSpace { .. })), "{operation:?}");
            assert_eq!(script.left(), 0, "{operation:?}");
            assert!(append(&log, &["again"]).await[0].is_ok(), "{operation:?}");
            expected.push("again");
            assert_eq!(read_texts(&log), expected, "{operation:?}");
            drop(log);
            assert_eq!(read_texts(&open(dir.path(), options)), expected, "{operation:?}");
        }
    }
}

/// A process that ends after a failed creation leaves a segment that was never begun.
#[tokio::test]
async fn a_segment_never_begun_is_removed_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let (options, script) = with_script();
    let options = FileLogOptions { segment_bytes: HEADER_BYTES + 1, ..options };
    let log = open(dir.path(), options.clone());
    assert!(append(&log, &["kept"]).await[0].is_ok());
    script.fail(IoOperation::Write, 10, ErrorKind::StorageFull);
    assert!(append(&log, &["lost"]).await[0].is_err());
    drop(log);
    assert_eq!(segments(dir.path()).len(), 2);
    let (log, report) = crate::tools::try_open(dir.path(), options).unwrap();
    assert_eq!((report.torn_tails.len(), report.torn_tails[0].bytes), (1, 10));
    assert_eq!((read_texts(&log), segments(dir.path()).len()), (vec!["kept".to_owned()], 1));
}

#[tokio::test]
async fn a_record_is_shown_only_after_its_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (reached, points) = std::sync::mpsc::channel();
    let (go_on, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let hook = move |point| {
        reached.send(point).unwrap();
        gate.lock().unwrap().recv().unwrap();
    };
    let log = open(dir.path(), FileLogOptions { on_point: Some(Arc::new(hook)), ..options() });
    // Dropped before the log: a failing assertion must not leave the writer waiting at the gate.
    let go_on = go_on;
    let mut reader = log.read(TOPIC, PARTITION, Offset::START).unwrap();
    let pending = log.append(TOPIC, PARTITION, records(&["x"]));
    for expected in [AFTER_WRITE, AFTER_SYNC] {
        assert_eq!(points.recv().unwrap(), expected);
        assert!(reader.poll_now().unwrap().is_empty(), "{expected}");
        assert_eq!(log.end(TOPIC, PARTITION).await.unwrap(), Offset::START, "{expected}");
        go_on.send(()).unwrap();
    }
    assert!(pending.await[0].is_ok());
    assert_eq!(reader.poll_now().unwrap().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_in_the_queue_is_busy_and_certainly_not_applied() {
    let dir = tempfile::tempdir().unwrap();
    let (reached, stopped) = std::sync::mpsc::channel();
    let (go_on, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    // Stops at the first point, and no more once the sender is gone.
    let hook = move |_| {
        let _ = reached.send(());
        let _ = gate.lock().unwrap().recv();
    };
    let log = open(dir.path(), FileLogOptions { on_point: Some(Arc::new(hook)), ..options() });
    let first = log.append(TOPIC, PARTITION, records(&["first"]));
    stopped.recv().unwrap();
    let big = "x".repeat(RECORD_BYTES_MAX);
    let fits = APPEND_QUEUE_BYTES_MAX / (RECORD_BYTES_MAX + 8);
    let queued = log.append(TOPIC, PARTITION, records(&vec![big; fits + 5]));
    let late = log.append(TOPIC, PARTITION, records(&["x".repeat(RECORD_BYTES_MAX)]));
    drop(go_on);
    assert!(first.await[0].is_ok());
    let results = queued.await;
    assert!(results[..fits].iter().all(Result::is_ok));
    assert!(results[fits..].iter().all(|result| matches!(result, Err(AppendError::Busy))));
    assert_eq!(results.len(), fits + 5);
    assert!(matches!(late.await[0], Err(AppendError::Busy)));
    assert_eq!(read_texts(&log).len(), fits + 1);
}
