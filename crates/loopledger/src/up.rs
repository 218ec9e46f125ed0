//! `up`: every service in one process, on the embedded log.
//!
//! Order of start: log, writers, projection, server. Order of end: the server says `NOT_SERVING` and ends its streams,
//! writers drain and store, the projection stores, the log closes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use loopledger_distribution as distribution;
use loopledger_event_log::{EventLog, FileLog, FileLogOptions};
use loopledger_procurement as procurement;
use loopledger_projection::{Projection, ProjectionConfig, SERVICE_NAMES, StoragePlace};
use loopledger_sales as sales;
use loopledger_service::clock::{Clock, SystemClock};
use loopledger_service::feed::Feed;
use loopledger_service::grpc::{Server, ServerConfig};
use loopledger_service::program::{ProgramConfig, StartError};
use loopledger_service::writer::{Health, PointHook, WriterConfig};
use loopledger_station as station;
use loopledger_types::CountyCode;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cli::UpArgs;
use crate::client::Client;
use crate::command::{DemoArgs, demo};
use crate::crash;
use crate::demo::DEMO_WEEKS;
use crate::exit::Failure;

/// Everything that runs.
struct County {
    procurement: procurement::App,
    station: station::App,
    distribution: distribution::App,
    sales: sales::App,
    projection: Projection,
    /// Held to the end: dropping it closes the files.
    _log: Arc<dyn EventLog>,
}

pub(crate) async fn up(args: UpArgs) -> Result<(), Failure> {
    let on_point = crash::hook()?;
    let mut server = Server::new().await.map_err(|error| Failure::refused("set up the server", &error))?;
    let stop = server.stop_token();
    let county = County::start(&args.data, on_point, &mut server, &stop).await?;
    let bound =
        server.bind(ServerConfig::new(args.listen)).await.map_err(|error| Failure::refused("listen", &error))?;
    let address = bound.address();
    println!("LoopLedger 闭环账本 · 托里县 {} · gRPC {address} · 数据 {}", CountyCode::TUOLI, args.data.display());
    let serving = tokio::spawn(bound.serve());
    if county.serving(&stop).await? {
        println!("就绪(Ctrl-C 结束)");
    } else {
        println!("有数据流已停止,其余照常服务(Ctrl-C 结束)");
    }
    let ended = if args.demo { play_demo(address, &args, &stop).await } else { Ok(()) };
    if ended.is_ok() {
        stopped(&stop).await;
    }
    finish(county, serving, &stop).await?;
    ended
}

impl County {
    async fn start(
        data: &Path,
        on_point: Option<PointHook>,
        server: &mut Server,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let log = open_log(data, on_point.clone())?;
        let feed = Feed::new(Arc::clone(&log));
        let stores = stores(data);
        let writer = WriterConfig { on_point, ..WriterConfig::default() };
        let config = ProgramConfig { county: CountyCode::TUOLI, data: Some(stores.clone()), writer };
        let place = StoragePlace::Directory(projection_store(data));
        let projection = Projection::start(ProjectionConfig::new(CountyCode::TUOLI, place), feed.clone(), stop.clone());
        // Each reads its own store, which takes a while after years of commits: side by side.
        let (procurement, station, distribution, sales, projection) = tokio::try_join!(
            opened(&feed, &config, procurement::App::start),
            opened(&feed, &config, station::App::start),
            opened(&feed, &config, distribution::App::start),
            opened(&feed, &config, sales::App::start),
            async { projection.await.map_err(|error| Failure::refused("start", &error)) },
        )?;

        procurement::serve(&procurement, server);
        station::serve(&station, server);
        distribution::serve(&distribution, server);
        sales::serve(&sales, server);
        server.route(|routes| projection.add_services(routes));
        for name in SERVICE_NAMES {
            server.follow(name, projection.health(), |health| health.is_caught_up && health.halt().is_none());
        }
        Ok(Self { procurement, station, distribution, sales, projection, _log: log })
    }

