//! The programs by their names, as the command line, addresses and clients know them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::ValueEnum;

/// One of the programs that make up a county's ledger. The projection answers every query of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Program {
    Procurement,
    Station,
    Distribution,
    Sales,
    Projection,
}

impl Program {
    /// In the order of their default addresses.
    pub const ALL: [Self; 5] = [Self::Procurement, Self::Station, Self::Distribution, Self::Sales, Self::Projection];

    /// As the command line and `--server` write it.
    pub const fn name(self) -> &'static str {
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

    /// Where it listens by default when it is served apart: below the ports that systems give to outgoing
    /// connections (Linux: from 32768), one of which could hold the address at a restart; and not assigned to anybody.
    pub const fn default_listen(self) -> SocketAddr {
        loopback(match self {
            Self::Procurement => 7_610,
            Self::Station => 7_611,
            Self::Distribution => 7_612,
            Self::Sales => 7_613,
            Self::Projection => 7_614,
        })
    }

    /// Likewise for its metrics.
    pub const fn default_metrics(self) -> SocketAddr {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_default_port_can_be_taken_by_an_outgoing_connection_or_by_another_program() {
        let ports: Vec<u16> = Program::ALL
            .into_iter()
            .flat_map(|program| [program.default_listen().port(), program.default_metrics().port()])
            .collect();
        // Where Linux begins; IANA and other systems begin at 49152.
        assert!(ports.iter().all(|port| (1_024..32_768).contains(port)), "{ports:?}");
        let mut once = ports.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ports.len(), "{ports:?}");
    }
}
