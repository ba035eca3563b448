//! The fitted lead model: a backend's model that knows how sure it is, its tiers and its words.

use std::fmt;
use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_backends::{Backend, CalibratedModel};
use tenure_core::params::require;
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Metadata, Model, Output, Result, Scale, Schema, TypedRow,
    check_batch, check_explained, check_row,
};
use tenure_eval::conformal::ConformalInterval;
use tenure_features::contacts::LeadRow;

use crate::decision::{LeadFactors, LeadScore, ScoreInterval, Tier, recommend};
use crate::params::{Goal, LeadParams, TierBounds};

/// Errors kept of a model of scores, evenly over their order.
const MOST_ERRORS: usize = 1_000;

/// What a lead model is beside its learner: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadSettings {
    /// What it was trained with.
    pub params: LeadParams,
    /// What was learned.
    pub goal: Goal,
    /// Name of the target.
    pub target: String,
    /// The learner, with what a search found.
    pub backend: Backend,
    /// Where the tiers begin.
    pub bounds: TierBounds,
    /// Version that scores carry, e.g. `lead-1f0c…`.
    pub version: String,
    /// Leads learned from.
    pub rows: usize,
    /// Their mean score, or the share of them that converted.
    pub mean: f64,
}

impl LeadSettings {
    /// What a model is loaded with.
    fn check(&self) -> Result<()> {
        self.params.check()?;
        let TierBounds { hot, warm } = self.bounds;
        require("bounds", format!("hot {hot}, warm {warm}"), warm <= hot, "warm at most hot")
    }
}

/// A fitted lead model.
///
/// As a [`Model`] it gives one output: `score`, 0 to 100, explained in points, or `conversion_probability`,
/// calibrated and explained in log-odds. [`LeadModel::decide`] gives a score of 0 to 100 of both.
pub struct LeadModel {
    scorer: Scorer,
    /// The linear model that every evaluation prints beside it; `None` where it could not be fitted.
    linear: Option<Box<dyn Model>>,
    /// Median of each feature over the training rows; NaN where it is always missing.
    typical: Vec<f64>,
    settings: LeadSettings,
    outputs: [Output; 1],
}

/// How the score comes about, and how sure it is.
pub(crate) enum Scorer {
    Score(ScoreModel),
    Conversion(CalibratedModel),
}

/// A model of scores and its held-out errors.
pub(crate) struct ScoreModel {
    model: Box<dyn Model>,
    interval: ConformalInterval,
    /// Actual less predicted, rising.
    errors: Vec<f64>,
}

impl ScoreModel {
    /// With what is learned from scores and predictions of fits that have not seen them.
    pub(crate) fn new(
        model: Box<dyn Model>,
        actual: &[f64],
        held_out: &[f64],
        level: f64,
    ) -> tenure_eval::Result<Self> {
        let interval = ConformalInterval::fit(actual, held_out, level)?;
        let mut errors: Vec<f64> = actual.iter().zip(held_out).map(|(y, p)| y - p).collect();
        errors.sort_by(f64::total_cmp);
        let kept = errors.len().min(MOST_ERRORS);
        let errors = (0..kept).map(|i| errors[(2 * i + 1) * errors.len() / (2 * kept)]).collect();
        Ok(Self { model, interval, errors })
    }

    /// Share of the errors with which a score stays within `[from, to)`.
    fn share_within(&self, score: f64, (from, to): (f64, f64)) -> f64 {
        let below = |bound: f64| self.errors.partition_point(|error| score + error < bound);
        (below(to) - below(from)) as f64 / self.errors.len() as f64
    }
}

impl fmt::Debug for LeadModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = &self.settings.version;
        f.debug_struct("LeadModel").field("version", version).field("features", &self.typical.len()).finish()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    settings: LeadSettings,
    /// Of a model of scores: its interval, and how many held-out errors it has.
    interval: Option<(ConformalInterval, usize)>,
    /// Whether there is a linear baseline.
    linear: bool,
}

