//! What a new user does first: wrong arguments, no server, two servers, Ctrl-C, a second start, the demo twice.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use loopledger_testkit::free_port;

use crate::support::{BINARY, Server, run_with, write_scenario};

#[test]
fn exit_codes_say_what_went_wrong() {
    let closed = "http://127.0.0.1:1";
    for (args, code) in [
        (&["no-such-command"][..], 2),
        (&["income"], 2),
        (&["income", "--household"], 2),
        (&["up", "--listen", "nowhere"], 2),
        (&["record", "no-such-file"], 2),
        (&["record", "-", "--receipts", "/no/such/folder"], 2),
        (&["topics", "check", "--kafka", "127.0.0.1:1", "--kafka-config", "/no/such/file"], 2),
        (&["record", "-"], 3),
        (&["status"], 3),
        (&["status", "--server", "station=http://127.0.0.1:1,unknown=http://127.0.0.1:2"], 3),
        (&["status", "--server", "unknown=http://127.0.0.1:2"], 2),
        (&["--help"], 0),
        (&["up", "--help"], 0),
    ] {
        let output = run_with(closed, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_demo_played_twice_changes_nothing_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let play = ["demo", "--households", "60", "--weeks", "8"];
    let first = server.run(&play);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let shown = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(shown.contains("区域流通闭环") && shown.contains("应得净额"), "{shown}");
    assert!(!shown.contains('✗'), "the closed-loop identity holds: {shown}");
    let status = server.status();

    let again = server.run(&play);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(server.status(), status, "a repeat finds what is there");

    let rebuilt = server.run(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));

    assert_eq!(server.interrupt(), Some(0), "Ctrl-C ends it in good order");
    let server = Server::start(&data);
    let after = server.status();
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], status[same], "{same} after a restart");
    }

    let second = run_second_server(&data);
    assert_eq!(second.0, Some(1), "{}", second.1);
    assert!(second.1.contains("lock"), "{}", second.1);
}

#[test]
fn the_demo_stops_at_once_where_another_one_was_played() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let play = |seed: &str| server.run(&["demo", "--households", "40", "--weeks", "2", "--seed", seed]);
    assert!(play("1").status.success());
    let other = play("2");
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(1), "{said}");
    assert!(said.contains("already holds other business") && said.contains("up --data OTHER"), "{said}");
    assert!(said.lines().count() < 5, "{said}");
    assert!(play("1").status.success(), "the one that was there goes on");
}

/// `sh` runs a client command with its output going where `redirection` says; its code and what it complained of.
fn with_output(server: &Server, redirection: &str) -> (Option<i32>, String) {
    let script = format!("\"$0\" status --format csv {redirection}");
    let output = Command::new("sh")
        .args(["-c", &script, BINARY])
        .env("LOOPLEDGER_SERVER", &server.url)
        .output()
        .expect("sh runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn output_that_cannot_be_written_is_no_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let (code, said) = with_output(&server, ">/dev/full");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot print"), "{said}");
    // The other end of standard output is closed before the command starts.
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    for args in [&["status"][..], &["loop"], &["status", "--format", "json"]] {
        let output = Command::new(BINARY)
            .args(args)
            .env("LOOPLEDGER_SERVER", &server.url)
            .stdout(write.try_clone().expect("a pipe"))
            .stderr(Stdio::piped())
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.as_str()), (Some(141), ""), "{args:?}");
    }
}

