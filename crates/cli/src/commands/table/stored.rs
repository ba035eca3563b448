//! A table's model in its folder: the learner's model, and how its table was read.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Error, Metadata, Model, Output, OutputKind, Schema};
use tenure_gbdt::foreign;
use tenure_io::{TableOptions, TableReport};

use crate::args::TableRead;
use crate::session::Session;

const KIND: &str = "table";
const VERSION: u32 = 2;

/// How a table was read; kept so that the next one is read in the same way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reading {
    pub target: String,
    /// Texts that mean missing.
    pub missing: Vec<String>,
    /// Columns that may be there without being features.
    pub ignore: Vec<String>,
}

impl Reading {
    pub fn of(args: &TableRead, report: &TableReport, schema: &Schema) -> Self {
        let ignore = report.columns.iter().map(|c| c.name.clone()).filter(|n| schema.position(n).is_none());
        Self { target: args.target.clone(), missing: args.missing.clone(), ignore: ignore.collect() }
    }

    /// How to read a table for this model.
    pub fn options<'a>(&self, schema: &'a Schema) -> TableOptions<'a> {
        TableOptions {
            missing: self.missing.clone(),
            ignore: self.ignore.clone(),
            schema: Some(schema),
            ..TableOptions::default()
        }
    }
}

/// Writes the model.
pub fn save(reading: &Reading, model: &dyn Model, rows: usize, seed: u64, dir: &Path) -> Result<()> {
    let artifact = Artifact::new(KIND, VERSION, reading)?.with_child("model", model.to_artifact());
    let metadata = Metadata {
        created: Session::now(),
        rows: Some(rows),
        seed: Some(seed),
        features: model.schema().names().map(str::to_owned).collect(),
        ..Metadata::default()
    };
    Ok(artifact.save(dir, &metadata)?)
}

/// Reads the model back: one of ours from its folder, or one that LightGBM or XGBoost wrote into a file, which
/// knows its columns and nothing of how a table is to be read.
pub fn load(place: &Path) -> Result<(Reading, Box<dyn Model>)> {
    if place.is_file() {
        let bytes = std::fs::read(place);
        let bytes =
            bytes.map_err(|source| Error::Io { path: place.to_owned(), action: "reading", source })?;
        let model = foreign::read(&bytes).with_context(|| place.display().to_string())?;
        return Ok((Reading::default(), Box::new(model)));
    }
    let (artifact, _) = Artifact::load(place)?;
    artifact.expect(KIND, VERSION)?;
    Ok((artifact.config()?, tenure_backends::load(artifact.child("model")?)?))
}

/// Names of the columns that outputs are written to.
pub fn columns(outputs: &[Output]) -> Vec<String> {
    let alone = outputs.len() == 1;
    let name = |output: &Output| match &output.kind {
        OutputKind::ClassProbability { class } => format!("probability_{class}"),
        OutputKind::Probability if alone => "probability".into(),
        _ if alone => "prediction".into(),
        _ => output.name.clone(),
    };
    outputs.iter().map(name).collect()
}