impl LeadModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "lead";
    const VERSION: u32 = 1;

    pub(crate) fn new(
        scorer: Scorer,
        linear: Option<Box<dyn Model>>,
        typical: Vec<f64>,
        settings: LeadSettings,
    ) -> Result<Self> {
        let output = match &scorer {
            Scorer::Score(score) => {
                if score.errors.is_empty() {
                    return Err(Error::Data("a model of scores without held-out errors".into()));
                }
                Output::value(settings.target.as_str(), "points").named("score")
            }
            Scorer::Conversion(_) => {
                Output::probability(settings.target.as_str()).named("conversion_probability")
            }
        };
        let model = Self { scorer, linear, typical, settings, outputs: [output] };
        let width = model.schema().len();
        let linear = model.linear.as_ref();
        for (what, expected, found) in [
            ("outputs of the backend", 1, model.inner().outputs().len()),
            ("typical values", width, model.typical.len()),
            ("columns of the linear baseline", width, linear.map_or(width, |m| m.schema().len())),
            ("outputs of the linear baseline", 1, linear.map_or(1, |m| m.outputs().len())),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        Ok(model)
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the backend's loader; [`Error::ArtifactDamaged`] where the pieces do not fit
    /// each other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { settings, interval, linear } = artifact.config()?;
        settings.check().map_err(|e| Error::damaged(e.to_string()))?;
        let child = artifact.child("model")?;
        let scorer = match (settings.goal, interval) {
            (Goal::Score, Some((interval, count))) => {
                let errors = artifact.numbers("errors.f64")?;
                if errors.len() != count || errors.iter().any(|e| !e.is_finite()) || !errors.is_sorted() {
                    return Err(Error::damaged("the held-out errors are not those noted, or do not rise"));
                }
                Scorer::Score(ScoreModel { model: tenure_backends::load(child)?, interval, errors })
            }
            (Goal::Conversion, None) => Scorer::Conversion(CalibratedModel::from_artifact(child)?),
            _ => return Err(Error::damaged("the goal and the interval do not fit each other")),
        };
        let linear = linear.then(|| tenure_backends::load(artifact.child("linear")?)).transpose()?;
        let typical = artifact.numbers("typical.f64")?;
        Self::new(scorer, linear, typical, settings).map_err(|e| Error::damaged(e.to_string()))
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
    /// As [`Artifact::load`] and [`LeadModel::from_artifact`].
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &LeadSettings {
        &self.settings
    }

    /// Median of each feature over the training rows.
    #[must_use]
    pub fn typical(&self) -> &[f64] {
        &self.typical
    }

    /// Whether it reads [`LeadRow`]s.
    #[must_use]
    pub fn reads_lead_rows(&self) -> bool {
        *self.schema() == LeadRow::schema()
    }

    /// The scores of a batch, 0 to 100, one a row.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    pub fn scores(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        Ok(self.predict(x)?.iter().map(|&output| self.score_of(output)).collect())
    }

    /// Everything about one lead, from one value a feature.
    ///
    /// # Errors
    /// As [`Model::predict_row`].
    pub fn decide(&self, lead_id: &str, row: &[f64]) -> Result<LeadScore> {
        let mut out = [0.0];
        self.predict_row(row, &mut out)?;
        let score = self.score_of(out[0]);
        let quality_tier = self.settings.bounds.tier(score);
        let interval = self.interval(score);
        let factors = if self.capabilities().explains {
            let explanation = self.explain_row(row, 0)?;
            LeadFactors::of(self.settings.goal, self.schema(), row, &self.typical, &explanation)
        } else {
            LeadFactors::default()
        };
        Ok(LeadScore {
            lead_id: lead_id.to_owned(),
            score,
            quality_tier,
            confidence: self.confidence(score, quality_tier),
            interval,
            conversion_probability: (self.settings.goal == Goal::Conversion).then_some(out[0]),
            recommendation: recommend(quality_tier, self.schema(), row, &factors),
            factors,
            model_version: self.settings.version.clone(),
        })
    }

    /// Everything about one lead of a model that reads [`LeadRow`]s.
    ///
    /// # Errors
    /// [`Error::Columns`] for a model of another table, [`Error::Row`] for values out of range.
    pub fn score(&self, lead_id: &str, row: &LeadRow) -> Result<LeadScore> {
        if !self.reads_lead_rows() {
            let names: Vec<&str> = LeadRow::fields().iter().map(|f| f.name).collect();
            self.schema().match_columns(&names)?;
            return Err(Error::Data("the model has the features of a lead row with another meaning".into()));
        }
        row.check()?;
        self.decide(lead_id, &row.to_values())
    }

    /// Everything about one lead from a JSON object that has every feature of the model and no other.
    ///
    /// # Errors
    /// [`Error::Row`] naming every field that is missing, unknown, of another type or, in a lead row, out of
    /// range.
    pub fn score_json(&self, lead_id: &str, row: &Value) -> Result<LeadScore> {
        if self.reads_lead_rows() {
            self.score(lead_id, &LeadRow::from_json(row)?)
        } else {
            self.decide(lead_id, &self.schema().values_of_json(row)?)
        }
    }

    /// The range around a score, on the scale of scores.
    #[must_use]
    pub fn interval(&self, score: f64) -> ScoreInterval {
        let (low, high, level) = match &self.scorer {
            Scorer::Score(model) => {
                let (low, high) = model.interval.around(score);
                (low.clamp(0.0, 100.0), high.clamp(0.0, 100.0), model.interval.level())
            }
            Scorer::Conversion(model) => {
                let range = model.interval(score / 100.0);
                (100.0 * range.low, 100.0 * range.high, model.level())
            }
        };
        ScoreInterval { low, high, level }
    }

    /// How sure a tier is; see [`LeadScore::confidence`].
    pub(crate) fn confidence(&self, score: f64, tier: Tier) -> f64 {
        let range = self.settings.bounds.range(tier);
        match &self.scorer {
            Scorer::Score(model) => model.share_within(score, range),
            Scorer::Conversion(model) => {
                let probability = score / 100.0;
                let interval = model.interval(probability);
                let below = |bound: f64| interval.rate_below(bound / 100.0, probability, model.level());
                below(range.1) - below(range.0)
            }
        }
    }

    /// The predictions of the linear baseline, one a row, on the scale of the model's output.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    pub(crate) fn predict_linear(&self, x: ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>> {
        let predict = |model: &dyn Model| -> Result<Vec<f64>> {
            let predicted = model.predict(x)?.column(0).to_vec();
            Ok(predicted.into_iter().map(|value| self.within(value)).collect())
        };
        self.linear.as_deref().map(predict).transpose()
    }

    fn inner(&self) -> &dyn Model {
        match &self.scorer {
            Scorer::Score(score) => score.model.as_ref(),
            Scorer::Conversion(model) => model,
        }
    }

    /// A score stays within 0 and 100.
    fn within(&self, value: f64) -> f64 {
        match self.settings.goal {
            Goal::Score => value.clamp(0.0, 100.0),
            Goal::Conversion => value,
        }
    }

    /// From the output of the model to a score.
    fn score_of(&self, output: f64) -> f64 {
        match self.settings.goal {
            Goal::Score => output,
            Goal::Conversion => 100.0 * output,
        }
    }
}

