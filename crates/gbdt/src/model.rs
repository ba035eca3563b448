//! The fitted forest as a [`Model`].

use std::fmt;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Model, Output, Result, Schema, check_explained, check_input,
    check_row,
};

use crate::codec;
use crate::objective::Objective;
use crate::predict::Forest;
use crate::shap::Explainer;
use crate::tree::Tree;

/// Version of the artifact's format.
const VERSION: u32 = 1;
const TREES: &str = "trees";
const BASE: &str = "base";
/// Rows per unit of parallel work when explaining a batch.
const EXPLAIN_CHUNK: usize = 16;

/// How the importance of a feature is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Importance {
    /// Sum of the gains of the splits on the feature: how much training loss they took away.
    Gain,
    /// Number of splits on the feature.
    Split,
}

/// A fitted sum of decision trees: gradient boosting or a random forest.
///
/// The raw score of a row is `base + Σ trees`, in the order of the trees; the output is the raw score brought
/// to the output's scale by the objective (a probability from log-odds, for example). A missing value, and a
/// category that was unknown in training, goes to the side that each split learned for missing values.
///
/// Explanations are exact path-dependent Shapley values on the raw scale.
#[derive(Clone)]
pub struct GbdtModel {
    schema: Schema,
    output: [Output; 1],
    objective: Objective,
    base: f64,
    weighted: bool,
    trees: Vec<Tree>,
    forest: Forest,
    explainer: Explainer,
}

/// What an artifact keeps beside the trees and the base.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    schema: Schema,
    output: Output,
    objective: Objective,
    weighted: bool,
    trees: usize,
}

impl fmt::Debug for GbdtModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GbdtModel")
            .field("output", &self.output[0].name)
            .field("objective", &self.objective)
            .field("features", &self.schema.len())
            .field("trees", &self.trees.len())
            .finish_non_exhaustive()
    }
}

impl GbdtModel {
    /// The kind of its artifacts.
    pub const KIND: &str = "gbdt";

    /// Compiles trees that fit the schema, as training grows them and loading checks them. Explanations add
    /// up on the objective's scale, whatever `output` says.
    pub(crate) fn new(
        schema: Schema,
        output: Output,
        objective: Objective,
        base: f64,
        trees: Vec<Tree>,
        weighted: bool,
    ) -> Self {
        debug_assert_eq!(trees.iter().try_for_each(|tree| tree.check(&schema)), Ok(()));
        let (forest, index) = Forest::compile(&schema, base, &trees);
        let explainer = Explainer::compile(base, schema.len(), &trees, &index);
        let output = [output.on_scale(objective.scale())];
        Self { schema, output, objective, base, weighted, trees, forest, explainer }
    }

    /// Restores a model from what [`Model::to_artifact`] gave, bit for bit.
    ///
    /// # Errors
    /// [`Error::ArtifactKind`], [`Error::ArtifactVersion`]; [`Error::ArtifactDamaged`] saying what does not
    /// fit.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, VERSION)?;
        let config: Config = artifact.config()?;
        let base = match artifact.numbers(BASE)?[..] {
            [base] if base.is_finite() => base,
            _ => return Err(Error::damaged("part `base` of `gbdt` is not one finite number")),
        };
        let trees = codec::decode(artifact.part(TREES)?, config.trees, &config.schema)?;
        Ok(Self::new(config.schema, config.output, config.objective, base, trees, config.weighted))
    }

    /// Number of trees.
    #[must_use]
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// What it was trained to minimise.
    #[must_use]
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// Whether the training rows carried weights.
    #[must_use]
    pub fn weighted(&self) -> bool {
        self.weighted
    }

    /// The importance of each feature, in the order of the schema; never negative, not normalised.
    #[must_use]
    pub fn importance(&self, kind: Importance) -> Vec<f64> {
        let mut importance = vec![0.0; self.schema.len()];
        for node in self.trees.iter().flat_map(|tree| &tree.nodes) {
            importance[node.feature as usize] += match kind {
                // A split that lost by rounding did not matter.
                Importance::Gain => node.gain.max(0.0),
                Importance::Split => 1.0,
            };
        }
        importance
    }

    /// The baseline of every explanation: the raw score with all features averaged over training.
    #[must_use]
    pub fn baseline(&self) -> f64 {
        self.explainer.baseline()
    }

    /// Explains a batch, on all threads of the current pool: `x` and `out` are rows × features; each row of
    /// `out` receives the contributions that [`Model::explain_row`] gives for that row.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::NotFinite`], naming the feature and the row.
    pub fn explain_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_input(&self.schema, x)?;
        same("rows of the explanations", x.nrows(), out.nrows())?;
        same("columns of the explanations", x.ncols(), out.ncols())?;
        let chunks = x.axis_chunks_iter(Axis(0), EXPLAIN_CHUNK);
        let chunks: Vec<_> = chunks.zip(out.axis_chunks_iter_mut(Axis(0), EXPLAIN_CHUNK)).collect();
        chunks.into_par_iter().for_each(|(x, mut out)| {
            let mut contributions = vec![0.0; self.schema.len()];
            for (row, mut out) in x.rows().into_iter().zip(out.rows_mut()) {
                match row.as_slice() {
                    Some(row) => self.contributions(row, &mut contributions),
                    None => self.contributions(&row.to_vec(), &mut contributions),
                }
                out.iter_mut().zip(&contributions).for_each(|(out, c)| *out = *c);
            }
        });
        Ok(())
    }

    fn contributions(&self, row: &[f64], out: &mut [f64]) {
        self.explainer.explain(&self.forest.decisions, row, out);
    }

    fn to_output(&self, raw: f64) -> f64 {
        self.objective.scale().to_output(raw)
    }
}

impl Model for GbdtModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.output
    }

    fn capabilities(&self) -> Capabilities {
        crate::params::CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_input(&self.schema, x)?;
        same("rows of the output", x.nrows(), out.nrows())?;
        same("columns of the output", 1, out.ncols())?;
        for (out, raw) in out.column_mut(0).iter_mut().zip(self.forest.raw(x)) {
            *out = self.to_output(raw);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, 1, out)?;
        out[0] = self.to_output(self.forest.raw_row(row));
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, 1, row, output)?;
        let mut contributions = vec![0.0; self.schema.len()];
        self.contributions(row, &mut contributions);
        Ok(Explanation { output, scale: self.output[0].scale, baseline: self.baseline(), contributions })
    }

    fn to_artifact(&self) -> Artifact {
        let config = Config {
            schema: self.schema.clone(),
            output: self.output[0].clone(),
            objective: self.objective,
            weighted: self.weighted,
            trees: self.trees.len(),
        };
        let artifact = Artifact::new(Self::KIND, VERSION, &config);
        let artifact = artifact.expect("strings, integers and booleans are JSON");
        artifact.with_numbers(BASE, &[self.base]).with_part(TREES, codec::encode(&self.trees))
    }
}

fn same(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Shape { what, expected, found }) }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
