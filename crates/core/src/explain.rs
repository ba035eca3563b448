//! Additive explanations.

use serde::{Deserialize, Serialize};

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
}

impl Scale {
    /// From this scale to the output.
    #[must_use]
    pub fn to_output(self, value: f64) -> f64 {
        match self {
            Self::Identity => value,
            Self::Log => value.exp(),
            Self::LogOdds => 1.0 / (1.0 + (-value).exp()),
        }
    }

    /// From the output to this scale.
    #[must_use]
    pub fn from_output(self, output: f64) -> f64 {
        match self {
            Self::Identity => output,
            Self::Log => output.ln(),
            Self::LogOdds => (output / (1.0 - output)).ln(),
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

    /// The output that is explained, as the model predicts it (up to rounding).
    #[must_use]
    pub fn prediction(&self) -> f64 {
        self.scale.to_output(self.total())
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
        assert!((e.prediction() - 0.075_858_180_021_243_55).abs() < 1e-15);
        assert_eq!(e.ranked(), [(2, -2.0), (0, 0.5)]);
    }

    #[test]
    fn scales_invert_each_other() {
        for scale in [Scale::Identity, Scale::Log, Scale::LogOdds] {
            assert!((scale.to_output(scale.from_output(0.3)) - 0.3).abs() < 1e-15);
        }
    }
}
