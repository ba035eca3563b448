//! From the probabilities of a binary classifier, and what came true, to a report.

mod charts;
mod figures;
mod sections;

use serde::{Deserialize, Serialize};

use super::model::{Factor, KeyFigure, Report, Timeline};
use super::shared::{Importance, Role};
use crate::check;
use crate::{Error, Result};
use figures::Judged;

/// One model's probabilities for the rows judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoredModel {
    /// Short name for legends and headings.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// One probability a row, 0 to 1.
    pub probabilities: Vec<f64>,
}

/// The words of the domain. The default is customer churn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wording {
    /// One row (`customer`).
    pub item: String,
    /// Several rows (`customers`).
    pub items: String,
    /// What label 1 means, in the past tense (`left`).
    pub happened: String,
    /// What label 0 means, in the past tense (`stayed`).
    pub did_not: String,
    /// The rows of label 1 (`customers who left`).
    pub positives: String,
    /// The rows of label 0 (`customers who stayed`).
    pub negatives: String,
    /// What the probability is (`risk of leaving`).
    pub risk: String,
    /// The rows with the highest probabilities (`riskiest`).
    pub top: String,
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            item: "customer".into(),
            items: "customers".into(),
            happened: "left".into(),
            did_not: "stayed".into(),
            positives: "customers who left".into(),
            negatives: "customers who stayed".into(),
            risk: "risk of leaving".into(),
            top: "riskiest".into(),
        }
    }
}

/// What acting on a prediction costs and brings.
///
/// Contacting `n` rows of which `t` are positives brings `t · success_rate · saved_value − n · contact_cost`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfitAssumptions {
    /// Cost of one contact, at least 0.
    pub contact_cost: f64,
    /// What is gained where a positive is won over.
    pub saved_value: f64,
    /// Share of the contacted positives that are won over, 0 to 1.
    pub success_rate: f64,
    /// Symbol or code of the currency; empty where it is not known.
    pub currency: String,
}

/// One row's prediction, explained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExplainedRow {
    /// Which row: an identifier that the reader knows.
    pub id: String,
    /// The predicted probability.
    pub probability: f64,
    /// Interval around it.
    pub interval: Option<(f64, f64)>,
    /// The verdict in a word or two (`high risk`).
    pub level: String,
    /// What moved the prediction, most first.
    pub factors: Vec<Factor>,
    /// What to do.
    pub recommendation: String,
}

/// Everything known about a binary classifier on rows that it was not trained on.
///
/// Only `models`, `labels` and `threshold` are needed; what is empty is left out of the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BinaryEvaluation {
    /// Title of the report.
    pub title: String,
    /// What was judged, in a phrase (`5,000 customers, judged on 1 July 2024`).
    pub subject: String,
    /// The words of the domain.
    pub wording: Wording,
    /// What was trained on which period, and judged on which.
    pub timeline: Timeline,
    /// Facts about the training: rows, features, kind of model.
    pub training: Vec<KeyFigure>,
    /// The models, their baselines and the oracle; at least one of [`Role::Model`].
    pub models: Vec<ScoredModel>,
    /// What came true: 0 or 1 a row.
    pub labels: Vec<f64>,
    /// How many times each row counts.
    pub weights: Option<Vec<f64>>,
    /// Rows with at least this probability are acted upon, 0 to 1.
    pub threshold: f64,
    /// What acting costs and brings.
    pub profit: Option<ProfitAssumptions>,
    /// How much each feature matters, in any order; the twenty largest are shown.
    pub importances: Vec<Importance>,
    /// How the importances were measured, in a sentence.
    pub importance_method: String,
    /// A few rows, explained.
    pub explained: Vec<ExplainedRow>,
    /// Reservations to show before everything else, beside those the report finds itself.
    pub warnings: Vec<String>,
    /// Remarks for the end.
    pub notes: Vec<String>,
}

impl BinaryEvaluation {
    /// Computes all figures and puts them in order for a reader.
    ///
    /// # Errors
    /// [`Error::Parameter`] without a model or with a threshold, cost or rate out of range; otherwise as
    /// [`crate::metrics::BinaryReport::new`] for any of the models: lengths that differ, a probability outside
    /// [0, 1], labels of one class.
    pub fn report(&self) -> Result<Report> {
        self.check()?;
        let mut models: Vec<&ScoredModel> = self.models.iter().collect();
        models.sort_by_key(|m| m.role);
        let judged: Vec<Judged<'_>> =
            models.into_iter().map(|model| Judged::new(self, model)).collect::<Result<_>>()?;
        sections::report(self, &judged)
    }

    fn check(&self) -> Result<()> {
        if !self.models.iter().any(|m| m.role == Role::Model) {
            return Err(Error::parameter("models", self.models.len(), "at least one whose role is Model"));
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(Error::parameter("threshold", self.threshold, "a number from 0 to 1"));
        }
        if let Some(profit) = &self.profit {
            let amount = |name, value: f64| {
                let fits = value.is_finite() && value >= 0.0;
                if fits { Ok(()) } else { Err(Error::parameter(name, value, "finite, at least 0")) }
            };
            amount("contact_cost", profit.contact_cost)?;
            amount("saved_value", profit.saved_value)?;
            if !(0.0..=1.0).contains(&profit.success_rate) {
                return Err(Error::parameter("success_rate", profit.success_rate, "a number from 0 to 1"));
            }
        }
        let importances: Vec<f64> = self.importances.iter().map(|i| i.importance).collect();
        check::all("importance", &importances, "a finite number", f64::is_finite)?;
        let explained: Vec<f64> = self.explained.iter().map(|row| row.probability).collect();
        check::check_probabilities(&explained)
    }
}
