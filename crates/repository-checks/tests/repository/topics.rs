//! The topics in `k8s/` are those that every start of a program checks.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use loopledger_kafka_log::topics::{DEFAULT_PARTITIONS, required_settings};
use loopledger_types::{Service, Topic};

/// Where they are, and with how many replicas.
const FILES: [(&str, u32); 2] = [("k8s/kafka/topics.yaml", 3), ("k8s/overlays/county/topics.yaml", 1)];

const UPDATE: &str = "UPDATE_K8S";

fn manifest(replicas: u32) -> String {
    let mut text = format!(
        "# Written by a test from the rules that every start of a program checks (crates/kafka-log):\n\
         # {UPDATE}=1 cargo test -p loopledger-repository-checks topics\n"
    );
    for (number, service) in Service::ALL.into_iter().enumerate() {
        let line = if number == 0 { "" } else { "---\n" };
        write!(
            text,
            "{line}apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata:\n  name: {}\n  \
             labels: {{strimzi.io/cluster: loopledger}}\nspec:\n  partitions: {DEFAULT_PARTITIONS}\n  \
             replicas: {replicas}\n  config:\n",
            Topic(service)
        )
        .expect("a text takes everything");
        for (name, value) in required_settings(replicas) {
            writeln!(text, "    {name}: {value}").expect("a text takes everything");
        }
    }
    text
}

#[test]
fn the_manifests_have_the_topics_that_the_programs_require() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (file, replicas) in FILES {
        let path = root.join(file);
        let wanted = manifest(replicas);
        if std::env::var_os(UPDATE).is_some() {
            fs::write(&path, &wanted).expect("a file to write");
        }
        let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(found, wanted, "{file}: {UPDATE}=1 writes it anew");
    }
}
