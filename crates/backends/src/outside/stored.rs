//! A model that another library wrote, with all that is ours around it, as an artifact.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tenure_core::{Artifact, Error, Feature, Output, Result, Schema};

use super::Task;

/// What is stored beside the library's own file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) features: Vec<Feature>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) task: Task,
    /// Added to the library's raw scores, one number a score.
    pub(crate) baseline: Vec<f64>,
    /// Of the library's file, in hexadecimal. Its loaders are C++ that trusts what it reads, so a file that was
    /// cut or altered must not reach them.
    sha256: String,
}

impl Config {
    pub(crate) fn new(schema: &Schema, outputs: &[Output], task: Task, baseline: &[f64]) -> Self {
        let (features, outputs) = (schema.features().to_vec(), outputs.to_vec());
        Self { features, outputs, task, baseline: baseline.to_vec(), sha256: String::new() }
    }

    /// The artifact of this and the library's file.
    pub(crate) fn artifact(mut self, kind: &str, version: u32, part: &str, file: &[u8]) -> Artifact {
        self.sha256 = checksum(file);
        // Strings and finite numbers: this is JSON.
        let config = serde_json::to_value(self).unwrap_or_default();
        Artifact::from_json(kind, version, config).with_part(part, file.to_vec())
    }

    /// What [`Config::artifact`] wrote, with the library's file.
    pub(crate) fn of<'a>(
        artifact: &'a Artifact,
        kind: &str,
        version: u32,
        part: &str,
    ) -> Result<(Self, &'a [u8])> {
        artifact.expect(kind, version)?;
        let config: Self = artifact.config()?;
        let file = artifact.part(part)?;
        let damaged = |what: &str| Err(Error::damaged(format!("{kind}: {what}")));
        if checksum(file) != config.sha256 {
            return damaged(&format!("part `{part}` does not have its checksum"));
        }
        let width = config.task.width();
        if config.outputs.len() != width || config.baseline.len() != width {
            return damaged("outputs or baseline do not fit the task");
        }
        if config.baseline.iter().any(|b| !b.is_finite()) {
            return damaged("the baseline is not finite");
        }
        Ok((config, file))
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
