//! A process killed at random moments while it takes 20,000 commands: nothing acknowledged is lost, nothing doubled.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use loopledger_proto::distribution::v1::distribution_service_client::DistributionServiceClient;
use loopledger_proto::procurement::v1::procurement_service_client::ProcurementServiceClient;
use loopledger_proto::sales::v1::sales_service_client::SalesServiceClient;
use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_types::hex;
use serde_json::Value;
use tonic::transport::Endpoint;

use crate::support::{BINARY, Server, write_scenario};

/// The scenario with these has more than 20,000 commands and some 300 barriers.
const HOUSEHOLDS: u32 = 400;
const WEEKS: u32 = 38;
/// Kills at random moments, besides those at named points.
const RANDOM_KILLS: usize = 20;
/// Points at which the process ends itself, at which time it passes them.
const POINTS: &[&str] = &[
    "writer.after-append-before-read-back@40",
    "state-store.inside-checkpoint@1",
    "file-log.after-write-before-fsync@60",
    "state-store.inside-checkpoint@3",
    "file-log.after-fsync-before-readable@90",
    "writer.after-append-before-read-back@200",
];

#[test]
fn killed_at_any_moment_it_ends_as_if_undisturbed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("commands");
    let lines = write_scenario(&file, HOUSEHOLDS, WEEKS);
    assert!(lines > 20_000, "{lines} lines");
    let undisturbed = undisturbed_digest(folder.path(), &file);

    let seed = 0x1055_1ed6_u64;
    println!("seed {seed}");
    let mut random = seed;
    let (data, receipts) = (folder.path().join("disturbed"), folder.path().join("receipts"));
    let mut ended_at_points = 0;
    for point in POINTS {
        let Some(mut server) = Server::start_with(&data, Some(point)) else {
            ended_at_points += 1;
            continue;
        };
        let printed = record(&server, &file, &receipts, usize::MAX, &mut || {});
        ended_at_points += usize::from(printed < lines);
        server.kill();
    }
    assert_eq!(ended_at_points, POINTS.len(), "every named point was reached before the file ended");
    for round in 0..RANDOM_KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let left = lines.saturating_sub(answered(&receipts));
        let step = left / (RANDOM_KILLS - round + 1);
        let target = 1 + (random >> 33) as usize % step.max(1);
        let mut server = Server::start(&data);
        let url = server.url.clone();
        record_at(&url, &file, &receipts, target, &mut || server.kill());
    }
    let server = Server::start(&data);
    let printed = record(&server, &file, &receipts, usize::MAX, &mut || {});
    println!("{printed} lines in the last run");
    assert_eq!(answered(&receipts), lines, "the last run ends the file");
    assert_eq!(server.ledger_digest(), undisturbed);
    every_receipt_is_found(&server.url, &receipts);
}

fn undisturbed_digest(folder: &Path, file: &Path) -> String {
    let server = Server::start(&folder.join("undisturbed"));
    let output = server.run(&["record", "--quiet", file.to_str().expect("a path")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.ledger_digest()
}

fn record(server: &Server, file: &Path, receipts: &Path, stop_after: usize, stop: &mut dyn FnMut()) -> usize {
    record_at(&server.url, file, receipts, stop_after, stop)
}

/// Runs `record`, calls `stop` once it has printed `stop_after` answers, and waits for its end; how many it printed.
fn record_at(url: &str, file: &Path, receipts: &Path, stop_after: usize, stop: &mut dyn FnMut()) -> usize {
    let mut child = Command::new(BINARY)
        .arg("record")
        .arg(file)
        .args(["--patience", "0"])
        .arg("--receipts")
        .arg(receipts)
        .env("LOOPLEDGER_SERVER", url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut printed = 0;
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        if line.is_err() {
            break;
        }
        printed += 1;
        if printed == stop_after {
            stop();
        }
    }
    let status = child.wait().expect("it ends");
    // 0: done; 3: the server went away. A refusal would be 1.
    assert!(matches!(status.code(), Some(0 | 3)), "record ended with {status}");
    printed
}

fn answered(receipts: &Path) -> usize {
    std::fs::read_to_string(receipts).map_or(0, |text| text.matches('\n').count())
}

/// Asks every service for every request that it had acknowledged.
fn every_receipt_is_found(url: &str, receipts: &Path) {
    let mut expected: BTreeMap<String, Vec<(String, u64, String)>> = BTreeMap::new();
    for line in std::fs::read_to_string(receipts).expect("receipts").lines() {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let Some(receipt) = value.get("receipt") else { continue };
        let position = &receipt["position"];
        let stream = position["stream"].as_str().expect("a stream");
        let service = stream.split('/').next().expect("a service").to_owned();
        let request = receipt["requestId"].as_str().expect("an id").to_owned();
        let sequence = position["sequence"].as_u64().expect("a sequence");
        expected.entry(service).or_default().push((
            request,
            sequence,
            position["hash"].as_str().expect("a hash").to_owned(),
        ));
    }
    let count: usize = expected.values().map(Vec::len).sum();
    assert!(count > 20_000, "{count} receipts");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let channel = Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a connection");
        macro_rules! check {
            ($service:literal, $package:ident, $client:ident) => {
                let mut client = $client::new(channel.clone());
                for (request, sequence, hash) in expected.remove($service).unwrap_or_default() {
                    let ask = loopledger_proto::$package::v1::GetReceiptRequest {
                        request_id: request.clone(),
                        ..Default::default()
                    };
                    let found = client.get_receipt(ask).await.unwrap_or_else(|error| panic!("{request}: {error}"));
                    let position = found.into_inner().receipt.and_then(|receipt| receipt.position).expect("a position");
                    let found_hash = hex::encode(&position.hash);
                    assert_eq!((position.sequence, found_hash), (sequence, hash), "{request}");
                }
            };
        }
        check!("procurement", procurement, ProcurementServiceClient);
        check!("station", station, StationServiceClient);
        check!("distribution", distribution, DistributionServiceClient);
        check!("sales", sales, SalesServiceClient);
    });
    assert!(expected.is_empty(), "receipts of unknown services: {:?}", expected.keys());
}
