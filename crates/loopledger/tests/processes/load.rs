//! The load generator: it does as much as it was asked to, and counts what is in the ledger.

use crate::support::{Server, run_with};

/// Nothing listens there.
const CLOSED: &str = "http://127.0.0.1:1";

/// What a `bench` that succeeds prints.
fn bench(server: &Server, args: &[&str]) -> String {
    let output = server.run(&[&["bench"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{args:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The number that stands between these two in what was printed.
fn number(printed: &str, before: &str, after: &str) -> u64 {
    let number = printed.strip_prefix(before).and_then(|rest| rest.split_once(after)?.0.parse().ok());
    number.unwrap_or_else(|| panic!("no number between '{before}' and '{after}': {printed}"))
}

/// The commits of all streams.
fn commits(server: &Server) -> u64 {
    let status = server.status();
    let streams = status["streams"].as_array().expect("streams");
    streams.iter().map(|stream| stream["sequence"].as_u64().expect("a sequence")).sum()
}

#[test]
fn what_it_writes_is_recorded_once_and_in_the_ledger_when_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let bulk = |run: &str| {
        let printed = bench(&server, &["bulk", "--commands", "400", "--households", "40", "--run", run]);
        number(&printed, "bulk: 400 commands acknowledged, 0 refused, ", " commits with their reactions\n")
    };
    let written = bulk("1");
    let with_registrations = commits(&server);
    assert!((401..with_registrations).contains(&written), "{written} of {with_registrations}");
    assert_eq!(bulk("1"), 0, "the same run again finds what it recorded");
    assert_eq!(commits(&server), with_registrations);
    assert_eq!(bulk("2"), written, "another run records as much, and registrations do not count");
    let after_bulk = commits(&server);
    assert_eq!(after_bulk, with_registrations + written);

    let printed = bench(&server, &["unary", "--connections", "4", "--commands", "40", "--households", "40"]);
    let written = number(&printed, "unary: 40 commands over 4 connections, ", " commits with their reactions\n");
    // Of the ten commands of a connection eight are outright purchases, with two reactions each.
    assert_eq!(written, 4 * (10 + 8 * 2));
    assert_eq!(commits(&server), after_bulk + written);
}

#[test]
fn it_asks_about_the_households_that_it_has_registered_or_about_those_that_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let printed = bench(&server, &["income", "--queries", "50", "--households", "20", "--months", "2"]);
    assert_eq!(number(&printed, "filled: 40 purchases, 0 refused, ", " commits\n"), commits(&server));
    assert!(printed.contains("\nincome: 50 queries over 20 households, 2.0 months each\n"), "{printed}");

    let filled = commits(&server);
    let printed = bench(&server, &["income", "--queries", "30"]);
    assert!(printed.starts_with("income: 30 queries over 20 households, 2.0 months each\n"), "{printed}");
    assert_eq!(commits(&server), filled, "a query records nothing");
}

#[test]
fn refused_commands_are_counted_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    bench(&server, &["income", "--queries", "1", "--seed", "1", "--households", "20", "--months", "2"]);
    // The 40 purchases have the request ids of run 1, under which this sends other ones.
    let printed = bench(&server, &["bulk", "--commands", "100", "--seed", "1", "--households", "20", "--run", "1"]);
    assert!(printed.starts_with("bulk: 60 commands acknowledged, 40 refused, "), "{printed}");
}

#[test]
fn its_server_is_named_before_or_after_what_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let (open, closed) = (server.url.as_str(), CLOSED);
    for (variable, args, code) in [
        // A server without households refuses the question: it was reached.
        (open, &["bench", "income"][..], 1),
        (closed, &["bench", "income", "--server", open], 1),
        (closed, &["bench", "--server", open, "income"], 1),
        (open, &["bench", "income", "--server", closed], 3),
        (open, &["bench", "--server", closed, "income"], 3),
        (closed, &["bench", "income"], 3),
        (closed, &["bench", "bulk"], 3),
        (closed, &["bench", "unary"], 3),
        (closed, &["bench", "unary", "--connections", "0"], 2),
        (closed, &["bench", "unary", "--connections", "1025"], 2),
    ] {
        let output = run_with(variable, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?} with {variable}: {said}");
        assert_eq!(said.contains("there is no household"), code == 1, "{args:?} with {variable}: {said}");
    }
}
