//! Following a fact: from the call that asks for it into its commit, from there, in the record's headers, into what
//! other services make of it, and into the projection.
//!
//! Spans are made only where they are exported (`OTEL_EXPORTER_OTLP_ENDPOINT`), and only of what is sampled: otherwise
//! every place below costs one comparison. A [`TraceContext`] is passed on either way, so a service that exports
//! nothing breaks no trace. A log that keeps no headers ends the trace with the commit.
//!
//! | span | from | until |
//! | --- | --- | --- |
//! | `loopledger.…Service/Method` | a call of a service comes in | its answer has gone out |
//! | `station commit` | a command's commit is chained | it is read back, or void |
//! | `procurement reaction` | likewise, of a reaction | likewise |
//! | `project` | a commit is taken out of the log | everybody sees it in the ledger |
//!
//! Spans are made by hand, not from `tracing`'s: a commit's span begins and ends in different turns of a task, and the
//! exporter's own connection logs through `tracing`. Attributes name streams, sequences and types of events: never a
//! request, a household, or what a request says.

mod calls;
mod context;
mod export;
mod span;

pub use calls::traced;
pub use context::TraceContext;
pub use export::Traces;
pub use span::{Kind, Span};
