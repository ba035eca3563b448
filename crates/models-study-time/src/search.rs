//! Which learner with which parameters, chosen inside the folds on which the choice is judged.

use serde::{Deserialize, Serialize};
use tenure_backends::Backend;
use tenure_backends::search::{Found, Metric, Point, Search, SearchOptions, SearchSpace, Strategy};
use tenure_core::params::require;
use tenure_core::{Error as CoreError, FitContext, Model, Progress};
use tenure_eval::metrics::{RegressionReport, rmse};
use tenure_features::study::EncoderParams;

use crate::error::Result;
use crate::params::{StudyLearner, StudyParams};
use crate::samples::Samples;
use crate::train::fit;

/// A learner and the parameters of it that are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Where the search begins from.
    pub base: Backend,
    /// What is tried: every combination of choices and of the ends of ranges.
    pub space: SearchSpace,
}

impl Candidate {
    /// The learner of this name with a small grid that suits a few hundred rows.
    ///
    /// # Errors
    /// As [`StudyLearner::by_name`]; [`CoreError::Unsupported`] for a network over sessions, and for a backend that has no
    /// usual grid.
    pub fn usual(name: &str) -> Result<Self> {
        let StudyLearner::Rows(base) = StudyLearner::by_name(name)? else {
            return Err(CoreError::unsupported(name, "a grid: it is searched over learners of single rows"))?;
        };
        let grid = match name {
            "mlp" => serde_json::json!({
                "hidden": {"choices": [[128, 64, 32, 16], [64, 32], [32]]},
                "dropout": {"choices": [[0.3], [0.1]]},
            }),
            "gbdt" => serde_json::json!({
                "leaves": {"choices": [4, 8]}, "min_rows": {"choices": [5, 20]},
            }),
            "forest" => serde_json::json!({
                "columns": {"choices": ["third", "all"]}, "min_rows": {"choices": [1, 5]},
            }),
            "glm" => serde_json::json!({"alpha": {"choices": [0.001, 0.03, 1.0, 30.0]}}),
            _ => {
                let space = SearchSpace::usual(&base)?;
                return Ok(Self { base, space });
            }
        };
        let dimensions = serde_json::from_value(grid)
            .map_err(|e| CoreError::Internal(format!("the usual grid of {name}: {e}")))?;
        Ok(Self { base, space: SearchSpace { backend: name.to_owned(), dimensions } })
    }
}

/// What is searched, and how it is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridSearch {
    /// The learners; the one with the lowest mean RMSE over the inner folds is taken.
    pub candidates: Vec<Candidate>,
    /// Folds that the choice is judged on, at least 2.
    pub outer_folds: usize,
    /// Folds within each training part that it is made on, at least 2.
    pub inner_folds: usize,
}

impl GridSearch {
    /// The usual grids of these learners, judged on 10 folds, chosen on 3 within.
    ///
    /// # Errors
    /// As [`Candidate::usual`].
    pub fn of<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        let candidates = names.iter().map(|name| Candidate::usual(name.as_ref())).collect::<Result<_>>()?;
        Ok(Self { candidates, outer_folds: 10, inner_folds: 3 })
    }
}

/// What a search found, and how good such a choice is on rows that had no part in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The choice over all rows, to train with.
    pub chosen: Chosen,
    /// The choices within the outer folds.
    pub folds: Vec<JudgedChoice>,
    /// Each row judged by the choice of its fold, over all rows together.
    pub figures: RegressionReport,
    /// Mean RMSE of the outer folds.
    pub mean_fold_rmse: f64,
    /// The mean of the training rows, over all rows together.
    pub mean: RegressionReport,
}

/// A learner with parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Name of the learner.
    pub name: String,
    /// The parameters that were tried, and found best.
    pub point: Point,
    /// Its mean RMSE over the inner folds.
    pub inner_rmse: f64,
    /// The learner itself.
    pub learner: StudyLearner,
}

