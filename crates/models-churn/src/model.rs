//! The fitted churn model: a backend's model, calibrated, that knows its own words.

use std::cell::RefCell;
use std::fmt;
use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2, Axis, concatenate};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Metadata, Model, Output, Result, Scale, Schema, check_batch,
    check_explained, check_input, check_row,
};
use tenure_eval::calibration::{CalibratedInterval, Calibrator};
use tenure_features::{FeatureSet, FuzzyAxes, OrderFeatures, Timestamp};

use crate::decision::{ChurnPrediction, Confidence, Interval, factors, recommend};
use crate::params::ChurnParams;

/// Reasons given with a decision.
const MOST_FACTORS: usize = 5;

/// Log-odds beyond which a probability is 0 or 1 to the last bit.
const MAX_LOG_ODDS: f64 = 36.0;

/// What a churn model is beside its learner: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChurnSettings {
    /// What it was trained with.
    pub params: ChurnParams,
    /// [`OrderFeatures::VERSION`] at training.
    pub features_version: u32,
    /// Probability from which a customer is at risk.
    pub threshold: f64,
    /// Worth of keeping a customer that profits are computed with, in the currency of the log.
    pub saved_value: f64,
    /// Version that decisions carry, e.g. `churn-1f0c…`.
    pub version: String,
    /// No order at or after this instant was used.
    pub until: Timestamp,
    /// Instants of the training snapshots, rising.
    pub snapshots: Vec<Timestamp>,
    /// Customers × snapshots learned from.
    pub rows: usize,
    /// Share of them that churned.
    pub churn_rate: f64,
}

/// A fitted churn model.
///
/// As a [`Model`] it reads the order features of `tenure-features` and gives one output, `churn_probability`,
/// calibrated and explained in log-odds. What the fuzzy axes contribute is counted to the feature they are
/// made of.
pub struct ChurnModel {
    /// Reads the order features with their fuzzy memberships behind them.
    pub(crate) inner: Box<dyn Model>,
    /// Logistic regression on recency alone: the baseline of every evaluation.
    pub(crate) recency: Box<dyn Model>,
    pub(crate) axes: FuzzyAxes,
    pub(crate) schema: Schema,
    pub(crate) calibrator: Calibrator,
    pub(crate) intervals: CalibratedInterval,
    /// Median of each feature over the training rows; NaN where it is always missing.
    pub(crate) typical: Vec<f64>,
    pub(crate) settings: ChurnSettings,
    /// For each membership the column of the feature it is made of.
    sources: Vec<usize>,
    outputs: [Output; 1],
}

impl fmt::Debug for ChurnModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = &self.settings.version;
        f.debug_struct("ChurnModel").field("version", version).field("features", &self.schema.len()).finish()
    }
}

#[derive(Serialize, Deserialize)]
struct Config {
    schema: Schema,
    axes: FuzzyAxes,
    calibrator: Calibrator,
    intervals: CalibratedInterval,
    settings: ChurnSettings,
}

/// The pieces that training makes.
pub(crate) struct Parts {
    pub(crate) inner: Box<dyn Model>,
    pub(crate) recency: Box<dyn Model>,
    pub(crate) axes: FuzzyAxes,
    pub(crate) schema: Schema,
    pub(crate) calibrator: Calibrator,
    pub(crate) intervals: CalibratedInterval,
    pub(crate) typical: Vec<f64>,
    pub(crate) settings: ChurnSettings,
}

