//! Documents and comments cite only what is in the repository.

use std::fs;
use std::path::{Path, PathBuf};

const DESIGN: &str = "docs/design.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where documents, sources and contracts lie; files of the root besides.
const FOLDERS: [&str; 6] = ["benches", "crates", "docs", "k8s", "proto", "scripts"];

/// What is built or installed there, and not ours.
const SKIPPED: [&str; 3] = ["target", "node_modules", "__pycache__"];

fn files(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            found.push(path);
        } else if deep && path.is_dir() && !SKIPPED.iter().any(|name| path.ends_with(name)) {
            files(&path, deep, found);
        }
    }
}

/// Every text of the repository with its path. What is not UTF-8 cites nothing.
fn texts() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root(), false, &mut found);
    for folder in FOLDERS {
        files(&root().join(folder), true, &mut found);
    }
    found.into_iter().filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text))).collect()
}

/// The numbers of the sections of the design document.
fn sections(design: &str) -> Vec<&str> {
    design.lines().filter_map(|line| line.strip_prefix("## ")?.split_once(". ").map(|(number, _)| number)).collect()
}

/// The sections of the design document that a text cites, by number.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    let cited = text.split(DESIGN).skip(1).filter_map(|rest| rest.strip_prefix(" §"));
    cited.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
}

#[test]
fn every_cited_section_of_the_design_document_exists() {
    let design = fs::read_to_string(root().join(DESIGN)).expect("the design document");
    let sections = sections(&design);
    let texts = texts();
    let wrong: Vec<_> = texts
        .iter()
        .flat_map(|(path, text)| cited(text).map(move |section| (path, section)))
        .filter(|(_, section)| !sections.contains(section))
        .collect();
    assert!(wrong.is_empty(), "cited, but not there: {wrong:?}");
    // Another document of that name is not in the repository.
    let other = concat!("DESIGN", " §");
    let foreign: Vec<_> = texts.iter().filter(|(_, text)| text.contains(other)).map(|(path, _)| path).collect();
    assert!(foreign.is_empty(), "these cite a document that is not in the repository: {foreign:?}");
}

/// The relative targets of a Markdown text's links, without their anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let relative = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    relative.map(|target| target.split('#').next().unwrap_or_default())
}

#[test]
fn every_relative_link_of_a_document_leads_to_a_file() {
    let mut wrong = Vec::new();
    for (path, text) in texts().iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "md")) {
        let folder = path.parent().expect("a file lies in a folder");
        let dead = links(text).filter(|target| !folder.join(target).exists());
        wrong.extend(dead.map(|target| format!("{} → {target}", path.display())));
    }
    assert!(wrong.is_empty(), "links to nothing: {wrong:?}");
}

/// Lines of source from which on a crate has a map of its modules in ARCHITECTURE.
const MAPPED_LINES: usize = 3_000;

fn modules(lib: &str) -> impl Iterator<Item = &str> {
    lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
}

#[test]
fn every_large_crate_has_a_map_that_names_its_modules() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("a text");
    let mut missing = Vec::new();
    let mut mapped = 0;
    for entry in fs::read_dir(root().join("crates")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let mut sources = Vec::new();
        files(&path.join("src"), true, &mut sources);
        let lines: usize =
            sources.iter().map(|file| fs::read_to_string(file).map_or(0, |text| text.lines().count())).sum();
        if lines < MAPPED_LINES || name == "proto" {
            continue;
        }
        mapped += 1;
        let Some((_, map)) = architecture.split_once(&format!("\n**`{name}`**")) else {
            missing.push(name);
            continue;
        };
        let map = map.split("\n**`").next().unwrap_or_default();
        let lib = fs::read_to_string(path.join("src/lib.rs")).expect("a library");
        missing.extend(
            modules(&lib)
                .filter(|module| !map.contains(&format!("`{module}`")))
                .map(|module| format!("{name}::{module}")),
        );
    }
    assert!(mapped > 5, "{mapped} crates");
    assert!(missing.is_empty(), "not in ARCHITECTURE's module map: {missing:?}");
}
