//! A network of one step, packed for prediction.
//!
//! Batch normalisation is an affine map once statistics stand still: it is folded into the dense layer before it, or
//! into that behind it. Dropout is gone, and the first dense layers of all heads are one. Weights lie in blocks of
//! [`LANES`] outputs, so that the innermost loop is one multiplication and one addition of whole vectors.
//!
//! Sums run over the inputs in their order, for each output alone: a row gives the same bits whatever stands beside
//! it, and on every processor, since nothing is fused.

use crate::Activation;
use crate::LayerSpec;
use crate::graph::{Graph, Stack, Weights};
use crate::layers::{BatchNorm, Shape, activate};

/// Rows of one run.
pub(crate) const ROWS: usize = 64;
/// Outputs of a block.
const LANES: usize = 16;
/// Rows of a tile where there are so many.
const TILE: usize = 4;
/// Blocks taken together where there is one row.
const WIDE: usize = 4;

/// A packed network.
#[derive(Debug)]
pub(crate) struct Packed {
    trunk: Vec<Op>,
    heads: Heads,
    outputs: usize,
}

#[derive(Debug)]
enum Heads {
    /// All begin with a dense layer: one for all, then what is left of each, for its part of the columns.
    Joined { first: Dense, rest: Vec<(usize, Vec<Op>)> },
    /// Each on its own.
    Apart(Vec<Vec<Op>>),
}

#[derive(Debug)]
enum Op {
    Dense(Dense),
    Activate(Activation),
    Affine { factor: Vec<f32>, shift: Vec<f32> },
}

/// A dense layer in blocks.
#[derive(Debug)]
struct Dense {
    inputs: usize,
    outputs: usize,
    /// Blocks × inputs × [`LANES`].
    weights: Vec<f32>,
    /// Padded to whole blocks.
    bias: Vec<f32>,
}

/// Buffers of a run.
#[derive(Debug, Default)]
pub(crate) struct Space {
    shared: Vec<f32>,
    first: Vec<f32>,
    head: Vec<f32>,
    spare: Vec<f32>,
    out: Vec<f32>,
}

/// A dense layer that is still being folded into: outputs × inputs.
struct Plain {
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Packed {
    /// `None` where a layer is of sequences.
    pub(crate) fn new(graph: &Graph<f32>, weights: &Weights<f32>) -> Option<Self> {
        if graph.input.steps != 1 {
            return None;
        }
        let (trunk, pending) = pack(&graph.trunk, weights, None)?;
        let heads = graph.heads.iter().map(|head| {
            let (mut ops, left) = pack(head, weights, pending.clone())?;
            ops.extend(left.map(|(factor, shift)| affine(&factor, &shift)));
            Some(ops)
        });
        let heads: Vec<Vec<Op>> = heads.collect::<Option<_>>()?;
        let outputs =
            graph.heads.iter().filter_map(|head| head.layers.last()).map(|l| l.layer.output().len()).sum();
        Some(Self { trunk, heads: join(heads), outputs })
    }

    /// Raw outputs, rows × outputs, of at most [`ROWS`] rows of inputs.
    pub(crate) fn run<'a>(&self, x: &[f32], rows: usize, space: &'a mut Space) -> &'a [f32] {
        let Space { shared, first, head, spare, out } = space;
        shared.clear();
        shared.extend_from_slice(x);
        run(&self.trunk, rows, shared, spare);
        out.clear();
        out.resize(rows * self.outputs, 0.0);
        let mut at = 0;
        let mut give = |values: &[f32]| {
            let width = values.len() / rows.max(1);
            for (place, values) in out.chunks_exact_mut(self.outputs).zip(values.chunks_exact(width.max(1))) {
                place[at..at + width].copy_from_slice(values);
            }
            at += width;
        };
        match &self.heads {
            Heads::Joined { first: dense, rest } => {
                dense.run(shared, rows, first);
                let mut from = 0;
                for (width, ops) in rest {
                    head.clear();
                    let part = |row: &[f32]| head.extend_from_slice(&row[from..from + width]);
                    first.chunks_exact(dense.outputs).for_each(part);
                    from += width;
                    run(ops, rows, head, spare);
                    give(head);
                }
            }
            Heads::Apart(heads) => {
                for ops in heads {
                    head.clone_from(shared);
                    run(ops, rows, head, spare);
                    give(head);
                }
            }
        }
        out
    }
}

