//! Newton's method with step halving for `Σ wᵢ ℓ(ηᵢ, yᵢ) + Σ ½ l2ⱼ βⱼ² + Σ l1ⱼ |βⱼ|`.
//!
//! A step minimises the quadratic model of the objective: by Cholesky where no column has an absolute penalty,
//! by coordinate descent on its Hessian else (the proximal Newton method of Friedman, Hastie & Tibshirani,
//! *Regularization paths for generalized linear models via coordinate descent*, 2010, with the Gram matrix in
//! the place of the rows). The Hessian is the observed one where that is positive for every row, else the
//! expected one (Fisher scoring, the same as iteratively reweighted least squares). It costs most of a pass over
//! the rows, and changes little where a step was short: then the one before serves again, as long as steps
//! shrink fast with it. Many rows are left to quasi-Newton steps first ([`quasi`]).

use tenure_core::{Error, Result};

use super::family::{Link, Variance};
use super::linalg::Factor;
use super::passes::{Curvature, Rows, Sums};
use super::quasi::{self, Found};

/// `1 − R²` of a column on those before it, below which it counts as a combination of them.
const COLLINEAR: f64 = 1e-11;
/// A step shorter than this, relative to the size of linear predictors, keeps the Hessian.
pub(super) const SHORT: f64 = 0.02;
/// By what factor steps must shrink with a Hessian that was kept.
const SHRINKING: f64 = 0.2;
/// The first step after which a direction is looked at for separation.
const FIRST_LOOK: usize = 6;

/// What is to be minimised, beside the rows.
#[derive(Debug, Clone)]
pub(crate) struct Penalty {
    /// One number a column.
    pub(crate) l2: Vec<f64>,
    /// One number a column.
    pub(crate) l1: Vec<f64>,
}

impl Penalty {
    pub(crate) fn none(columns: usize) -> Self {
        Self { l2: vec![0.0; columns], l1: vec![0.0; columns] }
    }

    /// The gradient of the smooth part, from that of the loss.
    pub(super) fn slope(&self, gradient: &[f64], beta: &[f64]) -> Vec<f64> {
        gradient.iter().zip(beta).zip(&self.l2).map(|((g, b), l2)| g + l2 * b).collect()
    }

    fn is_free(&self, column: usize) -> bool {
        self.l2[column] == 0.0 && self.l1[column] == 0.0
    }

    fn value(&self, beta: &[f64]) -> f64 {
        let terms = beta.iter().zip(&self.l2).zip(&self.l1);
        terms.map(|((b, l2), l1)| 0.5 * l2 * b * b + l1 * b.abs()).sum()
    }
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_iterations: usize,
    /// Done when no coefficient of a column of spread 1 moves further than this times `unit` plus the largest.
    pub(crate) tolerance: f64,
    /// A size that linear predictors have.
    pub(crate) unit: f64,
    /// Whether the first column is the intercept.
    pub(crate) intercept: bool,
}

/// Where the minimum is.
#[derive(Debug)]
pub(crate) struct Solution {
    pub(crate) beta: Vec<f64>,
    pub(crate) state: State,
    pub(crate) iterations: usize,
    /// Columns that are combinations of those before them: their coefficients are 0.
    pub(crate) collinear: Vec<usize>,
    /// Loss at `beta`, without penalty.
    pub(crate) loss: f64,
    /// The expected second derivative at `beta`, where the last step needed it.
    pub(crate) information: Option<Vec<f64>>,
    /// The second derivative that the last steps were taken with; empty after a search without.
    pub(super) hessian: Vec<f64>,
    /// Linear predictors of the rows at `beta`.
    pub(super) predictors: Vec<f64>,
}

/// How the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Converged,
    /// All iterations were done.
    Iterations,
    /// No step lowers the objective further, though its slope is not zero: the minimum is on the edge of what
    /// the link allows.
    Edge,
    /// The objective falls without end along a direction in which this column moves most.
    Separated(usize),
}

/// Minimises; `each_step` gets the step's number (from 1) and the unpenalised loss, and its error ends the work.
///
/// # Errors
/// [`Error::Data`] where `start` gives a row no mean, and what `each_step` returns.
pub(crate) fn solve(
    rows: &Rows<'_>,
    penalty: &Penalty,
    limits: Limits,
    start: Vec<f64>,
    mut each_step: impl FnMut(usize, f64) -> Result<()>,
) -> Result<Solution> {
    match quasi::search(rows, penalty, limits, start, &mut each_step)? {
        Found::Minimum(solution) => Ok(solution),
        Found::Start(beta, done) => newton(rows, penalty, limits, beta, done, &mut each_step),
    }
}

