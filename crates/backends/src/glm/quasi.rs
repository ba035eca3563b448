//! A start from part of the rows, and the way from there to the minimum of all of them.
//!
//! Every eighth block of rows gives coefficients that are off by no more than their own uncertainty, and a Hessian
//! that is off by a few per cent, for an eighth of the work. The limited-memory BFGS method (Nocedal, *Updating
//! quasi-Newton matrices with limited storage*, 1980) takes the Hessian of the part as its first metric: each of
//! its steps costs a pass without Hessian, and a handful of them ends where Newton's method does.

use tenure_core::Result;

use super::linalg::{Factor, dot};
use super::passes::{Curvature, Rows};
use super::solver::{self, Limits, Penalty, Solution, State};

/// Of how many blocks one serves for the start.
const EVERY: usize = 8;
/// Rows of the part for each column, below which its Hessian is too far from that of all rows.
const LEAST_ROWS: usize = 32;
/// Rows of the part, below which a start from it is not worth the trouble.
const LEAST_PART: usize = 4096;
/// How far the part is solved: it is off by more than this anyway.
const PART_TOLERANCE: f64 = 0.1;
/// `1 − R²` of a column within the part, below which it is left to Newton's method on all rows.
const NEARLY_COLLINEAR: f64 = 1e-6;
/// Steps after which Newton's method takes over.
const MOST_STEPS: usize = 12;
/// The step after which a Hessian of all rows is the metric: from there on it hardly changes.
const RENEWED: usize = 1;
/// By what factor steps have to shrink, on the whole.
const SHRINKING: f64 = 0.5;

/// A change of coefficients and of the slope with it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
}

/// What a search came to.
pub(super) enum Found {
    Minimum(Solution),
    /// A better start for Newton's method, after so many iterations.
    Start(Vec<f64>, usize),
}

/// The minimum, where the data are many and behave well; else where to begin.
pub(super) fn search(
    rows: &Rows<'_>,
    penalty: &Penalty,
    limits: Limits,
    start: Vec<f64>,
    each_step: &mut impl FnMut(usize, f64) -> Result<()>,
) -> Result<Found> {
    let Some((mut beta, mut metric)) = from_part(rows, penalty, limits, &start) else {
        return Ok(Found::Start(start, 0));
    };
    let mut sums = rows.sums(&beta, Curvature::Skipped);
    if !sums.loss.is_finite() {
        return Ok(Found::Start(start, 0));
    }
    let mut slope = penalty.slope(&sums.gradient, &beta);
    let mut pairs: Vec<Pair> = Vec::new();
    let mut before = f64::INFINITY;
    for iterations in 1..=MOST_STEPS {
        let direction = direction(&metric, &pairs, &slope);
        let wanted = if iterations == RENEWED { Curvature::Observed } else { Curvature::Skipped };
        let taken = solver::take_step(rows, penalty, &beta, &direction, &sums, wanted)?;
        let step: Vec<f64> = taken.beta.iter().zip(&beta).map(|(a, b)| a - b).collect();
        let moved = largest(&step);
        (beta, sums) = (taken.beta, taken.sums);
        each_step(iterations, sums.loss)?;
        let found = penalty.slope(&sums.gradient, &beta);
        let change: Vec<f64> = found.iter().zip(&slope).map(|(a, b)| a - b).collect();
        slope = found;
        // Steps shrink by about the same factor each: so much of the last is still to go.
        let left = moved * (moved / before).clamp(LEAST_LEFT, 1.0);
        if left <= ACCURACY * limits.tolerance * (limits.unit + largest(&beta)) && !taken.stalled {
            let solution = Solution {
                beta,
                state: State::Converged,
                iterations,
                collinear: Vec::new(),
                loss: sums.loss,
                information: None,
                hessian: Vec::new(),
                predictors: sums.predictors,
            };
            return Ok(Found::Minimum(solution));
        }
        let curvature = dot(&step, &change);
        if taken.stalled || curvature <= 0.0 || moved > SHRINKING * before {
            return Ok(Found::Start(beta, iterations));
        }
        before = moved;
        match sums.hessian.take().and_then(|hessian| positive(hessian, penalty)) {
            Some(factor) => {
                metric = factor;
                pairs.clear();
            }
            None => pairs.push(Pair { step, change, curvature }),
        }
    }
    Ok(Found::Start(beta, MOST_STEPS))
}

/// Share of the last step that is taken to be left at least.
const LEAST_LEFT: f64 = 0.02;
/// What may be left, relative to the tolerance: Newton's method leaves the square of its last step.
const ACCURACY: f64 = 0.1;

/// Coefficients and metric from every so many blocks; `None` where these do not tell enough.
fn from_part(rows: &Rows<'_>, penalty: &Penalty, limits: Limits, start: &[f64]) -> Option<(Vec<f64>, Factor)> {
    let (columns, part) = (start.len(), rows.x.rows() / EVERY);
    let enough = part >= LEAST_PART.max(LEAST_ROWS * columns) && rows.every == 1;
    let patient = limits.max_iterations > 2 * MOST_STEPS;
    if !enough || !patient || penalty.l1.iter().any(|&l| l > 0.0) {
        return None;
    }
    let rows = Rows { every: EVERY, ..*rows };
    let share = rows.weight() / rows.w.iter().sum::<f64>();
    let smaller = Penalty { l2: penalty.l2.iter().map(|l| l * share).collect(), l1: penalty.l1.clone() };
    let limits = Limits { max_iterations: MOST_STEPS, tolerance: PART_TOLERANCE, ..limits };
    let solution = solver::solve(&rows, &smaller, limits, start.to_vec(), |_, _| Ok(())).ok()?;
    if solution.state != State::Converged || !solution.collinear.is_empty() {
        return None;
    }
    let hessian = solution.hessian.iter().map(|h| h / share).collect();
    Some((solution.beta, positive(hessian, penalty)?))
}

/// The factor of a Hessian with its penalty, where that is clearly positive.
fn positive(mut hessian: Vec<f64>, penalty: &Penalty) -> Option<Factor> {
    let columns = penalty.l2.len();
    for j in 0..columns {
        hessian[j * columns + j] += penalty.l2[j];
    }
    let factor = Factor::new(&hessian, columns, &vec![true; columns], NEARLY_COLLINEAR);
    (factor.kept().len() == columns).then_some(factor)
}

/// Minus the slope times the inverse of the metric, which `pairs` (oldest first) bring up to date.
fn direction(metric: &Factor, pairs: &[Pair], slope: &[f64]) -> Vec<f64> {
    let mut q = slope.to_vec();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = dot(&pair.step, &q) / pair.curvature;
        q.iter_mut().zip(&pair.change).for_each(|(q, c)| *q -= share * c);
        shares.push(share);
    }
    let mut d = metric.solve(&q);
    for (pair, share) in pairs.iter().zip(shares.iter().rev()) {
        let back = share - dot(&pair.change, &d) / pair.curvature;
        d.iter_mut().zip(&pair.step).for_each(|(d, s)| *d += back * s);
    }
    d.iter_mut().for_each(|d| *d = -*d);
    d
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| f64::max(most, value.abs()))
}
