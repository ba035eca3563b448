//! The fitted model.

use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_backends::average::AverageModel;
use tenure_core::{
    Artifact, Capabilities, Dataset, Error, Explanation, Metadata, Model, Output, Result, Scale, Schema,
    check_batch, check_explained, check_row,
};
use tenure_eval::conformal::ConformalInterval;
use tenure_features::study::{StudyEncoder, StudySession};

use crate::decision::{HourInterval, StudyTimePrediction};
use crate::params::StudyParams;
use crate::samples::Samples;

/// Reasons given of a prediction.
const REASONS: usize = 5;

/// What a model is beside its learners: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySettings {
    /// What it was trained with.
    pub params: StudyParams,
    /// Name of the target.
    pub target: String,
    /// Unit of the target.
    pub unit: String,
    /// Version that predictions carry, e.g. `study-time-1f0c…`.
    pub version: String,
    /// Rows learned from.
    pub rows: usize,
    /// Mean of the target over them.
    pub mean: f64,
    /// The lowest and the highest target learned from: predictions stay within.
    pub range: (f64, f64),
    /// Mean duration divided by mean estimate of the sessions that have one: what the estimates are worth by themselves.
    /// `None` of a table.
    pub estimate_factor: Option<f64>,
}

/// How errors become intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interval {
    conformal: ConformalInterval,
    /// Whether errors were taken of logarithms: where all targets are above 0, errors grow with what is predicted.
    relative: bool,
}

impl Interval {
    /// From predictions of fits that had not seen the rows.
    pub(crate) fn fit(actual: &[f64], predicted: &[f64], level: f64) -> tenure_eval::Result<Self> {
        let relative = actual.iter().chain(predicted).all(|v| *v > 0.0);
        let on_scale = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|v| if relative { v.ln() } else { *v }).collect()
        };
        let conformal = ConformalInterval::fit(&on_scale(actual), &on_scale(predicted), level)?;
        Ok(Self { conformal, relative })
    }

    /// Refuses what no fit gives, of a model whose predictions stay within `range`: its ranges would be no numbers.
    fn check(&self, range: (f64, f64)) -> Result<()> {
        let (level, margin) = (self.conformal.level(), self.conformal.margin());
        let numbers = level > 0.0 && level < 1.0 && margin >= 0.0 && margin.is_finite();
        if numbers && (!self.relative || range.0 > 0.0) {
            return Ok(());
        }
        Err(Error::damaged(format!(
            "ranges at {level} with a margin of {margin} around predictions from {}, relative: {}",
            range.0, self.relative
        )))
    }

    fn around(&self, predicted: f64) -> HourInterval {
        let level = self.conformal.level();
        let (low, high) = match self.relative {
            true => {
                let (low, high) = self.conformal.around(predicted.ln());
                (low.exp(), high.exp())
            }
            false => self.conformal.around(predicted),
        };
        HourInterval { low, high, level }
    }
}

/// A fitted model of study time, or of the numeric target of any table.
///
/// As a [`Model`] it reads the rows of its [`StudyEncoder`] (or of the table it learned from) and gives one output, the
/// mean of its members, within the range of the targets learned from.
#[derive(Debug)]
pub struct StudyModel {
    average: AverageModel,
    encoder: Option<StudyEncoder>,
    interval: Interval,
    /// Median of each feature over the training rows; NaN where it is always missing.
    typical: Vec<f64>,
    settings: StudySettings,
    outputs: [Output; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    settings: StudySettings,
    encoder: Option<StudyEncoder>,
    interval: Interval,
}

impl StudyModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "study-time";
    const VERSION: u32 = 1;

