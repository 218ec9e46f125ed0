//! What a process logs at the most talkative level, as JSON, while a county does business and makes mistakes: nothing of
//! what requests say.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::calls::register;
use crate::support::{BINARY, Server, write_scenario};

/// Fields of requests into which people write what they like.
const TEXTS: [&str; 8] = ["label", "name", "code", "receiptNumber", "lotLabel", "number", "reason", "grade"];

/// What a user might write there against the rules: a name, an identity number, a telephone number.
const PERSONAL: [&str; 3] = ["努尔古丽·托列根", "654224198001011234", "13999999999"];

/// What the log must not say.
#[derive(Debug, Default)]
struct Secrets {
    /// At no level.
    texts: BTreeSet<String>,
    /// At INFO and above.
    ids: BTreeSet<String>,
}

impl Secrets {
    fn take(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        // Shorter ones (a grade "A", a unit) are in every other word.
                        Value::String(text) if TEXTS.contains(&name.as_str()) && text.chars().count() > 3 => {
                            self.texts.insert(text.clone());
                        }
                        Value::String(text) if (name == "id" || name.ends_with("Id")) && text.len() == 36 => {
                            self.ids.insert(text.clone());
                        }
                        Value::String(_) | Value::Array(_) | Value::Object(_) => self.take(value),
                        Value::Null | Value::Bool(_) | Value::Number(_) => {}
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.take(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[test]
fn nothing_that_a_request_says_is_logged() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file, log) = (folder.path().join("data"), folder.path().join("commands"), folder.path().join("log"));
    write_scenario(&file, 20, 4);
    let mistakes = add_mistakes(&file);
    let mut secrets = Secrets::default();
    let commands = fs::read_to_string(&file).expect("the file");
    for line in commands.lines() {
        secrets.take(&serde_json::from_str(line).expect("JSON"));
    }
    secrets.texts.extend(PERSONAL.map(str::to_owned));

    let variables = [("RUST_LOG", "trace"), ("LOOPLEDGER_LOG_FORMAT", "json")];
    let server = Server::start_logging(&data, &variables, fs::File::create(&log).expect("a file"));
    let recorded = server.run(&["record", file.to_str().expect("a path")]);
    let answers = String::from_utf8_lossy(&recorded.stdout).into_owned();
    assert_eq!(recorded.status.code(), Some(1), "some are refused: {answers}");
    assert_eq!(answers.lines().filter(|line| line.contains("\"refusal\"")).count(), mistakes, "{answers}");
    for answer in answers.lines().filter(|line| line.starts_with('{')) {
        secrets.take(&serde_json::from_str(answer).expect("JSON"));
    }
    secrets.ids.extend(call_one_by_one(&server.url));
    // Queries name households, and answers their members.
    let households = server.run(&["income", "--division", "654224", "--format", "json"]);
    let households: Value = serde_json::from_slice(&households.stdout).expect("JSON");
    for household in households["rows"].as_array().expect("rows") {
        let id = household["household_id"].as_str().expect("an id").to_owned();
        assert!(server.run(&["income", "--household", &id]).status.success());
        secrets.ids.insert(id);
    }
    assert_eq!(server.interrupt(), Some(0));
    assert!(secrets.texts.len() > 100 && secrets.ids.len() > 200, "{secrets:?}");
    check(&fs::read_to_string(&log).expect("the log"), &secrets);
}

#[test]
fn an_unknown_format_is_wrong_usage() {
    let output = Command::new(BINARY).arg("status").env("LOOPLEDGER_LOG_FORMAT", "xml").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("'xml'"), "{output:?}");
}

/// One call recorded, repeated, refused as a repeat of another, and refused for its form; the ids they had.
fn call_one_by_one(url: &str) -> [String; 2] {
    let ids = ["00000004-0000-4000-8000-00000000aaaa", "00000005-0000-5000-8000-00000000aaaa"];
    let [name, identity, _] = PERSONAL;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        for (id, label, is_recorded) in
            [(ids[0], name, true), (ids[0], name, true), (ids[0], identity, false), (ids[1], name, false)]
        {
            assert_eq!(register(url, id, label, None).await.is_ok(), is_recorded, "{id} {label}");
        }
    });
    ids.map(str::to_owned)
}

/// Every line of ours is an object with a level, and what it must not say is not in it.
fn check(log: &str, secrets: &Secrets) {
    let (mut levels, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for line in log.lines() {
        // What the program says to the user who started it is not logged.
        if line.starts_with("loopledger: ") {
            continue;
        }
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let level = object["level"].as_str().expect("a level").to_owned();
        targets.insert(object["target"].as_str().expect("a target").to_owned());
        assert!(object["timestamp"].is_string(), "{line}");
        let quiet = secrets.texts.iter().find(|text| line.contains(text.as_str()));
        assert_eq!(quiet, None, "{line}");
        if matches!(level.as_str(), "INFO" | "WARN" | "ERROR") {
            let quiet = secrets.ids.iter().find(|id| line.contains(id.as_str()));
            assert_eq!(quiet, None, "{line}");
        }
        levels.insert(level);
    }
    assert!(levels.is_superset(&["INFO", "DEBUG", "TRACE"].map(str::to_owned).into()), "{levels:?}");
    assert!(targets.iter().any(|target| target.starts_with("loopledger_writer")), "{targets:?}");
}

/// Commands that are refused: by their form, by a rule, as a repeat of another. How many.
fn add_mistakes(file: &std::path::Path) -> usize {
    let mut text = fs::read_to_string(file).expect("the file");
    let first = text.lines().find(|line| line.contains("registerParty")).expect("a party").to_owned();
    let [name, identity, phone] = PERSONAL;
    let mut reused: Value = serde_json::from_str(&first).expect("JSON");
    reused["procurement"]["registerParty"]["label"] = Value::from(name);
    let mut malformed = reused.clone();
    malformed["procurement"]["registerParty"]["requestId"] = Value::from("00000001-0000-4000-8000-00000000aaaa");
    malformed["procurement"]["registerParty"]["divisionCode"] = Value::from(identity);
    let mut ruled_out = reused.clone();
    ruled_out["procurement"] = serde_json::json!({"failPayout": {
        "requestId": "00000002-0000-4000-8000-00000000aaaa",
        "occasion": malformed["procurement"]["registerParty"]["occasion"],
        "payoutId": "00000003-0000-4000-8000-00000000aaaa",
        "reason": phone,
    }});
    let mistakes = [reused, malformed, ruled_out];
    for mistake in &mistakes {
        writeln!(text, "{mistake}").expect("a string");
    }
    fs::write(file, text).expect("the file is written");
    mistakes.len()
}
