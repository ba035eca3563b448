//! A network put together: a trunk, its heads, and where each layer's numbers lie.

use std::ops::Range;

use tenure_core::{Error, Result, params::require, seed};

use crate::layers::{
    ActivationLayer, Attention, BatchNorm, Cache, Dense, Dropout, Flow, LastStep, Layer, Lstm, MeanSteps,
    Numbers, Pass, Role, Shape, Start,
};
use crate::real::Real;
use crate::{Activation, LayerSpec, NetworkSpec};

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
}

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
    parameters: Range<usize>,
    statistics: Range<usize>,
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
}

#[derive(Debug, Default)]
struct StackSpace<T> {
    /// Output of each layer.
    values: Vec<Vec<T>>,
    /// Derivative of the loss by the output of each layer.
    flows: Vec<Vec<T>>,
    caches: Vec<Cache<T>>,
    /// Derivative by the input of the stack.
    dx: Vec<T>,
}

impl<T: Real> Space<T> {
    /// Outputs of head `head` in the last pass, before its link.
    pub(crate) fn outputs(&self, head: usize) -> &[T] {
        self.heads[head].values.last().map_or(&[], |v| v)
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
        let (trunk, shape) = builder.stack("trunk", input, &spec.trunk, None)?;
        let heads = spec.heads.iter().map(|head| {
            let last = LayerSpec::dense(head.targets.len());
            let layers: Vec<LayerSpec> = head.layers.iter().cloned().chain([last]).collect();
            let (stack, output) = builder.stack(&format!("heads.{}", head.name), shape, &layers, Some(&head.name))?;
            if output.steps == 1 {
                return Ok(stack);
            }
            let value = head.name.clone();
            let expected = "a head that ends with one step (`last_step`, `mean_steps` or an LSTM that gives no sequence)";
            Err(Error::Parameter { name: "heads", value, expected: expected.into() })
        });
        let heads = heads.collect::<Result<Vec<_>>>()?;
        Ok(Self { input, trunk, heads, tensors: builder.tensors })
    }

    /// Numbers to begin with.
    pub(crate) fn initial(&self, seed: u64) -> Weights<T> {
        let len = |statistic: bool| -> usize {
            self.tensors
                .iter()
                .filter(|t| (t.role == Role::Statistic) == statistic)
                .map(|t| t.place.len())
                .sum()
        };
        let mut weights =
            Weights { parameters: vec![T::zero(); len(false)], statistics: vec![T::zero(); len(true)] };
        for (at, placed) in self.stacks().flat_map(|stack| &stack.layers).enumerate() {
            let parameters = &mut weights.parameters[placed.parameters.clone()];
            let statistics = &mut weights.statistics[placed.statistics.clone()];
            placed.layer.initialise(parameters, statistics, seed::mix(seed, at as u64));
        }
        weights
    }

    /// The biases of the last layer of head `head`.
    pub(crate) fn last_biases<'a>(&self, head: usize, weights: &'a mut Weights<T>) -> &'a mut [T] {
        let Some(last) = self.heads[head].layers.last() else { return &mut [] };
        let end = last.parameters.end;
        &mut weights.parameters[end - last.layer.output().width..end]
    }

    fn stacks(&self) -> impl Iterator<Item = &Stack<T>> {
        [&self.trunk].into_iter().chain(&self.heads)
    }

    /// Computes the outputs of all heads.
    pub(crate) fn forward(&self, pass: &Pass<'_>, weights: &Weights<T>, space: &mut Space<T>, x: &[T]) {
        self.trunk.forward(&pass.part(0), weights, &mut space.trunk, x);
        let shared = space.trunk.values.last().map_or(x, |v| v);
        space.heads.resize_with(self.heads.len(), StackSpace::default);
        for (at, (head, space)) in self.heads.iter().zip(&mut space.heads).enumerate() {
            head.forward(&pass.part(1 + at as u64), weights, space, shared);
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
        let Space { trunk, heads } = space;
        let shared = trunk.values.last().map_or(x, |v| v);
        let wanted = !self.trunk.layers.is_empty() || dx.is_some();
        let mut sum = std::mem::take(&mut trunk.dx);
        sum.clear();
        sum.resize(if wanted { shared.len() } else { 0 }, T::zero());
        for (at, (head, space)) in self.heads.iter().zip(heads).enumerate() {
            let mut by_input = std::mem::take(&mut space.dx);
            by_input.resize(sum.len(), T::zero());
            let place = wanted.then_some(&mut by_input[..]);
            head.backward(&pass.part(1 + at as u64), weights, space, shared, gradient, place);
            sum.iter_mut().zip(&by_input).for_each(|(sum, &part)| *sum += part);
            space.dx = by_input;
        }
        if let Some(last) = trunk.flows.last_mut() {
            last.clear();
            last.extend_from_slice(&sum);
            self.trunk.backward(&pass.part(0), weights, trunk, x, gradient, dx.as_deref_mut());
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
                if !placed.statistics.is_empty() {
                    placed.layer.update(cache, &mut weights.statistics[placed.statistics.clone()]);
                }
            }
        }
    }
}

impl<T: Real> Placed<T> {
    /// Its numbers among all.
    pub(crate) fn numbers<'a>(&self, weights: &'a Weights<T>) -> Numbers<'a, T> {
        Numbers {
            parameters: &weights.parameters[self.parameters.clone()],
            statistics: &weights.statistics[self.statistics.clone()],
        }
    }
}

