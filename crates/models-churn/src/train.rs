//! From an order log to a churn model.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tenure_backends::calibrated::last_of_each;
use tenure_backends::tune::{self, TuneOptions};
use tenure_backends::{Backend, LogisticParams};
use tenure_core::{Dataset, Error, FitContext, Learner, Progress, Schema, Target};
use tenure_eval::calibration::{CalibratedInterval, Calibrator, Method};
use tenure_eval::metrics::BinaryReport;
use tenure_eval::splits::{self, Split};
use tenure_eval::threshold;
use tenure_features::{FeatureSet, FuzzyAxes, OrderFeatures, OrderLog, Timestamp, training_set};

use crate::error::Result;
use crate::model::{ChurnModel, ChurnSettings, Parts};
use crate::params::{ChurnParams, Goal};

/// Fewest rows (customers × snapshots) to learn from.
pub const LEAST_ROWS: usize = 100;

/// Rows up to which the trees are fitted three times and averaged; beyond, one fit is steady enough.
const FEW_ROWS: usize = 50_000;

/// A fitted model and how its training went.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: ChurnModel,
    /// How it went.
    pub report: TrainReport,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Customers × snapshots learned from.
    pub rows: usize,
    /// Different customers among them.
    pub customers: usize,
    /// Columns the learner saw, fuzzy memberships included.
    pub features: usize,
    /// Share of the rows that churned.
    pub churn_rate: f64,
    /// The snapshots, oldest first.
    pub snapshots: Vec<SnapshotReport>,
    /// Trees of each boosted fit, where there are any.
    pub trees: Option<usize>,
    /// Figures on later snapshots after training on earlier ones, a prediction window apart; empty where the
    /// log is too short for that.
    pub time_series_cv: Vec<TimeFold>,
    /// Figures out of fold, with whole customers held out, before and after calibration.
    pub uncalibrated: BinaryReport,
    /// The same after calibration. The calibration was learned on these rows.
    pub calibrated: BinaryReport,
    /// Probability from which a customer is at risk.
    pub threshold: f64,
    /// Worth of keeping a customer that profits are computed with.
    pub saved_value: f64,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// One snapshot of the training set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotReport {
    /// Features are as of this instant.
    pub as_of: Timestamp,
    /// Customers in it.
    pub rows: usize,
    /// Share that churned.
    pub churn_rate: f64,
}

/// One fold of the time-series cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeFold {
    /// The snapshot judged on.
    pub as_of: Timestamp,
    /// Rows trained on, all labelled before `as_of`.
    pub train_rows: usize,
    /// Rows judged.
    pub rows: usize,
    /// Area under the ROC curve.
    pub roc_auc: f64,
    /// Log loss, before calibration.
    pub log_loss: f64,
}

