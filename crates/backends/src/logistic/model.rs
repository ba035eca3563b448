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

impl Numeric {
    /// From (value, weight) pairs of known values.
    pub(super) fn fit(known: &[(f64, f64)], trim: f64, log_scale: Option<f64>) -> Self {
        let mut scale = Self { range: range(known, trim), log_scale, centre: 0.0, inverse_width: 0.0 };
        let total: f64 = known.iter().map(|(_, w)| w).sum();
        if total > 0.0 {
            // Dividing before summing keeps values near the largest double from overflowing.
            scale.centre = known.iter().map(|(v, w)| scale.transform(*v) * (w / total)).sum();
            let spread = |v: f64| (scale.transform(v) - scale.centre).abs();
            let largest = known.iter().map(|(v, _)| spread(*v)).fold(0.0, f64::max);
            let variance: f64 = known.iter().map(|(v, w)| (spread(*v) / largest).powi(2) * (w / total)).sum();
            let width = largest * variance.sqrt();
            if width.is_finite() && width > 1e-12 * scale.centre.abs() {
                scale.inverse_width = 1.0 / width;
            }
        }
        scale
    }

    fn transform(&self, value: f64) -> f64 {
        let value = value.max(self.range.0).min(self.range.1);
        self.log_scale.map_or(value, |s| value.signum() * (value.abs() / s).ln_1p())
    }

    pub(super) fn standardise(&self, value: f64) -> f64 {
        (self.transform(value) - self.centre) * self.inverse_width
    }

    /// Absolute third standardised moment.
    pub(super) fn skewness(&self, known: &[(f64, f64)]) -> f64 {
        let total: f64 = known.iter().map(|(_, w)| w).sum();
        known.iter().map(|(v, w)| self.standardise(*v).powi(3) * (w / total)).sum::<f64>().abs()
    }
}

/// The values that bound all but a share `trim` of the rows at either end.
fn range(known: &[(f64, f64)], trim: f64) -> (f64, f64) {
    let mut values: Vec<f64> = known.iter().map(|(v, _)| *v).collect();
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let last = values.len() - 1;
    let cut = (trim * last as f64).floor() as usize;
    let low = *values.select_nth_unstable_by(cut, f64::total_cmp).1;
    let high = *values.select_nth_unstable_by(last - cut, f64::total_cmp).1;
    (low, high)
}

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
