//! A process with few file descriptors, and callers that take all they can.

use std::io::Write as _;
use std::net::TcpStream;

use crate::support::{Server, write_scenario};

/// What a careless service manager leaves a process.
const DESCRIPTORS: u32 = 64;

#[test]
fn silent_callers_on_every_port_leave_log_and_stores_their_descriptors() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start_with_descriptors(&data, DESCRIPTORS);
    let grpc = server.url.trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..60 {
        for (address, begun) in [(server.metrics(), "GET /metrics HTTP/1.1\r\nHost: "), (&*grpc, "PRI * HTTP/2.0\r\n")]
        {
            let mut socket = TcpStream::connect(address).expect("the kernel takes it");
            // It may be closed by now.
            drop(socket.write_all(begun.as_bytes()));
            silent.push(socket);
        }
    }
    let file = folder.path().join("commands");
    let lines = write_scenario(&file, 20, 4);
    let recorded = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(recorded.status.success(), "{lines} lines: {}", String::from_utf8_lossy(&recorded.stderr));
    let shown = server.scrape();
    for name in ["loopledger_store_failed", "loopledger_store_failures_total", "loopledger_log_unavailable"] {
        assert_eq!(shown.all(name).map(|(_, value)| value).sum::<f64>(), 0.0, "{name}");
    }
    let closed = shown.value("loopledger_grpc_idle_connections_closed_total", &[]).expect("it is counted");
    assert!(closed > 0.0, "there were more callers than places");
    let digest = server.ledger_digest();
    drop(silent);
    assert_eq!(server.interrupt(), Some(0));
    // Everything was stored: the next start, with as few, finds it.
    assert_eq!(Server::start_with_descriptors(&data, DESCRIPTORS).ledger_digest(), digest);
}