    /// Waits until everything serves or has halted; whether all of it serves.
    async fn serving(&self, stop: &CancellationToken) -> Result<bool, Failure> {
        let mut all = true;
        let writers = [
            self.procurement.handle().health(),
            self.station.handle().health(),
            self.distribution.handle().health(),
            self.sales.handle().health(),
        ];
        for (name, health) in ["procurement", "station", "distribution", "sales"].into_iter().zip(writers) {
            tokio::select! {
                serves = writer_serves(name, health) => all &= serves?,
                () = stopped(stop) => return Ok(true),
            }
        }
        tokio::select! {
            health = self.projection.caught_up() => {
                if let Some(halt) = health.halt() {
                    eprintln!("loopledger: the projection is halted: {halt}");
                }
                Ok(all && health.halt().is_none())
            }
            () = stopped(stop) => Ok(true),
        }
    }
}

/// Where the services keep their stores.
pub(crate) fn stores(data: &Path) -> PathBuf {
    data.join("state")
}

/// Where the projection keeps its own.
pub(crate) fn projection_store(data: &Path) -> PathBuf {
    stores(data).join(format!("projection-{}", CountyCode::TUOLI))
}

/// A halted stream is told and served as such: queries and the other streams go on.
async fn writer_serves(name: &str, mut health: watch::Receiver<Health>) -> Result<bool, Failure> {
    let settled = health.wait_for(|health| !matches!(health, Health::CatchingUp(_))).await;
    match settled.as_deref() {
        Ok(Health::Halted(halt)) => {
            let advice = halt.advice().map(|advice| format!("; {advice}")).unwrap_or_default();
            eprintln!("loopledger: {name} is halted: {}: {halt}{advice}", halt.reason());
            Ok(false)
        }
        Ok(Health::Serving | Health::Stopped | Health::CatchingUp(_)) => Ok(true),
        Err(_) => Err(Failure::Refused(format!("{name} ended while it started"))),
    }
}

type Start<App> = fn(&Feed, Arc<dyn Clock>, &ProgramConfig) -> Result<App, StartError>;

/// Opens a service's store, and starts its writer.
async fn opened<App: Send + 'static>(feed: &Feed, config: &ProgramConfig, start: Start<App>) -> Result<App, Failure> {
    let (feed, config) = (feed.clone(), config.clone());
    let opening = tokio::task::spawn_blocking(move || start(&feed, Arc::new(SystemClock), &config));
    let opened = opening.await.map_err(|error| Failure::refused("start", &error))?;
    opened.map_err(|error| Failure::refused("start", &error))
}

pub(crate) fn open_log(data: &Path, on_point: Option<PointHook>) -> Result<Arc<dyn EventLog>, Failure> {
    let directory = data.join("log");
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::Refused(format!("{}: {error}", directory.display())))?;
    let options = FileLogOptions { on_point, ..FileLogOptions::default() };
    let (log, report) = FileLog::open(&directory, options).map_err(|error| Failure::refused("open the log", &error))?;
    for torn in &report.torn_tails {
        eprintln!("loopledger: a torn record was cut from the end of the log: {torn:?}");
    }
    Ok(Arc::new(log))
}

async fn play_demo(address: SocketAddr, args: &UpArgs, stop: &CancellationToken) -> Result<(), Failure> {
    let url = format!("http://{address}");
    let demo_args = DemoArgs { households: args.households, seed: args.seed, weeks: DEMO_WEEKS, write: None };
    let playing = demo(async || Client::connect(&url).await, &demo_args);
    tokio::select! {
        played = playing => played,
        () = stopped(stop) => Ok(()),
    }
}

/// Waits for Ctrl-C, SIGTERM, or the server's own end.
async fn stopped(stop: &CancellationToken) {
    let terminated = async {
        #[cfg(unix)]
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        () = stop.cancelled() => {}
    }
}

type Serving = tokio::task::JoinHandle<Result<(), loopledger_service::grpc::ServeError>>;

async fn finish(county: County, serving: Serving, stop: &CancellationToken) -> Result<(), Failure> {
    eprintln!("loopledger: ending");
    stop.cancel();
    let served = serving.await;
    let County { procurement, station, distribution, sales, projection, _log } = county;
    tokio::join!(procurement.shut_down(), station.shut_down(), distribution.shut_down(), sales.shut_down());
    projection.shutdown().await;
    match served {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::refused("serve", &error)),
        Err(error) => Err(Failure::refused("serve", &error)),
    }
}
