//! Fitted trees as a [`Model`], whoever grew them.

use std::fmt;
use std::sync::OnceLock;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ArrayViewMut3, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Model, Output, Result, Schema, check_batch, check_explained,
    check_input, check_row,
};

use crate::codec;
use crate::link::Link;
use crate::predict::{Columns, Forest};
use crate::shap::{Explainer, Interactions};
use crate::tree::Tree;

/// Version of the artifact's format.
const VERSION: u32 = 2;
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

/// A fitted sum of decision trees: gradient boosting, a random forest, or a model that another library grew.
///
/// There are one or more raw scores a row, one for each output. A raw score is `base + Σ trees`, in the order of
/// the trees; tree `t` adds to score `t % scores`. The [`Link`] turns the raw scores of a row into its outputs (a
/// probability from log-odds, for example). A missing value, and a category that was unknown in training, goes to
/// the side that each split keeps for missing values.
///
/// Explanations are exact path-dependent Shapley values on the outputs' scale.
#[derive(Clone)]
pub struct TreeModel {
    spec: Spec,
    base: Vec<f64>,
    trees: Vec<Tree>,
    forest: Forest,
    /// Compiled when first asked for.
    explainer: OnceLock<Explainer>,
    interactions: OnceLock<Interactions>,
}

/// What a model says of itself, beside its trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    pub schema: Schema,
    /// One for each raw score.
    pub outputs: Vec<Output>,
    pub link: Link,
    /// What the trees were grown to minimise, in the words of whoever grew them.
    pub objective: String,
    /// What the learner claimed, which the model repeats.
    pub capabilities: Capabilities,
    /// Whether the training rows carried weights.
    pub weighted: bool,
}

impl Spec {
    /// Says what does not fit, if anything.
    pub(crate) fn check(&self, bases: usize, trees: usize) -> Result<(), String> {
        let outputs = self.outputs.len();
        if outputs == 0 || outputs != bases || !trees.is_multiple_of(outputs) {
            return Err(format!("{outputs} outputs, {bases} base scores, {trees} trees"));
        }
        if self.link == Link::Softmax && outputs < 2 {
            return Err("a softmax of one score".into());
        }
        match self.outputs.iter().find(|o| o.scale != self.link.scale()) {
            Some(o) => Err(format!("output `{}` is explained on another scale than the link's", o.name)),
            None => Ok(()),
        }
    }
}

/// What an artifact keeps beside the trees and the base scores.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    spec: Spec,
    trees: usize,
}

impl fmt::Debug for TreeModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeModel")
            .field("output", &self.spec.outputs[0].name)
            .field("objective", &self.spec.objective)
            .field("features", &self.spec.schema.len())
            .field("trees", &self.trees.len())
            .finish_non_exhaustive()
    }
}

impl TreeModel {
    /// The kind of its artifacts.
    pub const KIND: &str = "trees";

    /// Compiles trees that fit the schema, as training grows them and loading checks them; `trees.len()` is a
    /// multiple of the number of base scores, of which there is one for each output. Outputs explain themselves
    /// on the link's scale, whatever they say.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is more than the layouts can count, in the name of `who` made the trees.
    pub(crate) fn new(who: &str, mut spec: Spec, base: Vec<f64>, trees: Vec<Tree>) -> Result<Self> {
        spec.outputs = spec.outputs.into_iter().map(|output| output.on_scale(spec.link.scale())).collect();
        debug_assert_eq!(spec.check(base.len(), trees.len()), Ok(()));
        debug_assert_eq!(trees.iter().try_for_each(|tree| tree.check(&spec.schema)), Ok(()));
        let forest =
            Forest::compile(&spec.schema, &base, &trees).map_err(|what| Error::unsupported(who, what))?;
        Ok(Self { spec, base, trees, forest, explainer: OnceLock::new(), interactions: OnceLock::new() })
    }

