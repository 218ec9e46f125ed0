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

/// The part of `text` between two marks.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(begin)?.1.split_once(end)?.0)
}

/// The packages that `[bans]` denies, each with its wrappers: those alone may use it.
fn bans(config: &str) -> Vec<(&str, Vec<&str>)> {
    let (_, body) = config.split_once("[bans]").expect("[bans]");
    let list = between(body, "\ndeny = [\n", "\n]").expect("deny in [bans]");
    let ban = |line| {
        let wrappers = between(line, "wrappers = [", "]").unwrap_or_default();
        (between(line, "name = \"", "\"").expect("a name"), wrappers.split('"').skip(1).step_by(2).collect())
    };
    list.lines().map(ban).collect()
}

/// The banned packages of a lock file that nobody may use, or that somebody uses who may not.
fn banned<'a>(config: &'a str, lock: &str) -> Vec<&'a str> {
    let depends_on = |package: &str, name: &str| {
        // A name, with a version where there are several.
        let dependencies = between(package, "\ndependencies = [\n", "\n]").unwrap_or_default();
        dependencies.lines().any(|line| line.trim_matches([' ', '"', ',']).split(' ').next() == Some(name))
    };
    let users = |name| {
        let packages = lock.split("[[package]]").filter(move |package| depends_on(package, name));
        packages.map(|package| between(package, "\nname = \"", "\"").expect("a name"))
    };
    let locked = locked(lock, "name");
    let mut bans = bans(config);
    bans.retain(|(name, wrappers)| {
        locked.contains(name) && (wrappers.is_empty() || users(name).any(|user| !wrappers.contains(&user)))
    });
    bans.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_banned_package_is_found_unless_its_wrappers_alone_use_it() {
    let config = "[bans]\ndeny = [\n    { name = \"x\", reason = \"[]\" },\n    \
        { name = \"y\", wrappers = [\"a\", \"b\"], reason = \"\" },\n]\n";
    let package =
        |name: &str, uses: &str| format!("[[package]]\nname = \"{name}\"\ndependencies = [\n \"{uses}\",\n]\n");
    let leaf = |name: &str| format!("[[package]]\nname = \"{name}\"\n");
    for (lock, expected) in [
        (package("a", "z") + &leaf("z"), &[][..]),
        (package("a", "y") + &package("b", "y 1.0.0") + &leaf("y"), &[]),
        (package("a", "y") + &package("c", "y 1.0.0") + &leaf("y"), &["y"]),
        (package("a", "x") + &leaf("x"), &["x"]),
        (leaf("x") + &leaf("y"), &["x"]),
    ] {
        assert_eq!(banned(config, &lock), expected, "{lock}");
    }
}

#[test]
fn nothing_that_is_banned_is_locked() {
    let (config, lock) = (read("deny.toml"), read("Cargo.lock"));
    let names: Vec<&str> = bans(&config).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"ring") && names.contains(&"chrono"), "{names:?}");
    let found = banned(&config, &lock);
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
