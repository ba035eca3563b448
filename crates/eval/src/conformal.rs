//! Intervals and sets that hold the truth with a stated probability, whatever the model (split conformal
//! prediction; Vovk et al. 2005, Lei et al. 2018).
//!
//! From n held-out rows, a score of misfit is taken for each; the `⌈(n+1)·level⌉`-th smallest is the threshold.
//! If the held-out rows and the new one are exchangeable, a new row's score is at most the threshold with
//! probability at least `level` (and below `level + 1/(n+1)` without ties). The guarantee is on average over
//! rows, not for each kind of row, and is lost where the future differs from the held-out period.

use serde::{Deserialize, Serialize};

use crate::check::{self, Pairs};
use crate::{Error, Result};

/// Intervals around predicted numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConformalInterval {
    level: f64,
    margin: f64,
}

impl ConformalInterval {
    /// From held-out truth and predictions: the score is `|actual − predicted|`.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Lengths`], [`Error::Value`] for a number that is not finite,
    /// [`Error::Parameter`] for a `level` not between 0 and 1, [`Error::Undefined`] for too few rows for it.
    pub fn fit(actual: &[f64], predicted: &[f64], level: f64) -> Result<Self> {
        let pairs = Pairs::numbers(actual, predicted, None)?;
        Ok(Self { level, margin: threshold(pairs.iter().map(|(y, p, _)| (y - p).abs()).collect(), level)? })
    }

    /// From held-out truth and the ends of some interval, for instance two predicted quantiles: the score is
    /// `max(low − actual, actual − high)` (conformalised quantile regression, Romano et al. 2019). The margin
    /// may be negative: then the interval was too wide.
    ///
    /// # Errors
    /// As [`ConformalInterval::fit`].
    pub fn fit_ends(actual: &[f64], low: &[f64], high: &[f64], level: f64) -> Result<Self> {
        let below = Pairs::numbers(actual, low, None)?;
        let above = Pairs::numbers(actual, high, None)?;
        let scores =
            below.iter().zip(above.iter()).map(|((y, low, _), (_, high, _))| (low - y).max(y - high));
        Ok(Self { level, margin: threshold(scores.collect(), level)? })
    }

    /// What is added to both sides, in the unit of the target.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// The level stated at fitting.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The interval around a prediction.
    #[must_use]
    pub fn around(&self, predicted: f64) -> (f64, f64) {
        (predicted - self.margin, predicted + self.margin)
    }

    /// The interval from `low` to `high`, widened or narrowed; it shrinks to its middle and no further.
    #[must_use]
    pub fn widened(&self, low: f64, high: f64) -> (f64, f64) {
        let (from, to) = (low - self.margin, high + self.margin);
        if from <= to { (from, to) } else { (0.5 * (from + to), 0.5 * (from + to)) }
    }
}

/// Sets of classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConformalSets {
    level: f64,
    lowest_probability: f64,
}

impl ConformalSets {
    /// From the probabilities that the model gave to the classes that occurred in held-out rows: the score is
    /// one minus it (Sadinle, Lei & Wasserman 2019). For a binary model that is `p` where the label is 1 and
    /// `1 − p` where it is 0.
    ///
    /// # Errors
    /// As [`ConformalInterval::fit`], with [`Error::Value`] for a probability out of range.
    pub fn fit(probabilities_of_truth: &[f64], level: f64) -> Result<Self> {
        check::check_probabilities(probabilities_of_truth)?;
        let scores = probabilities_of_truth.iter().map(|p| -p).collect();
        Ok(Self { level, lowest_probability: -threshold(scores, level)? })
    }

    /// The level stated at fitting.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The classes, by index, whose probability is high enough; may be none or all.
    #[must_use]
    pub fn set(&self, class_probabilities: &[f64]) -> Vec<usize> {
        let enough = |&class: &usize| class_probabilities[class] >= self.lowest_probability;
        (0..class_probabilities.len()).filter(enough).collect()
    }
}

/// The `⌈(n+1)·level⌉`-th smallest score.
fn threshold(mut scores: Vec<f64>, level: f64) -> Result<f64> {
    check::level(level)?;
    if scores.is_empty() {
        return Err(Error::Empty);
    }
    let rows = scores.len();
    // Without the allowance, 0.9 × 10 counts as a little more than 9.
    let rank = ((rows + 1) as f64 * level - 1e-9).ceil().max(1.0) as usize;
    if rank > rows {
        let reason = format!("level {level} needs more held-out rows than {rows}");
        return Err(Error::undefined("the conformal threshold", reason));
    }
    Ok(*scores.select_nth_unstable_by(rank - 1, f64::total_cmp).1)
}