/// Runs `ops` over `values` in place.
fn run(ops: &[Op], rows: usize, values: &mut Vec<f32>, spare: &mut Vec<f32>) {
    for op in ops {
        match op {
            Op::Dense(dense) => {
                dense.run(values, rows, spare);
                std::mem::swap(values, spare);
            }
            Op::Activate(function) => activate(*function, values),
            Op::Affine { factor, shift } => {
                for row in values.chunks_exact_mut(factor.len()) {
                    row.iter_mut().zip(factor).zip(shift).for_each(|((v, f), s)| *v = *v * f + s);
                }
            }
        }
    }
}

/// factor · x + shift, a column each, that is still to be folded into what follows.
type Pending = Option<(Vec<f64>, Vec<f64>)>;

fn affine(factor: &[f64], shift: &[f64]) -> Op {
    let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect();
    Op::Affine { factor: narrow(factor), shift: narrow(shift) }
}

/// The operations of a stack, and what is left to fold into the next.
fn pack(stack: &Stack<f32>, weights: &Weights<f32>, mut pending: Pending) -> Option<(Vec<Op>, Pending)> {
    let mut ops = Vec::new();
    // A dense layer waits for a normalisation right behind it.
    let mut waiting: Option<Plain> = None;
    for placed in &stack.layers {
        let numbers = placed.numbers(weights);
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        match placed.spec {
            LayerSpec::Dense { width } => {
                flush(&mut ops, waiting.take());
                let parameters = wide(numbers.parameters);
                let (weight, bias) = parameters.split_at(parameters.len() - width);
                waiting = Some(Plain { weight: weight.into(), bias: bias.into() }.after(pending.take()));
            }
            LayerSpec::BatchNorm { momentum, epsilon } => {
                let width = numbers.parameters.len() / 2;
                let norm = BatchNorm::new(Shape { steps: 1, width }, momentum, epsilon);
                let (parameters, statistics) = (wide(numbers.parameters), wide(numbers.statistics));
                let numbers = crate::layers::Numbers { parameters: &parameters, statistics: &statistics };
                let (factor, shift) = norm.affine(numbers);
                match &mut waiting {
                    Some(dense) => dense.before(&factor, &shift),
                    None => pending = Some(chain(pending.take(), factor, shift)),
                }
            }
            LayerSpec::Activation { function } => {
                flush(&mut ops, waiting.take());
                ops.extend(pending.take().map(|(factor, shift)| affine(&factor, &shift)));
                ops.push(Op::Activate(function));
            }
            LayerSpec::Dropout { .. } => {}
            _ => return None,
        }
    }
    flush(&mut ops, waiting);
    Some((ops, pending))
}

fn flush(ops: &mut Vec<Op>, dense: Option<Plain>) {
    ops.extend(dense.map(|dense| Op::Dense(Dense::new(&dense.weight, &dense.bias))));
}

/// The second map behind the first.
fn chain(first: Pending, factor: Vec<f64>, shift: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    match first {
        None => (factor, shift),
        Some((f, s)) => {
            let shift =
                shift.iter().zip(&factor).zip(s).map(|((shift, factor), s)| factor * s + shift).collect();
            (factor.iter().zip(f).map(|(a, b)| a * b).collect(), shift)
        }
    }
}

impl Plain {
    /// Behind an affine map of its inputs.
    fn after(mut self, map: Pending) -> Self {
        if let Some((factor, shift)) = map {
            for (row, bias) in self.weight.chunks_exact_mut(factor.len()).zip(&mut self.bias) {
                *bias += row.iter().zip(&shift).map(|(w, s)| w * s).sum::<f64>();
                row.iter_mut().zip(&factor).for_each(|(w, f)| *w *= f);
            }
        }
        self
    }

    /// Before an affine map of its outputs.
    fn before(&mut self, factor: &[f64], shift: &[f64]) {
        let inputs = self.weight.len() / self.bias.len();
        let rows = self.weight.chunks_exact_mut(inputs).zip(&mut self.bias);
        for ((row, bias), (factor, shift)) in rows.zip(factor.iter().zip(shift)) {
            row.iter_mut().for_each(|w| *w *= factor);
            *bias = *bias * factor + shift;
        }
    }
}

