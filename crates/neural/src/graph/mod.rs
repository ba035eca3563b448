//! A network put together: a trunk, its heads, and where each layer's numbers lie.

mod build;
mod joined;
mod stack;

use std::ops::Range;

use tenure_core::{Result, params::require, seed};

pub(crate) use stack::{Placed, Stack};

use crate::NetworkSpec;
use crate::layers::{Pass, Role, Shape};
use crate::real::Real;
use build::Builder;
use joined::{Joined, JoinedSpace};
use stack::{Run, StackSpace};

/// Numbers that a network may have: 400 MB of them in single precision, and twice as much for the optimiser.
const MAX_NUMBERS: usize = 100_000_000;

/// Layers and heads of a network; its numbers are [`Weights`].
#[derive(Debug)]
pub(crate) struct Graph<T> {
    /// What a row of inputs is.
    pub(crate) input: Shape,
    /// Layers that all heads share.
    pub(crate) trunk: Stack<T>,
    /// One a head, in order; the last layer of each is dense.
    pub(crate) heads: Vec<Stack<T>>,
    /// All tensors, in the order in which they lie.
    pub(crate) tensors: Vec<Tensor>,
    /// The first layers of all heads, where they are dense: computed as one.
    joined: Option<Joined>,
}

/// A named tensor of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    /// As in a PyTorch `state_dict`.
    pub(crate) name: String,
    /// As in PyTorch.
    pub(crate) shape: Vec<usize>,
    /// What it is for.
    pub(crate) role: Role,
    /// Among the statistics where it is one, else among the parameters.
    pub(crate) place: Range<usize>,
}

/// All numbers of a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Weights<T> {
    /// Learned ones.
    pub(crate) parameters: Vec<T>,
    /// Running statistics.
    pub(crate) statistics: Vec<T>,
}

impl<T: Real> Weights<T> {
    /// The same in another precision.
    pub(crate) fn cast<U: Real>(&self) -> Weights<U> {
        let cast = |values: &[T]| values.iter().map(|v| U::narrow(v.wide())).collect();
        Weights { parameters: cast(&self.parameters), statistics: cast(&self.statistics) }
    }
}

/// What passes leave behind, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Space<T> {
    trunk: StackSpace<T>,
    heads: Vec<StackSpace<T>>,
    joined: JoinedSpace<T>,
}

impl<T: Real> Space<T> {
    /// Outputs of head `head` in the last pass, before its link.
    pub(crate) fn outputs(&self, head: usize) -> &[T] {
        self.heads[head].values.last().map_or(&[], |v| v)
    }

    /// What the last layer of head `head` read in the last pass, whose inputs were `x`.
    pub(crate) fn before_last<'a>(&'a self, head: usize, x: &'a [T]) -> &'a [T] {
        let shared = self.trunk.values.last().map_or(x, |v| v);
        self.heads[head].values.iter().rev().nth(1).map_or(shared, |v| v)
    }

    /// Where the derivative by the outputs of head `head` goes, and the outputs.
    pub(crate) fn outputs_and_flow(&mut self, head: usize) -> (&[T], &mut Vec<T>) {
        let space = &mut self.heads[head];
        match (space.values.last(), space.flows.last_mut()) {
            (Some(values), Some(flow)) => (values, flow),
            _ => unreachable!("a head ends in a dense layer"),
        }
    }
}

impl<T: Real> Graph<T> {
    /// Puts a checked specification together for rows of `width` inputs a step.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a layer that cannot stand where it does.
    pub(crate) fn build(spec: &NetworkSpec, width: usize) -> Result<Self> {
        let input = Shape { steps: spec.steps, width };
        let mut builder = Builder::default();
        let (trunk, shape) = builder.stack("trunk", input, &spec.trunk)?;
        let heads = spec.heads.iter().map(|head| builder.head(head, shape)).collect::<Result<Vec<_>>>()?;
        let numbers: usize = builder.tensors.iter().map(|tensor| tensor.place.len()).sum();
        let words = format!("at most {MAX_NUMBERS}: narrower layers");
        require("network", format!("of {numbers} numbers"), numbers <= MAX_NUMBERS, words)?;
        let joined = Joined::new(&heads, shape);
        Ok(Self { input, trunk, heads, tensors: builder.tensors, joined })
    }