/// A choice and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedChoice {
    /// Name of the learner.
    pub name: String,
    /// Its parameters.
    pub point: Point,
    /// RMSE over the inner folds.
    pub inner_rmse: f64,
    /// RMSE on the fold's own rows, of the ensemble.
    pub rmse: f64,
}

/// Searches grids with nested cross-validation: in each outer fold the choice is made on inner folds of its training part
/// alone, an ensemble of the chosen learner is fitted to that part, and judged on the rest.
///
/// # Errors
/// As [`crate::train`] and [`Search::over`]; [`CoreError::Parameter`] without a candidate.
pub fn search(
    samples: &Samples,
    plan: &GridSearch,
    params: &StudyParams,
    context: &FitContext<'_>,
) -> Result<Searched> {
    require("candidates", plan.candidates.len(), !plan.candidates.is_empty(), "at least one")?;
    params.check()?;
    let (known, _) = samples.known()?;
    known.require_learnable()?;
    let actual = known.targets()?;
    let silent = FitContext { progress: &(), ..context.clone() };
    let (mut predicted, mut mean) = (vec![f64::NAN; known.rows()], vec![f64::NAN; known.rows()]);
    let outer = known.folds(plan.outer_folds, context.seed)?;
    let mut folds = Vec::new();
    for (at, split) in outer.iter().enumerate() {
        let own = silent.part(at as u64);
        let (train, test) = (known.select(&split.train), known.select(&split.test));
        let chosen = choose(&train, plan, params, &own)?;
        let params = StudyParams { learner: chosen.learner, ..params.clone() };
        let model = fit(&train, &params, &own)?.model;
        let answers = model.predict(model.read(&test)?.x())?.column(0).to_vec();
        let rmse = rmse(&test.targets()?, &answers, None)?;
        for (&row, answer) in split.test.iter().zip(answers) {
            (predicted[row], mean[row]) = (answer, model.settings().mean);
        }
        folds.push(JudgedChoice {
            name: chosen.name,
            point: chosen.point,
            inner_rmse: chosen.inner_rmse,
            rmse,
        });
        let (done, total) = (at as u64 + 1, Some(outer.len() as u64));
        context.progress.report(Progress { stage: "searching", done, total, figure: Some(("rmse", rmse)) });
    }
    Ok(Searched {
        chosen: choose(&known, plan, params, &silent)?,
        mean_fold_rmse: folds.iter().map(|fold| fold.rmse).sum::<f64>() / folds.len() as f64,
        figures: RegressionReport::new(&actual, &predicted, None)?,
        mean: RegressionReport::new(&actual, &mean, None)?,
        folds,
    })
}

/// The best candidate over the inner folds of some rows, the first of equals.
fn choose(
    samples: &Samples,
    plan: &GridSearch,
    params: &StudyParams,
    context: &FitContext<'_>,
) -> Result<Chosen> {
    let encoder = samples
        .encoder(EncoderParams { least_sessions: params.least_sessions, ..EncoderParams::default() })?;
    let data = samples.encoded(encoder.as_ref())?;
    let inner = samples.folds(plan.inner_folds, context.seed)?;
    let options = SearchOptions { strategy: Strategy::Grid { steps: 2 }, trials: usize::MAX, pruning: None };
    let mut best: Option<(f64, Found)> = None;
    for Candidate { base, space } in &plan.candidates {
        let found = Search::new(space, &options, context).by(Metric::Rmse).over(base, &data, &inner)?;
        let score = found.trials.best_trial().and_then(|trial| trial.mean()).unwrap_or(f64::INFINITY);
        if best.as_ref().is_none_or(|(lowest, _)| score < *lowest) {
            best = Some((score, found));
        }
    }
    let (inner_rmse, found) =
        best.ok_or_else(|| CoreError::Internal("a search without candidates".into()))?;
    let learner = StudyLearner::Rows(found.backend);
    Ok(Chosen { name: learner.name(), point: found.point, inner_rmse, learner })
}
