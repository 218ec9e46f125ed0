//! Dependency edges: only those of `MAY_DEPEND_ON` (docs/design.md §12), nothing impure in a pure crate, and the wire of the
//! projection in one module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

/// What a crate may use directly; "may" is transitive, so the table lists the nearest only.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("dice", &[]),
    ("types", &[]),
    ("chain", &["types"]),
    ("facts", &["types"]),
    ("rules", &["facts"]),
    // The contexts: none imports another one.
    ("procurement-rules", &["rules"]),
    ("station-rules", &["rules"]),
    ("distribution-rules", &["rules"]),
    ("sales-rules", &["rules"]),
    ("domain", &["procurement-rules", "station-rules", "distribution-rules", "sales-rules"]),
    ("accounting", &["facts"]),
    ("ledger", &["accounting"]),
    ("proto", &[]),
    ("wire", &["proto", "domain", "chain"]),
    ("event-log", &["types", "dice"]),
    ("kafka-log", &["event-log"]),
    ("page-store", &[]),
    ("state-store", &["domain", "page-store"]),
    ("observability", &["event-log", "page-store"]),
    ("limits", &["domain", "observability"]),
    ("feed", &["wire", "event-log", "observability"]),
    ("writer", &["accounting", "feed", "limits", "state-store"]),
    ("grpc", &["writer"]),
    ("repair", &["feed", "state-store"]),
    ("service", &["grpc", "repair"]),
    ("procurement", &["service"]),
    ("station", &["service"]),
    ("distribution", &["service"]),
    ("sales", &["service"]),
    ("projection", &["service", "ledger"]),
    ("web", &["service"]),
    ("scenario", &["proto", "types", "dice"]),
    ("client", &["wire"]),
    ("load", &["client", "scenario"]),
    ("loopledger", &["procurement", "station", "distribution", "sales", "projection", "web", "kafka-log", "load"]),
];

/// Support crates: may use anything, and no production crate may use them.
const SUPPORT: &[&str] = &["testkit", "sim", "grpc-tests", "repository-checks", "benches"];

const PURE: &[&str] = &[
    "types",
    "chain",
    "facts",
    "rules",
    "procurement-rules",
    "station-rules",
    "distribution-rules",
    "sales-rules",
    "domain",
    "accounting",
    "ledger",
];

/// What a pure crate must not reach, however indirectly (normal and build dependencies).
const IMPURE: &[&str] = &[
    "tokio",
    "tonic",
    "prost",
    "rdkafka",
    "sled",
    "serde",
    "serde_core",
    "rand",
    "rand_core",
    "fastrand",
    "getrandom",
    "chrono",
    "jiff",
    "time",
    "bincode",
];

/// The crates that may use a library directly.
const ONLY_USERS: &[(&str, &[&str])] = &[
    ("rdkafka", &["kafka-log"]),
    ("sled", &["page-store"]),
    ("bincode", &["page-store", "state-store"]),
    ("prometheus-client", &["observability"]),
    ("opentelemetry", &["observability"]),
    ("opentelemetry_sdk", &["observability"]),
    ("opentelemetry-otlp", &["observability"]),
];

struct Graph {
    /// Package id → (name, is ours).
    names: BTreeMap<String, String>,
    ours: BTreeMap<String, String>,
    /// Package id → ids of its normal and build dependencies.
    edges: BTreeMap<String, BTreeSet<String>>,
    /// Package id → ids of the dependencies of its tests.
    dev_edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Everything that a package is built from, however indirectly.
    fn reached(&self, of: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut todo = vec![of.to_owned()];
        while let Some(next) = todo.pop() {
            for target in self.edges.get(&next).into_iter().flatten() {
                if reached.insert(target.clone()) {
                    todo.push(target.clone());
                }
            }
        }
        reached
    }
}

