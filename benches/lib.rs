//! Shared code of tenure's benches.
