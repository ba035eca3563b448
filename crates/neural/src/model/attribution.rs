//! What moved an output: gradients by the inputs.

use tenure_core::{Explanation, Model, Result, Scale, check_explained};

use super::NetworkModel;
use crate::graph::{Graph, Placed, Space, Stack, Weights};
use crate::layers::{Cache, Layer, Mode, Pass};
use crate::loss::Objective;
use crate::{Activation, LayerSpec};

/// Points of the path whose gradients are computed at a time.
const CHUNK: usize = 128;
/// Most pieces that a path is cut into where it cannot be followed from bend to bend.
const MOST_PIECES: usize = 32;
/// By how much the parts may miss the whole before pieces are halved again.
const TOLERANCE: f64 = 1e-5;
/// Nodes and weights of Gauss and Legendre on (−1, 1), five points.
const NODES: [(f64, f64); 5] = [
    (0.0, 0.568_888_888_888_888_9),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
];

/// A row on its way from the mean of all (every input 0).
struct Path<'a> {
    graph: &'a Graph<f64>,
    weights: &'a Weights<f64>,
    x: &'a [f64],
    present: usize,
    head: usize,
    place: usize,
}

impl NetworkModel {
    /// How fast an output rises with each feature: the sum over the feature's inputs of the derivative by the
    /// standardised input. For a probability that of its log-odds.
    ///
    /// # Errors
    /// As [`Model::explain_row`].
    pub fn gradient(&self, row: &[f64], output: usize) -> Result<Vec<f64>> {
        check_explained(self.schema(), self.outputs().len(), row, output)?;
        let (mut x, scaler) = (vec![0.0; self.shell.scaler.len()], &self.shell.scaler);
        scaler.apply(row, &mut x);
        let path = self.path(&x, scaler.present(row), output);
        let (raw, gradient) = path.gradients(&[1.0]);
        let (head, place) = self.shell.places[output];
        let slope = match self.shell.spec.heads[head].objective() {
            Objective::CrossEntropy => 1.0,
            Objective::Squared => {
                self.shell.lines[head][place].value(1.0) - self.shell.lines[head][place].value(0.0)
            }
            Objective::SquaredSigmoid => {
                let share = Scale::LogOdds.to_output(raw[0]);
                let line = self.shell.lines[head][place];
                (line.value(1.0) - line.value(0.0)) * share * (1.0 - share)
            }
        };
        Ok(scaler.by_feature(&gradient.iter().map(|g| g * slope).collect::<Vec<_>>()))
    }

