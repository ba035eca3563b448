//! Several models of one target as one: the weighted mean of their answers.
//!
//! The mean is taken on the scale on which the members explain themselves (log-odds for a probability), so
//! that the explanations average as the answers do and stay additive:
//! `f(x) = scale⁻¹( Σ wₖ scale(fₖ(x)) )`, with weights that sum to one.

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, MissingPolicy, Model, Output, Result, Scale, Schema,
    check_batch, check_explained, check_row,
};

/// The weighted mean of models that read the same columns and answer with the same one output.
#[derive(Debug)]
pub struct AverageModel {
    members: Vec<Box<dyn Model>>,
    weights: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct Config {
    weights: Vec<f64>,
}

/// Keeps a member that is certain from turning the mean into ±∞ (or ∞ − ∞).
const MAX_LOG_ODDS: f64 = 36.0;

impl AverageModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "average";
    const VERSION: u32 = 1;

    /// Joins models; `weights` are divided by their sum.
    ///
    /// # Errors
    /// [`Error::Shape`] for no members or another number of weights, [`Error::Weight`] for a weight that is
    /// negative or not finite or only zeros, [`Error::Columns`] or [`Error::Data`] where the members read
    /// other columns, give several outputs or differ in them.
    pub fn new(members: Vec<Box<dyn Model>>, weights: &[f64]) -> Result<Self> {
        let Some(first) = members.first() else {
            return Err(Error::Shape { what: "models to average", expected: 1, found: 0 });
        };
        if weights.len() != members.len() {
            return Err(Error::Shape { what: "weights", expected: members.len(), found: weights.len() });
        }
        let total: f64 = weights.iter().sum();
        if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0 || total <= 0.0) {
            return Err(Error::Weight { row, value: weights[row] });
        }
        for member in &members {
            let names: Vec<&str> = member.schema().names().collect();
            first.schema().match_columns(&names)?;
            let same = member.schema() == first.schema()
                && member.outputs().len() == 1
                && member.outputs()[0].kind == first.outputs()[0].kind
                && member.outputs()[0].scale == first.outputs()[0].scale;
            if !same {
                return Err(Error::Data("models to average differ in their columns or outputs".into()));
            }
        }
        let weights = weights.iter().map(|w| w / total).collect();
        Ok(Self { members, weights })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the members' loaders.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let config: Config = artifact.config()?;
        let members = (0..config.weights.len())
            .map(|i| crate::load(artifact.child(&format!("member-{i}"))?))
            .collect::<Result<Vec<_>>>()?;
        // The weights were divided by their sum when the model was made; dividing again could move a bit.
        let checked = Self::new(members, &config.weights)?;
        Ok(Self { weights: config.weights, ..checked })
    }

    /// The models and their weights.
    pub fn members(&self) -> impl Iterator<Item = (&dyn Model, f64)> {
        self.members.iter().map(AsRef::as_ref).zip(self.weights.iter().copied())
    }

    fn scale(&self) -> Scale {
        self.outputs()[0].scale
    }

    fn on_scale(&self, output: f64) -> f64 {
        match self.scale() {
            Scale::LogOdds => Scale::LogOdds.from_output(output).clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS),
            scale => scale.from_output(output),
        }
    }
}

impl Model for AverageModel {
    fn schema(&self) -> &Schema {
        self.members[0].schema()
    }

    fn outputs(&self) -> &[Output] {
        self.members[0].outputs()
    }

    fn capabilities(&self) -> Capabilities {
        let all = self.members.iter().map(|m| m.capabilities());
        all.reduce(Capabilities::and).unwrap_or_else(|| Capabilities::new(MissingPolicy::Refused))
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(self.schema(), 1, x, out.dim())?;
        if let ([only], [_]) = (self.members.as_slice(), self.weights.as_slice()) {
            return only.predict_into(x, out);
        }
        let mut sums = vec![0.0; x.nrows()];
        for (member, weight) in self.members() {
            member.predict_into(x, out.view_mut())?;
            for (sum, &value) in sums.iter_mut().zip(&out) {
                *sum += weight * self.on_scale(value);
            }
        }
        for (value, sum) in out.iter_mut().zip(sums) {
            *value = self.scale().to_output(sum);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, 1, out)?;
        if let [only] = self.members.as_slice() {
            return only.predict_row(row, out);
        }
        let mut sum = 0.0;
        for (member, weight) in self.members() {
            member.predict_row(row, out)?;
            sum += weight * self.on_scale(out[0]);
        }
        out[0] = self.scale().to_output(sum);
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), 1, row, output)?;
        let zero = vec![0.0; self.schema().len()];
        let mut mean = Explanation { output, scale: self.scale(), baseline: 0.0, contributions: zero };
        for (member, weight) in self.members() {
            let one = member.explain_row(row, output)?;
            mean.baseline += weight * one.baseline;
            for (sum, c) in mean.contributions.iter_mut().zip(&one.contributions) {
                *sum += weight * c;
            }
        }
        Ok(mean)
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({ "weights": self.weights });
        let mut artifact = Artifact::from_json(Self::KIND, Self::VERSION, config);
        for (i, member) in self.members.iter().enumerate() {
            artifact = artifact.with_child(&format!("member-{i}"), member.to_artifact());
        }
        artifact
    }
}
