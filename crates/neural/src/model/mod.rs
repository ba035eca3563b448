//! Trained networks.

mod attribution;
mod balance;
mod layers;
mod packed;
mod stored;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::{ArrayView2, ArrayViewMut2};
use tenure_core::{
    Artifact, Capabilities, Explanation, Model, Output, Result, Schema, check_batch, check_explained,
    check_row,
};

use crate::NetworkSpec;
use crate::graph::{Graph, Space, Weights};
use crate::inputs::InputScaler;
use crate::layers::{Mode, Pass};
use crate::targets::Line;
use packed::Packed;

/// A trained network.
///
/// Predictions are made in single precision, each row on its own: a row gives the same bits alone and in a batch. A
/// network of one step is packed for that: batch normalisation is folded into the dense layers around it, dropout is
/// gone.
///
/// Explanations are [integrated gradients](NetworkModel::integrated_gradients).
#[derive(Debug)]
pub struct NetworkModel {
    shell: Arc<Shell>,
    weights: Weights<f32>,
    /// `None` where the network has layers over steps.
    packed: Option<Packed>,
    /// Buffers of passes, to be used again.
    buffers: Mutex<Vec<Buffers>>,
    /// For gradients.
    wide: OnceLock<(Graph<f64>, Weights<f64>)>,
}

#[derive(Debug, Default)]
struct Buffers {
    x: Vec<f32>,
    space: Space<f32>,
    packed: packed::Space,
}

/// All of a network but its weights.
#[derive(Debug)]
pub(crate) struct Shell {
    schema: Schema,
    spec: NetworkSpec,
    outputs: Vec<Output>,
    scaler: InputScaler,
    lines: Vec<Vec<Line>>,
    graph: Graph<f32>,
    /// Head and place within it of each output.
    places: Vec<(usize, usize)>,
}

impl Shell {
    pub(crate) fn new(
        schema: Schema,
        spec: NetworkSpec,
        outputs: Vec<Output>,
        scaler: InputScaler,
        lines: Vec<Vec<Line>>,
        graph: Graph<f32>,
    ) -> Result<Self> {
        let of_head = |(at, head): (usize, &crate::HeadSpec)| {
            (0..head.targets.len()).map(move |place| (at, place)).collect::<Vec<_>>()
        };
        let places = spec.heads.iter().enumerate().flat_map(of_head).collect();
        Ok(Self { schema, spec, outputs, scaler, lines, graph, places })
    }

    pub(crate) fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    pub(crate) fn graph(&self) -> &Graph<f32> {
        &self.graph
    }

    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The prediction of one output from its raw number.
    fn predict(&self, output: usize, raw: f64) -> f64 {
        let (head, place) = self.places[output];
        self.lines[head][place].value(self.spec.heads[head].objective().predict(raw))
    }

    /// Appends the predictions of one row of a pass.
    pub(crate) fn link(&self, space: &Space<f32>, row: usize, out: &mut Vec<f64>) {
        for (output, &(head, place)) in self.places.iter().enumerate() {
            let width = self.spec.heads[head].targets.len();
            out.push(self.predict(output, f64::from(space.outputs(head)[row * width + place])));
        }
    }
}

impl NetworkModel {
    pub(crate) fn new(shell: Arc<Shell>, weights: Weights<f32>) -> Self {
        let packed = Packed::new(&shell.graph, &weights);
        Self { shell, weights, packed, buffers: Mutex::default(), wide: OnceLock::new() }
    }

    /// What it looks like.
    #[must_use]
    pub fn spec(&self) -> &NetworkSpec {
        &self.shell.spec
    }

    /// How features become inputs.
    #[must_use]
    pub fn scaler(&self) -> &InputScaler {
        &self.shell.scaler
    }

    /// Number of learned numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.weights.parameters.len()
    }

    /// Predicts rows that were checked; `out` takes row, output and prediction.
    fn predict_rows<'a>(
        &self,
        rows: impl ExactSizeIterator<Item = &'a [f64]>,
        mut out: impl FnMut(usize, usize, f64),
    ) {
        self.raw_rows(rows, |row, output, raw| out(row, output, self.shell.predict(output, f64::from(raw))));
    }

    /// The same before links and scales.
    fn raw_rows<'a>(
        &self,
        rows: impl ExactSizeIterator<Item = &'a [f64]>,
        mut out: impl FnMut(usize, usize, f32),
    ) {
        let mut buffers =
            self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        match &self.packed {
            Some(packed) => self.raw_packed(packed, rows, &mut buffers, &mut out),
            None => self.raw_steps(rows, &mut buffers, &mut out),
        }
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
    }

    fn raw_packed<'a>(
        &self,
        packed: &Packed,
        mut rows: impl ExactSizeIterator<Item = &'a [f64]>,
        buffers: &mut Buffers,
        out: &mut impl FnMut(usize, usize, f32),
    ) {
        let Buffers { x, packed: space, .. } = buffers;
        let (width, mut first) = (self.shell.scaler.len(), 0);
        while rows.len() > 0 {
            let taken = rows.len().min(packed::ROWS);
            x.resize(taken * width, 0.0);
            for place in x.chunks_exact_mut(width.max(1)).take(taken) {
                let Some(row) = rows.next() else { break };
                self.shell.scaler.apply(row, place);
            }
            let raw = packed.run(x, taken, space);
            for (row, raw) in raw.chunks_exact(self.shell.outputs.len()).enumerate() {
                for (output, &raw) in raw.iter().enumerate() {
                    out(first + row, output, raw);
                }
            }
            first += taken;
        }
    }

    /// Row by row: matrices of the same sizes give the same bits.
    fn raw_steps<'a>(
        &self,
        rows: impl Iterator<Item = &'a [f64]>,
        buffers: &mut Buffers,
        out: &mut impl FnMut(usize, usize, f32),
    ) {
        let Buffers { x, space, .. } = buffers;
        x.resize(self.shell.scaler.len(), 0.0);
        for (at, row) in rows.enumerate() {
            self.shell.scaler.apply(row, x);
            let present = [self.shell.scaler.present(row)];
            let pass = Pass { rows: 1, mode: Mode::Evaluate, present: Some(&present) };
            self.shell.graph.forward(&pass, &self.weights, space, x);
            for (output, &(head, place)) in self.shell.places.iter().enumerate() {
                out(at, output, space.outputs(head)[place]);
            }
        }
    }
}

impl Model for NetworkModel {
    fn schema(&self) -> &Schema {
        &self.shell.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.shell.outputs
    }

    fn capabilities(&self) -> Capabilities {
        crate::network::CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), self.outputs().len(), x, out.dim())?;
        let x = x.as_standard_layout();
        let width = self.schema().len();
        let Some(values) = x.as_slice() else { return Ok(()) };
        let rows = (0..x.nrows()).map(|row| &values[row * width..][..width]);
        self.predict_rows(rows, |row, output, value| out[[row, output]] = value);
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, self.outputs().len(), out)?;
        self.predict_rows([row].into_iter(), |_, output, value| out[output] = value);
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), self.outputs().len(), row, output)?;
        self.integrated_gradients(row, output)
    }

    fn to_artifact(&self) -> Artifact {
        self.store()
    }
}
