//! Predictions as of an instant against what was then spent, beside what they must beat.

use std::collections::HashMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, FitContext};
use tenure_eval::metrics;
use tenure_features::{FeatureSet, OrderLog, Timestamp};

use crate::decision::Segment;
use crate::error::Result;
use crate::intervals::{Coverage, CoveredRow};
use crate::model::{LtvModel, Predicted};
use crate::params::LtvParams;
use crate::rhythm::Rhythm;
use crate::table;
use crate::train::{LEAST_ROWS, customer_splits, fit_table, zeros};

/// Who was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JudgedOn {
    /// The customers at an instant, by a model trained earlier.
    Later,
    /// The customers at an instant up to which, or beyond which, the model has learned: not a test.
    Seen,
    /// Customers that a fit has not seen, at the instant that it was fitted at: each part of them is predicted by a
    /// fit to the others.
    HeldOut,
}

/// How good predicted values are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueFigures {
    /// Spearman's rank correlation; `None` where all predictions are equal.
    pub spearman: Option<f64>,
    /// How much of the concentration of money the order recovers; `None` where all spend the same.
    pub normalised_gini: Option<f64>,
    /// Share of all money that the best-predicted tenth has; `None` where nothing was spent.
    pub top_decile_share: Option<f64>,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Sum of the predictions.
    pub predicted_total: f64,
    /// Sum of the spends.
    pub actual_total: f64,
}

