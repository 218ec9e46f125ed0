//! What the system refuses says nothing about what is stored: a store is never moved aside for want of descriptors,
//! rights, a working disk, or because something else than a file is in its folder.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loopledger_dice::Dice;
use loopledger_page_store::{Backend, Batch, Options, PageStore, StoreError, report_panics_in_one_line};
use tempfile::{TempDir, tempdir};

use crate::support::{Model, STREAM, open, open_with, options, random_batch, scan, segments, submit};

const CHILD: &str = "LOOPLEDGER_STORE_RESOURCES_CHILD";
/// No privileges at all.
const NOBODY: u32 = 65_534;

/// Not a test of its own: opens the store, and says how that went. Arguments: what to do, and the directory.
#[test]
fn resources_child() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let (task, path) = arguments.split_once('|').unwrap();
    match task {
        "open" => match open_with(Path::new(path), &options()) {
            Ok((store, report)) => println!("\nOPENED {} {:?}", scan(&store, b"").len(), report.moved_aside),
            Err(error) => println!("\nREFUSED {error:?}"),
        },
        "write" => {
            let (store, _) = open_with(Path::new(path), &options()).unwrap();
            let mut batch = Batch::new();
            batch.put(b"lost", b"value");
            batch.push_tail(61 * 70, vec![1; 10].into());
            submit(&store, batch);
            let flushed = store.flush();
            while flushed.is_err() && store.failure().is_none() {
                std::thread::yield_now();
            }
            println!("\nFLUSHED {flushed:?} {:?}", store.failure());
        }
        "panic" => {
            report_panics_in_one_line();
            let on_point = |_: &'static str| panic!("as sled does");
            let options = Options { on_point: Some(Arc::new(on_point)), ..options() };
            let (store, _) = open_with(Path::new(path), &options).unwrap();
            let mut batch = Batch::new();
            batch.put(b"key", b"value");
            store.submit(Box::new(Some(batch))).unwrap();
            assert!(matches!(store.flush(), Err(StoreError::Failed(_))));
            let other = std::thread::Builder::new().name("another".to_owned()).spawn(|| panic!("of somebody else"));
            drop(other.unwrap().join());
        }
        other => panic!("{other}"),
    }
}

/// A child that does `task`, not yet started.
fn child(task: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "resources::resources_child", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, format!("{task}|{}", path.display()));
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().find(|line| line.contains("ED ")).unwrap_or_default().to_owned()
}

/// A closed store with something in every kind of file.
fn written() -> (TempDir, PathBuf, Model) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let store = open(&path);
    let mut model = Model::new();
    for number in 1..=60_u64 {
        let mut batch = random_batch(&mut Dice::new(number), &mut model);
        batch.set_meta(number.to_le_bytes().to_vec());
        (number * 70..(number + 1) * 70).for_each(|sequence| batch.push_tail(sequence, vec![1; 50].into()));
        submit(&store, batch);
    }
    store.close().unwrap();
    (directory, path, model)
}

/// The store is where it was, alone, and whole.
fn expect_untouched(directory: &TempDir, path: &Path, model: &Model, case: &str) {
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["store"], "{case}");
    assert_eq!(&scan(&open(path), b""), model, "{case}");
}

#[test]
fn a_store_is_not_moved_aside_for_want_of_descriptors() {
    let (directory, path, model) = written();
    let (mut refused, mut opened) = (0, 0);
    for count in 4..40 {
        let child = child("open", &path);
        let mut limited = Command::new("sh");
        limited.arg("-c").arg(format!("ulimit -n {count}; exec \"$0\" \"$@\""));
        limited.arg(child.get_program()).args(child.get_args());
        limited.env(CHILD, format!("open|{}", path.display()));
        let said = said(&limited.output().unwrap());
        refused += u32::from(said.starts_with("REFUSED Resource"));
        opened += u32::from(said == format!("OPENED {} None", model.len()));
        // Below some number not even the test's own program starts.
        assert!(
            said.is_empty() || said.starts_with("REFUSED Resource") || said.starts_with("OPENED"),
            "{count}: {said}"
        );
        assert!(!said.contains("Some"), "{count}: {said}");
    }
    assert!(refused > 0 && opened > 0, "{refused} refused, {opened} opened");
    expect_untouched(&directory, &path, &model, "descriptors");
}

