//! Shared code of tenure's examples.
