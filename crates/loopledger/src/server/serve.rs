//! `serve`: one program in its own process, on Kafka. Replicas of one service may run side by side: the chain orders
//! two writers of a stream, and which replica serves a county is an optimisation.

use core::time::Duration;
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

/// How long a standby leaves an upstream commit to the replica that serves the county: longer than a leader's change
/// takes, so that a standby which reacts is needed.
const STANDBY_REACTION_DELAY: Duration = Duration::from_secs(5);

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
    let partition = partition_of(Key(CountyCode::TUOLI), log.partition_count(Service::Station.topic()));
    let is_standby = args.partitions.as_ref().is_some_and(|partitions| !partitions.contains(partition));
    let running = Running::start(listen, log, metrics, stop.clone(), async |server| {
        let reaction_delay = if is_standby { STANDBY_REACTION_DELAY } else { Duration::ZERO };
        let accept_clock = args.clock.accept_clock;
        let writer = WriterConfig { on_point, reaction_delay, accept_clock, ..WriterConfig::default() };
        let apps = Apps::start(&[args.service], &feed, &args.data, writer, &stop).await?;
        apps.serve(server);
        Ok(apps)
    })
    .await?;
    say!(
        "LoopLedger 闭环账本 · {}{} · 县 {} 分区 {} · gRPC {} · 数据 {}",
        args.service,
        if is_standby { "(备用)" } else { "" },
        CountyCode::TUOLI,
        partition.0,
        running.address,
        args.data.display()
    )?;
    let ended = running.live(async || Ok(())).await;
    running.finish().await?;
    ended
}