/// Newton's method from `beta`, after `done` iterations.
fn newton(
    rows: &Rows<'_>,
    penalty: &Penalty,
    limits: Limits,
    mut beta: Vec<f64>,
    done: usize,
    each_step: &mut impl FnMut(usize, f64) -> Result<()>,
) -> Result<Solution> {
    let mut curvature = Curvature::Expected;
    let mut sums = rows.sums(&beta, curvature);
    let mut hessian = sums.hessian.take().unwrap_or_default();
    if !sums.loss.is_finite() {
        return Err(Error::Data(
            "no starting point gives every row a mean that the family allows; the log link (logit for a binary \
             target) has one for any data"
                .into(),
        ));
    }
    let constant = rows.shape.is_quadratic();
    let lasso = penalty.l1.iter().any(|&l| l > 0.0);
    let unpenalised = (0..beta.len()).any(|j| penalty.is_free(j));
    let mut independent = Independent { active: vec![true; beta.len()], collinear: Vec::new() };
    // The length of the step before, and whether the Hessian is not that of the last point.
    let (mut before, mut kept) = (f64::INFINITY, false);
    let mut state = State::Iterations;
    let mut iterations = done;
    for step in 1..=limits.max_iterations - done {
        iterations = done + step;
        let direction = if lasso {
            descend(&hessian, &sums.gradient, penalty, &beta, limits)
        } else {
            let Some(direction) = independent.step(&hessian, &sums.gradient, penalty, &beta, step == 1)
            else {
                state = State::Edge;
                break;
            };
            direction
        };
        let (reach, length) = (limits.unit + largest(&beta), largest(&direction));
        let keep = constant || length < SHORT * reach && (!kept || length < SHRINKING * before);
        let wanted = if keep { Curvature::Skipped } else { Curvature::Observed };
        let taken = take_step(rows, penalty, &beta, &direction, &sums, wanted)?;
        let moved = taken.beta.iter().zip(&beta).fold(0.0, |m, (a, b)| f64::max(m, (a - b).abs()));
        beta = taken.beta;
        sums = taken.sums;
        // With a Hessian of another point the error is a share of the step, not its square.
        let tolerance = limits.tolerance * if kept { 1e-2 } else { 1.0 };
        before = length;
        kept = sums.hessian.is_none() && !constant;
        if let Some(found) = sums.hessian.take() {
            (hessian, curvature) = (found, Curvature::Observed);
        }
        each_step(iterations, sums.loss)?;
        if moved <= tolerance * (limits.unit + largest(&beta)) {
            state = if taken.stalled { State::Edge } else { State::Converged };
            break;
        }
        if unpenalised
            && step >= FIRST_LOOK
            && step % 2 == 0
            && let Some(column) = recedes(rows, penalty, &direction, limits.intercept)
        {
            state = State::Separated(column);
            break;
        }
    }
    let current = curvature == Curvature::Observed && !kept && !rows.shape.has_observed();
    let information = (current || constant).then(|| hessian.clone());
    let Sums { loss, predictors, .. } = sums;
    let collinear = independent.collinear;
    Ok(Solution { beta, state, iterations, collinear, loss, information, hessian, predictors })
}

/// Which columns take part in steps by Cholesky factors.
struct Independent {
    active: Vec<bool>,
    collinear: Vec<usize>,
}

impl Independent {
    /// The step to the minimum of the quadratic model. The `first` finds the columns that depend on others;
    /// `None` where a later Hessian is not positive in one that did not.
    fn step(
        &mut self,
        hessian: &[f64],
        gradient: &[f64],
        penalty: &Penalty,
        beta: &[f64],
        first: bool,
    ) -> Option<Vec<f64>> {
        let columns = beta.len();
        let (hessian, slope) = penalised(hessian, gradient, penalty, beta);
        let factor = Factor::new(&hessian, columns, &self.active, if first { COLLINEAR } else { 0.0 });
        let lost = (0..columns).filter(|j| self.active[*j] && !factor.kept().contains(j));
        let lost: Vec<usize> = lost.collect();
        if !first && !lost.is_empty() {
            return None;
        }
        lost.iter().for_each(|&j| self.active[j] = false);
        self.collinear.extend(lost);
        Some(factor.solve(&slope).iter().map(|d| -d).collect())
    }
}

/// Hessian and gradient with the quadratic penalty.
fn penalised(hessian: &[f64], gradient: &[f64], penalty: &Penalty, beta: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let columns = beta.len();
    let mut hessian = hessian.to_vec();
    for j in 0..columns {
        hessian[j * columns + j] += penalty.l2[j];
    }
    (hessian, penalty.slope(gradient, beta))
}

pub(super) struct Taken {
    pub(super) beta: Vec<f64>,
    pub(super) sums: Sums,
    /// Whether no step, however short, lowered the objective.
    pub(super) stalled: bool,
}

