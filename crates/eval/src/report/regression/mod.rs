//! From predicted numbers, and what came true, to a report.

mod charts;
mod figures;
mod sections;

use serde::{Deserialize, Serialize};

use super::NumberFormat;
use super::model::{Factor, KeyFigure, Report, Timeline};
use super::shared::{Importance, Role};
use crate::check;
use crate::{Error, Result};
use figures::Judged;

/// One model's predictions for the rows judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedModel {
    /// Short name for legends and headings.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// One number a row.
    pub predictions: Vec<f64>,
}

/// The words of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValueWording {
    /// One row (`lead`).
    pub item: String,
    /// Several rows (`leads`).
    pub items: String,
    /// What is predicted (`score`).
    pub value: String,
    /// Its unit in words, empty where it needs none (`points`).
    pub unit: String,
}

impl Default for ValueWording {
    fn default() -> Self {
        Self { item: "row".into(), items: "rows".into(), value: "value".into(), unit: String::new() }
    }
}

/// Ranges in which the actual values of the rows should lie.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueIntervals {
    /// Lower end of each row.
    pub low: Vec<f64>,
    /// Upper end of each row.
    pub high: Vec<f64>,
    /// Share of the rows whose value should lie in its range, above 0, below 1.
    pub level: f64,
}

/// One row's prediction, explained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExplainedValue {
    /// Which row: an identifier that the reader knows.
    pub id: String,
    /// The prediction.
    pub value: f64,
    /// Interval around it.
    pub interval: Option<(f64, f64)>,
    /// The verdict in a word or two (`hot`).
    pub level: String,
    /// What moved the prediction, most first.
    pub factors: Vec<Factor>,
    /// What to do.
    pub recommendation: String,
}

/// Everything known about predicted numbers on rows that the model was not trained on.
///
/// Only `models` and `actual` are needed; what is empty is left out of the report.
///
/// # Example
/// ```
/// use tenure_eval::report::{PredictedModel, RegressionEvaluation, Role, ValueWording};
///
/// let model = |name: &str, role, predictions: &[f64]| PredictedModel {
///     name: name.into(),
///     role,
///     predictions: predictions.to_vec(),
/// };
/// let evaluation = RegressionEvaluation {
///     title: "Lead scores".into(),
///     wording: ValueWording {
///         item: "lead".into(),
///         items: "leads".into(),
///         value: "score".into(),
///         unit: "points".into(),
///     },
///     models: vec![
///         model("Model", Role::Model, &[12.0, 35.0, 52.0, 80.0]),
///         model("Mean", Role::Baseline, &[45.0; 4]),
///     ],
///     actual: vec![10.0, 30.0, 60.0, 85.0],
///     ..RegressionEvaluation::default()
/// };
/// let page = evaluation.report()?.to_html();
/// assert!(page.contains("score is off by 5.0 points on average"));
/// # Ok::<(), tenure_eval::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegressionEvaluation {
    /// Title of the report.
    pub title: String,
    /// What was judged, in a phrase (`400 leads that no fit has seen`).
    pub subject: String,
    /// The words of the domain.
    pub wording: ValueWording,
    /// How values are shown.
    pub format: NumberFormat,
    /// What was trained on which period, and judged on which.
    pub timeline: Timeline,
    /// Facts about the training: rows, features, kind of model.
    pub training: Vec<KeyFigure>,
    /// The models, their baselines and the oracle; at least one of [`Role::Model`].
    pub models: Vec<PredictedModel>,
    /// What came true, one number a row.
    pub actual: Vec<f64>,
    /// The first model's ranges.
    pub intervals: Option<ValueIntervals>,
    /// How much each feature matters, in any order; the twenty largest are shown.
    pub importances: Vec<Importance>,
    /// How the importances were measured, in a sentence.
    pub importance_method: String,
    /// A few rows, explained.
    pub explained: Vec<ExplainedValue>,
    /// Reservations to show before everything else, beside those the report finds itself.
    pub warnings: Vec<String>,
    /// Remarks for the end.
    pub notes: Vec<String>,
}

impl RegressionEvaluation {
    /// Computes all figures and puts them in order for a reader.
    ///
    /// # Errors
    /// [`Error::Parameter`] without a model or with a level out of range; otherwise as
    /// [`crate::metrics::RegressionReport::new`] for any of the models, and as
    /// [`crate::metrics::interval_coverage`] for the intervals.
    pub fn report(&self) -> Result<Report> {
        self.check()?;
        let mut models: Vec<&PredictedModel> = self.models.iter().collect();
        models.sort_by_key(|m| m.role);
        let judged: Vec<Judged<'_>> =
            models.into_iter().map(|model| Judged::new(self, model)).collect::<Result<_>>()?;
        sections::report(self, &judged)
    }

    fn check(&self) -> Result<()> {
        if !self.models.iter().any(|m| m.role == Role::Model) {
            return Err(Error::parameter("models", self.models.len(), "at least one whose role is Model"));
        }
        if let Some(intervals) = &self.intervals {
            check::level(intervals.level)?;
            check::same_length("ends of intervals", self.actual.len(), intervals.low.len())?;
        }
        let importances: Vec<f64> = self.importances.iter().map(|i| i.importance).collect();
        check::all("importance", &importances, "a finite number", f64::is_finite)?;
        let explained: Vec<f64> = self.explained.iter().map(|row| row.value).collect();
        check::all("explained value", &explained, "a finite number", f64::is_finite)
    }
}
