//! Clients that are killed and run again: the ledger is that of an undisturbed run, on whatever server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{BINARY, Server, write_scenario};

const HOUSEHOLDS: u32 = 60;
const WEEKS: u32 = 6;
/// Kills of `record`, and of `demo`.
const KILLS: usize = 6;

/// A linear congruential generator: enough to choose moments by.
struct Moments(u64);

impl Moments {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

fn start(server: &Server, args: &[&str]) -> Child {
    Command::new(BINARY)
        .args(args)
        .env("LOOPLEDGER_SERVER", &server.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs")
}

/// Kills `record` once it has printed that many answers; whether it had not ended by itself.
fn killed_after(server: &Server, args: &[&str], answers: usize) -> bool {
    let mut child = start(server, args);
    let printed =
        BufReader::new(child.stdout.take().expect("piped")).lines().take(answers).map_while(Result::ok).count();
    child.kill().expect("it is ours");
    !child.wait().expect("it ends").success() && printed == answers
}

fn commits(server: &Server) -> u64 {
    let status = server.status();
    status["streams"].as_array().expect("streams").iter().map(|s| s["sequence"].as_u64().expect("a number")).sum()
}

/// Kills `demo` once the server has that many commits; whether it had not ended by itself.
fn killed_at(server: &Server, args: &[&str], wanted: u64) -> bool {
    let mut child = start(server, args);
    while commits(server) < wanted && child.try_wait().expect("it is ours").is_none() {}
    child.kill().expect("it is ours");
    !child.wait().expect("it ends").success()
}

fn succeeds(server: &Server, args: &[&str]) {
    let output = server.run(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn scenario() -> [String; 5] {
    ["demo".to_owned(), "--households".to_owned(), HOUSEHOLDS.to_string(), "--weeks".to_owned(), WEEKS.to_string()]
}

#[test]
fn record_and_demo_can_be_stopped_anywhere_and_run_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (file, receipts) = (at("commands"), at("receipts"));
    let lines = write_scenario(&file, HOUSEHOLDS, WEEKS);
    let (file, receipts) = (file.to_str().expect("a path"), receipts.to_str().expect("a path"));
    let (undisturbed, total) = undisturbed(&at("undisturbed"), file);
    let seed = 0x0a9a_1405_u64;
    println!("seed {seed}, {lines} lines, {total} commits");
    let mut moments = Moments(seed);

    // With receipts, it goes on behind the last answer that it kept; without, it sends everything again.
    for (name, args) in [("kept", &["record", file, "--receipts", receipts][..]), ("anew", &["record", file])] {
        let data = at(name);
        let mut server = Server::start(&data);
        let mut killed = 0;
        for round in 0..KILLS {
            killed += usize::from(killed_after(&server, args, 1 + moments.below(lines / KILLS)));
            if round % 2 == 1 {
                server.kill();
                server = Server::start(&data);
            }
        }
        // The pipe buffers output of a client, so with receipts the last clients may have ended before the kill.
        assert!(killed >= KILLS / 2, "{name}: {killed} kills hit a client at work");
        succeeds(&server, args);
        assert_eq!((server.ledger_digest(), commits(&server)), (undisturbed.clone(), total), "{name}");
    }

    let demo = scenario();
    let demo: Vec<&str> = demo.iter().map(String::as_str).collect();
    let data = at("demo");
    let mut server = Server::start(&data);
    let mut killed = 0;
    for round in 1..=KILLS as u64 {
        // Within the next part of what is to be recorded, so that every run has something left to do.
        let part = total / (KILLS as u64 + 1);
        let wanted = part * (round - 1) + 1 + moments.below(usize::try_from(part / 2).expect("few")) as u64;
        killed += usize::from(killed_at(&server, &demo, wanted));
        if round % 2 == 0 {
            server.kill();
            server = Server::start(&data);
        }
    }
    assert!(killed > 0, "no kill hit the demo at work");
    succeeds(&server, &demo);
    assert_eq!((server.ledger_digest(), commits(&server)), (undisturbed, total), "demo");
}

fn undisturbed(data: &Path, file: &str) -> (String, u64) {
    let server = Server::start(data);
    succeeds(&server, &["record", "--quiet", file]);
    (server.ledger_digest(), commits(&server))
}

#[test]
fn one_seed_is_one_ledger_on_any_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = scenario();
    let play = |name: &str, seed: &str| {
        let server = Server::start(&folder.path().join(name));
        let mut args: Vec<&str> = demo.iter().map(String::as_str).collect();
        args.extend(["--seed", seed]);
        succeeds(&server, &args);
        server.ledger_digest()
    };
    let first = play("first", "7");
    assert_eq!(play("second", "7"), first);
    assert_ne!(play("other", "8"), first, "another seed is another year");
}
