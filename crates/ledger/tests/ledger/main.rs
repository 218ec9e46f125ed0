//! The ledger against hand-built histories: random ones, and the figures of the worked example.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::enum_glob_use,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::wildcard_imports,
    reason = "tests"
)]

mod bitemporal;
mod books;
mod checkpoints;
mod county;
mod divisions;
mod duplicates;
mod figures;
mod inspections;
mod interleaving;
mod losses;
mod naive;
mod posting_table;
mod postings;
mod random;
mod rules;
mod views;
mod worked_example;
mod world;
