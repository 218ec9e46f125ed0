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
    let pure = ["types", "chain", "facts", "rules", "domain", "ledger"];
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
