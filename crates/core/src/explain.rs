//! Additive explanations.

use serde::{Deserialize, Serialize};

use crate::Schema;

/// The scale on which an explanation's contributions add up to the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scale {
    /// The output itself.
    Identity,
    /// The natural logarithm of the output.
    Log,
    /// `ln(p / (1 − p))` of an output that is a probability.
    LogOdds,
    /// `1 / output`.
    Inverse,
    /// `ln(−ln(1 − p))` of an output that is a probability.
    ComplementaryLogLog,
    /// `ln(p / g)` of the probability of a class, `g` being the geometric mean of the probabilities of all
    /// classes (the centred log-ratio of Aitchison, *The statistical analysis of compositional data*, 1986).
    ///
    /// The raw scores of a softmax are such logarithms but for a shift that they share.
    CentredLog,
}

impl Scale {
    /// From this scale to the output; on [`Scale::CentredLog`], which needs the other classes for that, to the
    /// ratio of the output to the geometric mean.
    #[must_use]
    pub fn to_output(self, value: f64) -> f64 {
        match self {
            Self::Identity => value,
            Self::Log | Self::CentredLog => value.exp(),
            Self::LogOdds => 1.0 / (1.0 + (-value).exp()),
            Self::Inverse => 1.0 / value,
            Self::ComplementaryLogLog => -(-value.exp()).exp_m1(),
        }
    }

    /// From an output that stands for itself to this scale; on [`Scale::CentredLog`] to the logarithm, which is
    /// centred only beside the other classes: see [`Scale::from_outputs`].
    #[must_use]
    pub fn from_output(self, output: f64) -> f64 {
        match self {
            Self::Identity => output,
            Self::Log | Self::CentredLog => output.ln(),
            Self::LogOdds => (output / (1.0 - output)).ln(),
            Self::Inverse => 1.0 / output,
            Self::ComplementaryLogLog => (-(-output).ln_1p()).ln(),
        }
    }

    /// Output number `at` on this scale, beside all outputs of the same target.
    ///
    /// # Panics
    /// If `at` is not below the number of outputs.
    #[must_use]
    pub fn from_outputs(self, outputs: &[f64], at: usize) -> f64 {
        let own = self.from_output(outputs[at]);
        match self {
            Self::CentredLog => own - outputs.iter().map(|p| p.ln()).sum::<f64>() / outputs.len() as f64,
            _ => own,
        }
    }
}

/// How each feature moved one output of one row: `baseline + Σ contributions = output`, on `scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Which output of the model is explained.
    pub output: usize,
    /// On which scale the parts add up.
    pub scale: Scale,
    /// The model's answer before anything is known of the row.
    pub baseline: f64,
    /// One number per feature of the schema, in its order.
    pub contributions: Vec<f64>,
}

impl Explanation {
    /// `baseline + Σ contributions`: the output on [`Explanation::scale`].
    #[must_use]
    pub fn total(&self) -> f64 {
        self.baseline + self.contributions.iter().sum::<f64>()
    }

    /// The output that is explained, as the model predicts it (up to rounding); `None` on
    /// [`Scale::CentredLog`], where the outputs of the other classes have a part in it.
    #[must_use]
    pub fn prediction(&self) -> Option<f64> {
        (self.scale != Scale::CentredLog).then(|| self.scale.to_output(self.total()))
    }

    /// The features that moved the output, most first, as (feature, contribution); zeros are left out and
    /// equal sizes keep the order of the features.
    #[must_use]
    pub fn ranked(&self) -> Vec<(usize, f64)> {
        let mut ranked: Vec<_> =
            self.contributions.iter().copied().enumerate().filter(|(_, c)| *c != 0.0).collect();
        ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        ranked
    }

    /// The explanation of a rising function `map` of the output, which turns the present scale into `scale`: both
    /// ends are mapped, and contributions stretched so that they add up again (the rescale rule of DeepLIFT,
    /// Shrikumar et al. 2017). Where nothing moves the output, the mapped output is all baseline.
    #[must_use]
    pub fn mapped(self, scale: Scale, map: impl Fn(f64) -> f64) -> Self {
        let (before, total) = (self.baseline, self.total());
        let moved = total - before;
        let (baseline, stretch) = if moved.abs() > 1e-9 {
            let baseline = map(before);
            (baseline, (map(total) - baseline) / moved)
        } else {
            (map(total), 0.0)
        };
        let contributions = self.contributions.into_iter().map(|c| c * stretch).collect();
        Self { output: self.output, scale, baseline, contributions }
    }

