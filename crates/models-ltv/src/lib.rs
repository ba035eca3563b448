//! Customer lifetime value.

mod error;
pub mod probabilistic;

pub use error::{Error, Result};
