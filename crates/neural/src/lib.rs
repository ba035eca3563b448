//! Neural networks for tables and short sequences: several tasks at once, reproducible to the bit.
//!
//! * [`NetworkParams`]: a trunk of layers that all tasks share and any number of heads, as plain data, and how it is
//!   trained ([`TrainingParams`]). [`MlpParams`]: the usual network for one target.
//! * [`Network::start`] gives a [`TrainingRun`]: the caller asks for one epoch after the other and can look at it,
//!   keep a [checkpoint](TrainingRun::checkpoint), or stop. [`Network::train`] goes to the end. Both
//!   [`Network`] and [`Mlp`] are [`Learner`](tenure_core::Learner)s.
//! * [`NetworkModel`]: a [`Model`](tenure_core::Model) that explains itself by integrated gradients, and whose
//!   [weights](NetworkModel::weights) PyTorch loads.
//!
//! Networks compute in single precision on one thread: the same seed gives the same bits, whatever the machine has
//! to do beside. (Matrix products use the widest vector instructions that the processor has; weights trained on
//! another kind of processor differ in their last bits. Predictions of a network of one step do not.)
//!
//! # Example
//! ```
//! use ndarray::Array2;
//! use tenure_core::{Dataset, Feature, FitContext, Model, Schema, Target};
//! use tenure_neural::{HeadSpec, LayerSpec, Loss, NetworkParams, NetworkSpec, TargetScale, TrainingParams};
//!
//! let names = ["a", "b"].map(|name| Feature::numeric(name, "", "An input")).to_vec();
//! let x = Array2::from_shape_fn((400, 2), |(i, j)| ((i * (j + 3)) % 17) as f64);
//! let sum: Vec<f64> = x.rows().into_iter().map(|row| row[0] + row[1]).collect();
//! let large = sum.iter().map(|sum| f64::from(u8::from(*sum > 16.0))).collect();
//! let data = Dataset::new(Schema::new(names)?, x)?
//!     .with_target(Target::binary("large", large)?)?
//!     .with_target(Target::real("sum", sum)?)?;
//!
//! let network = NetworkParams {
//!     network: NetworkSpec {
//!         steps: 1,
//!         trunk: vec![LayerSpec::dense(16), LayerSpec::relu()],
//!         heads: vec![
//!             HeadSpec::new("large", Loss::BinaryCrossEntropy),
//!             HeadSpec::new("sum", Loss::SquaredError(TargetScale::Standardised)).with_weight(0.5),
//!         ],
//!     },
//!     training: TrainingParams { learning_rate: 1e-2, ..TrainingParams::default() },
//!     missing_indicators: false,
//! };
//! let fit = network.check()?.train(&data, None, &FitContext::new(42))?;
//! let mut out = [0.0; 2];
//! fit.model.predict_row(&[16.0, 16.0], &mut out)?;
//! assert!(out[0] > 0.9 && (out[1] - 32.0).abs() < 4.0);
//! # Ok::<(), tenure_core::Error>(())
//! ```
//!
//! # When not to use it
//! On a few hundred rows of a table, or where no two features work together smoothly: boosted trees and generalised
//! linear models (`tenure-backends`) are better there and train in less time.

mod codec;
mod graph;
mod inputs;
mod layers;
mod loss;
mod mlp;
mod model;
mod network;
mod optimise;
mod params;
mod real;
mod run;
mod spec;
mod targets;
#[cfg(feature = "tensorboard")]
pub mod tensorboard;
pub mod weights;

pub use inputs::{Input, InputRole, InputScaler};
pub use mlp::{Mlp, MlpParams};
pub use model::NetworkModel;
pub use network::{Network, NetworkParams};
pub use params::{EarlyStopping, Optimizer, Schedule, TrainingParams};
pub use run::{EpochRecord, Losses, NetworkFit, TrainingRun};
pub use spec::{Activation, HeadSpec, LayerSpec, Loss, NetworkSpec, TargetScale};
pub use weights::NamedTensor;
