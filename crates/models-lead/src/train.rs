//! From leads whose outcome is known to a lead model.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tenure_backends::Backend;
use tenure_backends::calibrated::{self, CalibrationOptions};
use tenure_backends::search::{Search, SearchOptions, SearchSpace};
use tenure_backends::tune::{self, TuneOptions};
use tenure_core::{Dataset, Error as CoreError, FitContext, Model, TargetKind};
use tenure_eval::splits::{self, Split};

use crate::error::{Error, Result};
use crate::evaluate::{Figures, LeadFigures, evaluate};
use crate::model::{LeadModel, LeadSettings, ScoreModel, Scorer};
use crate::params::{Goal, LeadParams, TierBounds, linear};

/// Fewest leads with a known outcome to learn from.
pub const LEAST_ROWS: usize = 100;

/// Rows up to which learners that draw at random are fitted three times and averaged.
const FEW_ROWS: usize = 50_000;

/// A fitted model and how its training went.
#[derive(Debug)]
pub struct Trained {
    /// The model, learned from all leads.
    pub model: LeadModel,
    /// How it went.
    pub report: TrainReport,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// What was learned.
    pub goal: Goal,
    /// Leads learned from.
    pub rows: usize,
    /// Leads whose outcome is not known, which were left out.
    pub unknown: usize,
    /// Different groups (contacts) among the leads, where they have groups.
    pub groups: Option<usize>,
    /// Columns.
    pub features: usize,
    /// Mean score, or share of the leads that converted.
    pub mean: f64,
    /// Figures on leads held out. They are those of a model that was fitted to the others, not of the one that
    /// is delivered, which has learned from all.
    pub held_out: LeadFigures,
    /// Figures of the delivered model's cross-validation.
    pub cross_validation: CrossValidation,
    /// Number of iterations (trees) chosen, for learners that iterate.
    pub iterations: Option<usize>,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// Each lead judged by a fit that has not learned from it. The number of trees and the calibration were chosen
/// on these rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// Over all leads together.
    pub figures: Figures,
    /// The main figure of each fold: mean absolute error of scores, area under the ROC curve of conversions.
    pub folds: Vec<f64>,
}

/// Trains on the leads of `data` whose first target is known: rows of
/// [`LeadRow`](tenure_features::contacts::LeadRow) or of any other table.
///
/// A numeric target is a score of 0 to 100, a binary one says whether the lead converted. Leads of one group
/// stay on one side of every split.
///
/// # Errors
/// [`CoreError::NotEnoughRows`] for fewer than [`LEAST_ROWS`] known leads, [`CoreError::TargetValue`] for a score
/// outside 0 to 100, [`Error::EqualScores`], [`CoreError::OneClass`] where all leads converted or none, the
/// errors of splits for classes too rare to be in every fold, a parameter out of range, or the work is
/// cancelled.
pub fn train(data: &Dataset, params: &LeadParams, context: &FitContext<'_>) -> Result<Trained> {
    params.check()?;
    let goal = goal_of(data)?;
    let labels = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !labels[row].is_nan()).collect();
    let unknown = data.rows() - known.len();
    let data = &data.select(&known);
    check_labels(data, goal)?;

    let split = splits::hold_out_of(data, params.test_share, context.seed)?;
    let seen = data.select(&split.train);
    let mut notes = Vec::new();
    let backend = searched(params, goal, &seen, context, &mut notes)?;
    let fitting = Fitting { params, goal, backend: &backend };
    let judged = fitting.fit(&seen, &context.part(1))?;
    let ids: Vec<String> = split.test.iter().map(|row| format!("row {row}")).collect();
    let held_out = evaluate(&judged.model, &data.select(&split.test), &ids, None)?.figures;

    let fitted = fitting.fit(data, &context.part(2))?;
    notes.extend(fitted.notes);
    let report = TrainReport {
        goal,
        rows: data.rows(),
        unknown,
        groups: data.groups().map(|groups| groups.iter().collect::<HashSet<_>>().len()),
        features: data.schema().len(),
        mean: fitted.model.settings().mean,
        held_out,
        cross_validation: fitted.cross_validation,
        iterations: fitted.iterations,
        notes,
    };
    Ok(Trained { model: fitted.model, report })
}

/// What the first target is.
pub(crate) fn goal_of(data: &Dataset) -> Result<Goal> {
    let target = data.target()?;
    match target.kind() {
        TargetKind::Real => Ok(Goal::Score),
        TargetKind::Binary => Ok(Goal::Conversion),
        _ => Err(Error::NoGoal { target: target.name().to_owned() }),
    }
}

/// Refuses too few leads, scores out of range, and outcomes that are all the same.
fn check_labels(data: &Dataset, goal: Goal) -> Result<()> {
    let rows = data.rows();
    if rows < LEAST_ROWS {
        return Err(CoreError::NotEnoughRows { found: rows, needed: LEAST_ROWS }.into());
    }
    let target = data.target()?;
    if goal == Goal::Conversion {
        return Ok(target.require_two_classes()?);
    }
    let (name, scores) = (target.name().to_owned(), target.values());
    if let Some(row) = scores.iter().position(|score| !(0.0..=100.0).contains(score)) {
        let (value, expected) = (scores[row], "a score from 0 to 100");
        return Err(CoreError::TargetValue { target: name, row, value, expected }.into());
    }
    if scores.iter().all(|score| *score == scores[0]) {
        return Err(Error::EqualScores { target: name, score: scores[0], rows });
    }
    Ok(())
}

