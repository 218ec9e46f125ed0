//! Checking requests: every wrong field of one is named at once.

use loopledger_domain::{FieldFault, Rejection, Violation};
use loopledger_proto::common::v1 as common;
use loopledger_types::divisions::Edition;
use loopledger_types::{CountyCode, DivisionCode, Month, Position, StreamId};
use loopledger_wire::{query, rejection_status};
use tonic::Status;

use crate::api::{Divisions, Months, Window};

/// What was found wrong so far in a request to a county.
#[derive(Debug)]
pub(super) struct Fields {
    /// `None`: the request names none, and there are several.
    county: Option<CountyCode>,
    found: Vec<Violation>,
}

impl Fields {
    pub(super) const fn of(county: Option<CountyCode>) -> Self {
        Self { county, found: Vec::new() }
    }

    pub(super) fn take<T>(&mut self, field: Result<T, Rejection>) -> Option<T> {
        match field {
            Ok(value) => Some(value),
            Err(Rejection::Invalid(found)) => {
                self.found.extend(found);
                None
            }
            // Helpers that check a field refuse it as invalid and in no other way.
            Err(Rejection::NotFound { .. } | Rejection::Exists { .. } | Rejection::Broken { .. }) => None,
        }
    }

    pub(super) fn wrong(&mut self, field: impl Into<String>, fault: FieldFault, description: &str) {
        self.found.push(Violation::new(field, fault, description));
    }

    /// The values, unless one of them is missing because something was wrong.
    pub(super) fn finish<T>(self, values: Option<T>) -> Result<T, Status> {
        match values {
            Some(values) if self.found.is_empty() => Ok(values),
            _ => Err(rejection_status(&Rejection::Invalid(self.found))),
        }
    }

    /// Whether something that `field` names, in `county`, is of the county that is asked.
    fn is_of_county(&mut self, field: impl Into<String>, county: CountyCode) -> bool {
        let is_other = self.county.is_some_and(|asked| asked != county);
        if is_other {
            self.wrong(field, FieldFault::OtherCounty, &format!("That is of another county: {county}."));
        }
        !is_other
    }

    /// Positions of streams of the county.
    pub(super) fn positions(&mut self, field: &'static str, found: &[common::Position]) -> Option<Vec<Position>> {
        let positions = self.take(query::positions(field, found))?;
        let mut are_of_county = true;
        for (index, position) in positions.iter().enumerate() {
            are_of_county &= self.is_of_county(format!("{field}[{index}].stream"), position.stream.county);
        }
        are_of_county.then_some(positions)
    }

    /// A stream of the county.
    pub(super) fn stream(&mut self, text: &str) -> Option<StreamId> {
        match StreamId::parse(text) {
            Ok(stream) => self.is_of_county("stream", stream.county).then_some(stream),
            Err(error) => {
                self.wrong("stream", FieldFault::MalformedStream, &error.to_string());
                None
            }
        }
    }

    /// A window of business dates and the day that it was known by.
    pub(super) fn window(&mut self, from: &str, to: &str, as_of: &str) -> Option<Window> {
        let from = self.take(query::optional_date("from", from));
        let to = self.take(query::optional_date("to", to));
        let as_of = self.take(query::optional_date("as_of", as_of));
        let window = Window::new(from?, to?, as_of?);
        if window.is_err() {
            self.wrong("to", FieldFault::BeforeFrom, "The last day is before the first.");
        }
        window.ok()
    }

    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(super) fn optional_month(&mut self, field: &'static str, text: &str) -> Option<Option<Month>> {
        if text.is_empty() { Some(None) } else { self.take(query::month(field, text)).map(Some) }
    }

    pub(super) fn months(&mut self, from: &str, to: &str) -> Option<Months> {
        let from = self.optional_month("from_month", from);
        let to = self.optional_month("to_month", to);
        let months = Months::new(from?, to?);
        if months.is_err() {
            self.wrong("to_month", FieldFault::BeforeFrom, "The last month is before the first.");
        }
        months.ok()
    }

    /// A division, or all of them, and the edition by which divisions are grouped.
    pub(super) fn divisions(&mut self, code: &str, edition: &str) -> Option<Divisions> {
        let asked =
            if code.is_empty() { Some(None) } else { self.take(query::division("division_code", code)).map(Some) };
        self.listed(asked, edition)
    }

    /// A division of this county, and the edition by which divisions are grouped.
    pub(super) fn divisions_of_county(&mut self, code: &str, edition: &str) -> Option<Divisions> {
        let asked = self.division_of_county(code);
        self.listed(asked.map(Some), edition)
    }

    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    pub(super) fn edition(&mut self, day: &str) -> Option<Option<Edition>> {
        self.take(query::optional_date("division_edition", day)).map(|day| day.map(Edition::on))
    }

    #[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
    fn listed(&mut self, asked: Option<Option<DivisionCode>>, edition: &str) -> Option<Divisions> {
        let edition = self.edition(edition);
        let divisions = Divisions::new(asked?, edition?);
        if let Err(missing) = divisions {
            let other = missing.other.map_or(String::new(), |other| format!("; that of {} has", other.day()));
            let text = format!("The list of divisions of {} has no such unit{other}.", missing.edition.day());
            self.wrong("division_code", FieldFault::DivisionNotInEdition, &text);
        }
        divisions.ok()
    }

    fn division_of_county(&mut self, text: &str) -> Option<DivisionCode> {
        let division = self.take(query::division("division_code", text))?;
        self.is_of_county("division_code", division.county()).then_some(division)
    }
}

#[cfg(test)]
mod tests {
    use loopledger_ledger::Days;
    use loopledger_types::BusinessDate;

    use super::*;

    fn day(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    #[test]
    fn open_ends_are_those_of_the_facts() {
        let days = Some(Days { first: day("2020-04-02"), last: day("2020-12-30") });
        let window = |from: &str, to: &str| Fields::of(Some(CountyCode::TUOLI)).window(from, to, "").unwrap();
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
            let (found, division) = Fields::of(Some(CountyCode::TUOLI)).divisions(code, edition).unwrap().by(day(last));
            assert_eq!(
                (found.day().to_string(), division.unwrap().to_string()),
                (expected.0.into(), expected.1.into())
            );
        }
        let mut fields = Fields::of(Some(CountyCode::TUOLI));
        assert!(fields.divisions("654224103", "2020-01-01").is_none());
        let found = fields.found.iter().map(|found| (found.field.as_str(), found.fault.reason())).collect::<Vec<_>>();
        assert_eq!(found, [("division_code", "DIVISION_NOT_IN_EDITION")]);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut fields = Fields::of(Some(CountyCode::TUOLI));
        let window = fields.window("2020-13-01", "x", "");
        let division = fields.divisions_of_county("650102", "");
        assert!(window.is_none() && division.is_none());
        assert_eq!(
            fields.found.iter().map(|found| found.field.as_str()).collect::<Vec<_>>(),
            ["from", "to", "division_code"]
        );
        assert!(fields.finish(window).is_err());
    }
}
