//! The programs by their names, as the command line, addresses and clients know them.

use core::fmt;

/// One of the programs that make up a county's ledger. The projection answers every query of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Procurement,
    Station,
    Distribution,
    Sales,
    Projection,
}

impl Program {
    pub(crate) const ALL: [Self; 5] =
        [Self::Procurement, Self::Station, Self::Distribution, Self::Sales, Self::Projection];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Procurement => "procurement",
            Self::Station => "station",
            Self::Distribution => "distribution",
            Self::Sales => "sales",
            Self::Projection => "projection",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.name() == name)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
