//! How the projection's state lies in memory: dense tables of small rows, and one append-only log of packed records
//! that are chained backwards by subject. Both are cut into pages, so that a checkpoint writes what changed and a
//! start reads pages as they are.

mod codec;
mod pages;
mod rows;

pub(crate) use codec::{Reader, Writer};
pub(crate) use pages::{PageLog, RecordOffset};
pub(crate) use rows::{Row, Rows};
