//! The fitted model: a baseline and one term per feature.

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Feature, Model, Output, Result, Scale, Schema, check_batch,
    check_explained, check_row,
};

/// How a number is brought to a common scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Numeric {
    /// Values outside enter as the nearer of the two.
    range: (f64, f64),
    /// Where set, values then pass through `sign(x) · ln(1 + |x| / s)`.
    log_scale: Option<f64>,
    centre: f64,
    /// One over the standard deviation; 0 for a column without information.
    inverse_width: f64,
}

/// Known values of one column with their weights, and room to work in.
pub(super) struct Known {
    values: Vec<f64>,
    weights: Vec<f64>,
    total: f64,
    /// The values after a transformation.
    transformed: Vec<f64>,
}

impl Known {
    /// Values that are not missing, with their weights.
    pub(super) fn new(column: &[f64], weights: &[f64]) -> Self {
        let known = column.iter().zip(weights).filter(|(v, _)| !v.is_nan());
        let (values, weights): (Vec<f64>, Vec<f64>) = known.map(|(v, w)| (*v, *w)).unzip();
        let total = weights.iter().sum();
        Self { values, weights, total, transformed: Vec::new() }
    }

    fn shares(&self) -> impl Iterator<Item = (f64, f64)> {
        self.transformed.iter().copied().zip(self.weights.iter().map(|w| w / self.total))
    }

    /// The values that bound all but a share `trim` of the rows at either end.
    fn range(&mut self, trim: f64) -> (f64, f64) {
        let values = &mut self.transformed;
        values.clone_from(&self.values);
        if values.is_empty() {
            return (0.0, 0.0);
        }
        let last = values.len() - 1;
        let cut = (trim * last as f64).floor() as usize;
        let (_, &mut low, above) = values.select_nth_unstable_by(cut, f64::total_cmp);
        if last - cut == cut {
            return (low, low);
        }
        let (_, &mut high, _) = above.select_nth_unstable_by(last - 2 * cut - 1, f64::total_cmp);
        (low, high)
    }

    /// Median size of the values that are not 0.
    fn median_size(&mut self) -> Option<f64> {
        let sizes = &mut self.transformed;
        sizes.clear();
        sizes.extend(self.values.iter().map(|v| v.abs()).filter(|v| *v > 0.0));
        let middle = sizes.len() / 2;
        (!sizes.is_empty()).then(|| *sizes.select_nth_unstable_by(middle, f64::total_cmp).1)
    }
}

impl Numeric {
    /// Trims, and takes logarithms where the column is less skewed after them.
    pub(super) fn learn(known: &mut Known, trim: f64, tame_tails: bool) -> Self {
        let range = known.range(trim);
        let (plain, skewness) = Self::fit(known, range, None);
        // A plain scale wins ties, and a skewness below that margin.
        if !tame_tails || skewness <= TIE {
            return plain;
        }
        let Some(median) = known.median_size() else { return plain };
        let (tamed, tamed_skewness) = Self::fit(known, range, Some(median));
        if tamed_skewness + TIE < skewness { tamed } else { plain }
    }

    /// Centre and width, and the absolute third moment of the standardised values.
    fn fit(known: &mut Known, range: (f64, f64), log_scale: Option<f64>) -> (Self, f64) {
        let mut scale = Self { range, log_scale, centre: 0.0, inverse_width: 0.0 };
        known.transformed.clear();
        known.transformed.extend(known.values.iter().map(|v| scale.transform(*v)));
        if known.total <= 0.0 {
            return (scale, 0.0);
        }
        // Dividing before summing keeps values near the largest double from overflowing.
        scale.centre = known.shares().map(|(v, share)| v * share).sum();
        let largest = known.transformed.iter().map(|v| (v - scale.centre).abs()).fold(0.0, f64::max);
        let variance: f64 =
            known.shares().map(|(v, share)| ((v - scale.centre) / largest).powi(2) * share).sum();
        let width = largest * variance.sqrt();
        if width.is_finite() && width > 1e-12 * scale.centre.abs() {
            scale.inverse_width = 1.0 / width;
        }
        let standardised = |v: f64| (v - scale.centre) * scale.inverse_width;
        let skewness: f64 = known.shares().map(|(v, share)| standardised(v).powi(3) * share).sum();
        (scale, skewness.abs())
    }

    fn transform(&self, value: f64) -> f64 {
        let value = value.max(self.range.0).min(self.range.1);
        self.log_scale.map_or(value, |s| value.signum() * (value.abs() / s).ln_1p())
    }

    pub(super) fn standardise(&self, value: f64) -> f64 {
        (self.transform(value) - self.centre) * self.inverse_width
    }
}

/// By how much the logarithm must lower the skewness of a column to be taken.
const TIE: f64 = 0.5;

/// What one feature adds to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Term {
    Numeric { scale: Numeric, slope: f64, mean: f64, missing: f64 },
    Levels { levels: Vec<f64>, missing: f64 },
}

impl Term {
    fn value(&self, input: f64) -> f64 {
        match self {
            Self::Numeric { missing, .. } if input.is_nan() => *missing,
            Self::Numeric { scale, slope, mean, .. } => slope * scale.standardise(input) - mean,
            // Anything but the index of a level is missing.
            Self::Levels { missing, .. } if !(input >= 0.0 && input.fract() == 0.0) => *missing,
            Self::Levels { levels, missing } => levels.get(input as usize).copied().unwrap_or(*missing),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) baseline: f64,
    pub(super) terms: Vec<Term>,
}

/// A fitted logistic regression.
#[derive(Debug)]
pub struct LogisticModel {
    schema: Schema,
    outputs: [Output; 1],
    terms: Terms,
}

#[derive(Serialize, Deserialize)]
struct Config {
    features: Vec<Feature>,
    output: Output,
    #[serde(flatten)]
    terms: Terms,
}

impl LogisticModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "logistic";
    const VERSION: u32 = 1;

    pub(super) fn new(schema: Schema, output: Output, terms: Terms) -> Self {
        Self { schema, outputs: [output], terms }
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] where the terms do not fit the features.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { features, output, terms } = artifact.config()?;
        if features.len() != terms.terms.len() {
            return Err(Error::damaged("logistic: the number of terms is not the number of features"));
        }
        Ok(Self::new(Schema::new(features)?, output, terms))
    }

    fn log_odds(&self, row: impl Iterator<Item = f64>) -> f64 {
        self.terms
            .terms
            .iter()
            .zip(row)
            .fold(self.terms.baseline, |sum, (term, value)| sum + term.value(value))
    }
}

impl Model for LogisticModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        super::CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, 1, x, out.dim())?;
        for (row, place) in x.rows().into_iter().zip(&mut out) {
            *place = Scale::LogOdds.to_output(self.log_odds(row.iter().copied()));
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, 1, out)?;
        out[0] = Scale::LogOdds.to_output(self.log_odds(row.iter().copied()));
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, 1, row, output)?;
        let contributions =
            self.terms.terms.iter().zip(row).map(|(term, &value)| term.value(value)).collect();
        Ok(Explanation { output, scale: Scale::LogOdds, baseline: self.terms.baseline, contributions })
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "features": self.schema.features(),
            "output": self.outputs[0],
            "baseline": self.terms.baseline,
            "terms": self.terms.terms,
        });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_missing() {
        let term = Term::Levels { levels: vec![1.0, 2.0], missing: 9.0 };
        assert_eq!([0.0, 1.0].map(|level| term.value(level)), [1.0, 2.0]);
        for other in [f64::NAN, 2.0, 1e300, -1.0, 0.5] {
            assert_eq!(term.value(other), 9.0, "{other}");
        }
    }
}
