//! Writes: durable collections, in bulk and one by one.

use std::time::{Duration, Instant};

use loopledger_client::{Client, Failure, say};
use loopledger_proto::common::v1::Position;
use loopledger_proto::station::v1::record_request::Command;
use loopledger_proto::station::v1::record_response::Outcome;
use loopledger_proto::station::v1::station_service_client::StationServiceClient;
use loopledger_proto::station::v1::{CollectGoodsRequest, RecordRequest};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::county::{Collections, commits_settled, later, open};
use super::latency::{Latencies, rate};

/// Commands made ahead of the stream.
const AHEAD: usize = 8_192;

/// Which county is loaded, and how its commands are made.
#[derive(Debug, Clone, clap::Args)]
struct CountyArgs {
    /// Households of the county.
    #[arg(long, default_value_t = 6_000)]
    households: u32,
    /// The same seed makes the same commands.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Makes this run's request ids unlike another's.
    #[arg(long, default_value_t = 1)]
    run: u64,
}

#[derive(Debug, Clone, clap::Args)]
pub struct BulkArgs {
    /// Commands to send.
    #[arg(long, default_value_t = 500_000)]
    commands: u64,
    #[command(flatten)]
    county: CountyArgs,
}

pub(super) async fn bulk(client: &Client, args: &BulkArgs) -> Result<(), Failure> {
    let opened = open(client, args.county.seed, args.county.households).await?;
    let mut collections = Collections::new(client.county(), args.county.seed, args.county.households, args.county.run);
    let before = commits_settled(client, opened).await?;
    let began = Instant::now();
    let Written { recorded, refused, last } =
        stream(client, (0..args.commands).map(move |_| collections.next())).await?;
    let acknowledged = began.elapsed();
    let commits = commits_settled(client, last).await?.saturating_sub(before);
    let settled = began.elapsed();
    say!("bulk: {recorded} commands acknowledged, {refused} refused, {commits} commits with their reactions")?;
    say!("  commands acknowledged: {}/s ({} ms)", rate(recorded, acknowledged), acknowledged.as_millis())?;
    say!("  commits until all is in the ledger: {}/s ({} ms)", rate(commits, settled), settled.as_millis())?;
    say!("  commands until all is in the ledger: {}/s", rate(recorded, settled))?;
    Ok(())
}

/// What was answered to a bulk stream.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) recorded: u64,
    pub(super) refused: u64,
    /// The last position that was acknowledged.
    pub(super) last: Option<Position>,
}

/// Sends collections over one bulk stream.
pub(super) async fn stream(
    client: &Client,
    collections: impl Iterator<Item = CollectGoodsRequest> + Send + 'static,
) -> Result<Written, Failure> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    // A thread of its own: making commands must not wait for the runtime.
    let making = tokio::task::spawn_blocking(move || {
        for collection in collections {
            if sender.blocking_send(RecordRequest { command: Some(Command::CollectGoods(collection)) }).is_err() {
                return;
            }
        }
    });
    let mut answers = client.station()?.record(ReceiverStream::new(receiver)).await?.into_inner();
    let mut written = Written::default();
    while let Some(answer) = answers.next().await {
        match answer?.outcome {
            Some(Outcome::Receipt(receipt)) => {
                written.recorded = written.recorded.saturating_add(1);
                written.last = later(written.last, receipt.position);
            }
            Some(Outcome::Status(_)) | None => written.refused = written.refused.saturating_add(1),
        }
    }
    making.await.map_err(|error| Failure::refused("make the commands", &error))?;
    Ok(written)
}

#[derive(Debug, Clone, clap::Args)]
pub struct UnaryArgs {
    /// Connections, with one command in flight on each.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    connections: u32,
    /// Commands to send.
    #[arg(long, default_value_t = 100_000)]
    commands: u64,
    #[command(flatten)]
    county: CountyArgs,
}

pub(super) async fn unary(client: &Client, server: &str, args: &UnaryArgs) -> Result<(), Failure> {
    let opened = open(client, args.county.seed, args.county.households).await?;
    let before = commits_settled(client, opened).await?;
    let each = args.commands.checked_div(u64::from(args.connections)).unwrap_or(0).max(1);
    let collections = Collections::new(client.county(), args.county.seed, args.county.households, args.county.run);
    let mut connections = Vec::new();
    for number in 0..args.connections {
        let station = Client::connect(server).await?.station()?;
        let run = args.county.run.wrapping_mul(10_007).wrapping_add(u64::from(number));
        connections.push((station, collections.again(run)));
    }
    let began = Instant::now();
    let tasks: Vec<_> =
        connections.into_iter().map(|(station, made)| tokio::spawn(one_by_one(station, made, each))).collect();
    let (mut latencies, mut last) = (Latencies::default(), None);
    for task in tasks {
        let (done, acknowledged) = task.await.map_err(|error| Failure::refused("run a connection", &error))??;
        latencies.merge(done);
        last = later(last, acknowledged);
    }
    let took = began.elapsed();
    let count = u64::try_from(latencies.len()).unwrap_or(u64::MAX);
    let commits = commits_settled(client, last).await?.saturating_sub(before);
    say!("unary: {count} commands over {} connections, {commits} commits with their reactions", args.connections)?;
    say!("  {}/s, {}", rate(count, took), latencies.summary())?;
    Ok(())
}

/// How long each command took, and the last position that was acknowledged.
async fn one_by_one(
    mut station: StationServiceClient<Channel>,
    mut made: Collections,
    count: u64,
) -> Result<(Latencies, Option<Position>), Failure> {
    let (mut latencies, mut last) = (Latencies::default(), None);
    for _ in 0..count {
        let request = made.next();
        let began = Instant::now();
        let answer = station.collect_goods(request).await?;
        latencies.add(Duration::max(began.elapsed(), Duration::from_nanos(1)));
        last = later(last, answer.into_inner().position);
    }
    Ok((latencies, last))
}