/// What an error says of the data rather than of the call.
fn defined(figure: tenure_eval::Result<f64>) -> Result<Option<f64>> {
    match figure {
        Ok(value) => Ok(Some(value)),
        Err(tenure_eval::Error::Undefined { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

impl ValueFigures {
    pub(crate) fn new(actual: &[f64], predicted: &[f64]) -> Result<Self> {
        Ok(Self {
            spearman: defined(metrics::spearman(actual, predicted, None))?,
            normalised_gini: defined(metrics::normalised_gini(actual, predicted, None))?,
            top_decile_share: defined(metrics::share_of_top(actual, predicted, None, 0.1))?,
            mae: metrics::mae(actual, predicted, None)?,
            rmse: metrics::rmse(actual, predicted, None)?,
            predicted_total: predicted.iter().sum(),
            actual_total: actual.iter().sum(),
        })
    }
}

/// Simple ways to the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The mean spend of the training rows for everybody; where customers are held out, that of all of them.
    pub mean: ValueFigures,
    /// The spend in the observation window, carried on at the same rate.
    pub past_spend: ValueFigures,
    /// BG/NBD with Gamma-Gamma, fitted to the history of all customers before the instant; `None` where it does
    /// not tell their parameters.
    pub bg_nbd_gamma_gamma: Option<ValueFigures>,
}

/// How good the true expected spends are, and how close the model comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OracleFigures {
    /// Of the true expected spends.
    pub figures: ValueFigures,
    /// The model's rank correlation as a share of theirs.
    pub share_of_spearman: Option<f64>,
}

impl OracleFigures {
    fn new(own: &ValueFigures, actual: &[f64], truth: &[f64]) -> Result<Self> {
        let figures = ValueFigures::new(actual, truth)?;
        let share_of_spearman = own.spearman.zip(figures.spearman).map(|(own, best)| own / best);
        Ok(Self { figures, share_of_spearman })
    }
}

/// A tenth of the customers, by predicted value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decile {
    /// Customers in it.
    pub customers: usize,
    /// Mean of their predictions.
    pub predicted: f64,
    /// Mean of their spends.
    pub actual: f64,
}

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LtvFigures {
    /// Who was judged.
    pub judged_on: JudgedOn,
    /// Features are as of this instant.
    pub as_of: Timestamp,
    /// Spend is counted from `as_of` to here.
    pub window_end: Timestamp,
    /// Customers judged.
    pub customers: usize,
    /// Those who spent anything.
    pub spenders: usize,
    /// Version of the model; of the first fold's where customers were held out.
    pub model_version: String,
    /// The model.
    pub model: ValueFigures,
    /// What the model must beat.
    pub baselines: Baselines,
    /// The best attainable, where the truth is known.
    pub oracle: Option<OracleFigures>,
    /// How often intervals held the spend.
    pub coverage: Coverage,
    /// Calibration: tenths of the customers, the lowest predictions first.
    pub deciles: Vec<Decile>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// An evaluation with every prediction.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The figures.
    pub figures: LtvFigures,
    /// Ids of the customers judged.
    pub customers: Vec<String>,
    /// Their spends.
    pub actual: Vec<f64>,
    /// The model's predictions.
    pub predicted: Vec<f64>,
    /// The ranges, lower and upper end.
    pub intervals: Vec<(f64, f64)>,
    /// The segments.
    pub segments: Vec<Segment>,
    /// The past-spend baseline.
    pub past_spend: Vec<f64>,
    /// The BG/NBD and Gamma-Gamma baseline, where it could be fitted.
    pub bg_nbd_gamma_gamma: Option<Vec<f64>>,
    /// The true expected spends, where they are known.
    pub oracle: Option<Vec<f64>>,
    /// The model's features, one row a customer.
    pub x: Array2<f64>,
}

/// Judges `model` on the customers of `log` as of an instant whose prediction window the log covers.
///
/// `truth` holds true expected spends by customer id, where the data are synthetic.
///
/// # Errors
/// Where the window is not over in the log, no customer qualifies, `truth` lacks a customer, or the work is cancelled.
pub fn evaluate(
    model: &LtvModel,
    log: &OrderLog,
    as_of: Timestamp,
    truth: Option<&HashMap<String, f64>>,
    context: &FitContext<'_>,
) -> Result<Evaluation> {
    evaluate_with(model, log, &model.settings().params.features()?, as_of, truth, context)
}

/// As [`evaluate`], for a model trained with features of one's own.
///
/// # Errors
/// As [`evaluate`]; [`Error::Columns`] where the features are not the model's.
pub fn evaluate_with(
    model: &LtvModel,
    log: &OrderLog,
    features: &FeatureSet,
    as_of: Timestamp,
    truth: Option<&HashMap<String, f64>>,
    context: &FitContext<'_>,
) -> Result<Evaluation> {
    model.require_features(features)?;
    let params = &model.settings().params;
    let rows = table::labelled(log, features, params, as_of, Some(model.rhythm), context)?;
    let oracle = truth.map(|truth| look_up(truth, &rows.ids)).transpose()?;
    let predicted = model.predict_table(rows.data.x())?;
    let mut notes = Vec::new();
    let until = model.settings().until;
    if as_of < until {
        notes.push(format!(
            "the model was trained on orders up to {until}: figures as of {as_of} are not those of new data"
        ));
    }
    let baseline = Rhythm::fit(log, as_of, context)?;
    let judged = Judged {
        judged_on: if as_of < until { JudgedOn::Seen } else { JudgedOn::Later },
        as_of,
        params,
        model_version: model.settings().version.clone(),
        means: vec![model.settings().mean_spend; predicted.len()],
        predicted,
        oracle,
        notes,
    };
    judged.finish(log, rows.ids, &rows.data, &baseline, context)
}

fn look_up(truth: &HashMap<String, f64>, customers: &[String]) -> Result<Vec<f64>> {
    let known = |id: &String| {
        let absent = || Error::Data(format!("the truth does not know customer `{id}` at this date"));
        truth.get(id).copied().ok_or_else(absent)
    };
    Ok(customers.iter().map(known).collect::<std::result::Result<_, _>>()?)
}

/// Judges the family on customers held out: at one instant, the customers are cut into `folds` parts, and each is
/// predicted by a model trained on the others' spends at the same instant.
///
/// That needs no second prediction window, and says how well the model ranks customers it has not seen; not how it
/// fares when times change.
///
/// # Errors
/// As [`evaluate`] and [`crate::train`].
pub fn cross_validate(
    log: &OrderLog,
    params: &LtvParams,
    as_of: Timestamp,
    folds: usize,
    context: &FitContext<'_>,
) -> Result<Evaluation> {
    params.check()?;
    let rows = table::labelled(log, &params.features()?, params, as_of, None, context)?;
    let data = &rows.data;
    if data.rows() < LEAST_ROWS {
        return Err(Error::NotEnoughRows { found: data.rows(), needed: LEAST_ROWS }.into());
    }
    let spend = data.target()?.values();
    let splits = customer_splits(data, spend, folds, context.part(99).seed)?;
    let mut predicted: Vec<Option<Predicted>> = vec![None; data.rows()];
    let means = vec![spend.iter().sum::<f64>() / data.rows() as f64; data.rows()];
    let mut model_version = None;
    let until = log.coverage_end(None).unwrap_or_default();
    for (part, split) in splits.iter().enumerate() {
        let context = FitContext { progress: &(), ..context.part(100 + part as u64) };
        let trained = fit_table(params, &data.select(&split.train), rows.rhythm, until, &context)?;
        let test = data.select(&split.test);
        for (&row, answer) in split.test.iter().zip(trained.model.predict_table(test.x())?) {
            predicted[row] = Some(answer);
        }
        model_version.get_or_insert_with(|| trained.model.settings().version.clone());
    }
    let predicted: Vec<Predicted> = predicted.into_iter().flatten().collect();
    let judged = Judged {
        judged_on: JudgedOn::HeldOut,
        as_of,
        params,
        model_version: model_version.unwrap_or_default(),
        predicted,
        means,
        oracle: None,
        notes: Vec::new(),
    };
    judged.finish(log, rows.ids, data, &rows.rhythm, context)
}

struct Judged<'a> {
    judged_on: JudgedOn,
    as_of: Timestamp,
    params: &'a LtvParams,
    model_version: String,
    predicted: Vec<Predicted>,
    means: Vec<f64>,
    oracle: Option<Vec<f64>>,
    notes: Vec<String>,
}

