//! Shared code of tenure's tests.
