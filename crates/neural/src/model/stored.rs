//! Trained networks as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Error, Output, Result, Schema};

use super::{NetworkModel, Shell};
use crate::codec::{read_floats, with_floats};
use crate::graph::{Graph, Weights};
use crate::inputs::InputScaler;
use crate::layers::Role;
use crate::targets::Line;
use crate::weights::NamedTensor;
use crate::{NetworkParams, NetworkSpec, TrainingParams};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    schema: Schema,
    network: NetworkSpec,
    outputs: Vec<Output>,
    scaler: InputScaler,
    lines: Vec<Vec<Line>>,
}

impl NetworkModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "network";
    const VERSION: u32 = 1;

    pub(super) fn store(&self) -> Artifact {
        let Shell { schema, spec, outputs, scaler, lines, .. } = &*self.shell;
        let config = serde_json::json!({
            "schema": schema, "network": spec, "outputs": outputs, "scaler": scaler, "lines": lines,
        });
        let artifact = Artifact::from_json(Self::KIND, Self::VERSION, config);
        let artifact = with_floats(artifact, "parameters", &self.weights.parameters);
        with_floats(artifact, "statistics", &self.weights.statistics)
    }

    /// Restores what [`Model::to_artifact`](tenure_core::Model::to_artifact) wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] for parts that do not fit each other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { schema, network, outputs, scaler, lines } = artifact.config()?;
        let damaged = |detail: String| Error::damaged(format!("`{}`: {detail}", Self::KIND));
        let params =
            NetworkParams { network, training: TrainingParams::default(), missing_indicators: false };
        let spec = params.check().map_err(|e| damaged(e.to_string()))?.params().network.clone();
        let targets = |head: &crate::HeadSpec| head.targets.len();
        let fits = scaler.fits(&schema, spec.steps)
            && outputs.len() == spec.heads.iter().map(targets).sum::<usize>()
            && lines.iter().map(Vec::len).eq(spec.heads.iter().map(targets))
            && lines.iter().flatten().all(|line| line.is_sound());
        if !fits {
            return Err(damaged("its inputs or outputs do not fit its layers".into()));
        }
        let graph = Graph::build(&spec, scaler.inputs().len()).map_err(|e| damaged(e.to_string()))?;
        let (parameters, statistics) = graph.counts();
        let weights = Weights {
            parameters: read_floats(artifact, "parameters", parameters)?,
            statistics: read_floats(artifact, "statistics", statistics)?,
        };
        if !weights.parameters.iter().chain(&weights.statistics).all(|w| w.is_finite()) {
            return Err(damaged("it holds weights that are not finite".into()));
        }
        let shell = Shell::new(schema, spec, outputs, scaler, lines, graph)?;
        Ok(Self::new(Arc::new(shell), weights))
    }

    /// Its weights and running statistics under the names, and in the shapes, of a PyTorch `state_dict` (without
    /// `num_batches_tracked`, which nothing here needs).
    #[must_use]
    pub fn weights(&self) -> Vec<NamedTensor> {
        let of = |tensor: &crate::graph::Tensor| {
            let all = match tensor.role {
                Role::Statistic => &self.weights.statistics,
                Role::Weight | Role::Free => &self.weights.parameters,
            };
            let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
            NamedTensor { name, shape, values: all[tensor.place.clone()].to_vec() }
        };
        self.shell.graph.tensors.iter().map(of).collect()
    }

    /// The same network with other weights, by name; `num_batches_tracked` is passed over.
    ///
    /// # Errors
    /// [`Error::Data`] naming every tensor that is missing, unknown, of another shape or not finite.
    pub fn with_weights(&self, tensors: &[NamedTensor]) -> Result<Self> {
        let expected = &self.shell.graph.tensors;
        let mut problems = Vec::new();
        let mut weights = self.weights.clone();
        for tensor in expected {
            let Some(found) = tensors.iter().find(|found| found.name == tensor.name) else {
                problems.push(format!("`{}` is missing", tensor.name));
                continue;
            };
            if found.shape != tensor.shape || found.values.len() != tensor.place.len() {
                problems.push(format!(
                    "`{}` has the shape {:?}; expected {:?}",
                    found.name, found.shape, tensor.shape
                ));
                continue;
            }
            if !found.values.iter().all(|v| v.is_finite()) {
                problems.push(format!("`{}` holds a number that is not finite", found.name));
            }
            let all = match tensor.role {
                Role::Statistic => &mut weights.statistics,
                Role::Weight | Role::Free => &mut weights.parameters,
            };
            all[tensor.place.clone()].copy_from_slice(&found.values);
        }
        let unknown = tensors.iter().map(|t| &t.name).filter(|name| !name.ends_with("num_batches_tracked"));
        let unknown = unknown.filter(|name| expected.iter().all(|tensor| tensor.name != **name));
        problems.extend(unknown.map(|name| format!("`{name}` is not a tensor of this network")));
        if problems.is_empty() {
            Ok(Self::new(Arc::clone(&self.shell), weights))
        } else {
            Err(Error::Data(format!("the weights do not fit: {}", problems.join("; "))))
        }
    }
}
