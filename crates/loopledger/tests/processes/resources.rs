//! What a machine may lack: descriptors, rights, room on its disk, a reader of its output. Nothing is lost by
//! it, nothing hangs, and what can run runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use loopledger_testkit::free_port;
use loopledger_testkit::wait::until;

use crate::small_disk::SmallDisk;
use crate::support::{BINARY, Server, run_with, store_of, up, write_scenario};

/// A county with some business, stopped in good order; its digest.
fn county(data: &Path, folder: &Path) -> String {
    let file = folder.join("commands");
    write_scenario(&file, 40, 2);
    let server = Server::start(data);
    record(&server, &file);
    let digest = server.ledger_digest();
    assert_eq!(server.interrupt(), Some(0));
    digest
}

fn record(server: &Server, file: &Path) {
    let recorded = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
}

/// Stores that were moved aside, in whatever way.
fn asides(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if ["corrupt", "older", "foreign", "empty", "evidence"].iter().any(|kind| name.contains(&format!(".{kind}-"))) {
            found.push(path);
        } else if path.is_dir() {
            found.extend(asides(&path));
        }
    }
    found
}

#[test]
fn few_descriptors_refuse_the_start_and_move_nothing_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let digest = county(&data, folder.path());
    let (mut refused, mut started) = (0, 0);
    for count in [12, 16, 20, 26, 32, 40, 48, 64, 96] {
        let plain = up(&data);
        let mut limited = Command::new("sh");
        limited.arg("-c").arg(format!("ulimit -n {count}; exec \"$0\" \"$@\"")).arg(BINARY).args(plain.get_args());
        limited.stdout(Stdio::piped()).stderr(Stdio::null());
        match Server::start_or_end(limited) {
            None => refused += 1,
            Some(mut server) => {
                started += 1;
                server.kill();
            }
        }
        assert_eq!(asides(&data), Vec::<PathBuf>::new(), "{count} descriptors");
    }
    assert!(refused > 0 && started > 0, "{refused} refused, {started} started");
    assert_eq!(Server::start(&data).ledger_digest(), digest);
}

#[test]
fn a_pipe_in_place_of_a_file_ends_the_start_and_names_it() {
    let (station, projection) = (format!("{}/db", store_of("station")), format!("{}/conf", store_of("projection")));
    for file in [station.as_str(), projection.as_str(), "log/log.meta", "log/lock"] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        assert_eq!(Server::start(&data).interrupt(), Some(0));
        let place = data.join(file);
        std::fs::remove_file(&place).expect("the file");
        assert!(Command::new("mkfifo").arg(&place).status().expect("mkfifo runs").success());
        let output = up(&data).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{file}: {said}");
        assert!(said.contains(place.to_str().expect("a path")), "{file}: {said}");
        assert_eq!(asides(&data), Vec::<PathBuf>::new(), "{file}");
    }
}

#[test]
fn a_server_whose_outputs_take_nothing_serves_and_ends_in_good_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("127.0.0.1:{}", free_port());
    let full = || File::options().write(true).open("/dev/full").expect("a device");
    let mut child = Command::new(BINARY)
        .args(["up", "--listen", &address, "--metrics", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .env("RUST_LOG", "debug")
        .stdout(full())
        .stderr(full())
        .spawn()
        .expect("the binary runs");
    let url = format!("http://{address}");
    let played = run_with(&url, &["demo", "--households", "40", "--weeks", "2"]);
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_start_with_little_room_serves_in_memory_and_stores_again_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("disk");
    let disk = match SmallDisk::mount(&place) {
        Ok(disk) => disk,
        Err(why) => return println!("NOT IN THIS RUN: a small disk ({why})"),
    };
    let data = place.join("data");
    county(&data, folder.path());
    // Less than what a store wants to see, and more than the log needs.
    disk.fill_up_to(6 * 1_024 * 1_024);
    let (said, errors) = (folder.path().join("said"), File::create(folder.path().join("said")).expect("a file"));
    let server = Server::start_logging(&data, &[], errors);
    let said = std::fs::read_to_string(said).expect("what it said");
    for stream in ["procurement/654224", "station/654224", "distribution/654224", "sales/654224"] {
        assert!(said.contains(stream), "{stream}: {said}");
    }
    assert!(said.contains("the state store is not open") && said.contains("bytes are left"), "{said}");
    let more = folder.path().join("more");
    write_scenario(&more, 40, 3);
    record(&server, &more);
    let before = server.status();
    disk.clear();
    let has_failed = |service: &str| {
        let labels = [("service", service)];
        server.scrape().value("loopledger_store_failed", &labels) != Some(0.0)
    };
    for service in ["procurement", "station", "distribution", "sales"] {
        until("it stores again", || !has_failed(service));
    }
    assert_eq!(asides(&data), Vec::<PathBuf>::new());
    assert_eq!(server.interrupt(), Some(0));
    let server = Server::start(&data);
    let after = server.status();
    for same in ["ledger_digest", "state_digest"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    drop(server);
    drop(disk);
}
