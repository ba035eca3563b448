//! Losses: value, gradient and Hessian at a raw score.
//!
//! | objective | loss | gradient | Hessian |
//! |---|---|---|---|
//! | binary log loss | `ln(1 + e^s) − y s` | `p − y`, `p = 1/(1 + e^−s)` | `p (1 − p)` |
//! | squared error | `(s − y)²` | `s − y` | 1 |
//!
//! (The gradient of squared error is taken of half the loss, as everywhere in the field.) The exponential and the
//! logarithm are written out as plain arithmetic: the compiler vectorises them, and unlike a system's mathematics
//! library they give the same bits on every machine.

use serde::{Deserialize, Serialize};

use crate::Link;

/// What boosting minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Objective {
    /// Log loss of a binary target; raw scores are log-odds.
    BinaryLogLoss,
    /// Squared error of a numeric target; raw scores are predictions.
    SquaredError,
}

impl Objective {
    /// From raw scores to outputs.
    #[must_use]
    pub fn link(self) -> Link {
        match self {
            Self::BinaryLogLoss => Link::Logistic,
            Self::SquaredError => Link::Identity,
        }
    }

    /// Its name, as in serialised parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BinaryLogLoss => "binary_log_loss",
            Self::SquaredError => "squared_error",
        }
    }

    /// Name of the loss in reports.
    #[must_use]
    pub fn loss_name(self) -> &'static str {
        match self {
            Self::BinaryLogLoss => "log_loss",
            Self::SquaredError => "mean_squared_error",
        }
    }
}

/// Gradient and Hessian of one row, weight included.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Gradient {
    pub g: f64,
    pub h: f64,
}

/// Sums over the rows of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Totals {
    /// Σ w · loss
    pub loss: f64,
    /// Σ |g|
    pub g_abs: f64,
    /// Σ h
    pub h: f64,
    /// min h
    pub h_min: f64,
    /// max h
    pub h_max: f64,
}

impl Totals {
    pub(crate) const EMPTY: Self = Self { loss: 0.0, g_abs: 0.0, h: 0.0, h_min: f64::INFINITY, h_max: 0.0 };

    pub(crate) fn add(self, other: Self) -> Self {
        Self {
            loss: self.loss + other.loss,
            g_abs: self.g_abs + other.g_abs,
            h: self.h + other.h,
            h_min: if other.h_min < self.h_min { other.h_min } else { self.h_min },
            h_max: if other.h_max > self.h_max { other.h_max } else { self.h_max },
        }
    }
}

/// Rows of one chunk: scores and labels, and weights where there are some.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub scores: &'a [f64],
    pub labels: &'a [f64],
    pub weights: Option<&'a [f64]>,
}

/// Fills `out` with gradients and Hessians, and sums them up. All slices have the same length.
pub(crate) fn gradients(objective: Objective, rows: Rows<'_>, out: &mut [Gradient]) -> Totals {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { gradients_avx2(objective, rows, out) };
    }
    gradients_any(objective, rows, out)
}

/// The same arithmetic, compiled for wider vectors: no operation is fused or reordered, so the bits agree.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn gradients_avx2(objective: Objective, rows: Rows<'_>, out: &mut [Gradient]) -> Totals {
    gradients_any(objective, rows, out)
}

const LANES: usize = 8;

#[inline(always)]
fn gradients_any(objective: Objective, rows: Rows<'_>, out: &mut [Gradient]) -> Totals {
    match (objective, rows.weights) {
        (Objective::BinaryLogLoss, None) => sweep(rows, &[], out, log_loss, |_, _| 1.0),
        (Objective::BinaryLogLoss, Some(w)) => sweep(rows, w, out, log_loss, |w, i| w[i]),
        (Objective::SquaredError, None) => sweep(rows, &[], out, squared_error, |_, _| 1.0),
        (Objective::SquaredError, Some(w)) => sweep(rows, w, out, squared_error, |w, i| w[i]),
    }
}

