//! Every crate opts into the workspace's lints; no production file hides behind a blanket `allow`.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
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

/// A seed replays to the byte only if no branch is chosen at random.
#[test]
fn what_a_simulation_replays_selects_in_order() {
    let mut selects = 0_u32;
    let mut random = Vec::new();
    for name in ["feed", "writer", "projection"] {
        let mut folders = vec![root().join("crates").join(name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).expect("a source file");
                for branches in text.split("select! {").skip(1) {
                    selects = selects.saturating_add(1);
                    if !branches.trim_start().starts_with("biased;") {
                        random.push(path.display().to_string());
                    }
                }
            }
        }
    }
    assert!(selects > 0 && random.is_empty(), "{selects} selects, at random in {random:?}");
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
    let mut folders: Vec<PathBuf> = members().into_iter().map(|member| member.join("src")).collect();
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push((path.display().to_string(), fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    assert!(texts.iter().map(|(_, text)| text.matches("#[error(").count()).sum::<usize>() > 100);
    let wrong: Vec<String> = texts
        .iter()
        .flat_map(|(file, text)| repeats_its_cause(text).into_iter().map(move |said| format!("{file}: {said}")))
        .collect();
    assert!(wrong.is_empty(), "an error's text says only itself; what prints it adds the causes: {wrong:#?}");
}