    /// Integrated gradients (Sundararajan, Taly & Yan 2017) along the straight path from the mean of all training
    /// rows to this row, in double precision.
    ///
    /// Where every activation is a rectifier the output is piecewise linear along the path: the places where it
    /// bends are found layer by layer and the integral is exact. Elsewhere it is computed by Gauss–Legendre
    /// quadrature over pieces that are halved until the parts add up. What single precision rounds in the prediction
    /// (and what the quadrature leaves, less than 1e-5 or after 32 pieces) is spread over the parts in proportion to
    /// their size.
    ///
    /// A probability is explained in log-odds; a bounded value through the logarithm of its odds, mapped to its own
    /// scale by the rescale rule ([`Explanation::mapped`]).
    ///
    /// # Errors
    /// As [`Model::explain_row`].
    pub fn integrated_gradients(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), self.outputs().len(), row, output)?;
        let scaler = &self.shell.scaler;
        let mut x = vec![0.0; scaler.len()];
        scaler.apply(row, &mut x);
        let path = self.path(&x, scaler.present(row), output);
        let (gradient, baseline) = path.integrate();
        let mut parts: Vec<f64> = gradient.iter().zip(&x).map(|(g, x)| g * x).collect();
        let residual = self.raw(row, output) - baseline - parts.iter().sum::<f64>();
        let size: f64 = parts.iter().map(|part| part.abs()).sum();
        let baseline = if size > 0.0 {
            parts.iter_mut().for_each(|part| *part += residual * part.abs() / size);
            baseline
        } else {
            baseline + residual
        };
        let contributions = scaler.by_feature(&parts);
        let (head, place) = self.shell.places[output];
        let line = self.shell.lines[head][place];
        let raw = |scale| Explanation { output, scale, baseline, contributions };
        Ok(match self.shell.spec.heads[head].objective() {
            Objective::CrossEntropy => raw(Scale::LogOdds),
            Objective::Squared => raw(Scale::Identity).mapped(Scale::Identity, |v| line.value(v)),
            Objective::SquaredSigmoid => {
                raw(Scale::LogOdds).mapped(Scale::Identity, |v| line.value(Scale::LogOdds.to_output(v)))
            }
        })
    }

    /// Mean absolute weight of the first layer by feature, where that is a dense one: a quick look at what a network
    /// reads, no explanation of it.
    #[must_use]
    pub fn first_layer_importance(&self) -> Option<Vec<f64>> {
        let first = self.shell.graph.trunk.layers.first()?;
        let LayerSpec::Dense { width } = first.spec else { return None };
        let inputs = self.shell.scaler.inputs().len();
        let weight = &first.numbers(&self.weights).parameters[..width * inputs];
        let mut means = vec![0.0; inputs];
        for row in weight.chunks_exact(inputs.max(1)) {
            means.iter_mut().zip(row).for_each(|(mean, w)| *mean += f64::from(w.abs()) / width as f64);
        }
        Some(self.shell.scaler.by_feature(&means))
    }

    fn path<'a>(&'a self, x: &'a [f64], present: usize, output: usize) -> Path<'a> {
        let (graph, weights) = self.wide.get_or_init(|| {
            let inputs = self.shell.scaler.inputs().len();
            // The same specification was built in single precision.
            let graph = Graph::build(&self.shell.spec, inputs).unwrap_or_else(|e| unreachable!("{e}"));
            (graph, self.weights.cast())
        });
        let (head, place) = self.shell.places[output];
        Path { graph, weights, x, present, head, place }
    }

    /// The raw output as it is predicted.
    fn raw(&self, row: &[f64], output: usize) -> f64 {
        let mut raw = 0.0;
        self.raw_rows([row].into_iter(), |_, at, value| {
            if at == output {
                raw = f64::from(value);
            }
        });
        raw
    }
}

