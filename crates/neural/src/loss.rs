//! Losses of heads, with missing labels masked.

use crate::layers::sigmoid;
use crate::real::Real;

/// How a head's raw outputs become predictions, and what they are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objective {
    /// Cross-entropy of a sigmoid.
    CrossEntropy,
    /// Squared error of the output itself.
    Squared,
    /// Squared error of a sigmoid.
    SquaredSigmoid,
}

impl Objective {
    /// The prediction on the learned scale.
    pub(crate) fn predict<T: Real>(self, raw: T) -> T {
        match self {
            Self::Squared => raw,
            Self::CrossEntropy | Self::SquaredSigmoid => sigmoid(raw),
        }
    }

    /// Loss of one output and its derivative by the raw output.
    fn loss<T: Real>(self, raw: T, label: T) -> (T, T) {
        match self {
            Self::CrossEntropy => {
                // ln(1 + eˣ) − y x, without overflow
                let loss = raw.max(T::zero()) - raw * label + (-raw.abs()).exp().ln_1p();
                (loss, sigmoid(raw) - label)
            }
            Self::Squared => {
                let gap = raw - label;
                (gap * gap, gap + gap)
            }
            Self::SquaredSigmoid => {
                let p = sigmoid(raw);
                let gap = p - label;
                (gap * gap, (gap + gap) * p * (T::one() - p))
            }
        }
    }

    /// Mean loss over the known labels of one head, each row's weighed; NaN is not known. The derivative by the raw
    /// outputs of `factor` times this mean goes into `flow` where one is given.
    ///
    /// Returns the weighed sum of losses and the number of known labels; the mean is their ratio, 0 without any.
    pub(crate) fn sum<T: Real>(
        self,
        raw: &[T],
        labels: &[T],
        weights: Option<&[T]>,
        factor: T,
        mut flow: Option<&mut Vec<T>>,
    ) -> (f64, usize) {
        let known = labels.iter().filter(|label| !label.is_nan()).count();
        let scale = factor / T::narrow(known.max(1) as f64);
        let a_row = weights.map_or(1, |weights| labels.len() / weights.len().max(1)).max(1);
        let mut sum = 0.0;
        if let Some(flow) = &mut flow {
            flow.clear();
        }
        for (at, (&raw, &label)) in raw.iter().zip(labels).enumerate() {
            let weight = weights.map_or(T::one(), |weights| weights[at / a_row]);
            let (loss, slope) = if label.is_nan() { Default::default() } else { self.loss(raw, label) };
            sum += (weight * loss).wide();
            if let Some(flow) = &mut flow {
                flow.push(scale * weight * slope);
            }
        }
        (sum, known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_agree_with_finite_differences_and_missing_labels_count_for_nothing() {
        let labels = [1.0, f64::NAN, 0.0, 0.3];
        let raw = [0.7, -3.0, 2.0, -1.1];
        for objective in [Objective::CrossEntropy, Objective::Squared, Objective::SquaredSigmoid] {
            let mean = |raw: &[f64]| {
                let (sum, known) = objective.sum(raw, &labels, Some(&[2.0, 1.0]), 1.0, None);
                sum / known as f64
            };
            let mut flow = Vec::new();
            objective.sum(&raw, &labels, Some(&[2.0, 1.0]), 1.0, Some(&mut flow));
            for at in 0..4 {
                let mut shifted = raw;
                shifted[at] += 1e-6;
                let above = mean(&shifted);
                shifted[at] -= 2e-6;
                let expected = (above - mean(&shifted)) / 2e-6;
                assert!((flow[at] - expected).abs() < 1e-8, "{objective:?} {at}: {} {expected}", flow[at]);
            }
            assert_eq!(flow[1], 0.0);
        }
    }

    #[test]
    fn extreme_outputs_have_finite_losses() {
        let (sum, _) = Objective::CrossEntropy.sum(&[1e6_f32, -1e6], &[0.0, 1.0], None, 1.0, None);
        assert_eq!(sum, 2e6);
    }
}
