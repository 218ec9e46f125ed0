//! Deleted, older, foreign and damaged stores: reported, kept beside, and never read as if they were right.

use std::path::Path;

use loopledger_dice::Dice;
use loopledger_page_store::{Backend, Batch, Options, Reason, StoreError};
use tempfile::tempdir;

use crate::support::{Model, copy, open, open_with, options, random_batch, scan, segments, submit, wounded};

const BATCHES: u8 = 200;
/// Raw records to a batch: in all, a few segments of them are kept.
const RECORDS: u64 = 70;

/// A closed store of many batches, settled but for the last one, which is small. Gives the model after every batch.
fn write_store(path: &Path) -> Vec<Model> {
    let store = open(path);
    let mut random = Dice::new(3);
    let mut model = Model::new();
    let mut models = vec![Model::new()];
    for number in 1..=BATCHES {
        let mut batch = Batch::new();
        if number == BATCHES {
            store.settle().unwrap();
            batch.put(b"last", b"value");
            model.insert(b"last".to_vec(), b"value".to_vec());
        } else {
            batch = random_batch(&mut random, &mut model);
        }
        let first = u64::from(number) * RECORDS;
        (first..first + RECORDS).for_each(|sequence| batch.push_tail(sequence, vec![number; 50].into()));
        batch.set_meta(vec![number]);
        submit(&store, batch);
        models.push(model.clone());
    }
    store.close().unwrap();
    models
}

/// Opens and expects a move aside; the store is empty and usable.
fn expect_aside(path: &Path, options: &Options, name: &str) -> Reason {
    let (store, report) = open_with(path, options).unwrap();
    let (aside, reason) = report.moved_aside.expect("moved aside");
    assert_eq!(aside.file_name().unwrap().to_str().unwrap(), name);
    assert!(aside.join("db").exists(), "what was there is kept");
    assert_eq!(store.meta().unwrap(), None);
    assert_eq!(scan(&store, b""), Model::new());
    let mut batch = Batch::new();
    batch.put(b"key", b"value");
    submit(&store, batch);
    store.flush().unwrap();
    assert_eq!(store.get(b"key").unwrap().unwrap(), b"value");
    reason
}

#[test]
fn a_missing_store_is_an_empty_one() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    assert_eq!(store.meta().unwrap(), None);
}

#[test]
fn a_store_of_another_schema_or_owner_is_moved_aside() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    write_store(&path);
    let newer = Options { schema: 2, ..options() };
    assert!(matches!(expect_aside(&path, &newer, "store.older-1"), Reason::OtherVersion { .. }));
    let newest = Options { schema: 3, ..options() };
    assert!(matches!(expect_aside(&path, &newest, "store.older-2"), Reason::OtherVersion { .. }));
    let other = Options { owner: "sales/654224".to_owned(), ..newest };
    assert!(matches!(expect_aside(&path, &other, "store.foreign-1"), Reason::OtherOwner { .. }));
}

fn change_values(path: &Path, class: u8, change: impl Fn(&mut Vec<u8>)) {
    let db = sled::open(path).unwrap();
    let change_in = |tree: &sled::Tree, prefix: &[u8]| {
        for item in tree.scan_prefix(prefix) {
            let (key, value) = item.unwrap();
            let mut value = value.to_vec();
            if !value.is_empty() {
                change(&mut value);
                tree.insert(key, value).unwrap();
            }
        }
    };
    if class == b'r' {
        let names = db.tree_names().into_iter().filter(|name| name.starts_with(b"r"));
        names.for_each(|name| change_in(&db.open_tree(name).unwrap(), &[]));
    } else {
        change_in(&db, &[class]);
    }
    db.flush().unwrap();
}

#[test]
fn an_older_byte_layout_is_told_from_damage() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    write_store(&path);
    change_values(&path, b'm', |bytes| bytes[0] = 0);
    assert!(matches!(expect_aside(&path, &options(), "store.older-1"), Reason::OtherVersion { .. }));
}

#[test]
fn damaged_manifest_meta_page_index_or_filter_is_found_at_opening() {
    for class in [b'm', b'h', b'p', b'x', b'f'] {
        let directory = tempdir().unwrap();
        let path = directory.path().join("store");
        write_store(&path);
        change_values(&path, class, |bytes| *bytes.last_mut().unwrap() ^= 1);
        let reason = expect_aside(&path, &options(), "store.corrupt-1");
        assert!(matches!(reason, Reason::Corrupt(_)), "class {}: {reason}", char::from(class));
    }
}

#[test]
fn a_lost_page_is_found_at_opening() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    write_store(&path);
    let db = sled::open(&path).unwrap();
    let (key, _) = db.scan_prefix(b"p").next().unwrap().unwrap();
    db.remove(key).unwrap();
    drop(db);
    assert_eq!(expect_aside(&path, &options(), "store.corrupt-1"), Reason::Corrupt("a page is missing"));
}

