//! The command line, as docs/design.md §11 describes it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use loopledger_client::{Client, Failure, Program};
use loopledger_load::Bench;
use loopledger_types::CountyCode;

use crate::command::{
    DemoArgs, DuplicatesArgs, IncomeArgs, LoopArgs, RecordArgs, StatementArgs, TopicsCommand, TraceArgs,
};
use crate::config::ConfigArgs;
use crate::kafka::KafkaClient;
use crate::output::{Format, View};
use crate::server::{Counties, PartitionSet};

/// LoopLedger 闭环账本: the ledger of a county's circulation of farm produce.
///
/// Exit codes: 0 done, 1 the server or a check refused, 2 wrong usage, 3 the server cannot be reached, 141 the reader of
/// the output is gone.
#[derive(Debug, Parser)]
#[command(name = "loopledger", version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("LOOPLEDGER_COMMIT"), ")"), about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All services in one process, on the embedded log or on Kafka.
    Up(UpArgs),
    /// One program in its own process, on Kafka; replicas may run side by side.
    Serve(ServeArgs),
    /// Plays nine months of 托里县's business against a running server.
    Demo {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        args: DemoArgs,
    },
    /// Sends commands from a file of ProtoJSON lines; safe to run again.
    Record {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        args: RecordArgs,
    },
    /// What a household earned, and why; or the households of a division.
    Income {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        args: IncomeArgs,
    },
    /// The loop measures and the plan's targets.
    Loop {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        args: LoopArgs,
    },
    /// Where a lot came from and where it went.
    Trace {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        args: TraceArgs,
    },
    /// A party's book in a month.
    Statement {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        args: StatementArgs,
    },
    /// Receipts that look like one delivery recorded twice.
    Duplicates {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        args: DuplicatesArgs,
    },
    /// Folds the ledger again from zero, with progress, and compares.
    Rebuild {
        #[command(flatten)]
        server: Server,
    },
    /// The load generator: measures a running server.
    Bench {
        #[command(flatten)]
        server: Server,
        #[command(subcommand)]
        bench: Bench,
    },
    /// Repairs a log that came back shorter than acknowledged commits, while the services are stopped: appends them again
    /// from the stores.
    Repair {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        args: RepairArgs,
    },
    /// Heads, voids and digests.
    Status {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
    },
    /// The topics on Apache Kafka: created, and checked.
    Topics {
        #[command(subcommand)]
        topics: TopicsCommand,
    },
}

/// Where `up` listens, unless it is asked for another address.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:7610";

#[derive(Debug, Args)]
pub(crate) struct Server {
    /// One URL that serves everything, or service=URL pairs separated by commas.
    // Global for `bench`: the argument may also follow what is measured.
    #[arg(long, global = true, env = "LOOPLEDGER_SERVER", default_value = DEFAULT_SERVER)]
    pub(crate) server: String,
    /// The county that requests are about: six digits, GB/T 2260; needed where the server hosts several.
    #[arg(long, env = "LOOPLEDGER_COUNTY", value_name = "CODE", value_parser = CountyCode::parse)]
    pub(crate) county: Option<CountyCode>,
}

impl Server {
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.server).await?.of_county(self.county))
    }

    /// The same for a server that was started just now.
    pub(crate) async fn connect_soon(&self) -> Result<Client, Failure> {
        Ok(Client::connect_soon(&self.server).await?.of_county(self.county))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// A table for people, JSON or CSV for programs.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Also ids, hashes and the facts behind each row.
    #[arg(long)]
    pub(crate) detail: bool,
    /// Prints to the terminal directly, not through PAGER (less by default).
    #[arg(long)]
    pub(crate) no_pager: bool,
}

impl Output {
    pub(crate) fn view(&self) -> View {
        View::new(self.format, self.detail)
    }
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Where the log and the stores live.
    #[arg(long, default_value = "data")]
    pub(crate) data: PathBuf,
    /// Brokers of a Kafka cluster, if the log is there and only the stores are in the folder.
    #[arg(long, value_name = "BROKERS")]
    pub(crate) kafka: Option<String>,
    #[command(flatten)]
    pub(crate) client: KafkaClient,
    /// Records in the log that missing commits are lost, instead of appending them again; stores with effects of them are
    /// moved aside.
    #[arg(long)]
    pub(crate) accept_loss: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the log and the stores live.
    #[arg(long, default_value = "data")]
    pub(crate) data: PathBuf,
    /// The counties that are hosted: codes (six digits, GB/T 2260) separated by commas, or a file with one in each line.
    #[arg(long, default_value = "654224", value_name = "FILE|CODES")]
    pub(crate) counties: Counties,
    /// Brokers of a Kafka cluster (host:port, separated by commas) instead of the embedded log.
    #[arg(long, value_name = "BROKERS")]
    pub(crate) kafka: Option<String>,
    #[command(flatten)]
    pub(crate) client: KafkaClient,
    /// gRPC address; port 0 picks a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:7610")]
    pub(crate) listen: SocketAddr,
    /// Address of /metrics, /livez and /readyz; port 0 picks a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:9464")]
    pub(crate) metrics: SocketAddr,
    #[command(flatten)]
    pub(crate) clock: AcceptClock,
    /// Also plays the Tuoli scenario, prints the loop, and keeps serving.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Households of the demo.
    #[arg(long, default_value_t = 400, requires = "demo", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) households: u32,
    /// Seed of the demo.
    #[arg(long, default_value_t = 2020, requires = "demo")]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptClock {
    /// This machine's clock is right, although a stream's newest commit is later than it (`CLOCK_BEHIND`), or everything
    /// that was recorded is more than a year old (`CLOCK_AHEAD`). Commits are never recorded before their predecessors:
    /// they carry the newest commit's time until the clock has passed it.
    #[arg(long)]
    pub(crate) accept_clock: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Which program.
    #[arg(value_enum)]
    pub(crate) service: Program,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Brokers of the Kafka cluster: host:port, separated by commas.
    #[arg(long, value_name = "BROKERS")]
    pub(crate) kafka: String,
    #[command(flatten)]
    pub(crate) client: KafkaClient,
    /// Where the program's store lives. Programs may share a folder, replicas of one program may not.
    #[arg(long, default_value = "data")]
    pub(crate) data: PathBuf,
    /// The counties that are hosted: codes (six digits, GB/T 2260) separated by commas, or a file with one in each line.
    #[arg(long, default_value = "654224", value_name = "FILE|CODES")]
    pub(crate) counties: Counties,
    /// gRPC address [default: 127.0.0.1:7610 to 7614, in the order of the programs]; port 0 picks a free one.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of /metrics, /livez and /readyz [default: 127.0.0.1:9464 to 9468]; port 0 picks a free one.
    #[arg(long)]
    pub(crate) metrics: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) clock: AcceptClock,
    /// Partitions that this replica serves, e.g. 0-31,40, or none [default: all]. Of the others it is a hot standby: it
    /// accepts writes, and reacts only to commits that stay unanswered for 5 s.
    #[arg(long)]
    pub(crate) partitions: Option<PartitionSet>,
}
