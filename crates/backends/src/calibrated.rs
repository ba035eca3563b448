//! A probability that can be taken at its word: a tuned learner of two classes, calibrated on rows it has not
//! seen, that knows how sure it is.
//!
//! The domain models of tables (leads, contacts, messages) are this and their words.

use std::collections::HashSet;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Dataset, Error, Explanation, FitContext, Model, Output, OutputKind, Result,
    Scale, Schema, check_batch, check_explained, check_row,
};
use tenure_eval::calibration::{CalibratedInterval, Calibrator, Interval, Method};
use tenure_eval::splits::Split;

use crate::Backend;
use crate::tune::{self, TuneOptions, Tuned};

/// Log-odds beyond which a probability is 0 or 1 to the last bit.
const MAX_LOG_ODDS: f64 = 36.0;

/// A model of one probability with a calibrator behind it.
#[derive(Debug)]
pub struct CalibratedModel {
    inner: Box<dyn Model>,
    calibrator: Calibrator,
    intervals: CalibratedInterval,
    outputs: [Output; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    calibrator: Calibrator,
    intervals: CalibratedInterval,
}

/// A calibrated fit and what was found on the way.
#[derive(Debug)]
pub struct CalibratedFit {
    /// Fitted on all rows.
    pub model: CalibratedModel,
    /// For each row the probability by a fit that has not seen it, before calibration.
    pub uncalibrated: Vec<f64>,
    /// The same after calibration. The calibration was learned on these rows.
    pub calibrated: Vec<f64>,
    /// Out-of-bag probabilities before calibration; see [`tune::Tuned::out_of_bag`].
    pub out_of_bag: Option<Vec<f64>>,
    /// Number of iterations (trees) chosen, for learners that iterate.
    pub iterations: Option<usize>,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// How to calibrate.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationOptions {
    /// How to fit what is calibrated.
    pub tune: TuneOptions,
    /// How to calibrate.
    pub method: Method,
    /// Level of the intervals, between 0 and 1.
    pub level: f64,
    /// Whether only the last row of each group counts for the intervals: rows that are much alike, counted one by
    /// one, would make them look surer than they are.
    pub one_row_a_group: bool,
}

impl Default for CalibrationOptions {
    fn default() -> Self {
        Self {
            tune: TuneOptions::default(),
            method: Method::Platt,
            level: CalibratedInterval::DEFAULT_LEVEL,
            one_row_a_group: false,
        }
    }
}

/// Fits `backend` to the first target of `data`, which has two classes, and calibrates it on its out-of-fold
/// predictions. Every row must be in the test part of a split.
///
/// # Errors
/// [`Error::OneClass`], what [`tune::fit`] refuses, and what cannot be calibrated.
pub fn fit(
    backend: &Backend,
    options: &CalibrationOptions,
    data: &Dataset,
    splits: &[Split],
    context: &FitContext<'_>,
) -> Result<CalibratedFit> {
    data.target()?.require_two_classes()?;
    let tuned = tune::fit(backend, &options.tune, data, splits, context)?;
    let uncalibrated = tuned.out_of_fold.column(0).to_vec();
    let labels = data.target()?.values();
    let refused = |e: tenure_eval::Error| Error::Data(format!("calibration: {e}"));
    let calibrator =
        Calibrator::fit(options.method, &uncalibrated, labels, data.weights()).map_err(refused)?;
    let calibrated = calibrator.apply_all(&uncalibrated);
    let rows = match data.groups() {
        Some(groups) if options.one_row_a_group => last_of_each(groups),
        _ => (0..data.rows()).collect(),
    };
    let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
    let intervals = CalibratedInterval::fit(&of(&calibrated), &of(labels), options.level).map_err(refused)?;
    let Tuned { model, out_of_bag, iterations, notes, .. } = tuned;
    let model = CalibratedModel::new(model, calibrator, intervals)?;
    Ok(CalibratedFit { model, uncalibrated, calibrated, out_of_bag, iterations, notes })
}

/// The last row of each group, in the order of rows.
#[must_use]
pub fn last_of_each(groups: &[u64]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let mut rows: Vec<usize> = (0..groups.len()).rev().filter(|&row| seen.insert(groups[row])).collect();
    rows.reverse();
    rows
}

impl CalibratedModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "calibrated";
    const VERSION: u32 = 1;

    /// Puts a calibrator behind a model of one probability.
    ///
    /// # Errors
    /// [`Error::Shape`] for a model of several outputs, [`Error::Unsupported`] for one of something else.
    pub fn new(inner: Box<dyn Model>, calibrator: Calibrator, intervals: CalibratedInterval) -> Result<Self> {
        let [output] = inner.outputs() else {
            let found = inner.outputs().len();
            return Err(Error::Shape { what: "outputs of the model to calibrate", expected: 1, found });
        };
        if output.kind != OutputKind::Probability {
            let (backend, what) =
                ("calibration".to_owned(), format!("output `{}`, which is no probability", output.name));
            return Err(Error::Unsupported { backend, what });
        }
        let outputs = [output.clone().on_scale(Scale::LogOdds)];
        Ok(Self { inner, calibrator, intervals, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the loader of the model within.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { calibrator, intervals } = artifact.config()?;
        let inner = crate::load(artifact.child("model")?)?;
        Self::new(inner, calibrator, intervals).map_err(|e| Error::damaged(e.to_string()))
    }

    /// The model before calibration.
    #[must_use]
    pub fn inner(&self) -> &dyn Model {
        self.inner.as_ref()
    }

    /// For a calibrated probability, the range of rates among similar held-out rows; it holds the probability.
    #[must_use]
    pub fn interval(&self, probability: f64) -> Interval {
        self.intervals.interval(probability)
    }

    /// Level of the intervals.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.intervals.level()
    }

    /// Of the inner model's output on its scale (log-odds for most, the share of votes for a forest).
    fn calibrated_log_odds(&self, scale: Scale, value: f64) -> f64 {
        let probability = self.calibrator.apply(scale.to_output(value));
        Scale::LogOdds.from_output(probability).clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)
    }
}

impl Model for CalibratedModel {
    fn schema(&self) -> &Schema {
        self.inner.schema()
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), 1, x, out.dim())?;
        self.inner.predict_into(x, out.view_mut())?;
        out.mapv_inplace(|p| self.calibrator.apply(p));
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, 1, out)?;
        self.inner.predict_row(row, out)?;
        out[0] = self.calibrator.apply(out[0]);
        Ok(())
    }

    /// The contributions before calibration, on the inner model's scale, stretched to add up to the calibrated
    /// log-odds.
    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), 1, row, output)?;
        let inner = self.inner.explain_row(row, output)?;
        let scale = inner.scale;
        Ok(inner.mapped(Scale::LogOdds, |value| self.calibrated_log_odds(scale, value)))
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({ "calibrator": self.calibrator, "intervals": self.intervals });
        Artifact::from_json(Self::KIND, Self::VERSION, config).with_child("model", self.inner.to_artifact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_counts_once_with_its_last_row() {
        assert_eq!(last_of_each(&[3, 1, 2, 1, 3, 1]), [2, 4, 5]);
    }
}
