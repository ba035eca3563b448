//! Metrics of probabilities: are they what they say?

use serde::{Deserialize, Serialize};

use crate::check::Pairs;
use crate::rank;
use crate::{Error, Result};

/// Log loss (binary cross-entropy): the weighted mean of `−ln p` of the class that occurred, in nats.
///
/// Probabilities are clipped to `[ε, 1 − ε]` with `ε = f64::EPSILON` (2.2e-16), so that a certain answer that
/// is wrong costs 36 and not infinity. One class is enough.
///
/// # Errors
/// As [the module](super) says.
pub fn log_loss(labels: &[f64], probabilities: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    let loss = |y: f64, p: f64| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        if y == 1.0 { -p.ln() } else { -(-p).ln_1p() }
    };
    Ok(Pairs::probabilities(labels, probabilities, weights)?.mean(loss))
}

/// Brier score: the weighted mean of `(p − y)²`. 0 to 1. One class is enough.
///
/// # Errors
/// As [the module](super) says.
pub fn brier(labels: &[f64], probabilities: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    Ok(Pairs::probabilities(labels, probabilities, weights)?.mean(|y, p| (p - y).powi(2)))
}

/// How probabilities are put into bins to compare them with observed rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// This many bins of equal width over [0, 1]; an edge belongs to the bin above it, 1 to the last bin.
    EqualWidth(usize),
    /// This many bins of (nearly) equal weight. Equal probabilities stay together: they go to the bin in
    /// which the middle of their weight lies, so that a bin may be empty where there are many ties.
    EqualMass(usize),
}

/// Ten bins of equal mass: every bin is as noisy as the next, and rare high scores are not judged by three
/// rows.
impl Default for Bins {
    fn default() -> Self {
        Self::EqualMass(10)
    }
}

/// One bin of a reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lowest probability in the bin.
    pub low: f64,
    /// Highest probability in the bin.
    pub high: f64,
    /// Weighted mean of the probabilities in the bin.
    pub mean_probability: f64,
    /// Weighted share of positives in the bin.
    pub observed_rate: f64,
    /// Rows in the bin (of weight above 0).
    pub rows: usize,
    /// Their weight.
    pub weight: f64,
}

/// Mean predicted probability against the observed rate, by bin; empty bins are left out.
///
/// # Errors
/// As [the module](super) says; [`Error::Parameter`] for 0 bins.
pub fn reliability_curve(
    labels: &[f64],
    probabilities: &[f64],
    weights: Option<&[f64]>,
    bins: Bins,
) -> Result<Vec<ReliabilityBin>> {
    let pairs = Pairs::probabilities(labels, probabilities, weights)?;
    let (Bins::EqualWidth(count) | Bins::EqualMass(count)) = bins;
    if count == 0 {
        return Err(Error::parameter("bins", count, "at least 1"));
    }
    let mut curve: Vec<(usize, ReliabilityBin)> = Vec::new();
    let mut below = 0.0;
    let mut order = rank::descending(probabilities);
    order.reverse();
    rank::for_each_tie(probabilities, &order, |p, rows| {
        let (mut counted, mut weight, mut positives) = (0, 0.0, 0.0);
        for &row in rows.iter().filter(|&&row| pairs.weight(row) > 0.0) {
            counted += 1;
            weight += pairs.weight(row);
            positives += pairs.weight(row) * pairs.actual[row];
        }
        let place = match bins {
            Bins::EqualWidth(_) => p,
            Bins::EqualMass(_) => (below + 0.5 * weight) / pairs.total_weight,
        };
        below += weight;
        if counted > 0 {
            let bin = ((place * count as f64) as usize).min(count - 1);
            add_to_curve(&mut curve, bin, p, counted, weight, positives);
        }
    });
    Ok(curve.into_iter().map(|(_, bin)| finished(bin)).collect())
}

/// Adds one tie; until [`finished`], the means hold sums.
fn add_to_curve(
    curve: &mut Vec<(usize, ReliabilityBin)>,
    bin: usize,
    p: f64,
    rows: usize,
    weight: f64,
    positives: f64,
) {
    match curve.last_mut() {
        Some((last, open)) if *last == bin => {
            open.high = p;
            open.mean_probability += weight * p;
            open.observed_rate += positives;
            open.rows += rows;
            open.weight += weight;
        }
        _ => curve.push((
            bin,
            ReliabilityBin {
                low: p,
                high: p,
                mean_probability: weight * p,
                observed_rate: positives,
                rows,
                weight,
            },
        )),
    }
}

fn finished(bin: ReliabilityBin) -> ReliabilityBin {
    ReliabilityBin {
        mean_probability: bin.mean_probability / bin.weight,
        observed_rate: bin.observed_rate / bin.weight,
        ..bin
    }
}

/// Expected calibration error: the mean over the bins, by weight, of |observed rate − mean probability|
/// (Naeini et al. 2015). 0 to 1. [`Bins::default`] is the project's choice; the figure depends on the bins,
/// so state them beside it. It is biased upwards: even perfect probabilities score about
/// `√(2 p(1−p) bins / (π n))`.
///
/// # Errors
/// As [`reliability_curve`].
pub fn ece(labels: &[f64], probabilities: &[f64], weights: Option<&[f64]>, bins: Bins) -> Result<f64> {
    let curve = reliability_curve(labels, probabilities, weights, bins)?;
    let total: f64 = curve.iter().map(|b| b.weight).sum();
    Ok(curve.iter().map(|b| b.weight * (b.observed_rate - b.mean_probability).abs()).sum::<f64>() / total)
}

/// Maximum calibration error: the largest |observed rate − mean probability| of any bin.
///
/// # Errors
/// As [`reliability_curve`].
pub fn max_calibration_error(
    labels: &[f64],
    probabilities: &[f64],
    weights: Option<&[f64]>,
    bins: Bins,
) -> Result<f64> {
    let curve = reliability_curve(labels, probabilities, weights, bins)?;
    Ok(curve.iter().map(|b| (b.observed_rate - b.mean_probability).abs()).fold(0.0, f64::max))
}
