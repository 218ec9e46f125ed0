//! The programs by their names, as the command line, addresses and clients know them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::ValueEnum;

/// One of the programs that make up a county's ledger. The projection answers every query of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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

    /// Where it listens when it is served apart and nobody says otherwise.
    pub(crate) const fn default_listen(self) -> SocketAddr {
        loopback(match self {
            Self::Procurement => 50_051,
            Self::Station => 50_052,
            Self::Distribution => 50_053,
            Self::Sales => 50_054,
            Self::Projection => 50_055,
        })
    }

    /// Likewise for its metrics.
    pub(crate) const fn default_metrics(self) -> SocketAddr {
        loopback(match self {
            Self::Procurement => 9_464,
            Self::Station => 9_465,
            Self::Distribution => 9_466,
            Self::Sales => 9_467,
            Self::Projection => 9_468,
        })
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
