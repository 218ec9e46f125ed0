//! The rules that the repository keeps about itself.

mod layers;
mod lints;
