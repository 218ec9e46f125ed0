//! What a new user does first: wrong arguments, no server, two servers, Ctrl-C, a second start, the demo twice.

use crate::support::{Server, run_with, write_scenario};

#[test]
fn exit_codes_say_what_went_wrong() {
    let nobody = "http://127.0.0.1:1";
    for (args, code) in [
        (&["no-such-command"][..], 2),
        (&["income"], 2),
        (&["income", "--household"], 2),
        (&["up", "--listen", "nowhere"], 2),
        (&["record", "no-such-file"], 3),
        (&["status"], 3),
        (&["status", "--server", "station=http://127.0.0.1:1,nobody=http://127.0.0.1:2"], 3),
        (&["status", "--server", "nobody=http://127.0.0.1:2"], 2),
        (&["--help"], 0),
        (&["up", "--help"], 0),
    ] {
        let output = run_with(nobody, args);
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

fn run_second_server(data: &std::path::Path) -> (Option<i32>, String) {
    let output = std::process::Command::new(crate::support::BINARY)
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
    let household =
        households.as_array().expect("rows").iter().find(|row| row["net_yuan"] != "0.00").expect("one that earned");
    let household = household["household_id"].as_str().expect("an id").to_owned();
    let lines = json(&["income", "--household", &household]);
    let line = &lines.as_array().expect("lines")[0];
    let (lot, payer_fact) = (line["lot_id"].as_str().expect("a lot"), line["fact"].as_str().expect("a fact"));
    assert!(payer_fact.contains("/654224/"), "{payer_fact}");
    assert!(!json(&["trace", lot]).as_array().expect("steps").is_empty());
    assert!(!json(&["loop"]).as_array().expect("products").is_empty());
    let month = &line["business_date"].as_str().expect("a day")[.."2020-04".len()];
    assert!(!json(&["statement", &household, "--period", month]).as_array().expect("lines").is_empty());
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
        &["loop", "--from", "yesterday"],
    ] {
        let output = server.run(nonsense);
        assert_eq!(output.status.code(), Some(1), "{nonsense:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
