//! Predictions against what came true, beside what they must beat.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error as CoreError, Model};
use tenure_eval::metrics::{RegressionReport, interval_coverage, mae, mean_interval_width};
use tenure_features::study::StudySession;

use crate::error::Result;
use crate::model::StudyModel;
use crate::samples::Samples;

/// Fewest rows of a segment whose figures are shown.
const LEAST_OF_SEGMENT: usize = 10;

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyFigures {
    /// Rows judged.
    pub rows: usize,
    /// Version of the model.
    pub model_version: String,
    /// The model.
    pub model: RegressionReport,
    /// The mean of the training rows for everybody.
    pub mean: RegressionReport,
    /// The estimated base time of each session, times what such estimates were off by in training; of sessions that all
    /// have one.
    pub estimate: Option<RegressionReport>,
    /// How often the ranges held.
    pub coverage: Coverage,
    /// Sessions by subject, education and time of day; none of a table.
    pub segments: Vec<SegmentFigures>,
    /// The best attainable, where the truth is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<OracleFigures>,
}

/// How ranges fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Share of the ranges that should hold the truth.
    pub level: f64,
    /// Share that did.
    pub share: f64,
    /// Mean width, in the target's unit.
    pub mean_width: f64,
}

/// How a kind of sessions fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentFigures {
    /// What they are told apart by, e.g. `subject`.
    pub by: String,
    /// Which, e.g. `physics`.
    pub segment: String,
    /// How many.
    pub rows: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Predicted less actual, on average.
    pub bias: f64,
    /// Share whose range held.
    pub coverage: f64,
}

/// What knowing the generator gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OracleFigures {
    /// MAE of the true medians, which no value beats in that, and all else of the true means, which no value beats in RMSE
    /// and R².
    pub figures: RegressionReport,
    /// The model's MAE divided by the oracle's.
    pub mae_ratio: f64,
    /// The model's RMSE divided by the oracle's.
    pub rmse_ratio: f64,
}

/// What is true of synthetic rows, given their facts, in the target's unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrueDurations {
    /// The mean of each row: the best answer where errors are squared.
    pub expected: Vec<f64>,
    /// The median of each row: the best answer where sizes of errors are added up.
    pub median: Vec<f64>,
}

impl TrueDurations {
    pub(crate) fn check(&self, rows: usize) -> Result<()> {
        match [self.expected.len(), self.median.len()].into_iter().find(|&found| found != rows) {
            Some(found) => Err(CoreError::Shape { what: "true values", expected: rows, found }.into()),
            None => Ok(()),
        }
    }

    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let of = |values: &[f64]| rows.iter().map(|&row| values[row]).collect();
        Self { expected: of(&self.expected), median: of(&self.median) }
    }

    /// MAE of the medians, all else of the means.
    pub(crate) fn figures(&self, actual: &[f64]) -> Result<RegressionReport> {
        let mae = mae(actual, &self.median, None)?;
        Ok(RegressionReport { mae, ..RegressionReport::new(actual, &self.expected, None)? })
    }
}

/// An evaluation with everything a report draws.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The figures.
    pub figures: StudyFigures,
    /// Ids of the rows judged.
    pub ids: Vec<String>,
    /// The rows as numbers, with their target.
    pub data: Dataset,
    /// The model's predictions.
    pub model: Vec<f64>,
    /// The mean of the training rows.
    pub mean: Vec<f64>,
    /// What the estimates say, where there are some.
    pub estimate: Option<Vec<f64>>,
    /// The true expected durations, where they are known.
    pub oracle: Option<Vec<f64>>,
}

/// Judges `model` on the rows whose target is known.
///
/// `truth` is of the rows of `samples`, where they are synthetic.
///
/// # Errors
/// As [`StudyModel::read`]; [`CoreError::Shape`] for a truth of another length, and what the metrics refuse: no row with a
/// known target at all.
pub fn evaluate(model: &StudyModel, samples: &Samples, truth: Option<&TrueDurations>) -> Result<Evaluation> {
    evaluate_rows(model, samples, &samples.known()?.0, truth)
}

