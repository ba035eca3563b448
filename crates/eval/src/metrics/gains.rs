//! What contacting the best-scored part of the rows brings.
//!
//! Where a cut falls inside a tie, the positives of the tie are spread evenly over it: that is the mean over
//! all orders of the tied rows, and does not depend on the order of the input.

use serde::{Deserialize, Serialize};

use crate::rank::Ranking;
use crate::{Error, Result};

/// One slice of the rows, by falling score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GainsRow {
    /// Share of all weight from the highest score to the end of this slice.
    pub fraction: f64,
    /// Weight of the slice.
    pub weight: f64,
    /// Weight of the positives in the slice.
    pub positives: f64,
    /// Share of positives in the slice.
    pub rate: f64,
    /// `rate` over the share of positives among all rows.
    pub lift: f64,
    /// Share of all positives found from the highest score to the end of this slice.
    pub cumulative_gain: f64,
    /// `cumulative_gain / fraction`.
    pub cumulative_lift: f64,
}

/// Lift and gains by slices of equal weight, from the highest scores down: 10 for deciles, 100 for percents.
///
/// # Errors
/// As [the module](super) says; [`Error::OneClass`] for a single class; [`Error::Parameter`] for 0 slices or
/// more than rows.
pub fn gains(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    slices: usize,
) -> Result<Vec<GainsRow>> {
    let ranking = Ranking::of_two_classes(labels, scores, weights, "gains")?;
    if slices == 0 || slices > labels.len() {
        return Err(Error::parameter("slices", slices, "at least 1 and at most the number of rows"));
    }
    let base_rate = ranking.positives / ranking.total();
    let weight = ranking.total() / slices as f64;
    let mut found = 0.0;
    let row = |slice: usize| {
        let fraction = (slice + 1) as f64 / slices as f64;
        let until = if slice + 1 == slices {
            ranking.positives
        } else {
            ranking.positives_among(fraction * ranking.total())
        };
        let positives = until - found;
        found = until;
        let rate = positives / weight;
        let cumulative_gain = until / ranking.positives;
        GainsRow {
            fraction,
            weight,
            positives,
            rate,
            lift: rate / base_rate,
            cumulative_gain,
            cumulative_lift: cumulative_gain / fraction,
        }
    };
    Ok((0..slices).map(row).collect())
}

/// Lift of the best-scored `fraction` of the weight: its share of positives over that of all rows.
///
/// # Errors
/// As [`gains`]; [`Error::Parameter`] for a fraction not above 0 or beyond 1.
pub fn lift_at(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, fraction: f64) -> Result<f64> {
    let ranking = Ranking::of_two_classes(labels, scores, weights, "lift_at")?;
    if !(fraction > 0.0 && fraction <= 1.0) {
        return Err(Error::parameter("fraction", fraction, "above 0 and at most 1"));
    }
    Ok(ranking.positives_among(fraction * ranking.total()) / ranking.positives / fraction)
}

/// Share of positives among the `k` rows with the highest scores.
///
/// With weights, `k` is a weight: the best-scored rows that together weigh `k`.
///
/// # Errors
/// As [`gains`]; [`Error::Parameter`] for a `k` of 0 or above the total weight.
pub fn precision_at_k(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, k: usize) -> Result<f64> {
    let (found, _) = found_at_k(labels, scores, weights, k, "precision_at_k")?;
    Ok(found / k as f64)
}

/// Share of all positives that are among the `k` rows with the highest scores; see [`precision_at_k`].
///
/// # Errors
/// As [`precision_at_k`].
pub fn recall_at_k(labels: &[f64], scores: &[f64], weights: Option<&[f64]>, k: usize) -> Result<f64> {
    let (found, positives) = found_at_k(labels, scores, weights, k, "recall_at_k")?;
    Ok(found / positives)
}

fn found_at_k(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    k: usize,
    needed_for: &'static str,
) -> Result<(f64, f64)> {
    let ranking = Ranking::of_two_classes(labels, scores, weights, needed_for)?;
    if k == 0 || k as f64 > ranking.total() {
        return Err(Error::parameter("k", k, "at least 1 and at most the weight of all rows"));
    }
    Ok((ranking.positives_among(k as f64), ranking.positives))
}
