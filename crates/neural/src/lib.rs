//! Neural networks for tables and short sequences.

mod params;
mod spec;

pub use params::{EarlyStopping, Optimizer, Schedule, TrainingParams};
pub use spec::{Activation, HeadSpec, LayerSpec, Loss, NetworkSpec, TargetScale};
