//! What is learned: its outputs, its link and its loss.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tenure_core::{Error, Explanation, Output, Result, Scale, Target, TargetKind};

/// What is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    /// The probability of a binary event; one raw score, its log-odds.
    Binary,
    /// The probabilities of so many classes; a raw score each, their logarithms but for a shared shift.
    Classes(#[serde(deserialize_with = "at_least_one")] usize),
    /// A number; the raw score is the number.
    Real,
}

/// A stored model without classes is damaged, and everybody divides by their number.
fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let classes = usize::deserialize(deserializer)?;
    let refuse = || D::Error::custom("0 classes, expected at least 1");
    if classes == 0 { Err(refuse()) } else { Ok(classes) }
}

impl Task {
    pub(crate) fn of(backend: &str, target: &Target) -> Result<Self> {
        match target.kind() {
            TargetKind::Binary => Ok(Self::Binary),
            TargetKind::Class { classes } => Ok(Self::Classes(classes.len())),
            TargetKind::Real => Ok(Self::Real),
            _ => Err(Error::unsupported(backend, format!("the kind of the target `{}`", target.name()))),
        }
    }

    /// Raw scores of a row, and outputs.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Classes(classes) => classes,
            Self::Binary | Self::Real => 1,
        }
    }

    pub(crate) fn outputs(self, target: &Target) -> Vec<Output> {
        match (self, target.kind()) {
            (Self::Classes(_), TargetKind::Class { classes }) => {
                classes.iter().map(|class| Output::class_probability(target.name(), class)).collect()
            }
            (Self::Binary, _) => vec![Output::probability(target.name())],
            _ => vec![Output::value(target.name(), target.unit())],
        }
    }

    /// Name of the loss in reports.
    #[cfg(any(feature = "lightgbm", feature = "xgboost"))]
    pub(crate) fn loss_name(self) -> &'static str {
        match self {
            Self::Binary | Self::Classes(_) => "log_loss",
            Self::Real => "mean_squared_error",
        }
    }

    /// From the raw scores of one row to its outputs, in place.
    pub(crate) fn link(self, scores: &mut [f64]) {
        match self {
            Self::Real => {}
            Self::Binary => scores.iter_mut().for_each(|s| *s = Scale::LogOdds.to_output(*s)),
            Self::Classes(_) => {
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                scores.iter_mut().for_each(|s| *s = (*s - most).exp());
                let total: f64 = scores.iter().sum();
                scores.iter_mut().for_each(|s| *s /= total);
            }
        }
    }

    /// The loss of one row from its outputs; probabilities are kept away from 0 and 1 by 1e-15.
    #[cfg(any(feature = "lightgbm", feature = "xgboost"))]
    fn loss(self, outputs: &[f64], label: f64) -> f64 {
        let log = |p: f64| -p.clamp(1e-15, 1.0).ln();
        match self {
            Self::Real => (outputs[0] - label) * (outputs[0] - label),
            Self::Binary => log(if label == 1.0 { outputs[0] } else { 1.0 - outputs[0] }),
            Self::Classes(_) => log(outputs[label as usize]),
        }
    }

    /// The weighted mean loss of rows × outputs.
    #[cfg(any(feature = "lightgbm", feature = "xgboost"))]
    pub(crate) fn mean_loss(self, outputs: &[f64], labels: &[f64], weights: Option<&[f64]>) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, (outputs, &label)) in outputs.chunks_exact(self.width()).zip(labels).enumerate() {
            let weight = weights.map_or(1.0, |w| w[row]);
            sum += weight * self.loss(outputs, label);
            total += weight;
        }
        sum / total
    }

    /// The raw scores that fit best without any feature, beside the offsets.
    #[cfg(any(feature = "lightgbm", feature = "xgboost"))]
    pub(crate) fn baseline(self, rows: &super::Rows<'_>) -> Vec<f64> {
        let weight = |row: usize| rows.weights().map_or(1.0, |w| w[row]);
        let offset = |row: usize| rows.offsets().map_or(0.0, |o| o[row]);
        let labels = rows.labels();
        let total: f64 = (0..labels.len()).map(weight).sum();
        let mean = |value: &dyn Fn(usize) -> f64| {
            (0..labels.len()).map(|row| weight(row) / total * value(row)).sum::<f64>()
        };
        match self {
            Self::Real => vec![mean(&|row| labels[row] - offset(row))],
            Self::Classes(classes) => {
                // A class without rows keeps a probability that a logarithm can bear.
                let share = |class: usize| mean(&|row| f64::from(u8::from(labels[row] == class as f64)));
                (0..classes).map(|class| share(class).max(1e-15).ln()).collect()
            }
            Self::Binary => {
                let share = mean(&|row| labels[row]);
                let mut score = (share / (1.0 - share)).ln() - mean(&offset);
                if rows.offsets().is_some() {
                    score = solve_share(score, share, &|score| {
                        let p = |row| Scale::LogOdds.to_output(score + offset(row));
                        (mean(&p), mean(&|row| p(row) * (1.0 - p(row))))
                    });
                }
                vec![score]
            }
        }
    }

    /// The explanation of one output from scores × (features + 1) contributions, each score's baseline last.
    pub(crate) fn explanation(self, parts: &[f64], output: usize, scale: Scale) -> Explanation {
        let width = parts.len() / self.width();
        let own = &parts[output * width..(output + 1) * width];
        // A softmax knows its scores but for a shift: what all classes share explains none of them.
        let shared = |at: usize| match self {
            Self::Classes(classes) => parts.iter().skip(at).step_by(width).sum::<f64>() / classes as f64,
            Self::Binary | Self::Real => 0.0,
        };
        let mut contributions: Vec<f64> = own.iter().enumerate().map(|(at, c)| c - shared(at)).collect();
        let baseline = contributions.pop().unwrap_or(0.0);
        Explanation { output, scale, baseline, contributions }
    }
}

/// The score at which the mean probability is `share`, by Newton's method; `at` gives the mean probability at a
/// score and its slope. Steps are held to 1, so that a flat slope does not throw the score away.
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
fn solve_share(mut score: f64, share: f64, at: &dyn Fn(f64) -> (f64, f64)) -> f64 {
    for _ in 0..100 {
        let (p, slope) = at(score);
        let step = ((share - p) / slope.max(1e-12)).clamp(-1.0, 1.0);
        score += step;
        if step.abs() < 1e-12 {
            break;
        }
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_task_has_classes() {
        let read = |text: &str| serde_json::from_str::<Task>(text).map_err(|e| e.to_string());
        assert_eq!(read(r#"{"classes": 3}"#), Ok(Task::Classes(3)));
        assert!(read(r#"{"classes": 0}"#).unwrap_err().starts_with("0 classes, expected at least 1"));
    }
}
