//! The four services together, over gRPC: every command and query, every refusal, and every command at its limits. They are
//! here because a service must not know the crate that runs it.
