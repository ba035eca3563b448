//! Fits along a falling penalty, and the choice of one by cross-validation.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Dataset, Error, FitContext, Result};

use super::fit::Prepared;
use super::passes::Curvature;
use super::solver::State;
use super::{Glm, GlmParams};

/// Which penalties a path visits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PathParams {
    /// These strengths, each above 0; empty for `count` ones on a logarithmic scale down from the least that
    /// leaves no coefficient (where `l1_ratio` is below 0.001: from that of 0.001).
    pub alphas: Vec<f64>,
    /// How many where none are given, at least 2.
    pub count: usize,
    /// The last over the first where none are given, above 0, below 1; `None` for 0.0001, or 0.01 where there
    /// are more columns than rows.
    pub least: Option<f64>,
}

impl Default for PathParams {
    fn default() -> Self {
        Self { alphas: Vec::new(), count: 100, least: None }
    }
}

impl PathParams {
    fn check(&self) -> Result<()> {
        for &alpha in &self.alphas {
            require("alphas", alpha, alpha.is_finite() && alpha > 0.0, "finite numbers above 0")?;
        }
        require("count", self.count, self.count >= 2, "at least 2")?;
        let least = self.least.unwrap_or(0.5);
        require("least", least, least > 0.0 && least < 1.0, "above 0, below 1")
    }
}

/// The fit at one penalty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PathPoint {
    /// Strength of the penalty.
    pub alpha: f64,
    /// One for each of [`Path::names`], of the columns as they come.
    pub coefficients: Vec<f64>,
    /// Coefficients that are not 0, without the intercept.
    pub nonzero: usize,
    /// Share of the null deviance that is gone, 0 to 1; 0 where that is 0.
    pub deviance_explained: f64,
    /// Whether the solver reached its tolerance.
    pub converged: bool,
}

/// Fits along a falling penalty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Path {
    /// Names of the coefficients, the intercept first where there is one.
    pub names: Vec<String>,
    /// The strongest penalty first.
    pub points: Vec<PathPoint>,
}

/// Penalties compared by cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PenaltyChoice {
    /// The penalties, the strongest first.
    pub alphas: Vec<f64>,
    /// Mean deviance per unit of weight over the held-out rows, for each.
    pub deviance: Vec<f64>,
    /// Standard error of that mean over the splits, for each.
    pub standard_error: Vec<f64>,
    /// Place of the least deviance.
    pub best: usize,
    /// Place of the strongest penalty whose deviance is within one standard error of the least.
    pub one_standard_error: usize,
}

impl PenaltyChoice {
    /// The parameters with the penalty of least deviance.
    #[must_use]
    pub fn best(&self, params: &GlmParams) -> GlmParams {
        GlmParams { alpha: self.alphas[self.best], ..params.clone() }
    }
}

/// Fits `params` at falling penalties, each from where the one before ended. [`GlmParams::alpha`] is not used.
///
/// # Errors
/// As [`tenure_core::Learner::fit`], and [`Error::Parameter`].
pub fn path(
    params: &GlmParams,
    data: &Dataset,
    along: &PathParams,
    context: &FitContext<'_>,
) -> Result<Path> {
    along.check()?;
    let glm = penalised(params)?;
    let prepared = Prepared::new(&glm, data, context)?;
    let (alphas, start) = alphas(&prepared, params, along);
    let null = prepared.mean_loss(prepared.rows().sums(&start, Curvature::Skipped).loss);
    let mut points = Vec::with_capacity(alphas.len());
    follow(&prepared, &alphas, start, context, |alpha, beta, loss, converged| {
        let explained = if null > 0.0 { (1.0 - prepared.mean_loss(loss) / null).max(0.0) } else { 0.0 };
        points.push(PathPoint {
            alpha,
            coefficients: prepared.design.unscaled(beta),
            nonzero: beta.iter().skip(usize::from(params.intercept)).filter(|b| **b != 0.0).count(),
            deviance_explained: explained,
            converged,
        });
        Ok(())
    })?;
    Ok(Path { names: prepared.design.names.clone(), points })
}

