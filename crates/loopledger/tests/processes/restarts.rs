//! Clients that survive a restart of their server: they reconnect, send again what is unanswered, and go on.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use loopledger_testkit::free_port;

use crate::support::{BINARY, Server, plain, write_scenario};

const HOUSEHOLDS: u32 = 60;
const WEEKS: u32 = 6;

fn client(url: &str, args: &[&str]) -> Child {
    let mut command = Command::new(BINARY);
    plain(&mut command).args(args).env("LOOPLEDGER_SERVER", url);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// What a client said on standard error; it must have ended with this code.
fn ended(mut child: Child, code: i32) -> String {
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(code), "{said}");
    said
}

#[test]
fn record_goes_on_after_its_server_was_killed_or_ended_and_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("commands");
    let lines = write_scenario(&file, HOUSEHOLDS, WEEKS);
    let file = file.to_str().expect("a path");
    let undisturbed = Server::start(&folder.path().join("undisturbed"));
    assert!(undisturbed.run(&["record", "--quiet", file]).status.success());

    let (data, listen) = (folder.path().join("data"), format!("127.0.0.1:{}", free_port()));
    let mut server = Server::start_at(&data, &listen);
    let receipts = folder.path().join("receipts");
    let mut child = client(&server.url, &["record", file, "--receipts", receipts.to_str().expect("a path")]);
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    // Twice in one run, each time with much of the file still to come: killed, and ended in good order.
    let mut printed: Vec<String> = answers.by_ref().take(lines / 4).map_while(Result::ok).collect();
    server.kill();
    server = Server::start_at(&data, &listen);
    printed.extend(answers.by_ref().take(lines / 4).map_while(Result::ok));
    assert_eq!(server.interrupt(), Some(0));
    server = Server::start_at(&data, &listen);
    printed.extend(answers.map_while(Result::ok));
    let said = ended(child, 0);
    assert_eq!(printed.len(), lines, "every line is answered once: {said}");
    assert!(printed.iter().all(|answer| !answer.contains("\"refusal\"")), "nothing is refused");
    assert!(said.contains("up to 60 s"), "the bound is stated: {said}");
    assert_eq!(server.ledger_digest(), undisturbed.ledger_digest());
}

#[test]
fn the_demo_goes_on_after_its_server_was_killed_and_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["demo", "--households", "60", "--weeks", "6"];
    let undisturbed = Server::start(&folder.path().join("undisturbed"));
    assert!(undisturbed.run(&args).status.success());

    let (data, listen) = (folder.path().join("data"), format!("127.0.0.1:{}", free_port()));
    let mut server = Server::start_at(&data, &listen);
    let mut child = client(&server.url, &args);
    let commits = |server: &Server| -> u64 {
        let status = server.status();
        status["streams"].as_array().expect("streams").iter().filter_map(|stream| stream["sequence"].as_u64()).sum()
    };
    while commits(&server) < 500 && child.try_wait().expect("it is ours").is_none() {}
    server.kill();
    server = Server::start_at(&data, &listen);
    let mut shown = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut shown).expect("text");
    let said = ended(child, 0);
    assert!(shown.contains("应得净额"), "{shown}\n{said}");
    assert_eq!(server.ledger_digest(), undisturbed.ledger_digest());
}

#[test]
fn patience_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("commands");
    let lines = write_scenario(&file, HOUSEHOLDS, WEEKS);
    let mut server = Server::start(&folder.path().join("data"));
    let mut child = client(&server.url, &["record", file.to_str().expect("a path"), "--patience", "1"]);
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(answers.next().is_some());
    server.kill();
    let printed = answers.map_while(Result::ok).count();
    let said = ended(child, 3);
    assert!(printed < lines && said.contains("up to 1 s"), "{said}");
}

#[test]
fn a_closed_output_ends_neither_the_server_nor_its_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(BINARY);
    plain(&mut command).args([
        "up",
        "--demo",
        "--households",
        "40",
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ]);
    command.arg("--data").arg(folder.path().join("data")).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = command.spawn().expect("the binary runs");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    // As `head` does: reads two lines and is gone, before the server is ready.
    let address = lines
        .by_ref()
        .take(2)
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("gRPC ")?.1.split_whitespace().next()?.to_owned()));
    let url = format!("http://{}", address.expect("the address"));
    drop(lines);

    // The same demo from outside: it ends when all of it is there, and finds what the server's own has sent.
    let mut child = client(&url, &["demo", "--households", "40"]);
    let mut shown = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut shown).expect("text");
    ended(child, 0);
    assert!(shown.contains("应得净额"), "{shown}");
    assert_eq!(server.try_wait().expect("it is ours"), None, "it goes on serving");
    let sent = Command::new("kill").args(["-INT", &server.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(server.wait().expect("it ends").code(), Some(0), "and ends in good order");
}
