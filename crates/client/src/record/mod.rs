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

pub use answer::Answer;
pub use engine::{PATIENCE_SECONDS, Recorder, Stop, Tally};
pub use json::{JsonLines, to_json};
pub use line::{Line, numbered};
pub use receipts::{Kept, Parting, Receipts, compare};