    /// Restores a model from what [`Model::to_artifact`] gave, bit for bit.
    ///
    /// # Errors
    /// [`Error::ArtifactKind`], [`Error::ArtifactVersion`]; [`Error::ArtifactDamaged`] saying what does not
    /// fit; [`Error::Unsupported`] for a model too large to be scored.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, VERSION)?;
        let Config { spec, trees } = artifact.config()?;
        let base = artifact.numbers(BASE)?;
        if !base.iter().all(|base| base.is_finite()) {
            return Err(Error::damaged("part `base` of `trees` holds a number that is not finite"));
        }
        spec.check(base.len(), trees).map_err(|problem| Error::damaged(format!("`trees`: {problem}")))?;
        let trees = codec::decode(artifact.part(TREES)?, trees, &spec.schema)?;
        Self::new(Self::KIND, spec, base, trees)
    }

    /// What it was made of.
    pub(crate) fn parts(&self) -> (&Spec, &[f64], &[Tree]) {
        (&self.spec, &self.base, &self.trees)
    }

    /// Number of trees.
    #[must_use]
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// What the trees were grown to minimise, in the words of whoever grew them: `binary_log_loss`, say.
    #[must_use]
    pub fn objective(&self) -> &str {
        &self.spec.objective
    }

    /// How raw scores become outputs.
    #[must_use]
    pub fn link(&self) -> Link {
        self.spec.link
    }

    /// Whether the training rows carried weights.
    #[must_use]
    pub fn weighted(&self) -> bool {
        self.spec.weighted
    }

    /// The importance of each feature, in the order of the schema; never negative, not normalised.
    #[must_use]
    pub fn importance(&self, kind: Importance) -> Vec<f64> {
        let mut importance = vec![0.0; self.spec.schema.len()];
        for node in self.trees.iter().flat_map(|tree| &tree.nodes) {
            importance[node.feature as usize] += match kind {
                // A split that lost by rounding did not matter.
                Importance::Gain => node.gain.max(0.0),
                Importance::Split => 1.0,
            };
        }
        importance
    }

    /// The baseline of every explanation of an output: the output on its scale, with all features averaged over
    /// training.
    ///
    /// # Errors
    /// [`Error::NoOutput`].
    pub fn baseline(&self, output: usize) -> Result<f64> {
        let mut baselines = self.explainer().baselines();
        let outputs = baselines.len();
        let own = baselines.nth(output).ok_or(Error::NoOutput { output, outputs })?;
        Ok(match self.spec.link {
            Link::Softmax => own - self.explainer().baselines().sum::<f64>() / outputs as f64,
            _ => own,
        })
    }

    fn explainer(&self) -> &Explainer {
        self.explainer.get_or_init(|| {
            // The same trees give the same columns again.
            let (_, index) = Columns::compile(&self.spec.schema, &self.trees);
            Explainer::compile(&self.base, self.spec.schema.len(), &self.trees, &index)
        })
    }

    /// The raw scores of a batch, before the link: `x` is rows × features, `out` is rows × outputs.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    pub fn raw_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.spec.schema, self.base.len(), x, out.dim())?;
        self.forest.outputs(x, Link::Identity, out);
        Ok(())
    }

    /// Explains one output for a batch, on all threads of the current pool: `x` and `out` are rows × features;
    /// each row of `out` receives the contributions that [`Model::explain_row`] gives for that row.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::NotFinite`], naming the feature and the row; [`Error::NoOutput`].
    pub fn explain_into(
        &self,
        x: ArrayView2<'_, f64>,
        output: usize,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        check_input(&self.spec.schema, x)?;
        self.baseline(output)?;
        same("rows of the explanations", x.nrows(), out.nrows())?;
        same("columns of the explanations", x.ncols(), out.ncols())?;
        let chunks = x.axis_chunks_iter(Axis(0), EXPLAIN_CHUNK);
        let chunks: Vec<_> = chunks.zip(out.axis_chunks_iter_mut(Axis(0), EXPLAIN_CHUNK)).collect();
        chunks.into_par_iter().for_each(|(x, mut out)| {
            let contributions = self.contributions(x, output);
            out.iter_mut().zip(contributions).for_each(|(out, c)| *out = c);
        });
        Ok(())
    }

    /// Explains every output of a row at once, in the order of the outputs: as [`Model::explain_row`] does, bit
    /// for bit, but for several outputs in the time of one pass over the trees.
    ///
    /// # Errors
    /// As [`Model::explain_row`].
    pub fn explain_outputs(&self, row: &[f64]) -> Result<Vec<Explanation>> {
        check_row(&self.spec.schema, row, 0, &[])?;
        let x = ArrayView2::from_shape((1, row.len()), row).expect("one row");
        let (codes, stride) = self.codes(x);
        let scores = self.base.len();
        let mut all = vec![vec![0.0; row.len()]; scores];
        for (score, contributions) in all.iter_mut().enumerate() {
            self.explainer().explain(score, &codes, stride, contributions);
        }
        if self.spec.link == Link::Softmax {
            let mut sum = vec![0.0; row.len()];
            all.iter().for_each(|contributions| add(&mut sum, contributions));
            all.iter_mut().for_each(|contributions| centre(contributions, &sum, scores));
        }
        let explanation = |(output, contributions)| {
            let baseline = self.baseline(output)?;
            Ok(Explanation { output, scale: self.spec.link.scale(), baseline, contributions })
        };
        all.into_iter().enumerate().map(explanation).collect()
    }

    /// How features moved an output of a row together: features × features, symmetric. Outside the diagonal
    /// stands half of what two features did together, on the diagonal what is left of the feature's contribution,
    /// so that row `i` adds up to contribution `i` of [`Model::explain_row`]. On the output's scale, and exact
    /// for path-dependent Shapley interaction values (Lundberg et al., Nature Machine Intelligence 2020; XGBoost's
    /// `pred_interactions`).
    ///
    /// Costs about six times an explanation where paths have about five distinct features, more where they
    /// have more, and time and memory for features × features numbers.
    ///
    /// # Errors
    /// As [`Model::explain_row`].
    pub fn interaction_row(&self, row: &[f64], output: usize) -> Result<Array2<f64>> {
        check_explained(&self.spec.schema, self.base.len(), row, output)?;
        let x = ArrayView2::from_shape((1, row.len()), row).expect("one row");
        let mut interactions = Array2::zeros((row.len(), row.len()));
        self.interact(x, output, interactions.as_slice_mut().expect("just made"));
        Ok(interactions)
    }

    /// [`TreeModel::interaction_row`] for a batch, on all threads of the current pool: `x` is rows × features, `out`
    /// rows × features × features. The same bits.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::NotFinite`], naming the feature and the row; [`Error::NoOutput`].
    pub fn interactions_into(
        &self,
        x: ArrayView2<'_, f64>,
        output: usize,
        mut out: ArrayViewMut3<'_, f64>,
    ) -> Result<()> {
        check_input(&self.spec.schema, x)?;
        self.baseline(output)?;
        let (rows, features) = x.dim();
        let found = out.dim();
        same("rows of the interactions", rows, found.0)?;
        same("features of the interactions", features, found.1)?;
        same("features of the interactions", features, found.2)?;
        let rows: Vec<_> = x.axis_chunks_iter(Axis(0), 1).zip(out.outer_iter_mut()).collect();
        rows.into_par_iter().for_each(|(x, mut out)| {
            let mut interactions = vec![0.0; features * features];
            self.interact(x, output, &mut interactions);
            out.iter_mut().zip(interactions).for_each(|(out, i)| *out = i);
        });
        Ok(())
    }

    /// Adds the interactions of one checked row (1 × features) to `out`, row by row of the matrix.
    fn interact(&self, x: ArrayView2<'_, f64>, output: usize, out: &mut [f64]) {
        let scores = self.base.len();
        let interactions = self.interactions.get_or_init(|| {
            let (_, index) = Columns::compile(&self.spec.schema, &self.trees);
            Interactions::compile(scores, &self.trees, &index)
        });
        let (codes, _) = self.codes(x);
        for score in 0..scores {
            let own = f64::from(u8::from(score == output));
            let share = match self.spec.link {
                Link::Softmax => own - 1.0 / scores as f64,
                _ => own,
            };
            if share != 0.0 {
                interactions.add(self.explainer(), score, &codes, share, out);
            }
        }
    }

    /// Contributions to an output on its scale, row by row.
    fn contributions(&self, x: ArrayView2<'_, f64>, output: usize) -> Vec<f64> {
        let (codes, stride) = self.codes(x);
        let mut own = vec![0.0; x.len()];
        self.explainer().explain(output, &codes, stride, &mut own);
        if self.spec.link == Link::Softmax {
            // Centred: the mean over the classes is taken off.
            let (mut sum, mut of_class) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            for class in 0..self.base.len() {
                if class == output {
                    add(&mut sum, &own);
                } else {
                    self.explainer().explain(class, &codes, stride, &mut of_class);
                    add(&mut sum, &of_class);
                }
            }
            centre(&mut own, &sum, self.base.len());
        }
        own
    }

    /// The rows' answers to what the trees ask, and how many there are for each row.
    fn codes(&self, x: ArrayView2<'_, f64>) -> (Vec<i8>, usize) {
        let stride = self.forest.n_codes();
        let mut codes = vec![0; x.nrows() * stride];
        for (row, codes) in x.rows().into_iter().zip(codes.chunks_exact_mut(stride)) {
            match row.as_slice() {
                Some(row) => self.forest.encode(row, codes),
                None => self.forest.encode(&row.to_vec(), codes),
            }
        }
        (codes, stride)
    }
}

