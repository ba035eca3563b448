//! Losses: value, gradient and Hessian at a raw score.
//!
//! | objective | loss | gradient | Hessian | output |
//! |---|---|---|---|---|
//! | `binary_log_loss` | `ln(1 + e^s) − y s` | `p − y`, `p = 1/(1 + e^−s)` | `p (1 − p)` | `p` |
//! | `softmax` | `−ln p_y`, `p_k = e^s_k / Σ e^s_j` | `p_k − [y = k]` | `K/(K − 1) · p_k (1 − p_k)` | `p_k` |
//! | `squared_error` | `(s − y)²` | `s − y` | 1 | `s` |
//! | `absolute_error` | `\|s − y\|` | sign of `s − y` | 1, values renewed | `s` |
//! | `huber` | `r²/2` up to `δ`, `δ (\|r\| − δ/2)` beyond, `r = s − y` | `r` cut at `±δ` | 1 | `s` |
//! | `quantile` | `(1 − α) r` above, `−α r` below the label | `1 − α`, `−α` | 1, values renewed | `s` |
//! | `poisson` | `e^s − y s` | `e^s − y` | `e^(s + 0.7)` | `e^s` |
//! | `gamma` | `y e^−s + s` | `1 − y e^−s` | `y e^−s` | `e^s` |
//! | `tweedie` | `e^((2−ρ)s)/(2−ρ) − y e^((1−ρ)s)/(1−ρ)` | `e^((2−ρ)s) − y e^((1−ρ)s)` | its derivative | `e^s` |
//!
//! (The gradient of squared error is taken of half the loss, as everywhere in the field; the losses of Poisson, gamma
//! and Tweedie leave out what does not depend on the score, so that they may be negative.) Where values are renewed,
//! a leaf's step is the median or quantile of what is left to explain in it, not a ratio of sums, as in LightGBM.
//! The arithmetic is plain: it vectorises and gives the same bits on every machine.

mod custom;
mod gradient;
mod math;
mod softmax;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Result, TargetKind};

pub use custom::{CustomObjective, Derivatives};
pub(crate) use gradient::{Gradient, Rows, Totals, gradients};
pub(crate) use softmax::{ClassRows, softmax};

use crate::Link;

/// What boosting minimises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Objective {
    /// Log loss of a binary target; raw scores are log-odds.
    BinaryLogLoss,
    /// Log loss of a target of several classes; one raw score and one tree an iteration for each class. A class
    /// that no row has gets a probability of about 1e-15.
    Softmax,
    /// Squared error of a number: the mean.
    SquaredError,
    /// Absolute error of a number: the median.
    AbsoluteError,
    /// Squared error for residuals up to `delta`, absolute beyond (Huber 1964).
    Huber {
        /// Above 0, in the unit of the target.
        delta: f64,
    },
    /// The quantile of a number (Koenker and Bassett 1978).
    Quantile {
        /// Which: above 0, below 1.
        alpha: f64,
    },
    /// A count or a rate, at least 0: its mean; raw scores are the logarithm of it.
    Poisson,
    /// A number above 0 whose deviation grows with its mean (an amount): the mean; raw scores are its logarithm.
    Gamma,
    /// A number of at least 0, with many zeros and otherwise as for [`Objective::Gamma`]: the mean; raw scores are
    /// its logarithm.
    Tweedie {
        /// Variance goes with the mean to this power: above 1 (as Poisson), below 2 (as gamma).
        power: f64,
    },
}

impl Objective {
    /// From raw scores to outputs.
    #[must_use]
    pub fn link(self) -> Link {
        match self {
            Self::BinaryLogLoss => Link::Logistic,
            Self::Softmax => Link::Softmax,
            Self::SquaredError | Self::AbsoluteError | Self::Huber { .. } | Self::Quantile { .. } => {
                Link::Identity
            }
            Self::Poisson | Self::Gamma | Self::Tweedie { .. } => Link::Exp,
        }
    }

    /// Its name, as in serialised parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BinaryLogLoss => "binary_log_loss",
            Self::Softmax => "softmax",
            Self::SquaredError => "squared_error",
            Self::AbsoluteError => "absolute_error",
            Self::Huber { .. } => "huber",
            Self::Quantile { .. } => "quantile",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::Tweedie { .. } => "tweedie",
        }
    }

    /// Name of the loss in reports.
    #[must_use]
    pub fn loss_name(self) -> &'static str {
        match self {
            Self::BinaryLogLoss => "log_loss",
            Self::Softmax => "multi_log_loss",
            Self::SquaredError => "mean_squared_error",
            Self::AbsoluteError => "mean_absolute_error",
            Self::Huber { .. } => "huber_loss",
            Self::Quantile { .. } => "pinball_loss",
            Self::Poisson => "poisson_loss",
            Self::Gamma => "gamma_loss",
            Self::Tweedie { .. } => "tweedie_loss",
        }
    }

    /// Checks its parameter, if it has one.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<()> {
        match self {
            Self::Huber { delta } => {
                let fits = delta.is_finite() && delta > 0.0;
                require("objective.huber.delta", delta, fits, "a finite number above 0")
            }
            Self::Quantile { alpha } => {
                require("objective.quantile.alpha", alpha, alpha > 0.0 && alpha < 1.0, "above 0, below 1")
            }
            Self::Tweedie { power } => {
                require("objective.tweedie.power", power, power > 1.0 && power < 2.0, "above 1, below 2")
            }
            _ => Ok(()),
        }
    }
}

