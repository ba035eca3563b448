//! Last layers learned once more, in evaluation mode.
//!
//! Dropout and batch normalisation make a network see other numbers in training than in evaluation: the last layer
//! learned on noisy inputs, and what it gives without the noise is drawn towards the middle. Given the layers before
//! it, the last one is a generalised linear model, whose best weights Newton's method finds in a few steps.

use super::data::{Batch, Rows};
use super::{CHUNK, TrainingRun};
use crate::graph::{Space, Weights};
use crate::layers::{Mode, Pass};
use crate::loss::Objective;
use crate::real::{Matrix, Real, multiply};

/// The weights that were trained count as so many rows.
const PRIOR_ROWS: f64 = 10.0;
const STEPS: usize = 30;
const HALVINGS: usize = 20;
/// A step that lowers the mean loss by less ends the search.
const LEAST_GAIN: f64 = 1e-9;

impl TrainingRun {
    /// The weights with the last layer of each head refitted to the training rows; a head keeps what it had where the
    /// validation rows are not better predicted.
    pub(super) fn with_refitted_heads(&self, weights: &Weights<f32>) -> Weights<f32> {
        let mut refitted = weights.clone();
        for (at, head) in self.shell.spec().heads.iter().enumerate() {
            let train = self.before_last(at, &self.train, weights);
            let mut place: Vec<f32> = self.shell.graph().last_layer(at, &mut refitted).to_vec();
            let (outputs, width) = (head.targets.len(), train.width);
            for output in 0..outputs {
                let rows = train.output(output, outputs, &self.train, at);
                let mut theta: Vec<f64> = place[output * width..][..width].iter().map(|w| w.wide()).collect();
                theta.push(place[outputs * width + output].wide());
                let theta = rows.fit(head.objective(), theta);
                place[output * width..][..width].iter_mut().zip(&theta).for_each(|(w, t)| *w = *t as f32);
                place[outputs * width + output] = theta[width] as f32;
            }
            let before = self.shell.graph().last_layer(at, &mut refitted).to_vec();
            self.shell.graph().last_layer(at, &mut refitted).copy_from_slice(&place);
            let better = self.valid.as_ref().is_none_or(|valid| {
                self.losses_by(&refitted, valid).heads[at] < self.losses_by(weights, valid).heads[at]
            });
            if !better || !place.iter().all(|w| w.is_finite()) {
                self.shell.graph().last_layer(at, &mut refitted).copy_from_slice(&before);
            }
        }
        refitted
    }

    /// What the last layer of a head reads for each row.
    fn before_last(&self, head: usize, rows: &Rows, weights: &Weights<f32>) -> Inputs {
        let (mut batch, mut space) = (Batch::default(), Space::default());
        let (mut values, all) = (Vec::new(), (0..rows.rows).collect::<Vec<_>>());
        for chunk in all.chunks(CHUNK) {
            rows.gather(chunk, &mut batch);
            let pass = Pass { rows: chunk.len(), mode: Mode::Evaluate, present: batch.present.as_deref() };
            self.shell.graph().forward(&pass, weights, &mut space, &batch.x);
            values.extend(space.before_last(head, &batch.x).iter().map(|v| v.wide()));
        }
        Inputs { width: values.len() / rows.rows.max(1), values }
    }
}

/// Inputs of a last layer, rows × width.
struct Inputs {
    values: Vec<f64>,
    width: usize,
}

impl Inputs {
    /// The rows that know the label of one output.
    fn output(&self, output: usize, outputs: usize, rows: &Rows, head: usize) -> Known {
        let mut known =
            Known { x: Vec::new(), width: self.width + 1, labels: Vec::new(), weights: Vec::new() };
        for (row, values) in self.values.chunks_exact(self.width.max(1)).enumerate() {
            let label = rows.labels[head][row * outputs + output];
            if !label.is_nan() {
                known.x.extend_from_slice(values);
                known.x.push(1.0);
                known.labels.push(label.wide());
                known.weights.push(rows.weights.as_ref().map_or(1.0, |weights| weights[row].wide()));
            }
        }
        known
    }
}

/// Rows of one generalised linear model, the last column 1.
struct Known {
    x: Vec<f64>,
    width: usize,
    labels: Vec<f64>,
    weights: Vec<f64>,
}

