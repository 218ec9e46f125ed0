//! `topics create`, `topics check`: the five topics on Apache Kafka. Nothing that exists is changed.

use std::time::Duration;

use clap::{Args, Subcommand};
use loopledger_client::lang::pick;
use loopledger_client::{Failure, say};
use loopledger_kafka_log::KafkaOptions;
use loopledger_kafka_log::topics::{self, DEFAULT_PARTITIONS, Layout, Wanted};
use loopledger_types::{Service, Topic};
use serde_json::json;

use crate::cli::Output;
use crate::kafka::{KafkaClient, not_connected};
use crate::output::{Cell, Format, Report, View};

/// How long the command waits for a cluster that does not answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What is done with the topics.
#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Creates the topics that are missing, and checks all of them.
    Create {
        #[command(flatten)]
        cluster: Cluster,
        /// Partitions of each topic, for its whole life.
        #[arg(long, default_value_t = DEFAULT_PARTITIONS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        partitions: u32,
    },
    /// Checks every topic as each start of a service does; names what is wrong, and the command that fixes it.
    Check {
        #[command(flatten)]
        cluster: Cluster,
        /// Partitions that each topic must have; any number if all have the same, by default.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        partitions: Option<u32>,
    },
}

/// Where the topics are.
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    /// host:port of some brokers, separated by commas.
    #[arg(long, value_name = "BROKERS")]
    kafka: String,
    #[command(flatten)]
    client: KafkaClient,
    /// Replicas of every partition: three where there are three brokers, one on a single broker, by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    replication_factor: Option<u32>,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn topics(command: &TopicsCommand) -> Result<(), Failure> {
    let (layout, created, output) = match command {
        TopicsCommand::Create { cluster, partitions } => {
            let created = topics::create(&cluster.options()?, cluster.wanted(Some(*partitions))).await;
            let created = created.map_err(not_connected)?;
            (created.layout, created.topics, &cluster.output)
        }
        TopicsCommand::Check { cluster, partitions } => {
            let layout =
                topics::check(&cluster.options()?, cluster.wanted(*partitions)).await.map_err(not_connected)?;
            (layout, Vec::new(), &cluster.output)
        }
    };
    show(&layout, &created, &output.view())
}

impl Cluster {
    fn options(&self) -> Result<KafkaOptions, Failure> {
        Ok(KafkaOptions { answer_timeout: ANSWER_TIMEOUT, ..self.client.options(&self.kafka)? })
    }

    const fn wanted(&self, partitions: Option<u32>) -> Wanted {
        Wanted { partitions, replication_factor: self.replication_factor }
    }
}

fn show(layout: &Layout, created: &[String], view: &View) -> Result<(), Failure> {
    let mut report = Report::new("")
        .text("topic", "主题", "Topic")
        .number("partitions", "分区", "Partitions")
        .number("replication_factor", "副本", "Replicas")
        .number("min_insync_replicas", "最少同步副本", "In sync, least")
        .text("state", "状态", "State");
    for service in Service::ALL {
        let name = Topic(service).to_string();
        let (state, english) = if created.contains(&name) { ("新建", "created") } else { ("已有", "there") };
        report.row([
            name.into(),
            json!(layout.partition_count).into(),
            json!(layout.replication_factor).into(),
            json!(layout.min_insync_replicas).into(),
            Cell::shown(json!(state), pick(state, english).to_owned()),
        ]);
    }
    view.print(&report)?;
    if view.format == Format::Table {
        say!("{} {}", pick("持久性", "Durability"), layout.durability())?;
    }
    Ok(())
}
