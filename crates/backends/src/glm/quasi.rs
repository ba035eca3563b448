//! A start from part of the rows, and the way from there to the minimum of all of them.
//!
//! Every eighth block of rows gives coefficients that are off by no more than their own uncertainty, and a Hessian
//! that is off by a few per cent, for an eighth of the work. The limited-memory BFGS method (Nocedal, *Updating
//! quasi-Newton matrices with limited storage*, 1980) takes that Hessian as its first metric, and one of all rows
//! after the first step: each further step costs a pass without Hessian, and a handful of them ends where Newton's
//! method does. Wherever the part misleads, Newton's method starts as if there had been none.

use tenure_core::Result;

use super::linalg::{Factor, dot};
use super::passes::{Curvature, Rows, Sums};
use super::solver::{self, Limits, Penalty, SHORT, Solution, State, largest};

/// Of how many blocks one serves for the start.
const EVERY: usize = 8;
/// Rows of the part for each column, below which its Hessian is too far from that of all rows.
const LEAST_ROWS: usize = 32;
/// Rows of the part, below which a start from it is not worth the trouble.
const LEAST_PART: usize = 4096;
/// How far the part is solved: it is off by more than this anyway.
const PART_TOLERANCE: f64 = 0.1;
/// `1 − R²` of a column, below which it is left to Newton's method on all rows.
const NEARLY_COLLINEAR: f64 = 1e-6;
/// Steps after which Newton's method takes over.
const MOST_STEPS: usize = 12;
/// The step after which a Hessian of all rows is the metric: from there on it hardly changes.
const RENEWED: usize = 1;
/// By what factor steps have to shrink.
const SHRINKING: f64 = 0.5;
/// Share of the last step that is taken to be left at least.
const LEAST_LEFT: f64 = 0.02;
/// What may be left, relative to the tolerance: Newton's method leaves the square of its last step.
const ACCURACY: f64 = 0.1;

/// A change of coefficients and of the slope with it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
}

/// What a search came to.
#[derive(Debug)]
pub(super) enum Found {
    Minimum(Solution),
    /// Where Newton's method begins, after so many iterations.
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
        let renewed = iterations == RENEWED;
        let wanted = if renewed { Curvature::Observed } else { Curvature::Skipped };
        let taken = solver::take_step(rows, penalty, &beta, &direction, &sums, wanted)?;
        let step: Vec<f64> = taken.beta.iter().zip(&beta).map(|(a, b)| a - b).collect();
        (beta, sums) = (taken.beta, taken.sums);
        each_step(iterations, sums.loss)?;
        let found = penalty.slope(&sums.gradient, &beta);
        let change: Vec<f64> = found.iter().zip(&slope).map(|(a, b)| a - b).collect();
        slope = found;
        let (moved, curvature) = (largest(&step), dot(&step, &change));
        // Steps shrink by about the same factor each: so much of the last is still to go.
        let left = moved * (moved / before).clamp(LEAST_LEFT, 1.0);
        if left <= ACCURACY * limits.tolerance * (limits.unit + largest(&beta)) && !taken.stalled {
            return Ok(Found::Minimum(minimum(beta, sums, iterations)));
        }
        let shrunk = curvature > 0.0 && moved <= SHRINKING * before;
        if renewed {
            // Without a sound Hessian of all rows the way so far is not to be trusted.
            let hessian = sums.hessian.take().filter(|_| shrunk && !taken.stalled);
            let Some(factor) = hessian.and_then(|hessian| positive(hessian, penalty)) else {
                return Ok(Found::Start(start, iterations));
            };
            metric = factor;
        } else if shrunk && !taken.stalled {
            pairs.push(Pair { step, change, curvature });
        } else {
            // Where the end is near, what is left may be rounding.
            let near = moved < SHORT * (limits.unit + largest(&beta));
            return Ok(Found::Start(if near { beta } else { start }, iterations));
        }
        before = moved;
    }
    Ok(Found::Start(beta, MOST_STEPS))
}

fn minimum(beta: Vec<f64>, sums: Sums, iterations: usize) -> Solution {
    Solution {
        beta,
        state: State::Converged,
        iterations,
        collinear: Vec::new(),
        loss: sums.loss,
        information: None,
        hessian: Vec::new(),
        predictors: sums.predictors,
    }
}