impl Path<'_> {
    /// Raw outputs at some shares of the path, and the sum of gradients there.
    fn gradients(&self, shares: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.weighted_gradients(shares.iter().map(|&share| (share, 1.0)))
    }

    /// Raw outputs at some shares of the path, and the weighted sum of gradients there.
    fn weighted_gradients(&self, points: impl Iterator<Item = (f64, f64)>) -> (Vec<f64>, Vec<f64>) {
        let points: Vec<(f64, f64)> = points.collect();
        let (mut raw, mut sum) = (Vec::with_capacity(points.len()), vec![0.0; self.x.len()]);
        let (mut space, mut gradient) = (Space::default(), vec![0.0; self.weights.parameters.len()]);
        for chunk in points.chunks(CHUNK) {
            let x: Vec<f64> =
                chunk.iter().flat_map(|(share, _)| self.x.iter().map(move |x| share * x)).collect();
            let present = vec![self.present; chunk.len()];
            let pass = Pass { rows: chunk.len(), mode: Mode::Evaluate, present: Some(&present) };
            self.graph.forward(&pass, self.weights, &mut space, &x);
            for head in 0..self.graph.heads.len() {
                let (values, flow) = space.outputs_and_flow(head);
                flow.clear();
                flow.resize(values.len(), 0.0);
                if head == self.head {
                    let width = values.len() / chunk.len();
                    for (row, (_, weight)) in chunk.iter().enumerate() {
                        flow[row * width + self.place] = *weight;
                        raw.push(values[row * width + self.place]);
                    }
                }
            }
            let mut dx = vec![0.0; x.len()];
            self.graph.backward(&pass, self.weights, &mut space, &x, &mut gradient, Some(&mut dx));
            for row in dx.chunks_exact(self.x.len().max(1)) {
                sum.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
            }
        }
        (raw, sum)
    }

    /// The mean gradient along the path, and the raw output where it begins.
    fn integrate(&self) -> (Vec<f64>, f64) {
        let (ends, _) = self.gradients(&[0.0, 1.0]);
        let (baseline, difference) = (ends[0], ends[1] - ends[0]);
        let moved = |gradient: &[f64]| gradient.iter().zip(self.x).map(|(g, x)| g * x).sum::<f64>();
        if let Some(bends) = self.bends() {
            let middle = |pair: &[f64]| (0.5 * (pair[0] + pair[1]), pair[1] - pair[0]);
            let (_, gradient) = self.weighted_gradients(bends.windows(2).map(middle));
            return (gradient, baseline);
        }
        let mut pieces = 4;
        loop {
            let width = 1.0 / pieces as f64;
            let points = (0..pieces).flat_map(|piece| {
                let centre = (piece as f64 + 0.5) * width;
                NODES.map(|(node, weight)| (centre + 0.5 * width * node, 0.5 * width * weight))
            });
            let (_, gradient) = self.weighted_gradients(points);
            let found = moved(&gradient);
            if (found - difference).abs() <= TOLERANCE * (1.0 + difference.abs()) || pieces >= MOST_PIECES {
                return (gradient, baseline);
            }
            pieces *= 2;
        }
    }

    /// Shares of the path at which a piecewise linear network may bend, 0 and 1 among them; `None` for others.
    fn bends(&self) -> Option<Vec<f64>> {
        if self.graph.input.steps != 1 {
            return None;
        }
        let mut bends = Bends { shares: vec![0.0, 1.0], values: vec![0.0; self.x.len()] };
        bends.values.extend_from_slice(self.x);
        let stacks: [&Stack<f64>; 2] = [&self.graph.trunk, &self.graph.heads[self.head]];
        for placed in stacks.into_iter().flat_map(|stack| &stack.layers) {
            match placed.spec {
                LayerSpec::Activation { function: Activation::Relu | Activation::LeakyRelu } => bends.split(),
                LayerSpec::Dense { .. } | LayerSpec::BatchNorm { .. } | LayerSpec::Dropout { .. } => {}
                _ => return None,
            }
            bends.pass(placed, self.weights);
        }
        Some(bends.shares)
    }
}

/// Points of the path between which everything so far is linear.
struct Bends {
    shares: Vec<f64>,
    /// The values that a layer gives at each point.
    values: Vec<f64>,
}

impl Bends {
    /// Runs a layer at all points.
    fn pass(&mut self, placed: &Placed<f64>, weights: &Weights<f64>) {
        let (rows, layer): (_, &dyn Layer<f64>) = (self.shares.len(), placed.layer.as_ref());
        let mut y = vec![0.0; rows * layer.output().len()];
        let pass = Pass { rows, mode: Mode::Evaluate, present: None };
        layer.forward(&pass, placed.numbers(weights), &mut Cache::new(), &self.values, &mut y);
        self.values = y;
    }

    /// Adds a point wherever a value crosses zero.
    fn split(&mut self) {
        let width = self.values.len() / self.shares.len();
        let (mut shares, mut values) = (Vec::new(), Vec::new());
        for at in 0..self.shares.len() - 1 {
            let (from, to) = (&self.values[at * width..][..width], &self.values[(at + 1) * width..][..width]);
            let mut crossings: Vec<f64> =
                from.iter().zip(to).filter(|(a, b)| *a * *b < 0.0).map(|(a, b)| a / (a - b)).collect();
            crossings.sort_by(f64::total_cmp);
            crossings.dedup();
            for share in [0.0].into_iter().chain(crossings) {
                shares.push(self.shares[at] + share * (self.shares[at + 1] - self.shares[at]));
                values.extend(from.iter().zip(to).map(|(a, b)| a + share * (b - a)));
            }
        }
        shares.push(1.0);
        values.extend_from_slice(&self.values[self.values.len() - width..]);
        (self.shares, self.values) = (shares, values);
    }
}
