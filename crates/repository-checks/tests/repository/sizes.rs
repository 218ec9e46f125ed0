//! Files stay readable: a bound on their lines. Functions have theirs in `clippy.toml`.

use std::fs;
use std::path::{Path, PathBuf};

/// docs/design.md §12.
const LINES_MAX: usize = 400;
/// Generated, not written.
const GENERATED: &str = "proto/src/gen";

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with(GENERATED) && !path.ends_with("target") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["crates", "benches"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    let mut long = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).expect("in the root").to_owned();
        let lines = fs::read_to_string(&file).expect("a text").lines().count();
        if lines > LINES_MAX {
            long.push(format!("{}: {lines}", name.display()));
        }
    }
    assert!(long.is_empty(), "too long: {long:#?}");
}
