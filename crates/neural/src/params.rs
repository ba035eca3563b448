//! How a network is trained, as plain data.

use serde::{Deserialize, Serialize};

/// The rule by which gradients move weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Optimizer {
    /// Adam (Kingma & Ba 2015) as PyTorch has it: `epsilon` is added to the root of the corrected second moment.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the divisor.
        epsilon: f64,
    },
    /// AdamW (Loshchilov & Hutter 2019): Adam, and every weight shrinks by `learning_rate · weight_decay`.
    AdamW {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the divisor.
        epsilon: f64,
        /// Shrinkage a step, in units of the learning rate. Biases and normalisation shrink too, as in PyTorch.
        weight_decay: f64,
    },
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// How the learning rate changes from epoch to epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// It is multiplied by `factor` whenever more than `patience` epochs in a row had no lower validation loss
    /// (training loss where there is no validation set). So counts PyTorch; Keras reduces one epoch earlier.
    ReduceOnPlateau {
        /// Between 0 and 1.
        factor: f64,
        /// Epochs to wait.
        patience: usize,
        /// It never falls below this.
        min_learning_rate: f64,
    },
    /// Half a cosine from the learning rate to `min_learning_rate` over all epochs (Loshchilov & Hutter 2017).
    Cosine {
        /// Where it ends.
        min_learning_rate: f64,
    },
}

/// When to stop before the last epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without a lower validation loss after which training ends.
    pub patience: usize,
    /// By how much a loss must be lower to count.
    pub min_delta: f64,
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingParams {
    /// Passes over the training rows, at most.
    pub epochs: usize,
    /// Rows a step.
    pub batch_size: usize,
    /// Of the first epoch after the warm-up.
    pub learning_rate: f64,
    /// How gradients move weights.
    pub optimizer: Optimizer,
    /// `l2 · Σ w²` over the weights of dense, recurrent and attention layers (not over biases) is added to the loss,
    /// as Keras's `regularizers.l2` does.
    pub l2: f64,
    /// Gradients are scaled down to this Euclidean norm, over all weights together.
    pub clip_norm: Option<f64>,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Epochs over which the learning rate rises linearly from 0, step by step.
    pub warm_up_epochs: usize,
    /// When to stop early; the weights of the lowest validation loss are kept.
    pub early_stopping: Option<EarlyStopping>,
    /// Share of the training rows that serve as validation set where none is given and `early_stopping` or
    /// `schedule` wants one; whole groups where the data set has groups.
    pub validation_share: f64,
}

impl Default for TrainingParams {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: 64,
            learning_rate: 1e-3,
            optimizer: Optimizer::default(),
            l2: 0.0,
            clip_norm: None,
            schedule: Schedule::default(),
            warm_up_epochs: 0,
            early_stopping: Some(EarlyStopping { patience: 10, min_delta: 0.0 }),
            validation_share: 0.2,
        }
    }
}