/// Joins the first dense layers of all heads where each begins with one.
fn join(mut heads: Vec<Vec<Op>>) -> Heads {
    if !heads.iter().all(|ops| matches!(ops.first(), Some(Op::Dense(_)))) {
        return Heads::Apart(heads);
    }
    let mut firsts = Vec::new();
    let rest = heads.iter_mut().map(|ops| {
        let Op::Dense(dense) = ops.remove(0) else { unreachable!("each begins with a dense layer") };
        let width = dense.outputs;
        firsts.push(dense);
        (width, std::mem::take(ops))
    });
    let rest = rest.collect();
    Heads::Joined { first: Dense::beside(&firsts), rest }
}

impl Dense {
    /// From outputs × inputs.
    fn new(weight: &[f64], bias: &[f64]) -> Self {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len());
        let mut dense = Self::empty(inputs, outputs);
        for output in 0..outputs {
            dense.bias[output] = bias[output] as f32;
            for input in 0..inputs {
                let at = dense.place(output, input);
                dense.weights[at] = weight[output * inputs + input] as f32;
            }
        }
        dense
    }

    fn empty(inputs: usize, outputs: usize) -> Self {
        let blocks = outputs.div_ceil(LANES);
        Self { inputs, outputs, weights: vec![0.0; blocks * inputs * LANES], bias: vec![0.0; blocks * LANES] }
    }

    fn place(&self, output: usize, input: usize) -> usize {
        ((output / LANES) * self.inputs + input) * LANES + output % LANES
    }

    /// Layers of the same inputs, their outputs side by side.
    fn beside(layers: &[Self]) -> Self {
        let inputs = layers.first().map_or(0, |layer| layer.inputs);
        let mut joined = Self::empty(inputs, layers.iter().map(|layer| layer.outputs).sum());
        let all = layers.iter().flat_map(|layer| (0..layer.outputs).map(move |output| (layer, output)));
        for (at, (layer, output)) in all.enumerate() {
            joined.bias[at] = layer.bias[output];
            for input in 0..inputs {
                let place = joined.place(at, input);
                joined.weights[place] = layer.weights[layer.place(output, input)];
            }
        }
        joined
    }

    fn run(&self, x: &[f32], rows: usize, y: &mut Vec<f32>) {
        y.resize(rows * self.outputs, 0.0);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.run_wide(x, rows, y) };
        }
        self.run_any(x, rows, y);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn run_wide(&self, x: &[f32], rows: usize, y: &mut [f32]) {
        self.run_any(x, rows, y);
    }

    /// Loops, not closures: these would be compiled without the wide instructions.
    #[inline(always)]
    fn run_any(&self, x: &[f32], rows: usize, y: &mut [f32]) {
        let blocks = self.bias.len() / LANES;
        let mut row = 0;
        while row + TILE <= rows {
            for block in 0..blocks {
                self.tile::<TILE, 1>(x, row, block, y);
            }
            row += TILE;
        }
        for row in row..rows {
            let mut block = 0;
            while block + WIDE <= blocks {
                self.tile::<1, WIDE>(x, row, block, y);
                block += WIDE;
            }
            for block in block..blocks {
                self.tile::<1, 1>(x, row, block, y);
            }
        }
    }

    /// `R` rows from `row` on, `B` blocks of outputs from `block` on.
    #[inline(always)]
    fn tile<const R: usize, const B: usize>(&self, x: &[f32], row: usize, block: usize, y: &mut [f32]) {
        let x: [&[f32]; R] = std::array::from_fn(|r| &x[(row + r) * self.inputs..][..self.inputs]);
        let size = self.inputs * LANES;
        let weights: [&[[f32; LANES]]; B] =
            std::array::from_fn(|b| self.weights[(block + b) * size..][..size].as_chunks().0);
        let bias = self.bias.as_chunks::<LANES>().0;
        let mut sums: [[[f32; LANES]; B]; R] = [std::array::from_fn(|b| bias[block + b]); R];
        for input in 0..self.inputs {
            for b in 0..B {
                let weights = &weights[b][input];
                for r in 0..R {
                    let value = x[r][input];
                    for lane in 0..LANES {
                        sums[r][b][lane] += value * weights[lane];
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let y = &mut y[(row + r) * self.outputs..][..self.outputs];
            for (b, sums) in sums.iter().enumerate() {
                let from = (block + b) * LANES;
                let taken = LANES.min(self.outputs - from);
                y[from..from + taken].copy_from_slice(&sums[..taken]);
            }
        }
    }
}
