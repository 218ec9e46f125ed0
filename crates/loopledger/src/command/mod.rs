//! The client commands: each queries a running server (`topics` a Kafka cluster) and prints the answer.

mod demo;
mod divisions;
mod duplicates;
#[cfg(test)]
mod golden;
mod income;
mod loops;
mod progress;
mod rebuild;
mod record;
mod statement;
mod status;
mod topics;
mod trace;
mod words;

pub(crate) use demo::{DemoArgs, demo};
pub(crate) use duplicates::{DuplicatesArgs, duplicates};
pub(crate) use income::{IncomeArgs, income};
pub(crate) use loops::{LoopArgs, show_loop};
pub(crate) use progress::Progress;
pub(crate) use rebuild::rebuild;
pub(crate) use record::{RecordArgs, record};
pub(crate) use statement::{StatementArgs, statement};
pub(crate) use status::status;
pub(crate) use topics::{TopicsCommand, topics};
pub(crate) use trace::{TraceArgs, trace};
