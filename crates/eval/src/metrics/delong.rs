//! Uncertainty of the area under the ROC curve.
//!
//! With `V_i` the share of negatives that positive `i` beats (ties half) and `U_j` the share of positives
//! that beat negative `j`, the variance of the AUC θ is estimated as
//! `Σ(V_i − θ)² / (m(m−1)) + Σ(U_j − θ)² / (n(n−1))` for m positives and n negatives (DeLong, DeLong &
//! Clarke-Pearson 1988). The shares come from one sort, as the mid-ranks of Sun & Xu (2014) do: O(n log n).
//!
//! Weights are taken as sampling weights: the shares, θ and the squares are weighted,
//! `m/(m−1) · Σ wᵢ²(V_i − θ)² / (Σ wᵢ)²`, which is the linearised variance; with equal weights it is the
//! formula above, and multiplying all weights by a number changes nothing. A weight of 2 is therefore *not*
//! two independent rows.

use serde::{Deserialize, Serialize};

use crate::check::{self, Pairs};
use crate::rank;
use crate::stats::{Sum, two_sided_p, two_sided_z};
use crate::{Error, Result};

/// An area under the ROC curve with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AucInterval {
    /// The area, as [`super::roc_auc`] gives it up to rounding.
    pub auc: f64,
    /// Lower end, at least 0.
    pub low: f64,
    /// Upper end, at most 1.
    pub high: f64,
    /// Standard error of the area.
    pub standard_error: f64,
    /// Confidence level of the interval.
    pub level: f64,
}

/// Two areas under the ROC curve on the same rows, compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AucComparison {
    /// Area of the first scores.
    pub auc_a: f64,
    /// Area of the second scores.
    pub auc_b: f64,
    /// `auc_a − auc_b`.
    pub difference: f64,
    /// Standard error of the difference.
    pub standard_error: f64,
    /// Difference in standard errors; 0 where both scores rank the rows alike.
    pub z: f64,
    /// Two-sided p-value of no difference.
    pub p_value: f64,
}

/// The AUC with DeLong's interval: `θ ± z · se`, cut at 0 and 1.
///
/// Perfectly separated classes have a standard error of 0 and the interval [1, 1]: DeLong's estimate sees no
/// uncertainty there, however few the rows.
///
/// # Errors
/// As [`super::roc_auc`]; [`Error::Undefined`] where a class has a single row; [`Error::Parameter`] for a
/// `level` not between 0 and 1.
pub fn roc_auc_interval(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    level: f64,
) -> Result<AucInterval> {
    check::level(level)?;
    let placements = Placements::new(labels, scores, weights, "roc_auc_interval")?;
    let standard_error = variance(&placements, &placements.shares, placements.auc).sqrt();
    let half = two_sided_z(level) * standard_error;
    let auc = placements.auc;
    Ok(AucInterval { auc, low: (auc - half).max(0.0), high: (auc + half).min(1.0), standard_error, level })
}

/// DeLong's test of whether two scores of the same rows have the same AUC.
///
/// # Errors
/// As [`roc_auc_interval`]; [`Error::Undefined`] where the areas differ but every row says the same, so that
/// there is no variance to judge the difference by.
pub fn delong_test(
    labels: &[f64],
    scores_a: &[f64],
    scores_b: &[f64],
    weights: Option<&[f64]>,
) -> Result<AucComparison> {
    let a = Placements::new(labels, scores_a, weights, "delong_test")?;
    let b = Placements::new(labels, scores_b, weights, "delong_test")?;
    let differences: Vec<f64> = a.shares.iter().zip(&b.shares).map(|(a, b)| a - b).collect();
    let difference = a.auc - b.auc;
    let standard_error = variance(&a, &differences, difference).sqrt();
    let z = if differences.iter().all(|&d| d == 0.0) {
        0.0
    } else if standard_error > 0.0 {
        difference / standard_error
    } else {
        return Err(Error::undefined("delong_test", "the difference is the same in every row"));
    };
    let p_value = two_sided_p(z);
    Ok(AucComparison { auc_a: a.auc, auc_b: b.auc, difference, standard_error, z, p_value })
}

/// For each row, the share of the other class that it is on the right side of.
struct Placements<'a> {
    pairs: Pairs<'a>,
    shares: Vec<f64>,
    auc: f64,
}

impl<'a> Placements<'a> {
    fn new(
        labels: &'a [f64],
        scores: &'a [f64],
        weights: Option<&'a [f64]>,
        needed_for: &'static str,
    ) -> Result<Self> {
        let pairs = Pairs::scores(labels, scores, weights)?;
        pairs.require_two_classes(needed_for)?;
        let mut totals = [0.0; 2];
        let mut rows = [0usize; 2];
        for (label, _, weight) in pairs.iter() {
            totals[label as usize] += weight;
            rows[label as usize] += 1;
        }
        if let Some(class) = rows.iter().position(|&n| n < 2) {
            let reason = format!("class {class} has one row; its spread needs two");
            return Err(Error::Undefined { figure: needed_for, reason });
        }
        let shares = shares(pairs, totals);
        let positives = (0..pairs.len()).filter(|&i| pairs.actual[i] == 1.0);
        let sum = positives.map(|i| pairs.weight(i) * shares[i]).collect::<Sum>().value();
        Ok(Self { pairs, shares, auc: (sum / totals[1]).clamp(0.0, 1.0) })
    }
}

fn shares(pairs: Pairs<'_>, [negatives, positives]: [f64; 2]) -> Vec<f64> {
    let mut shares = vec![0.0; pairs.len()];
    // Weights at or above the scores seen so far, by label.
    let mut above = [0.0; 2];
    let order = rank::descending(pairs.predicted);
    rank::for_each_tie(pairs.predicted, &order, |_, rows| {
        let mut tied = [0.0; 2];
        for &row in rows {
            tied[pairs.actual[row] as usize] += pairs.weight(row);
        }
        for &row in rows {
            shares[row] = if pairs.actual[row] == 1.0 {
                (negatives - above[0] - 0.5 * tied[0]) / negatives
            } else {
                (above[1] + 0.5 * tied[1]) / positives
            };
        }
        above = [above[0] + tied[0], above[1] + tied[1]];
    });
    shares
}

/// Variance of the mean of `values`, class by class, around `centre`.
fn variance(placements: &Placements<'_>, values: &[f64], centre: f64) -> f64 {
    let (mut squares, mut weights, mut rows) = ([Sum::default(); 2], [0.0; 2], [0.0; 2]);
    for (row, &value) in values.iter().enumerate() {
        let class = placements.pairs.actual[row] as usize;
        let weight = placements.pairs.weight(row);
        if weight > 0.0 {
            squares[class].add((weight * (value - centre)).powi(2));
            weights[class] += weight;
            rows[class] += 1.0;
        }
    }
    (0..2).map(|c| rows[c] / (rows[c] - 1.0) * squares[c].value() / (weights[c] * weights[c])).sum()
}
