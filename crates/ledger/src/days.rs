//! The span of business dates that the facts cover: what an empty end of a window means.

use std::collections::BTreeMap;

use loopledger_facts::{Commit, Event};
use loopledger_types::BusinessDate;

use crate::Ledger;
use crate::fact::{read_date, write_date};
use crate::store::{Reader, Writer};

/// The first and the last business date with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub first: BusinessDate,
    pub last: BusinessDate,
}

/// The days that facts are dated, by the day (official time) on which they were recorded.
#[derive(Debug, Default)]
pub(crate) struct DaysRecorded(BTreeMap<BusinessDate, Days>);

impl Days {
    fn and(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

impl DaysRecorded {
    pub(crate) fn add(&mut self, commit: &Commit, recorded_on: BusinessDate) {
        let occasions = commit.events.iter().filter_map(Event::occasion);
        for date in occasions.map(|occasion| occasion.business_date) {
            let day = Days { first: date, last: date };
            self.0.entry(recorded_on).and_modify(|days| *days = days.and(day)).or_insert(day);
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.number(u64::try_from(self.0.len()).unwrap_or(u64::MAX));
        for (recorded_on, days) in &self.0 {
            for date in [*recorded_on, days.first, days.last] {
                write_date(date, out);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.number()?;
        let days = (0..count).map(|_| {
            let recorded_on = read_date(from)?;
            Some((recorded_on, Days { first: read_date(from)?, last: read_date(from)? }))
        });
        days.collect::<Option<_>>().map(Self)
    }
}

impl Ledger {
    /// The span of business dates of the facts recorded by `as_of`; `None` if there are none.
    pub fn days(&self, as_of: Option<BusinessDate>) -> Option<Days> {
        let known = self.days.0.iter().filter(|(recorded_on, _)| as_of.is_none_or(|day| **recorded_on <= day));
        known.map(|(_, days)| *days).reduce(Days::and)
    }
}