impl Judged<'_> {
    fn finish(
        self,
        log: &OrderLog,
        customers: Vec<String>,
        data: &Dataset,
        baseline: &Rhythm,
        context: &FitContext<'_>,
    ) -> Result<Evaluation> {
        let Self { judged_on, as_of, params, model_version, predicted, means, oracle, mut notes } = self;
        let actual = data.target()?.values().to_vec();
        let values: Vec<f64> = predicted.iter().map(|p| p.value).collect();
        let segments: Vec<Segment> = predicted.iter().map(|p| p.segment).collect();
        let past_spend = past_spend(log, params, as_of, data)?;
        let by_rhythm = baseline.values(log, as_of, params.prediction_days, context)?;
        let groups = data.groups().unwrap_or_default();
        let bg_nbd_gamma_gamma: Option<Vec<f64>> =
            by_rhythm.map(|all| groups.iter().map(|&customer| all[customer as usize]).collect());
        let baselines = Baselines {
            mean: ValueFigures::new(&actual, &means)?,
            past_spend: ValueFigures::new(&actual, &past_spend)?,
            bg_nbd_gamma_gamma: bg_nbd_gamma_gamma
                .as_deref()
                .map(|p| ValueFigures::new(&actual, p))
                .transpose()?,
        };
        let covered: Vec<CoveredRow> = predicted
            .iter()
            .zip(&actual)
            .map(|(p, &actual)| CoveredRow {
                segment: p.segment,
                predicted: p.value,
                actual,
                low: p.low,
                high: p.high,
            })
            .collect();
        let Some(coverage) = Coverage::new(params.interval_level, &covered) else {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 }.into());
        };
        notes.extend(coverage.notes(|segment| zeros(&segments, &actual, segment)));
        let (told, spent): (f64, f64) = (values.iter().sum(), actual.iter().sum());
        if judged_on == JudgedOn::Later && (told - spent).abs() > 0.15 * spent {
            notes.push(format!(
                "{:.0} % of what was spent is foretold: spend has moved since the training windows, with the season or \
                 the business; values and intervals lag behind, the ranking suffers less",
                100.0 * told / spent
            ));
        }
        let own = ValueFigures::new(&actual, &values)?;
        let oracle_figures =
            oracle.as_deref().map(|truth| OracleFigures::new(&own, &actual, truth)).transpose()?;
        let figures = LtvFigures {
            judged_on,
            as_of,
            window_end: as_of.plus_days(i64::from(params.prediction_days)),
            customers: actual.len(),
            spenders: actual.iter().filter(|y| **y > 0.0).count(),
            model_version,
            model: own,
            baselines,
            oracle: oracle_figures,
            coverage,
            deciles: deciles(&values, &actual),
            notes,
        };
        let intervals = predicted.iter().map(|p| (p.low, p.high)).collect();
        Ok(Evaluation {
            figures,
            customers,
            actual,
            predicted: values,
            intervals,
            segments,
            past_spend,
            bg_nbd_gamma_gamma,
            oracle,
            x: data.x().to_owned(),
        })
    }
}

/// Spend in the observation window, as far as the log covers it, at the same rate for the prediction window.
fn past_spend(log: &OrderLog, params: &LtvParams, as_of: Timestamp, data: &Dataset) -> Result<Vec<f64>> {
    let Some(column) = data.schema().position("spend_window") else {
        return Err(Error::Internal("the order features have no `spend_window`".into()).into());
    };
    let covered = log.span().map_or(0.0, |(first, _)| as_of.days_since(first.day_start()));
    let days = covered.min(f64::from(params.observation_days)).max(1.0);
    let factor = f64::from(params.prediction_days) / days;
    Ok(data.x().column(column).iter().map(|spend| factor * spend).collect())
}

fn deciles(predicted: &[f64], actual: &[f64]) -> Vec<Decile> {
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    order.sort_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let n = order.len();
    let tenth = |k: usize| &order[k * n / 10..(k + 1) * n / 10];
    let mean = |rows: &[usize], of: &[f64]| rows.iter().map(|&r| of[r]).sum::<f64>() / rows.len() as f64;
    let decile = |rows: &[usize]| Decile {
        customers: rows.len(),
        predicted: mean(rows, predicted),
        actual: mean(rows, actual),
    };
    (0..10).map(tenth).filter(|rows| !rows.is_empty()).map(decile).collect()
}
