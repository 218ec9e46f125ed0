//! The wire ⇄ the domain, total both ways: events as bytes, requests as commands, refusals as `google.rpc` errors.
//!
//! Nothing here decides, and nothing above knows protobuf. Shapes (ranges, lengths, UUIDs, dates) are checked here,
//! all wrong fields at once; existence and rules are the domain's.

mod codec;
pub mod divisions;
mod event;
mod words;

pub use event::{TYPE_URLS, encode_event, type_url};
pub use words::Word;
