//! Who asks: the caller, by which quotas and turns are counted (all calls on one connection are one caller), and the actor
//! that the policy found.

use core::fmt;
use std::sync::Arc;

use loopledger_domain::Actor;

tokio::task_local! {
    static ASKING: Asking;
}

/// For whom a task runs.
#[derive(Debug, Clone)]
pub struct Asking {
    pub caller: Caller,
    /// Absent for the process itself, and for a call without an identity.
    pub actor: Option<Arc<Actor>>,
}

impl Asking {
    pub fn current() -> Self {
        ASKING.try_with(Clone::clone).unwrap_or(Self { caller: Caller::PROCESS, actor: None })
    }

    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        ASKING.scope(self, work)
    }
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
        ASKING.try_with(|asking| asking.caller).unwrap_or(Self::PROCESS)
    }

    /// Runs `work` for this caller.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        Asking { caller: self, actor: None }.scope(work)
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}