impl Model for LeadModel {
    fn schema(&self) -> &Schema {
        self.inner().schema()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), 1, x, out.dim())?;
        self.inner().predict_into(x, out.view_mut())?;
        out.mapv_inplace(|value| self.within(value));
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, 1, out)?;
        self.inner().predict_row(row, out)?;
        out[0] = self.within(out[0]);
        Ok(())
    }

    /// The backend's contributions; of scores stretched where the score ends at 0 or 100.
    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), 1, row, output)?;
        let inner = self.inner().explain_row(row, output)?;
        Ok(match self.settings.goal {
            Goal::Score => {
                let scale = inner.scale;
                inner.mapped(Scale::Identity, |value| self.within(scale.to_output(value)))
            }
            Goal::Conversion => inner,
        })
    }

    fn to_artifact(&self) -> Artifact {
        let interval = match &self.scorer {
            Scorer::Score(score) => Some((score.interval, score.errors.len())),
            Scorer::Conversion(_) => None,
        };
        let config = serde_json::json!({
            "settings": self.settings,
            "interval": interval,
            "linear": self.linear.is_some(),
        });
        let mut artifact = Artifact::from_json(Self::KIND, Self::VERSION, config)
            .with_numbers("typical.f64", &self.typical)
            .with_child("model", self.inner().to_artifact());
        if let Scorer::Score(score) = &self.scorer {
            artifact = artifact.with_numbers("errors.f64", &score.errors);
        }
        match &self.linear {
            Some(linear) => artifact.with_child("linear", linear.to_artifact()),
            None => artifact,
        }
    }
}
