//! The programs of this process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use loopledger_client::{Failure, Program, note};
use loopledger_distribution as distribution;
use loopledger_procurement as procurement;
use loopledger_projection::{LedgersConfig, RunningLedgers, SERVICE_NAMES, add_services};
use loopledger_sales as sales;
use loopledger_service::clock::{Clock, SystemClock};
use loopledger_service::feed::Feed;
use loopledger_service::grpc::Server;
use loopledger_service::host::{Decider, Host, HostConfig, Parking, StartError};
use loopledger_service::metrics::Registry;
use loopledger_service::scrub::Known;
use loopledger_service::writer::WriterConfig;
use loopledger_station as station;
use loopledger_types::CountyCode;
use tokio_util::sync::CancellationToken;

use super::counties::Counties;

/// One running program.
enum App {
    Procurement(procurement::App),
    Station(station::App),
    Distribution(distribution::App),
    Sales(sales::App),
    Projection(RunningLedgers),
}

/// Everything that runs.
pub(super) struct Apps(Vec<App>);

impl Apps {
    /// Opens the stores of `programs` in `data` and starts them. Each reads its own store, which takes a while after
    /// years of commits: side by side.
    pub(super) async fn start(
        programs: &[Program],
        feed: &Feed,
        data: &Path,
        counties: &Counties,
        standby: BTreeSet<CountyCode>,
        writer: WriterConfig,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        // Those that are opened first must not decide before the last has looked for what its store remembers.
        let _beginning = feed.beginning();
        let config = HostConfig {
            counties: counties.codes().to_vec(),
            data: Some(stores(data)),
            writer,
            standby,
            parking: Parking::default(),
        };
        let starts = programs.iter().map(|program| start(*program, feed, &config, data, stop));
        Ok(Self(try_join_all(starts).await?))
    }

    /// Offers every program on `server`, healthy while it serves.
    pub(super) fn serve(&self, server: &mut Server) {
        for app in &self.0 {
            match app {
                App::Procurement(app) => procurement::serve(app, server),
                App::Station(app) => station::serve(app, server),
                App::Distribution(app) => distribution::serve(app, server),
                App::Sales(app) => sales::serve(app, server),
                App::Projection(running) => {
                    let ledgers = Arc::new(running.ledgers().clone());
                    server.route(|routes| add_services(ledgers, routes));
                    for name in SERVICE_NAMES {
                        server.follow(name, running.ledgers().readiness(), |readiness| *readiness);
                    }
                }
            }
        }
    }

    /// Shows what runs.
    pub(super) fn register(&self, metrics: &Registry) {
        for app in &self.0 {
            match app {
                App::Procurement(app) => metrics.add(app.host().clone()),
                App::Station(app) => metrics.add(app.host().clone()),
                App::Distribution(app) => metrics.add(app.host().clone()),
                App::Sales(app) => metrics.add(app.host().clone()),
                App::Projection(running) => metrics.add(running.ledgers().clone()),
            }
        }
    }

    /// The streams' commits that the programs know: they were read, so they must stay in the log.
    pub(super) fn known(&self) -> Known {
        let heads: Vec<Known> = self.0.iter().map(App::known).collect();
        Arc::new(move || heads.iter().flat_map(|heads| heads()).collect())
    }

    /// Waits until everything has read what was in the log at the start; whether all of it serves. A halted stream is
    /// reported and served as such: queries and the other streams continue.
    pub(super) async fn caught_up(&self) -> Result<bool, Failure> {
        let mut all = true;
        for app in &self.0 {
            all &= app.caught_up().await?;
        }
        Ok(all)
    }

    pub(super) async fn shut_down(self) {
        // Writers first: what they finish is still folded before the projection stores.
        let (projections, writers): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|app| matches!(app, App::Projection(_)));
        join_all(writers.into_iter().map(App::shut_down)).await;
        join_all(projections.into_iter().map(App::shut_down)).await;
    }
}

impl App {
    fn known(&self) -> Known {
        match self {
            Self::Procurement(app) => known(app.host()),
            Self::Station(app) => known(app.host()),
            Self::Distribution(app) => known(app.host()),
            Self::Sales(app) => known(app.host()),
            // It reads what the writers read.
            Self::Projection(_) => Arc::new(Vec::new),
        }
    }

    async fn caught_up(&self) -> Result<bool, Failure> {
        match self {
            Self::Procurement(app) => Ok(caught_up(app.host()).await),
            Self::Station(app) => Ok(caught_up(app.host()).await),
            Self::Distribution(app) => Ok(caught_up(app.host()).await),
            Self::Sales(app) => Ok(caught_up(app.host()).await),
            Self::Projection(running) => {
                let halted = running.ledgers().caught_up().await;
                for (county, halt) in &halted {
                    let (reason, advice) = (halt.reason(), halt.notice().reason.advice());
                    note!("loopledger: the projection of {county} is halted: {reason}: {halt}; {advice}");
                }
                Ok(halted.is_empty())
            }
        }
    }

    async fn shut_down(self) {
        match self {
            Self::Procurement(app) => drop(app.shut_down().await),
            Self::Station(app) => drop(app.shut_down().await),
            Self::Distribution(app) => drop(app.shut_down().await),
            Self::Sales(app) => drop(app.shut_down().await),
            Self::Projection(running) => running.shut_down().await,
        }
    }
}

async fn start(
    program: Program,
    feed: &Feed,
    config: &HostConfig,
    data: &Path,
    stop: &CancellationToken,
) -> Result<App, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match program {
        Program::Procurement => {
            procurement::App::start(feed, clock, config.clone()).await.map(App::Procurement).map_err(not_started)
        }
        Program::Station => {
            station::App::start(feed, clock, config.clone()).await.map(App::Station).map_err(not_started)
        }
        Program::Distribution => {
            distribution::App::start(feed, clock, config.clone()).await.map(App::Distribution).map_err(not_started)
        }
        Program::Sales => sales::App::start(feed, clock, config.clone()).await.map(App::Sales).map_err(not_started),
        Program::Projection => {
            let config =
                LedgersConfig { counties: config.counties.clone(), data: stores(data), parking: config.parking };
            let running = RunningLedgers::start(config, feed.clone(), stop.clone()).await;
            running.map(App::Projection).map_err(|error| Failure::refused("start", &error))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_started(error: StartError) -> Failure {
    Failure::refused("start", &error)
}

fn known<D: Decider>(host: &Host<D>) -> Known {
    let host = host.clone();
    Arc::new(move || host.known())
}

/// Waits until the service has read what was in the log at the start; says which of its streams are halted.
async fn caught_up<D: Decider>(host: &Host<D>) -> bool {
    let halted = host.caught_up().await;
    for (county, halt) in &halted {
        note!("loopledger: {}/{county} is halted: {}: {halt}; {}", D::SERVICE, halt.reason(), halt.advice());
    }
    halted.is_empty()
}

/// Where the services keep their stores.
pub(crate) fn stores(data: &Path) -> PathBuf {
    data.join("state")
}
