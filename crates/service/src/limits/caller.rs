//! Who asks. Quotas and turns are counted by connection: all calls on one connection are one caller.

use core::fmt;

tokio::task_local! {
    static CALLER: Caller;
}

/// A connection of a server, or the process itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller(u64);

impl Caller {
    /// What runs in this process without a connection. No quota applies to it.
    pub const PROCESS: Self = Self(0);

    /// The connection with this number, from 1.
    pub const fn connection(number: u64) -> Self {
        Self(number)
    }

    /// The caller for whom the present task runs.
    pub fn current() -> Self {
        CALLER.try_with(|caller| *caller).unwrap_or(Self::PROCESS)
    }

    /// Runs `work` for this caller.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CALLER.scope(self, work)
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}
