//! Which rows are learned from: those with a known label and a weight above 0.

use std::sync::Arc;

use tenure_core::{Dataset, Error, Result, Target, TargetKind};

use super::LEARNER;
use super::quantise::MOST_ROWS;
use crate::objective::{CustomObjective, Loss};
use crate::{Link, Objective};

/// Rows of a data set, with labels and weights.
pub(crate) struct LabelledRows {
    /// Ascending.
    pub rows: Vec<u32>,
    pub labels: Vec<f64>,
    /// `None` where all are 1.
    pub weights: Option<Vec<f64>>,
    /// What each raw score begins with beside the base; `None` where all are 0.
    pub offsets: Option<Vec<f64>>,
    /// Σ weights
    pub weight: f64,
    /// Rows without a label.
    pub unlabelled: usize,
}

impl LabelledRows {
    /// `learner` is who refuses what it cannot do.
    pub(crate) fn new(learner: &str, data: &Dataset, target: &Target) -> Result<Self> {
        require_few_rows(learner, data.rows())?;
        let labels = target.values();
        let unlabelled = labels.iter().filter(|y| y.is_nan()).count();
        let counts = |row: &usize| !labels[*row].is_nan() && data.weights().is_none_or(|w| w[*row] > 0.0);
        let rows: Vec<u32> = (0..data.rows()).filter(counts).map(|row| row as u32).collect();
        if rows.is_empty() {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 });
        }
        let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row as usize]).collect() };
        let weights = data.weights().map(of).filter(|w| w.iter().any(|&w| w != 1.0));
        let weight = weights.as_ref().map_or(rows.len() as f64, |w| w.iter().sum());
        if !weight.is_finite() {
            return Err(Error::Data("the sum of the weights is too large for a number".into()));
        }
        let offsets = data.offsets().map(of).filter(|o| o.iter().any(|&o| o != 0.0));
        let labels = of(labels);
        Ok(Self { rows, labels, weights, offsets, weight, unlabelled })
    }

    /// Σ weight · value / Σ weight
    pub(crate) fn mean(&self, values: &[f64]) -> f64 {
        let product = |(y, w): (&f64, &f64)| y * (w / self.weight);
        match &self.weights {
            None => values.iter().sum::<f64>() / self.weight,
            Some(w) => values.iter().zip(w).map(product).sum(),
        }
    }

    /// Refuses labels that the loss is not defined for.
    pub(super) fn require_labels(&self, loss: &Loss, target: &Target) -> Result<()> {
        for (&row, &value) in self.rows.iter().zip(&self.labels) {
            if let Some(expected) = loss.refuses(value) {
                let target = target.name().to_owned();
                return Err(Error::TargetValue { target, row: row as usize, value, expected });
            }
        }
        Ok(())
    }

    /// Refuses labels that are all of one class.
    pub(super) fn require_two_classes(&self, target: &Target) -> Result<()> {
        let first = self.labels[0];
        if self.labels.iter().any(|&y| y != first) {
            return Ok(());
        }
        let class = match target.kind() {
            TargetKind::Class { classes } => classes[first as usize].clone(),
            _ => first.to_string(),
        };
        Err(Error::OneClass { target: target.name().to_owned(), class, rows: self.labels.len() })
    }

    /// What the raw scores are before any tree: a vector for each.
    pub(super) fn first_scores(&self, base: &[f64]) -> Vec<Vec<f64>> {
        let of = |base: &f64| match &self.offsets {
            None => vec![*base; self.rows.len()],
            Some(offsets) => offsets.iter().map(|o| base + o).collect(),
        };
        base.iter().map(of).collect()
    }

    /// Rows of weight 1 with these labels.
    #[cfg(test)]
    pub(super) fn of(labels: Vec<f64>) -> Self {
        let (n, weight) = (labels.len() as u32, labels.len() as f64);
        Self { rows: (0..n).collect(), labels, weights: None, offsets: None, weight, unlabelled: 0 }
    }

    /// Divides the labels, and the offsets that are in their unit.
    pub(crate) fn scale_labels(&mut self, unit: f64) {
        if unit != 1.0 {
            self.labels.iter_mut().for_each(|y| *y /= unit);
            self.offsets.iter_mut().flatten().for_each(|o| *o /= unit);
        }
    }
}

/// Refuses more rows than sums and numbers of 32 bits have room for.
fn require_few_rows(learner: &str, rows: usize) -> Result<()> {
    match rows {
        0..=MOST_ROWS => Ok(()),
        _ => Err(Error::unsupported(learner, format!("more than {MOST_ROWS} rows"))),
    }
}

/// The objective that was asked for, or the one that the target calls for.
pub(super) fn objective(asked: Option<Objective>, target: &Target) -> Result<Objective> {
    let name = target.name();
    let unfit = |needs: &str| {
        let asked = asked.map_or("its kind".into(), |a| a.to_string());
        Err(Error::unsupported(LEARNER, format!("{asked} for the target `{name}`: it needs {needs}")))
    };
    match (asked, target.kind()) {
        (Some(Objective::Softmax), TargetKind::Class { .. }) => Ok(Objective::Softmax),
        (Some(Objective::Softmax), _) => unfit("one of several classes"),
        (Some(Objective::BinaryLogLoss), TargetKind::Real) => unfit("a binary one"),
        (Some(_), TargetKind::Class { .. }) => unfit("a binary or a numeric one"),
        (Some(objective), _) => Ok(objective),
        (None, TargetKind::Binary) => Ok(Objective::BinaryLogLoss),
        (None, TargetKind::Real) => Ok(Objective::SquaredError),
        (None, TargetKind::Class { .. }) => Ok(Objective::Softmax),
        (None, _) => unfit("a kind that is known here"),
    }
}

/// The loss of a fit on this target.
pub(super) fn loss(
    asked: Option<Objective>,
    own: Option<&Arc<dyn CustomObjective>>,
    target: &Target,
) -> Result<Loss> {
    let Some(own) = own else { return Ok(Loss::Known(objective(asked, target)?)) };
    if own.link() == Link::Softmax {
        return Err(Error::unsupported(LEARNER, "an objective of one's own for several scores a row"));
    }
    if matches!(target.kind(), TargetKind::Class { .. }) {
        let what = format!("objective `{}` for several classes (`{}`)", own.name(), target.name());
        return Err(Error::unsupported(LEARNER, what));
    }
    Ok(Loss::Own(own.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_rows_are_refused_in_the_learners_name() {
        assert!(require_few_rows("forest", MOST_ROWS).is_ok());
        let message = require_few_rows("forest", MOST_ROWS + 1).unwrap_err().to_string();
        assert_eq!(message, "forest does not support more than 1073741824 rows");
    }
}