/// The target that this machine builds for: packages of other platforms need not be at hand.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// What cargo says of the workspace and of everything that it is built from on this platform.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &host()])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn graph() -> Graph {
    let metadata = metadata();
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let list = |value: &Value| value.as_array().expect("an array").clone();

    let members: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    let mut names = BTreeMap::new();
    let mut ours = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        let (id, name) = (text(&package["id"]), text(&package["name"]));
        if members.contains(&id) {
            let short = name.strip_prefix("loopledger-").unwrap_or(&name).to_owned();
            ours.insert(id.clone(), short);
        }
        names.insert(id, name);
    }
    let (mut edges, mut dev_edges) = (BTreeMap::new(), BTreeMap::new());
    for node in list(&metadata["resolve"]["nodes"]) {
        let counts = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() != Some("dev"));
        let targets = list(&node["deps"]).iter().filter(|dep| counts(dep)).map(|dep| text(&dep["pkg"])).collect();
        edges.insert(text(&node["id"]), targets);
        let of_tests = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() == Some("dev"));
        let targets = list(&node["deps"]).iter().filter(|dep| of_tests(dep)).map(|dep| text(&dep["pkg"])).collect();
        dev_edges.insert(text(&node["id"]), targets);
    }
    Graph { names, ours, edges, dev_edges }
}

fn allowed(of: &str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![of.to_owned()];
    while let Some(name) = todo.pop() {
        let Some((_, direct)) = MAY_DEPEND_ON.iter().find(|(crate_name, _)| *crate_name == name) else { continue };
        for next in *direct {
            if reached.insert(*next) {
                todo.push((*next).to_owned());
            }
        }
    }
    reached
}

#[test]
fn every_edge_between_our_crates_is_allowed() {
    let graph = graph();
    let mut wrong = Vec::new();
    for (id, name) in &graph.ours {
        let support = SUPPORT.contains(&name.as_str());
        assert!(support || MAY_DEPEND_ON.iter().any(|(known, _)| known == name), "crate {name} is in no layer");
        let may = allowed(name);
        for target in graph.edges.get(id).into_iter().flatten().filter_map(|target| graph.ours.get(target)) {
            if !support && !may.contains(target.as_str()) {
                wrong.push(format!("{name} → {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that docs/design.md §12 does not allow: {wrong:?}");
}

#[test]
fn pure_crates_reach_nothing_impure() {
    let graph = graph();
    for (id, name) in graph.ours.iter().filter(|(_, name)| PURE.contains(&name.as_str())) {
        let reached = graph.reached(id);
        let impure: Vec<&String> =
            reached.iter().map(|id| &graph.names[id]).filter(|n| IMPURE.contains(&n.as_str())).collect();
        assert!(impure.is_empty(), "{name} is pure and reaches {impure:?}");
    }
}

/// A crate's own tests may turn on its features by depending on itself.
#[test]
fn no_crate_is_tested_by_one_that_is_built_from_it() {
    let graph = graph();
    for (id, name) in &graph.ours {
        for target in graph.dev_edges.get(id).into_iter().flatten().filter(|target| *target != id) {
            assert!(
                !graph.reached(target).contains(id),
                "the tests of {name} need {}, which needs it",
                graph.names[target]
            );
        }
    }
}

#[test]
fn guarded_libraries_have_one_user() {
    let graph = graph();
    for (library, users) in ONLY_USERS {
        for (id, name) in &graph.ours {
            let uses = graph.edges.get(id).into_iter().flatten().any(|target| graph.names[target] == *library);
            assert!(!uses || users.contains(&name.as_str()), "{name} uses {library}, which only {users:?} may");
        }
    }
}

/// How a source mentions calls and messages.
const WIRE: &[&str] = &["tonic", "prost", "loopledger_proto", "service::grpc", "_to_pb", "_from_pb"];

/// Where a folder's sources mention the wire, outside `but`.
fn mentions_of_the_wire(folder: &Path, but: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path != but {
                found.extend(mentions_of_the_wire(&path, but)?);
            }
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let mentioned = WIRE.iter().filter(|word| text.contains(**word));
        found.extend(mentioned.map(|word| format!("{}: {word}", path.display())));
    }
    Ok(found)
}

/// Web pages, proofs and shards ask for the same answers.
#[test]
fn the_projection_answers_without_grpc() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../projection/src");
    let (api, grpc) = (sources.join("api"), sources.join("grpc"));
    assert!(
        api.is_dir() && !mentions_of_the_wire(&grpc, &api).expect("sources").is_empty(),
        "the check looks somewhere else"
    );
    let found = mentions_of_the_wire(&sources, &grpc).expect("sources");
    assert!(found.is_empty(), "only projection::grpc knows the wire: {found:#?}");
}
