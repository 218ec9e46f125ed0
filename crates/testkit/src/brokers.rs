//! A real Kafka cluster for a test, started by `scripts/kafka`. It stops with the test process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/kafka");

/// A cluster of its own, whose brokers a test may kill. Without Kafka there is none, and the test fails.
#[derive(Debug)]
pub struct Brokers {
    data: PathBuf,
    bootstrap: String,
}

impl Brokers {
    /// One broker, or three.
    ///
    /// # Panics
    /// If no cluster can be had.
    pub fn start(count: u32) -> Self {
        Self::start_on(count, |_| {})
    }

    /// The same on a folder that is prepared first: broker N keeps its log in `broker-N/data`.
    ///
    /// # Panics
    /// If no cluster can be had.
    pub fn start_on(count: u32, prepare: impl FnOnce(&Path)) -> Self {
        // Removed with the cluster, when this process ends: a static is never dropped.
        let data = tempfile::tempdir().expect("a temporary folder").keep();
        prepare(&data);
        let mut cluster = Self { data, bootstrap: String::new() };
        let pid = std::process::id().to_string();
        let printed = cluster.run(&["up", "--brokers", &count.to_string(), "--for", &pid]);
        let line = printed.lines().find_map(|line| line.strip_prefix("bootstrap="));
        line.expect("scripts/kafka prints where its brokers are").clone_into(&mut cluster.bootstrap);
        cluster
    }

    /// Addresses of the brokers, separated by commas.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The folder that holds a folder for each broker.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Runs `scripts/kafka` on this cluster, and returns what it printed.
    ///
    /// # Panics
    /// If it says no.
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scripts/kafka {args:?}: {complaint}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Whether the broker of this number, from 1 on, runs.
    ///
    /// # Panics
    /// If `scripts/kafka` cannot be run.
    pub fn runs(&self, id: u32) -> bool {
        self.output(&["pid", &id.to_string()]).status.success()
    }

    fn output(&self, args: &[&str]) -> Output {
        Command::new(SCRIPT).args(args).arg("--data").arg(&self.data).output().expect("scripts/kafka runs")
    }
}
