//! A user's own loss.

use std::fmt::Debug;

use crate::Link;

/// What a loss says of one row at one raw score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Derivatives {
    /// The loss, for reports and early stopping.
    pub loss: f64,
    /// Its derivative by the raw score; finite.
    pub gradient: f64,
    /// Its second derivative by the raw score, or a stand-in for it that is never negative: it says how far a step
    /// may go. A negative one counts as 0.
    pub hessian: f64,
}

/// A loss of one's own, for [`crate::Gbdt::with_objective`].
///
/// It is asked for each row on its own, from several threads, and must be a pure function: the same score and label
/// give the same answer. Weights are multiplied by the caller. A fitted model keeps the name and the link only, so
/// that it can be stored and loaded without this code.
pub trait CustomObjective: Debug + Send + Sync {
    /// Name of the objective and of its loss, as in reports and artifacts.
    fn name(&self) -> &str;

    /// From raw scores to outputs; everything but [`Link::Softmax`]. With [`Link::Logistic`] the output is a
    /// probability.
    fn link(&self) -> Link;

    /// Loss, gradient and Hessian of a row.
    fn at(&self, score: f64, label: f64) -> Derivatives;

    /// Says which labels are expected, if this is none of them (`a number above 0`).
    fn refuses(&self, label: f64) -> Option<&'static str> {
        let _ = label;
        None
    }

    /// The raw score before any tree; `None` lets Newton's method look for the constant with the lowest loss.
    /// `weights` and `offsets` are absent where all are 1 and 0.
    fn base_score(&self, labels: &[f64], weights: Option<&[f64]>, offsets: Option<&[f64]>) -> Option<f64> {
        let _ = (labels, weights, offsets);
        None
    }
}
