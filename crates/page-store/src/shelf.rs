//! The blocks of a run, in trees of sled's of their own.
//!
//! sled splits a leaf that holds more than 16 values in halves and writes both again, so that blocks which are simply
//! appended are written three times. So empty values are written ahead: leaves split while they hold nothing, and a
//! block takes an empty value's place in a leaf that is never touched again. And sled writes a leaf again when a few
//! of its values were removed; a whole tree goes without that. A tree is small (a shelf), so that dropping one is a
//! short step.

use sled::Tree;

use super::keys;
use super::page::Page;
use super::parts::fetch;
use super::pipeline::Pipeline;
use crate::StoreError;

/// Blocks to a shelf: some 6 MB.
const SHELF_BLOCKS: u32 = 1_024;
/// How many empty values there are beyond the block that is written: as many as a leaf holds before it splits, and the
/// one that makes it split, so the block's leaf is not the last one.
const AHEAD: u32 = 18;

/// Where a run's blocks lie.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    trees: Vec<Tree>,
    /// Empty values and blocks on the last one.
    prepared: u32,
}

impl Shelves {
    /// Finds the shelves of a finished run.
    pub(crate) fn find(pipeline: &Pipeline, run: u64, blocks: u32) -> Result<Self, StoreError> {
        let count = blocks.div_ceil(SHELF_BLOCKS);
        let trees = (0..count).map(|shelf| pipeline.find_tree(&keys::part(keys::BLOCK, run, shelf)));
        Ok(Self { trees: trees.collect::<Result<_, _>>()?, prepared: SHELF_BLOCKS })
    }

    /// Writes the block `number` of `run`: the next one.
    pub(crate) fn put(
        &mut self,
        pipeline: &mut Pipeline,
        run: u64,
        number: u32,
        block: &Page,
    ) -> Result<(), StoreError> {
        let (at, slot) = place(number);
        if slot == 0 {
            self.trees.push(pipeline.make_tree(&keys::part(keys::BLOCK, run, at))?);
            self.prepared = 0;
        }
        let Some(tree) = self.trees.last() else { return Ok(()) };
        while self.prepared < slot.saturating_add(AHEAD).min(SHELF_BLOCKS) {
            pipeline.prepare(tree, &self.prepared.to_be_bytes())?;
            self.prepared = self.prepared.saturating_add(1);
        }
        pipeline.fill(tree, &slot.to_be_bytes(), block)
    }

    pub(crate) fn get(&self, number: u32) -> Result<Page, StoreError> {
        let (at, slot) = place(number);
        let tree = usize::try_from(at).ok().and_then(|at| self.trees.get(at));
        fetch(tree.ok_or(StoreError::Corrupt("a shelf is missing"))?, &slot.to_be_bytes())
    }
}

/// The shelf of a block, and its slot there.
const fn place(block: u32) -> (u32, u32) {
    (block / SHELF_BLOCKS, block % SHELF_BLOCKS)
}