#[test]
fn a_refusal_is_printed_in_chinese_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let output = server.run(&["income", "--household", "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("NOT_FOUND: 主体不存在") && said.contains("There is no party"), "{said}");
    let file = folder.path().join("commands");
    std::fs::write(&file, "{\"station\":{\"issueGoods\":{\"requestId\":\"x\"}}}\n").expect("a file");
    let output = server.run(&["record", file.to_str().expect("a path")]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(line["refusal"]["reason"], "INVALID_REQUEST", "{line}");
    assert!(line["refusal"]["messageZh"].as_str().is_some_and(|text| text.contains("请求中有")), "{line}");
}

#[test]
fn one_signal_ends_it_also_while_the_demo_plays() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["-INT", "-TERM"] {
        let server = Server::start_demo(&folder.path().join(signal));
        assert_eq!(server.signal(signal), Some(0), "{signal}");
    }
}

/// As a shell starts what a script puts in the background: with Ctrl-C ignored, unless the program listens for it.
#[test]
fn one_signal_ends_it_also_while_it_looks_for_its_cluster() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["-INT", "-TERM"] {
        let mut child = Command::new("sh")
            .args(["-c", "trap '' INT; exec \"$0\" \"$@\"", BINARY, "serve", "station", "--kafka", "127.0.0.1:1"])
            .args(["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert!(said.next().expect("a line").expect("a line").starts_with("指标"));
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{signal}");
    }
}

#[test]
fn the_demo_waits_for_a_server_that_was_started_just_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("127.0.0.1:{}", free_port());
    let mut demo = Command::new(BINARY)
        .args(["demo", "--households", "40", "--weeks", "2", "--server", &listen])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut said = BufReader::new(demo.stderr.take().expect("piped")).lines();
    let waiting = said.next().expect("a line").expect("a line");
    assert!(waiting.contains("waiting for it"), "{waiting}");
    let _server = Server::start_at(&folder.path().join("data"), &listen);
    let rest = said.map_while(Result::ok).collect::<Vec<_>>();
    assert!(demo.wait().expect("it ends").success(), "{rest:?}");
}

fn run_second_server(data: &std::path::Path) -> (Option<i32>, String) {
    let output = Command::new(BINARY)
        .args(["up", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
        .arg(data)
        .output()
        .expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_question_has_an_answer_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let file = folder.path().join("commands");
    write_scenario(&file, 60, 8);
    let recorded = server.run(&["record", file.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));

    let json = |args: &[&str]| -> serde_json::Value {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let output = server.run(&all);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}"))
    };
    let households = json(&["income", "--division", "654224"]);
    let household = households["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["net_yuan"] != "0.00")
        .expect("one that earned");
    let household = household["household_id"].as_str().expect("an id").to_owned();
    let income = json(&["income", "--household", &household]);
    let line = &income["lines"].as_array().expect("lines")[0];
    assert!(income["members"].as_u64() > Some(0) && income["net_per_head_yuan"].is_string(), "{income}");
    for part in ["by_month", "by_category", "by_product", "by_basis", "by_station"] {
        let rows = income[part].as_array().expect(part);
        assert!(rows.iter().all(|row| row["item"].as_str().is_some_and(|item| !item.is_empty())), "{part}: {rows:?}");
        assert_eq!(rows.iter().filter_map(|row| row["facts"].as_u64()).sum::<u64>(), income["total"]["facts"]);
    }
    let (lot, payer_fact) = (line["lot_id"].as_str().expect("a lot"), line["fact"].as_str().expect("a fact"));
    assert!(payer_fact.contains("/654224/"), "{payer_fact}");
    let trace = json(&["trace", lot]);
    for part in ["origins", "steps", "balances"] {
        assert!(!trace[part].as_array().expect(part).is_empty(), "{part}");
    }
    let all = json(&["loop"]);
    assert!(!all["products"].as_array().expect("products").is_empty());
    assert_eq!((&all["target_year"], all["targets"].as_array().map(Vec::len)), (&2020.into(), Some(5)));
    assert!(all["money"]["final_sales_yuan"].is_string() && all["delay"]["payments"].as_i64() > Some(0), "{all}");
    assert!(json(&["loop", "--division", "654224202"])["targets"].as_array().expect("none").is_empty());
    let month = &line["business_date"].as_str().expect("a day")[.."2020-04".len()];
    let statement = json(&["statement", &household, "--period", month]);
    assert!(!statement["lines"].as_array().expect("lines").is_empty() && statement["derived"].is_array());
    for args in [&["loop"][..], &["income", "--household", &household], &["trace", lot], &["status"]] {
        for format in ["table", "csv"] {
            let mut all = args.to_vec();
            all.extend(["--format", format]);
            let output = server.run(&all);
            assert!(output.status.success() && !output.stdout.is_empty(), "{all:?}");
        }
    }
    for nonsense in [
        &["income", "--household", "x"][..],
        &["income", "--household", "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11"],
        &["income", "--division", "12"],
        &["trace", "no such label"],
        &["statement", &household, "--period", "2020-13"],
        &["loop", "--division", "110101"],
    ] {
        let output = server.run(nonsense);
        assert_eq!(output.status.code(), Some(1), "{nonsense:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for wrong in ["yesterday", "2020-05-99"] {
        assert_eq!(server.run(&["loop", "--from", wrong]).status.code(), Some(2), "{wrong}");
    }
}