/// The learner, with the parameters that a search finds where one is asked for.
fn searched(
    params: &LeadParams,
    goal: Goal,
    data: &Dataset,
    context: &FitContext<'_>,
    notes: &mut Vec<String>,
) -> Result<Backend> {
    let base = params.backend_for(goal);
    if params.search_trials == 0 {
        return Ok(base);
    }
    let space = SearchSpace::usual(&base)?;
    let options = SearchOptions { trials: params.search_trials, ..SearchOptions::default() };
    let folds = splits::k_fold_of(data, params.folds, context.seed)?;
    let found = Search::new(&space, &options, &context.part(0)).over(&base, data, &folds)?;
    notes.extend(found.notes.into_iter().map(|note| format!("search: {note}")));
    Ok(found.backend)
}

/// What a fit is made with.
struct Fitting<'a> {
    params: &'a LeadParams,
    goal: Goal,
    backend: &'a Backend,
}

/// One fit with its cross-validation.
struct Fit {
    model: LeadModel,
    cross_validation: CrossValidation,
    iterations: Option<usize>,
    notes: Vec<String>,
}

impl Fitting<'_> {
    fn fit(&self, data: &Dataset, context: &FitContext<'_>) -> Result<Fit> {
        let Self { params, goal, backend } = *self;
        let (target, labels) = (data.target()?, data.target()?.values());
        let folds = splits::k_fold_of(data, params.folds, context.seed)?;
        let tune =
            TuneOptions { refits: if data.rows() <= FEW_ROWS { 3 } else { 1 }, ..TuneOptions::default() };
        let (scorer, held_out, iterations, mut notes) = match goal {
            Goal::Score => {
                let tuned = tune::fit(backend, &tune, data, &folds, context)?;
                let held_out: Vec<f64> =
                    tuned.out_of_fold.column(0).iter().map(|score| score.clamp(0.0, 100.0)).collect();
                let scorer = ScoreModel::new(tuned.model, labels, &held_out, params.interval_level)?;
                (Scorer::Score(scorer), held_out, tuned.iterations, tuned.notes)
            }
            Goal::Conversion => {
                let level = params.interval_level;
                let options = CalibrationOptions { tune, level, ..CalibrationOptions::default() };
                let fit = calibrated::fit(backend, &options, data, &folds, context)?;
                (Scorer::Conversion(fit.model), fit.calibrated, fit.iterations, fit.notes)
            }
        };
        let scale = if goal == Goal::Conversion { 100.0 } else { 1.0 };
        let scores: Vec<f64> = held_out.iter().map(|output| scale * output).collect();
        let bounds = TierBounds::of(params.tiers, &scores);
        notes.extend(unreached(bounds, &scores));
        let settings = LeadSettings {
            params: params.clone(),
            goal,
            target: target.name().to_owned(),
            backend: backend.clone(),
            bounds,
            version: data.model_version("lead", params, context.seed),
            rows: data.rows(),
            mean: labels.iter().sum::<f64>() / data.rows() as f64,
        };
        let linear = linear_baseline(goal, data, context, &mut notes)?;
        let figures = Figures::new(goal, labels, &held_out, bounds)?;
        let folds = fold_figures(goal, labels, &held_out, &folds)?;
        Ok(Fit {
            model: LeadModel::new(scorer, linear, data.medians(), settings)?,
            cross_validation: CrossValidation { figures, folds },
            iterations,
            notes,
        })
    }
}

/// Says where no lead reaches a tier.
fn unreached(bounds: TierBounds, scores: &[f64]) -> Option<String> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (tier, bound) = match best {
        best if best < bounds.warm => ("warm", bounds.warm),
        best if best < bounds.hot => ("hot", bounds.hot),
        _ => return None,
    };
    Some(format!(
        "no lead is {tier}: the best is scored {best:.1}, {tier} begins at {bound:.1}; relative tiers would rank them"
    ))
}

/// The linear model on all columns; a data set that it cannot learn is noted.
fn linear_baseline(
    goal: Goal,
    data: &Dataset,
    context: &FitContext<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<Box<dyn Model>>> {
    let silent = FitContext { progress: &(), ..context.clone() };
    match linear(goal).check()?.fit(data, None, &silent) {
        Ok(fitted) => Ok(Some(fitted.model)),
        Err(cancelled @ CoreError::Cancelled { .. }) => Err(cancelled.into()),
        Err(error) => {
            notes.push(format!("no linear baseline: {error}"));
            Ok(None)
        }
    }
}

/// The main figure of each fold.
fn fold_figures(goal: Goal, labels: &[f64], predicted: &[f64], folds: &[Split]) -> Result<Vec<f64>> {
    let of = |values: &[f64], rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
    let figure = |fold: &Split| {
        let (labels, predicted) = (of(labels, &fold.test), of(predicted, &fold.test));
        match goal {
            Goal::Score => tenure_eval::metrics::mae(&labels, &predicted, None),
            Goal::Conversion => tenure_eval::metrics::roc_auc(&labels, &predicted, None),
        }
    };
    Ok(folds.iter().map(figure).collect::<tenure_eval::Result<_>>()?)
}
