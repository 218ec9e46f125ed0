//! Checking requests: every wrong field of one is named at once.

use loopledger_domain::{Rejection, Violation};
use loopledger_ledger::{IncomeQuery, LoopQuery};
use loopledger_proto::common::v1 as common;
use loopledger_types::{BusinessDate, CountyCode, DivisionCode, Month, Position};
use loopledger_wire::{query, rejection_status};
use tonic::Status;

use crate::days::Days;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Violation>);

impl Fields {
    pub(super) fn take<T>(&mut self, field: Result<T, Rejection>) -> Option<T> {
        match field {
            Ok(value) => Some(value),
            Err(Rejection::Invalid(found)) => {
                self.0.extend(found);
                None
            }
            // Helpers that check a field refuse it as invalid and in no other way.
            Err(Rejection::NotFound { .. } | Rejection::Exists { .. } | Rejection::Broken { .. }) => None,
        }
    }

    pub(super) fn wrong(&mut self, field: &'static str, reason: &'static str, description: &str) {
        self.0.push(Violation::new(field, reason, description));
    }

    /// The values, unless one of them is missing because something was wrong.
    pub(super) fn finish<T>(self, values: Option<T>) -> Result<T, Status> {
        match values {
            Some(values) if self.0.is_empty() => Ok(values),
            _ => Err(rejection_status(&Rejection::Invalid(self.0))),
        }
    }

    pub(super) fn at_least(&mut self, positions: &[common::Position]) -> Option<Vec<Position>> {
        self.take(query::at_least(positions))
    }

    /// A window of business dates and the day that it was known by.
    pub(super) fn window(&mut self, from: &str, to: &str, as_of: &str) -> Option<Window> {
        let from = self.take(query::optional_date("from", from));
        let to = self.take(query::optional_date("to", to));
        let as_of = self.take(query::optional_date("as_of", as_of));
        let (from, to, as_of) = (from?, to?, as_of?);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            self.wrong("to", "BEFORE_FROM", "The last day is before the first.");
            return None;
        }
        Some(Window { from, to, as_of })
    }

    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(super) fn optional_month(&mut self, field: &'static str, text: &str) -> Option<Option<Month>> {
        if text.is_empty() { Some(None) } else { self.take(query::month(field, text)).map(Some) }
    }

    pub(super) fn months(&mut self, from: &str, to: &str) -> Option<Months> {
        let from = self.optional_month("from_month", from);
        let to = self.optional_month("to_month", to);
        let (from, to) = (from?, to?);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            self.wrong("to_month", "BEFORE_FROM", "The last month is before the first.");
            return None;
        }
        Some(Months { from, to })
    }

    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(super) fn optional_division(&mut self, text: &str) -> Option<Option<DivisionCode>> {
        if text.is_empty() { Some(None) } else { self.take(query::division("division_code", text)).map(Some) }
    }

    /// A division of this county.
    pub(super) fn division_of(&mut self, county: CountyCode, text: &str) -> Option<DivisionCode> {
        let division = self.take(query::division("division_code", text))?;
        if division.county() != county {
            self.wrong("division_code", "OTHER_COUNTY", "The division lies in another county.");
            return None;
        }
        Some(division)
    }
}

/// A window whose ends may be open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    from: Option<BusinessDate>,
    to: Option<BusinessDate>,
    as_of: Option<BusinessDate>,
}

impl Window {
    /// Open ends are those of the facts: nothing is before the first.
    pub(super) fn over(self, days: Option<Days>) -> IncomeQuery {
        let first = days.map_or_else(|| Months::first().first_day(), |days| days.first);
        let last = days.map_or(first, |days| days.last);
        let from = self.from.unwrap_or_else(|| first.min(self.to.unwrap_or(first)));
        IncomeQuery { from, to: self.to.unwrap_or_else(|| last.max(from)), as_of: self.as_of }
    }
}

/// A window of months whose ends may be open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Months {
    from: Option<Month>,
    to: Option<Month>,
}

impl Months {
    pub(super) fn first() -> Month {
        Month::from_index(0).expect("January 2000 is a month")
    }

    /// Whether the caller names no month.
    pub(super) const fn is_open(self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    pub(super) fn over(self, days: Option<Days>) -> (Month, Month) {
        let from = self.from.unwrap_or_else(Self::first);
        let last = days.map_or(from, |days| days.last.month());
        (from, self.to.unwrap_or_else(|| last.max(from)))
    }

    pub(super) fn query(
        self,
        days: Option<Days>,
        division: Option<DivisionCode>,
        product: Option<loopledger_types::ProductId>,
    ) -> LoopQuery {
        let (from, to) = self.over(days);
        LoopQuery { division, product, from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    #[test]
    fn open_ends_are_those_of_the_facts() {
        let days = Some(Days { first: day("2020-04-02"), last: day("2020-12-30") });
        let window = |from: &str, to: &str| Fields::default().window(from, to, "").unwrap();
        let check = |from, to, days, expected: (&str, &str)| {
            let query = window(from, to).over(days);
            assert_eq!((query.from, query.to), (day(expected.0), day(expected.1)), "{from} {to}");
        };
        check("", "", days, ("2020-04-02", "2020-12-30"));
        check("", "2019-05-05", days, ("2019-05-05", "2019-05-05"));
        check("2021-01-01", "", days, ("2021-01-01", "2021-01-01"));
        check("", "", None, ("2000-01-01", "2000-01-01"));
        check("2020-05-01", "2020-05-31", days, ("2020-05-01", "2020-05-31"));
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut fields = Fields::default();
        let window = fields.window("2020-13-01", "x", "");
        let division = fields.division_of(CountyCode::TUOLI, "650102");
        assert!(window.is_none() && division.is_none());
        assert_eq!(
            fields.0.iter().map(|found| found.field.as_str()).collect::<Vec<_>>(),
            ["from", "to", "division_code"]
        );
        assert!(fields.finish(window).is_err());
    }
}
