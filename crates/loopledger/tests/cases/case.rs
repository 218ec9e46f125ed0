//! A server of its own for one case, and what a caller does with it.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::Server;

/// An empty ledger, and the inputs of one folder.
pub(crate) struct Case {
    inputs: PathBuf,
    scratch: TempDir,
    server: Server,
}

impl Case {
    /// Starts a server for the inputs of `folder`.
    pub(crate) fn new(folder: &str) -> Self {
        let inputs = crate::folder().join(folder);
        assert!(inputs.is_dir(), "there is no case {folder}");
        let scratch = tempfile::tempdir().expect("a folder");
        let server = Server::start(&scratch.path().join("data"));
        Self { inputs, scratch, server }
    }

    /// The path of an input.
    pub(crate) fn input(&self, file: &str) -> String {
        text(&self.inputs.join(file))
    }

    /// A path for something that the case writes.
    pub(crate) fn scratch(&self, file: &str) -> String {
        text(&self.scratch.path().join(file))
    }

    /// `loopledger record` of an input.
    pub(crate) fn record(&self, file: &str) -> Output {
        self.run(&["record", &self.input(file)])
    }

    /// Any client command.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.server.run(args)
    }

    /// A query that must succeed, as JSON.
    #[allow(dead_code, reason = "cases that look at figures use it")]
    pub(crate) fn query(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let output = self.run(&all);
        assert!(output.status.success(), "{args:?}: {}", errors(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path").to_owned()
}

/// What `record` answered, a value a line.
pub(crate) fn answers(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// What it said on standard error.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The lines that were refused, and why.
pub(crate) fn refusals(output: &Output) -> Vec<(u64, String)> {
    let refused = answers(output).into_iter().filter(|answer| answer["refusal"].is_object());
    let text = |answer: &Value| answer["refusal"]["reason"].as_str().unwrap_or_default().to_owned();
    refused.map(|answer| (answer["line"].as_u64().expect("a number"), text(&answer))).collect()
}
