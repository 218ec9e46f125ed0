//! A log whose tail was cut while no program ran: nothing serves from it, until it is repaired or the loss is accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

use loopledger_chain::{Envelope, leaf_hash};
use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::{self, Procurement};
use loopledger_domain::sales::Sales;
use loopledger_domain::station::Station;
use loopledger_domain::{Commit, Decider, Event};
use loopledger_proto::ledger::v1::ListCommitsRequest;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_types::Service;
use loopledger_wire::decode_commit;
use serde_json::Value;

use crate::support::{BINARY, Server, store_of, write_scenario};

/// Commits cut from the end of the stations' stream, and of procurement's.
const CUT: usize = 40;

/// A county with some weeks of business, its process killed; its digest.
fn killed_county(folder: &Path) -> (PathBuf, PathBuf, Value) {
    let (data, file) = (folder.join("data"), folder.join("commands"));
    write_scenario(&file, 60, 8);
    let server = Server::start(&data);
    let recorded = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    let status = server.status();
    // What is acknowledged is in the log at once, and in the stores in good time, or when the process ends in good order.
    assert_eq!(server.interrupt(), Some(0));
    let mut server = Server::start(&data);
    server.kill();
    (data, file, status)
}

/// Cuts the newest records off a stream's only segment; how many are left.
fn cut(data: &Path, service: &str, records: usize) -> usize {
    let topic = data.join("log").join(format!("loopledger.{service}.v1"));
    let mut segments: Vec<PathBuf> = Vec::new();
    for partition in std::fs::read_dir(topic).expect("the topic") {
        let files = std::fs::read_dir(partition.expect("a folder").path()).expect("a partition");
        segments.extend(files.map(|file| file.expect("a file").path()));
    }
    let [segment] = &segments[..] else { panic!("{segments:?}") };
    let bytes = std::fs::read(segment).expect("the segment");
    // A header of 24 bytes; of each record, a length of 4 bytes, a checksum of 4, and the value.
    let mut ends = vec![24];
    while let Some(at) = ends.last().copied().filter(|at| *at < bytes.len()) {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
        ends.push(at + 8 + length);
    }
    let kept = ends.len() - 1 - records;
    let file = OpenOptions::new().write(true).open(segment).expect("the segment");
    file.set_len(ends[kept] as u64).expect("it is cut");
    kept
}

/// Runs `repair`: how it ended, its rows, and what it said.
fn repair(data: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = Command::new(BINARY)
        .args(["repair", "--format", "json", "--data"])
        .arg(data)
        .args(more)
        .output()
        .expect("the binary runs");
    let rows = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), rows, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn lost_streams(rows: &[Value]) -> BTreeSet<(String, String)> {
    let lost = rows.iter().filter(|row| row["missing"].is_string());
    let cell = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    lost.map(|row| (cell(row, "stream"), cell(row, "missing"))).collect()
}

#[test]
fn what_a_log_lost_is_named_and_appended_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, _, before) = killed_county(folder.path());
    let kept = cut(&data, "station", CUT);
    let missing = format!("{}", kept + 1);
    let last = (kept + CUT).to_string();

    let (server, said) = Server::start_halted(&data);
    assert!(said.contains("station/654224 is halted: LOST_TAIL"), "{said}");
    assert!(said.contains(&format!("commits {missing} to {last} of station/654224")), "{said}");
    assert!(said.contains("run `loopledger repair`"), "{said}");
    // Every program that had read what is lost has halted too, and every answer that needs it says so.
    for service in ["procurement/654224", "distribution/654224", "sales/654224", "the projection of 654224"] {
        assert!(said.contains(&format!("{service} is halted")), "{service}: {said}");
    }
    let status = server.run(&["status"]);
    assert_eq!(status.status.code(), Some(1), "a check says no");
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("LOST_TAIL") && status.contains("run `loopledger repair`"), "{status}");
    assert!(status.contains(&format!("{missing} to {last}")), "{status}");
    assert!(status.contains("请停止各服务"), "{status}");
    let json = server.run(&["status", "--format", "json"]);
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let station = json["streams"].as_array().and_then(|all| all.iter().find(|s| s["stream"] == "station/654224"));
    let station = station.expect("a stream");
    assert_eq!(
        (&station["health"], &station["writer"], &json["halted"]),
        (&"halted".into(), &"halted".into(), &true.into())
    );
    assert_eq!(station["halts"][0]["reason"], "LOST_TAIL", "{json}");
    // No writer is left that serves, but the ledger shows its status, which is where a caller learns why.
    let (code, body) = server.get("/readyz");
    assert_eq!(code, 200, "{body}");
    assert!(body.contains("station/654224: halted, LOST_TAIL") && body.contains("run `loopledger repair`"), "{body}");
    let refused = server.run(&["loop"]);
    let output = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && output.contains("LOST_TAIL"), "{output}");
    assert_eq!(repair(&data, &[]).0, Some(1), "not while it runs");
    assert_eq!(server.interrupt(), Some(0));
    // However often it is started.
    let (server, again) = Server::start_halted(&data);
    assert!(again.contains("LOST_TAIL"), "{again}");
    assert_eq!(server.interrupt(), Some(0));

    assert_eq!(repair(&folder.path().join("nowhere"), &[]).0, Some(2), "there is nothing to mend");
    let (code, rows, said) = repair(&data, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lost_streams(&rows), [("station/654224".to_owned(), format!("{missing}-{last}"))].into());
    assert_eq!(repair(&data, &[]).1.iter().filter(|row| row["missing"].is_string()).count(), 0, "once is enough");
    let server = Server::start(&data);
    let after = server.status();
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let rebuilt = server.run(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
}

