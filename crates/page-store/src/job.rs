//! Turning entries into one run, a small step at a time, so that checkpoints never wait for a merge.

use std::sync::Arc;

use super::cursor::Cursor;
use super::filter::key_hash;
use super::pipeline::Pipeline;
use super::run::{Run, RunBuilder};
use crate::StoreError;

/// Deleted entries that one step may pass over, so that a step stays short.
const STEP_ENTRIES: u32 = 4_096;

/// What becomes superfluous when the job is done.
#[derive(Debug)]
pub(crate) enum Input {
    /// The frozen overlay: the pages below this number.
    Pages { end: u64 },
    /// Runs of one level.
    Runs { level: u8, runs: Vec<Arc<Run>> },
}

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) input: Input,
    cursor: Cursor,
    /// Runs older than every input, as of the start. Later merges among them only lose keys, so this stays an upper bound.
    older: Vec<Arc<Run>>,
    builder: RunBuilder,
}

impl Job {
    pub(crate) const fn new(input: Input, cursor: Cursor, older: Vec<Arc<Run>>, builder: RunBuilder) -> Self {
        Self { input, cursor, older, builder }
    }

    /// The run it makes.
    pub(crate) const fn id(&self) -> u64 {
        self.builder.id()
    }

    /// Writes one block or chunk. Gives the bytes written, or nothing when all is written.
    pub(crate) fn step(&mut self, pipeline: &mut Pipeline) -> Result<Option<usize>, StoreError> {
        let mut passed = 0_u32;
        while let Some((stream, (key, value))) = self.cursor.peek() {
            if passed >= STEP_ENTRIES {
                return Ok(Some(0));
            }
            passed = passed.saturating_add(1);
            let hash = key_hash((stream, key));
            // Nothing older can hold the key, so that it was deleted need not be said.
            let forgotten = value.is_none() && !self.older.iter().any(|run| run.may_contain(hash));
            let full = if forgotten { None } else { self.builder.push((stream, key), hash, value) };
            self.cursor.advance()?;
            if let Some(block) = full {
                return self.builder.write(pipeline, &block).map(Some);
            }
        }
        self.builder.finish().map(|rest| self.builder.write(pipeline, &rest)).transpose()
    }

    pub(crate) fn finish(self) -> (Input, Option<Run>) {
        (self.input, self.builder.into_run())
    }
}
