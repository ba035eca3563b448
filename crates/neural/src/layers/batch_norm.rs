//! Batch normalisation.

use super::{Cache, Flow, Layer, Mode, Numbers, Pass, Role, Shape, TensorSpec, buffer};
use crate::real::{Real, vectorised};

/// Batch normalisation over the rows of a table.
///
/// With the batch's mean μ and biased variance v: y = γ (x − μ) / √(v + ε) + β. Running statistics move by
/// `momentum` towards μ and the unbiased variance, and take their place in evaluation.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    shape: Shape,
    momentum: f64,
    epsilon: f64,
}

/// Places in the cache.
const NORMALISED: usize = 0;
const MEAN: usize = 1;
const VARIANCE: usize = 2;
const SCALE: usize = 3;
const ROWS: usize = 4;

impl BatchNorm {
    pub(crate) fn new(shape: Shape, momentum: f64, epsilon: f64) -> Self {
        Self { shape, momentum, epsilon }
    }

    /// y = factor · x + shift, a column each, by the running statistics.
    pub(crate) fn affine<T: Real>(&self, numbers: Numbers<'_, T>) -> (Vec<T>, Vec<T>) {
        let (gamma, beta) = numbers.parameters.split_at(self.shape.width);
        let (mean, variance) = numbers.statistics.split_at(self.shape.width);
        let epsilon = T::narrow(self.epsilon);
        let factor: Vec<T> = gamma.iter().zip(variance).map(|(&g, &v)| g / (v + epsilon).sqrt()).collect();
        let shift = beta.iter().zip(mean).zip(&factor).map(|((&b, &m), &f)| b - m * f).collect();
        (factor, shift)
    }
}

impl<T: Real> Layer<T> for BatchNorm {
    fn output(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let width = self.shape.width;
        vec![
            TensorSpec::new("weight", [width], Role::Free),
            TensorSpec::new("bias", [width], Role::Free),
            TensorSpec::new("running_mean", [width], Role::Statistic),
            TensorSpec::new("running_var", [width], Role::Statistic),
        ]
    }

    fn initialise(&self, parameters: &mut [T], statistics: &mut [T], _: u64) {
        let width = self.shape.width;
        parameters[..width].fill(T::one());
        parameters[width..].fill(T::zero());
        statistics[..width].fill(T::zero());
        statistics[width..].fill(T::one());
    }

    fn forward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, x: &[T], y: &mut [T]) {
        let width = self.shape.width;
        if pass.mode == Mode::Evaluate {
            let (factor, shift) = self.affine(numbers);
            return stretch(x, &factor, &shift, y);
        }
        let rows = T::narrow(pass.rows as f64);
        buffer(cache, ROWS, 1)[0] = rows;
        for (at, len) in [(NORMALISED, x.len()), (MEAN, width), (VARIANCE, width), (SCALE, width)] {
            buffer(cache, at, len);
        }
        let [normalised, mean, variance, scale, ..] = &mut cache[..] else { return };
        moments(x, rows, mean, variance);
        for (scale, &variance) in scale.iter_mut().zip(&*variance) {
            *scale = (variance + T::narrow(self.epsilon)).sqrt().recip();
        }
        let (gamma, beta) = numbers.parameters.split_at(width);
        normalise(x, mean, scale, normalised);
        stretch(normalised, gamma, beta, y);
    }

    fn update(&self, cache: &Cache<T>, statistics: &mut [T]) {
        let (mean, variance) = statistics.split_at_mut(self.shape.width);
        let (momentum, rows) = (T::narrow(self.momentum), cache[ROWS][0]);
        // Of one row there is no unbiased variance.
        let unbiased = rows / (rows - T::one()).max(T::one());
        let moves = |running: &mut T, new: T| *running += momentum * (new - *running);
        mean.iter_mut().zip(&cache[MEAN]).for_each(|(running, &new)| moves(running, new));
        variance.iter_mut().zip(&cache[VARIANCE]).for_each(|(running, &new)| moves(running, new * unbiased));
    }

    fn backward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, flow: Flow<'_, T>) {
        let width = self.shape.width;
        let (by_gamma, by_beta) = flow.gradient.split_at_mut(width);
        if pass.mode == Mode::Evaluate {
            // Nobody learns in this mode; the way to the inputs is affine.
            flow.gradient.fill(T::zero());
            let Some(dx) = flow.dx else { return };
            let (factor, _) = self.affine(numbers);
            return stretch(flow.dy, &factor, &vec![T::zero(); width], dx);
        }
        sums(flow.dy, &cache[NORMALISED], by_gamma, by_beta);
        let Some(dx) = flow.dx else { return };
        let rows = cache[ROWS][0];
        let gamma = &numbers.parameters[..width];
        // dx = γ/√(v+ε) · (dy − mean(dy) − x̂ mean(dy x̂))
        let factor: Vec<T> = gamma.iter().zip(&cache[SCALE]).map(|(&g, &s)| g * s).collect();
        let of_mean: Vec<T> = by_beta.iter().map(|&sum| sum / rows).collect();
        let of_variance: Vec<T> = by_gamma.iter().map(|&sum| sum / rows).collect();
        centre(flow.dy, &cache[NORMALISED], &factor, &of_mean, &of_variance, dx);
    }
}

