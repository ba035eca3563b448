//! A table's model in its folder: the learner's model, and how its table was read.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Metadata, Model, Schema, TargetKind};
use tenure_io::{TableOptions, TableReport};

use super::learn::Learned;
use crate::args::TableRead;
use crate::session::Session;

const KIND: &str = "table";
const VERSION: u32 = 1;

/// How a table was read; kept so that the next one is read in the same way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reading {
    pub target: String,
    pub binary: bool,
    /// Texts that mean missing.
    pub missing: Vec<String>,
    /// Columns that may be there without being features.
    pub ignore: Vec<String>,
}

impl Reading {
    pub fn of(args: &TableRead, kind: &TargetKind, report: &TableReport, schema: &Schema) -> Self {
        let ignore = report.columns.iter().map(|c| c.name.clone()).filter(|n| schema.position(n).is_none());
        Self {
            target: args.target.clone(),
            binary: *kind == TargetKind::Binary,
            missing: args.missing.clone(),
            ignore: ignore.collect(),
        }
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

    /// Name of the column that predictions are written to.
    pub fn output(&self) -> &'static str {
        if self.binary { "probability" } else { "prediction" }
    }
}

/// Writes the model.
pub fn save(reading: &Reading, learned: &Learned, rows: usize, seed: u64, dir: &Path) -> Result<()> {
    let artifact = Artifact::new(KIND, VERSION, reading)?.with_child("model", learned.model.to_artifact());
    let metadata = Metadata {
        created: Session::now(),
        rows: Some(rows),
        seed: Some(seed),
        features: learned.model.schema().names().map(str::to_owned).collect(),
        ..Metadata::default()
    };
    Ok(artifact.save(dir, &metadata)?)
}

/// Reads the model back.
pub fn load(dir: &Path) -> Result<(Reading, Box<dyn Model>)> {
    let (artifact, _) = Artifact::load(dir)?;
    artifact.expect(KIND, VERSION)?;
    Ok((artifact.config()?, tenure_backends::load(artifact.child("model")?)?))
}
