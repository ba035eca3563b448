//! From a sequence to one step.

use super::{Cache, Flow, Layer, Numbers, Pass, Shape};
use crate::real::Real;

/// The last step alone.
#[derive(Debug)]
pub(crate) struct LastStep {
    input: Shape,
}

impl LastStep {
    pub(crate) fn new(input: Shape) -> Self {
        Self { input }
    }
}

impl<T: Real> Layer<T> for LastStep {
    fn output(&self) -> Shape {
        one_step(self.input)
    }

    fn forward(&self, _: &Pass<'_>, _: Numbers<'_, T>, _: &mut Cache<T>, x: &[T], y: &mut [T]) {
        for (x, y) in x.chunks_exact(self.input.len()).zip(y.chunks_exact_mut(self.input.width)) {
            y.copy_from_slice(&x[x.len() - y.len()..]);
        }
    }

    fn backward(&self, _: &Pass<'_>, _: Numbers<'_, T>, _: &mut Cache<T>, flow: Flow<'_, T>) {
        let Some(dx) = flow.dx else { return };
        dx.fill(T::zero());
        for (dx, dy) in dx.chunks_exact_mut(self.input.len()).zip(flow.dy.chunks_exact(self.input.width)) {
            let first = dx.len() - dy.len();
            dx[first..].copy_from_slice(dy);
        }
    }
}

/// The mean over the steps that are there; 0 where none is.
#[derive(Debug)]
pub(crate) struct MeanSteps {
    input: Shape,
}

impl MeanSteps {
    pub(crate) fn new(input: Shape) -> Self {
        Self { input }
    }

    /// Where the steps of row `row` that are there begin, and the share that each has in the mean.
    fn share<T: Real>(&self, pass: &Pass<'_>, row: usize) -> (usize, T) {
        let absent = pass.absent(row, self.input.steps);
        let there = (self.input.steps - absent).max(1);
        (absent * self.input.width, T::narrow(1.0 / there as f64))
    }
}

impl<T: Real> Layer<T> for MeanSteps {
    fn output(&self) -> Shape {
        one_step(self.input)
    }

    fn forward(&self, pass: &Pass<'_>, _: Numbers<'_, T>, _: &mut Cache<T>, x: &[T], y: &mut [T]) {
        y.fill(T::zero());
        let rows = x.chunks_exact(self.input.len()).zip(y.chunks_exact_mut(self.input.width));
        for (row, (x, y)) in rows.enumerate() {
            let (first, share) = self.share::<T>(pass, row);
            for step in x[first..].chunks_exact(self.input.width) {
                y.iter_mut().zip(step).for_each(|(sum, &x)| *sum += share * x);
            }
        }
    }

    fn backward(&self, pass: &Pass<'_>, _: Numbers<'_, T>, _: &mut Cache<T>, flow: Flow<'_, T>) {
        let Some(dx) = flow.dx else { return };
        dx.fill(T::zero());
        let rows = dx.chunks_exact_mut(self.input.len()).zip(flow.dy.chunks_exact(self.input.width));
        for (row, (dx, dy)) in rows.enumerate() {
            let (first, share) = self.share::<T>(pass, row);
            for step in dx[first..].chunks_exact_mut(self.input.width) {
                step.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = share * dy);
            }
        }
    }
}

fn one_step(input: Shape) -> Shape {
    Shape { steps: 1, ..input }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let input = Shape { steps: 3, width: 2 };
        check_gradients(&LastStep::new(input), input, 4, Some(&[3, 1, 0, 2]));
        check_gradients(&MeanSteps::new(input), input, 4, Some(&[3, 1, 0, 2]));
        check_gradients(&MeanSteps::new(input), input, 2, None);
    }
}
