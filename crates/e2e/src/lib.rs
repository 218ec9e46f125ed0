//! Tests of the whole: the repository's own rules, and real processes.
