//! Which divisions a question takes in, by the codes of one edition of the county's list.

use loopledger_types::DivisionCode;
use loopledger_types::divisions::Edition;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Area {
    Everywhere,
    /// A division of the edition, and what lies in it.
    Within(Edition, DivisionCode),
    /// The edition has no such division.
    Nowhere,
}

impl Area {
    pub(crate) fn of(edition: Edition, asked: Option<DivisionCode>) -> Self {
        let Some(asked) = asked else { return Self::Everywhere };
        edition.exact(asked).map_or(Self::Nowhere, |asked| Self::Within(edition, asked))
    }

    /// Whether something that was recorded of `division` belongs here.
    pub(crate) fn takes(self, division: DivisionCode) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Within(edition, asked) => asked.contains(edition.of(division)),
            Self::Nowhere => false,
        }
    }
}
