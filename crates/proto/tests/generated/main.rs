//! The committed code is what the contracts generate.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every `.proto` of ours, relative to `/proto`; what they import comes by itself.
fn contracts(proto: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            contracts(proto, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path.strip_prefix(proto).unwrap().to_path_buf());
        }
    }
    found.sort();
}

/// File name to bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

fn generate(out: &Path) {
    let proto = root().join("proto");
    let mut contracts_found = Vec::new();
    contracts(&proto, &proto.join("loopledger"), &mut contracts_found);
    let mut compiler = protox::Compiler::new([&proto]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(&contracts_found).unwrap();
    let mut set = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .out_dir(out)
        .include_file("mod.rs")
        .extern_path(".google.rpc", "::tonic_types")
        .compile_fds(set.clone())
        .unwrap();
    // Comments are in the generated code; reflection does not need them.
    for file in &mut set.file {
        file.source_code_info = None;
    }
    fs::write(out.join("descriptor.bin"), set.encode_to_vec()).unwrap();
}

#[test]
fn the_committed_code_is_what_the_contracts_generate() {
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let fresh = files(fresh.path());
    let committed_at = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen");
    if std::env::var_os("UPDATE_PROTO").is_some() {
        for name in files(&committed_at).keys().filter(|name| !fresh.contains_key(*name)) {
            fs::remove_file(committed_at.join(name)).unwrap();
        }
        for (name, bytes) in &fresh {
            fs::write(committed_at.join(name), bytes).unwrap();
        }
    }
    let committed = files(&committed_at);
    let names = |set: &BTreeMap<String, Vec<u8>>| set.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&fresh), "run UPDATE_PROTO=1 cargo test -p loopledger-proto");
    for (name, bytes) in &fresh {
        assert!(
            committed.get(name) == Some(bytes),
            "{name} has drifted: UPDATE_PROTO=1 cargo test -p loopledger-proto"
        );
    }
}
