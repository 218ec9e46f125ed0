//! The hash chain: the canonical envelope of a commit, its leaf hash, and admission, the rule that every reader runs.
//!
//! Pure: no clock, no I/O. It deliberately does not look into events, so a record is admitted whether or not this
//! version understands it. It reads no header, key or offset, and does not judge meaning, e.g. whether a cause exists or
//! time went backwards: the reader that folds a commit checks that, and halts. Nothing here allocates more than the
//! lists of a commit's events and upstream heads.
//!
//! `vectors/admission.json` fixes the rule for other implementations; `scripts/check_chain_vectors.py` is one.

mod admission;
mod cursor;
mod decode;
mod encode;
mod envelope;
mod hash;

pub use admission::{Admission, RECORD_BYTES_MAX, Verdict, VoidReason, extends};
pub use envelope::{ActorRef, AnyRef, EVENT_TYPE_PREFIX, Envelope, EnvelopeError, compare_stream_names};
pub use hash::leaf_hash;