/// Coefficients and metric from every so many blocks; `None` where these do not tell enough.
fn from_part(
    rows: &Rows<'_>,
    penalty: &Penalty,
    limits: Limits,
    start: &[f64],
) -> Option<(Vec<f64>, Factor)> {
    let (columns, part) = (start.len(), rows.x.rows() / EVERY);
    let enough = part >= LEAST_PART.max(LEAST_ROWS * columns) && rows.every == 1;
    let patient = limits.max_iterations > 2 * MOST_STEPS;
    // Where the Hessian is the same everywhere, one of all rows leads to the minimum at once.
    let curved = !rows.shape.is_quadratic();
    if !enough || !patient || !curved || penalty.l1.iter().any(|&l| l > 0.0) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glm::blocks::{Blocks, ROWS};
    use crate::glm::family::{Link, Shape, Variance};
    use tenure_core::seed::unit;
    use tenure_gbdt::Threads;

    const COUNT: usize = LEAST_PART * EVERY + 100;
    const LOGIT: Shape = Shape { variance: Variance::Binomial, link: Link::Logit };
    const POISSON: Shape = Shape { variance: Variance::Power(1.0), link: Link::Log };

    /// Whether a row is of the part.
    fn inside(row: usize) -> bool {
        (row / ROWS).is_multiple_of(EVERY)
    }

    fn limits(max_iterations: usize) -> Limits {
        Limits { max_iterations, tolerance: 1e-8, unit: 1.0, intercept: true }
    }

    /// An intercept and two columns, of which `second` makes the last.
    struct Table {
        x: Blocks<'static>,
        y: Vec<f64>,
        w: Vec<f64>,
        shape: Shape,
    }

    impl Table {
        /// `target` gets row, first column and a draw from 0 to 1.
        fn new(
            shape: Shape,
            second: impl Fn(usize) -> f64 + Send + Sync,
            target: impl Fn(usize, f64, f64) -> f64,
        ) -> Self {
            let first = |row: usize| 2.0 * unit(1, row as u64) - 1.0;
            let x = Blocks::build(COUNT, 3, &Threads::One, |row, out| {
                out.copy_from_slice(&[1.0, first(row), second(row)]);
            });
            let y = (0..COUNT).map(|row| target(row, first(row), unit(2, row as u64))).collect();
            Self { x, y, w: vec![1.0; COUNT], shape }
        }

        fn logit(slope: impl Fn(usize) -> f64) -> Self {
            let chance = |eta: f64| 1.0 / (1.0 + (-eta).exp());
            Self::new(LOGIT, any, |row, x, draw| f64::from(draw < chance(slope(row) * x)))
        }

        fn rows(&self) -> Rows<'_> {
            let (x, y, w) = (&self.x, &self.y, &self.w);
            Rows { x, y, w, offsets: None, every: 1, shape: self.shape, threads: &Threads::One }
        }

        fn search(&self, penalty: &Penalty, limits: Limits) -> Found {
            search(&self.rows(), penalty, limits, vec![0.0; 3], &mut |_, _| Ok(())).unwrap()
        }

        fn found(&self) -> Found {
            self.search(&Penalty::none(3), limits(100))
        }

        fn solve(&self, max_iterations: usize) -> Solution {
            let (penalty, limits) = (Penalty::none(3), limits(max_iterations));
            solver::solve(&self.rows(), &penalty, limits, vec![0.0; 3], |_, _| Ok(())).unwrap()
        }

        /// The minimum is that of Newton's method alone.
        fn check(&self) {
            let (found, newton) = (self.solve(100), self.solve(2 * MOST_STEPS));
            assert_eq!((found.state, newton.state), (State::Converged, State::Converged));
            assert!(found.collinear.is_empty());
            let close = found.beta.iter().zip(&newton.beta).all(|(a, b)| (a - b).abs() < 1e-9);
            assert!(close, "{:?} {:?}", found.beta, newton.beta);
            assert!((found.loss - newton.loss).abs() < 1e-9 * newton.loss.abs());
        }
    }

    fn any(row: usize) -> f64 {
        unit(3, row as u64) - 0.5
    }

    #[track_caller]
    fn is_left_to_newton(found: Found) {
        assert!(matches!(&found, Found::Start(beta, 0) if *beta == [0.0; 3]), "{found:?}");
    }

    #[test]
    fn many_rows_end_at_the_minimum_in_few_steps() {
        for table in [
            Table::logit(|_| 2.0),
            Table::new(POISSON, any, |_, x, draw| (6.0 * x.exp() * draw).round()),
            Table::new(Shape { variance: Variance::Power(2.0), link: Link::Log }, any, |_, x, draw| {
                x.exp() * (0.1 + draw)
            }),
            Table::new(Shape { variance: Variance::Power(2.0), link: Link::Inverse }, any, |_, x, draw| {
                (0.5 + draw) / (2.0 + x)
            }),
        ] {
            let start = if table.shape.link == Link::Inverse { 2.0 } else { 0.0 };
            let start = vec![start, 0.0, 0.0];
            let found =
                search(&table.rows(), &Penalty::none(3), limits(100), start, &mut |_, _| Ok(())).unwrap();
            let Found::Minimum(solution) = found else { panic!("{:?}: {found:?}", table.shape) };
            assert!(solution.iterations <= 6, "{:?}: {}", table.shape, solution.iterations);
            assert_eq!(solution.predictors.len(), COUNT);
            let slope = table.rows().sums(&solution.beta, Curvature::Skipped).gradient;
            assert!(largest(&slope) < 1e-7 * COUNT as f64 * 0.1, "{slope:?}");
        }
        Table::logit(|_| 2.0).check();
    }

    #[test]
    fn a_part_that_does_not_tell_enough_is_left_to_newton() {
        let sound = Table::logit(|_| 2.0);
        is_left_to_newton(sound.search(&Penalty::none(3), limits(2 * MOST_STEPS)));
        let lasso = Penalty { l1: vec![0.0, 1.0, 1.0], ..Penalty::none(3) };
        is_left_to_newton(sound.search(&lasso, limits(100)));
        let part = Rows { every: 2, ..sound.rows() };
        is_left_to_newton(
            search(&part, &Penalty::none(3), limits(100), vec![0.0; 3], &mut |_, _| Ok(())).unwrap(),
        );
        // A column that is constant in the part, or nearly.
        let noise = |row: usize, _: f64, draw: f64| f64::from(row.is_multiple_of(3) ^ (draw < 0.3));
        let rare = |row: usize| f64::from(!inside(row) && row.is_multiple_of(50));
        is_left_to_newton(Table::new(LOGIT, rare, noise).found());
        Table::new(LOGIT, rare, noise).check();
        is_left_to_newton(Table::new(LOGIT, |row| 1.0 + 1e-4 * any(row), noise).found());
        Table::new(LOGIT, |row| 1.0 + 1e-4 * any(row), noise).check();
        let line =
            Table::new(Shape { variance: Variance::Power(0.0), link: Link::Identity }, any, |_, x, draw| {
                x + draw
            });
        is_left_to_newton(line.found());
        line.check();
        assert_eq!(line.solve(100).iterations, 2);
    }

    #[test]
    fn few_rows_are_left_to_newton() {
        let sound = Table::logit(|_| 2.0);
        let rows = LEAST_PART * EVERY - 1;
        let x = Blocks::build(rows, 1, &Threads::One, |_, out| out[0] = 1.0);
        let few = Rows { x: &x, y: &sound.y[..rows], w: &sound.w[..rows], ..sound.rows() };
        let found = search(&few, &Penalty::none(1), limits(100), vec![0.0], &mut |_, _| Ok(())).unwrap();
        assert!(matches!(found, Found::Start(_, 0)));
    }

    #[test]
    fn classes_that_part_are_left_to_newton() {
        // Complete; and in the second column alone, whose rows are of one class.
        let complete = Table::new(LOGIT, any, |_, x, _| f64::from(x > 0.0));
        is_left_to_newton(complete.found());
        assert_eq!(complete.solve(100).state, State::Separated(1));
        let rare = |row: usize| f64::from(row.is_multiple_of(77));
        let level = Table::new(LOGIT, rare, |row, _, draw| f64::from(row.is_multiple_of(77) || draw < 0.3));
        assert_eq!(level.solve(100).state, State::Separated(2));
    }

    #[test]
    fn a_part_that_misleads_changes_nothing() {
        Table::logit(|row| if inside(row) { 20.0 } else { -1.0 }).check();
        let counts = Table::new(POISSON, any, |row, x, draw| {
            if inside(row) { f64::from(draw < 0.05) } else { (300.0 * (3.0 * x).exp() * draw).round() }
        });
        counts.check();
        // Steps that do not shrink are undone.
        assert!(matches!(counts.found(), Found::Start(beta, 1..) if beta == [0.0; 3]));
        let mut heavy = Table::logit(|row| if row < 3 { 0.0 } else { 3.0 });
        heavy.w[..3].fill(1e6);
        heavy.y[..3].copy_from_slice(&[1.0, 0.0, 1.0]);
        heavy.check();
    }

    #[test]
    fn no_mean_outside_the_part_is_left_to_newton() {
        // The part falls below zero along the first column where the others are.
        let identity = Shape { variance: Variance::Power(1.0), link: Link::Identity };
        let second = |row: usize| if inside(row) { any(row) } else { 40.0 * any(row) };
        let table = Table::new(identity, second, |row, _, draw| {
            if inside(row) { 2.0 + 3.0 * any(row) + 0.1 * draw } else { 2.0 + draw }
        });
        let start = vec![2.0, 0.0, 0.0];
        let found =
            search(&table.rows(), &Penalty::none(3), limits(100), start.clone(), &mut |_, _| Ok(())).unwrap();
        assert!(matches!(&found, Found::Start(beta, 0) if *beta == start), "{found:?}");
    }

    #[test]
    fn an_error_of_the_caller_ends_the_search() {
        let stop = |_, _| Err(tenure_core::Error::Internal("stop".into()));
        let sound = Table::logit(|_| 2.0);
        let ended = search(&sound.rows(), &Penalty::none(3), limits(100), vec![0.0; 3], &mut { stop });
        assert!(ended.is_err());
    }
}
