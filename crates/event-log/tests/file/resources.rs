//! Unreadable files are not an empty log, and special files do not hang the start.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use loopledger_event_log::{FileLog, IoOperation, OpenError};

use crate::tools::{TOPIC, append, open, options, read_texts, segments, try_open, with_script};

#[tokio::test]
async fn what_is_not_a_file_is_refused_at_once_and_stays() {
    type Put = fn(&Path);
    let pipe: Put = |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let socket: Put = |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    let nowhere: Put = |path| symlink("nowhere", path).unwrap();
    let folder: Put = |path| std::fs::create_dir(path).unwrap();
    for (kind, put) in [pipe, socket, nowhere, folder].into_iter().enumerate() {
        for name in ["lock", "log.meta", "segment", "partition", "topic"] {
            let root = tempfile::tempdir().unwrap();
            let dir = root.path().join("log");
            let log = open(&dir, options());
            assert!(append(&log, &["kept"]).await[0].is_ok());
            drop(log);
            let topic = dir.join(TOPIC.to_string());
            let place = match name {
                "segment" => segments(&dir).remove(0),
                "partition" => topic.join("0"),
                "topic" => topic,
                file => dir.join(file),
            };
            if kind == 3 && matches!(name, "partition" | "topic") {
                continue;
            }
            std::fs::rename(&place, root.path().join("kept")).unwrap();
            put(&place);
            let refused = try_open(&dir, options()).map(|(_, report)| report);
            assert!(
                matches!(refused, Err(OpenError::Io { .. } | OpenError::NotALog { .. })),
                "kind {kind}, {name}: {refused:?}"
            );
            assert!(std::fs::symlink_metadata(&place).is_ok(), "kind {kind}, {name}: it stays");
        }
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_synced_at_the_start_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), options());
    assert!(append(&log, &["kept"]).await[0].is_ok());
    drop(log);
    let (options, script) = with_script();
    script.fail(IoOperation::Sync, 0, std::io::ErrorKind::Other);
    let refused = FileLog::open(dir.path(), options.clone()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Io { action: "sync", .. })), "{refused:?}");
    assert_eq!(read_texts(&open(dir.path(), options)), ["kept"]);
}
