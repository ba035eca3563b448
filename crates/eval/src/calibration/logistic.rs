//! Maximum likelihood of a logistic function of one or two terms.
//!
//! Newton's method with halved steps (Lin, Lin & Weng 2007). The targets lie strictly between 0 and 1, so
//! that the loss has a finite minimum; a trace of ridge stands in where terms are constant or collinear.

use crate::check::Pairs;
use crate::stats::{Sum, expit};

const MAX_STEPS: usize = 100;
const RIDGE: f64 = 1e-12;

/// Rows as terms, smoothed target and weight.
pub(super) struct Sample<const T: usize> {
    rows: Vec<([f64; T], f64, f64)>,
}

impl<const T: usize> Sample<T> {
    /// Smooths the labels as Platt does: `(n₁+1)/(n₁+2)` and `1/(n₀+2)`.
    pub(super) fn new(pairs: Pairs<'_>, terms: impl Fn(f64) -> [f64; T]) -> Self {
        let positives: f64 = pairs.iter().map(|(y, _, w)| w * y).sum();
        let negatives: f64 = pairs.iter().map(|(y, _, w)| w * (1.0 - y)).sum();
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        let row = |(y, p, w): (f64, f64, f64)| (terms(p), if y == 1.0 { high } else { low }, w);
        Self { rows: pairs.iter().map(row).collect() }
    }

    /// Slopes and, last, the intercept (`P = T + 1` numbers). Slopes that are not `free` stay 0; with one term,
    /// a slope that would be negative is 0 as well.
    pub(super) fn fit<const P: usize>(&self, free: [bool; T]) -> [f64; P] {
        let mut fitted = self.newton(self.start(), free);
        if T == 1 && fitted[0] < 0.0 {
            fitted = self.newton(self.start(), [false; T]);
        }
        fitted
    }

    /// No slope, and the intercept that is right for it.
    fn start<const P: usize>(&self) -> [f64; P] {
        let weight: f64 = self.rows.iter().map(|r| r.2).sum();
        let mean = self.rows.iter().map(|r| r.1 * r.2).sum::<f64>() / weight;
        let mut start = [0.0; P];
        start[P - 1] = (mean / (1.0 - mean)).ln();
        start
    }

    fn newton<const P: usize>(&self, start: [f64; P], free: [bool; T]) -> [f64; P] {
        let mut at = start;
        let mut loss = self.loss(&at);
        for _ in 0..MAX_STEPS {
            let step = self.step(&at, free);
            let mut scale = 1.0;
            let next = loop {
                let mut next = at;
                next.iter_mut().zip(&step).for_each(|(n, s)| *n -= scale * s);
                let next_loss = self.loss(&next);
                if next_loss < loss {
                    break Some((next, next_loss));
                }
                scale *= 0.5;
                if scale < 1e-10 {
                    break None;
                }
            };
            let Some((next, next_loss)) = next else { break };
            let moved = (0..P).any(|i| (next[i] - at[i]).abs() > 1e-14 * (1.0 + at[i].abs()));
            (at, loss) = (next, next_loss);
            if !moved {
                break;
            }
        }
        at
    }

    /// `Σ w (ln(1 + e^z) − t z)`.
    pub(super) fn loss<const P: usize>(&self, at: &[f64; P]) -> f64 {
        let one = |(terms, target, weight): &([f64; T], f64, f64)| {
            let z = linear(terms, at);
            weight * (z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z)
        };
        self.rows.iter().map(one).collect::<Sum>().value()
    }

    fn step<const P: usize>(&self, at: &[f64; P], free: [bool; T]) -> [f64; P] {
        let (mut gradient, mut hessian) = ([0.0; P], [[0.0; P]; P]);
        for (terms, target, weight) in &self.rows {
            let p = expit(linear(terms, at));
            let mut x = [1.0; P];
            for i in 0..T {
                x[i] = if free[i] { terms[i] } else { 0.0 };
            }
            for i in 0..P {
                gradient[i] += weight * (p - target) * x[i];
                for j in 0..P {
                    hessian[i][j] += weight * p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        let trace: f64 = (0..P).map(|i| hessian[i][i]).sum();
        (0..P).for_each(|i| hessian[i][i] += RIDGE * trace + f64::MIN_POSITIVE);
        solve(hessian, gradient)
    }
}

fn linear<const T: usize, const P: usize>(terms: &[f64; T], at: &[f64; P]) -> f64 {
    terms.iter().zip(at).map(|(t, a)| t * a).sum::<f64>() + at[P - 1]
}

/// Gaussian elimination; the matrix is positive definite, so that no pivoting is needed. A direction without
/// curvature gets no step.
fn solve<const P: usize>(mut matrix: [[f64; P]; P], mut right: [f64; P]) -> [f64; P] {
    for pivot in 0..P {
        let above = matrix[pivot];
        for row in pivot + 1..P {
            let factor = matrix[row][pivot] / above[pivot];
            matrix[row].iter_mut().zip(&above).for_each(|(value, a)| *value -= factor * a);
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..P).rev() {
        let known: f64 = (row + 1..P).map(|column| matrix[row][column] * right[column]).sum();
        let value = (right[row] - known) / matrix[row][row];
        right[row] = if value.is_finite() { value } else { 0.0 };
    }
    right
}
