//! Layers: what each computes, and how its error flows back.
//!
//! A layer is its shape alone. Its numbers lie in the [`Weights`](crate::graph::Weights) of the network, what one
//! pass leaves for the way back lies in a [`Cache`]: so a network can be read by many threads at once.

mod activation;
mod attention;
mod batch_norm;
mod dense;
mod dropout;
mod lstm;
mod steps;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt::Debug;

use tenure_core::seed;

pub(crate) use activation::{ActivationLayer, activate, sigmoid};
pub(crate) use attention::Attention;
pub(crate) use batch_norm::BatchNorm;
pub(crate) use dense::{Dense, Start, column_sums, repeat};
pub(crate) use dropout::Dropout;
pub(crate) use lstm::Lstm;
pub(crate) use steps::{LastStep, MeanSteps};

use crate::real::Real;

/// What a layer takes or gives for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Steps of a sequence; 1 for tables.
    pub(crate) steps: usize,
    /// Numbers a step.
    pub(crate) width: usize,
}

impl Shape {
    /// Numbers a row.
    pub(crate) fn len(self) -> usize {
        self.steps * self.width
    }

    /// The same steps of another width.
    pub(crate) fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }
}

/// Whether a pass is one of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Dropout drops, by draws that follow from the seed; batch normalisation looks at the batch.
    Train {
        /// Of this step and this layer.
        seed: u64,
    },
    /// As for predictions.
    Evaluate,
}

/// One pass over a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// Rows of the batch.
    pub(crate) rows: usize,
    /// Training or not.
    pub(crate) mode: Mode,
    /// For each row of a batch of sequences, how many of its last steps are there (the others come first); `None`
    /// where all are.
    pub(crate) present: Option<&'a [usize]>,
}

impl Pass<'_> {
    /// The same for part `part` of the network: dropout draws differ from layer to layer.
    pub(crate) fn part(self, part: u64) -> Self {
        let mode = match self.mode {
            Mode::Train { seed } => Mode::Train { seed: seed::mix(seed, part) },
            Mode::Evaluate => Mode::Evaluate,
        };
        Self { mode, ..self }
    }

    /// Number of steps of row `row` that are not there; behind a layer that gives one step, none.
    pub(crate) fn absent(&self, row: usize, steps: usize) -> usize {
        self.present.map_or(0, |present| steps.saturating_sub(present[row]))
    }
}

/// What a forward pass keeps for the backward pass. A layer sizes its own buffers.
pub(crate) type Cache<T> = Vec<Vec<T>>;

/// Buffer `at` of a cache, of `len` numbers that may be anything.
pub(crate) fn buffer<T: Real>(cache: &mut Cache<T>, at: usize, len: usize) -> &mut Vec<T> {
    if cache.len() <= at {
        cache.resize_with(at + 1, Vec::new);
    }
    cache[at].resize(len, T::zero());
    &mut cache[at]
}

/// A named part of a layer's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorSpec {
    /// As in PyTorch: `weight`, `bias`, `running_mean`.
    pub(crate) name: &'static str,
    /// As in PyTorch.
    pub(crate) shape: Vec<usize>,
    /// What it is.
    pub(crate) role: Role,
}

impl TensorSpec {
    pub(crate) fn new(name: &'static str, shape: impl Into<Vec<usize>>, role: Role) -> Self {
        Self { name, shape: shape.into(), role }
    }

    /// Numbers it has.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What a tensor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Learned, and held small by the L2 penalty.
    Weight,
    /// Learned, without penalty: biases, scales and shifts of normalisation.
    Free,
    /// Not learned by gradients: running statistics.
    Statistic,
}

/// A function of a batch that is differentiable in its inputs and parameters.
///
/// `x` and `y` are rows × steps × width, row-major; parameters lie one after the other in the order of
/// [`Layer::tensors`], statistics in a slice of their own.
pub(crate) trait Layer<T: Real>: Debug + Send + Sync {
    /// What it gives for a row.
    fn output(&self) -> Shape;

    /// Its numbers, in order.
    fn tensors(&self) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// Numbers to begin with, drawn from `seed`.
    fn initialise(&self, parameters: &mut [T], statistics: &mut [T], seed: u64) {
        let _ = (parameters, statistics, seed);
    }

    /// Computes `y` from `x`.
    fn forward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, x: &[T], y: &mut [T]);

    /// Moves running statistics after a training pass.
    fn update(&self, cache: &Cache<T>, statistics: &mut [T]) {
        let _ = (cache, statistics);
    }

    /// From `dy`, the derivative of the loss by `y` (which may be overwritten), computes that by the parameters
    /// into `gradient` and, where wanted, that by `x` into `dx`; both are overwritten. Follows a
    /// [`Layer::forward`] of the same pass with the same cache.
    fn backward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, flow: Flow<'_, T>);
}

/// The numbers of one layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers<'a, T> {
    /// Learned ones.
    pub(crate) parameters: &'a [T],
    /// Running statistics.
    pub(crate) statistics: &'a [T],
}

/// What [`Layer::backward`] reads and writes.
#[derive(Debug)]
pub(crate) struct Flow<'a, T> {
    /// Inputs of the forward pass.
    pub(crate) x: &'a [T],
    /// Its outputs.
    pub(crate) y: &'a [T],
    /// Derivative of the loss by the outputs.
    pub(crate) dy: &'a mut [T],
    /// Derivative by the parameters, to be written.
    pub(crate) gradient: &'a mut [T],
    /// Derivative by the inputs, to be written where it is wanted.
    pub(crate) dx: Option<&'a mut [T]>,
}

/// Standard normal draw number `index` of `seed` (Box & Muller 1958).
pub(crate) fn normal(seed: u64, index: u64) -> f64 {
    let radius = (-2.0 * (1.0 - seed::unit(seed, 2 * index)).ln()).sqrt();
    radius * (std::f64::consts::TAU * seed::unit(seed, 2 * index + 1)).cos()
}

/// Fills `place` with draws from −bound to bound.
pub(crate) fn uniform<T: Real>(place: &mut [T], bound: f64, seed: u64) {
    for (at, value) in place.iter_mut().enumerate() {
        *value = T::narrow(bound * (2.0 * seed::unit(seed, at as u64) - 1.0));
    }
}
