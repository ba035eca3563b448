//! From a specification to layers.

use tenure_core::{Error, Result, params::require};

use super::Tensor;
use super::stack::{Placed, Stack};
use crate::layers::{
    ActivationLayer, Attention, BatchNorm, Dense, Dropout, LastStep, Layer, Lstm, MeanSteps, Role, Shape,
    Start,
};
use crate::real::Real;
use crate::{Activation, HeadSpec, LayerSpec};

/// Counts numbers while layers are placed.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) tensors: Vec<Tensor>,
    parameters: usize,
    statistics: usize,
}

impl Builder {
    /// The layers of a head, its last dense layer among them.
    pub(super) fn head<T: Real>(&mut self, head: &HeadSpec, shape: Shape) -> Result<Stack<T>> {
        let last = LayerSpec::dense(head.targets.len());
        let layers: Vec<LayerSpec> = head.layers.iter().cloned().chain([last]).collect();
        let built = self.stack(&format!("heads.{}", head.name), shape, &layers);
        let (stack, output) = built.map_err(|e| in_head(e, &head.name))?;
        if output.steps == 1 {
            return Ok(stack);
        }
        let value = head.name.clone();
        let expected =
            "a head that ends with one step (`last_step`, `mean_steps` or an LSTM that gives no sequence)";
        Err(Error::Parameter { name: "heads", value, expected: expected.into() })
    }

    /// Layers one after the other, and what the last gives.
    pub(super) fn stack<T: Real>(
        &mut self,
        name: &str,
        mut shape: Shape,
        specs: &[LayerSpec],
    ) -> Result<(Stack<T>, Shape)> {
        let mut layers = Vec::with_capacity(specs.len());
        for (at, spec) in specs.iter().enumerate() {
            let layer = make::<T>(spec, shape, specs.get(at + 1))?;
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
fn in_head(error: Error, head: &str) -> Error {
    match error {
        Error::Parameter { name, value, expected } => {
            Error::Parameter { name, value: format!("{value} (in the head `{head}`)"), expected }
        }
        error => error,
    }
}

/// Widths that a layer may have: matrices of more would not fit into memory anyway.
const MAX_WIDTH: usize = 65_536;

/// Steps that attention takes: what it keeps of a row grows with their square.
const MAX_ATTENDED: usize = 1_024;

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
            let few = shape.steps <= MAX_ATTENDED;
            require(
                "attention",
                format!("on {} steps", shape.steps),
                few,
                format!("at most {MAX_ATTENDED}"),
            )?;
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
