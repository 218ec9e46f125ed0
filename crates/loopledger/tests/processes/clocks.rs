//! Real processes whose wall clock is wrong: nothing is dated by it.

use std::path::{Path, PathBuf};
use std::process::Command;

use loopledger_testkit::wait::until;
use serde_json::Value;

use crate::support::{Server, write_scenario};

const TEN_YEARS: i64 = 3_652 * 86_400;

/// A clock that a file puts forward or back.
struct Offset {
    library: PathBuf,
    file: PathBuf,
}

impl Offset {
    fn new(folder: &Path) -> Self {
        let (library, file) = (folder.join("clock_offset.so"), folder.join("offset"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/clock_offset.c");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
        assert!(compiled.expect("cc runs").success());
        let offset = Self { library, file };
        offset.set(0);
        offset
    }

    fn set(&self, seconds: i64) {
        // Renamed, so that it is never read half written.
        let new = self.file.with_extension("new");
        std::fs::write(&new, seconds.to_string()).expect("a file");
        std::fs::rename(&new, &self.file).expect("a file");
    }

    fn apply(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("CLOCK_OFFSET_FILE", &self.file);
    }
}

fn record(server: &Server, file: &Path) -> (Option<i32>, String) {
    let output = server.run(&["record", file.to_str().expect("a path")]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn is_halted(server: &Server, reason: &str) -> bool {
    let labels = [("county", "654224"), ("reason", reason), ("service", "station"), ("stream", "station/654224")];
    server.scrape().value("loopledger_stream_halted", &labels).is_some_and(|halted| halted > 0.0)
}

/// Where the streams end.
fn heads(server: &Server) -> Vec<(Value, Value)> {
    let output = server.run(&["status", "--format", "json"]);
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let streams = status["streams"].as_array().expect("streams");
    streams.iter().map(|stream| (stream["stream"].clone(), stream["hash"].clone())).collect()
}

#[test]
fn a_clock_ten_years_ahead_dates_nothing_and_the_program_goes_on_by_itself_once_it_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file, more) = (folder.path().join("data"), folder.path().join("commands"), folder.path().join("more"));
    write_scenario(&file, 40, 2);
    write_scenario(&more, 40, 3);
    let offset = Offset::new(folder.path());
    let server = Server::start_changed(&data, |command| offset.apply(command));
    let (code, said) = record(&server, &file);
    assert_eq!(code, Some(0), "{said}");
    let before = heads(&server);

    // It jumps while it serves.
    offset.set(TEN_YEARS);
    until("the jump is noticed", || is_halted(&server, "CLOCK_AHEAD"));
    let (code, said) = record(&server, &more);
    assert!(code != Some(0) && said.contains("CLOCK_AHEAD"), "{code:?} {said}");
    assert_eq!(heads(&server), before, "nothing is written");
    offset.set(0);
    until("it goes on by itself", || !is_halted(&server, "CLOCK_AHEAD"));
    assert_eq!(server.interrupt(), Some(0));

    // It is ahead at the start.
    offset.set(TEN_YEARS);
    let (server, said) = Server::start_halted_changed(&data, |command| offset.apply(command));
    assert!(said.contains("CLOCK_AHEAD") && said.contains("--accept-clock"), "{said}");
    assert_eq!(heads(&server), before, "nothing is written");
    offset.set(0);
    until("it goes on by itself", || !is_halted(&server, "CLOCK_AHEAD"));
    let (code, said) = record(&server, &more);
    assert_eq!(code, Some(0), "{said}");
    let after = heads(&server);
    assert_eq!(server.interrupt(), Some(0));

    // It is behind what was recorded.
    offset.set(-TEN_YEARS);
    let (server, said) = Server::start_halted_changed(&data, |command| offset.apply(command));
    assert!(said.contains("CLOCK_BEHIND") && said.contains("--accept-clock"), "{said}");
    assert_eq!(heads(&server), after);
    assert_eq!(server.interrupt(), Some(0));
}
