//! Neural networks for tables and short sequences.

mod params;
mod spec;
#[cfg(feature = "tensorboard")]
pub mod tensorboard;
pub mod weights;

pub use params::{EarlyStopping, Optimizer, Schedule, TrainingParams};
pub use spec::{Activation, HeadSpec, LayerSpec, Loss, NetworkSpec, TargetScale};
pub use weights::NamedTensor;
