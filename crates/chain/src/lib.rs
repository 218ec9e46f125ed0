//! The hash chain: the canonical envelope of a commit, its leaf hash, and admission, the rule that every reader runs.
//!
//! Pure. Nothing here knows what an event means, and nothing here allocates more than the list of a commit's events.

mod admission;
mod cursor;
mod decode;
mod encode;
mod envelope;
mod hash;

pub use admission::{Admission, RECORD_BYTES_MAX, Verdict, VoidReason, extends};
pub use envelope::{ActorRef, AnyRef, Envelope, EnvelopeError};
pub use hash::leaf_hash;
