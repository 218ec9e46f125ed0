//! How fast it is. By default a small run that only shows that the measurement works;
//! `MEASURE=4000 cargo test --release -p loopledger-projection --test projection speed -- --nocapture` is a measurement,
//! over the file log and with stores on disk, of so many households.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use loopledger_event_log::{EventLog as _, FileLog, FileLogOptions, Record};
use loopledger_projection::{Projection, ProjectionConfig, StartReport, StoragePlace};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::income_service_client::IncomeServiceClient;
use loopledger_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use loopledger_scenario::{DEMO_WEEKS, play};
use loopledger_service::feed::Feed;
use loopledger_testkit::County;
use loopledger_types::{CountyCode, Key, Service, partition_of};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// The records in the order in which they were made, and some households.
fn history(households: u32, weeks: i32) -> (Vec<(Service, Vec<u8>)>, Vec<String>) {
    let mut county = County::new();
    for line in play(2020, households, weeks) {
        county.record(line);
    }
    let events = county.commits(Service::Procurement).iter().flat_map(|commit| &commit.events);
    let ids = events.filter_map(|event| match event {
        loopledger_domain::Event::Procurement(loopledger_domain::procurement::Event::HouseholdRegistered(fact)) => {
            Some(fact.household.to_string())
        }
        _ => None,
    });
    let ids = ids.collect();
    (county.take_records(), ids)
}

async fn append(log: &FileLog, records: &[(Service, Vec<u8>)]) {
    let key = Key(CountyCode::TUOLI);
    for chunk in records.chunks(4_096) {
        for service in Service::ALL {
            let of_service = chunk.iter().filter(|(of, _)| *of == service);
            let batch: Vec<Record> = of_service
                .map(|(_, value)| Record { key, headers: Vec::new(), value: Bytes::copy_from_slice(value) })
                .collect();
            if !batch.is_empty() {
                let partition = partition_of(key, log.partition_count(service.topic()));
                assert!(log.append(service.topic(), partition, batch).await.iter().all(Result::is_ok));
            }
        }
    }
}

async fn start(log: &Arc<FileLog>, directory: &std::path::Path) -> (Projection, Routes) {
    let place = StoragePlace::Directory(directory.join("projection"));
    let config =
        ProjectionConfig { checkpoint_every: Duration::MAX, ..ProjectionConfig::new(CountyCode::TUOLI, place) };
    let feed = Feed::new(log.clone());
    let projection = Projection::start(config, feed, CancellationToken::new()).await.unwrap();
    let routes = projection.add_services(Routes::default());
    (projection, routes)
}

/// Wall and processor time since the beginning: others may be at work on the same processors.
struct Clock(Instant, f64);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), Self::cpu())
    }

    /// Seconds of this process, as Linux tells; zero elsewhere.
    fn cpu() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    fn rate(&self, commits: usize) -> String {
        let (took, cpu) = (self.0.elapsed(), Self::cpu() - self.1);
        let count = commits as f64;
        let each = cpu / count * 1e6;
        format!("{commits} commits in {took:.2?}, {:.0}/s, {each:.2} us of processor each", count / took.as_secs_f64())
    }
}

/// Latencies of one household's income, in order.
async fn ask(routes: &Routes, households: &[String], times: usize) -> Vec<Duration> {
    let mut client = IncomeServiceClient::new(routes.clone());
    let mut took = Vec::with_capacity(times);
    for household in households.iter().cycle().step_by(7).take(times) {
        let request = pb::GetHouseholdIncomeRequest { household_id: household.clone(), ..Default::default() };
        let began = Instant::now();
        client.get_household_income(request).await.unwrap();
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

fn percentiles(took: &[Duration]) -> String {
    let at = |per_mille: usize| took[(took.len() * per_mille / 1_000).min(took.len() - 1)];
    format!("p50 {:.0?}, p99 {:.0?}, p99.9 {:.0?}, max {:.0?}", at(500), at(990), at(999), at(1_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folding_saving_loading_rebuilding_and_asking() {
    let households: u32 = std::env::var("MEASURE").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let (records, ids) = history(households, if households > 20 { DEMO_WEEKS } else { 4 });
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = FileLog::open(directory.path().join("log"), FileLogOptions::default()).unwrap();
    let log = Arc::new(log);
    let live = records.len() / 10;
    let (before, after) = records.split_at(records.len() - live);
    let clock = Clock::start();
    append(&log, before).await;
    println!("appended {}", clock.rate(before.len()));

    let clock = Clock::start();
    let (projection, routes) = start(&log, directory.path()).await;
    assert!(projection.caught_up().await.is_serving());
    println!("caught up {}", clock.rate(before.len()));
    println!("asked while idle: {}", percentiles(&ask(&routes, &ids, 2_000).await));

    let began = Instant::now();
    projection.checkpoint().await;
    let metrics = projection.metrics();
    println!(
        "saved {} bytes in {:.2?}, the lock was held for {} us; the ledger holds {} bytes",
        metrics.checkpoint_bytes_total.get(),
        began.elapsed(),
        metrics.checkpoint_lock_microseconds_max.get(),
        metrics.ledger_bytes.get(),
    );

    let clock = Clock::start();
    let ((), took) = tokio::join!(append(&log, after), ask(&routes, &ids, 2_000));
    println!("appended {}", clock.rate(after.len()));
    println!("asked meanwhile: {}", percentiles(&took));
    while projection.heads().iter().map(|head| head.sequence).sum::<u64>() < records.len() as u64 {
        tokio::task::yield_now().await;
    }
    println!("fold kept the state for at most {} us", metrics.fold_slice_microseconds_max.get());
    projection.checkpoint().await;
    println!("the lock was held for at most {} us", metrics.checkpoint_lock_microseconds_max.get());

    let clock = Clock::start();
    let mut reports =
        LedgerServiceClient::new(routes).rebuild(pb::RebuildRequest::default()).await.unwrap().into_inner();
    let mut last = pb::RebuildResponse::default();
    while let Some(report) = reports.message().await.unwrap() {
        last = report;
    }
    assert_eq!(last.digests_agree, Some(true));
    println!("rebuilt at {}/s; with both digests {}", last.commits_per_second, clock.rate(records.len()));
    drop(reports);
    projection.shutdown().await;

    let began = Instant::now();
    let (projection, _) = start(&log, directory.path()).await;
    let StartReport::Loaded { commits, took } = *projection.report() else { panic!("{:?}", projection.report()) };
    assert_eq!(commits, records.len() as u64);
    assert!(projection.caught_up().await.is_serving());
    println!("loaded {commits} commits' state in {took:.2?}, serving after {:.2?}", began.elapsed());
    projection.shutdown().await;
}
