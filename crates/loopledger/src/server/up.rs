//! `up`: every program in one process, on the embedded log or on Kafka.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use loopledger_client::{Client, Failure, Program, say};
use loopledger_service::feed::Feed;
use loopledger_service::metrics::{LogReach, Registry};
use loopledger_service::scrub::{Scrub, ScrubConfig};
use loopledger_service::writer::WriterConfig;
use loopledger_types::{CountyCode, Service, StreamId};
use tokio_util::sync::CancellationToken;

use super::apps::Apps;
use super::counties::Counties;
use super::{Running, log, observed};
use crate::cli::UpArgs;
use crate::command::{DemoArgs, demo};
use crate::crash;
use loopledger_scenario::DEMO_WEEKS;

pub(crate) async fn up(args: UpArgs) -> Result<(), Failure> {
    observed("loopledger", args.metrics, async |metrics, stop| run(args, metrics, stop).await).await
}

async fn run(args: UpArgs, metrics: &Registry, stop: CancellationToken) -> Result<(), Failure> {
    let on_point = crash::hook()?;
    let reach = Arc::new(LogReach::default());
    metrics.add_shared(reach.clone());
    let kafka = args.client.options_if(args.kafka.as_deref())?;
    let is_embedded = kafka.is_none();
    let opening = async {
        match kafka {
            Some(options) => log::await_cluster(options, metrics).await,
            None => log::open(None, &args.data, on_point.clone()).await,
        }
    };
    let Some(log) = stop.run_until_cancelled(opening).await.transpose()? else { return Ok(()) };
    let durability = log.durability();
    let feed = Feed::new(log.clone());
    reach.found(Arc::clone(feed.contact()));
    let running = Running::start(args.listen, log, metrics, stop.clone(), async |server| {
        let writer = WriterConfig { on_point, accept_clock: args.clock.accept_clock, ..WriterConfig::default() };
        let apps =
            Apps::start(&Program::ALL, &feed, &args.data, &args.counties, BTreeSet::new(), writer, &stop).await?;
        apps.serve(server);
        Ok(apps)
    })
    .await?;
    say!(
        "LoopLedger 闭环账本 · {} · gRPC {} · 持久性 {durability} · 数据 {}",
        hosted(&args.counties),
        running.address,
        args.data.display()
    )?;
    let counties = args.counties.codes().iter().copied();
    let streams = counties.flat_map(|county| Service::ALL.map(|service| StreamId { service, county })).collect();
    // Brokers look after their own disks.
    let scrub = is_embedded.then(|| Scrub::start(feed, streams, running.apps.known(), ScrubConfig::default(), metrics));
    let demo = async || if args.demo { play_demo(running.address, &args, &running.stop).await } else { Ok(()) };
    let ended = running.live(demo).await;
    drop(scrub);
    running.finish().await?;
    ended
}

/// The counties, for people.
fn hosted(counties: &Counties) -> String {
    match counties.only() {
        Some(CountyCode::TUOLI) => format!("托里县 {}", CountyCode::TUOLI),
        Some(county) => format!("县 {county}"),
        None => format!("{} 个县", counties.codes().len()),
    }
}

async fn play_demo(address: SocketAddr, args: &UpArgs, stop: &CancellationToken) -> Result<(), Failure> {
    let url = format!("http://{address}");
    let demo_args = DemoArgs { households: args.households, seed: args.seed, weeks: DEMO_WEEKS, write: None };
    let playing = demo(async || Client::connect(&url).await, &url, &demo_args);
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        // What the demo says of a server that is ending is no failure, also if it says it before we hear of the end.
        played = playing => if stop.is_cancelled() { Ok(()) } else { played },
    }
}
