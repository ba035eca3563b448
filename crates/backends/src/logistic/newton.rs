//! Newton's method for the penalised log loss.

use ndarray::{Array1, Array2, Axis};
use tenure_core::{Error, Result};

use super::LogisticParams;

pub(super) struct Problem<'a> {
    /// Rows × columns, without intercept.
    pub(super) x: &'a Array2<f64>,
    pub(super) y: &'a [f64],
    pub(super) w: &'a [f64],
    /// Known log-odds of each row, beside what is learned.
    pub(super) offsets: Option<&'a [f64]>,
    pub(super) l2: f64,
}

pub(super) struct Solution {
    pub(super) intercept: f64,
    pub(super) coefficients: Array1<f64>,
    pub(super) converged: bool,
}

/// `each_step` gets the step's number (from 1) and the mean loss; its error ends the work.
pub(super) fn solve(
    problem: &Problem<'_>,
    params: &LogisticParams,
    mut each_step: impl FnMut(u64, f64) -> Result<()>,
) -> Result<Solution> {
    let columns = problem.x.ncols();
    let total: f64 = problem.w.iter().sum();
    let mut beta = Array1::<f64>::zeros(columns + 1); // the last is the intercept
    beta[columns] = base_log_odds(problem, total);
    let mut loss = problem.objective(&beta);
    for step in 1..=params.max_iterations as u64 {
        let (gradient, hessian) = problem.derivatives(&beta);
        let direction = solve_positive_definite(hessian, gradient)
            .ok_or_else(|| Error::Internal("the Hessian of the penalised log loss is not positive".into()))?;
        // A full step nearly always lowers the loss; halving guards the few others.
        let mut size = 1.0;
        let (next, next_loss) = loop {
            let next = &beta - &(&direction * size);
            let next_loss = problem.objective(&next);
            if next_loss <= loss || size < 1e-6 {
                break (next, next_loss);
            }
            size *= 0.5;
        };
        let moved = (&next - &beta).iter().fold(0.0f64, |m, d| m.max(d.abs()));
        (beta, loss) = (next, next_loss);
        each_step(step, loss / total)?;
        if moved <= params.tolerance {
            return Ok(split(beta, true));
        }
    }
    Ok(split(beta, false))
}

fn split(beta: Array1<f64>, converged: bool) -> Solution {
    let columns = beta.len() - 1;
    Solution {
        intercept: beta[columns],
        coefficients: beta.slice(ndarray::s![..columns]).to_owned(),
        converged,
    }
}

fn base_log_odds(problem: &Problem<'_>, total: f64) -> f64 {
    let positive: f64 = problem.y.iter().zip(problem.w).map(|(y, w)| y * w).sum();
    (positive / (total - positive)).ln()
}

/// `ln(1 + eᶻ)` without overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

impl Problem<'_> {
    fn scores(&self, beta: &Array1<f64>) -> Array1<f64> {
        let columns = self.x.ncols();
        let mut scores = self.x.dot(&beta.slice(ndarray::s![..columns])) + beta[columns];
        for (score, offset) in scores.iter_mut().zip(self.offsets.unwrap_or_default()) {
            *score += offset;
        }
        scores
    }

    fn objective(&self, beta: &Array1<f64>) -> f64 {
        let columns = self.x.ncols();
        let scores = self.scores(beta);
        let loss: f64 =
            scores.iter().zip(self.y).zip(self.w).map(|((&z, &y), &w)| w * (softplus(z) - y * z)).sum();
        loss + 0.5 * self.l2 * beta.iter().take(columns).map(|b| b * b).sum::<f64>()
    }

    /// Gradient and Hessian, intercept last.
    fn derivatives(&self, beta: &Array1<f64>) -> (Array1<f64>, Array2<f64>) {
        let columns = self.x.ncols();
        let probabilities = self.scores(beta).mapv(|z| 1.0 / (1.0 + (-z).exp()));
        let residuals: Array1<f64> =
            probabilities.iter().zip(self.y).zip(self.w).map(|((p, y), w)| w * (p - y)).collect();
        let curvature: Array1<f64> =
            probabilities.iter().zip(self.w).map(|(p, w)| w * p * (1.0 - p)).collect();

        let mut gradient = Array1::zeros(columns + 1);
        let penalty = &beta.slice(ndarray::s![..columns]) * self.l2;
        gradient.slice_mut(ndarray::s![..columns]).assign(&(self.x.t().dot(&residuals) + penalty));
        gradient[columns] = residuals.sum();

        let weighted = self.x * &curvature.view().insert_axis(Axis(1));
        let mut hessian = Array2::zeros((columns + 1, columns + 1));
        hessian.slice_mut(ndarray::s![..columns, ..columns]).assign(&weighted.t().dot(self.x));
        let cross = weighted.sum_axis(Axis(0));
        hessian.slice_mut(ndarray::s![..columns, columns]).assign(&cross);
        hessian.slice_mut(ndarray::s![columns, ..columns]).assign(&cross);
        hessian[[columns, columns]] = curvature.sum();
        // The small addition keeps the matrix positive where separated data drive all curvature to zero.
        let floor = 1e-10 * (1.0 + curvature.sum());
        for i in 0..=columns {
            hessian[[i, i]] += floor + if i < columns { self.l2 } else { 0.0 };
        }
        (gradient, hessian)
    }
}

/// Solves `A x = b` for a symmetric positive definite `A` by Cholesky; `None` where it is not.
fn solve_positive_definite(mut a: Array2<f64>, mut b: Array1<f64>) -> Option<Array1<f64>> {
    let n = b.len();
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| a[[i, k]] * a[[j, k]]).sum();
            let value = a[[i, j]] - dot;
            if i > j {
                a[[i, j]] = value / a[[j, j]];
            } else if value > 0.0 {
                a[[j, j]] = value.sqrt();
            } else {
                return None;
            }
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[[i, k]] * b[k]).sum();
        b[i] = (b[i] - dot) / a[[i, i]];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[[k, i]] * b[k]).sum();
        b[i] = (b[i] - dot) / a[[i, i]];
    }
    Some(b)
}
