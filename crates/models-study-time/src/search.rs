//! Which learner with which parameters, chosen inside the folds on which the choice is judged.

use serde::{Deserialize, Serialize};
use tenure_backends::Backend;
use tenure_backends::search::{
    FoldScore, Goal, Metric, Objective, Point, Search, SearchOptions, SearchSpace, Strategy,
};
use tenure_core::params::require;
use tenure_core::{Dataset, Error as CoreError, FitContext, Model, Progress};
use tenure_eval::metrics::{RegressionReport, rmse};
use tenure_eval::splits::Split;
use tenure_features::study::EncoderParams;

use crate::error::Result;
use crate::params::{StudyLearner, StudyParams};
use crate::samples::{Samples, places_of};
use crate::train::fit;

/// Share of a fold's training rows that tells a candidate when to stop.
const STOPPING_SHARE: f64 = 0.2;

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
/// alone, an ensemble of the chosen learner is fitted to that part, and judged on the rest. A candidate is scored as the
/// members of an ensemble are fitted: with noisy copies where `params` asks for them, stopping early on students (of a table:
/// groups, or rows) that it does not learn from.
///
/// # Errors
/// As [`crate::train`] and [`Search::run`]; [`CoreError::Parameter`] without a candidate.
pub fn search(
    samples: &Samples,
    plan: &GridSearch,
    params: &StudyParams,
    context: &FitContext<'_>,
) -> Result<Searched> {
    require("candidates", plan.candidates.len(), !plan.candidates.is_empty(), "at least one")?;
    params.check()?;
    let (_, known) = samples.known()?;
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
    let folds = inner_folds(samples, plan.inner_folds, params, context)?;
    let options = SearchOptions { strategy: Strategy::Grid { steps: 2 }, trials: usize::MAX, pruning: None };
    let mut best: Option<Chosen> = None;
    for candidate in &plan.candidates {
        let Candidate { base, space } = candidate;
        space.check(base)?;
        let mut ranking = Ranking { candidate, folds: &folds, context };
        let trials = Search::new(space, &options, context).run(&mut ranking, "study time")?;
        let Some((trial, inner_rmse)) = trials.best_trial().and_then(|t| Some((t, t.mean()?))) else {
            continue;
        };
        if best.as_ref().is_none_or(|best| inner_rmse < best.inner_rmse) {
            let (point, learner) = (trial.point.clone(), candidate.at(&trial.point)?);
            best = Some(Chosen { name: learner.name(), point, inner_rmse, learner });
        }
    }
    Ok(best.ok_or_else(|| CoreError::Internal("a search without a best candidate".into()))?)
}

impl Candidate {
    fn at(&self, point: &Point) -> tenure_core::Result<StudyLearner> {
        Ok(StudyLearner::Rows(self.space.backend_at(&self.base, point)?))
    }
}

/// What a candidate learns from, stops early on and is scored on.
struct InnerFold {
    train: Dataset,
    stop: Dataset,
    test: Dataset,
}

/// The folds, the same for all candidates.
fn inner_folds(
    samples: &Samples,
    folds: usize,
    params: &StudyParams,
    context: &FitContext<'_>,
) -> Result<Vec<InnerFold>> {
    let encoder = samples
        .encoder(EncoderParams { least_sessions: params.least_sessions, ..EncoderParams::default() })?;
    let data = samples.encoded(encoder.as_ref())?;
    let fold = |(at, split): (usize, Split)| -> Result<InnerFold> {
        let seed = context.part(at as u64).seed;
        let parts = samples.select(&split.train).hold_out(STOPPING_SHARE, seed)?;
        let learned = places_of(&split.train, &parts.train);
        Ok(InnerFold {
            train: samples.training(&learned, &data, encoder.as_ref(), params.augmentation.as_ref(), seed)?,
            stop: data.select(&places_of(&split.train, &parts.test)),
            test: data.select(&split.test),
        })
    };
    samples.folds(folds, context.seed)?.into_iter().enumerate().map(fold).collect()
}

/// Scores the points of a candidate.
struct Ranking<'a> {
    candidate: &'a Candidate,
    folds: &'a [InnerFold],
    context: &'a FitContext<'a>,
}

impl Objective for Ranking<'_> {
    fn folds(&self) -> usize {
        self.folds.len()
    }

    fn goal(&self) -> Goal {
        Metric::Rmse.goal()
    }

    fn name(&self) -> String {
        Metric::Rmse.to_string()
    }

    fn score(&mut self, point: &Point, at: usize) -> tenure_core::Result<FoldScore> {
        let InnerFold { train, stop, test } = &self.folds[at];
        let target = test.target()?;
        let learner = self.candidate.at(point)?.check(target.name())?;
        // The same draws for every point.
        let context = FitContext { progress: &(), ..self.context.part(at as u64) };
        let fitted = learner.fit(train, Some(stop), &context)?;
        let predicted = fitted.model.predict(test.x())?;
        let score = Metric::Rmse.score(target.kind(), target.values(), predicted.view(), test.weights())?;
        Ok(FoldScore { score, ..FoldScore::default() })
    }
}
