//! What the log makes of a broker: chained commits appended and read back, beside a plain producer of the same records
//! on the same topic in the same run.
//!
//! `cargo run --profile dist -p loopledger-kafka-log --features real-kafka --example chain [-- BROKERS]`; without BROKERS it
//! starts one with `scripts/kafka`. Each row says whether the topic flushes every record (`flush.messages=1`, as
//! `topics create` makes it on one broker); the rows without lift that setting after the log has connected, which it
//! would refuse otherwise.

#![allow(clippy::print_stdout, reason = "a measurement prints what it measured")]

mod chain;
mod plain;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::time::{Duration, Instant};

use loopledger_event_log::{EventLog, Offset};
use loopledger_kafka_log::{KafkaLog, KafkaOptions};
use loopledger_types::{CountyCode, Key, Partition, Service, Topic, partition_of};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};

use chain::Run;

type Failure = Box<dyn Error + Send + Sync>;

pub(crate) const TOPIC: Topic = Topic(Service::Station);
/// How long each row runs.
const STRETCH: Duration = Duration::from_secs(4);
const WINDOWS: [usize; 3] = [1, 64, 8_000];

pub(crate) fn partition() -> Partition {
    partition_of(Key(CountyCode::TUOLI), support::PARTITIONS)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let brokers = std::env::args().nth(1).unwrap_or_else(|| support::bootstrap().to_owned());
    println!("flush | work                      | in flight |  records/s | median us | p99 us");
    for flush in ["1", "none"] {
        let options = support::options(&brokers);
        let log = support::connect(&options).await;
        if flush == "none" {
            lift_flush(&options).await?;
        }
        opening(&options).await?;
        measure(&log, &options, flush).await?;
    }
    Ok(())
}

async fn measure(log: &KafkaLog, options: &KafkaOptions, flush: &str) -> Result<(), Failure> {
    let mut chained = 0;
    for window in WINDOWS {
        let run = chain::run(log, window, STRETCH).await?;
        chained = run.per_second();
        row(flush, "append, read back, admit", window, &run);
    }
    let mut best = 0;
    for (name, like_ours) in [("plain, our settings", true), ("plain, its own defaults", false)] {
        let options = options.clone();
        let run = tokio::task::spawn_blocking(move || plain::run(&options, like_ours, STRETCH)).await??;
        best = best.max(run.per_second());
        row(flush, name, plain::WINDOW, &run);
    }
    let replayed = chain::replay(log).await?;
    row(flush, "replay, admitted", 0, &replayed);
    let percent = chained.saturating_mul(100).checked_div(best).unwrap_or(0);
    println!("{flush:>5} | chained, 8,000 in flight, is {percent} % of the better plain one");
    Ok(())
}

fn row(flush: &str, work: &str, window: usize, run: &Run) {
    let per_second = run.per_second();
    println!(
        "{flush:>5} | {work:25} | {window:9} | {per_second:10} | {:9} | {:6}",
        run.latency_us(50),
        run.latency_us(99)
    );
}

/// What the first use of everything costs.
async fn opening(options: &KafkaOptions) -> Result<(), Failure> {
    let mut times = Vec::new();
    let mut lap = |name: &'static str, since: Instant| times.push(format!("{name} {} ms", since.elapsed().as_millis()));
    let started = Instant::now();
    let log = match KafkaLog::connect(options.clone()).await {
        Ok(log) => log,
        // With the setting lifted every connection is refused: as it should be.
        Err(error) => {
            println!("      | {}", error.to_string().lines().nth(1).unwrap_or_default().trim());
            return Ok(());
        }
    };
    lap("connect", started);
    for name in ["first append", "second append"] {
        let started = Instant::now();
        let _ = log.append(TOPIC, partition(), vec![chain::filler(0)]).await;
        lap(name, started);
    }
    for name in ["first read", "second read"] {
        let started = Instant::now();
        log.read(TOPIC, partition(), Offset::START)?.next().await?;
        lap(name, started);
    }
    let other = KafkaLog::connect(options.clone()).await?;
    for name in ["first end", "second end"] {
        let started = Instant::now();
        other.end(TOPIC, partition()).await?;
        lap(name, started);
    }
    println!("      | {}", times.join(", "));
    Ok(())
}

/// Sets everything as it was created, but for the flush: altering replaces all of a topic's settings.
async fn lift_flush(options: &KafkaOptions) -> Result<(), Failure> {
    let mut config = rdkafka::ClientConfig::new();
    let admin: AdminClient<_> = config.set("bootstrap.servers", &options.brokers).create()?;
    let name = format!("{}{TOPIC}", options.topic_prefix);
    let topic =
        AlterConfig::new(ResourceSpecifier::Topic(&name)).set("retention.ms", "-1").set("max.message.bytes", "1048588");
    for answer in admin.alter_configs(&[topic], &AdminOptions::new()).await? {
        answer.map_err(|(_, code)| code.to_string())?;
    }
    Ok(())
}
