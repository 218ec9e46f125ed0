//! What officers read: in their language, within the width of their terminal, and in the format that was asked for.

use std::process::{Command, Output};

use unicode_width::UnicodeWidthStr as _;

use crate::support::{BINARY, Server, plain};

fn run(server: &Server, language: &str, columns: &str, args: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    plain(&mut command).env("LC_ALL", language).env("COLUMNS", columns).env("LOOPLEDGER_SERVER", &server.url);
    command.args(args).output().expect("the binary runs")
}

fn shown(server: &Server, language: &str, columns: &str, args: &[&str]) -> String {
    let output = run(server, language, columns, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn everything_fits_the_terminal_in_both_languages() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let demo = shown(&server, "zh_CN.UTF-8", "80", &["demo", "--households", "60", "--weeks", "8"]);
    assert!(demo.lines().all(|line| line.width() <= 80), "{demo}");
    assert!(demo.contains(&format!("--server {}", server.url)), "hints name the server: {demo}");
    let rows = shown(&server, "C", "80", &["income", "--division", "654224", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&rows).expect("JSON");
    let rows = rows["rows"].as_array().expect("rows").clone();
    let earning = rows.iter().find(|row| row["net_yuan"] != "0.00").expect("one that earned");
    let household = earning["household_id"].as_str().expect("an id");
    let income = shown(&server, "C", "80", &["income", "--household", household, "--format", "json"]);
    let income: serde_json::Value = serde_json::from_str(&income).expect("JSON");
    let line = &income["lines"][0];
    let (lot, day) = (line["lot_id"].as_str().expect("a lot"), line["business_date"].as_str().expect("a day"));
    assert_eq!(line["unit"], "克", "programs count grams");

    let month = &day[.."2020-04".len()];
    let questions: [&[&str]; 11] = [
        &["loop"],
        &["loop", "--division", "654224202"],
        &["income", "--household", household],
        &["income", "--household", household, "--detail"],
        &["income", "--division", "654224"],
        &["trace", lot],
        &["trace", lot, "--detail"],
        &["statement", household, "--period", month],
        &["statement", household, "--period", month, "--detail"],
        &["status"],
        &["status", "--detail"],
    ];
    for language in ["zh_CN.UTF-8", "en_US.UTF-8"] {
        for columns in ["80", "120"] {
            for args in questions {
                let text = shown(&server, language, columns, args);
                let most: usize = columns.parse().expect("a number");
                let wide = text.lines().find(|line| line.width() > most);
                assert_eq!(wide, None, "{args:?} at {columns} in {language}:\n{text}");
                assert!(!text.contains("克 "), "people weigh in kilograms: {text}");
            }
        }
    }
    let sections = shown(&server, "zh_CN.UTF-8", "80", &["income", "--household", household]);
    for heading in ["按月份", "按收入类别", "按产品", "按收购方式", "按站点", "合计", "依据"] {
        assert!(sections.lines().any(|line| line == heading), "{heading}: {sections}");
    }
}

#[test]
fn what_was_earned_stands_before_what_was_paid_for_it_on_the_same_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    shown(&server, "C", "80", &["demo", "--households", "60", "--weeks", "8"]);
    let json = |args: &[&str]| -> Vec<serde_json::Value> {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&shown(&server, "C", "80", &all)).expect("JSON");
        let rows = if answer["rows"].is_array() { &answer["rows"] } else { &answer["lines"] };
        rows.as_array().expect("a list").clone()
    };
    let mut pairs = 0;
    for row in json(&["income", "--division", "654224"]).iter().filter(|row| row["net_yuan"] != "0.00") {
        let household = row["household_id"].as_str().expect("an id");
        let lines = json(&["income", "--household", household]);
        let place = |line: &serde_json::Value, view: &str| {
            let same = |other: &&serde_json::Value| {
                other["business_date"] == line["business_date"]
                    && other["lot_id"] == line["lot_id"]
                    && other["view"] == view
            };
            lines.iter().position(|other| same(&other))
        };
        for line in &lines {
            if let (Some(earned), Some(paid)) = (place(line, "应得"), place(line, "实收")) {
                pairs += 1;
                assert!(earned < paid, "{household}: {lines:#?}");
            }
        }
    }
    assert!(pairs > 0, "some are paid on the day of their settlement");
}

#[test]
fn messages_are_in_the_language_of_the_locale() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let said = |language: &str, args: &[&str]| {
        let output = run(&server, language, "80", args);
        String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8")
    };
    let has_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for args in [
        &["income", "--help"][..],
        &["income"],
        &["record", "no-such-command", "--nothing"],
        &["loop"],
        &["loop", "--from", "yesterday"],
        &["status", "--server", "https://127.0.0.1:1"],
        &["income", "--household", "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11"],
    ] {
        let (chinese, english) = (said("zh_CN.UTF-8", args), said("en_US.UTF-8", args));
        assert!(has_chinese(&chinese), "{args:?}: {chinese}");
        assert!(!has_chinese(&english), "{args:?}: {english}");
    }
}

#[test]
fn an_empty_county_shows_no_year_and_no_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let text = shown(&server, "zh_CN.UTF-8", "80", &["loop"]);
    assert!(!text.contains("2000") && !text.contains('✓'), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&shown(&server, "C", "80", &["loop", "--format", "json"])).expect("JSON");
    assert_eq!((&json["target_year"], json["targets"].as_array().map(Vec::len)), (&serde_json::Value::Null, Some(0)));
    let named = shown(&server, "zh_CN.UTF-8", "80", &["loop", "--from", "2020-01", "--to", "2020-12"]);
    assert!(named.contains("2020") && !named.contains('✓'), "nothing is reached: {named}");
}

/// What a command prints on a terminal, which `script` makes.
fn on_a_terminal(server: &Server, pager: &str, arguments: &str) -> String {
    let mut command = Command::new("script");
    plain(&mut command).args(["-qec", &format!("'{BINARY}' {arguments}"), "/dev/null"]);
    command.env("PAGER", pager).env("LOOPLEDGER_SERVER", &server.url);
    let output = command.output().expect("script runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_pager_stands_before_a_terminal_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let is_paged = |text: &str| text.lines().all(|line| line.starts_with("page:")) && text.contains("procurement/");
    let marking = "sed s/^/page:/";
    let paged = on_a_terminal(&server, marking, "status");
    assert!(is_paged(&paged), "{paged}");
    for arguments in ["status --no-pager", "status --format json", "status | cat"] {
        let plainly = on_a_terminal(&server, marking, arguments);
        assert!(plainly.contains("procurement/") && !plainly.contains("page:"), "{arguments}: {plainly}");
    }
    let first = on_a_terminal(&server, "head -n 1", "status; echo ended $?");
    assert!(first.contains("ended 0"), "who leaves the pager has read enough: {first}");
}

#[test]
fn tls_is_refused_before_anything_is_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    for args in [&["status"][..], &["loop"], &["record", "-"], &["demo", "--households", "40", "--weeks", "2"]] {
        let mut command = Command::new(BINARY);
        let output = plain(&mut command).args(args).args(["--server", &url]).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("TLS"), "{args:?}: {said}");
    }
    assert!(listener.accept().is_err(), "no client connected");
}