impl<T: Real> Stack<T> {
    fn forward(&self, pass: &Pass<'_>, weights: &Weights<T>, space: &mut StackSpace<T>, x: &[T]) {
        let StackSpace { values, flows, caches, .. } = space;
        values.resize_with(self.layers.len(), Vec::new);
        flows.resize_with(self.layers.len(), Vec::new);
        caches.resize_with(self.layers.len(), Cache::new);
        for (at, (placed, cache)) in self.layers.iter().zip(caches).enumerate() {
            let (before, rest) = values.split_at_mut(at);
            let (x, y) = (before.last().map_or(x, |v| v), &mut rest[0]);
            y.resize(pass.rows * placed.layer.output().len(), T::zero());
            placed.layer.forward(&pass.part(at as u64), placed.numbers(weights), cache, x, y);
        }
    }

    /// From the derivative by the output, which lies in the last of `space.flows`.
    fn backward(
        &self,
        pass: &Pass<'_>,
        weights: &Weights<T>,
        space: &mut StackSpace<T>,
        x: &[T],
        gradient: &mut [T],
        mut dx: Option<&mut [T]>,
    ) {
        let StackSpace { values, flows, caches, .. } = space;
        for (at, (placed, cache)) in self.layers.iter().zip(caches).enumerate().rev() {
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

/// Counts numbers while layers are placed.
#[derive(Default)]
struct Builder {
    tensors: Vec<Tensor>,
    parameters: usize,
    statistics: usize,
}

impl Builder {
    fn stack<T: Real>(
        &mut self,
        name: &str,
        mut shape: Shape,
        specs: &[LayerSpec],
        head: Option<&str>,
    ) -> Result<(Stack<T>, Shape)> {
        let mut layers = Vec::with_capacity(specs.len());
        for (at, spec) in specs.iter().enumerate() {
            let layer = make::<T>(spec, shape, specs.get(at + 1)).map_err(|e| placed(e, head))?;
            let (parameters, statistics) = (self.parameters, self.statistics);
            for tensor in layer.tensors() {
                let next =
                    if tensor.role == Role::Statistic { &mut self.statistics } else { &mut self.parameters };
                let place = *next..*next + tensor.len();
                *next = place.end;
                let name = format!("{name}.{at}.{}", tensor.name);
                self.tensors.push(Tensor { name, shape: tensor.shape, role: tensor.role, place });
            }
            shape = layer.output();
            let (parameters, statistics) = (parameters..self.parameters, statistics..self.statistics);
            layers.push(Placed { layer, spec: spec.clone(), parameters, statistics });
        }
        Ok((Stack { layers }, shape))
    }
}

/// The same error with the head's name.
fn placed(error: Error, head: Option<&str>) -> Error {
    match (error, head) {
        (Error::Parameter { name, value, expected }, Some(head)) => {
            Error::Parameter { name, value: format!("{value} (in the head `{head}`)"), expected }
        }
        (error, _) => error,
    }
}

/// Widths that a layer may have: matrices of more would not fit into memory anyway.
const MAX_WIDTH: usize = 65_536;

/// The layer for inputs of `shape`; `next` is the one that follows.
fn make<T: Real>(spec: &LayerSpec, shape: Shape, next: Option<&LayerSpec>) -> Result<Box<dyn Layer<T>>> {
    let width_fits = |name: &'static str, width: usize| {
        require(name, width, (1..=MAX_WIDTH).contains(&width), format!("from 1 to {MAX_WIDTH}"))
    };
    Ok(match *spec {
        LayerSpec::Dense { width } => {
            width_fits("width", width)?;
            Box::new(Dense::new(shape, width, start(next)))
        }
        LayerSpec::Activation { function } => Box::new(ActivationLayer::new(shape, function)),
        LayerSpec::BatchNorm { momentum, epsilon } => {
            require("momentum", momentum, momentum > 0.0 && momentum <= 1.0, "above 0, at most 1")?;
            require("epsilon", epsilon, epsilon > 0.0 && epsilon.is_finite(), "above 0")?;
            let words = "one step: place it behind `last_step` or `mean_steps`";
            require("batch_norm", format!("on {} steps", shape.steps), shape.steps == 1, words)?;
            Box::new(BatchNorm::new(shape, momentum, epsilon))
        }
        LayerSpec::Dropout { rate } => {
            require("rate", rate, (0.0..1.0).contains(&rate), "at least 0, below 1")?;
            Box::new(Dropout::new(shape, rate))
        }
        LayerSpec::Lstm { width, sequence } => {
            width_fits("width", width)?;
            Box::new(Lstm::new(shape, width, sequence))
        }
        LayerSpec::Attention { heads, key_width } => {
            width_fits("heads", heads)?;
            width_fits("key_width", key_width)?;
            width_fits("heads × key_width", heads * key_width)?;
            Box::new(Attention::new(shape, heads, key_width))
        }
        LayerSpec::LastStep => Box::new(LastStep::new(shape)),
        LayerSpec::MeanSteps => Box::new(MeanSteps::new(shape)),
    })
}

/// Rectifiers halve what they get: the weights before them begin larger.
fn start(next: Option<&LayerSpec>) -> Start {
    use Activation::{Elu, Gelu, LeakyRelu, Relu, Silu};
    match next {
        Some(LayerSpec::Activation { function: Relu | LeakyRelu | Elu | Gelu | Silu }) => Start::He,
        _ => Start::Glorot,
    }
}