/// Takes the mean over the classes off.
fn centre(contributions: &mut [f64], sum: &[f64], classes: usize) {
    contributions.iter_mut().zip(sum).for_each(|(own, sum)| *own -= sum / classes as f64);
}

fn add(sum: &mut [f64], terms: &[f64]) {
    sum.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
}

impl Model for TreeModel {
    fn schema(&self) -> &Schema {
        &self.spec.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.spec.outputs
    }

    fn capabilities(&self) -> Capabilities {
        self.spec.capabilities
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.spec.schema, self.base.len(), x, out.dim())?;
        self.forest.outputs(x, self.spec.link, out);
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.spec.schema, row, self.base.len(), out)?;
        self.forest.raw_row(row, out);
        self.spec.link.apply(out);
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.spec.schema, self.base.len(), row, output)?;
        let row = ArrayView2::from_shape((1, row.len()), row).expect("one row");
        let contributions = self.contributions(row, output);
        let baseline = self.baseline(output)?;
        Ok(Explanation { output, scale: self.spec.link.scale(), baseline, contributions })
    }

    fn to_artifact(&self) -> Artifact {
        let config = Config { spec: self.spec.clone(), trees: self.trees.len() };
        let artifact = Artifact::new(Self::KIND, VERSION, &config);
        let artifact = artifact.expect("strings, integers and booleans are JSON");
        artifact.with_numbers(BASE, &self.base).with_part(TREES, codec::encode(&self.trees))
    }
}

fn same(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Shape { what, expected, found }) }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
