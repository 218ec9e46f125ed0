//! placeholder
mod event;
pub use event::*;
mod command;
pub use command::*;
