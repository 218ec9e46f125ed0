//! The protobuf contracts of `/proto` as Rust: generated code only, committed, and checked for drift by this crate's
//! test (`UPDATE_PROTO=1 cargo test -p loopledger-proto` writes it anew).
//!
//! No conversions and no helpers: those are `loopledger-wire`'s.

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_enum_match_arm,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    rustdoc::all,
    reason = "generated code follows its generator's style"
)]
mod generated {
    include!("gen/mod.rs");
}

pub use generated::loopledger::*;

/// Every contract with what it imports, encoded as `google.protobuf.FileDescriptorSet`: for reflection and JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptor.bin");
