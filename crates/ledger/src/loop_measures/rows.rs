//! The sums of the loop as rows: by whom, of what, in which month.

use crate::store::{Reader, Row, Writer};
use crate::tables::Number;

/// A sum for the loop: by division of origin, product (or `NO_ROW`), month and measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LoopKey {
    pub(crate) division: u64,
    pub(crate) product: Number,
    /// Month in the high half, measure in the low.
    pub(crate) month_measure: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LoopSums {
    /// Base units, days or a count, as the measure says.
    pub(crate) quantity: i64,
    /// Fen, or fen × days.
    pub(crate) value: i64,
}

/// How often an act took place in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ActivityKey {
    /// A place or a party, as the kind says.
    pub(crate) subject: Number,
    /// Month in the high half, kind in the low.
    pub(crate) month_kind: u32,
}

impl Row for LoopKey {
    fn write(&self, out: &mut Writer) {
        out.number(self.division).index(self.product).index(self.month_measure);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { division: from.number()?, product: from.index()?, month_measure: from.index()? })
    }
}

impl Row for LoopSums {
    fn write(&self, out: &mut Writer) {
        out.signed(self.quantity).signed(self.value);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { quantity: from.signed()?, value: from.signed()? })
    }
}

impl Row for ActivityKey {
    fn write(&self, out: &mut Writer) {
        out.index(self.subject).index(self.month_kind);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { subject: from.index()?, month_kind: from.index()? })
    }
}
