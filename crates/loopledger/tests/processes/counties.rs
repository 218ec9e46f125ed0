//! The county that client commands are about.

use std::fs;
use std::process::Output;

use crate::support::Server;

const HERE: &str = "654224";
const NOWHERE: &str = "110101";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// Each sends the county with its first request: a foreign one ends it, and its own does not (`true`: it succeeds).
fn check(server: &Server, commands: &[(&[&str], bool)]) {
    for (args, succeeds) in commands {
        let (command, rest) = args.split_first().expect("a command");
        let with = |code| server.run(&[&[*command, "--county", code], rest].concat());
        let refused = with(NOWHERE);
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {}", said(&refused));
        let not_hosted = format!("County {NOWHERE} is not hosted here");
        assert!(said(&refused).contains(&not_hosted), "{args:?}: {}", said(&refused));
        let answered = with(HERE);
        assert_eq!(answered.status.success(), *succeeds, "{args:?}: {}", said(&answered));
        assert!(!said(&answered).contains("is not hosted"), "{args:?}: {}", said(&answered));
        let malformed = with("65422");
        assert_eq!(malformed.status.code(), Some(2), "{args:?}: {}", said(&malformed));
    }
}

#[test]
fn every_client_command_is_about_the_county_that_it_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let file = folder.path().join("commands.jsonl");
    fs::write(&file, "{\"await\":{}}\n").expect("the file");
    let file = file.to_str().expect("UTF-8");
    let id = "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11";
    check(
        &server,
        &[
            (&["status"], true),
            (&["income", "--division", HERE], true),
            (&["income", "--household", id], false),
            (&["loop"], true),
            (&["trace", id], false),
            (&["statement", id, "--period", "2020-09"], false),
            (&["duplicates"], true),
            (&["rebuild"], true),
            (&["record", file], true),
            (&["demo", "--households", "40", "--weeks", "1"], true),
        ],
    );
    let server = Server::start(&folder.path().join("loaded"));
    check(
        &server,
        &[
            (&["bench", "bulk", "--households", "40", "--commands", "10"], true),
            (&["bench", "unary", "--households", "40", "--commands", "10", "--connections", "2"], true),
            (&["bench", "income", "--queries", "2"], true),
        ],
    );
}

#[test]
fn a_line_keeps_the_county_that_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let line = |number: u32, county: &str| {
        format!(
            "{{\"procurement\":{{\"registerParty\":{{\"requestId\":\"{number:08x}-0000-4000-8000-000000000000\",{county}\
             \"occasion\":{{\"businessDate\":\"2020-04-06\",\"divisionCode\":\"{HERE}\"}},\"kind\":\"PARTY_KIND_FIRM\",\
             \"divisionCode\":\"{HERE}\",\"label\":\"firm\"}}}}}}\n"
        )
    };
    let named = line(1, &format!("\"countyCode\":\"{HERE}\","));
    let commands = folder.path().join("commands.jsonl");
    let record = |county: &[&str]| server.run(&[&["record", commands.to_str().expect("UTF-8")], county].concat());
    fs::write(&commands, &named).expect("the file");
    let output = record(&["--county", NOWHERE]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("procurement/654224"), "{}", said(&output));
    // The same request without its county was recorded.
    fs::write(&commands, line(1, "") + &line(2, "")).expect("the file");
    let output = record(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("\"alreadyRecorded\":true"), "{}", said(&output));
    let output = record(&["--county", NOWHERE]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}
