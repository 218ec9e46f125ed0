//! The log on Apache Kafka, behind the port of `loopledger-event-log`.
//!
//! * [`KafkaLog`]: one idempotent producer for all partitions, and a client and a thread for every reader.
//! * [`topics`]: the five topics with the settings that the log requires: created, and checked at every start.
//!
//! *Durable* means replicated: a record is confirmed when a majority of its three replicas has it, and eligible leader
//! replicas prevent it from being read before. A single broker confirms what it has synced to its disk, which
//! its topics must request (`flush.messages=1`).
//! Deliberately not here: transactions (the hash chain replaces them), consumer groups (progress is stored with the
//! folded state), changing an existing topic.

mod denial;
mod end;
mod error;
mod lanes;
mod log;
mod metrics;
mod producer;
mod question;
mod reader;
mod report;
mod settings;
pub mod topics;

pub use error::ConnectError;
pub use log::KafkaLog;
pub use metrics::{Gauge, Metrics};
pub use settings::KafkaOptions;
