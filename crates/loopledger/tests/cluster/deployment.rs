//! The five programs, each with its replicas, on brokers of their own.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_kafka_log::KafkaOptions;
use loopledger_kafka_log::topics::{self, Wanted};
use loopledger_testkit::Brokers;
use loopledger_types::{CountyCode, Key, partition_of};
use serde_json::Value;
use tempfile::TempDir;

use crate::replica::{BINARY, Replica, Setup};

pub(crate) const PROJECTION: &str = "projection";
pub(crate) const WRITERS: [&str; 4] = ["procurement", "station", "distribution", "sales"];
pub(crate) const PROGRAMS: [&str; 5] = ["procurement", "station", "distribution", "sales", PROJECTION];

/// Enough for partitions to matter, few enough for brokers to start quickly.
const PARTITIONS: u32 = 8;

pub(crate) struct Deployment {
    /// Before the folder that they write to.
    replicas: Mutex<Vec<Arc<Replica>>>,
    pub(crate) brokers: Brokers,
    folder: TempDir,
    /// In the environment of every program.
    variables: Vec<(&'static str, String)>,
}

impl Deployment {
    /// So many brokers, with topics; no programs yet.
    pub(crate) fn new(brokers: u32) -> Self {
        Self::on(Brokers::start(brokers))
    }

    /// The same on brokers that were started already.
    pub(crate) fn on(brokers: Brokers) -> Self {
        let options = KafkaOptions::new(brokers.bootstrap());
        let wanted = Wanted { partitions: Some(PARTITIONS), replication_factor: None };
        crate::runtime().block_on(topics::create(&options, wanted)).expect("topics are created");
        let folder = tempfile::tempdir().expect("a folder");
        Self { replicas: Mutex::default(), brokers, folder, variables: Vec::new() }
    }

    /// The same, with something in the environment of every program that is added.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// A replica of each program, and waits until all are ready.
    pub(crate) fn add_all(&self, name: &str, partitions: Option<&'static str>) {
        for program in PROGRAMS {
            self.add(program, name, partitions);
        }
        self.await_ready();
    }

    /// One more replica, which is not waited for.
    pub(crate) fn add(&self, program: &'static str, name: &str, partitions: Option<&'static str>) {
        let data = self.folder().join(format!("{program}-{name}"));
        let (name, brokers) = (name.to_owned(), self.brokers.bootstrap().to_owned());
        let variables = self.variables.clone();
        let setup = Setup { program, name, brokers, data, partitions, variables };
        self.all().push(Arc::new(Replica::start(setup)));
    }

    /// Ends a replica for good, by SIGKILL.
    pub(crate) fn remove(&self, program: &str, name: &str) {
        self.all().retain(|replica| replica.setup().program != program || replica.setup().name != name);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn get(&self, program: &str, name: &str) -> Arc<Replica> {
        let found = self.all().iter().find(|one| one.setup().program == program && one.setup().name == name).cloned();
        found.expect("a replica that was added")
    }

    pub(crate) fn replicas(&self) -> Vec<Arc<Replica>> {
        self.all().clone()
    }

    pub(crate) fn await_ready(&self) {
        for replica in self.replicas() {
            replica.await_ready();
        }
    }

    /// Where the replicas of a program answer, those that run.
    pub(crate) fn urls(&self, program: &str) -> Vec<String> {
        self.all().iter().filter(|one| one.setup().program == program).filter_map(|one| one.url()).collect()
    }

    /// The replica called `name` of each program, as client commands want them.
    pub(crate) fn servers(&self, name: &str) -> String {
        PROGRAMS.map(|program| format!("{program}={}", self.get(program, name).await_ready())).join(",")
    }

    /// What every replica ended with that ended by itself.
    pub(crate) fn ends(&self) -> Vec<(&'static str, String)> {
        let ends =
            |one: &Arc<Replica>| one.ends().into_iter().map(|end| (one.setup().program, end)).collect::<Vec<_>>();
        self.all().iter().flat_map(ends).collect()
    }

    /// The last of what every replica said, for a failure.
    pub(crate) fn last_words(&self) -> String {
        let words =
            |one: &Arc<Replica>| format!("--- {} {}\n{}\n", one.setup().program, one.setup().name, one.last_words());
        self.all().iter().map(words).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Replica>>> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a client command.
pub(crate) fn client(servers: &str, args: &[&str]) -> Output {
    Command::new(BINARY).args(args).env("LOOPLEDGER_SERVER", servers).output().expect("the binary runs")
}

/// Runs a client command that must succeed; what it printed.
pub(crate) fn client_output(servers: &str, args: &[&str]) -> String {
    let output = client(servers, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

pub(crate) fn status(servers: &str) -> Value {
    serde_json::from_str(&client_output(servers, &["status", "--format", "json"])).expect("JSON")
}

/// The partition that the county lives in.
pub(crate) fn partition() -> i32 {
    partition_of(Key(CountyCode::TUOLI), PARTITIONS).0.cast_signed()
}
