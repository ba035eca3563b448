//! Predictions against what came true, beside what they must beat.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error as CoreError, Model};
use tenure_eval::metrics::{RegressionReport, interval_coverage, mean_interval_width};
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
    /// The figures of the true expected durations.
    pub figures: RegressionReport,
    /// The model's RMSE divided by the oracle's.
    pub rmse_ratio: f64,
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
/// `truth` has the expected duration of each row of `samples`, where they are synthetic.
///
/// # Errors
/// As [`StudyModel::read`]; [`CoreError::Shape`] for a truth of another length, and what the metrics refuse: no row with a
/// known target at all.
pub fn evaluate(model: &StudyModel, samples: &Samples, truth: Option<&[f64]>) -> Result<Evaluation> {
    let found = truth.map_or(samples.rows(), <[f64]>::len);
    if found != samples.rows() {
        return Err(CoreError::Shape { what: "true values", expected: samples.rows(), found }.into());
    }
    // Sessions without a known duration are still part of a student's past: all are read before some are left out.
    let (all, targets) = (model.read(samples)?, samples.targets()?);
    let rows: Vec<usize> = (0..samples.rows()).filter(|&row| !targets[row].is_nan()).collect();
    let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
    let (data, known, actual, oracle) =
        (all.select(&rows), samples.select(&rows), of(&targets), truth.map(of));

    let predicted = model.predict(data.x())?.column(0).to_vec();
    let mean = vec![model.settings().mean; rows.len()];
    let estimate = estimates(model, &known);
    let report = |predicted: &[f64]| RegressionReport::new(&actual, predicted, None);
    let own = report(&predicted)?;
    let ranges: Vec<_> = predicted.iter().map(|&hours| model.interval(hours)).collect();
    let low: Vec<f64> = ranges.iter().map(|range| range.low).collect();
    let high: Vec<f64> = ranges.iter().map(|range| range.high).collect();
    let held: Vec<bool> = (0..rows.len()).map(|i| low[i] <= actual[i] && actual[i] <= high[i]).collect();
    let oracle_figures = oracle.as_deref().map(|truth| -> Result<OracleFigures> {
        let figures = report(truth)?;
        let rmse_ratio = own.rmse / figures.rmse;
        Ok(OracleFigures { figures, rmse_ratio })
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
