//! Sending files of commands; the demo's too.

mod answer;
mod engine;
mod json;
mod lane;
mod receipts;

pub(crate) use answer::Answer;
pub(crate) use engine::{Recorder, Tally};
pub(crate) use json::{JsonLines, to_json};
pub(crate) use receipts::Receipts;