#[test]
fn a_lost_cut_or_damaged_segment_of_the_tail_is_found_at_opening() {
    type Harm = fn(&Path);
    let lost: Harm = |segment| std::fs::remove_file(segment).unwrap();
    let cut: Harm = |segment| {
        let bytes = std::fs::read(segment).unwrap();
        std::fs::write(segment, &bytes[..bytes.len() - 1]).unwrap();
    };
    let flipped: Harm = |segment| {
        let mut bytes = std::fs::read(segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(segment, bytes).unwrap();
    };
    let directory = tempdir().unwrap();
    let whole = directory.path().join("whole");
    write_store(&whole);
    let count = segments(&whole).len();
    assert!(count >= 3, "{count} segments");
    for (kind, harm) in [lost, cut, flipped].into_iter().enumerate() {
        for number in 0..count {
            let path = directory.path().join(format!("{kind}-{number}"));
            copy(&whole, &path);
            harm(&segments(&path)[number]);
            let reason = expect_aside(&path, &options(), &format!("{kind}-{number}.corrupt-1"));
            assert!(matches!(reason, Reason::Corrupt(_)), "harm {kind} of segment {number}: {reason}");
        }
    }
}

#[test]
fn what_a_kill_left_beyond_the_tail_is_cut() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    write_store(&path);
    let store = open(&path);
    let before = store.tail().unwrap();
    store.close().unwrap();
    drop(store);
    let newest = segments(&path).pop().unwrap();
    let length = std::fs::metadata(&newest).unwrap().len();
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes.extend_from_within(..100);
    std::fs::write(&newest, bytes).unwrap();
    std::fs::write(newest.with_file_name(format!("{:020}", u64::from(u8::MAX) * RECORDS)), b"torn").unwrap();
    let store = open(&path);
    assert_eq!(store.tail().unwrap(), before);
    assert!(std::fs::metadata(&newest).unwrap().len() > length, "kept, until something is written in its place");
    let next = before.last().unwrap().0 + 1;
    let mut batch = Batch::new();
    batch.push_tail(next, vec![1; 50].into());
    submit(&store, batch);
    store.flush().unwrap();
    assert_eq!(store.tail().unwrap().last().unwrap().0, next);
    store.close().unwrap();
    assert!(segments(&path).ends_with(&[newest]), "a segment beyond is removed");
    assert_eq!(open(&path).tail().unwrap().last().unwrap().0, next);
}

#[test]
fn a_lost_tree_of_blocks_is_found_at_opening() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    write_store(&path);
    let db = sled::open(&path).unwrap();
    let name = db.tree_names().into_iter().find(|name| name.starts_with(b"r")).unwrap();
    db.drop_tree(name).unwrap();
    drop(db);
    assert_eq!(expect_aside(&path, &options(), "store.corrupt-1"), Reason::Corrupt("a run's tree is missing"));
}

#[test]
fn a_damaged_block_is_an_error_that_the_owner_answers_with_condemning() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let model = write_store(&path).pop().unwrap();
    change_values(&path, b'r', |bytes| *bytes.last_mut().unwrap() ^= 4);
    let store = open(&path);
    let errors = model.iter().filter(|(key, value)| match store.get(key) {
        Ok(found) => {
            assert_eq!(found.as_ref(), Some(*value));
            false
        }
        Err(error) => {
            assert_eq!(error, StoreError::Corrupt("a page's checksum does not match"));
            true
        }
    });
    assert!(errors.count() > 0);
    assert!(store.scan(b"", &mut |_, _| Ok(())).is_err());
    let (aside, reason) = store.condemn("a read failed").unwrap().unwrap();
    assert_eq!(aside.file_name().unwrap(), "store.corrupt-1");
    assert_eq!(reason, Reason::Condemned("a read failed".to_owned()));
    assert_eq!(open(&path).meta().unwrap(), None);
}

#[test]
fn flipped_bytes_in_the_files_never_lead_to_wrong_answers() {
    let directory = tempdir().unwrap();
    let whole = directory.path().join("whole");
    let models = write_store(&whole);
    let (mut aside, mut refused, mut older, mut intact) = (0, 0, 0, 0);
    for (path, file, at) in wounded(&whole, directory.path()) {
        let (store, report) = open_with(&path, &options()).unwrap();
        if report.moved_aside.is_some() {
            assert_eq!(scan(&store, b""), Model::new());
            aside += 1;
            continue;
        }
        // sled takes damage in what it wrote last for a torn end, and goes back: to the boundary of a batch.
        let batch = store.meta().unwrap().map_or(0, |meta| meta[0]);
        let mut found = Model::new();
        let scanned = store.scan(b"", &mut |key, value| {
            found.insert(key.to_vec(), value.to_vec());
            Ok(())
        });
        match scanned {
            Ok(()) => assert_eq!(found, models[usize::from(batch)], "{}, byte {at}, batch {batch}", file.display()),
            Err(_) => refused += 1,
        }
        match batch {
            BATCHES => intact += 1,
            _ => older += 1,
        }
    }
    assert!(aside > 0 && intact > 0, "{aside} aside, {refused} refused, {older} older, {intact} newest");
}

#[test]
fn rubbish_in_place_of_the_files_is_moved_aside() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("conf"), b"rubbish").unwrap();
    std::fs::write(path.join("db"), vec![0x5a; 3_000_000]).unwrap();
    let (store, report) = open_with(&path, &options()).unwrap();
    assert!(report.moved_aside.is_some());
    assert_eq!(store.meta().unwrap(), None);
}

#[test]
fn a_store_that_is_open_elsewhere_stays_where_it_is() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let store = open(&path);
    assert_eq!(open_with(&path, &options()).unwrap_err(), StoreError::InUse);
    assert!(path.exists());
    store.close().unwrap();
    drop(open(&path));
}
