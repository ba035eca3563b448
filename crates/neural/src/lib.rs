//! Neural networks for tables and short sequences.

mod graph;
mod layers;
mod loss;
mod optimise;
mod params;
mod real;
mod spec;
#[cfg(feature = "tensorboard")]
pub mod tensorboard;
pub mod weights;

pub use params::{EarlyStopping, Optimizer, Schedule, TrainingParams};
pub use spec::{Activation, HeadSpec, LayerSpec, Loss, NetworkSpec, TargetScale};
pub use weights::NamedTensor;
