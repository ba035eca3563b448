//! Lead scoring.