impl Known {
    /// Gauss and Newton's steps from `start`, each halved until the loss falls.
    fn fit(&self, objective: Objective, start: Vec<f64>) -> Vec<f64> {
        let n = self.labels.len() as f64;
        // In units of what a row says: the size of the inputs and the curvature of the loss. The bias is free.
        let curvature = self.raw(&start).map(|raw| objective.curvature(raw)).sum::<f64>() / n;
        let mut prior: Vec<f64> = (0..self.width)
            .map(|column| self.x.iter().skip(column).step_by(self.width).map(|v| v * v).sum::<f64>() / n)
            .map(|square| PRIOR_ROWS / n * 0.5 * curvature * square.max(1e-12))
            .collect();
        prior[self.width - 1] = 0.0;
        let pulled = |theta: &[f64]| -> f64 {
            theta.iter().zip(&start).zip(&prior).map(|((t, s), p)| p * (t - s).powi(2)).sum()
        };
        let mut theta = start.clone();
        let mut loss = self.loss(objective, &theta) + pulled(&theta);
        for _ in 0..STEPS {
            let (mut gradient, mut hessian) = self.slopes(objective, &theta);
            for at in 0..self.width {
                gradient[at] += 2.0 * prior[at] * (theta[at] - start[at]);
                hessian[at * self.width + at] += 2.0 * prior[at] + 1e-9;
            }
            let Some(step) = solve(hessian, &gradient) else { break };
            let mut share = 1.0;
            let found = (0..HALVINGS).find_map(|_| {
                let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t - share * s).collect();
                let lower = self.loss(objective, &next) + pulled(&next);
                share /= 2.0;
                (lower < loss).then_some((next, lower))
            });
            let Some((next, lower)) = found else { break };
            let gain = loss - lower;
            (theta, loss) = (next, lower);
            if gain < LEAST_GAIN {
                break;
            }
        }
        theta
    }

    fn raw<'a>(&'a self, theta: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.x.chunks_exact(self.width).map(move |row| row.iter().zip(theta).map(|(x, t)| x * t).sum())
    }

    fn loss(&self, objective: Objective, theta: &[f64]) -> f64 {
        let losses = self.raw(theta).zip(&self.labels).zip(&self.weights);
        losses.map(|((raw, &label), weight)| weight * objective.loss(raw, label).0).sum::<f64>()
            / self.labels.len() as f64
    }

    /// The derivative of the mean loss and Gauss and Newton's approximation of the second.
    fn slopes(&self, objective: Objective, theta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = self.labels.len();
        let (mut gradient, mut hessian) = (vec![0.0; self.width], vec![0.0; self.width * self.width]);
        let mut curved = self.x.clone();
        let rows = self.raw(theta).zip(&self.labels).zip(&self.weights).zip(self.x.chunks_exact(self.width));
        for ((((raw, &label), weight), x), curved) in rows.zip(curved.chunks_exact_mut(self.width)) {
            let slope = weight * objective.loss(raw, label).1 / n as f64;
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += slope * x);
            let factor = weight * objective.curvature(raw) / n as f64;
            curved.iter_mut().for_each(|x| *x *= factor);
        }
        let (curved, x) = (Matrix::new(&curved, n, self.width), Matrix::new(&self.x, n, self.width));
        multiply(curved.t(), x, 0.0, &mut hessian);
        (gradient, hessian)
    }
}

/// Solves `a x = b` for a symmetric positive definite `a` (Cholesky); `None` for another.
fn solve(mut a: Vec<f64>, b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    for row in 0..n {
        for column in 0..=row {
            let dot: f64 = (0..column).map(|at| a[row * n + at] * a[column * n + at]).sum();
            let rest = a[row * n + column] - dot;
            if row == column {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                a[row * n + row] = rest.sqrt();
            } else {
                a[row * n + column] = rest / a[column * n + column];
            }
        }
    }
    let mut x = b.to_vec();
    for row in 0..n {
        let dot: f64 = (0..row).map(|at| a[row * n + at] * x[at]).sum();
        x[row] = (x[row] - dot) / a[row * n + row];
    }
    for row in (0..n).rev() {
        let dot: f64 = (row + 1..n).map(|at| a[at * n + row] * x[at]).sum();
        x[row] = (x[row] - dot) / a[row * n + row];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_and_logistic_regression_come_to_their_optimum() {
        let x: Vec<f64> =
            (0..2000).flat_map(|i| [(f64::from(i) * 0.37).sin(), (f64::from(i) * 0.11).cos(), 1.0]).collect();
        let signal: Vec<f64> = x.chunks_exact(3).map(|x| 2.0 * x[0] - x[1] + 0.5).collect();
        let known = |labels: Vec<f64>| Known { x: x.clone(), width: 3, labels, weights: vec![1.0; 2000] };
        let found = known(signal.clone()).fit(Objective::Squared, vec![0.0; 3]);
        // The start counts as ten of two thousand rows.
        assert!(found.iter().zip([2.0, -1.0, 0.5]).all(|(f, e)| (f - e).abs() < 0.02), "{found:?}");
        let share = |v: &f64| 1.0 / (1.0 + (-v).exp());
        for objective in [Objective::CrossEntropy, Objective::SquaredSigmoid] {
            let found = known(signal.iter().map(share).collect()).fit(objective, vec![0.0; 3]);
            assert!(
                found.iter().zip([2.0, -1.0, 0.5]).all(|(f, e)| (f - e).abs() < 0.05),
                "{objective:?} {found:?}"
            );
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_solution() {
        let found = solve(vec![4.0, 2.0, 2.0, 3.0], &[2.0, 5.0]).unwrap();
        assert!((found[0] + 0.5).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12, "{found:?}");
        assert_eq!(solve(vec![1.0, 2.0, 2.0, 1.0], &[1.0, 1.0]), None);
    }
}
