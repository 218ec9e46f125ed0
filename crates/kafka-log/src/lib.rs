//! The log on Apache Kafka, behind the port of `loopledger-event-log`.
//!
//! * [`KafkaLog`]: one idempotent producer for all partitions, and a client and a thread for every reader.
//! * [`topics`]: the five topics as the log needs them: created, and checked at every start.
//!
//! *Durable* means replicated: a record is confirmed when a majority of its three replicas has it, and eligible leader
//! replicas see to it that none of it is readable before. A single broker confirms what it has synced to its disk, which
//! its topics must ask for (`flush.messages=1`).
//! What deliberately is not here: transactions (the chain of hashes does what they would), consumer groups (progress is
//! kept beside what was folded), changing a topic that exists.

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
