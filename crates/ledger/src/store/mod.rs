//! How the projection's state lies in memory: dense tables of small rows, and one append-only log of packed records
//! that are chained backwards by subject. Both are cut into pages, so that a checkpoint writes what changed and a
//! start reads pages as they are.

mod codec;
mod pages;
mod rows;

/// What is saved by pages.
pub(crate) trait Table {
    /// What changed since the last cut is taken as it is now, whatever changes before it is taken.
    fn cut(&mut self);

    /// Forgets that anything was saved: all of it belongs to the next cut.
    fn unsave(&mut self);

    /// The next page of the cut, in no order; `None`: all were taken.
    fn take(&mut self) -> Option<(u32, Vec<u8>)>;

    /// Takes a saved page; pages come in ascending order. `None`: it does not read back.
    fn load(&mut self, page: u32, bytes: &[u8]) -> Option<()>;
}

pub(crate) use codec::{Reader, Writer};
pub(crate) use pages::{PageLog, RecordOffset};
pub(crate) use rows::{Row, Rows};
