//! From the raw scores of a row to its outputs.

use serde::{Deserialize, Serialize};
use tenure_core::Scale;

/// How the raw scores of a row, on which trees add up, become its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Link {
    /// Each output is its raw score.
    Identity,
    /// Each output is `1 / (1 + e^−score)`: raw scores are log-odds.
    Logistic,
    /// Each output is `e^score`.
    Exp,
    /// Output `k` is `e^score_k / Σ e^score_j`: probabilities of classes that exclude each other.
    Softmax,
}

impl Link {
    /// The scale on which outputs are explained. For a softmax the raw scores are on it but for a shift that all
    /// share.
    #[must_use]
    pub fn scale(self) -> Scale {
        match self {
            Self::Identity => Scale::Identity,
            Self::Logistic => Scale::LogOdds,
            Self::Exp => Scale::Log,
            Self::Softmax => Scale::CentredLog,
        }
    }

    /// Turns the raw scores of one row into its outputs.
    pub fn apply(self, scores: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Logistic | Self::Exp => {
                let scale = self.scale();
                scores.iter_mut().for_each(|score| *score = scale.to_output(*score));
            }
            Self::Softmax => {
                let greatest = scores.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
                scores.iter_mut().for_each(|score| *score = (*score - greatest).exp());
                let sum: f64 = scores.iter().sum();
                scores.iter_mut().for_each(|score| *score /= sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_sums_to_one_however_large_the_scores() {
        let mut scores = [1000.0, 1001.0, -1000.0];
        Link::Softmax.apply(&mut scores);
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((scores[1] / scores[0] - std::f64::consts::E).abs() < 1e-12);
    }

    #[test]
    fn outputs_stand_for_themselves_on_the_other_links() {
        for link in [Link::Identity, Link::Logistic, Link::Exp] {
            let mut scores = [0.3, -2.0];
            link.apply(&mut scores);
            assert!((link.scale().from_output(scores[1]) + 2.0).abs() < 1e-12, "{link:?}");
        }
    }
}
