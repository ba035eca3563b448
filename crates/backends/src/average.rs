//! Several models of one target as one: the weighted mean of their answers.
//!
//! The mean is taken on the scale on which the members explain themselves (log-odds for a probability), so
//! that the explanations average as the answers do and stay additive:
//! `f(x) = scale⁻¹( Σ wₖ scale(fₖ(x)) )`, with weights that sum to one. For several classes on the centred
//! logarithmic scale that is the normalised geometric mean of their probabilities.

use std::cell::RefCell;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, MissingPolicy, Model, Output, Result, Scale, Schema,
    check_batch, check_explained, check_row,
};

/// The weighted mean of models that read the same columns and answer with the same outputs of one target.
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

/// One member's answers, and the sums over all.
#[derive(Default)]
struct Scratch {
    answers: Vec<f64>,
    sums: Vec<f64>,
}

thread_local! {
    /// A stack: a member may be an average itself, and takes the next.
    static SCRATCH: RefCell<Vec<Scratch>> = const { RefCell::new(Vec::new()) };
}

/// Adds a share of one model's outputs, on their scales, to the sums.
pub(crate) fn add_on_scale(outputs: &[Output], values: &[f64], weight: f64, sums: &mut [f64]) {
    for (at, (sum, output)) in sums.iter_mut().zip(outputs).enumerate() {
        let value = match output.scale {
            Scale::LogOdds => Scale::LogOdds.from_output(values[at]).clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS),
            // Shares that cancel when they are normalised again need no centring.
            Scale::CentredLog => values[at].ln().max(-MAX_LOG_ODDS),
            scale => scale.from_output(values[at]),
        };
        *sum += weight * value;
    }
}

/// Turns sums on the outputs' scales into outputs.
pub(crate) fn to_outputs(outputs: &[Output], sums: &mut [f64]) {
    for (sum, output) in sums.iter_mut().zip(outputs) {
        *sum = output.scale.to_output(*sum);
    }
    if outputs.iter().any(|o| o.scale == Scale::CentredLog) {
        let total: f64 = sums.iter().sum();
        sums.iter_mut().for_each(|sum| *sum /= total);
    }
}

impl AverageModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "average";
    const VERSION: u32 = 1;

    /// Joins models; `weights` are divided by their sum.
    ///
    /// # Errors
    /// [`Error::Shape`] for no members or another number of weights, [`Error::Weight`] for a weight that is
    /// negative or not finite or only zeros, [`Error::Columns`] or [`Error::Data`] where the members read
    /// other columns, answer several targets or differ in their outputs.
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
            let alike = |(a, b): (&Output, &Output)| {
                a.kind == b.kind && a.scale == b.scale && b.target == first.outputs()[0].target
            };
            let same = member.schema() == first.schema()
                && member.outputs().len() == first.outputs().len()
                && member.outputs().iter().zip(first.outputs()).all(alike);
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

    /// Fills `out` (one number per output) with the mean of what `answer` has each member say.
    fn mean(
        &self,
        out: &mut [f64],
        mut answer: impl FnMut(usize, &dyn Model, &mut [f64]) -> Result<()>,
    ) -> Result<()> {
        let mut scratch = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
        let Scratch { answers, sums } = &mut scratch;
        answers.resize(out.len(), 0.0);
        sums.clear();
        sums.resize(out.len(), 0.0);
        for (at, (member, weight)) in self.members().enumerate() {
            answer(at, member, answers)?;
            add_on_scale(self.outputs(), answers, weight, sums);
        }
        to_outputs(self.outputs(), sums);
        out.copy_from_slice(sums);
        SCRATCH.with_borrow_mut(|free| free.push(scratch));
        Ok(())
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
        check_batch(self.schema(), self.outputs().len(), x, out.dim())?;
        if let [only] = self.members.as_slice() {
            return only.predict_into(x, out);
        }
        let answers = self.members.iter().map(|m| m.predict(x)).collect::<Result<Vec<_>>>()?;
        let mut mean = vec![0.0; out.ncols()];
        for (row, mut out) in out.rows_mut().into_iter().enumerate() {
            self.mean(&mut mean, |member, _, into| {
                into.iter_mut().zip(answers[member].row(row)).for_each(|(into, value)| *into = *value);
                Ok(())
            })?;
            out.iter_mut().zip(&mean).for_each(|(out, value)| *out = *value);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(self.schema(), row, self.outputs().len(), out)?;
        if let [only] = self.members.as_slice() {
            return only.predict_row(row, out);
        }
        self.mean(out, |_, member, into| member.predict_row(row, into))
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(self.schema(), self.outputs().len(), row, output)?;
        let (scale, contributions) = (self.outputs()[output].scale, vec![0.0; self.schema().len()]);
        let mut mean = Explanation { output, scale, baseline: 0.0, contributions };
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use ndarray::{Array2, array};
    use tenure_core::{Dataset, Feature, FitContext, Target};

    use super::*;
    use crate::Backend;

    #[test]
    fn an_average_may_hold_averages() {
        let x = Array2::from_shape_fn((60, 1), |(row, _)| row as f64);
        let labels = (0..60).map(|row| f64::from(row % 3 == 0 || row > 40)).collect();
        let schema = Schema::new(vec![Feature::numeric("x", "", "")]).unwrap();
        let target = Target::binary("y", labels).unwrap();
        let data = Dataset::new(schema, x).unwrap().with_target(target).unwrap();
        let fit = |name: &str| {
            let learner = Backend::by_name(name).unwrap().check().unwrap();
            learner.fit(&data, None, &FitContext::new(0)).unwrap().model
        };
        let average = |members: Vec<Box<dyn Model>>| -> Box<dyn Model> {
            let weights = vec![1.0; members.len()];
            Box::new(AverageModel::new(members, &weights).unwrap())
        };
        let (a, b) = (fit("logistic"), fit("gbdt"));
        let expected = a.predict(array![[7.0]].view()).unwrap()[[0, 0]];
        let inner = average(vec![fit("logistic"), fit("logistic")]);
        let nested = average(vec![inner, average(vec![a, b])]);
        let (mut row, batch) = ([0.0], nested.predict(array![[7.0]].view()).unwrap());
        nested.predict_row(&[7.0], &mut row).unwrap();
        assert_eq!(row[0], batch[[0, 0]]);
        assert!(row[0] > 0.0 && row[0] < 1.0 && row[0] != expected);
    }
}
