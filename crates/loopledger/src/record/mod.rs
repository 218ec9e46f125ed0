//! Sending files of commands; the demo's too.

mod answer;
mod barrier;
mod broken;
mod bytes;
mod diagnosis;
mod engine;
mod json;
mod lane;
mod line;
mod receipts;
mod tree;

pub(crate) use answer::Answer;
pub(crate) use engine::{PATIENCE_SECONDS, Recorder, Stop, Tally};
pub(crate) use json::{JsonLines, to_json};
pub(crate) use line::{Line, numbered};
pub(crate) use receipts::{Kept, Parting, Receipts, compare};
