//! Which rows are learned from: those with a known label and a weight above 0.

use tenure_core::{Dataset, Error, Result, Target, TargetKind};

use super::quantise::MOST_ROWS;
use crate::Objective;

/// Rows of a data set, with labels and weights.
pub(super) struct LabelledRows {
    /// Ascending.
    pub rows: Vec<u32>,
    pub labels: Vec<f64>,
    /// `None` where all are 1.
    pub weights: Option<Vec<f64>>,
    /// Σ weights
    pub weight: f64,
    /// Rows without a label.
    pub unlabelled: usize,
}

impl LabelledRows {
    pub(super) fn new(data: &Dataset, target: &Target) -> Result<Self> {
        if data.rows() > MOST_ROWS {
            return Err(Error::unsupported("gbdt", format!("more than {MOST_ROWS} rows")));
        }
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
        let labels = of(labels);
        Ok(Self { rows, labels, weights, weight, unlabelled })
    }

    /// Σ weight · label / Σ weight
    pub(super) fn mean(&self) -> f64 {
        let product = |(y, w): (&f64, &f64)| y * (w / self.weight);
        match &self.weights {
            None => self.labels.iter().sum::<f64>() / self.weight,
            Some(w) => self.labels.iter().zip(w).map(product).sum(),
        }
    }

    /// Divides the labels.
    pub(super) fn scale_labels(&mut self, unit: f64) {
        if unit != 1.0 {
            self.labels.iter_mut().for_each(|y| *y /= unit);
        }
    }
}

/// The objective that was asked for, or the one that the target calls for.
pub(super) fn objective(asked: Option<Objective>, target: &Target) -> Result<Objective> {
    match (asked, target.kind()) {
        (_, TargetKind::Class { .. }) => {
            Err(Error::unsupported("gbdt", format!("targets of several classes (`{}`)", target.name())))
        }
        (Some(Objective::BinaryLogLoss), TargetKind::Real) => Err(Error::unsupported(
            "gbdt",
            format!("log loss for the numeric target `{}`: it needs a binary one", target.name()),
        )),
        (Some(objective), _) => Ok(objective),
        (None, TargetKind::Binary) => Ok(Objective::BinaryLogLoss),
        (None, TargetKind::Real) => Ok(Objective::SquaredError),
    }
}

/// Refuses a validation set with other columns; units and descriptions may differ.
pub(super) fn same_columns(train: &Dataset, valid: &Dataset) -> Result<()> {
    let (ours, theirs) = (train.schema().features(), valid.schema().features());
    let differ = |a: &tenure_core::Feature, b: Option<&tenure_core::Feature>| {
        b.is_none_or(|b| a.name != b.name || a.kind != b.kind)
    };
    let list = |these: &[tenure_core::Feature], those: &[tenure_core::Feature]| -> Vec<String> {
        let odd = these.iter().enumerate().filter(|(i, f)| differ(f, those.get(*i)));
        odd.map(|(_, f)| f.name.clone()).collect()
    };
    let (missing, unexpected) = (list(ours, theirs), list(theirs, ours));
    if missing.is_empty() && unexpected.is_empty() {
        Ok(())
    } else {
        Err(Error::Columns { missing, unexpected })
    }
}