/// The name, with the parameter where there is one: `quantile(0.9)`.
impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Huber { delta: v } | Self::Quantile { alpha: v } | Self::Tweedie { power: v } => {
                write!(f, "({v})")
            }
            _ => Ok(()),
        }
    }
}

/// The loss of a fit.
#[derive(Debug, Clone)]
pub(crate) enum Loss {
    Known(Objective),
    Own(Arc<dyn CustomObjective>),
}

impl Loss {
    pub(crate) fn link(&self) -> Link {
        match self {
            Self::Known(objective) => objective.link(),
            Self::Own(own) => own.link(),
        }
    }

    /// What the model says that it was trained for.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Known(objective) => objective.to_string(),
            Self::Own(own) => own.name().to_owned(),
        }
    }

    pub(crate) fn loss_name(&self) -> &str {
        match self {
            Self::Known(objective) => objective.loss_name(),
            Self::Own(own) => own.name(),
        }
    }

    /// Raw scores of a row, given the kind of the target.
    pub(crate) fn scores(&self, kind: &TargetKind) -> usize {
        match (self, kind) {
            (Self::Known(Objective::Softmax), TargetKind::Class { classes }) => classes.len(),
            _ => 1,
        }
    }

    /// Which quantile of the residuals in a leaf is its value, where it is not a ratio of sums.
    pub(crate) fn renewed(&self) -> Option<f64> {
        match self {
            Self::Known(Objective::AbsoluteError) => Some(0.5),
            Self::Known(Objective::Quantile { alpha }) => Some(*alpha),
            _ => None,
        }
    }

    /// Which labels are expected, if this is none of them.
    pub(crate) fn refuses(&self, label: f64) -> Option<&'static str> {
        match self {
            Self::Known(Objective::Poisson | Objective::Tweedie { .. }) => {
                (label < 0.0).then_some("a number of at least 0 (or NaN where it is not known)")
            }
            Self::Known(Objective::Gamma) => {
                (label <= 0.0).then_some("a number above 0 (or NaN where it is not known)")
            }
            Self::Known(_) => None,
            Self::Own(own) => own.refuses(label),
        }
    }

    /// Whether labels may be divided by a unit and the model multiplied by it.
    fn has_unit(&self) -> bool {
        matches!(
            self,
            Self::Known(
                Objective::SquaredError
                    | Objective::AbsoluteError
                    | Objective::Huber { .. }
                    | Objective::Quantile { .. }
            )
        )
    }

    /// A power of two by which labels are divided so that their squares neither overflow nor vanish; 1 for all labels
    /// of ordinary size.
    pub(crate) fn label_unit(&self, labels: &[f64]) -> f64 {
        let largest = labels.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
        if !self.has_unit() || largest == 0.0 || (1e-100..1e100).contains(&largest) {
            return 1.0;
        }
        2.0_f64.powi((largest.log2().floor() as i32).clamp(-1022, 1023))
    }

    /// The unit of the loss, where labels are divided by `unit`.
    pub(crate) fn loss_unit(&self, unit: f64) -> f64 {
        if self.renewed().is_some() { unit } else { unit * unit }
    }

    /// The unit of gradients, where labels are divided by `unit`.
    pub(crate) fn gradient_unit(&self, unit: f64) -> f64 {
        if self.renewed().is_some() { 1.0 } else { unit }
    }

    /// The same for labels that are divided by `unit`.
    pub(crate) fn in_unit(&self, unit: f64) -> Self {
        match self {
            Self::Known(Objective::Huber { delta }) => {
                Self::Known(Objective::Huber { delta: (delta / unit).clamp(f64::MIN_POSITIVE, f64::MAX) })
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_plain_data() {
        for (text, objective) in [
            (r#""binary_log_loss""#, Objective::BinaryLogLoss),
            (r#"{"quantile":{"alpha":0.9}}"#, Objective::Quantile { alpha: 0.9 }),
            (r#"{"tweedie":{"power":1.5}}"#, Objective::Tweedie { power: 1.5 }),
        ] {
            assert_eq!(serde_json::to_string(&objective).unwrap(), text);
            assert_eq!(serde_json::from_str::<Objective>(text).unwrap(), objective);
        }
        assert_eq!(Objective::Huber { delta: 1.5 }.to_string(), "huber(1.5)");
        assert_eq!(Objective::Gamma.to_string(), "gamma");
    }

    #[test]
    fn parameters_are_checked() {
        for (objective, name) in [
            (Objective::Huber { delta: 0.0 }, "objective.huber.delta"),
            (Objective::Quantile { alpha: 1.0 }, "objective.quantile.alpha"),
            (Objective::Tweedie { power: 2.0 }, "objective.tweedie.power"),
            (Objective::Tweedie { power: f64::NAN }, "objective.tweedie.power"),
        ] {
            let message = objective.check().unwrap_err().to_string();
            assert!(message.starts_with(&format!("parameter `{name}` is ")), "{message}");
        }
    }
}