#[test]
fn an_accepted_loss_is_in_the_log_and_nothing_happens_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file, before) = killed_county(folder.path());
    let kept = [cut(&data, "station", CUT), cut(&data, "procurement", CUT)];
    // The stations' store is gone too: what it held cannot be appended again.
    std::fs::remove_dir_all(data.join("state/station")).expect("the store");
    // The second time it has a store again, of the shorter log.
    for _ in 0..2 {
        let (server, said) = Server::start_halted(&data);
        assert!(said.contains("station/654224 is halted: LOST_TAIL"), "it names what others lost: {said}");
        assert_eq!(server.interrupt(), Some(0));
        assert_eq!([cut(&data, "station", 0), cut(&data, "procurement", 0)], kept, "nothing was written");
    }

    let copy = folder.path().join("copy");
    let copied = Command::new("cp").arg("-r").arg(&data).arg(&copy).status().expect("cp runs");
    assert!(copied.success());
    let (code, _, said) = repair(&copy, &[]);
    assert!(code == Some(1) && said.contains("station/654224 are missing, and no store in"), "{said}");
    assert!(said.contains("only --accept-loss remains"), "{said}");

    let (code, rows, said) = repair(&data, &["--accept-loss"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lost_streams(&rows).len(), 2, "{rows:?}");
    for evidence in ["procurement", "distribution", "sales", "projection"].map(store_of) {
        assert!(data.join(format!("{evidence}.evidence-1")).is_dir(), "{evidence}");
    }
    assert_eq!(repair(&data, &[]).0, Some(0), "nothing is left to do");

    let server = Server::start(&data);
    let rebuilt = server.run(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    // The lost requests are sent again with all the others: in the end it is as if nothing had been lost.
    let again = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(server.ledger_digest(), before["ledger_digest"].as_str().expect("a digest"));
    // Business goes on.
    let play = server.run(&["demo", "--households", "60", "--weeks", "10"]);
    assert!(play.status.success(), "{}", String::from_utf8_lossy(&play.stderr));
    let status = server.status();
    let (lost, repeated) = check_hand_overs(&server.url);
    println!("{lost} answers to lost commits, {repeated} answers repeated");
    assert!(lost > 0 && repeated > 0);
    assert_eq!(server.interrupt(), Some(0));

    // Folded from nothing but the log, everything is the same.
    std::fs::remove_dir_all(data.join("state")).expect("the stores");
    let server = Server::start(&data);
    let fresh = server.status();
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(fresh[same], status[same], "{same}");
    }
}

/// The last commit before the loss, which no commit answers or extends: only the other stores know of it.
#[test]
fn what_no_commit_names_is_missed_by_those_who_had_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file, _) = killed_county(folder.path());
    let (lines, one) = (std::fs::read_to_string(&file).expect("the file"), folder.path().join("one"));
    let registration = lines.lines().find(|line| line.contains("registerHousehold")).expect("households");
    let mut registration: Value = serde_json::from_str(registration).expect("JSON");
    registration["procurement"]["registerHousehold"]["requestId"] = "00000000-0000-4000-8000-000000000001".into();
    std::fs::write(&one, registration.to_string()).expect("a file");
    let record = |server: &Server| {
        let recorded = server.run(&["record", "--quiet", one.to_str().expect("a path")]);
        assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
        server.ledger_digest()
    };
    let server = Server::start(&data);
    let before = record(&server);
    assert_eq!(server.interrupt(), Some(0));

    let kept = cut(&data, "procurement", 1);
    std::fs::remove_dir_all(data.join("state/procurement")).expect("the store");
    let lost = format!("procurement/654224 is halted: LOST_TAIL: commits {0} to {0} of procurement/654224", kept + 1);
    for _ in 0..2 {
        let (server, said) = Server::start_halted(&data);
        assert!(said.contains(&lost), "{said}");
        assert_eq!(server.interrupt(), Some(0));
        assert_eq!(cut(&data, "procurement", 0), kept, "nothing was written");
    }
    let (code, _, said) = repair(&data, &[]);
    assert!(code == Some(1) && said.contains("only --accept-loss remains"), "{said}");
    let (code, _, said) = repair(&data, &["--accept-loss"]);
    assert_eq!(code, Some(0), "{said}");
    let server = Server::start(&data);
    assert_eq!(record(&server), before);
}

