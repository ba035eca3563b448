//! What a search makes small or large.

use std::fmt;
use std::str::FromStr;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use tenure_core::{Error, Result, TargetKind};
use tenure_eval::metrics as m;

/// Whether a lower or a higher score is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Lower is better.
    Minimise,
    /// Higher is better.
    Maximise,
}

impl Goal {
    /// The score as a loss: lower is better.
    #[must_use]
    pub fn loss(self, score: f64) -> f64 {
        match self {
            Self::Minimise => score,
            Self::Maximise => -score,
        }
    }
}

/// A figure of [`tenure_eval::metrics`] by its name: `log_loss`, `rmse`, `tweedie_deviance:1.5`, …
///
/// For a target of several classes, `log_loss`, `brier`, `roc_auc`, `accuracy` and `f1` are the figures of
/// [`tenure_eval::metrics::MulticlassReport`], averages over classes being macro averages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Metric {
    /// Log loss of a binary target or of several classes.
    LogLoss,
    /// Brier score of a binary target or of several classes.
    Brier,
    /// Area under the ROC curve; over several classes the mean of each against the rest.
    RocAuc,
    /// Average precision of a binary target.
    AveragePrecision,
    /// Share of right answers; of a binary target at a probability of one half.
    Accuracy,
    /// F1; of a binary target at a probability of one half.
    F1,
    /// Root mean squared error.
    Rmse,
    /// Mean absolute error.
    Mae,
    /// Coefficient of determination.
    R2,
    /// Mean Poisson deviance.
    PoissonDeviance,
    /// Mean gamma deviance.
    GammaDeviance,
    /// Mean Tweedie deviance of a power.
    TweedieDeviance(f64),
    /// Mean pinball loss of a quantile.
    Pinball(f64),
    /// Mean Huber loss of a distance.
    Huber(f64),
    /// Normalised Gini.
    NormalisedGini,
}

const PLAIN: &[(&str, Metric)] = &[
    ("log_loss", Metric::LogLoss),
    ("brier", Metric::Brier),
    ("roc_auc", Metric::RocAuc),
    ("average_precision", Metric::AveragePrecision),
    ("accuracy", Metric::Accuracy),
    ("f1", Metric::F1),
    ("rmse", Metric::Rmse),
    ("mae", Metric::Mae),
    ("r2", Metric::R2),
    ("poisson_deviance", Metric::PoissonDeviance),
    ("gamma_deviance", Metric::GammaDeviance),
    ("normalised_gini", Metric::NormalisedGini),
];

type OfNumber = fn(f64) -> Metric;
/// Names with a number after a colon.
const WITH_NUMBER: &[(&str, OfNumber)] =
    &[("tweedie_deviance", Metric::TweedieDeviance), ("pinball", Metric::Pinball), ("huber", Metric::Huber)];

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TweedieDeviance(power) => write!(f, "tweedie_deviance:{power}"),
            Self::Pinball(quantile) => write!(f, "pinball:{quantile}"),
            Self::Huber(delta) => write!(f, "huber:{delta}"),
            plain => {
                let name = PLAIN.iter().find(|(_, metric)| metric == plain).map(|(name, _)| *name);
                f.write_str(name.unwrap_or_default())
            }
        }
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

impl TryFrom<String> for Metric {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((_, metric)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(*metric);
        }
        let with_number = text.split_once(':').and_then(|(name, number)| {
            let (_, make) = WITH_NUMBER.iter().find(|(known, _)| *known == name)?;
            Some(make(number.parse().ok()?))
        });
        with_number.ok_or_else(|| {
            let plain = PLAIN.iter().map(|(name, _)| (*name).to_owned());
            let names: Vec<String> =
                plain.chain(WITH_NUMBER.iter().map(|(name, _)| format!("{name}:NUMBER"))).collect();
            let expected = format!("one of {}", names.join(", ")).into();
            Error::Parameter { name: "metric", value: text.to_owned(), expected }
        })
    }
}

impl Metric {
    /// What is searched for where nothing else is said: log loss of classes, RMSE of numbers.
    #[must_use]
    pub fn usual(kind: &TargetKind) -> Self {
        match kind {
            TargetKind::Binary | TargetKind::Class { .. } => Self::LogLoss,
            _ => Self::Rmse,
        }
    }

