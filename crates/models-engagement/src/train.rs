//! From messages to an engagement model.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tenure_backends::calibrated::{self, CalibratedFit, CalibrationOptions};
use tenure_backends::tune::TuneOptions;
use tenure_core::{Dataset, Error, FitContext, Progress};
use tenure_eval::metrics::BinaryReport;
use tenure_eval::splits::{self, Split};
use tenure_eval::threshold;

use crate::error::Result;
use crate::evaluate::{Baselines, evaluate};
use crate::expand::Expansion;
use crate::judge::{Judge, TimeTest};
use crate::model::{EngagementModel, EngagementSettings};
use crate::params::EngagementParams;
use crate::pooling::Strengths;
use crate::send_time::SeenTimes;

/// Fewest messages with a known outcome to learn from.
pub const LEAST_ROWS: usize = 100;

/// A fitted model and how its training went.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: EngagementModel,
    /// How it went.
    pub report: TrainReport,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Messages learned from.
    pub rows: usize,
    /// Different recipients among them, where they are known.
    pub recipients: Option<usize>,
    /// Columns the learner saw.
    pub columns: usize,
    /// Share of the messages that were engaged with.
    pub engagement_rate: f64,
    /// Trees of each boosted fit, where there are any.
    pub trees: Option<usize>,
    /// Figures on recipients that a model of the others has not seen, calibrated: what to expect of new ones.
    pub held_out: BinaryReport,
    /// Simple ways to the same answer, on the same recipients.
    pub baselines: Baselines,
    /// Out of fold over all rows, before calibration.
    pub uncalibrated: BinaryReport,
    /// The same after calibration, which was learned on these rows.
    pub calibrated: BinaryReport,
    /// Probability from which an engagement is likely.
    pub threshold: f64,
    /// Whether the time of sending matters at all.
    pub time_test: TimeTest,
    /// How strongly recipients' pasts are pooled; `None` for a table without such a past.
    pub pooling: Option<Strengths>,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// Trains on messages with a binary first target; groups, where there are some, are recipients.
///
/// 1. A share of the recipients is held out, a model of the others is judged on them.
/// 2. The model is fitted on all messages, calibrated on its out-of-fold predictions (k folds by recipient).
///
/// # Errors
/// Fewer than [`LEAST_ROWS`] known outcomes, all of one class, a parameter out of range, columns that are not
/// what [`EngagementParams::time`] says, or cancelled work.
pub fn train(data: &Dataset, params: &EngagementParams, context: &FitContext<'_>) -> Result<Trained> {
    params.check()?;
    let labels = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !labels[row].is_nan()).collect();
    if known.len() < LEAST_ROWS {
        return Err(Error::NotEnoughRows { found: known.len(), needed: LEAST_ROWS }.into());
    }
    let mut notes = Vec::new();
    if known.len() < data.rows() {
        notes.push(format!("{} messages without a known outcome were left out", data.rows() - known.len()));
    }
    let data = data.select(&known);
    data.target()?.require_two_classes()?;

    let stage = |done: u64, stage: &str| {
        context.progress.report(Progress { stage, done, total: Some(2), figure: None });
        context.check_cancelled(stage)
    };
    stage(0, "judging on held-out recipients")?;
    let test_folds = (1.0 / params.test_share).round().max(2.0) as usize;
    let Split { train, test } = splits::k_fold_of(&data, test_folds, context.part(1).seed)?.swap_remove(0);
    let judged = fit(&data.select(&train), params, &context.part(2))?;
    let held_out = evaluate(&judged.model, &data.select(&test), None)?.figures;
    stage(1, "fitting on all recipients")?;
    let Fitted { model, found, columns } = fit(&data, params, context)?;

    let labels = data.target()?.values();
    let settings = model.settings();
    notes.extend(found.notes);
    Ok(Trained {
        report: TrainReport {
            rows: settings.rows,
            recipients: data.groups().map(|groups| groups.iter().collect::<HashSet<_>>().len()),
            columns,
            engagement_rate: settings.engagement_rate,
            trees: found.iterations,
            held_out: held_out.model,
            baselines: held_out.baselines,
            uncalibrated: BinaryReport::new(labels, &found.uncalibrated, None, settings.threshold)?,
            calibrated: BinaryReport::new(labels, &found.calibrated, None, settings.threshold)?,
            threshold: settings.threshold,
            time_test: *model.time_test(),
            pooling: model.pooling().cloned(),
            notes,
        },
        model,
    })
}

/// A model and what was found on the way to it.
struct Fitted {
    model: EngagementModel,
    found: Found,
    columns: usize,
}

/// A [`CalibratedFit`] without its model.
struct Found {
    uncalibrated: Vec<f64>,
    calibrated: Vec<f64>,
    iterations: Option<usize>,
    notes: Vec<String>,
}

fn fit(data: &Dataset, params: &EngagementParams, context: &FitContext<'_>) -> Result<Fitted> {
    let expansion = Expansion::fit(data, &params.time)?;
    let wide = expansion.expand_data(data)?;
    let options = CalibrationOptions {
        tune: TuneOptions::default(),
        level: params.interval_level,
        ..CalibrationOptions::default()
    };
    let splits = splits::k_fold_of(data, params.folds, context.seed)?;
    let CalibratedFit { model, uncalibrated, calibrated, iterations, notes, .. } =
        calibrated::fit(&params.backend, &options, &wide, &splits, context)?;
    let judge = Judge::fit(&wide, expansion.time_terms(), params.gain_level, context)?;

    let labels = data.target()?.values();
    let mut seen = SeenTimes::new(&expansion);
    data.x().rows().into_iter().for_each(|row| seen.add(expansion.moment(&row.to_vec())));
    let settings = EngagementSettings {
        params: params.clone(),
        threshold: threshold::best_f1(labels, &calibrated, None)?.threshold,
        version: data.model_version(EngagementModel::KIND, params, context.seed),
        rows: data.rows(),
        engagement_rate: labels.iter().sum::<f64>() / data.rows() as f64,
        times: data.times().and_then(|t| Some((*t.iter().min()?, *t.iter().max()?))),
        seen,
    };
    let columns = wide.schema().len();
    let model = EngagementModel::new(model, expansion, judge, data.medians(), settings)?;
    let found = Found { uncalibrated, calibrated, iterations, notes };
    Ok(Fitted { model, found, columns })
}