/// What no commit names, in a log that was cut, beside stores of which not one can be read: their raw records are files of
/// their own, and show that the log was longer.
#[test]
fn a_log_that_was_cut_beside_damaged_stores_is_a_lost_tail_and_no_other_ledger() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file, _) = killed_county(folder.path());
    let (lines, one) = (std::fs::read_to_string(&file).expect("the file"), folder.path().join("one"));
    let registration = lines.lines().find(|line| line.contains("registerHousehold")).expect("households");
    let mut registration: Value = serde_json::from_str(registration).expect("JSON");
    registration["procurement"]["registerHousehold"]["requestId"] = "00000000-0000-4000-8000-000000000001".into();
    std::fs::write(&one, registration.to_string()).expect("a file");
    let server = Server::start(&data);
    let recorded = server.run(&["record", "--quiet", one.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    let before = server.status();
    assert_eq!(server.interrupt(), Some(0));

    let kept = cut(&data, "procurement", 1);
    for store in ["procurement", "station", "distribution", "sales", "projection"].map(store_of) {
        std::fs::write(data.join(store).join("db"), vec![0x5a; 3_000_000]).expect("rubbish");
    }
    let lost = format!("procurement/654224 is halted: LOST_TAIL: commits {0} to {0} of procurement/654224", kept + 1);
    for life in 0..2 {
        let (server, said) = Server::start_halted(&data);
        assert!(said.contains(&lost), "life {life}: {said}");
        assert_eq!(server.interrupt(), Some(0));
        assert_eq!(cut(&data, "procurement", 0), kept, "nothing was written");
    }
    assert!(data.join(format!("{}.corrupt-1/db", store_of("procurement"))).is_file(), "the evidence is kept");
    // The damaged store's raw records are what continues the log.
    let (code, rows, said) = repair(&data, &[]);
    assert_eq!((code, lost_streams(&rows).len()), (Some(0), 1), "{said}");
    let server = Server::start(&data);
    let after = server.status();
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], before[same], "{same}");
    }
}

/// Every commit that concerns a service has exactly one reaction there, and nothing is owed twice. How many answers to lost
/// commits there are, and how many answers were repeated.
fn check_hand_overs(url: &str) -> (usize, usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let streams = runtime.block_on(async {
        let mut streams = BTreeMap::new();
        for service in &Service::ALL[..4] {
            streams.insert(*service, commits(url, *service).await);
        }
        streams
    });
    let mut lost = 0;
    let mut repeated = 0;
    for (service, concerns) in [
        (Service::Procurement, Procurement::concerns as fn(&Event) -> bool),
        (Service::Station, Station::concerns),
        (Service::Distribution, Distribution::concerns),
        (Service::Sales, Sales::concerns),
    ] {
        let mut reactions: BTreeMap<_, usize> = BTreeMap::new();
        for commit in &streams[&service] {
            if let Some(cause) = commit.cause {
                *reactions.entry(cause).or_default() += 1;
            }
            repeated += usize::from(commit.events.iter().any(|event| event.repeated().is_some()));
        }
        for commit in streams.iter().filter(|(of, _)| **of != service).flat_map(|(_, commits)| commits) {
            let expected = usize::from(commit.events.iter().any(concerns));
            let found = reactions.remove(&commit.position()).unwrap_or(0);
            assert_eq!(found, expected, "reactions of {service} to {:?}", commit.position());
        }
        lost += reactions.len();
    }
    let mut owed = BTreeSet::new();
    for event in streams[&Service::Procurement].iter().flat_map(|commit| &commit.events) {
        let payable = match event {
            Event::Procurement(procurement::Event::PurchaseAccepted(accepted)) => accepted.payable,
            Event::Procurement(procurement::Event::PayableOpened(opened)) => opened.payable,
            Event::Procurement(_) | Event::Station(_) | Event::Distribution(_) | Event::Sales(_) => continue,
        };
        assert!(owed.insert(payable), "{payable} is owed twice");
    }
    assert!(!owed.is_empty());
    (lost, repeated)
}

async fn commits(url: &str, service: Service) -> Vec<Commit> {
    let mut client = LedgerServiceClient::connect(url.to_owned()).await.expect("a connection");
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListCommitsRequest { stream: format!("{service}/654224"), page_token, ..Default::default() };
        let page = client.list_commits(request).await.expect("a page").into_inner();
        for commit in page.commits {
            let envelope = Envelope::decode(&commit.record).expect("canonical");
            all.push(decode_commit(&envelope, leaf_hash(&commit.record)).expect("understood"));
        }
        if page.next_page_token.is_empty() {
            return all;
        }
        page_token = page.next_page_token;
    }
}