    /// Whether lower or higher is better.
    #[must_use]
    pub fn goal(self) -> Goal {
        match self {
            Self::RocAuc
            | Self::AveragePrecision
            | Self::Accuracy
            | Self::F1
            | Self::R2
            | Self::NormalisedGini => Goal::Maximise,
            _ => Goal::Minimise,
        }
    }

    /// Refuses a target that the metric is not for, or a number out of range.
    ///
    /// # Errors
    /// [`Error::Unsupported`]; [`Error::Parameter`] for the power, quantile or distance.
    pub fn check(self, kind: &TargetKind) -> Result<()> {
        use Metric::{Accuracy, AveragePrecision, Brier, F1, LogLoss, RocAuc};
        let (fits, words) = match kind {
            TargetKind::Binary => (
                matches!(self, LogLoss | Brier | RocAuc | AveragePrecision | Accuracy | F1),
                "a binary target",
            ),
            TargetKind::Class { .. } => {
                (matches!(self, LogLoss | Brier | RocAuc | Accuracy | F1), "a target of several classes")
            }
            _ => (
                !matches!(self, LogLoss | Brier | RocAuc | AveragePrecision | Accuracy | F1),
                "a numeric target",
            ),
        };
        if !fits {
            return Err(Error::unsupported(format!("the metric {self}"), words));
        }
        if matches!(self, Self::TweedieDeviance(_) | Self::Pinball(_) | Self::Huber(_)) {
            // Values that every number in range accepts: what is refused is the number.
            self.numeric(&[1.0, 2.0], &[1.0, 2.0], None)?;
        }
        Ok(())
    }

    /// The score of predictions, rows × outputs of a model.
    ///
    /// # Errors
    /// What the metric refuses; [`Error::Shape`] where there is not one output (or one a class).
    pub fn score(
        self,
        kind: &TargetKind,
        labels: &[f64],
        predicted: ArrayView2<'_, f64>,
        weights: Option<&[f64]>,
    ) -> Result<f64> {
        let outputs = if let TargetKind::Class { classes } = kind { classes.len() } else { 1 };
        if predicted.ncols() != outputs {
            return Err(Error::Shape {
                what: "outputs of the model",
                expected: outputs,
                found: predicted.ncols(),
            });
        }
        let (y, w) = (labels, weights);
        if outputs > 1 {
            let p = predicted;
            return Ok(match self {
                Self::Brier => m::multiclass_brier(y, p, w)?,
                Self::RocAuc => m::roc_auc_macro(y, p, w)?,
                Self::Accuracy => m::multiclass_accuracy(y, p, w)?,
                Self::F1 => m::f1_macro(y, p, w)?,
                _ => m::multiclass_log_loss(y, p, w)?,
            });
        }
        let p = predicted.column(0).to_vec();
        Ok(match self {
            Self::LogLoss => m::log_loss(y, &p, w)?,
            Self::Brier => m::brier(y, &p, w)?,
            Self::RocAuc => m::roc_auc(y, &p, w)?,
            Self::AveragePrecision => m::average_precision(y, &p, w)?,
            Self::Accuracy => m::accuracy(y, &p, w, 0.5)?,
            Self::F1 => m::f1(y, &p, w, 0.5)?,
            _ => self.numeric(y, &p, w)?,
        })
    }

    fn numeric(self, y: &[f64], p: &[f64], w: Option<&[f64]>) -> Result<f64> {
        Ok(match self {
            Self::Mae => m::mae(y, p, w)?,
            Self::R2 => m::r2(y, p, w)?,
            Self::PoissonDeviance => m::poisson_deviance(y, p, w)?,
            Self::GammaDeviance => m::gamma_deviance(y, p, w)?,
            Self::TweedieDeviance(power) => m::tweedie_deviance(y, p, w, power)?,
            Self::Pinball(quantile) => m::pinball_loss(y, p, w, quantile)?,
            Self::Huber(delta) => m::huber_loss(y, p, w, delta)?,
            Self::NormalisedGini => m::normalised_gini(y, p, w)?,
            _ => m::rmse(y, p, w)?,
        })
    }
}