#[test]
fn a_store_is_not_moved_aside_for_want_of_rights() {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let (directory, path, model) = written();
    let snapshot = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    let mut places: Vec<PathBuf> = snapshot.filter(|path| path.is_file()).collect();
    places.extend([path.clone(), path.join("tail"), path.join("tail/00000000"), segments(&path).remove(0)]);
    for place in places {
        let before = std::fs::metadata(&place).unwrap().permissions();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if is_root {
            give_away(&path);
            std::os::unix::fs::chown(&place, Some(0), Some(0)).unwrap();
        }
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o000)).unwrap();
        let mut child = child("open", &path);
        if is_root {
            child.uid(NOBODY).gid(NOBODY);
        }
        let said = said(&child.output().unwrap());
        std::fs::set_permissions(&place, before).unwrap();
        assert!(said.starts_with("REFUSED Resource"), "{}: {said}", place.display());
        assert!(said.contains("denied"), "{}: {said}", place.display());
        expect_untouched(&directory, &path, &model, &place.display().to_string());
    }
}

fn give_away(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

/// The shim, compiled.
fn shim(directory: &Path) -> PathBuf {
    let library = directory.join("faulty.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/faulty.c");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(compiled.unwrap().success());
    library
}

#[test]
fn a_store_on_a_disk_that_cannot_be_read_is_not_moved_aside() {
    let tools = tempdir().unwrap();
    let shim = shim(tools.path());
    for file in ["/db", "/conf", "/snap.", "/tail/"] {
        let (directory, path, model) = written();
        let mut child = child("open", &path);
        child.env("LD_PRELOAD", &shim).env("FAULTY_CALL", "read").env("FAULTY_PATH", format!("/store{file}"));
        let output = child.output().unwrap();
        let said = said(&output);
        if file == "/snap." && said.starts_with("OPENED") {
            // There is none after so few batches.
            continue;
        }
        assert!(said.starts_with("REFUSED Resource") && said.contains("os error 5"), "{file}: {said} {output:?}");
        expect_untouched(&directory, &path, &model, file);
    }
}

#[test]
fn after_a_failed_sync_nothing_is_taken_for_stored_until_the_store_is_opened_again() {
    let tools = tempdir().unwrap();
    let shim = shim(tools.path());
    for file in ["/db", "/tail"] {
        let (directory, path, model) = written();
        let mut child = child("write", &path);
        child.env("LD_PRELOAD", &shim).env("FAULTY_CALL", "sync").env("FAULTY_PATH", format!("/store{file}"));
        let output = child.output().unwrap();
        let said = said(&output);
        // The first sync is that of the opening, if sled has something to write then.
        let refused = said.is_empty() || said.starts_with("FLUSHED Err") && said.contains("Some(");
        assert!(refused, "{file}: {said} {output:?}");
        let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["store"], "{file}");
        let mut found = scan(&open(&path), b"");
        found.remove(&b"lost"[..]);
        assert_eq!(found, model, "{file}");
    }
}

#[test]
fn what_is_not_a_file_is_refused_at_once() {
    type Put = fn(&Path);
    let pipe: Put = |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let socket: Put = |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    let nowhere: Put = |path| symlink("nowhere", path).unwrap();
    let folder: Put = |path| std::fs::create_dir(path).unwrap();
    for (kind, put) in [pipe, socket, nowhere, folder].into_iter().enumerate() {
        for name in ["db", "conf", "tail/00000000/00000000000000000070"] {
            let (directory, path, _) = written();
            let place = path.join(name);
            if place.exists() {
                std::fs::rename(&place, directory.path().join("kept")).unwrap();
            }
            put(&place);
            let refused = open_with(&path, &options()).map(|(_, report)| report).unwrap_err();
            assert!(matches!(&refused, StoreError::Resource(_)), "kind {kind}, {name}: {refused}");
            assert!(std::fs::symlink_metadata(&place).is_ok(), "kind {kind}, {name}: it stays");
        }
    }
    // Instead of the whole store.
    for put in [pipe, socket, nowhere] {
        let directory = tempdir().unwrap();
        let path = directory.path().join("store");
        put(&path);
        assert!(matches!(open_with(&path, &options()), Err(StoreError::Resource(_))));
    }
}

