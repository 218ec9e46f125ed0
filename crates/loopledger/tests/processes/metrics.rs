//! What a running process shows to Prometheus, and how it changes with what the process does.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use loopledger_event_log::{EventLog as _, FileLog, FileLogOptions, Record};
use loopledger_testkit::Exposition;
use loopledger_types::{CountyCode, Key, Service, partition_of};

use crate::support::{BINARY, Server, write_scenario};

/// Nothing takes this long; a test that waits in vain fails instead of hanging.
const PATIENCE: Duration = Duration::from_mins(1);

const WRITERS: [&str; 4] = ["procurement", "station", "distribution", "sales"];

fn of(service: &str) -> [(&str, &str); 1] {
    [("service", service)]
}

fn value(shown: &Exposition, name: &str, service: &str) -> f64 {
    shown.value(name, &of(service)).unwrap_or_else(|| panic!("{name} of {service} is not shown"))
}

/// Scrapes until `is_so`.
fn until(server: &Server, what: &str, is_so: impl Fn(&Exposition) -> bool) -> Exposition {
    let until = Instant::now() + PATIENCE;
    loop {
        let shown = server.scrape();
        if is_so(&shown) {
            return shown;
        }
        assert!(Instant::now() < until, "not in time: {what}");
    }
}

/// Every reader is where the stream is, and says so.
fn is_level(shown: &Exposition) -> bool {
    let lags = ["loopledger_lag_commits", "loopledger_lag_seconds"].into_iter().flat_map(|name| shown.all(name));
    let head = |service: &str, stream: &str| {
        let labels = [("county", "654224"), ("service", service), ("stream", stream)];
        shown.value("loopledger_head_sequence", &labels)
    };
    let mut streams = WRITERS.into_iter().map(|service| (service, format!("{service}/654224")));
    let projected = streams.all(|(service, stream)| head(service, &stream) == head("projection", &stream));
    projected && lags.map(|(_, lag)| lag).sum::<f64>() == 0.0
}

#[test]
fn a_scrape_shows_what_a_process_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&data);
    assert_eq!(server.get("/livez"), (200, "ok\n".to_owned()));
    let (code, body) = server.get("/readyz");
    assert!(code == 200 && body.starts_with("ready\nprocurement/654224: serving\n"), "{body}");
    assert_eq!(server.scrape().value("loopledger_log_reachable", &[]), Some(1.0));
    assert_eq!(server.get("/elsewhere").0, 404);
    each_scraper_gets_the_format_it_asks_for(&server);
    let empty = server.scrape();
    for service in WRITERS {
        for name in ["loopledger_commits_total", "loopledger_void_records_total", "loopledger_conflicts_total"] {
            assert_eq!(value(&empty, name, service), 0.0, "{name} of {service}");
        }
        assert_eq!(value(&empty, "loopledger_serving", service), 1.0);
    }
    assert!(is_level(&empty), "nothing new is no lag");

    let file = folder.path().join("commands");
    write_scenario(&file, 60, 4);
    let recorded = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    let shown = until(&server, "every reader is where the streams are", is_level);
    counts_agree(&server, &shown);
    labels_are_bounded(&shown);

    let taken = start_on(&folder.path().join("other"), server.metrics());
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("for metrics"), "{taken:?}");

    let rebuilt = server.run(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let shown = server.scrape();
    let of_projection = |name| value(&shown, name, "projection");
    assert_eq!(of_projection("loopledger_rebuild_commits_total"), of_projection("loopledger_folded_commits_total"));
    assert_eq!(of_projection("loopledger_rebuild_progress_ratio"), 1.0);
    assert_eq!(of_projection("loopledger_rebuilds_total"), 1.0);
    assert_eq!(of_projection("loopledger_rebuild_mismatches_total"), 0.0);

    assert_eq!(server.interrupt(), Some(0));
    append_garbage(&data);
    let server = Server::start(&data);
    let shown = until(&server, "the void record is counted", |shown| {
        value(shown, "loopledger_void_records_total", "station") > 0.0
    });
    assert_eq!(value(&shown, "loopledger_void_records_total", "station"), 1.0);
    assert_eq!(value(&shown, "loopledger_void_records_total", "sales"), 0.0);
    let stream = [("county", "654224"), ("service", "projection"), ("stream", "station/654224")];
    let projected = until(&server, "by the projection too", |shown| {
        shown.value("loopledger_projection_void_records_total", &stream) == Some(1.0)
    });
    assert!(is_level(&projected), "what is void changes nothing");
}

