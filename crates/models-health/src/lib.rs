//! Marketplace health.

pub mod alerts;
mod benchmark;
mod decision;
mod error;
mod figures;

pub use benchmark::{Benchmark, Verdict, benchmarks};
pub use decision::{Attribution, FeatureImportance, HealthPrediction, MOST_IMPORTANT};
pub use error::{Error, Result};
pub use figures::{BinaryFigures, NumberFigures, Task, TaskFigures, TaskMap, task_figures};
