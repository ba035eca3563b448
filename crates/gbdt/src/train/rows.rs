//! Which rows are learned from: those with a known label and a weight above 0.

use tenure_core::{Dataset, Error, Result, Target, TargetKind};

use super::quantise::MOST_ROWS;
use crate::Objective;

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
    pub(crate) fn new(data: &Dataset, target: &Target) -> Result<Self> {
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

    /// The constant raw score with the lowest loss, given the offsets.
    pub(super) fn base(&self, objective: Objective) -> f64 {
        let mean = self.mean(&self.labels);
        let offset = self.offsets.as_ref().map_or(0.0, |o| self.mean(o));
        match objective {
            // Weights that differ by more than a number can tell apart leave a share of 0 or 1.
            Objective::BinaryLogLoss => {
                let p = mean.clamp(1e-15, 1.0 - 1e-15);
                let base = (p / (1.0 - p)).ln();
                self.offsets.as_ref().map_or(base, |o| self.log_odds_beside(o, mean, base - offset))
            }
            Objective::SquaredError => mean - offset,
        }
    }

    /// Newton's method for the b at which the mean of σ(b + offset) is the mean label.
    fn log_odds_beside(&self, offsets: &[f64], mean: f64, start: f64) -> f64 {
        let mut base = start;
        for _ in 0..50 {
            let p: Vec<f64> = offsets.iter().map(|o| 1.0 / (1.0 + (-(base + o)).exp())).collect();
            let slopes: Vec<f64> = p.iter().map(|p| p * (1.0 - p)).collect();
            let slope = self.mean(&slopes);
            // A step of at most 2 keeps far starts from overshooting.
            let step = ((mean - self.mean(&p)) / slope.max(1e-12)).clamp(-2.0, 2.0);
            base += step;
            if step.abs() < 1e-12 {
                break;
            }
        }
        base
    }

    /// What the raw scores are before any tree.
    pub(super) fn first_scores(&self, base: f64) -> Vec<f64> {
        match &self.offsets {
            None => vec![base; self.rows.len()],
            Some(offsets) => offsets.iter().map(|o| base + o).collect(),
        }
    }

    /// Divides the labels, and the offsets that are in their unit.
    pub(crate) fn scale_labels(&mut self, unit: f64) {
        if unit != 1.0 {
            self.labels.iter_mut().for_each(|y| *y /= unit);
            self.offsets.iter_mut().flatten().for_each(|o| *o /= unit);
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
        (None, _) => Err(Error::unsupported("gbdt", format!("the kind of the target `{}`", target.name()))),
    }
}