vectorised! {
    /// Mean and biased variance of each column, in two passes.
    fn moments<T>(x: &[T], rows: T, mean: &mut [T], variance: &mut [T]) {
        mean.fill(T::zero());
        variance.fill(T::zero());
        for row in x.chunks_exact(mean.len()) {
            mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
        }
        mean.iter_mut().for_each(|sum| *sum /= rows);
        for row in x.chunks_exact(mean.len()) {
            for ((sum, &mean), &x) in variance.iter_mut().zip(&*mean).zip(row) {
                let gap = x - mean;
                *sum += gap * gap;
            }
        }
        variance.iter_mut().for_each(|sum| *sum /= rows);
    }
}

vectorised! {
    fn normalise<T>(x: &[T], mean: &[T], scale: &[T], out: &mut [T]) {
        for (out, x) in out.chunks_exact_mut(mean.len()).zip(x.chunks_exact(mean.len())) {
            for (((out, &x), &mean), &scale) in out.iter_mut().zip(x).zip(mean).zip(scale) {
                *out = (x - mean) * scale;
            }
        }
    }
}

vectorised! {
    /// factor · x + shift, a column each.
    fn stretch<T>(x: &[T], factor: &[T], shift: &[T], out: &mut [T]) {
        for (out, x) in out.chunks_exact_mut(factor.len()).zip(x.chunks_exact(factor.len())) {
            for (((out, &x), &factor), &shift) in out.iter_mut().zip(x).zip(factor).zip(shift) {
                *out = factor * x + shift;
            }
        }
    }
}

vectorised! {
    /// Sums over rows of dy · x̂ and of dy.
    fn sums<T>(dy: &[T], normalised: &[T], products: &mut [T], plain: &mut [T]) {
        products.fill(T::zero());
        plain.fill(T::zero());
        for (dy, x) in dy.chunks_exact(plain.len()).zip(normalised.chunks_exact(plain.len())) {
            for (((product, plain), &dy), &x) in products.iter_mut().zip(plain.iter_mut()).zip(dy).zip(x) {
                *product += dy * x;
                *plain += dy;
            }
        }
    }
}

vectorised! {
    fn centre<T>(dy: &[T], normalised: &[T], factor: &[T], of_mean: &[T], of_variance: &[T], dx: &mut [T]) {
        let width = factor.len();
        let rows = dx.chunks_exact_mut(width).zip(dy.chunks_exact(width)).zip(normalised.chunks_exact(width));
        for ((dx, dy), x) in rows {
            for at in 0..width {
                dx[at] = factor[at] * (dy[at] - of_mean[at] - x[at] * of_variance[at]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let shape = Shape { steps: 1, width: 3 };
        check_gradients(&BatchNorm::new(shape, 0.1, 1e-5), shape, 8, None);
    }
}
