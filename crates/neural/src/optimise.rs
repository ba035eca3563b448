//! How gradients move weights, and how fast.

use crate::real::{Real, vectorised};
use crate::{Optimizer, Schedule, TrainingParams};

/// Moments of the gradients so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Moments<T> {
    /// Running means of the gradients.
    pub(crate) first: Vec<T>,
    /// Running means of their squares.
    pub(crate) second: Vec<T>,
    /// Steps taken.
    pub(crate) steps: u64,
}

impl<T: Real> Moments<T> {
    /// None yet, for so many parameters.
    pub(crate) fn new(parameters: usize) -> Self {
        Self { first: vec![T::zero(); parameters], second: vec![T::zero(); parameters], steps: 0 }
    }

    /// One step of Adam or AdamW.
    pub(crate) fn step(
        &mut self,
        optimizer: Optimizer,
        learning_rate: f64,
        parameters: &mut [T],
        gradient: &[T],
    ) {
        let (beta1, beta2, epsilon, decay) = match optimizer {
            Optimizer::Adam { beta1, beta2, epsilon } => (beta1, beta2, epsilon, 0.0),
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => (beta1, beta2, epsilon, weight_decay),
        };
        self.steps += 1;
        let correction = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let rule = Rule {
            keep: T::narrow(1.0 - learning_rate * decay),
            beta1: T::narrow(beta1),
            beta2: T::narrow(beta2),
            new1: T::narrow(1.0 - beta1),
            new2: T::narrow(1.0 - beta2),
            size: T::narrow(learning_rate / correction(beta1)),
            root: T::narrow(correction(beta2).sqrt().recip()),
            epsilon: T::narrow(epsilon),
        };
        adam(&rule, parameters, gradient, &mut self.first, &mut self.second);
    }
}

struct Rule<T> {
    keep: T,
    beta1: T,
    beta2: T,
    new1: T,
    new2: T,
    size: T,
    root: T,
    epsilon: T,
}

vectorised! {
    fn adam<T>(rule: &Rule<T>, parameters: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        let numbers = parameters.iter_mut().zip(gradient).zip(first).zip(second);
        for (((p, &g), m), v) in numbers {
            *m = rule.beta1 * *m + rule.new1 * g;
            *v = rule.beta2 * *v + rule.new2 * (g * g);
            *p = rule.keep * *p - rule.size * (*m / (v.sqrt() * rule.root + rule.epsilon));
        }
    }
}

/// Euclidean norm of the gradient; scaled down to `limit` where it is longer.
///
/// PyTorch's `clip_grad_norm_` divides by the norm plus 1e-6, and so does this.
pub(crate) fn clip<T: Real>(gradient: &mut [T], limit: Option<f64>) -> f64 {
    let mut squares = [0.0; LANES];
    sum_squares(gradient, &mut squares);
    let norm = squares.iter().sum::<f64>().sqrt();
    if let Some(limit) = limit
        && norm > limit
    {
        let factor = T::narrow(limit / (norm + 1e-6));
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
    norm
}

/// Sums side by side, so that none waits for the one before.
const LANES: usize = 16;

vectorised! {
    fn sum_squares<T>(values: &[T], sums: &mut [f64; LANES]) {
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += value.wide() * value.wide();
            }
        }
        sums.iter_mut().zip(rest).for_each(|(sum, value)| *sum += value.wide() * value.wide());
    }
}

/// The learning rate of an epoch (from 0), before the warm-up; `plateaus` counts the reductions so far.
pub(crate) fn learning_rate(params: &TrainingParams, epoch: usize, plateaus: u32) -> f64 {
    let start = params.learning_rate;
    match params.schedule {
        Schedule::Constant => start,
        Schedule::ReduceOnPlateau { factor, min_learning_rate, .. } => {
            // A rate that is given below the least stays.
            (start * factor.powf(f64::from(plateaus))).max(min_learning_rate.min(start))
        }
        Schedule::Cosine { min_learning_rate } => {
            let after = epoch.saturating_sub(params.warm_up_epochs) as f64;
            let length = params.epochs.saturating_sub(params.warm_up_epochs).max(1) as f64;
            let share = 0.5 * (1.0 + (std::f64::consts::PI * after / length).cos());
            min_learning_rate + (start - min_learning_rate) * share
        }
    }
}

/// The share of the learning rate at step `step` (from 0) of an epoch, while it warms up; 1 after that.
pub(crate) fn warm_up(params: &TrainingParams, epoch: usize, step: usize, steps: usize) -> f64 {
    if epoch >= params.warm_up_epochs {
        return 1.0;
    }
    let done = (epoch * steps + step + 1) as f64;
    done / (params.warm_up_epochs * steps) as f64
}
