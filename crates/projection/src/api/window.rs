//! Windows of time whose ends may be open, and the edition of the list of divisions by which figures are grouped.

use loopledger_ledger::{Days, IncomeQuery, Ledger, LoopQuery};
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, DivisionCode, Month, ProductId};

/// A window ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the window ends before it begins")]
pub struct BeforeFrom;

/// A window of business dates, and the day that it was known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    from: Option<BusinessDate>,
    to: Option<BusinessDate>,
    as_of: Option<BusinessDate>,
}

impl Window {
    /// From the first day to the last; without them, those of the facts.
    pub fn new(
        from: Option<BusinessDate>,
        to: Option<BusinessDate>,
        as_of: Option<BusinessDate>,
    ) -> Result<Self, BeforeFrom> {
        ordered(from, to)?;
        Ok(Self { from, to, as_of })
    }

    /// Open ends are those of the facts known by then: nothing is before the first.
    pub(super) fn over(self, ledger: &Ledger, divisions: Divisions) -> (IncomeQuery, Option<DivisionCode>) {
        let (from, to) = self.between(ledger.days(self.as_of));
        let (edition, division) = divisions.by(to);
        (IncomeQuery { from, to, as_of: self.as_of, edition }, division)
    }

    pub(crate) fn between(self, days: Option<Days>) -> (BusinessDate, BusinessDate) {
        let first = days.map_or_else(|| first_month().first_day(), |days| days.first);
        let last = days.map_or(first, |days| days.last);
        let from = self.from.unwrap_or_else(|| first.min(self.to.unwrap_or(first)));
        (from, self.to.unwrap_or_else(|| last.max(from)))
    }
}

/// A window of months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Months {
    from: Option<Month>,
    to: Option<Month>,
}

impl Months {
    /// From the first month to the last; without them, from the first that there is to that of the last fact.
    pub fn new(from: Option<Month>, to: Option<Month>) -> Result<Self, BeforeFrom> {
        ordered(from, to)?;
        Ok(Self { from, to })
    }

    /// Whether no month is named.
    pub(super) const fn is_open(self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    pub(super) fn over(self, ledger: &Ledger) -> (Month, Month) {
        let from = self.from.unwrap_or_else(first_month);
        let last = ledger.days(None).map_or(from, |days| days.last.month());
        (from, self.to.unwrap_or_else(|| last.max(from)))
    }

    pub(super) fn query(self, ledger: &Ledger, divisions: Divisions, product: Option<ProductId>) -> LoopQuery {
        let (from, to) = self.over(ledger);
        let (edition, division) = divisions.by(to.last_day());
        LoopQuery { division, product, from, to, edition }
    }
}

fn ordered<T: Ord>(from: Option<T>, to: Option<T>) -> Result<(), BeforeFrom> {
    if from.zip(to).is_some_and(|(from, to)| from > to) { Err(BeforeFrom) } else { Ok(()) }
}

/// Before every fact.
pub(super) fn first_month() -> Month {
    Month::from_index(0).expect("January 2000 is a month")
}

/// A division is not on the list that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of divisions of {} has no such unit", .edition.day())]
pub struct NotInEdition {
    pub edition: Edition,
    /// The newest list that has it.
    pub other: Option<Edition>,
}

/// A division, or all of them, and the edition by which they are grouped. Without an edition, the one in force on the
/// window's last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Divisions {
    asked: Option<DivisionCode>,
    edition: Option<Edition>,
}

impl Divisions {
    pub fn new(asked: Option<DivisionCode>, edition: Option<Edition>) -> Result<Self, NotInEdition> {
        if let (Some(asked), Some(edition)) = (asked, edition)
            && edition.exact(asked).is_none()
        {
            let other = Edition::all().filter(|other| other.exact(asked).is_some()).last();
            return Err(NotInEdition { edition, other });
        }
        Ok(Self { asked, edition })
    }

    /// All divisions of a list.
    pub const fn all(edition: Option<Edition>) -> Self {
        Self { asked: None, edition }
    }

    /// The edition for a window that ends on `last`, and the division by its code in that edition.
    pub(crate) fn by(self, last: BusinessDate) -> (Edition, Option<DivisionCode>) {
        let edition = self.edition.unwrap_or_else(|| Edition::for_window(last, self.asked));
        (edition, self.asked.map(|asked| edition.exact(asked).unwrap_or(asked)))
    }
}
