//! A log-structured table of byte keys and values, kept as pages inside sled, and the raw records of the newest commits in
//! files beside it. The README says why sled alone was not enough, and what this costs.
//!
//! sled takes some 30,000 random inserts a second; packed into pages, the same entries go in many times faster. A
//! batch is pages in memory, found through an overlay. A full overlay becomes a sorted run of blocks, with which its
//! batches are on disk; sixteen runs of a level become one of the next, so that a lookup asks a bounded number of
//! filters and every entry is rewritten a logarithmic number of times. When the owner asks for it, and when a batch has
//! waited for a while, the overlay's pages are written as they are; they count from the moment the meta is written.
//! A run counts from the moment the manifest names it, and what the manifest no longer names is deleted afterwards: a
//! crash in between leaves garbage, which the next process deletes.
//!
//! A store holds any number of streams. The stream is the first part of every key and stands once in a page, whose entries
//! are of one stream.
//!
//! Invariants: one thread writes sled; newest wins; a page below the manifest's `first_page` is in a run; the levels
//! are ordered by age, so all of a level is newer than all of the next.
//!
//! Deliberately not here: what the bytes mean, and the promise that what is submitted survives. This is a cache: what
//! a kill loses is folded again from the log.

mod backend;
mod cursor;
mod engine;
mod error;
mod filter;
mod folder;
mod job;
mod keys;
mod load;
mod memory;
mod opening;
mod overlay;
mod page;
mod panics;
mod parts;
mod pipeline;
mod readable;
mod run;
mod shelf;
mod space;
mod store;
mod stream;
mod tail;
mod tails;
mod thread;
mod view;

pub use backend::{Backend, Batch, Content, StreamKey, Submission, TailRecord, Visit};
pub use error::{OpenReport, Reason, StoreError};
pub(crate) use filter::key_hash;
pub use memory::Memory;
pub(crate) use page::{Page, PageBuilder};
pub use panics::report_panics_in_one_line;
pub use store::{OnPoint, OnSpace, Options, PageStore};
pub use stream::PageStream;

/// How many of the newest raw records are kept: those from which a lost tail of the log can be repaired.
pub const TAIL_RECORDS: usize = 10_000;