impl ChurnModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "churn";
    const VERSION: u32 = 1;

    pub(crate) fn new(parts: Parts) -> Result<Self> {
        let Parts { inner, recency, axes, schema, calibrator, intervals, typical, settings } = parts;
        let inner_width = schema.len() + axes.output().len();
        for (what, expected, found) in [
            ("columns of the backend", inner_width, inner.schema().len()),
            ("outputs of the backend", 1, inner.outputs().len()),
            ("columns of the recency baseline", 1, recency.schema().len()),
            ("typical values", schema.len(), typical.len()),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        if *axes.input() != schema {
            return Err(Error::Data("the fuzzy axes read other columns than the model".into()));
        }
        let column = |feature: &str| schema.position(feature);
        let sources = axes.axes().iter().filter_map(|a| column(a.feature())).flat_map(|c| [c; 3]).collect();
        let outputs = [Output::probability("churned").named("churn_probability")];
        Ok(Self { inner, recency, axes, schema, calibrator, intervals, typical, settings, sources, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the backend's loader; [`Error::ArtifactDamaged`] where the pieces do not fit
    /// each other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { schema, axes, calibrator, intervals, settings } = artifact.config()?;
        let parts = Parts {
            inner: tenure_backends::load(artifact.child("backend")?)?,
            recency: tenure_backends::load(artifact.child("recency")?)?,
            axes,
            schema,
            calibrator,
            intervals,
            typical: artifact.numbers("typical.f64")?,
            settings,
        };
        Self::new(parts).map_err(|e| Error::damaged(e.to_string()))
    }

    /// Writes the model to a folder; see [`Artifact::save`]. `created` is the time to note, RFC 3339.
    ///
    /// # Errors
    /// As [`Artifact::save`].
    pub fn save(&self, dir: &Path, created: Option<String>, metadata: Metadata) -> Result<()> {
        let first = self.settings.snapshots.first().map(|s| s.plus_days(-self.observation_days()));
        let metadata = Metadata {
            created,
            data_range: first.map(|first| (first.to_string(), self.settings.until.to_string())),
            rows: Some(self.settings.rows),
            features: self.schema.names().map(str::to_owned).collect(),
            ..metadata
        };
        self.to_artifact().save(dir, &metadata)
    }

    /// Reads the model in a folder; see [`Artifact::load`].
    ///
    /// # Errors
    /// As [`Artifact::load`] and [`ChurnModel::from_artifact`].
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &ChurnSettings {
        &self.settings
    }

    /// Median of each feature over the training rows.
    #[must_use]
    pub fn typical(&self) -> &[f64] {
        &self.typical
    }

    fn observation_days(&self) -> i64 {
        i64::from(self.settings.params.observation_days)
    }

    /// Refuses features that are not, by name, place and meaning, those the model was trained on.
    ///
    /// # Errors
    /// [`Error::Columns`] naming what is missing and unexpected; [`Error::Data`] for another order or meaning.
    pub fn require_features(&self, features: &FeatureSet) -> Result<()> {
        let offered: Vec<&str> = features.schema().names().collect();
        let places = self.schema.match_columns(&offered)?;
        if places.iter().enumerate().any(|(i, &place)| i != place) {
            return Err(Error::Data("the features are those of the model, but in another order".into()));
        }
        let (trained, now) = (self.settings.features_version, OrderFeatures::VERSION);
        if trained != now {
            return Err(Error::Data(format!(
                "the model was trained on version {trained} of the order features, this program computes {now}: \
                 train it again"
            )));
        }
        Ok(())
    }

    /// The whole decision about one customer from a row of order features.
    ///
    /// # Errors
    /// As [`Model::predict_row`].
    pub fn decide(&self, customer_id: &str, as_of: Timestamp, row: &[f64]) -> Result<ChurnPrediction> {
        let mut out = [0.0];
        self.predict_row(row, &mut out)?;
        let [probability] = out;
        let interval = self.interval(probability);
        let explanation = self.explain_row(row, 0)?;
        let risk_factors = factors(&self.schema, row, &self.typical, &explanation, MOST_FACTORS);
        let risk_level = self.settings.params.risk_bounds.level(probability);
        let is_at_risk = probability >= self.settings.threshold;
        Ok(ChurnPrediction {
            customer_id: customer_id.to_owned(),
            as_of: as_of.to_string(),
            churn_probability: probability,
            interval,
            is_at_risk,
            risk_level,
            confidence: Confidence::of(interval, self.settings.threshold),
            recommendation: recommend(risk_level, is_at_risk, &risk_factors),
            risk_factors,
            model_version: self.settings.version.clone(),
            fallback_reason: None,
        })
    }

    /// The range around a calibrated probability.
    #[must_use]
    pub fn interval(&self, probability: f64) -> Interval {
        let tenure_eval::calibration::Interval { low, high } = self.intervals.interval(probability);
        Interval { low, high, level: self.intervals.level() }
    }

    /// The backend's probabilities before calibration, one a row.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    pub fn predict_uncalibrated(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let memberships = self.axes.transform(x)?;
        let wide = concatenate(Axis(1), &[x, memberships.view()])
            .map_err(|e| Error::Internal(format!("joining the memberships: {e}")))?;
        Ok(self.inner.predict(wide.view())?.column(0).to_vec())
    }

    /// The probabilities of the recency baseline, one a row.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    pub fn predict_recency(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        check_input(&self.schema, x)?;
        let name = self.recency.schema().features()[0].name.as_str();
        let column =
            self.schema.position(name).ok_or_else(|| Error::Internal(format!("no column `{name}`")))?;
        let only = x.column(column).to_owned().insert_axis(Axis(1));
        Ok(self.recency.predict(only.view())?.column(0).to_vec())
    }

    /// Runs `work` on the row with its memberships behind it, in memory that the thread keeps.
    fn widened<T>(&self, row: &[f64], work: impl FnOnce(&[f64]) -> Result<T>) -> Result<T> {
        thread_local! {
            static WIDE: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
        }
        // Taken, not borrowed: `work` may reach another churn model on this thread.
        let mut wide = WIDE.take();
        wide.clear();
        wide.extend_from_slice(row);
        let result = self.axes.append_row(&mut wide).and_then(|()| work(&wide));
        WIDE.set(wide);
        result
    }

    /// Calibrated log-odds of the backend's log-odds.
    fn calibrated_log_odds(&self, log_odds: f64) -> f64 {
        let probability = self.calibrator.apply(Scale::LogOdds.to_output(log_odds));
        Scale::LogOdds.from_output(probability).clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)
    }
}

impl Model for ChurnModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, 1, x, out.dim())?;
        for (place, value) in out.iter_mut().zip(self.predict_uncalibrated(x)?) {
            *place = self.calibrator.apply(value);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, 1, out)?;
        self.widened(row, |wide| self.inner.predict_row(wide, out))?;
        out[0] = self.calibrator.apply(out[0]);
        Ok(())
    }

    /// The backend's contributions, those of fuzzy memberships counted to their feature, stretched so that
    /// they add up to the calibrated log-odds.
    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, 1, row, output)?;
        let inner = self.widened(row, |wide| self.inner.explain_row(wide, output))?;
        let (raw, memberships) = inner.contributions.split_at(self.schema.len());
        let mut contributions = raw.to_vec();
        for (&column, value) in self.sources.iter().zip(memberships) {
            contributions[column] += value;
        }
        let explanation = Explanation { output, contributions, ..inner };
        Ok(explanation.mapped(Scale::LogOdds, |log_odds| self.calibrated_log_odds(log_odds)))
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "schema": self.schema,
            "axes": self.axes,
            "calibrator": self.calibrator,
            "intervals": self.intervals,
            "settings": self.settings,
        });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
            .with_numbers("typical.f64", &self.typical)
            .with_child("backend", self.inner.to_artifact())
            .with_child("recency", self.recency.to_artifact())
    }
}
