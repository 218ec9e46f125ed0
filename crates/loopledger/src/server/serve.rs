//! `serve`: one program in its own process, on Kafka. Replicas of one service may run side by side: the chain orders
//! two writers of a stream, and which replica serves a county is an optimisation.

use std::collections::BTreeSet;
use std::sync::Arc;

use loopledger_client::{Failure, say};
use loopledger_service::feed::Feed;
use loopledger_service::metrics::{LogReach, Registry};
use loopledger_service::writer::WriterConfig;
use loopledger_types::{CountyCode, Key, Service, partition_of};
use tokio_util::sync::CancellationToken;

use super::apps::Apps;
use super::{Running, log, observed};
use crate::cli::ServeArgs;
use crate::crash;

pub(crate) async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let address = args.metrics.unwrap_or_else(|| args.service.default_metrics());
    observed(args.service.name(), address, async |metrics, stop| run(args, metrics, stop).await).await
}

async fn run(args: ServeArgs, metrics: &Registry, stop: CancellationToken) -> Result<(), Failure> {
    let on_point = crash::hook()?;
    let reach = Arc::new(LogReach::default());
    metrics.add_shared(reach.clone());
    let listen = args.listen.unwrap_or_else(|| args.service.default_listen());
    let connecting = log::await_cluster(args.client.options(&args.kafka)?, metrics);
    let Some(log) = stop.run_until_cancelled(connecting).await.transpose()? else { return Ok(()) };
    let feed = Feed::new(log.clone());
    reach.found(Arc::clone(feed.contact()));
    // The number is the same for every topic.
    let partition = |county| partition_of(Key(county), log.partition_count(Service::Station.topic()));
    let is_standby = |county| args.partitions.as_ref().is_some_and(|served| !served.contains(partition(county)));
    let standby: BTreeSet<CountyCode> =
        args.counties.codes().iter().copied().filter(|county| is_standby(*county)).collect();
    let counties = match args.counties.only() {
        Some(county) => {
            let role = if standby.is_empty() { "" } else { "(备用)" };
            format!("县 {county} 分区 {}{role}", partition(county).0)
        }
        None => format!("{} 个县,其中备用 {}", args.counties.codes().len(), standby.len()),
    };
    let running = Running::start(listen, log, metrics, stop.clone(), async |server| {
        let writer = WriterConfig { on_point, accept_clock: args.clock.accept_clock, ..WriterConfig::default() };
        let apps = Apps::start(&[args.service], &feed, &args.data, &args.counties, standby, writer, &stop).await?;
        apps.serve(server);
        Ok(apps)
    })
    .await?;
    say!(
        "LoopLedger 闭环账本 · {} · {counties} · gRPC {} · 数据 {}",
        args.service,
        running.address,
        args.data.display()
    )?;
    let ended = running.live(async || Ok(())).await;
    running.finish().await?;
    ended
}
