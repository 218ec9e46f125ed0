//! How a program ends, whatever its callers do, and that it can be started again at once.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use loopledger_proto::common::v1 as common;
use loopledger_proto::procurement::v1 as procurement;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_testkit::free_port;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::support::{BINARY, Server};

fn registration(number: u32) -> procurement::RecordRequest {
    let request = procurement::RegisterPartyRequest {
        request_id: format!("00000000-0000-4000-8000-{number:012x}"),
        occasion: Some(common::Occasion {
            business_date: "2026-03-02".to_owned(),
            division_code: "654224202207".to_owned(),
            ..Default::default()
        }),
        kind: common::PartyKind::Cooperative.into(),
        division_code: "654224202207".to_owned(),
        label: format!("合作社 {number}"),
        ..Default::default()
    };
    procurement::RecordRequest { command: Some(Procure::RegisterParty(request)) }
}

/// Callers of bulk streams that send for ever and read nothing, until their answers fill every buffer on the way.
async fn silent_callers(url: &str) -> Vec<tonic::Streaming<procurement::RecordResponse>> {
    let mut unread = Vec::new();
    for caller in 0..4_u32 {
        let (send, requests) = mpsc::channel(64);
        // The call is answered when the server sends its first answer, which the first command brings.
        let feeding = tokio::spawn(async move {
            for number in 0.. {
                if send.send(registration((caller << 24) | number)).await.is_err() {
                    return;
                }
            }
        });
        let mut client = ProcurementServiceClient::connect(url.to_owned()).await.expect("a connection");
        unread.push(client.record(ReceiverStream::new(requests)).await.expect("a stream").into_inner());
        drop(feeding);
    }
    unread
}

#[test]
fn it_stops_in_time_under_load_while_callers_read_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let unread = runtime.block_on(silent_callers(&server.url));
    // Until unread answers hold up the callers' commands.
    let mut before = 0.0;
    let stalled = || {
        let commits = server.scrape().value("loopledger_commits_total", &[("service", "procurement")]);
        commits.expect("it is shown")
    };
    loop {
        let now = stalled();
        if now > 0.0 && now == before {
            break;
        }
        before = now;
    }
    let began = Instant::now();
    assert_eq!(server.signal("-TERM"), Some(0));
    // The bounds that it rests on are checked where they are named.
    println!("it took {:?} to stop", began.elapsed());
    drop(unread);
}

#[test]
fn a_terminal_that_closes_ends_it_in_good_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    assert_eq!(Server::start(&data).signal("-HUP"), Some(0), "and not by the signal");
}

/// As `nohup` starts a program.
#[test]
fn sighup_is_ignored_by_a_process_that_inherited_that_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", BINARY, "up"])
        .args(["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(said.any(|line| line.expect("a line").starts_with("就绪")));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a status");
    let has = |mask: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(mask)).expect("a mask");
        u64::from_str_radix(mask.trim(), 16).expect("bits") & 1 == 1
    };
    assert!(has("SigIgn:") && !has("SigCgt:"), "{status}");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn it_can_be_started_on_its_ports_at_once_after_it_was_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let [listen, metrics] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
    let start = |data: &Path| Server::start_on(data, &listen, &metrics);
    let mut first = start(&data);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // Connections to both ports are open when it dies, and their ends stay behind.
    let unread = runtime.block_on(silent_callers(&first.url));
    let scraper = std::net::TcpStream::connect(&metrics).expect("a connection");
    first.kill();
    let second = start(&data);
    assert_eq!(second.url, format!("http://{listen}"));
    drop((unread, scraper));
}

#[test]
fn it_says_which_commit_it_was_built_from() {
    let output = Command::new(BINARY).arg("--version").output().expect("the binary runs");
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let (number, commit) = version.trim().split_once(" (").expect("a commit in brackets");
    assert_eq!(number, concat!("loopledger ", env!("CARGO_PKG_VERSION")));
    let commit = commit.strip_suffix(')').expect("a bracket");
    assert!(!commit.is_empty(), "{version}");
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let labels = [("commit", commit), ("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(server.scrape().value("loopledger_build_info", &labels), Some(1.0));
}

/// The cluster is not there yet: a program waits for it, and says that it is not ready, and why.
#[test]
fn it_waits_for_a_cluster_that_does_not_answer_and_is_not_ready() {
    // At once: each looks for its cluster for a while.
    std::thread::scope(|scope| {
        for program in [&["up"][..], &["serve", "station"]] {
            scope.spawn(|| waits(program));
        }
    });
}

fn waits(program: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(BINARY)
        .args(program)
        .args(["--kafka", "127.0.0.1:1", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = said.next().expect("a line").expect("a line");
    let metrics = first.strip_prefix("指标 http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let metrics = metrics.expect("an address").to_owned();
    let mut complaints = BufReader::new(child.stderr.take().expect("piped")).lines();
    let complaint = complaints.next().expect("a line").expect("a line");
    assert!(complaint.contains("no Kafka broker answers at 127.0.0.1:1"), "{complaint}");
    assert!(complaint.contains("waiting for it") && complaint.contains("Connection refused"), "{complaint}");
    let (code, body) = crate::support::get(&metrics, "/readyz");
    assert_eq!(code, 503, "{body}");
    assert!(body.contains("starting: no Kafka broker answers at 127.0.0.1:1"), "{body}");
    assert_eq!(crate::support::get(&metrics, "/livez").0, 200);
    let (_, shown) = crate::support::get(&metrics, "/metrics");
    assert!(shown.contains("loopledger_log_reachable 0"), "{shown}");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{program:?}");
    let rest: Vec<String> = complaints.map_while(Result::ok).collect();
    assert_eq!(rest, ["loopledger: ending"], "said once");
}
