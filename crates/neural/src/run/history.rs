//! What happened, epoch by epoch.

use serde::{Deserialize, Serialize};

/// Losses over a set of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// Sum over heads of weight times loss; penalties are left out.
    pub total: f64,
    /// Mean loss over the known labels of each head, on the scale it learns on, in the order of heads; 0 where no
    /// label is known.
    pub heads: Vec<f64>,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Of its last step.
    pub learning_rate: f64,
    /// Mean Euclidean norm of the gradient over its steps, before clipping.
    pub gradient_norm: f64,
    /// Means over its steps, with dropout and while weights moved.
    pub train: Losses,
    /// After it, over the validation rows.
    pub valid: Option<Losses>,
    /// Whether it is the best so far.
    pub best: bool,
}

impl EpochRecord {
    /// What early stopping and plateaus look at: the validation loss, the training loss without one.
    #[must_use]
    pub fn watched(&self) -> f64 {
        self.valid.as_ref().unwrap_or(&self.train).total
    }
}
