//! The fitted contact churn model: a calibrated model that knows its words.

use std::fmt;
use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_backends::CalibratedModel;
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Metadata, Model, Output, Result, Schema, TypedRow,
};
use tenure_features::contacts::ContactRow;

use super::decision::{ContactChurn, recommend};
use super::params::ContactChurnParams;
use crate::decision::{Interval, factors};

/// Reasons given with a decision.
const MOST_FACTORS: usize = 5;

/// What a contact churn model is beside its learner: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactSettings {
    /// What it was trained with.
    pub params: ContactChurnParams,
    /// Name of the target.
    pub target: String,
    /// Probability from which a contact is at risk.
    pub threshold: f64,
    /// Version that decisions carry, e.g. `contact-churn-1f0c…`.
    pub version: String,
    /// Rows (contacts × instants) learned from.
    pub rows: usize,
    /// Share of them that churned.
    pub churn_rate: f64,
}

/// A fitted contact churn model.
///
/// As a [`Model`] it gives one output, `churn_probability`, calibrated and explained in log-odds.
pub struct ContactChurnModel {
    inner: CalibratedModel,
    /// Logistic regression on all features: the baseline of every evaluation.
    logistic: Box<dyn Model>,
    /// Median of each feature over the training rows; NaN where it is always missing.
    typical: Vec<f64>,
    settings: ContactSettings,
    outputs: [Output; 1],
}

impl fmt::Debug for ContactChurnModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = &self.settings.version;
        f.debug_struct("ContactChurnModel")
            .field("version", version)
            .field("features", &self.typical.len())
            .finish()
    }
}

impl ContactChurnModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "contact-churn";
    const VERSION: u32 = 1;

    pub(crate) fn new(
        inner: CalibratedModel,
        logistic: Box<dyn Model>,
        typical: Vec<f64>,
        settings: ContactSettings,
    ) -> Result<Self> {
        let width = inner.schema().len();
        for (what, expected, found) in [
            ("typical values", width, typical.len()),
            ("columns of the logistic baseline", width, logistic.schema().len()),
            ("outputs of the logistic baseline", 1, logistic.outputs().len()),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        let outputs = [Output::probability(settings.target.as_str()).named("churn_probability")];
        Ok(Self { inner, logistic, typical, settings, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the backend's loader; [`Error::ArtifactDamaged`] where the pieces do not fit
    /// each other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let settings: ContactSettings = artifact.config()?;
        let damaged = |e: Error| Error::damaged(e.to_string());
        settings.params.check().map_err(damaged)?;
        let inner = CalibratedModel::from_artifact(artifact.child("model")?)?;
        let logistic = tenure_backends::load(artifact.child("logistic")?)?;
        let typical = artifact.numbers("typical.f64")?;
        Self::new(inner, logistic, typical, settings).map_err(damaged)
    }

    /// Writes the model to a folder; see [`Artifact::save`]. `created` is the time to note, RFC 3339.
    ///
    /// # Errors
    /// As [`Artifact::save`].
    pub fn save(&self, dir: &Path, created: Option<String>, metadata: Metadata) -> Result<()> {
        let metadata = Metadata {
            created,
            rows: Some(self.settings.rows),
            features: self.schema().names().map(str::to_owned).collect(),
            ..metadata
        };
        self.to_artifact().save(dir, &metadata)
    }

    /// Reads the model in a folder; see [`Artifact::load`].
    ///
    /// # Errors
    /// As [`Artifact::load`] and [`ContactChurnModel::from_artifact`].
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &ContactSettings {
        &self.settings
    }

    /// Median of each feature over the training rows.
    #[must_use]
    pub fn typical(&self) -> &[f64] {
        &self.typical
    }

    /// Whether it reads [`ContactRow`]s.
    #[must_use]
    pub fn reads_contact_rows(&self) -> bool {
        *self.schema() == ContactRow::schema()
    }

    /// The whole decision about one contact, from one value a feature.
    ///
    /// # Errors
    /// As [`Model::predict_row`].
    pub fn decide(&self, contact_id: &str, row: &[f64]) -> Result<ContactChurn> {
        let mut out = [0.0];
        self.predict_row(row, &mut out)?;
        let [probability] = out;
        let range = self.inner.interval(probability);
        let interval = Interval { low: range.low, high: range.high, level: self.inner.level() };
        let risk_factors = if self.capabilities().explains {
            factors(self.schema(), row, &self.typical, &self.explain_row(row, 0)?, MOST_FACTORS)
        } else {
            Vec::new()
        };
        let risk_level = self.settings.params.risk_bounds.level(probability);
        let threshold = self.settings.threshold;
        let is_at_risk = probability >= threshold;
        let below = range.rate_below(threshold, probability, interval.level);
        Ok(ContactChurn {
            contact_id: contact_id.to_owned(),
            churn_probability: probability,
            interval,
            is_at_risk,
            risk_level,
            confidence: if is_at_risk { 1.0 - below } else { below },
            recommendations: recommend(risk_level, is_at_risk, &risk_factors),
            risk_factors,
            model_version: self.settings.version.clone(),
        })
    }

    /// The whole decision about one contact of a model that reads [`ContactRow`]s.
    ///
    /// # Errors
    /// [`Error::Columns`] for a model of another table, [`Error::Row`] for values out of range.
    pub fn score(&self, contact_id: &str, row: &ContactRow) -> Result<ContactChurn> {
        if !self.reads_contact_rows() {
            let names: Vec<&str> = ContactRow::fields().iter().map(|f| f.name).collect();
            self.schema().match_columns(&names)?;
            return Err(Error::Data(
                "the model has the features of a contact row with another meaning".into(),
            ));
        }
        row.check()?;
        self.decide(contact_id, &row.to_values())
    }

    /// The whole decision from a JSON object that has every feature of the model and no other.
    ///
    /// # Errors
    /// [`Error::Row`] naming every field that is missing, unknown, of another type or, in a contact row, out of
    /// range.
    pub fn score_json(&self, contact_id: &str, row: &Value) -> Result<ContactChurn> {
        if self.reads_contact_rows() {
            self.score(contact_id, &ContactRow::from_json(row)?)
        } else {
            self.decide(contact_id, &self.schema().values_of_json(row)?)
        }
    }

    /// The probabilities of the logistic baseline, one a row.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    pub(crate) fn predict_logistic(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        Ok(self.logistic.predict(x)?.column(0).to_vec())
    }
}

impl Model for ContactChurnModel {
    fn schema(&self) -> &Schema {
        self.inner.schema()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.inner.predict_into(x, out)
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        self.inner.predict_row(row, out)
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        self.inner.explain_row(row, output)
    }

    fn to_artifact(&self) -> Artifact {
        Artifact::from_json(Self::KIND, Self::VERSION, serde_json::json!(self.settings))
            .with_numbers("typical.f64", &self.typical)
            .with_child("model", self.inner.to_artifact())
            .with_child("logistic", self.logistic.to_artifact())
    }
}