/// A full step nearly always lowers the objective; halving guards the others.
pub(super) fn take_step(
    rows: &Rows<'_>,
    penalty: &Penalty,
    beta: &[f64],
    direction: &[f64],
    sums: &Sums,
    wanted: Curvature,
) -> Result<Taken> {
    let objective = sums.loss + penalty.value(beta);
    // By how much the linear model says that a full step lowers the objective.
    let l1 = |b: &[f64]| b.iter().zip(&penalty.l1).map(|(b, l)| l * b.abs()).sum::<f64>();
    let whole: Vec<f64> = beta.iter().zip(direction).map(|(b, d)| b + d).collect();
    let linear: f64 =
        (0..beta.len()).map(|j| (sums.gradient[j] + penalty.l2[j] * beta[j]) * direction[j]).sum::<f64>()
            + l1(&whole)
            - l1(beta);
    let rounding = 1e-12 * (sums.size + penalty.value(beta));
    let mut length = 1.0;
    loop {
        let next: Vec<f64> = beta.iter().zip(direction).map(|(b, d)| b + length * d).collect();
        let found = rows.sums(&next, wanted);
        let value = found.loss + penalty.value(&next);
        // Steps whose gain is lost in the rounding of the objective are taken unseen.
        let fine = value <= objective + 1e-4 * length * linear.min(0.0) || linear.abs() * length <= rounding;
        if value.is_finite() && fine {
            return Ok(Taken { beta: next, sums: found, stalled: linear.abs() > rounding && length < 1e-6 });
        }
        length *= 0.5;
        if length < 1e-12 {
            let sums = rows.sums(beta, wanted);
            return Ok(Taken { beta: beta.to_vec(), sums, stalled: true });
        }
    }
}

/// The step to the minimum of the quadratic model with both penalties, by cyclic coordinate descent.
fn descend(hessian: &[f64], gradient: &[f64], penalty: &Penalty, beta: &[f64], limits: Limits) -> Vec<f64> {
    const MOST_SWEEPS: usize = 20_000;
    let columns = beta.len();
    let (hessian, mut slope) = penalised(hessian, gradient, penalty, beta);
    let mut at = beta.to_vec();
    let mut update = |j: usize, at: &mut [f64]| -> f64 {
        let row = &hessian[j * columns..][..columns];
        if row[j] <= 0.0 {
            return 0.0;
        }
        let pulled = row[j] * at[j] - slope[j];
        let shrunk = (pulled.abs() - penalty.l1[j]).max(0.0).copysign(pulled);
        let change = shrunk / row[j] - at[j];
        if change != 0.0 {
            at[j] += change;
            for (slope, h) in slope.iter_mut().zip(row) {
                *slope += h * change;
            }
        }
        change.abs()
    };
    let mut sweeps = 0;
    while sweeps < MOST_SWEEPS {
        sweeps += 1;
        let moved = (0..columns).fold(0.0, |m, j| f64::max(m, update(j, &mut at)));
        let enough = 1e-3 * limits.tolerance * (limits.unit + largest(&at));
        if moved <= enough {
            break;
        }
        // Only what is not zero moves until it rests; then all are asked again.
        let live: Vec<usize> = (0..columns).filter(|&j| at[j] != 0.0).collect();
        while sweeps < MOST_SWEEPS {
            sweeps += 1;
            if live.iter().fold(0.0, |m, &j| f64::max(m, update(j, &mut at))) <= enough {
                break;
            }
        }
    }
    at.iter().zip(beta).map(|(a, b)| a - b).collect()
}

/// Whether the objective falls without end along `direction` (a recession direction of the likelihood: Albert &
/// Anderson, *On the existence of maximum likelihood estimates in logistic regression models*, 1984), and the
/// column that moves most in it.
fn recedes(rows: &Rows<'_>, penalty: &Penalty, direction: &[f64], intercept: bool) -> Option<usize> {
    let margins = match (rows.shape.variance, rows.shape.link) {
        (Variance::Binomial, Link::Logit | Link::ComplementaryLogLog) => {
            rows.margins(direction, |y| if y == 1.0 { 1.0 } else { -1.0 })
        }
        // Means of rows whose target is 0 sink for ever while the others stay.
        (Variance::Power(p), Link::Log) if (1.0..2.0).contains(&p) => {
            rows.margins(direction, |y| if y == 0.0 { -1.0 } else { 0.0 })
        }
        _ => return None,
    };
    let moved = (0..direction.len()).any(|j| !penalty.is_free(j) && direction[j] != 0.0);
    let allowed = 1e-5 * margins.greatest;
    let falls = margins.greatest > 1e-3 && margins.least >= -allowed && margins.free <= allowed;
    if moved || !falls {
        return None;
    }
    (usize::from(intercept)..direction.len())
        .max_by(|&a, &b| direction[a].abs().total_cmp(&direction[b].abs()))
}

pub(super) fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| f64::max(most, value.abs()))
}
