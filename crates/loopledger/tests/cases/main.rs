//! Inputs that once failed, replayed through the real binary. `README.md` says how a case is added.
#![allow(clippy::indexing_slicing, reason = "tests: an index out of range should stop them")]

mod answers_that_do_not_fit;
mod case;
mod contract_limit;
mod effects_before_causes;
mod files_as_windows_makes_them;
mod look_alike_texts;
mod one_slip_twice;
mod receipts_of_another_file;
mod recoded_village;
mod settled_in_pieces;
#[path = "../processes/support.rs"]
#[allow(dead_code, reason = "shared with another suite, which uses more of it")]
mod support;

use std::fs;
use std::path::PathBuf;

/// Folders that no module replays yet. The repair of one removes it here.
const NOT_REPLAYED: &[&str] = &[];

/// Where the suite and its inputs are.
fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "cases"].iter().collect()
}

#[test]
fn every_folder_is_replayed_by_a_module() {
    let entries = fs::read_dir(folder()).expect("the suite's folder").map(|entry| entry.expect("an entry").path());
    let folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(folders.len() >= 9, "{folders:?}");
    for path in &folders {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let (_number, what) = name.split_once('-').expect("a number and a name");
        let has_module = folder().join(format!("{}.rs", what.replace('-', "_"))).exists();
        assert_ne!(has_module, NOT_REPLAYED.contains(&name), "{name}: replayed by a module, or listed as not replayed");
    }
    let is_there = |name: &str| folders.iter().any(|path| path.ends_with(name));
    assert!(NOT_REPLAYED.iter().all(|name| is_there(name)), "a listed folder does not exist");
}
