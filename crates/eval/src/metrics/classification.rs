//! Metrics at one threshold: a row is taken as positive where its score is at least the threshold.

use serde::{Deserialize, Serialize};

use crate::calibration::Interval;
use crate::check::{self, Pairs};
use crate::stats::jeffreys;
use crate::{Error, Result};

/// Weight of the rows by truth and decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Positives taken as positive.
    pub true_positives: f64,
    /// Negatives taken as positive.
    pub false_positives: f64,
    /// Negatives taken as negative.
    pub true_negatives: f64,
    /// Positives taken as negative.
    pub false_negatives: f64,
}

impl Confusion {
    /// Weight of all rows.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.true_positives + self.false_positives + self.true_negatives + self.false_negatives
    }

    /// Share of right decisions; `None` where there are no rows.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.true_positives + self.true_negatives, self.total())
    }

    /// Share of positives among the rows taken as positive; `None` where none is taken.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Share of the positives that are taken as positive; `None` where there is no positive.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// `2 TP / (2 TP + FP + FN)`, the harmonic mean of precision and recall; 0 where positives exist and none
    /// is found, `None` where no row is positive nor taken as such.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let hits = 2.0 * self.true_positives;
        ratio(hits, hits + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Jeffreys' equal-tailed interval for a rate after `hits` of `rows`, at a `level` above 0 and below 1 (Brown, Cai &
/// DasGupta 2001); 0 is in it when there was no hit, and 1 when all were hits.
///
/// # Errors
/// [`Error::Empty`] without rows, [`Error::Parameter`] for hits outside 0 to `rows` or a level out of range.
pub fn rate_interval(hits: f64, rows: f64, level: f64) -> Result<Interval> {
    check::level(level)?;
    if rows == 0.0 {
        return Err(Error::Empty);
    }
    if !(0.0..=rows).contains(&hits) || rows.is_infinite() {
        return Err(Error::parameter("hits", hits, "0 to the number of rows"));
    }
    let (low, high) = jeffreys(hits, rows, level);
    Ok(Interval { low, high })
}

/// Counts the decisions at a threshold.
///
/// # Errors
/// As [the module](super) says; [`Error::Parameter`] for a NaN threshold. One class is enough.
pub fn confusion(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    threshold: f64,
) -> Result<Confusion> {
    if threshold.is_nan() {
        return Err(Error::parameter("threshold", threshold, "a number"));
    }
    let mut counts = Confusion::default();
    for (label, score, weight) in Pairs::scores(labels, scores, weights)?.iter() {
        let cell = match (label == 1.0, score >= threshold) {
            (true, true) => &mut counts.true_positives,
            (false, true) => &mut counts.false_positives,
            (false, false) => &mut counts.true_negatives,
            (true, false) => &mut counts.false_negatives,
        };
        *cell += weight;
    }
    Ok(counts)
}

/// Share of right decisions at a threshold.
///
/// # Errors
/// As [`confusion`].
pub fn accuracy(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, threshold: f64) -> Result<f64> {
    let counts = confusion(labels, scores, weights, threshold)?;
    counts.accuracy().ok_or(Error::Empty)
}

/// Share of positives among the rows at or above a threshold.
///
/// # Errors
/// As [`confusion`]; [`Error::Undefined`] where no score reaches the threshold.
pub fn precision(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, threshold: f64) -> Result<f64> {
    let counts = confusion(labels, scores, weights, threshold)?;
    let none = || Error::undefined("precision", format!("no score is at least the threshold {threshold}"));
    counts.precision().ok_or_else(none)
}

/// Share of the positives that are at or above a threshold.
///
/// # Errors
/// As [`confusion`]; [`Error::Undefined`] where no row is positive.
pub fn recall(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, threshold: f64) -> Result<f64> {
    let counts = confusion(labels, scores, weights, threshold)?;
    counts.recall().ok_or_else(|| Error::undefined("recall", "no row is positive"))
}

/// Harmonic mean of precision and recall at a threshold; 0 where positives exist and none is found.
///
/// # Errors
/// As [`confusion`]; [`Error::Undefined`] where no row is positive nor taken as such.
pub fn f1(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, threshold: f64) -> Result<f64> {
    let counts = confusion(labels, scores, weights, threshold)?;
    counts.f1().ok_or_else(|| Error::undefined("f1", "no row is positive, nor taken as positive"))
}
