//! One model's figures on the rows judged.

use std::ops::Range;

use super::{PredictedModel, RegressionEvaluation};
use crate::metrics::{RegressionReport, spearman};
use crate::report::model::Point;
use crate::report::shared::Role;
use crate::stats::{jeffreys, two_sided_z};
use crate::{Error, Result, rank};

/// Groups that the rows are cut into by their predictions.
const GROUPS: usize = 10;

/// A model, ranked and measured.
pub(super) struct Judged<'a> {
    pub(super) model: &'a PredictedModel,
    pub(super) figures: RegressionReport,
    /// `None` where all predictions or all actual values are equal.
    pub(super) spearman: Option<f64>,
    /// Predicted less actual, one a row.
    pub(super) errors: Vec<f64>,
    /// Rows by rising prediction.
    order: Vec<usize>,
    groups: Vec<Range<usize>>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(evaluation: &'a RegressionEvaluation, model: &'a PredictedModel) -> Result<Self> {
        let (actual, predicted) = (&evaluation.actual[..], &model.predictions[..]);
        let figures = RegressionReport::new(actual, predicted, None)?;
        let spearman = match spearman(actual, predicted, None) {
            Ok(value) => Some(value),
            Err(Error::Undefined { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut order = rank::descending(predicted);
        order.reverse();
        let groups = groups(&order, predicted);
        let errors = predicted.iter().zip(actual).map(|(p, y)| p - y).collect();
        Ok(Self { model, figures, spearman, errors, order, groups })
    }

    pub(super) fn is(&self, role: Role) -> bool {
        self.model.role == role
    }

    /// Whether every row has the same prediction.
    pub(super) fn is_constant(&self) -> bool {
        self.groups.len() == 1
    }

    /// Mean prediction and mean actual value of each group, with the 95 % interval of the latter.
    pub(super) fn means(&self, actual: &[f64]) -> Vec<Point> {
        let point = |rows: &[usize]| {
            let n = rows.len() as f64;
            let mean = |values: &[f64]| rows.iter().map(|&row| values[row]).sum::<f64>() / n;
            let y = mean(actual);
            let variance =
                rows.iter().map(|&row| (actual[row] - y).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
            let half = two_sided_z(0.95) * (variance / n).sqrt();
            Point {
                x: mean(&self.model.predictions),
                y,
                interval: Some((y - half, y + half)),
                count: Some(n),
            }
        };
        self.groups.iter().map(|group| point(&self.order[group.clone()])).collect()
    }

    /// Share of the rows of each group for which `holds`, over their mean prediction.
    pub(super) fn shares(&self, holds: impl Fn(usize) -> bool) -> Vec<Point> {
        let point = |rows: &[usize]| {
            let n = rows.len() as f64;
            let hits = rows.iter().filter(|&&row| holds(row)).count() as f64;
            let x = rows.iter().map(|&row| self.model.predictions[row]).sum::<f64>() / n;
            Point { x, y: hits / n, interval: Some(jeffreys(hits, n, 0.95)), count: Some(n) }
        };
        self.groups.iter().map(|group| point(&self.order[group.clone()])).collect()
    }

    /// The size of error that this share of the rows stays within.
    pub(super) fn error_within(&self, share: f64) -> f64 {
        let mut sizes: Vec<f64> = self.errors.iter().map(|e| e.abs()).collect();
        let at = ((share * sizes.len() as f64).ceil() as usize).clamp(1, sizes.len()) - 1;
        *sizes.select_nth_unstable_by(at, f64::total_cmp).1
    }

    /// Whether the errors are smaller than another's beyond what chance explains: the mean difference of their
    /// sizes, row by row, against its standard error at 5 %.
    pub(super) fn surely_beats(&self, other: &Self) -> bool {
        let n = self.errors.len() as f64;
        let saved: Vec<f64> =
            self.errors.iter().zip(&other.errors).map(|(ours, theirs)| theirs.abs() - ours.abs()).collect();
        let mean = saved.iter().sum::<f64>() / n;
        let variance = saved.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        mean > two_sided_z(0.95) * (variance / n).sqrt()
    }
}

/// Cuts ordered rows into about equal groups, ties kept whole.
fn groups(order: &[usize], predicted: &[f64]) -> Vec<Range<usize>> {
    let mut groups = Vec::with_capacity(GROUPS);
    let mut start = 0;
    for part in 1..=GROUPS {
        let mut end = order.len() * part / GROUPS;
        while end > 0 && end < order.len() && predicted[order[end]] == predicted[order[end - 1]] {
            end += 1;
        }
        if end > start {
            groups.push(start..end);
            start = end;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_ties_whole_and_lose_no_row() {
        let predicted = [1.0, 1.0, 1.0, 2.0, 3.0, 3.0];
        assert_eq!(groups(&[0, 1, 2, 3, 4, 5], &predicted), [0..3, 3..4, 4..6]);
        assert_eq!(groups(&[1, 0], &[5.0, 5.0]).as_slice(), std::slice::from_ref(&(0..2)));
        let many: Vec<f64> = (0..25).map(f64::from).collect();
        let order: Vec<usize> = (0..25).collect();
        let sizes: Vec<usize> = groups(&order, &many).into_iter().map(|g| g.len()).collect();
        assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (10, 25));
    }
}
