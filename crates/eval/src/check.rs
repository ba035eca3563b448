//! Input checks that every metric shares.

use crate::stats::Sum;
use crate::{Error, Result};

/// Checked pairs of truth and prediction, with weights: same lengths, at least one row, everything finite,
/// some weight.
#[derive(Clone, Copy)]
pub(crate) struct Pairs<'a> {
    pub(crate) actual: &'a [f64],
    pub(crate) predicted: &'a [f64],
    weights: Option<&'a [f64]>,
    pub(crate) total_weight: f64,
}

impl<'a> Pairs<'a> {
    fn new(
        actual: &'a [f64],
        predicted: &'a [f64],
        weights: Option<&'a [f64]>,
        names: &'static str,
    ) -> Result<Self> {
        same_length(names, actual.len(), predicted.len())?;
        let total_weight = total_weight(actual.len(), weights)?;
        Ok(Self { actual, predicted, weights, total_weight })
    }

    /// Labels of 0 and 1 with any finite scores.
    pub(crate) fn scores(labels: &'a [f64], scores: &'a [f64], weights: Option<&'a [f64]>) -> Result<Self> {
        let pairs = Self::new(labels, scores, weights, "scores")?;
        check_labels(labels)?;
        all("score", scores, "a finite number", f64::is_finite)?;
        Ok(pairs)
    }

    /// Labels of 0 and 1 with probabilities.
    pub(crate) fn probabilities(
        labels: &'a [f64],
        probabilities: &'a [f64],
        weights: Option<&'a [f64]>,
    ) -> Result<Self> {
        let pairs = Self::new(labels, probabilities, weights, "probabilities")?;
        check_labels(labels)?;
        check_probabilities(probabilities)?;
        Ok(pairs)
    }

    /// Any finite truth with any finite prediction.
    pub(crate) fn numbers(
        actual: &'a [f64],
        predicted: &'a [f64],
        weights: Option<&'a [f64]>,
    ) -> Result<Self> {
        let pairs = Self::new(actual, predicted, weights, "predictions")?;
        all("actual value", actual, "a finite number", f64::is_finite)?;
        all("prediction", predicted, "a finite number", f64::is_finite)?;
        Ok(pairs)
    }

    pub(crate) fn len(&self) -> usize {
        self.actual.len()
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    /// `(actual, predicted, weight)` of every row that counts.
    pub(crate) fn iter(self) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
        let rows = self.actual.iter().zip(self.predicted).enumerate();
        rows.map(move |(i, (&y, &p))| (y, p, self.weight(i))).filter(|&(_, _, w)| w > 0.0)
    }

    /// `Σ w f(actual, predicted) / Σ w`.
    pub(crate) fn mean(self, f: impl Fn(f64, f64) -> f64) -> f64 {
        self.iter().map(|(y, p, w)| w * f(y, p)).collect::<Sum>().value() / self.total_weight
    }

    /// Refuses labels of one class only (rows of weight 0 do not count).
    pub(crate) fn require_two_classes(self, needed_for: &'static str) -> Result<()> {
        let (mut ones, mut zeros) = (0usize, 0usize);
        for (y, _, _) in self.iter() {
            if y == 1.0 { ones += 1 } else { zeros += 1 }
        }
        match (ones, zeros) {
            (0, rows) => Err(Error::OneClass { needed_for, class: 0, rows }),
            (rows, 0) => Err(Error::OneClass { needed_for, class: 1, rows }),
            _ => Ok(()),
        }
    }
}

pub(crate) fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Lengths { what, expected, found }) }
}

/// Checks the weights and adds them up; without weights, every row counts once.
pub(crate) fn total_weight(rows: usize, weights: Option<&[f64]>) -> Result<f64> {
    if rows == 0 {
        return Err(Error::Empty);
    }
    let Some(weights) = weights else { return Ok(rows as f64) };
    same_length("weights", rows, weights.len())?;
    all("weight", weights, "a finite number, at least 0", |w| w.is_finite() && w >= 0.0)?;
    let total = weights.iter().copied().collect::<Sum>().value();
    if total == 0.0 {
        return Err(Error::ZeroWeights);
    }
    if !total.is_finite() {
        return Err(Error::undefined("the total weight", "the weights add up to more than f64 holds"));
    }
    Ok(total)
}

/// Refuses the first value that does not fit, by its row.
pub(crate) fn all(
    what: &'static str,
    values: &[f64],
    expected: &'static str,
    fits: impl Fn(f64) -> bool,
) -> Result<()> {
    match values.iter().position(|&v| !fits(v)) {
        Some(row) => Err(Error::Value { what, row, value: values[row], expected }),
        None => Ok(()),
    }
}

fn check_labels(labels: &[f64]) -> Result<()> {
    all("label", labels, "0 or 1", |y| y == 0.0 || y == 1.0)
}

pub(crate) fn check_probabilities(probabilities: &[f64]) -> Result<()> {
    all("probability", probabilities, "a number from 0 to 1", |p| (0.0..=1.0).contains(&p))
}

/// A confidence level: between 0 and 1, both excluded.
pub(crate) fn level(level: f64) -> Result<()> {
    fraction_between("level", level, "between 0 and 1, both excluded")
}

/// A fraction strictly between 0 and 1.
pub(crate) fn fraction_between(name: &'static str, value: f64, expected: &'static str) -> Result<()> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(Error::parameter(name, value, expected)) }
}
