//! Layers one after the other.

use std::ops::Range;

use super::Weights;
use crate::LayerSpec;
use crate::layers::{Cache, Flow, Layer, Numbers, Pass};
use crate::real::Real;

/// Layers one after the other.
#[derive(Debug)]
pub(crate) struct Stack<T> {
    /// In order.
    pub(crate) layers: Vec<Placed<T>>,
}

/// A layer and where its numbers lie.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    /// What it computes.
    pub(crate) layer: Box<dyn Layer<T>>,
    /// What it was made from.
    pub(crate) spec: LayerSpec,
    pub(super) parameters: Range<usize>,
    pub(super) statistics: Range<usize>,
}

#[derive(Debug, Default)]
pub(super) struct StackSpace<T> {
    /// Output of each layer.
    pub(super) values: Vec<Vec<T>>,
    /// Derivative of the loss by the output of each layer.
    pub(super) flows: Vec<Vec<T>>,
    pub(super) caches: Vec<Cache<T>>,
    /// Derivative by the input of the stack.
    pub(super) dx: Vec<T>,
}

/// What every layer of a pass is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a, T> {
    pub(super) pass: Pass<'a>,
    pub(super) weights: &'a Weights<T>,
    /// Inputs of the stack.
    pub(super) x: &'a [T],
}

impl<T: Real> Placed<T> {
    /// Where its learned numbers lie.
    pub(super) fn parameters(&self) -> Range<usize> {
        self.parameters.clone()
    }

    /// Where its statistics lie.
    pub(super) fn statistics(&self) -> Range<usize> {
        self.statistics.clone()
    }

    /// Its numbers among all.
    pub(crate) fn numbers<'a>(&self, weights: &'a Weights<T>) -> Numbers<'a, T> {
        Numbers {
            parameters: &weights.parameters[self.parameters.clone()],
            statistics: &weights.statistics[self.statistics.clone()],
        }
    }
}

impl<T: Real> Stack<T> {
    /// Runs all layers but the first `done`, whose outputs lie in `space`.
    pub(super) fn forward_from(&self, done: usize, run: Run<'_, T>, space: &mut StackSpace<T>) {
        let Run { pass, weights, x } = run;
        let StackSpace { values, flows, caches, .. } = space;
        values.resize_with(self.layers.len(), Vec::new);
        flows.resize_with(self.layers.len(), Vec::new);
        caches.resize_with(self.layers.len(), Cache::new);
        for (at, (placed, cache)) in self.layers.iter().zip(caches).enumerate().skip(done) {
            let (before, rest) = values.split_at_mut(at);
            let (x, y) = (before.last().map_or(x, |v| v), &mut rest[0]);
            y.resize(pass.rows * placed.layer.output().len(), T::zero());
            placed.layer.forward(&pass.part(at as u64), placed.numbers(weights), cache, x, y);
        }
    }

    /// From the derivative by the output, which lies in the last of `space.flows`, back to that by the output of the
    /// first `left` layers, or by the input where none is left.
    pub(super) fn backward_to(
        &self,
        left: usize,
        run: Run<'_, T>,
        space: &mut StackSpace<T>,
        gradient: &mut [T],
        mut dx: Option<&mut [T]>,
    ) {
        let Run { pass, weights, x } = run;
        let StackSpace { values, flows, caches, .. } = space;
        for (at, (placed, cache)) in self.layers.iter().zip(caches).enumerate().skip(left).rev() {
            let (before, rest) = flows.split_at_mut(at);
            let (x, y) = (if at == 0 { x } else { &values[at - 1] }, &values[at]);
            let dx = match before.last_mut() {
                Some(flow) => {
                    flow.resize(x.len(), T::zero());
                    Some(&mut flow[..])
                }
                None => dx.take(),
            };
            let gradient = &mut gradient[placed.parameters.clone()];
            let flow = Flow { x, y, dy: &mut rest[0], gradient, dx };
            placed.layer.backward(&pass.part(at as u64), placed.numbers(weights), cache, flow);
        }
    }
}
