//! The fitted engagement model: a calibrated probability, and a judge of send times beside it.

use std::cell::RefCell;
use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_backends::CalibratedModel;
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Metadata, Model, Output, Result, Scale, Schema, TypedRow,
    check_batch, check_explained, check_row,
};
use tenure_features::contacts::MessageRow;

use crate::decision::{CHANGES, EngagementFactors, EngagementPrediction, Interval, send_recommendation};
use crate::expand::{Expansion, Learned};
use crate::judge::{Judge, TimeTest};
use crate::params::EngagementParams;
use crate::pooling::Strengths;
use crate::send_time::{SeenTimes, SendTime, SendTimeRequest, TimeScore, Weighed};
use crate::week::WeekTime;

/// Reasons given on either side.
const MOST_FACTORS: usize = 4;

/// Least gain of a change to a message that is worth a recommendation.
const WORTHWHILE: f64 = 0.01;

/// Log-odds beyond which a probability is 0 or 1 to the last bit.
const MAX_LOG_ODDS: f64 = 36.0;

/// What an engagement model is beside its learners: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngagementSettings {
    /// What it was trained with.
    pub params: EngagementParams,
    /// Probability from which an engagement is likely: the one with the best F1 on held-out rows.
    pub threshold: f64,
    /// Version that decisions carry, e.g. `engagement-1f0c…`.
    pub version: String,
    /// Messages learned from.
    pub rows: usize,
    /// Share of them that were engaged with.
    pub engagement_rate: f64,
    /// First and last instant of the messages in seconds since 1970-01-01 UTC, where they are known.
    pub times: Option<(i64, i64)>,
    /// When messages were sent.
    pub seen: SeenTimes,
}

/// A fitted engagement model.
///
/// As a [`Model`] it reads the columns of [`MessageRow`] (or of the table it was trained on) and gives one output,
/// `engagement_probability`, calibrated and explained in log-odds. What its learner reads is made of these
/// columns; contributions are counted back to them.
#[derive(Debug)]
pub struct EngagementModel {
    inner: CalibratedModel,
    expansion: Expansion,
    judge: Judge,
    /// Median of each feature over the training rows; NaN where it is always missing.
    typical: Vec<f64>,
    settings: EngagementSettings,
    outputs: [Output; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    learned: Learned,
    judge: Judge,
    settings: EngagementSettings,
}

impl EngagementModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "engagement";
    const VERSION: u32 = 1;

