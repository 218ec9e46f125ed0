//! The wire ⇄ the domain, total both ways: events as bytes, requests as commands, refusals as `google.rpc` errors.
//!
//! Nothing here decides, and nothing above knows protobuf. Shapes (ranges, lengths, UUIDs, dates) are checked here,
//! all wrong fields at once; existence and rules are the domain's.

mod codec;
mod commit;
mod county;
mod error;
mod event;
mod halt;
pub mod query;
mod request;
mod shape;
mod words;

pub use commit::{Draft, NotUnderstood, decode_commit, encode_commit};
pub use county::OfCounty;
pub use error::{DOMAIN, Failure, code_name, rejection_status, status_from_pb, status_to_pb};
pub use event::{TYPE_URLS, decode_answer, encode_event, type_url};
pub use halt::{HaltNotice, HaltReason};
pub use query::{heads_to_pb, position_to_pb};
pub use request::{
    BulkRequest, CHARGES_MAX, Created, GRADE_MAX, LABEL_MAX, LINES_MAX, MEMBERS_MAX, NUMBER_MAX, POSITIONS_MAX,
    Receipt, Request, Write,
};
pub use shape::{Shape, Shapes, UnknownField};
pub use words::Word;
