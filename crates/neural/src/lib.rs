//! Neural networks for tables and short sequences.

mod graph;
mod layers;
mod loss;
mod optimise;
mod params;
mod real;
mod spec;

pub use params::{EarlyStopping, Optimizer, Schedule, TrainingParams};
pub use spec::{Activation, HeadSpec, LayerSpec, Loss, NetworkSpec, TargetScale};