/// Judges `model` on some rows, whose targets are known. The others are part of their students' past.
pub(crate) fn evaluate_rows(
    model: &StudyModel,
    samples: &Samples,
    rows: &[usize],
    truth: Option<&TrueDurations>,
) -> Result<Evaluation> {
    truth.map_or(Ok(()), |truth| truth.check(samples.rows()))?;
    let (data, known) = (model.read(samples)?.select(rows), samples.select(rows));
    let (actual, oracle) = (known.targets()?, truth.map(|truth| truth.select(rows)));

    let predicted = model.predict(data.x())?.column(0).to_vec();
    let mean = vec![model.settings().mean; rows.len()];
    let estimate = estimates(model, &known);
    let report = |predicted: &[f64]| RegressionReport::new(&actual, predicted, None);
    let own = report(&predicted)?;
    let ranges: Vec<_> = predicted.iter().map(|&hours| model.interval(hours)).collect();
    let low: Vec<f64> = ranges.iter().map(|range| range.low).collect();
    let high: Vec<f64> = ranges.iter().map(|range| range.high).collect();
    let held: Vec<bool> = (0..rows.len()).map(|i| low[i] <= actual[i] && actual[i] <= high[i]).collect();
    let oracle_figures = oracle.as_ref().map(|truth| -> Result<OracleFigures> {
        let figures = truth.figures(&actual)?;
        let (mae_ratio, rmse_ratio) = (own.mae / figures.mae, own.rmse / figures.rmse);
        Ok(OracleFigures { figures, mae_ratio, rmse_ratio })
    });
    let figures = StudyFigures {
        rows: rows.len(),
        model_version: model.settings().version.clone(),
        mean: report(&mean)?,
        estimate: estimate.as_deref().map(report).transpose()?,
        coverage: Coverage {
            level: model.settings().params.interval_level,
            share: interval_coverage(&actual, &low, &high, None)?,
            mean_width: mean_interval_width(&low, &high, None)?,
        },
        segments: segments(&known, &actual, &predicted, &held),
        oracle: oracle_figures.transpose()?,
        model: own,
    };
    let oracle = oracle.map(|truth| truth.expected);
    Ok(Evaluation { figures, ids: known.ids(), data, model: predicted, mean, estimate, oracle })
}

/// What the estimates say, where all sessions have one.
fn estimates(model: &StudyModel, samples: &Samples) -> Option<Vec<f64>> {
    let (Samples::Sessions(sessions), Some(factor)) = (samples, model.settings().estimate_factor) else {
        return None;
    };
    let said: Vec<f64> = sessions.iter().map(|session| factor * session.estimated_base_time).collect();
    said.iter().all(|hours| !hours.is_nan()).then_some(said)
}

fn segments(samples: &Samples, actual: &[f64], predicted: &[f64], held: &[bool]) -> Vec<SegmentFigures> {
    let Samples::Sessions(sessions) = samples else { return Vec::new() };
    type Text = fn(&StudySession) -> &str;
    let kinds: [(&str, Text); 3] = [
        ("subject", |s| &s.subject),
        ("education_level", |s| &s.education_level),
        ("time_of_day", |s| &s.time_of_day),
    ];
    let mut segments = Vec::new();
    for (by, text) in kinds {
        let mut names: Vec<&str> = sessions.iter().map(text).collect();
        names.sort_unstable();
        names.dedup();
        for segment in names {
            let rows: Vec<usize> =
                (0..sessions.len()).filter(|&row| text(&sessions[row]) == segment).collect();
            if rows.len() < LEAST_OF_SEGMENT {
                continue;
            }
            let mean =
                |of: &dyn Fn(usize) -> f64| rows.iter().map(|&row| of(row)).sum::<f64>() / rows.len() as f64;
            segments.push(SegmentFigures {
                by: by.into(),
                segment: segment.into(),
                rows: rows.len(),
                mae: mean(&|row| (predicted[row] - actual[row]).abs()),
                bias: mean(&|row| predicted[row] - actual[row]),
                coverage: mean(&|row| f64::from(u8::from(held[row]))),
            });
        }
    }
    segments
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use tenure_core::FitContext;

    use super::*;
    use crate::{StudyLearner, StudyParams, train};

    #[test]
    fn rows_are_judged_with_their_students_past() {
        let world = tenure_synth::StudyParams { sessions: 150, ..tenure_synth::StudyParams::default() };
        let mut sessions = world.check().unwrap().generate(1).sessions;
        for (session, day) in sessions.iter_mut().zip(0..) {
            session.student_id = "me".into();
            session.started_at = session.started_at.day_start().plus_days(100 * day);
        }
        let samples = Samples::Sessions(sessions);
        let StudyLearner::Sequence(mut network) = StudyLearner::by_name("attention").unwrap() else {
            unreachable!()
        };
        (network.steps, network.training.epochs) = (2, 1);
        let params =
            StudyParams { learner: StudyLearner::Sequence(network), ensemble: 2, ..StudyParams::default() };
        let model = train(&samples, &params, &FitContext::new(1)).unwrap().model;
        let all = evaluate(&model, &samples, None).unwrap();
        let some: Vec<usize> = (0..150).step_by(3).collect();
        let judged = evaluate_rows(&model, &samples, &some, None).unwrap();
        let before = judged.data.schema().position("actual_duration_1_back").unwrap();
        assert!(judged.data.x().column(before).iter().skip(1).all(|hours| !hours.is_nan()));
        let of_all: Vec<f64> = some.iter().map(|&row| all.model[row]).collect();
        assert_eq!(judged.model, of_all);
    }
}
