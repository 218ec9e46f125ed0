//! Five processes on three brokers, the embedded log, and every service begun anew on an empty store: one ledger.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::deployment::{Deployment, PROGRAMS, client_output, status};
use crate::replica::BINARY;

const DEMO: [&str; 5] = ["demo", "--households", "60", "--weeks", "8"];

#[test]
fn the_demo_on_three_brokers_is_that_on_the_embedded_log_also_from_empty_stores() {
    let _machine = crate::machine();
    let folder = tempfile::tempdir().expect("a folder");
    let embedded = Embedded::start(folder.path());
    client_output(&embedded.url, &DEMO);
    let expected = loops(&embedded.url);
    let expected_status = status(&embedded.url);
    drop(embedded);
    assert!(expected.0.contains("鹰嘴豆") && !expected.0.contains('✗'), "{}", expected.0);

    let cluster = Deployment::new(3);
    cluster.add_all("a", None);
    let servers = cluster.servers("a");
    client_output(&servers, &DEMO);
    assert_eq!(loops(&servers), expected);
    let before = status(&servers);
    assert_eq!(before["ledger_digest"], expected_status["ledger_digest"]);
    assert_eq!(before["durability"], "kafka rf=3 min.insync.replicas=2");
    for stream in before["streams"].as_array().expect("streams") {
        assert_eq!(stream["voids"], 0, "{stream}: no other program writes");
    }

    for program in PROGRAMS {
        let replica = cluster.get(program, "a");
        replica.kill();
        std::fs::remove_dir_all(replica.data()).expect("its store");
        replica.restart();
    }
    cluster.await_ready();
    let servers = cluster.servers("a");
    assert_eq!(status(&servers), before, "heads, digests and voids from an empty store");
    assert_eq!(loops(&servers), expected);
    let rebuilt = client_output(&servers, &["rebuild"]);
    assert!(rebuilt.contains(before["ledger_digest"].as_str().expect("a digest")), "{rebuilt}");
    // The services remember too: a repeat finds what is there.
    client_output(&servers, &DEMO);
    assert_eq!(status(&servers), before);
    assert_eq!(cluster.ends(), []);
}

/// The loop as a table, and in full.
fn loops(servers: &str) -> (String, String) {
    (client_output(servers, &["loop"]), client_output(servers, &["loop", "--format", "json"]))
}

/// `up` on the embedded log, killed when it goes out of scope.
pub(crate) struct Embedded {
    child: Child,
    pub(crate) url: String,
}

impl Embedded {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut command = Command::new(BINARY);
        command
            .args(["up", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
            .arg(folder.join("embedded"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut url = String::new();
        for line in BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("gRPC ") {
                url = format!("http://{}", rest.split_whitespace().next().expect("an address"));
            }
            if line.starts_with("就绪") {
                break;
            }
        }
        Self { child, url }
    }

    pub(crate) fn ledger_digest(&self) -> Value {
        status(&self.url)["ledger_digest"].clone()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
