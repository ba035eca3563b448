//! x W + b at every step.

use super::{Cache, Flow, Layer, Numbers, Pass, Role, Shape, TensorSpec, normal, uniform};
use crate::real::{Matrix, Real, multiply, vectorised};

/// How weights are drawn to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Normal with variance 2 / inputs (He et al. 2015), before rectifiers.
    He,
    /// Uniform within √(6 / (inputs + outputs)) (Glorot & Bengio 2010), elsewhere.
    Glorot,
}

/// A dense layer; its weight is outputs × inputs, as in PyTorch.
#[derive(Debug)]
pub(crate) struct Dense {
    input: Shape,
    width: usize,
    start: Start,
}

impl Dense {
    pub(crate) fn new(input: Shape, width: usize, start: Start) -> Self {
        Self { input, width, start }
    }

    fn split<'a, T>(&self, parameters: &'a [T]) -> (&'a [T], &'a [T]) {
        parameters.split_at(self.width * self.input.width)
    }
}

impl<T: Real> Layer<T> for Dense {
    fn output(&self) -> Shape {
        self.input.with_width(self.width)
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        vec![
            TensorSpec::new("weight", [self.width, self.input.width], Role::Weight),
            TensorSpec::new("bias", [self.width], Role::Free),
        ]
    }

    fn initialise(&self, parameters: &mut [T], _: &mut [T], seed: u64) {
        let (weight, bias) = parameters.split_at_mut(self.width * self.input.width);
        let (inputs, outputs) = (self.input.width as f64, self.width as f64);
        match self.start {
            Start::He => {
                let scale = (2.0 / inputs).sqrt();
                for (at, value) in weight.iter_mut().enumerate() {
                    *value = T::narrow(scale * normal(seed, at as u64));
                }
            }
            Start::Glorot => uniform(weight, (6.0 / (inputs + outputs)).sqrt(), seed),
        }
        bias.fill(T::zero());
    }

    fn forward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, _: &mut Cache<T>, x: &[T], y: &mut [T]) {
        let (weight, bias) = self.split(numbers.parameters);
        let rows = pass.rows * self.input.steps;
        if let [bias] = *bias {
            return products(x, weight, bias, y);
        }
        repeat(bias, y);
        let weight = Matrix::new(weight, self.width, self.input.width).t();
        multiply(Matrix::new(x, rows, self.input.width), weight, T::one(), y);
    }

    fn backward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, _: &mut Cache<T>, flow: Flow<'_, T>) {
        let rows = pass.rows * self.input.steps;
        let (by_weight, by_bias) = flow.gradient.split_at_mut(self.width * self.input.width);
        if self.width == 1 {
            by_bias[0] = flow.dy.iter().copied().sum();
            weighted_sum(flow.x, flow.dy, by_weight);
            if let Some(dx) = flow.dx {
                let (weight, _) = self.split(numbers.parameters);
                multiples(flow.dy, weight, dx);
            }
            return;
        }
        let (x, dy) = (Matrix::new(flow.x, rows, self.input.width), Matrix::new(flow.dy, rows, self.width));
        multiply(dy.t(), x, T::zero(), by_weight);
        column_sums(flow.dy, by_bias);
        if let Some(dx) = flow.dx {
            let (weight, _) = self.split(numbers.parameters);
            multiply(dy, Matrix::new(weight, self.width, self.input.width), T::zero(), dx);
        }
    }
}

vectorised! {
    /// Sums of the columns of a matrix whose rows are as long as `sums`.
    pub(crate) fn column_sums<T>(values: &[T], sums: &mut [T]) {
        sums.fill(T::zero());
        for row in values.chunks_exact(sums.len()) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}

vectorised! {
    /// Fills `out` with repetitions of `row`.
    pub(crate) fn repeat<T>(row: &[T], out: &mut [T]) {
        for out in out.chunks_exact_mut(row.len()) {
            out.iter_mut().zip(row).for_each(|(out, &value)| *out = value);
        }
    }
}

// A layer of one number is a product of a matrix and a vector: too small for `matrixmultiply` to be worth its call.

/// Sums side by side, so that none waits for the one before.
const LANES: usize = 8;

vectorised! {
    /// `row · weight + bias` for each row of `x`.
    fn products<T>(x: &[T], weight: &[T], bias: T, out: &mut [T]) {
        let (chunks, rest) = weight.as_chunks::<LANES>();
        for (out, row) in out.iter_mut().zip(x.chunks_exact(weight.len())) {
            let (values, tail) = row.as_chunks::<LANES>();
            let mut sums = [T::zero(); LANES];
            for (weight, value) in chunks.iter().zip(values) {
                for lane in 0..LANES {
                    sums[lane] += weight[lane] * value[lane];
                }
            }
            let mut sum = bias;
            sums.iter().for_each(|&part| sum += part);
            rest.iter().zip(tail).for_each(|(&w, &v)| sum += w * v);
            *out = sum;
        }
    }
}

vectorised! {
    /// The sum of the rows of `x`, each times its factor.
    fn weighted_sum<T>(x: &[T], factors: &[T], sum: &mut [T]) {
        sum.fill(T::zero());
        for (row, &factor) in x.chunks_exact(sum.len()).zip(factors) {
            sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += factor * x);
        }
    }
}

vectorised! {
    /// A multiple of `row` for each factor.
    fn multiples<T>(factors: &[T], row: &[T], out: &mut [T]) {
        for (out, &factor) in out.chunks_exact_mut(row.len()).zip(factors) {
            out.iter_mut().zip(row).for_each(|(out, &value)| *out = factor * value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let input = Shape { steps: 1, width: 5 };
        check_gradients(&Dense::new(input, 3, Start::He), input, 7, None);
        let input = Shape { steps: 1, width: 19 };
        check_gradients(&Dense::new(input, 1, Start::Glorot), input, 5, None);
        let input = Shape { steps: 4, width: 3 };
        check_gradients(&Dense::new(input, 2, Start::Glorot), input, 5, None);
    }
}
