//! From rows whose target is known to a model.

use serde::{Deserialize, Serialize};
use tenure_backends::average::AverageModel;
use tenure_core::{Dataset, FitContext, FitReport, Model, Progress};
use tenure_eval::metrics::RegressionReport;
use tenure_features::study::{EncoderParams, StudyEncoder};

use crate::error::Result;
use crate::evaluate::{StudyFigures, evaluate_rows};
use crate::model::{Interval, StudyModel, StudySettings};
use crate::params::StudyParams;
use crate::samples::{Samples, places_of};

/// A fitted model and how its training went.
#[derive(Debug)]
pub struct Trained {
    /// The model, learned from all rows.
    pub model: StudyModel,
    /// How it went.
    pub report: TrainReport,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Rows learned from.
    pub rows: usize,
    /// Rows whose target is not known, which were left out.
    pub unknown: usize,
    /// Features.
    pub features: usize,
    /// Figures on rows held out. They are those of a model that was fitted to the others, not of the one that is
    /// delivered, which has learned from all.
    pub held_out: StudyFigures,
    /// Each row judged by the one member that has not learned from it, though it stopped early on its part.
    pub out_of_fold: RegressionReport,
    /// Iterations (epochs, trees) that each member keeps.
    pub iterations: Vec<usize>,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// Trains on the rows whose target is known: sessions, or a table of one's own with a numeric target.
///
/// Students (of a table: groups) stay on one side of every split.
///
/// # Errors
/// [`tenure_core::Error::NotEnoughRows`] for fewer than [`LEAST_ROWS`](crate::LEAST_ROWS), [`crate::Error::EqualTargets`],
/// [`tenure_core::Error::Unsupported`] for a target of classes or a network over sessions of a table, a parameter or a value of a
/// session out of range, what the learner refuses, or the work is cancelled.
pub fn train(samples: &Samples, params: &StudyParams, context: &FitContext<'_>) -> Result<Trained> {
    params.check()?;
    let (places, known) = samples.known()?;
    let unknown = samples.rows() - known.rows();
    known.require_learnable()?;
    let test = places_of(&places, &known.hold_out(params.test_share, context.seed)?.test);
    let judged = fit(&samples.without(&test), params, &context.part(0))?;
    let held_out = evaluate_rows(&judged.model, samples, &test, None)?.figures;
    let Fit { model, out_of_fold, iterations, mut notes } = fit(samples, params, &context.part(1))?;
    if unknown > 0 {
        notes.push(format!("{unknown} rows whose target is not known were left out"));
    }
    let report = TrainReport {
        rows: known.rows(),
        unknown,
        features: model.schema().len(),
        held_out,
        out_of_fold: RegressionReport::new(&known.targets()?, &out_of_fold, None)?,
        iterations,
        notes,
    };
    Ok(Trained { model, report })
}

/// An ensemble with what its members said of rows that they had not learned from.
pub(crate) struct Fit {
    pub(crate) model: StudyModel,
    pub(crate) out_of_fold: Vec<f64>,
    pub(crate) iterations: Vec<usize>,
    pub(crate) notes: Vec<String>,
}

/// Fits an ensemble on the rows whose targets are known. Sessions without a known duration are part of their student's
/// past and nothing else, as where a model is applied.
pub(crate) fn fit(samples: &Samples, params: &StudyParams, context: &FitContext<'_>) -> Result<Fit> {
    let steps = params.learner.steps();
    let (places, known) = samples.known()?;
    let encoder = known.encoder(EncoderParams { least_sessions: params.least_sessions, steps })?;
    let whole = samples.encoded(encoder.as_ref())?;
    let data = whole.select(&places);
    let targets = known.targets()?;
    let learner = params.learner.check(data.target()?.name())?;
    let folds = known.folds(params.ensemble, context.seed)?;
    let silent = FitContext { progress: &(), ..context.clone() };
    let (mut members, mut iterations, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut out_of_fold = vec![f64::NAN; data.rows()];
    for (at, fold) in folds.iter().enumerate() {
        context.check_cancelled("fitting the ensemble")?;
        let own = silent.part(at as u64);
        let (rows, copies) = (places_of(&places, &fold.train), params.augmentation.as_ref());
        let train = samples.training(&rows, &whole, encoder.as_ref(), copies, own.seed)?;
        let valid = data.select(&fold.test);
        let fitted = learner.fit(&train, Some(&valid), &own)?;
        let predicted = fitted.model.predict(valid.x())?;
        fold.test.iter().zip(predicted.column(0)).for_each(|(&row, &value)| out_of_fold[row] = value);
        let FitReport { iterations: kept, notes: of_fit, .. } = fitted.report;
        iterations.push(kept);
        notes.extend(of_fit.into_iter().filter(|_| at == 0));
        members.push(fitted.model);
        let (done, total) = (at as u64 + 1, Some(folds.len() as u64));
        context.progress.report(Progress { stage: "fitting the ensemble", done, total, figure: None });
    }
    if !known.grouped(&data, params.ensemble) {
        notes.push(
            "too few students to keep each on one side of the splits: rows were drawn one by one".into(),
        );
    }
    let equal = vec![1.0; members.len()];
    let average = AverageModel::new(members, &equal)?;
    let settings = settings(samples, params, encoder.as_ref(), &data, context.seed)?;
    let (low, high) = settings.range;
    out_of_fold.iter_mut().for_each(|value| *value = value.clamp(low, high));
    let interval = Interval::fit(&targets, &out_of_fold, params.interval_level)?;
    let model = StudyModel::new(average, encoder, interval, data.medians(), settings)?;
    Ok(Fit { model, out_of_fold, iterations, notes })
}

fn settings(
    samples: &Samples,
    params: &StudyParams,
    encoder: Option<&StudyEncoder>,
    data: &Dataset,
    seed: u64,
) -> Result<StudySettings> {
    let (target, values) = (data.target()?, data.target()?.values());
    let range = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    let estimate_factor = match samples {
        Samples::Sessions(sessions) => {
            let pairs = sessions.iter().filter_map(|s| {
                Some((s.actual_duration?, s.estimated_base_time)).filter(|(_, estimate)| !estimate.is_nan())
            });
            let (hours, estimates) = pairs.fold((0.0, 0.0), |(a, b), (hours, said)| (a + hours, b + said));
            (estimates > 0.0).then_some(hours / estimates)
        }
        Samples::Table(_) => None,
    };
    Ok(StudySettings {
        params: params.clone(),
        target: target.name().to_owned(),
        unit: target.unit().to_owned(),
        version: data.model_version("study-time", &(params, encoder), seed),
        rows: data.rows(),
        mean: values.iter().sum::<f64>() / data.rows().max(1) as f64,
        range,
        estimate_factor,
    })
}