    /// How many numbers are learned, and how many are statistics.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let len = |statistic: bool| -> usize {
            let of = self.tensors.iter().filter(|tensor| (tensor.role == Role::Statistic) == statistic);
            of.map(|tensor| tensor.place.len()).sum()
        };
        (len(false), len(true))
    }

    /// Numbers to begin with.
    pub(crate) fn initial(&self, seed: u64) -> Weights<T> {
        let (parameters, statistics) = self.counts();
        let mut weights =
            Weights { parameters: vec![T::zero(); parameters], statistics: vec![T::zero(); statistics] };
        for (at, placed) in self.stacks().flat_map(|stack| &stack.layers).enumerate() {
            let parameters = &mut weights.parameters[placed.parameters()];
            let statistics = &mut weights.statistics[placed.statistics()];
            placed.layer.initialise(parameters, statistics, seed::mix(seed, at as u64));
        }
        weights
    }

    /// The weights of the last layer of head `head`, outputs × inputs, and behind them its biases.
    pub(crate) fn last_layer<'a>(&self, head: usize, weights: &'a mut Weights<T>) -> &'a mut [T] {
        let last = self.heads[head].layers.last();
        last.map_or(&mut [], |last| &mut weights.parameters[last.parameters()])
    }

    /// The biases of the last layer of head `head`.
    pub(crate) fn last_biases<'a>(&self, head: usize, weights: &'a mut Weights<T>) -> &'a mut [T] {
        let outputs = self.heads[head].layers.last().map_or(0, |last| last.layer.output().width);
        let layer = self.last_layer(head, weights);
        let weights = layer.len() - outputs;
        &mut layer[weights..]
    }

    fn stacks(&self) -> impl Iterator<Item = &Stack<T>> {
        [&self.trunk].into_iter().chain(&self.heads)
    }

    /// Computes the outputs of all heads.
    pub(crate) fn forward(&self, pass: &Pass<'_>, weights: &Weights<T>, space: &mut Space<T>, x: &[T]) {
        self.trunk.forward_from(0, Run { pass: pass.part(0), weights, x }, &mut space.trunk);
        let Space { trunk, heads, joined } = space;
        let shared = trunk.values.last().map_or(x, |v| v);
        heads.resize_with(self.heads.len(), StackSpace::default);
        let done = self.joined.as_ref().map_or(0, |first| {
            first.forward(&self.heads, weights, joined, shared, heads);
            1
        });
        for (at, (head, space)) in self.heads.iter().zip(heads).enumerate() {
            head.forward_from(done, Run { pass: pass.part(1 + at as u64), weights, x: shared }, space);
        }
    }

    /// From the derivatives by the outputs, which lie in `space` ([`Space::outputs_and_flow`]), those by the
    /// parameters and, where wanted, by the inputs.
    pub(crate) fn backward(
        &self,
        pass: &Pass<'_>,
        weights: &Weights<T>,
        space: &mut Space<T>,
        x: &[T],
        gradient: &mut [T],
        mut dx: Option<&mut [T]>,
    ) {
        let Space { trunk, heads, joined } = space;
        let shared = trunk.values.last().map_or(x, |v| v);
        let wanted = !self.trunk.layers.is_empty() || dx.is_some();
        let mut sum = std::mem::take(&mut trunk.dx);
        sum.clear();
        sum.resize(if wanted { shared.len() } else { 0 }, T::zero());
        let left = usize::from(self.joined.is_some());
        for (at, (head, space)) in self.heads.iter().zip(&mut *heads).enumerate() {
            let mut by_input = std::mem::take(&mut space.dx);
            let place = (wanted && left == 0).then(|| {
                by_input.resize(sum.len(), T::zero());
                &mut by_input[..]
            });
            let run = Run { pass: pass.part(1 + at as u64), weights, x: shared };
            head.backward_to(left, run, space, gradient, place);
            if left == 0 {
                sum.iter_mut().zip(&by_input).for_each(|(sum, &part)| *sum += part);
            }
            space.dx = by_input;
        }
        if let Some(first) = &self.joined {
            first.backward(&self.heads, heads, joined, shared, gradient, wanted.then_some(&mut sum[..]));
        }
        if let Some(last) = trunk.flows.last_mut() {
            last.clear();
            last.extend_from_slice(&sum);
            let run = Run { pass: pass.part(0), weights, x };
            self.trunk.backward_to(0, run, trunk, gradient, dx.as_deref_mut());
        } else if let Some(dx) = dx {
            dx.copy_from_slice(&sum);
        }
        trunk.dx = sum;
    }

    /// Moves running statistics after a training pass.
    pub(crate) fn update(&self, space: &Space<T>, weights: &mut Weights<T>) {
        let spaces = [&space.trunk].into_iter().chain(&space.heads);
        for (stack, space) in self.stacks().zip(spaces) {
            for (placed, cache) in stack.layers.iter().zip(&space.caches) {
                if !placed.statistics().is_empty() {
                    placed.layer.update(cache, &mut weights.statistics[placed.statistics()]);
                }
            }
        }
    }
}