/// Trains on every order before `until` (the whole log without it).
///
/// # Errors
/// Where no snapshot fits in the log, fewer than [`LEAST_ROWS`] rows result, all of one class, a parameter is
/// out of range, or the work is cancelled.
pub fn train(
    log: &OrderLog,
    params: &ChurnParams,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<Trained> {
    train_with(log, params, &params.features()?, until, context)
}

/// As [`train`], with features of one's own beside the built-in ones; [`ChurnScorer::with_features`] and
/// [`evaluate_with`] then need the same.
///
/// [`ChurnScorer::with_features`]: crate::ChurnScorer::with_features
/// [`evaluate_with`]: crate::evaluate_with
///
/// # Errors
/// As [`train`].
pub fn train_with(
    log: &OrderLog,
    params: &ChurnParams,
    features: &FeatureSet,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<Trained> {
    params.check()?;
    let table = training_set(log, &params.plan(), until, features, context)?;
    let data = table.into_data();
    if data.rows() < LEAST_ROWS {
        return Err(Error::NotEnoughRows { found: data.rows(), needed: LEAST_ROWS }.into());
    }
    data.target()?.require_two_classes()?;

    let reports = snapshot_reports(&data)?;
    let axes = FuzzyAxes::fit(data.schema(), data.x())?;
    let mut wide = axes.append(&data)?;
    let mut notes = Vec::new();
    if params.backend.clone().check()?.capabilities().offsets {
        wide = wide.with_offsets(offsets(&data, &reports))?;
    } else {
        notes.push(
            "this backend takes no offsets: it does not know how the churn rate moves from month to month"
                .into(),
        );
    }
    let labels = data.target()?.values();

    let splits = customer_splits(&data, params.folds, context.seed)?;
    let refits = if data.rows() <= FEW_ROWS { 3 } else { 1 };
    let options = TuneOptions { refits, ..TuneOptions::default() };
    let tuned = tune::fit(&params.backend, &options, &wide, &splits, context)?;
    notes.extend(tuned.notes);
    let out_of_fold = tuned.out_of_fold.column(0).to_vec();
    let HeldOut { calibrator, probabilities, intervals, saved_value, threshold } =
        HeldOut::judge(params, &data, &out_of_fold)?;

    let chosen = match tuned.iterations {
        Some(iterations) => params.backend.iterating(iterations, None),
        None => params.backend.clone(),
    };
    let time_series_cv = time_series_cv(&chosen, &wide, params, &reports, context, &mut notes)?;
    let recency = recency_baseline(&data, context)?;

    let settings = ChurnSettings {
        params: params.clone(),
        features_version: OrderFeatures::VERSION,
        threshold,
        saved_value,
        version: data.model_version("churn", params, context.seed),
        until: log.coverage_end(until).unwrap_or_default(),
        snapshots: reports.iter().map(|r| r.as_of).collect(),
        rows: data.rows(),
        churn_rate: mean(labels),
    };
    let report = TrainReport {
        rows: data.rows(),
        customers: distinct(data.groups().unwrap_or_default()),
        features: wide.schema().len(),
        churn_rate: mean(labels),
        snapshots: reports,
        trees: tuned.iterations,
        time_series_cv,
        uncalibrated: BinaryReport::new(labels, &out_of_fold, None, threshold)?,
        calibrated: BinaryReport::new(labels, &probabilities, None, threshold)?,
        threshold,
        saved_value,
        notes,
    };
    let schema = data.schema().clone();
    let typical = data.medians();
    let parts = Parts { inner: tuned.model, recency, axes, schema, calibrator, intervals, typical, settings };
    Ok(Trained { model: ChurnModel::new(parts)?, report })
}

/// What is learned from predictions for customers that a fit has not seen.
struct HeldOut {
    calibrator: Calibrator,
    /// Calibrated, one a row.
    probabilities: Vec<f64>,
    intervals: CalibratedInterval,
    saved_value: f64,
    threshold: f64,
}

impl HeldOut {
    fn judge(params: &ChurnParams, data: &Dataset, out_of_fold: &[f64]) -> Result<Self> {
        let labels = data.target()?.values();
        let calibrator = Calibrator::fit(Method::Platt, out_of_fold, labels, None)?;
        let probabilities = calibrator.apply_all(out_of_fold);
        // The snapshots of one customer are much alike: counted as so many customers, they would make the
        // intervals look surer than they are.
        let rows = last_of_each(data.groups().unwrap_or_default());
        let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
        let intervals = CalibratedInterval::fit(&of(&probabilities), &of(labels), params.interval_level)?;
        let saved_value = params.profit.saved_value.unwrap_or_else(|| window_spend(data, params));
        let threshold = choose_threshold(params, saved_value, &probabilities, labels)?;
        Ok(Self { calibrator, probabilities, intervals, saved_value, threshold })
    }
}

fn snapshot_reports(data: &Dataset) -> Result<Vec<SnapshotReport>> {
    let labels = data.target()?.values();
    let mut reports: Vec<SnapshotReport> = Vec::new();
    for (&time, &label) in data.times().unwrap_or_default().iter().zip(labels) {
        let as_of = Timestamp::from_seconds(time);
        if reports.last().is_none_or(|r| r.as_of != as_of) {
            reports.push(SnapshotReport { as_of, rows: 0, churn_rate: 0.0 });
        }
        if let Some(report) = reports.last_mut() {
            report.rows += 1;
            report.churn_rate += label;
        }
    }
    for report in &mut reports {
        report.churn_rate /= report.rows as f64;
    }
    Ok(reports)
}

/// For each row the log-odds of its snapshot's churn rate, less those of the latest snapshot.
///
/// Half a customer of either kind is added so that a snapshot of one class keeps finite odds.
fn offsets(data: &Dataset, reports: &[SnapshotReport]) -> Vec<f64> {
    let log_odds = |r: &SnapshotReport| {
        let churned = r.churn_rate * r.rows as f64;
        ((churned + 0.5) / (r.rows as f64 - churned + 0.5)).ln()
    };
    let latest = reports.last().map_or(0.0, log_odds);
    reports.iter().flat_map(|r| std::iter::repeat_n(log_odds(r) - latest, r.rows)).take(data.rows()).collect()
}

/// Splits that keep all rows of a customer together.
fn customer_splits(data: &Dataset, folds: usize, seed: u64) -> Result<Vec<Split>> {
    let groups = data.groups().unwrap_or_default();
    Ok(splits::stratified_group_k_fold(data.target()?.values(), groups, folds, seed)?)
}

/// Trains on earlier snapshots and judges on a later one, never closer than a prediction window.
fn time_series_cv(
    backend: &Backend,
    wide: &Dataset,
    params: &ChurnParams,
    reports: &[SnapshotReport],
    context: &FitContext<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<TimeFold>> {
    let gap = i64::from(params.prediction_days) * tenure_features::time::DAY;
    let times = wide.times().unwrap_or_default();
    let usable: Vec<&SnapshotReport> = reports
        .iter()
        .filter(|r| reports[0].as_of.seconds() + gap <= r.as_of.seconds())
        .filter(|r| r.churn_rate > 0.0 && r.churn_rate < 1.0)
        .collect();
    if usable.is_empty() {
        notes.push("too few snapshots for a time-series cross-validation: none lies a prediction window after the first".into());
        return Ok(Vec::new());
    }
    let learner = backend.clone().check()?;
    let latest = &usable[usable.len().saturating_sub(params.folds)..];
    let mut folds = Vec::new();
    for (done, report) in latest.iter().enumerate() {
        let rows = |keep: &dyn Fn(i64) -> bool| -> Vec<usize> {
            (0..times.len()).filter(|&row| keep(times[row])).collect()
        };
        let instant = report.as_of.seconds();
        let train = wide.select(&rows(&|time| time + gap <= instant));
        let test = wide.select(&rows(&|time| time == instant));
        if train.target()?.require_two_classes().is_err() {
            continue;
        }
        let silent = FitContext { progress: &(), ..context.part(1_000 + done as u64) };
        let fitted = learner.fit(&train, None, &silent)?;
        let scores = fitted.model.predict(test.x())?.column(0).to_vec();
        let labels = test.target()?.values();
        folds.push(TimeFold {
            as_of: report.as_of,
            train_rows: train.rows(),
            rows: test.rows(),
            roc_auc: tenure_eval::metrics::roc_auc(labels, &scores, None)?,
            log_loss: tenure_eval::metrics::log_loss(labels, &scores, None)?,
        });
        let total = Some(latest.len() as u64);
        let (stage, figure) = ("judging on later months", folds.last().map(|f| ("roc_auc", f.roc_auc)));
        context.progress.report(Progress { stage, done: done as u64 + 1, total, figure });
        context.check_cancelled(stage)?;
    }
    Ok(folds)
}

/// Mean spend of one prediction window, as the spend in the observation window suggests it.
fn window_spend(data: &Dataset, params: &ChurnParams) -> f64 {
    let Some(column) = data.schema().position("spend_window") else { return 1.0 };
    let spend: Vec<f64> = data.x().column(column).iter().copied().filter(|v| *v > 0.0).collect();
    let share = f64::from(params.prediction_days) / f64::from(params.observation_days);
    if spend.is_empty() { 1.0 } else { mean(&spend) * share }
}

fn choose_threshold(params: &ChurnParams, saved_value: f64, scores: &[f64], labels: &[f64]) -> Result<f64> {
    Ok(match params.goal {
        Goal::F1 => threshold::best_f1(labels, scores, None)?.threshold,
        Goal::Profit => {
            threshold::best_profit(labels, scores, None, &params.profit.economics(saved_value))?.threshold
        }
        Goal::Precision { at_least } => {
            threshold::precision_at_least(labels, scores, None, at_least)?.threshold
        }
    })
}

/// A logistic regression on recency alone.
fn recency_baseline(data: &Dataset, context: &FitContext<'_>) -> Result<Box<dyn tenure_core::Model>> {
    const COLUMN: &str = "recency_days";
    let Some(column) = data.schema().position(COLUMN) else {
        return Err(Error::Internal(format!("the order features have no `{COLUMN}`")).into());
    };
    let schema = Schema::new(vec![data.schema().features()[column].clone()])?;
    let x = data.x().column(column).to_owned().insert_axis(ndarray::Axis(1));
    let target = Target::binary("churn_probability", data.target()?.values().to_vec())?;
    let only = Dataset::new(schema, x)?.with_target(target)?;
    let silent = FitContext { progress: &(), ..context.clone() };
    Ok(LogisticParams::default().check()?.fit(&only, None, &silent)?.model)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn distinct(groups: &[u64]) -> usize {
    groups.iter().collect::<HashSet<_>>().len()
}
