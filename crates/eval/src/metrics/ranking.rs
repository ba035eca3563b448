//! Metrics that only see the order of the scores.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::rank::Ranking;

/// Area under the ROC curve: the probability that a random positive scores higher than a random negative,
/// where a tie counts half (the Mann–Whitney statistic). 0 to 1; 0.5 is chance. O(n log n).
///
/// # Errors
/// As [the module](super) says; [`crate::Error::OneClass`] where a class has no weight.
pub fn roc_auc(labels: &[f64], scores: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    Ok(Ranking::of_two_classes(labels, scores, weights, "roc_auc")?.auc())
}

/// Average precision: `Σ (R_i − R_{i−1}) P_i` over the distinct scores from the highest down, without
/// interpolation. 0 to 1; chance is the share of positives. Also called the area under the
/// precision–recall curve, of which it is the usual estimate.
///
/// # Errors
/// As [`roc_auc`].
pub fn average_precision(labels: &[f64], scores: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    Ok(Ranking::of_two_classes(labels, scores, weights, "average_precision")?.average_precision())
}

/// Kolmogorov–Smirnov statistic: the largest distance between the score distributions of the two classes,
/// `max |TPR − FPR|`. 0 to 1.
///
/// # Errors
/// As [`roc_auc`].
pub fn ks(labels: &[f64], scores: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    Ok(Ranking::of_two_classes(labels, scores, weights, "ks")?.ks())
}

/// One point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Rows with at least this score are taken as positive; `None` at the first point, where no row is.
    pub threshold: Option<f64>,
    /// Share of the negatives that are taken as positive.
    pub false_positive_rate: f64,
    /// Share of the positives that are taken as positive.
    pub true_positive_rate: f64,
}

/// The ROC curve: (0, 0), then one point per distinct score from the highest down; ends at (1, 1).
///
/// # Errors
/// As [`roc_auc`].
pub fn roc_curve(labels: &[f64], scores: &[f64], weights: Option<&[f64]>) -> Result<Vec<RocPoint>> {
    let ranking = Ranking::of_two_classes(labels, scores, weights, "roc_curve")?;
    let origin = RocPoint { threshold: None, false_positive_rate: 0.0, true_positive_rate: 0.0 };
    let points = ranking.steps.iter().map(|step| RocPoint {
        threshold: Some(step.score),
        false_positive_rate: step.negatives / ranking.negatives,
        true_positive_rate: step.positives / ranking.positives,
    });
    Ok(std::iter::once(origin).chain(points).collect())
}

/// One point of a precision–recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// Rows with at least this score are taken as positive.
    pub threshold: f64,
    /// Share of the taken rows that are positives.
    pub precision: f64,
    /// Share of the positives that are taken.
    pub recall: f64,
}

/// The precision–recall curve: one point per distinct score from the highest down, recall never falling. No
/// artificial point at recall 0 is added.
///
/// # Errors
/// As [`roc_auc`].
pub fn precision_recall_curve(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
) -> Result<Vec<PrecisionRecallPoint>> {
    let ranking = Ranking::of_two_classes(labels, scores, weights, "precision_recall_curve")?;
    let points = ranking.steps.iter().map(|step| PrecisionRecallPoint {
        threshold: step.score,
        precision: step.positives / step.weight(),
        recall: step.positives / ranking.positives,
    });
    Ok(points.collect())
}

impl Ranking {
    pub(crate) fn auc(&self) -> f64 {
        let area: f64 = self
            .with_above()
            .map(|(above, negatives_above, step)| {
                (step.negatives - negatives_above) * (above + step.positives) / 2.0
            })
            .sum();
        (area / (self.positives * self.negatives)).clamp(0.0, 1.0)
    }

    pub(crate) fn average_precision(&self) -> f64 {
        let area: f64 = self
            .with_above()
            .map(|(above, _, step)| (step.positives - above) * (step.positives / step.weight()))
            .sum();
        (area / self.positives).clamp(0.0, 1.0)
    }

    pub(crate) fn ks(&self) -> f64 {
        let distance = |p: f64, n: f64| (p / self.positives - n / self.negatives).abs();
        self.steps.iter().map(|s| distance(s.positives, s.negatives)).fold(0.0, f64::max)
    }
}
