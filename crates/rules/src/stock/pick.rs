//! Which lots and pools a quantity is taken from.

use std::collections::BTreeMap;

use loopledger_types::{BusinessDate, LotId, Quantity, largest_remainder};

use super::{Cell, CellKey, Holder, Shelf};
use crate::{ByDay, State, StockLine};

/// Less can be taken than is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shortage {
    /// There is not that much on that day; `earliest` is the first day on which there is.
    Stock { available: i128, earliest: Option<BusinessDate> },
    /// There is enough, but in more lines than allowed; the lines allowed hold `fitting`.
    Lots { available: i128, fitting: Quantity },
}

/// Picks for several lines of one decision: what one line took is not free for the next. It sees only what is there on
/// the day of the decision and stays.
#[derive(Debug)]
pub(super) struct Picker<'s, H: Holder> {
    state: &'s State<H>,
    day: BusinessDate,
    taken: BTreeMap<CellKey, i64>,
    /// Whether lines that take from one cell become one line, so that the second one needs no room.
    merges: bool,
}

impl<'s, H: Holder> Picker<'s, H> {
    pub(super) const fn new(state: &'s State<H>, day: BusinessDate) -> Self {
        Self { state, day, taken: BTreeMap::new(), merges: false }
    }

    /// A picker for a decision that names each (lot, pool) once.
    pub(super) const fn merging(state: &'s State<H>, day: BusinessDate) -> Self {
        Self { state, day, taken: BTreeMap::new(), merges: true }
    }

    /// Takes from the oldest lots, in at most `limit` lines.
    pub(super) fn oldest(&mut self, goods: &Shelf, wanted: Quantity, limit: usize) -> Result<Vec<StockLine>, Shortage> {
        let free = self.free(goods);
        if free < i128::from(wanted.0) {
            return Err(Shortage::Stock { available: free, earliest: self.enough_on(goods, wanted) });
        }
        // No lot lies anywhere before it was collected.
        let slots = self.state.entities.index().oldest(goods).take_while(|slot| slot.age.age().day <= self.day);
        let cells = slots.map(|slot| CellKey { place: goods.place, lot: slot.lot, pool: slot.pool });
        let lines = cells.filter_map(|key| self.line(goods, key));
        let took = take_oldest(lines, wanted, |line| self.room(goods, line), limit);
        self.settle(goods, took, free, None)
    }

    /// Takes from the pools of one lot, in at most `limit` lines.
    pub(super) fn of_lot(
        &mut self,
        goods: &Shelf,
        lot: LotId,
        wanted: Quantity,
        limit: usize,
    ) -> Result<Vec<StockLine>, Shortage> {
        let free = self.lines_of(goods, lot).fold(0_i128, |sum, line| sum.saturating_add(i128::from(line.quantity.0)));
        let took = take_oldest(self.lines_of(goods, lot), wanted, |line| self.room(goods, line), limit);
        let earliest = if took.missing.is_positive() { self.lot_enough_on(goods, lot, wanted) } else { None };
        self.settle(goods, took, free, earliest)
    }

    /// Takes as much as there is of the lots named, in their order and in at most `limit` lines; answers what is still
    /// missing.
    pub(super) fn up_to(
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
    pub(super) fn free(&self, goods: &Shelf) -> i128 {
        let free = self.state.entities.index().free(goods).map_or(0, |free| free.on(self.day));
        free.saturating_sub(self.taken_of(goods))
    }

    /// The first day on which that much is free on the shelf. What was taken is taken on every later day too.
    pub(super) fn enough_on(&self, goods: &Shelf, wanted: Quantity) -> Option<BusinessDate> {
        let wanted = i128::from(wanted.0).saturating_add(self.taken_of(goods));
        self.state.entities.index().free(goods)?.earliest(wanted)
    }

    /// The same of one lot.
    fn lot_enough_on(&self, goods: &Shelf, lot: LotId, wanted: Quantity) -> Option<BusinessDate> {
        let (mut by_day, mut wanted) = (ByDay::default(), i128::from(wanted.0));
        for key in self.state.entities.index().of_lot(lot, goods.place) {
            if let Some(cell) = self.cell_of(goods, key) {
                by_day.add(&cell.on_hand);
                wanted = wanted.saturating_add(i128::from(self.taken.get(&key).copied().unwrap_or(0)));
            }
        }
        by_day.earliest(wanted)
    }

    fn taken_of(&self, goods: &Shelf) -> i128 {
        let taken = self.taken.iter().filter(|(key, _)| self.cell_of(goods, **key).is_some());
        taken.fold(0_i128, |sum, (_, quantity)| sum.saturating_add(i128::from(*quantity)))
    }

    fn lines_of(&self, goods: &Shelf, lot: LotId) -> impl Iterator<Item = StockLine> {
        self.state.entities.index().of_lot(lot, goods.place).filter_map(|key| self.line(goods, key))
    }

    /// The free rest of a cell, if it belongs to the shelf.
    fn line(&self, goods: &Shelf, key: CellKey) -> Option<StockLine> {
        let cell = self.cell_of(goods, key)?;
        let taken = self.taken.get(&key).copied().unwrap_or(0);
        let free = Quantity(cell.on_hand.on(self.day).saturating_sub(taken));
        free.is_positive().then(|| cell.line(&key, free))
    }

    fn cell_of(&self, goods: &Shelf, key: CellKey) -> Option<&'s Cell> {
        self.state.cell(key).filter(|cell| Shelf::of(&key, cell) == *goods)
    }

    /// Lines that taking from the line's cell adds to the decision.
    fn room(&self, goods: &Shelf, line: &StockLine) -> usize {
        let key = CellKey { place: goods.place, lot: line.lot, pool: line.pool };
        usize::from(!(self.merges && self.taken.contains_key(&key)))
    }

    fn settle(
        &mut self,
        goods: &Shelf,
        took: Taken,
        free: i128,
        earliest: Option<BusinessDate>,
    ) -> Result<Vec<StockLine>, Shortage> {
        if took.missing == Quantity::ZERO {
            self.mark(goods, &took.lines);
            return Ok(took.lines);
        }
        Err(if took.scattered {
            Shortage::Lots { available: free, fitting: total(&took.lines) }
        } else {
            Shortage::Stock { available: free, earliest }
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
pub(super) struct Taken {
    pub(super) lines: Vec<StockLine>,
    pub(super) missing: Quantity,
    scattered: bool,
}

/// Takes `wanted` out of lines that come oldest lot first: each lot whole, the last one in proportion to its pools. What
/// is taken needs at most `limit` of `room`.
pub(super) fn take_oldest(
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
pub(super) fn total<'a>(lines: impl IntoIterator<Item = &'a StockLine>) -> Quantity {
    Quantity(lines.into_iter().fold(0, |sum: i64, line| sum.saturating_add(line.quantity.0)))
}
