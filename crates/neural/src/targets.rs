//! From targets to what heads learn, and back.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, Output, Result, Scale, Target, TargetKind};

use crate::loss::Objective;
use crate::{HeadSpec, Loss, TargetScale};

/// Squares of what is larger leave single precision.
const MOST: f64 = 1e9;

/// Where a target lies on the scale that its head learns: `learned = (value − offset) / factor`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    offset: f64,
    factor: f64,
}

impl Line {
    pub(crate) fn learned(self, value: f64) -> f64 {
        (value - self.offset) / self.factor
    }

    pub(crate) fn is_sound(self) -> bool {
        self.offset.is_finite() && self.factor.is_finite() && self.factor > 0.0
    }

    pub(crate) fn value(self, learned: f64) -> f64 {
        self.offset + self.factor * learned
    }
}

impl HeadSpec {
    pub(crate) fn objective(&self) -> Objective {
        match self.loss {
            Loss::BinaryCrossEntropy => Objective::CrossEntropy,
            Loss::SquaredError(TargetScale::Bounded { .. }) => Objective::SquaredSigmoid,
            Loss::SquaredError(_) => Objective::Squared,
        }
    }

    /// The targets of this head, found and checked.
    pub(crate) fn find<'a>(&self, data: &'a Dataset) -> Result<Vec<&'a Target>> {
        let find = |name: &String| {
            let target = data.targets().iter().find(|target| target.name() == name);
            let target = target.ok_or_else(|| Error::NoTarget { name: Some(name.clone()) })?;
            self.check(target)?;
            Ok(target)
        };
        self.targets.iter().map(find).collect()
    }

    fn check(&self, target: &Target) -> Result<()> {
        let name = target.name();
        match (self.loss, target.kind()) {
            (Loss::BinaryCrossEntropy, TargetKind::Binary) | (Loss::SquaredError(_), TargetKind::Real) => {}
            (Loss::BinaryCrossEntropy, _) => {
                return Err(Error::unsupported(
                    "binary cross-entropy",
                    format!("target `{name}`, which is not of zeros and ones"),
                ));
            }
            (Loss::SquaredError(_), _) => {
                return Err(Error::unsupported(
                    "squared error",
                    format!("target `{name}`, which is not a number"),
                ));
            }
        }
        if self.loss == Loss::SquaredError(TargetScale::Raw)
            && let Some(row) = target.values().iter().position(|v| v.abs() > MOST)
        {
            let value = target.values()[row];
            let words = format!(
                "target `{name}`, row {row}: {value}; expected at most {MOST:e} where it is learned as it is"
            );
            return Err(Error::Data(words));
        }
        if let Loss::SquaredError(TargetScale::Bounded { low, high }) = self.loss
            && let Some(row) = target.values().iter().position(|&v| v < low || v > high)
        {
            let value = target.values()[row];
            return Err(Error::Data(format!(
                "target `{name}`, row {row}: {value}; expected {low} to {high}"
            )));
        }
        Ok(())
    }

    /// The scale of a target, learned from known labels.
    pub(crate) fn line(&self, target: &Target, weights: Option<&[f64]>) -> Result<Line> {
        Ok(match self.loss {
            Loss::BinaryCrossEntropy | Loss::SquaredError(TargetScale::Raw) => {
                Line { offset: 0.0, factor: 1.0 }
            }
            Loss::SquaredError(TargetScale::Bounded { low, high }) => {
                Line { offset: low, factor: high - low }
            }
            Loss::SquaredError(TargetScale::Standardised) => {
                let mean = mean(target, weights, |v| v);
                let deviation = self::mean(target, weights, |v| (v - mean).powi(2)).sqrt();
                if !mean.is_finite() || !deviation.is_finite() {
                    let words = "its values are too large for a mean and a standard deviation";
                    return Err(Error::Data(format!("target `{}`: {words}", target.name())));
                }
                Line { offset: mean, factor: if deviation > 0.0 { deviation } else { 1.0 } }
            }
        })
    }

    /// The raw output that predicts the mean of the known labels: where the last bias begins.
    pub(crate) fn first_bias(&self, target: &Target, line: Line, weights: Option<&[f64]>) -> f64 {
        let mean = mean(target, weights, |v| line.learned(v));
        match self.objective() {
            Objective::Squared => mean,
            Objective::CrossEntropy | Objective::SquaredSigmoid => {
                Scale::LogOdds.from_output(mean.clamp(1e-4, 1.0 - 1e-4))
            }
        }
    }

    /// What the model gives for a target.
    pub(crate) fn output(&self, target: &Target) -> Output {
        match self.loss {
            Loss::BinaryCrossEntropy => Output::probability(target.name()),
            Loss::SquaredError(_) => Output::value(target.name(), target.unit()),
        }
    }
}

/// Weighted mean over the known labels; 0 without any.
fn mean(target: &Target, weights: Option<&[f64]>, of: impl Fn(f64) -> f64) -> f64 {
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let known = target.values().iter().enumerate().filter(|(_, v)| !v.is_nan());
    let (sum, total) =
        known.fold((0.0, 0.0), |(sum, total), (row, &v)| (sum + weight(row) * of(v), total + weight(row)));
    if total > 0.0 { sum / total } else { 0.0 }
}
