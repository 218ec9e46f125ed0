//! What a hand-over or dispatch moves, and what its lines weigh where freight is split by weight.

use loopledger_types::{BaseUnit, largest_remainder};

use super::checks::Checks;
use super::{LineWeight, MoveLine};
use crate::{FieldFault, StockLine};

/// What a hand-over or dispatch moves.
#[derive(Debug)]
pub struct Moved {
    /// Each (lot, pool) once.
    pub lines: Vec<StockLine>,
    /// One for each line if the freight is split by weight; else empty.
    pub weights: Vec<LineWeight>,
}

/// What each line weighs: as it states, or its quantity if that is counted in grams.
pub(super) fn weights(checks: &mut Checks, lines: &[MoveLine]) -> Vec<LineWeight> {
    let mut weights = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let quantity = line.quantity;
        let itself = (quantity.base == BaseUnit::Gram).then_some(LineWeight { grams: quantity.quantity.0 });
        if let Some(weight) = line.weight.or(itself) {
            weights.push(weight);
        } else {
            let description = "This freight is split by weight, so the weight of this line is needed.";
            checks.refuse(format!("lines[{index}].weight_grams"), FieldFault::Required, description);
        }
    }
    weights
}

impl Moved {
    /// Adds picks, each (lot, pool) once; `weight` is divided over them by quantity.
    pub(super) fn add(&mut self, picks: Vec<StockLine>, weight: Option<&LineWeight>) {
        let quantities: Vec<i64> = picks.iter().map(|pick| pick.quantity.0).collect();
        let parts = weight.map(|weight| {
            largest_remainder(weight.grams, &quantities).expect("what is picked is positive, and so is a weight")
        });
        for (index, pick) in picks.into_iter().enumerate() {
            let part = parts.as_ref().and_then(|parts| parts.get(index)).copied();
            if let Some(at) = self.lines.iter().position(|known| same_cell(known, &pick)) {
                if let Some(known) = self.lines.get_mut(at) {
                    *known = plus(known, &pick);
                }
                if let (Some(known), Some(part)) = (self.weights.get_mut(at), part) {
                    known.grams = known.grams.checked_add(part).expect("200 weights of 10^12 g fit");
                }
            } else {
                self.lines.push(pick);
                self.weights.extend(part.map(|grams| LineWeight { grams }));
            }
        }
    }
}

pub(super) fn plus(line: &StockLine, more: &StockLine) -> StockLine {
    let quantity = line.quantity.checked_add(more.quantity).expect("both lie in one cell");
    StockLine { quantity, ..*line }
}

pub(super) fn same_cell(a: &StockLine, b: &StockLine) -> bool {
    (a.lot, a.pool) == (b.lot, b.pool)
}