#[test]
fn nothing_is_written_over_when_a_store_is_moved_aside() {
    let (directory, path, _) = written();
    let taken = |number: u32| directory.path().join(format!("store.corrupt-{number}"));
    std::fs::create_dir(taken(1)).unwrap();
    std::fs::write(taken(2), b"evidence").unwrap();
    symlink("nowhere", taken(3)).unwrap();
    std::fs::write(path.join("db"), vec![0x5a; 3_000_000]).unwrap();
    std::fs::write(path.join("conf"), b"rubbish").unwrap();
    let (_, report) = open_with(&path, &options()).unwrap();
    assert_eq!(report.moved_aside.unwrap().0, taken(4));
    assert!(std::fs::read_dir(taken(1)).unwrap().next().is_none());
    assert_eq!(std::fs::read(taken(2)).unwrap(), b"evidence");
    assert!(std::fs::symlink_metadata(taken(3)).unwrap().is_symlink());
}

#[test]
fn a_store_in_place_of_a_damaged_one_knows_how_far_that_one_had_come() {
    let (_directory, path, _) = written();
    let newest = 61 * 70 - 1;
    assert_eq!(open(&path).remembered(), Some(newest));
    std::fs::write(path.join("db"), vec![0x5a; 3_000_000]).unwrap();
    let (store, report) = open_with(&path, &options()).unwrap();
    assert!(report.moved_aside.is_some());
    for life in 0..2 {
        let store = if life == 0 { &store } else { &open(&path) };
        assert_eq!((store.meta().unwrap(), store.remembered()), (None, Some(newest)), "life {life}");
        let records = store.salvage();
        assert_eq!(records.last().map(|(sequence, record)| (*sequence, record.len())), Some((newest, 50)));
        assert_eq!(records.len(), 60 * 70, "life {life}");
        store.close().unwrap();
    }
    // Also once there is something in it, as long as that is older.
    let store = open(&path);
    let mut batch = Batch::new();
    batch.set_meta(vec![1]);
    batch.push_tail(7, vec![1; 10].into());
    submit(&store, batch);
    store.close().unwrap();
    assert_eq!(open(&path).remembered(), Some(newest));
    // Another owner's says nothing of this one.
    let other = Options { owner: "sales/654224".to_owned(), ..options() };
    let (store, _) = open_with(&path, &other).unwrap();
    store.close().unwrap();
}

#[test]
fn without_room_a_store_holds_nothing_until_it_is_opened_again() {
    let (_directory, path, model) = written();
    let left = Arc::new(AtomicU64::new(0));
    let played = Arc::clone(&left);
    let options = Options { on_space: Some(Arc::new(move || played.load(Ordering::Relaxed))), ..options() };
    let (store, report) = PageStore::open_or_absent(&path, &options).unwrap();
    let store = store.stream(STREAM);
    let full = |error: &StoreError| matches!(error, StoreError::OutOfSpace(text) if text.contains("store"));
    assert!(report.moved_aside.is_none() && report.absent.as_ref().is_some_and(full), "{report:?}");
    assert!(store.failure().as_ref().is_some_and(full));
    assert_eq!((store.meta().unwrap(), scan(&store, b"")), (None, Model::new()));
    assert_eq!(store.remembered(), Some(61 * 70 - 1), "its raw records are read all the same");
    assert!(store.submit(Box::new(Some(Batch::new()))).is_err() && store.probe().is_err() && store.reopen().is_err());
    left.store(1 << 40, Ordering::Relaxed);
    store.probe().unwrap();
    assert_eq!(store.reopen().unwrap().moved_aside, None);
    assert_eq!((scan(&store, b""), store.failure()), (model, None));
}

#[test]
fn a_caught_panic_prints_no_backtrace_and_others_do() {
    let (_directory, path, _) = written();
    let output = child("panic", &path).env("RUST_BACKTRACE", "1").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(!errors.contains("as sled does"), "{errors}");
    assert!(errors.contains("of somebody else") && errors.contains("stack backtrace"), "{errors}");
    assert_eq!(errors.matches("stack backtrace").count(), 1, "{errors}");
}
