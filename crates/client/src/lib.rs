//! What every client command needs, and what an integrator can use: connections to the services, files of commands that are
//! sent and resumed, and failures in the caller's language with their exit codes.
//!
//! The crate reads no environment: the program chooses the language ([`lang::choose`]) and where output goes
//! ([`output::redirect`]).

mod client;
mod exit;
pub mod lang;
pub mod output;
mod program;
pub mod record;

pub use client::Client;
pub use exit::Failure;
pub use program::Program;
