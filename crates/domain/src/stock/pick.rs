//! Which lots and pools a quantity is taken from.

use std::collections::BTreeMap;

use loopledger_types::{LotId, Quantity, largest_remainder};

use super::{CellKey, Holder, Shelf};
use crate::{State, StockLine};

/// Less can be taken than is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// There is not that much.
    Stock { available: i128 },
    /// There is enough, but in more lines than allowed; the lines allowed hold `fitting`.
    Lots { available: i128, fitting: Quantity },
}

/// Picks for several lines of one decision: what one line took is not free for the next.
#[derive(Debug)]
pub(crate) struct Picker<'s, H: Holder> {
    state: &'s State<H>,
    taken: BTreeMap<CellKey, i64>,
    /// Whether lines that take from one cell become one line, so that the second one needs no room.
    merges: bool,
}

impl<'s, H: Holder> Picker<'s, H> {
    pub(crate) const fn new(state: &'s State<H>) -> Self {
        Self { state, taken: BTreeMap::new(), merges: false }
    }

    /// A picker for a decision that names each (lot, pool) once.
    pub(crate) const fn merging(state: &'s State<H>) -> Self {
        Self { state, taken: BTreeMap::new(), merges: true }
    }

    /// Takes from the oldest lots, in at most `limit` lines.
    pub(crate) fn oldest(&mut self, goods: &Shelf, wanted: Quantity, limit: usize) -> Result<Vec<StockLine>, Shortage> {
        let free = self.free(goods);
        if free < i128::from(wanted.0) {
            return Err(Shortage::Stock { available: free });
        }
        let slots = self.state.entities.index().oldest(goods).map(|(slot, _)| CellKey {
            place: goods.place,
            lot: slot.lot,
            pool: slot.pool,
        });
        let took =
            take_oldest(slots.filter_map(|key| self.line(goods, key)), wanted, |line| self.room(goods, line), limit);
        self.settle(goods, took, free)
    }

    /// Takes from the pools of one lot, in at most `limit` lines.
    pub(crate) fn of_lot(
        &mut self,
        goods: &Shelf,
        lot: LotId,
        wanted: Quantity,
        limit: usize,
    ) -> Result<Vec<StockLine>, Shortage> {
        let free = self.lines_of(goods, lot).fold(0_i128, |sum, line| sum.saturating_add(i128::from(line.quantity.0)));
        let took = take_oldest(self.lines_of(goods, lot), wanted, |line| self.room(goods, line), limit);
        self.settle(goods, took, free)
    }

    /// Takes as much as there is of the lots named, in their order and in at most `limit` lines; answers what is still
    /// missing.
    pub(crate) fn up_to(
        &mut self,
        goods: &Shelf,
        lots: impl Iterator<Item = LotId>,
        wanted: Quantity,
        limit: usize,
    ) -> (Vec<StockLine>, Quantity) {
        let lines = lots.flat_map(|lot| self.lines_of(goods, lot));
        let took = take_oldest(lines, wanted, |line| self.room(goods, line), limit);
        self.mark(goods, &took.lines);
        (took.lines, took.missing)
    }

    /// What is still free on the shelf.
    pub(crate) fn free(&self, goods: &Shelf) -> i128 {
        let taken = self.taken.iter().filter(|(key, _)| self.line_of(goods, **key).is_some());
        let taken = taken.fold(0_i128, |sum, (_, quantity)| sum.saturating_add(i128::from(*quantity)));
        self.state.entities.index().free(goods).saturating_sub(taken)
    }

    fn lines_of(&self, goods: &Shelf, lot: LotId) -> impl Iterator<Item = StockLine> {
        self.state.entities.index().of_lot(lot, goods.place).filter_map(|key| self.line(goods, key))
    }

    /// The free rest of a cell, if it belongs to the shelf.
    fn line(&self, goods: &Shelf, key: CellKey) -> Option<StockLine> {
        let mut line = self.line_of(goods, key)?;
        let taken = self.taken.get(&key).copied().unwrap_or(0);
        line.quantity = Quantity(line.quantity.0.saturating_sub(taken));
        line.quantity.is_positive().then_some(line)
    }

    fn line_of(&self, goods: &Shelf, key: CellKey) -> Option<StockLine> {
        let cell = self.state.cell(key)?;
        let belongs =
            key.place == goods.place && cell.product == goods.product && cell.title.principal().id == goods.principal;
        belongs.then(|| cell.line(&key, cell.on_hand))
    }

    /// Lines that taking from the line's cell adds to the decision.
    fn room(&self, goods: &Shelf, line: &StockLine) -> usize {
        let key = CellKey { place: goods.place, lot: line.lot, pool: line.pool };
        usize::from(!(self.merges && self.taken.contains_key(&key)))
    }

    fn settle(&mut self, goods: &Shelf, took: Taken, free: i128) -> Result<Vec<StockLine>, Shortage> {
        if took.missing == Quantity::ZERO {
            self.mark(goods, &took.lines);
            return Ok(took.lines);
        }
        Err(if took.scattered {
            Shortage::Lots { available: free, fitting: total(&took.lines) }
        } else {
            Shortage::Stock { available: free }
        })
    }

    fn mark(&mut self, goods: &Shelf, lines: &[StockLine]) {
        for line in lines {
            let key = CellKey { place: goods.place, lot: line.lot, pool: line.pool };
            let taken = self.taken.entry(key).or_insert(0);
            *taken = taken.saturating_add(line.quantity.0);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) lines: Vec<StockLine>,
    pub(crate) missing: Quantity,
    scattered: bool,
}

/// Takes `wanted` out of lines that come oldest lot first: each lot whole, the last one in proportion to its pools. What
/// is taken needs at most `limit` of `room`.
pub(crate) fn take_oldest(
    lines: impl Iterator<Item = StockLine>,
    wanted: Quantity,
    room: impl Fn(&StockLine) -> usize,
    limit: usize,
) -> Taken {
    let mut rest = lines.peekable();
    let mut used = 0_usize;
    let mut took = Taken { lines: Vec::new(), missing: wanted, scattered: false };
    let mut lot: Vec<StockLine> = Vec::new();
    while took.missing.is_positive() {
        let Some(first) = rest.next() else { break };
        lot.clear();
        lot.push(first);
        while let Some(line) = rest.next_if(|line| line.lot == first.lot) {
            lot.push(line);
        }
        let part = divide(&mut lot, took.missing);
        let picked = lot.iter().filter(|line| line.quantity.is_positive());
        used = picked.clone().map(&room).fold(used, usize::saturating_add);
        if used > limit {
            took.scattered = true;
            break;
        }
        took.lines.extend(picked);
        took.missing = Quantity(took.missing.0.saturating_sub(part.0));
    }
    took
}

/// Cuts the lines of one lot down to `wanted`, in proportion, if they come to more; answers what they come to.
fn divide(lot: &mut [StockLine], wanted: Quantity) -> Quantity {
    let free = total(lot.iter());
    if free <= wanted {
        return free;
    }
    let weights: Vec<i64> = lot.iter().map(|line| line.quantity.0).collect();
    let parts = largest_remainder(wanted.0, &weights).expect("free quantities are positive, and so is what is wanted");
    for (line, part) in lot.iter_mut().zip(parts) {
        line.quantity = Quantity(part);
    }
    wanted
}

/// What lines come to.
pub(crate) fn total<'a>(lines: impl IntoIterator<Item = &'a StockLine>) -> Quantity {
    Quantity(lines.into_iter().fold(0, |sum: i64, line| sum.saturating_add(line.quantity.0)))
}
