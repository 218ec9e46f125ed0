//! Every crate opts into the workspace's lints, and no production code allows what they forbid; what the simulation replays
//! depends neither on chance nor on threads.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn members() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root().join("crates"))
        .expect("crates/ is readable")
        .map(|entry| entry.expect("an entry").path())
        // A service's folder holds its rules, too.
        .flat_map(|path| [path.join("rules"), path])
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    found.extend(Some(root().join("benches")).filter(|path| path.join("Cargo.toml").exists()));
    found.sort();
    found
}

#[test]
fn every_crate_opts_into_the_workspace_lints() {
    for member in members() {
        let manifest = fs::read_to_string(member.join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} does not opt in", member.display());
        assert!(manifest.contains("edition.workspace = true"), "{} has an edition of its own", member.display());
    }
}

#[test]
fn pure_crates_ban_clocks_and_random_order() {
    let pure = ["types", "chain", "facts", "rules", "domain", "accounting", "ledger"];
    let contexts = ["procurement/rules", "station/rules", "distribution/rules", "sales/rules"];
    for name in pure.into_iter().chain(contexts) {
        let config =
            fs::read_to_string(root().join("crates").join(name).join("clippy.toml")).expect("a clippy.toml of its own");
        for banned in
            ["std::collections::HashMap", "std::collections::HashSet", "std::time::SystemTime", "std::time::Instant"]
        {
            assert!(config.contains(banned), "{name} does not ban {banned}");
        }
    }
}

/// The sources below a folder: path and text.
pub(crate) fn sources(folder: PathBuf) -> Vec<(String, String)> {
    let (mut folders, mut found) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root().join("crates")).unwrap_or(&path).display().to_string();
                found.push((name, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    found
}

/// What the simulation replays.
fn replayed() -> impl Iterator<Item = (String, String)> {
    ["feed", "writer", "projection"].into_iter().flat_map(|name| sources(root().join("crates").join(name).join("src")))
}

/// A seed replays to the byte only if no branch is chosen at random.
#[test]
fn what_a_simulation_replays_selects_in_order() {
    let mut selects = 0_u32;
    let mut random = Vec::new();
    for (file, text) in replayed() {
        for branches in text.split("select! {").skip(1) {
            selects = selects.saturating_add(1);
            if !branches.trim_start().starts_with("biased;") {
                random.push(file.clone());
            }
        }
    }
    assert!(selects > 0 && random.is_empty(), "{selects} selects, at random in {random:?}");
}

/// Files that start threads. `beside` starts none on the simulation's runtime; `saved` has its thread's pages in their order,
/// and joins it.
const START_THREADS: [&str; 2] = ["projection/src/beside.rs", "projection/src/saved.rs"];

/// Nor may anything depend on the pace of another thread.
#[test]
fn what_a_simulation_replays_starts_no_thread_elsewhere() {
    let starts =
        |text: &str| ["spawn_blocking(", "block_in_place(", "thread::"].iter().any(|start| text.contains(start));
    let mut found: Vec<String> = replayed().filter(|(_, text)| starts(text)).map(|(file, _)| file).collect();
    found.sort();
    assert_eq!(found, START_THREADS);
}

/// Crates without production code: tests, and what tests stand on.
const SUPPORT: [&str; 5] = ["testkit/", "sim/", "grpc-tests/", "repository-checks/", "proto/src/gen/"];

/// The production part of a crate's source, if it has one.
fn production((file, text): (String, String)) -> Option<(String, String)> {
    let is_test = |file: &str| file.ends_with("tests.rs") || file.contains("/tests/");
    if SUPPORT.iter().any(|support| file.starts_with(support)) || is_test(&file) {
        return None;
    }
    // A module of tests is the last item of a file.
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
    Some((file, text))
}

/// Lints are switched off for one item, by `#[expect]` with a reason. For a crate only this one may be, which judges words.
const OFF_FOR_A_CRATE: &str = "clippy::similar_names, reason =";
/// Generated code, and a module that is compiled for tests alone.
const OFF_AS_A_WHOLE: [&str; 2] = ["proto/src/lib.rs", "wire/src/event/largest.rs"];

#[test]
fn no_production_code_allows_what_the_lints_forbid() {
    let files: Vec<_> =
        members().into_iter().flat_map(|member| sources(member.join("src"))).filter_map(production).collect();
    assert!(files.len() > 300, "{} files", files.len());
    let mut wrong = Vec::new();
    for (file, text) in &files {
        let allows = text.split("[allow(").skip(1).filter(|rest| !rest.trim_start().starts_with(OFF_FOR_A_CRATE));
        if allows.count() > 0 && !OFF_AS_A_WHOLE.contains(&file.as_str()) {
            wrong.push(file);
        }
    }
    assert!(wrong.is_empty(), "`allow` in {wrong:#?}");
}

/// Where an error's text repeats its cause: `#[error("… {0}")]` over `#[from]`, `#[source]` or a field `source`.
fn repeats_its_cause(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split("#[error(").skip(1) {
        let Some((said, rest)) = rest.split_once(")]\n") else { continue };
        let item = rest.split("\n}").next().unwrap_or(rest);
        let has_cause = ["#[from]", "#[source]", "source:"].iter().any(|mark| item.contains(mark));
        let repeats = ["{0", "{source", ".0", ".source"].iter().any(|mark| said.contains(mark));
        if has_cause && repeats {
            found.push(said.to_owned());
        }
    }
    found
}

#[test]
fn a_repeated_cause_is_found() {
    let of = |said: &str, item: &str| repeats_its_cause(&format!("#[error({said})]\n{item}\n}}")).len();
    assert_eq!(of("\"it failed: {0}\"", "    Store(#[from] StoreError),"), 1);
    assert_eq!(of("\"it failed: {source}\"", "    Store { source: StoreError },"), 1);
    assert_eq!(of("\"it failed: {}\", .source.kind()", "    Store { source: io::Error },"), 1);
    assert_eq!(of("\"it failed\"", "    Store(#[source] StoreError),"), 0);
    assert_eq!(of("\"it failed: {0}\"", "    Store(String),"), 0);
    assert_eq!(of("transparent", "    Store(#[from] StoreError),"), 0);
}

#[test]
fn no_error_says_its_cause_itself() {
    let texts: Vec<(String, String)> = members().into_iter().flat_map(|member| sources(member.join("src"))).collect();
    assert!(texts.iter().map(|(_, text)| text.matches("#[error(").count()).sum::<usize>() > 100);
    let wrong: Vec<String> = texts
        .iter()
        .flat_map(|(file, text)| repeats_its_cause(text).into_iter().map(move |said| format!("{file}: {said}")))
        .collect();
    assert!(wrong.is_empty(), "an error's text says only itself; what prints it adds the causes: {wrong:#?}");
}
