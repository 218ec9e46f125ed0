//! Checking requests: every wrong field of one is named at once.

use loopledger_domain::{FieldFault, Rejection, Violation};
use loopledger_ledger::{Days, IncomeQuery, Ledger, LoopQuery};
use loopledger_proto::common::v1 as common;
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, CountyCode, DivisionCode, Month, Position};
use loopledger_wire::{query, rejection_status};
use tonic::Status;

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

    pub(super) fn wrong(&mut self, field: &'static str, fault: FieldFault, description: &str) {
        self.0.push(Violation::new(field, fault, description));
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
            self.wrong("to", FieldFault::BeforeFrom, "The last day is before the first.");
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
            self.wrong("to_month", FieldFault::BeforeFrom, "The last month is before the first.");
            return None;
        }
        Some(Months { from, to })
    }

    /// A division, or everything, and the edition that divisions are told apart by.
    pub(super) fn divisions(&mut self, code: &str, edition: &str) -> Option<Divisions> {
        let asked =
            if code.is_empty() { Some(None) } else { self.take(query::division("division_code", code)).map(Some) };
        self.edition(asked, edition)
    }

    /// A division of this county, and the edition that divisions are told apart by.
    pub(super) fn divisions_of(&mut self, county: CountyCode, code: &str, edition: &str) -> Option<Divisions> {
        let asked = self.division_of(county, code);
        self.edition(asked.map(Some), edition)
    }

    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    fn edition(&mut self, asked: Option<Option<DivisionCode>>, edition: &str) -> Option<Divisions> {
        let edition = self.take(query::optional_date("division_edition", edition));
        let (asked, edition) = (asked?, edition?.map(Edition::on));
        if let (Some(asked), Some(edition)) = (asked, edition)
            && edition.exact(asked).is_none()
        {
            let other = Edition::all().filter(|other| other.exact(asked).is_some()).last();
            let other = other.map_or(String::new(), |other| format!("; that of {} has", other.day()));
            let text = format!("The list of divisions of {} has no such unit{other}.", edition.day());
            self.wrong("division_code", FieldFault::DivisionNotInEdition, &text);
            return None;
        }
        Some(Divisions { asked, edition })
    }

    fn division_of(&mut self, county: CountyCode, text: &str) -> Option<DivisionCode> {
        let division = self.take(query::division("division_code", text))?;
        if division.county() != county {
            self.wrong("division_code", FieldFault::OtherCounty, "The division lies in another county.");
            return None;
        }
        Some(division)
    }
}

/// The division asked for, if one is, and the edition of the list, if one is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Divisions {
    asked: Option<DivisionCode>,
    edition: Option<Edition>,
}

impl Divisions {
    /// The edition for a window that ends on `last`, and the division by its code in that edition.
    pub(super) fn by(self, last: BusinessDate) -> (Edition, Option<DivisionCode>) {
        let edition = self.edition.unwrap_or_else(|| Edition::for_window(last, self.asked));
        (edition, self.asked.map(|asked| edition.exact(asked).unwrap_or(asked)))
    }
}

/// A window whose ends may be open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    from: Option<BusinessDate>,
    to: Option<BusinessDate>,
    pub(super) as_of: Option<BusinessDate>,
}

impl Window {
    /// Open ends are those of the facts known by then: nothing is before the first.
    pub(super) fn over(self, ledger: &Ledger, divisions: Divisions) -> (IncomeQuery, Option<DivisionCode>) {
        let (from, to) = self.between(ledger.days(self.as_of));
        let (edition, division) = divisions.by(to);
        (IncomeQuery { from, to, as_of: self.as_of, edition }, division)
    }

    pub(super) fn between(self, days: Option<Days>) -> (BusinessDate, BusinessDate) {
        let first = days.map_or_else(|| Months::first().first_day(), |days| days.first);
        let last = days.map_or(first, |days| days.last);
        let from = self.from.unwrap_or_else(|| first.min(self.to.unwrap_or(first)));
        (from, self.to.unwrap_or_else(|| last.max(from)))
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

    pub(super) fn over(self, ledger: &Ledger) -> (Month, Month) {
        let from = self.from.unwrap_or_else(Self::first);
        let last = ledger.days(None).map_or(from, |days| days.last.month());
        (from, self.to.unwrap_or_else(|| last.max(from)))
    }

    pub(super) fn query(
        self,
        ledger: &Ledger,
        divisions: Divisions,
        product: Option<loopledger_types::ProductId>,
    ) -> LoopQuery {
        let (from, to) = self.over(ledger);
        let (edition, division) = divisions.by(to.last_day());
        LoopQuery { division, product, from, to, edition }
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
            assert_eq!(window(from, to).between(days), (day(expected.0), day(expected.1)), "{from} {to}");
        };
        check("", "", days, ("2020-04-02", "2020-12-30"));
        check("", "2019-05-05", days, ("2019-05-05", "2019-05-05"));
        check("2021-01-01", "", days, ("2021-01-01", "2021-01-01"));
        check("", "", None, ("2000-01-01", "2000-01-01"));
        check("2020-05-01", "2020-05-31", days, ("2020-05-01", "2020-05-31"));
    }

    #[test]
    fn a_division_goes_by_its_code_in_the_edition_of_the_windows_end() {
        for (code, edition, last, expected) in [
            // 喀拉苏村 by its old code, its new one, and 哈图镇, which only the newer list has.
            ("654224201206", "", "2020-12-31", ("2019-10-31", "654224201206")),
            ("654224201206", "", "2023-06-30", ("2023-06-30", "654224103200")),
            ("654224103200", "", "2020-12-31", ("2019-10-31", "654224201206")),
            ("654224103200", "2023-12-31", "2020-12-31", ("2023-06-30", "654224103200")),
            ("654224103", "", "2020-12-31", ("2023-06-30", "654224103")),
        ] {
            let (found, division) = Fields::default().divisions(code, edition).unwrap().by(day(last));
            assert_eq!(
                (found.day().to_string(), division.unwrap().to_string()),
                (expected.0.into(), expected.1.into())
            );
        }
        let mut fields = Fields::default();
        assert!(fields.divisions("654224103", "2020-01-01").is_none());
        let found = fields.0.iter().map(|found| (found.field.as_str(), found.fault.reason())).collect::<Vec<_>>();
        assert_eq!(found, [("division_code", "DIVISION_NOT_IN_EDITION")]);
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