/// The newer text for those who ask for it, the older for everybody else; a probe that wants no body gets none.
fn each_scraper_gets_the_format_it_asks_for(server: &Server) {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    for (accept, kind, counter, is_open) in [
        (prometheus, "application/openmetrics-text; version=1.0.0", "# TYPE loopledger_commits counter\n", true),
        ("*/*", "text/plain; version=0.0.4", "# TYPE loopledger_commits_total counter\n", false),
        ("text/plain", "text/plain; version=0.0.4", "# TYPE loopledger_commits_total counter\n", false),
    ] {
        let (code, head, body) = server.ask("GET", "/metrics", accept);
        assert_eq!(code, 200, "{accept}");
        assert!(head.contains(&format!("content-type: {kind}")) && head.contains("vary: accept"), "{accept}: {head}");
        assert_eq!((body.contains(counter), body.ends_with("# EOF\n")), (true, is_open), "{accept}: {body}");
        assert!(body.contains("loopledger_commits_total{"), "{accept}: {body}");
    }
    assert_eq!(server.ask("GET", "/metrics", "application/json").0, 406);
    for path in ["/metrics", "/livez", "/readyz"] {
        let (code, _, body) = server.ask("HEAD", path, "*/*");
        assert_eq!((code, body.as_str()), (200, ""), "{path}");
    }
}

/// Counters, heads and the histogram tell the same story.
fn counts_agree(server: &Server, shown: &Exposition) {
    let status = server.status();
    for stream in status["streams"].as_array().expect("streams") {
        let name = stream["stream"].as_str().expect("a name");
        let Some((service, _)) = name.split_once('/').filter(|(service, _)| WRITERS.contains(service)) else {
            continue;
        };
        let commits = value(shown, "loopledger_commits_total", service);
        assert_eq!(Some(commits), stream["sequence"].as_f64(), "{service} wrote all of its stream");
        assert!(commits > 0.0);
        assert_eq!(value(shown, "loopledger_append_to_read_back_seconds_count", service), commits);
        assert!(value(shown, "loopledger_append_to_read_back_seconds_sum", service) > 0.0);
        assert_eq!(value(shown, "loopledger_in_flight_commits", service), 0.0);
        assert_eq!(value(shown, "loopledger_queue_commands", service), 0.0);
        assert_eq!(value(shown, "loopledger_due_reactions", service), 0.0);
    }
    assert!(value(shown, "loopledger_reactions_total", "procurement") > 0.0);
    let of_process = |name: &str| shown.value(name, &[]).unwrap_or_else(|| panic!("{name} is not shown"));
    assert!(of_process("process_resident_memory_bytes") > 1e6);
    assert!(of_process("process_virtual_memory_bytes") > of_process("process_resident_memory_bytes"));
    assert!(of_process("process_cpu_seconds_total") > 0.0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let started = Duration::from_secs_f64(of_process("process_start_time_seconds"));
    let (earliest, latest) = (since_epoch.saturating_sub(PATIENCE), since_epoch.saturating_add(Duration::from_secs(2)));
    assert!((earliest..latest).contains(&started), "started at {started:?}, now {since_epoch:?}");
    assert!(of_process("process_max_fds") > of_process("process_open_fds") && of_process("process_open_fds") > 3.0);
    let halted: f64 = shown.all("loopledger_stream_halted").map(|(_, value)| value).sum();
    assert_eq!(halted, 0.0);
    for (family, kind) in [
        ("loopledger_commits", "counter"),
        ("loopledger_queue_commands", "gauge"),
        ("loopledger_append_to_read_back_seconds", "histogram"),
        ("loopledger_lag_seconds", "gauge"),
        ("loopledger_checkpoints", "counter"),
    ] {
        assert_eq!(shown.kind(family), Some(kind), "{family}");
    }
}

/// No household, request or user: only what there are few of.
fn labels_are_bounded(shown: &Exposition) {
    let known = BTreeSet::from([
        "commit",
        "county",
        "grpc_code",
        "grpc_method",
        "grpc_service",
        "le",
        "reason",
        "service",
        "stream",
        "version",
    ]);
    assert!(shown.label_names().is_subset(&known), "{:?}", shown.label_names());
    // Names of services and reasons are longer than an id, but no id.
    let is_id =
        |value: &&str| value.len() > 24 && value.bytes().any(|byte| byte.is_ascii_digit()) && value.contains('-');
    let ids: Vec<&str> = shown.label_values().into_iter().filter(is_id).collect();
    assert!(ids.is_empty(), "{ids:?}");
    let long: Vec<&str> = shown.label_values().into_iter().filter(|value| value.len() > 63).collect();
    assert!(long.is_empty(), "longer than any name of ours: {long:?}");
}

/// Another process whose metrics are to be on this address.
fn start_on(data: &Path, metrics: &str) -> Output {
    let up = ["up", "--listen", "127.0.0.1:0", "--metrics", metrics, "--data"];
    Command::new(BINARY).args(up).arg(data).output().expect("the binary runs")
}

/// A record that is no commit, where the station's commits are.
fn append_garbage(data: &Path) {
    let (log, _) = FileLog::open(data.join("log"), FileLogOptions::default()).expect("the log opens");
    let (topic, key) = (Service::Station.topic(), Key(CountyCode::TUOLI));
    let partition = partition_of(key, log.partition_count(topic));
    let record = Record { key, headers: Vec::new(), value: "not a commit".into() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let appended = runtime.block_on(log.append(topic, partition, vec![record]));
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
}
