//! The first layers of all heads as one.
//!
//! Heads read the same numbers. Where each begins with a dense layer, one product with all their weights side by side
//! takes less time than one a head, forward and back.

use super::Weights;
use super::stack::{Stack, StackSpace};
use crate::LayerSpec;
use crate::layers::{Shape, column_sums, repeat};
use crate::real::{Matrix, Real, multiply};

/// A dense layer made of the first ones of all heads.
#[derive(Debug)]
pub(super) struct Joined {
    inputs: usize,
    /// Outputs of each head's layer.
    widths: Vec<usize>,
    /// Of all.
    width: usize,
}

/// Its numbers, gathered from those of the heads.
#[derive(Debug, Default)]
pub(super) struct JoinedSpace<T> {
    weight: Vec<T>,
    bias: Vec<T>,
    y: Vec<T>,
    dy: Vec<T>,
    by_weight: Vec<T>,
    by_bias: Vec<T>,
}

impl Joined {
    /// `None` where a head begins otherwise, or is alone.
    pub(super) fn new<T: Real>(heads: &[Stack<T>], input: Shape) -> Option<Self> {
        let first = |head: &Stack<T>| match head.layers.first()?.spec {
            LayerSpec::Dense { width } => Some(width),
            _ => None,
        };
        let widths = heads.iter().map(first).collect::<Option<Vec<usize>>>()?;
        let width = widths.iter().sum();
        (heads.len() > 1 && input.steps == 1).then_some(Self { inputs: input.width, widths, width })
    }

    /// Writes the output of each head's first layer into its space.
    pub(super) fn forward<T: Real>(
        &self,
        heads: &[Stack<T>],
        weights: &Weights<T>,
        space: &mut JoinedSpace<T>,
        x: &[T],
        spaces: &mut [StackSpace<T>],
    ) {
        let JoinedSpace { weight, bias, y, .. } = space;
        weight.clear();
        bias.clear();
        for (head, width) in heads.iter().zip(&self.widths) {
            let (of_head, biases) = head.layers[0].numbers(weights).parameters.split_at(width * self.inputs);
            weight.extend_from_slice(of_head);
            bias.extend_from_slice(biases);
        }
        let rows = x.len() / self.inputs;
        y.resize(rows * self.width, T::zero());
        repeat(bias, y);
        multiply(
            Matrix::new(x, rows, self.inputs),
            Matrix::new(weight, self.width, self.inputs).t(),
            T::one(),
            y,
        );
        let mut from = 0;
        for (space, width) in spaces.iter_mut().zip(&self.widths) {
            space.values.resize_with(1.max(space.values.len()), Vec::new);
            let values = &mut space.values[0];
            values.clear();
            y.chunks_exact(self.width).for_each(|row| values.extend_from_slice(&row[from..from + width]));
            from += width;
        }
    }

    /// From the derivatives by the outputs of the heads' first layers those by their numbers and, where wanted, by `x`.
    pub(super) fn backward<T: Real>(
        &self,
        heads: &[Stack<T>],
        spaces: &[StackSpace<T>],
        space: &mut JoinedSpace<T>,
        x: &[T],
        gradient: &mut [T],
        dx: Option<&mut [T]>,
    ) {
        let JoinedSpace { weight, dy, by_weight, by_bias, .. } = space;
        let rows = x.len() / self.inputs;
        dy.resize(rows * self.width, T::zero());
        let mut from = 0;
        for (space, width) in spaces.iter().zip(&self.widths) {
            for (row, part) in dy.chunks_exact_mut(self.width).zip(space.flows[0].chunks_exact(*width)) {
                row[from..from + width].copy_from_slice(part);
            }
            from += width;
        }
        by_weight.resize(weight.len(), T::zero());
        by_bias.resize(self.width, T::zero());
        let flow = Matrix::new(dy, rows, self.width);
        multiply(flow.t(), Matrix::new(x, rows, self.inputs), T::zero(), by_weight);
        column_sums(dy, by_bias);
        if let Some(dx) = dx {
            multiply(flow, Matrix::new(weight, self.width, self.inputs), T::zero(), dx);
        }
        let mut from = 0;
        for (head, width) in heads.iter().zip(&self.widths) {
            let place = &mut gradient[head.layers[0].parameters()];
            let (of_weight, of_bias) = place.split_at_mut(width * self.inputs);
            of_weight.copy_from_slice(&by_weight[from * self.inputs..][..width * self.inputs]);
            of_bias.copy_from_slice(&by_bias[from..from + width]);
            from += width;
        }
    }
}
