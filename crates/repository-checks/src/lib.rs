//! Checks of the repository itself: layers, lints, sizes, documents.