    /// The `most` strongest contributions in words; `row` and `typical` have one value a feature.
    ///
    /// # Panics
    /// If one of them has fewer values than the explanation has contributions.
    #[must_use]
    pub fn reasons(&self, schema: &Schema, row: &[f64], typical: &[f64], most: usize) -> Vec<Reason> {
        let strongest = self.ranked().into_iter().take(most);
        let reason = |(at, effect): (usize, f64)| {
            let feature = &schema.features()[at];
            let (value, usual) = (row[at], typical[at]);
            // What follows a colon or semicolon explains the scale: room for that is in the report.
            let phrase = feature.description.split([':', ';']).next().unwrap_or_default();
            // Where the column's name is all that is known it is shown as it is.
            let description = if phrase == feature.name { phrase.to_owned() } else { decapitalise(phrase) };
            let text = if value.is_nan() {
                format!("{description}: not known")
            } else {
                format!("{description}: {} (typical: {})", feature.display(value), feature.display(usual))
            };
            let known = |v: f64| (!v.is_nan()).then_some(v);
            Reason { feature: feature.name.clone(), text, value: known(value), typical: known(usual), effect }
        };
        strongest.map(reason).collect()
    }
}

/// What one feature did to an output, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Name of the feature.
    pub feature: String,
    /// E.g. `days since the last purchase: 84 (typical: 31)`.
    pub text: String,
    /// The row's value; `None` where it is missing.
    pub value: Option<f64>,
    /// The typical value; `None` where it is missing.
    pub typical: Option<f64>,
    /// The contribution, on the scale of the explanation.
    pub effect: f64,
}

fn decapitalise(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_on_the_scale() {
        let e = Explanation {
            output: 0,
            scale: Scale::LogOdds,
            baseline: -1.0,
            contributions: vec![0.5, 0.0, -2.0],
        };
        assert_eq!(e.total(), -2.5);
        assert!((e.prediction().unwrap() - 0.075_858_180_021_243_55).abs() < 1e-15);
        assert_eq!(e.ranked(), [(2, -2.0), (0, 0.5)]);
    }

    #[test]
    fn a_mapped_explanation_adds_up_on_the_new_scale() {
        let contributions = vec![1.0, -3.0];
        let e = Explanation { output: 0, scale: Scale::LogOdds, baseline: 0.5, contributions };
        let log = |log_odds: f64| Scale::LogOdds.to_output(log_odds).ln();
        let mapped = e.clone().mapped(Scale::Log, log);
        assert!((mapped.total() - log(-1.5)).abs() < 1e-15);
        assert!((mapped.baseline - log(0.5)).abs() < 1e-15);
        assert!(mapped.contributions[0] > 0.0 && mapped.contributions[1] < 0.0);
        let still = Explanation { contributions: vec![2.0, -2.0], ..e };
        assert_eq!(still.mapped(Scale::Log, log).contributions, [0.0, 0.0]);
    }

    #[test]
    fn scales_invert_each_other() {
        use Scale::{CentredLog, ComplementaryLogLog, Identity, Inverse, Log, LogOdds};
        for scale in [Identity, Log, LogOdds, Inverse, ComplementaryLogLog, CentredLog] {
            assert!((scale.to_output(scale.from_output(0.3)) - 0.3).abs() < 1e-15);
        }
    }

    #[test]
    fn classes_are_centred_beside_each_other() {
        let p = [0.2, 0.3, 0.5];
        let centred: Vec<f64> = (0..3).map(|k| Scale::CentredLog.from_outputs(&p, k)).collect();
        assert!(centred.iter().sum::<f64>().abs() < 1e-15);
        assert!((centred[2] - centred[0] - (0.5_f64 / 0.2).ln()).abs() < 1e-15);
        assert_eq!(Scale::LogOdds.from_outputs(&p, 1), Scale::LogOdds.from_output(0.3));
    }
}