    pub(crate) fn new(
        average: AverageModel,
        encoder: Option<StudyEncoder>,
        interval: Interval,
        typical: Vec<f64>,
        settings: StudySettings,
    ) -> Result<Self> {
        let width = average.schema().len();
        let of_encoder = encoder.as_ref().map_or(width, |encoder| encoder.schema().len());
        for (what, expected, found) in [
            ("outputs of the members", 1, average.outputs().len()),
            ("typical values", width, typical.len()),
            ("columns of the encoder", width, of_encoder),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        let outputs = [Output::value(settings.target.as_str(), settings.unit.as_str())];
        Ok(Self { average, encoder, interval, typical, settings, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the members' loaders; [`Error::ArtifactDamaged`] where the pieces do not fit each
    /// other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { settings, encoder, interval } = artifact.config()?;
        let damaged = |e: Error| Error::damaged(e.to_string());
        settings.params.check().map_err(damaged)?;
        let (low, high) = settings.range;
        if !(low <= high && low.is_finite() && high.is_finite()) {
            return Err(Error::damaged("the range of the targets is none"));
        }
        interval.check(settings.range)?;
        let average = AverageModel::from_artifact(artifact.child("ensemble")?)?;
        Self::new(average, encoder, interval, artifact.numbers("typical.f64")?, settings).map_err(damaged)
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
    /// As [`Artifact::load`] and [`StudyModel::from_artifact`].
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &StudySettings {
        &self.settings
    }

    /// How it turns sessions into rows; `None` of a model of another table.
    #[must_use]
    pub fn encoder(&self) -> Option<&StudyEncoder> {
        self.encoder.as_ref()
    }

    /// The fits that are averaged.
    pub fn members(&self) -> impl Iterator<Item = &dyn Model> {
        self.average.members().map(|(member, _)| member)
    }

    /// The rows that the model reads, of sessions or of a table with its columns.
    ///
    /// # Errors
    /// As [`StudyEncoder::encode`]; [`Error::Columns`] for a table of other columns, [`Error::Data`] for one with them in
    /// another order, of another kind or with other levels; [`Error::Unsupported`] for sessions where the model learned from a table, and for a table where it learned from sessions.
    pub fn read(&self, samples: &Samples) -> crate::Result<Dataset> {
        match (samples, &self.encoder) {
            (Samples::Sessions(_), Some(encoder)) => samples.encoded(Some(encoder)),
            (Samples::Table(data), None) => {
                let names: Vec<&str> = data.schema().names().collect();
                self.schema().match_columns(&names)?;
                let mut pairs = self.schema().features().iter().zip(data.schema().features());
                match pairs.find(|(own, found)| own.name != found.name || own.kind != found.kind) {
                    None => Ok(data.clone()),
                    Some((own, found)) if own.name != found.name => Err(Error::Data(format!(
                        "the columns are those of the model, but in another order: `{}` where it has `{}`",
                        found.name, own.name
                    )))?,
                    Some((own, _)) => Err(Error::Data(format!(
                        "column `{}` is of another kind, or has other levels, than the model learned from",
                        own.name
                    )))?,
                }
            }
            (Samples::Sessions(_), None) => {
                Err(Error::unsupported("the model, which learned from a table,", "sessions"))?
            }
            (Samples::Table(_), Some(_)) => {
                Err(Error::unsupported("the model, which learned from sessions,", "the rows of a table"))?
            }
        }
    }

    /// Foretells sessions. `past` has what is known of their students: the sessions before, which a network over sessions
    /// looks at.
    ///
    /// # Errors
    /// As [`StudyModel::read`].
    pub fn predict_sessions(
        &self,
        sessions: &[StudySession],
        past: &[StudySession],
    ) -> crate::Result<Vec<StudyTimePrediction>> {
        let Some(encoder) = &self.encoder else {
            return Err(Error::unsupported("the model, which learned from a table,", "sessions"))?;
        };
        let data = encoder.encode(sessions, past)?;
        let row = |at: usize| self.decide(&sessions[at].session_id, &data.row(at).to_vec());
        Ok((0..sessions.len()).map(row).collect::<Result<_>>()?)
    }

    /// Everything about one row.
    ///
    /// # Errors
    /// As [`Model::predict_row`].
    pub fn decide(&self, id: &str, row: &[f64]) -> Result<StudyTimePrediction> {
        let mut out = [0.0];
        self.predict_row(row, &mut out)?;
        let reasons = if self.capabilities().explains {
            self.explain_row(row, 0)?.reasons(self.schema(), row, &self.typical, REASONS)
        } else {
            Vec::new()
        };
        Ok(StudyTimePrediction {
            id: id.to_owned(),
            hours: out[0],
            interval: self.interval(out[0]),
            spread: self.spread(row)?,
            reasons,
            model_version: self.settings.version.clone(),
        })
    }

    /// The range around a prediction.
    #[must_use]
    pub fn interval(&self, hours: f64) -> HourInterval {
        self.interval.around(hours)
    }

    /// Standard deviation of what the members say of a row.
    fn spread(&self, row: &[f64]) -> Result<f64> {
        let mut answers = Vec::new();
        for member in self.members() {
            let mut out = [0.0];
            member.predict_row(row, &mut out)?;
            answers.push(out[0]);
        }
        let n = answers.len() as f64;
        let mean = answers.iter().sum::<f64>() / n;
        Ok((answers.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt())
    }

    fn within(&self, value: f64) -> f64 {
        value.clamp(self.settings.range.0, self.settings.range.1)
    }
}

impl Model for StudyModel {
    fn schema(&self) -> &Schema {
        self.average.schema()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.average.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), 1, x, out.dim())?;
        self.average.predict_into(x, out.view_mut())?;
        out.mapv_inplace(|value| self.within(value));
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, 1, out)?;
        self.average.predict_row(row, out)?;
        out[0] = self.within(out[0]);
        Ok(())
    }

    /// The members' contributions on the scale of the target, stretched where the range of the targets ends.
    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), 1, row, output)?;
        let inner = self.average.explain_row(row, output)?;
        let scale = inner.scale;
        Ok(inner.mapped(Scale::Identity, |value| self.within(scale.to_output(value))))
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "settings": self.settings, "encoder": self.encoder, "interval": self.interval,
        });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
            .with_numbers("typical.f64", &self.typical)
            .with_child("ensemble", self.average.to_artifact())
    }
}