/// Eight running sums, so that the compiler may vectorise without changing the order of any of them.
#[inline(always)]
fn sweep(
    rows: Rows<'_>,
    weights: &[f64],
    out: &mut [Gradient],
    loss: impl Fn(f64, f64) -> (f64, f64, f64),
    weight: impl Fn(&[f64], usize) -> f64,
) -> Totals {
    let n = out.len();
    let mut lanes = [Totals::EMPTY; LANES];
    let mut block = [[0.0; LANES]; 3];
    let mut start = 0;
    while start < n {
        let len = LANES.min(n - start);
        let (mut s, mut y, mut w) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        s[..len].copy_from_slice(&rows.scores[start..start + len]);
        y[..len].copy_from_slice(&rows.labels[start..start + len]);
        for (lane, w) in w[..len].iter_mut().enumerate() {
            *w = weight(weights, start + lane);
        }
        for lane in 0..LANES {
            let (l, g, h) = loss(s[lane], y[lane]);
            block[0][lane] = l * w[lane];
            block[1][lane] = g * w[lane];
            block[2][lane] = h * w[lane];
        }
        for (lane, out) in out[start..start + len].iter_mut().enumerate() {
            let (g, h) = (block[1][lane], block[2][lane]);
            *out = Gradient { g, h };
            lanes[lane] =
                lanes[lane].add(Totals { loss: block[0][lane], g_abs: g.abs(), h, h_min: h, h_max: h });
        }
        start += len;
    }
    lanes.into_iter().fold(Totals::EMPTY, Totals::add)
}

#[inline(always)]
fn squared_error(score: f64, label: f64) -> (f64, f64, f64) {
    let g = score - label;
    (g * g, g, 1.0)
}

#[inline(always)]
fn log_loss(score: f64, label: f64) -> (f64, f64, f64) {
    let e = exp_negative(score.abs());
    let inverse = 1.0 / (1.0 + e);
    let p = if score >= 0.0 { inverse } else { e * inverse };
    // 1 − p without cancellation.
    let q = if score >= 0.0 { e * inverse } else { inverse };
    let g = if label > 0.5 { -q } else { p };
    let loss = (if score > 0.0 { score } else { 0.0 }) + ln_one_plus(e) - label * score;
    (loss, g, p * q)
}

/// `e^−x` for `x ≥ 0`, to about 1 unit in the last place; 0 from 708 on.
#[inline(always)]
fn exp_negative(x: f64) -> f64 {
    /// Adding and subtracting it rounds to a whole number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let x = -(if x < 708.0 { x } else { 708.0 });
    let n = x * std::f64::consts::LOG2_E + ROUND;
    let bits = n.to_bits();
    let n = n - ROUND;
    let r = x - n * 6.931_471_803_691_238e-1 - n * 1.908_214_929_270_587_7e-10;
    let mut sum = 1.0 / 479_001_600.0;
    for factor in [
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + factor;
    }
    // The low bits of `bits` hold n: shifted into the exponent they are 2^n.
    sum * f64::from_bits(bits.wrapping_add(1023) << 52)
}

/// `ln(1 + e)` for `0 ≤ e ≤ 1` by the series of the inverse hyperbolic tangent, to 1e-14.
#[inline(always)]
fn ln_one_plus(e: f64) -> f64 {
    let z = e / (2.0 + e);
    let z2 = z * z;
    let mut sum = 0.0;
    for k in [27.0, 25.0, 23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * z2 + 1.0 / k;
    }
    2.0 * z * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_loss_agrees_with_the_mathematics_library() {
        for i in -4000..4000 {
            let s = f64::from(i) * 0.01;
            for y in [0.0, 1.0] {
                let (loss, g, h) = log_loss(s, y);
                let p = 1.0 / (1.0 + (-s).exp());
                assert!((loss - (s.max(0.0) + (-s.abs()).exp().ln_1p() - y * s)).abs() < 1e-13, "{s}");
                assert!((g - (p - y)).abs() < 1e-15, "{s}");
                assert!((h / (p * (1.0 / (1.0 + s.exp()))) - 1.0).abs() < 1e-13, "{s}");
            }
        }
        for s in [-1e300, -800.0, 0.0, 800.0, 1e300] {
            let (loss, g, h) = log_loss(s, 1.0);
            assert!(loss.is_finite() && g.is_finite() && h.is_finite() && h >= 0.0, "{s}");
        }
    }

    #[test]
    fn wide_and_narrow_vectors_agree_to_the_bit() {
        let scores: Vec<f64> = (0..1003).map(|i| f64::from(i) * 0.0317 - 15.0).collect();
        let labels: Vec<f64> = (0..1003).map(|i| f64::from(i % 3 == 0)).collect();
        let weights: Vec<f64> = (0..1003).map(|i| f64::from(i % 7) + 0.1).collect();
        let rows = Rows { scores: &scores, labels: &labels, weights: Some(&weights) };
        let (mut a, mut b) = (vec![Gradient::default(); 1003], vec![Gradient::default(); 1003]);
        for objective in [Objective::BinaryLogLoss, Objective::SquaredError] {
            assert_eq!(gradients(objective, rows, &mut a), gradients_any(objective, rows, &mut b));
            assert_eq!(a, b);
        }
    }
}
