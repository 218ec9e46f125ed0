//! placeholder
mod event;
pub use event::*;