/// Compares penalties on rows that were held out: `splits` are pairs of row numbers, to learn from and to judge
/// by. All splits see the penalties that [`path`] takes on all rows.
///
/// # Errors
/// As [`path`]; [`Error::NotEnoughRows`] where a split judges by no row, [`Error::Shape`] for a row that the
/// data do not have.
pub fn choose_penalty(
    params: &GlmParams,
    data: &Dataset,
    along: &PathParams,
    splits: &[(Vec<usize>, Vec<usize>)],
    context: &FitContext<'_>,
) -> Result<PenaltyChoice> {
    along.check()?;
    require("splits", splits.len(), splits.len() >= 2, "at least 2")?;
    let glm = penalised(params)?;
    let alphas = alphas(&Prepared::new(&glm, data, context)?, params, along).0;
    let rows = splits.iter().flat_map(|(train, test)| train.iter().chain(test));
    if let Some(&found) = rows.clone().find(|&&row| row >= data.rows()) {
        return Err(Error::Shape { what: "row numbers of a split, below", expected: data.rows(), found });
    }
    // For each split the mean deviance at each penalty, and the weight of the rows it is over.
    let mut folds = Vec::with_capacity(splits.len());
    for (train, test) in splits {
        let (train, test) = (data.select(train), data.select(test));
        let prepared = Prepared::new(&glm, &train, context)?;
        let judge = super::sample::Sample::of(&test)?;
        if judge.len() == 0 {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 });
        }
        let mut losses = Vec::with_capacity(alphas.len());
        follow(&prepared, &alphas, prepared.start(), context, |_, beta, _, _| {
            losses.push(prepared.held_out_deviance(&judge, beta));
            Ok(())
        })?;
        folds.push((losses, judge.total_weight()));
    }
    let total: f64 = folds.iter().map(|(_, weight)| weight).sum();
    let mut choice = PenaltyChoice {
        deviance: Vec::with_capacity(alphas.len()),
        standard_error: Vec::with_capacity(alphas.len()),
        alphas,
        best: 0,
        one_standard_error: 0,
    };
    for at in 0..choice.alphas.len() {
        let mean = folds.iter().map(|(losses, weight)| losses[at] * weight / total).sum::<f64>();
        let square = folds.iter().map(|(losses, weight)| (losses[at] - mean).powi(2) * weight / total);
        choice.deviance.push(mean);
        choice.standard_error.push((square.sum::<f64>() / (folds.len() - 1) as f64).sqrt());
    }
    let order = |a: &usize, b: &usize| choice.deviance[*a].total_cmp(&choice.deviance[*b]);
    choice.best = (0..choice.alphas.len()).min_by(order).unwrap_or(0);
    let bound = choice.deviance[choice.best] + choice.standard_error[choice.best];
    choice.one_standard_error = choice.deviance.iter().position(|d| *d <= bound).unwrap_or(choice.best);
    Ok(choice)
}

/// The parameters with a penalty that stands for those of the path.
fn penalised(params: &GlmParams) -> Result<Glm> {
    GlmParams { alpha: 1.0, ..params.clone() }.check()
}

/// The penalties, the strongest first, and where a fit of the intercept alone is.
fn alphas(prepared: &Prepared<'_>, params: &GlmParams, along: &PathParams) -> (Vec<f64>, Vec<f64>) {
    let start = prepared.start();
    if !along.alphas.is_empty() {
        let mut alphas = along.alphas.clone();
        alphas.sort_by(|a, b| b.total_cmp(a));
        return (alphas, start);
    }
    let gradient = prepared.rows().sums(&start, Curvature::Skipped).gradient;
    let total = prepared.sample.total_weight();
    let pull = |(j, g): (usize, &f64)| match prepared.factor(j) {
        0.0 => 0.0,
        factor => g.abs() / (factor * total),
    };
    let greatest = gradient.iter().enumerate().map(pull).fold(0.0, f64::max) / params.l1_ratio.max(1e-3);
    let greatest = if greatest > 0.0 { greatest } else { 1.0 };
    let wide = prepared.design.width() > prepared.sample.len();
    let least = along.least.unwrap_or(if wide { 1e-2 } else { 1e-4 });
    let last = (along.count - 1) as f64;
    ((0..along.count).map(|k| greatest * least.powf(k as f64 / last)).collect(), start)
}

/// Fits at each penalty from where the one before ended; `each` gets penalty, coefficients, loss, and whether
/// the solver converged.
fn follow(
    prepared: &Prepared<'_>,
    alphas: &[f64],
    start: Vec<f64>,
    context: &FitContext<'_>,
    mut each: impl FnMut(f64, &[f64], f64, bool) -> Result<()>,
) -> Result<()> {
    let mut at = start;
    let mut history = Vec::new();
    for &alpha in alphas {
        let solution = prepared.solve(alpha, at, context, &mut history)?;
        each(alpha, &solution.beta, solution.loss, solution.state == State::Converged)?;
        at = solution.beta;
    }
    Ok(())
}
