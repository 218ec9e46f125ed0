//! What `deny.toml` promises, as far as the lock file and the manifests of what we are built from tell.
//!
//! Advisories and yanked versions are not looked up: they need the database of `cargo deny check advisories`, which is run
//! by hand before a release.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::layers::metadata;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The texts in quotes of the list `key` of a section of `deny.toml`, each up to its closing bracket.
fn list<'a>(config: &'a str, section: &str, key: &str) -> Vec<&'a str> {
    let (_, body) = config.split_once(&format!("[{section}]")).unwrap_or_else(|| panic!("no [{section}]"));
    let (_, list) = body.split_once(&format!("\n{key} = [")).unwrap_or_else(|| panic!("no {key} in [{section}]"));
    let (list, _) = list.split_once(']').expect("a list ends");
    list.split('"').skip(1).step_by(2).collect()
}

/// Names that stand under `key` of each package of the lock file.
fn locked<'a>(lock: &'a str, key: &str) -> BTreeSet<&'a str> {
    let prefix = format!("{key} = \"");
    lock.lines().filter_map(|line| line.strip_prefix(prefix.as_str())?.strip_suffix('"')).collect()
}

/// Whether an SPDX expression can be met with the allowed licences.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "+WITH+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest, allowed) && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut is_met = all_of(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        is_met |= all_of(words, allowed);
    }
    is_met
}

fn all_of(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut is_met = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        is_met &= one(words, allowed);
    }
    is_met
}

fn one(words: &mut &[&str], allowed: &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let is_met = any_of(words, allowed);
            let [")", rest @ ..] = *words else { return false };
            *words = rest;
            is_met
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.contains(&licence.replace("+WITH+", " WITH ").as_str())
        }
        [] => false,
    }
}

#[test]
fn an_expression_is_read_as_spdx_has_it() {
    let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR MIT) AND Unicode-3.0", true),
        ("MIT OR GPL-3.0 AND BSL-1.0", true),
        ("(MIT OR GPL-3.0) AND BSL-1.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("Apache-2.0", false),
        ("(MIT", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_licence_is_allowed() {
    let config = read("deny.toml");
    let allowed = list(&config, "licenses", "allow");
    assert!(allowed.contains(&"MIT"), "{allowed:?}");
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "{} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(|licence| is_allowed(licence, &allowed)))
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences that deny.toml does not allow: {refused:?}");
}

#[test]
fn nothing_that_is_banned_is_locked() {
    let (config, lock) = (read("deny.toml"), read("Cargo.lock"));
    // A name and a reason for each: the names are what a lock file can hold.
    let banned: Vec<&str> = list(&config, "bans", "deny").into_iter().step_by(2).collect();
    assert!(banned.contains(&"ring") && banned.contains(&"chrono"), "{banned:?}");
    let locked = locked(&lock, "name");
    let found: Vec<_> = banned.iter().filter(|name| locked.contains(*name)).collect();
    assert!(found.is_empty(), "banned and locked: {found:?}");
}

#[test]
fn everything_comes_from_one_registry_at_a_stated_version() {
    let lock = read("Cargo.lock");
    let sources = locked(&lock, "source");
    assert!(sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
    let metadata = metadata();
    for package in metadata["packages"].as_array().expect("packages").iter().filter(|p| p["source"].is_null()) {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let is_wild = dependency["req"] == "*" && dependency["path"] == Value::Null;
            assert!(!is_wild, "{}: {} has no version", package["name"], dependency["name"]);
        }
    }
}