    pub(crate) fn new(
        inner: CalibratedModel,
        expansion: Expansion,
        judge: Judge,
        typical: Vec<f64>,
        settings: EngagementSettings,
    ) -> Result<Self> {
        if inner.schema() != expansion.output() {
            return Err(Error::Data("the learner reads other columns than are made for it".into()));
        }
        for (what, expected, found) in [
            ("typical values", expansion.input().len(), typical.len()),
            ("hours or slots seen", SeenTimes::new(&expansion).hours.len(), settings.seen.hours.len()),
            ("days seen", SeenTimes::new(&expansion).weekdays.len(), settings.seen.weekdays.len()),
            ("time terms", 1, usize::from(judge.fits(expansion.time_terms()))),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        let outputs = [Output::probability("engaged").named("engagement_probability")];
        Ok(Self { inner, expansion, judge, typical, settings, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the loader of the learner; [`Error::ArtifactDamaged`] where the pieces do not
    /// fit each other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { learned, judge, settings } = artifact.config()?;
        let damaged = |e: Error| Error::damaged(e.to_string());
        settings.params.check().map_err(damaged)?;
        let inner = CalibratedModel::from_artifact(artifact.child("probability")?)?;
        let typical = artifact.numbers("typical.f64")?;
        let expansion = Expansion::new(learned).map_err(damaged)?;
        Self::new(inner, expansion, judge, typical, settings).map_err(damaged)
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
    /// As [`Artifact::load`] and [`EngagementModel::from_artifact`].
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &EngagementSettings {
        &self.settings
    }

    /// Median of each feature over the training rows.
    #[must_use]
    pub fn typical(&self) -> &[f64] {
        &self.typical
    }

    /// How strongly a recipient's past is pooled with everyone's; `None` for a table without such a past.
    #[must_use]
    pub fn pooling(&self) -> Option<&Strengths> {
        self.expansion.pooling().map(|pooling| pooling.strengths())
    }

    /// Whether the time of sending matters at all, over all messages learned from.
    #[must_use]
    pub fn time_test(&self) -> &TimeTest {
        &self.judge.test
    }

    /// The whole decision about one message from a row of the model's columns; without factors where the learner
    /// does not explain itself.
    ///
    /// # Errors
    /// As [`Model::predict_row`] and [`SendTimeRequest::check`].
    pub fn decide(
        &self,
        message_id: &str,
        row: &[f64],
        request: &SendTimeRequest,
    ) -> Result<EngagementPrediction> {
        let probability = self.probability(row)?;
        let range = self.inner.interval(probability);
        let send_time = self.send_time(row, request)?;
        let reasons = if self.capabilities().explains {
            self.explain_row(row, 0)?.reasons(self.schema(), row, &self.typical, self.schema().len())
        } else {
            Vec::new()
        };
        let at = send_time.send_at.as_ref();
        let mut recommendations = vec![send_recommendation(&send_time)];
        recommendations.extend(self.changes(row, probability)?);
        Ok(EngagementPrediction {
            message_id: message_id.to_owned(),
            engagement_probability: probability,
            interval: Interval { low: range.low, high: range.high, level: self.inner.level() },
            likely: probability >= self.settings.threshold,
            confidence: 1.0 - (range.high - range.low),
            optimal_send_time: at.map(|slot| slot.time.clone().unwrap_or_else(|| slot.name.clone())),
            best_day: at.and_then(|slot| slot.day.clone()),
            send_time,
            recommendations,
            engagement_factors: EngagementFactors::of(reasons, MOST_FACTORS),
            model_version: self.settings.version.clone(),
        })
    }

    /// Whether it reads [`MessageRow`]s.
    #[must_use]
    pub fn reads_message_rows(&self) -> bool {
        *self.schema() == MessageRow::schema()
    }

    /// As [`EngagementModel::decide`], from a typed row.
    ///
    /// # Errors
    /// As [`EngagementModel::decide`]; [`Error::Columns`] for a model of another table, [`Error::Row`] for values out
    /// of range.
    pub fn decide_message(
        &self,
        message_id: &str,
        row: &MessageRow,
        request: &SendTimeRequest,
    ) -> Result<EngagementPrediction> {
        if !self.reads_message_rows() {
            let names: Vec<&str> = MessageRow::fields().iter().map(|f| f.name).collect();
            self.schema().match_columns(&names)?;
            return Err(Error::Data(
                "the model has the features of a message in another order or kind".into(),
            ));
        }
        row.check()?;
        self.decide(message_id, &row.to_values(), request)
    }

    /// As [`EngagementModel::decide`], from a JSON object that has every feature of the model and no other.
    ///
    /// # Errors
    /// As [`EngagementModel::decide`]; [`Error::Row`] naming every field that is missing, unknown, of another type or,
    /// in a message row, out of range.
    pub fn decide_json(
        &self,
        message_id: &str,
        row: &serde_json::Value,
        request: &SendTimeRequest,
    ) -> Result<EngagementPrediction> {
        if self.reads_message_rows() {
            self.decide_message(message_id, &MessageRow::from_json(row)?, request)
        } else {
            self.decide(message_id, &self.schema().values_of_json(row)?, request)
        }
    }

    /// The best time to send one message.
    ///
    /// Only what follows from the time of the week changes with it: its cycles, the weekend, and what is known of
    /// the recipient at such hours. How long one waits until then (hours since the last message, say) stays as
    /// planned: it is the time that is judged, not the wait.
    ///
    /// # Errors
    /// As [`Model::predict_row`] and [`SendTimeRequest::check`].
    pub fn send_time(&self, row: &[f64], request: &SendTimeRequest) -> Result<SendTime> {
        request.check()?;
        let weighed = self.weighed(row, request)?;
        Ok(weighed.answer(&weighed.scores()))
    }

    /// All times of the week at the full hour (the planned one first, whenever it is), or all slots.
    ///
    /// # Errors
    /// As [`EngagementModel::send_time`].
    pub fn time_scores(&self, row: &[f64], request: &SendTimeRequest) -> Result<Vec<TimeScore>> {
        request.check()?;
        Ok(self.weighed(row, request)?.scores().into_iter().map(|scored| scored.score).collect())
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    pub(crate) fn weighed<'a>(&'a self, row: &[f64], request: &'a SendTimeRequest) -> Result<Weighed<'a>> {
        let log_odds = Scale::LogOdds.from_output(self.probability(row)?);
        Ok(Weighed {
            expansion: &self.expansion,
            judge: &self.judge,
            seen: &self.settings.seen,
            level: self.settings.params.gain_level,
            quiet: request.quiet_hours.unwrap_or(self.settings.params.quiet_hours),
            request,
            belief: self.expansion.belief(row),
            planned: self.expansion.moment(row),
            log_odds: log_odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS),
        })
    }

    /// Name of a full hour of the week, or of a slot, by its number.
    pub(crate) fn time_name(&self, number: usize) -> String {
        let slot = self.expansion.slot_names().into_iter().nth(number);
        slot.unwrap_or_else(|| WeekTime::of_hours(number as f64).to_string())
    }

    /// The recipients' own rates; `None` for a table without a past.
    pub(crate) fn own_rates(&self, x: ArrayView2<'_, f64>) -> Option<Vec<f64>> {
        let rate = self.settings.engagement_rate;
        x.rows().into_iter().map(|row| self.expansion.own_rate(&row.to_vec(), rate)).collect()
    }

    fn probability(&self, row: &[f64]) -> Result<f64> {
        let mut out = [0.0];
        self.predict_row(row, &mut out)?;
        Ok(out[0])
    }

    /// What else could be changed, tried on the model, the most promising first.
    fn changes(&self, row: &[f64], probability: f64) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for change in CHANGES {
            let Some(at) = self.schema().position(change.feature) else { continue };
            let value = change.value.unwrap_or(self.typical[at]);
            if row[at].is_nan() || value.is_nan() || row[at] == value {
                continue;
            }
            let mut changed = row.to_vec();
            changed[at] = value;
            let gain = self.probability(&changed)? - probability;
            if gain >= WORTHWHILE {
                found.push((gain, change.words));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let words = |(gain, words): (f64, &str)| {
            format!("{words}: such messages have {:+.1} points more, all else equal.", 100.0 * gain)
        };
        Ok(found.into_iter().map(words).collect())
    }

    /// Runs `work` on what the learner reads of the row, in memory that the thread keeps.
    fn expanded<T>(&self, row: &[f64], work: impl FnOnce(&[f64]) -> Result<T>) -> Result<T> {
        thread_local! {
            static WIDE: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
        }
        // Taken, not borrowed: `work` may reach another engagement model on this thread.
        let mut wide = WIDE.take();
        self.expansion.expand_row(row, &mut wide);
        let result = work(&wide);
        WIDE.set(wide);
        result
    }
}

impl Model for EngagementModel {
    fn schema(&self) -> &Schema {
        self.expansion.input()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), 1, x, out.dim())?;
        self.inner.predict_into(self.expansion.expand(x)?.view(), out)
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, 1, out)?;
        self.expanded(row, |wide| self.inner.predict_row(wide, out))
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), 1, row, output)?;
        let inner = self.expanded(row, |wide| self.inner.explain_row(wide, output))?;
        let contributions = self.expansion.attribute(row, &inner.contributions);
        Ok(Explanation { contributions, ..inner })
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "learned": self.expansion.learned(),
            "judge": self.judge,
            "settings": self.settings,
        });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
            .with_numbers("typical.f64", &self.typical)
            .with_child("probability", self.inner.to_artifact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::{Dataset, FitContext, Target};
    use tenure_eval::calibration::{CalibratedInterval, Calibrator};

    /// A learner that does not explain itself.
    #[derive(Debug)]
    struct Silent(Schema, [Output; 1]);

    impl Model for Silent {
        fn schema(&self) -> &Schema {
            &self.0
        }

        fn outputs(&self) -> &[Output] {
            &self.1
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::new(tenure_core::MissingPolicy::Learned)
        }

        fn predict_into(&self, _: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
            out.fill(0.4);
            Ok(())
        }

        fn predict_row(&self, _: &[f64], out: &mut [f64]) -> Result<()> {
            out.fill(0.4);
            Ok(())
        }

        fn explain_row(&self, _: &[f64], _: usize) -> Result<Explanation> {
            Err(Error::unsupported("silent", "explanations"))
        }

        fn to_artifact(&self) -> Artifact {
            Artifact::from_json("silent", 1, serde_json::Value::Null)
        }
    }

    #[test]
    fn a_learner_that_does_not_explain_itself_is_answered_without_factors() {
        let columns = ["slot", "size"].map(|name| tenure_core::Feature::numeric(name, "", "")).to_vec();
        let x = ndarray::Array2::from_shape_fn((120, 2), |(row, at)| (row % (at + 2)) as f64);
        let labels = (0..120).map(|row| f64::from(u8::from(row % 3 == 0))).collect();
        let data = Dataset::new(Schema::new(columns).unwrap(), x).unwrap();
        let data = data.with_target(Target::binary("read", labels).unwrap()).unwrap();
        let time = crate::TimeColumns::Slot { column: "slot".into() };
        let params = EngagementParams { time, ..EngagementParams::default() };
        let mut model = crate::train(&data, &params, &FitContext::new(1)).unwrap().model;
        let silent = Silent(model.expansion.output().clone(), [Output::probability("read")]);
        let intervals = CalibratedInterval::fit(&[0.4; 10], &[1.0; 10], 0.9).unwrap();
        model.inner = CalibratedModel::new(Box::new(silent), Calibrator::identity(), intervals).unwrap();

        let decision = model.decide("m", &[1.0, 2.0], &SendTimeRequest::default()).unwrap();
        assert_eq!(decision.engagement_probability, 0.4);
        assert_eq!(decision.engagement_factors, EngagementFactors::default());
        let evaluation = crate::evaluate(&model, &data, None).unwrap();
        assert!(crate::report(&model, &evaluation).unwrap().report().is_ok());
    }
}
