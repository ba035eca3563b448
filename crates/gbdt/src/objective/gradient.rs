//! Losses of one raw score a row: value, gradient and Hessian, a chunk of rows at a time.

use super::math::{exp, ln};
use super::{CustomObjective, Loss, Objective};

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

    #[inline(always)]
    pub(crate) fn add(self, other: Self) -> Self {
        Self {
            loss: self.loss + other.loss,
            g_abs: self.g_abs + other.g_abs,
            h: self.h + other.h,
            h_min: if other.h_min < self.h_min { other.h_min } else { self.h_min },
            h_max: if other.h_max > self.h_max { other.h_max } else { self.h_max },
        }
    }

    /// The same without the loss, for gradients that were changed since.
    pub(crate) fn of(gradients: impl Iterator<Item = Gradient>) -> Self {
        gradients.fold(Self::EMPTY, |sum, Gradient { g, h }| {
            sum.add(Self { loss: 0.0, g_abs: g.abs(), h, h_min: h, h_max: h })
        })
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
pub(crate) fn gradients(loss: &Loss, rows: Rows<'_>, out: &mut [Gradient]) -> Totals {
    let objective = match loss {
        Loss::Known(objective) => *objective,
        Loss::Own(own) => return own_gradients(own.as_ref(), rows, out),
    };
    #[cfg(target_arch = "x86_64")]
    if crate::simd::avx2() {
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

pub(super) const LANES: usize = 8;

/// Rows at a time: enough that one row's chain of operations fills the time of another's.
const BLOCK: usize = 2 * LANES;

/// Blocks between two logarithms: the product of so many factors of at most 2 is below 2^512 in each lane.
const BLOCKS: usize = 512 * LANES / BLOCK;

/// What a loss is at one row.
struct Parts {
    /// The loss is this and the logarithm of the factor.
    loss: f64,
    /// 1 to 2.
    factor: f64,
    g: f64,
    h: f64,
}

impl Parts {
    #[inline(always)]
    fn new(loss: f64, g: f64, h: f64) -> Self {
        Self { loss, factor: 1.0, g, h }
    }
}

#[inline(always)]
fn gradients_any(objective: Objective, rows: Rows<'_>, out: &mut [Gradient]) -> Totals {
    match objective {
        Objective::BinaryLogLoss => sweep(rows, out, log_loss),
        // Several classes have gradients of their own.
        Objective::SquaredError | Objective::Softmax => sweep(rows, out, squared_error),
        Objective::AbsoluteError => sweep(rows, out, absolute_error),
        Objective::Huber { delta } => sweep(rows, out, |s, y| huber(s, y, delta)),
        Objective::Quantile { alpha } => sweep(rows, out, |s, y| pinball(s, y, alpha)),
        Objective::Poisson => sweep(rows, out, poisson),
        Objective::Gamma => sweep(rows, out, gamma),
        Objective::Tweedie { power } => sweep(rows, out, |s, y| tweedie(s, y, power)),
    }
}

#[inline(always)]
fn sweep(rows: Rows<'_>, out: &mut [Gradient], loss: impl Fn(f64, f64) -> Parts) -> Totals {
    let Rows { scores, labels, weights } = rows;
    match weights {
        None => sweep_columns([scores, labels, labels], out, |s, y, _| loss(s, y)),
        // No product of factors is the sum of weighted logarithms: here each row has a logarithm of its own.
        Some(weights) => sweep_columns([scores, labels, weights], out, |s, y, w| {
            let Parts { loss, factor, g, h } = loss(s, y);
            Parts::new((loss + ln(factor)) * w, g * w, h * w)
        }),
    }
}

#[inline(always)]
fn sweep_columns(columns: [&[f64]; 3], out: &mut [Gradient], at: impl Fn(f64, f64, f64) -> Parts) -> Totals {
    let mut lanes = Lanes::EMPTY;
    for (part, out) in out.chunks_mut(BLOCK * BLOCKS).enumerate() {
        let start = part * BLOCK * BLOCKS;
        let columns = columns.map(|column| column[start..start + out.len()].as_chunks::<BLOCK>());
        let [s, y, w] = columns.map(|(blocks, _)| blocks);
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        for (((out, s), y), w) in blocks.iter_mut().zip(s).zip(y).zip(w) {
            let block = Block::new([s, y, w], &at);
            block.write(out);
            lanes.add(&block, BLOCK);
        }
        if !rest.is_empty() {
            let padded = columns.map(|(_, rest)| {
                let mut padded = [0.0; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                padded
            });
            let block = Block::new(padded.each_ref(), &at);
            block.write(rest);
            lanes.add(&block, rest.len());
        }
        lanes.take_logarithms();
    }
    lanes.totals()
}

/// Some rows' losses, factors, gradients and Hessians.
struct Block {
    loss: [f64; BLOCK],
    factor: [f64; BLOCK],
    g: [f64; BLOCK],
    h: [f64; BLOCK],
}

impl Block {
    #[inline(always)]
    fn new([s, y, w]: [&[f64; BLOCK]; 3], at: impl Fn(f64, f64, f64) -> Parts) -> Self {
        let zeros = [0.0; BLOCK];
        let mut block = Self { loss: zeros, factor: zeros, g: zeros, h: zeros };
        for row in 0..BLOCK {
            let Parts { loss, factor, g, h } = at(s[row], y[row], w[row]);
            block.loss[row] = loss;
            block.factor[row] = factor;
            block.g[row] = g;
            block.h[row] = h;
        }
        block
    }

    #[inline(always)]
    fn write(&self, out: &mut [Gradient]) {
        for (out, (&g, &h)) in out.iter_mut().zip(self.g.iter().zip(&self.h)) {
            *out = Gradient { g, h };
        }
    }
}

/// Eight running sums of each kind, so that the compiler may vectorise without changing the order of any of them.
struct Lanes {
    loss: [f64; LANES],
    factor: [f64; LANES],
    g_abs: [f64; LANES],
    h: [f64; LANES],
    h_min: [f64; LANES],
    h_max: [f64; LANES],
}

impl Lanes {
    const EMPTY: Self = Self {
        loss: [0.0; LANES],
        factor: [1.0; LANES],
        g_abs: [0.0; LANES],
        h: [0.0; LANES],
        h_min: [f64::INFINITY; LANES],
        h_max: [0.0; LANES],
    };

    /// Adds the first `len` rows of a block.
    #[inline(always)]
    fn add(&mut self, block: &Block, len: usize) {
        for row in 0..len {
            let (lane, g, h) = (row % LANES, block.g[row], block.h[row]);
            self.loss[lane] += block.loss[row];
            self.factor[lane] *= block.factor[row];
            self.g_abs[lane] += g.abs();
            self.h[lane] += h;
            self.h_min[lane] = if h < self.h_min[lane] { h } else { self.h_min[lane] };
            self.h_max[lane] = if h > self.h_max[lane] { h } else { self.h_max[lane] };
        }
    }

    #[inline(always)]
    fn take_logarithms(&mut self) {
        for (loss, factor) in self.loss.iter_mut().zip(&mut self.factor) {
            *loss += ln(std::mem::replace(factor, 1.0));
        }
    }

    #[inline(always)]
    fn totals(&self) -> Totals {
        (0..LANES).fold(Totals::EMPTY, |sum, lane| {
            sum.add(Totals {
                loss: self.loss[lane],
                g_abs: self.g_abs[lane],
                h: self.h[lane],
                h_min: self.h_min[lane],
                h_max: self.h_max[lane],
            })
        })
    }
}

/// Row by row. A Hessian below 0 counts as 0; what is not a number stays so and shows in the sums.
fn own_gradients(own: &dyn CustomObjective, rows: Rows<'_>, out: &mut [Gradient]) -> Totals {
    let mut totals = Totals::EMPTY;
    for (at, out) in out.iter_mut().enumerate() {
        let found = own.at(rows.scores[at], rows.labels[at]);
        let w = rows.weights.map_or(1.0, |w| w[at]);
        let h = if found.hessian < 0.0 { 0.0 } else { found.hessian * w };
        let g = found.gradient * w;
        *out = Gradient { g, h };
        totals = totals.add(Totals { loss: found.loss * w, g_abs: g.abs(), h, h_min: h, h_max: h });
    }
    totals
}

#[inline(always)]
fn squared_error(score: f64, label: f64) -> Parts {
    let g = score - label;
    Parts::new(g * g, g, 1.0)
}

#[inline(always)]
fn absolute_error(score: f64, label: f64) -> Parts {
    let r = score - label;
    let g = if r == 0.0 { 0.0 } else { 1.0_f64.copysign(r) };
    Parts::new(r.abs(), g, 1.0)
}

#[inline(always)]
fn huber(score: f64, label: f64, delta: f64) -> Parts {
    let r = score - label;
    let size = r.abs();
    let near = size <= delta;
    let loss = if near { 0.5 * r * r } else { delta * (size - 0.5 * delta) };
    Parts::new(loss, if near { r } else { delta.copysign(r) }, 1.0)
}

#[inline(always)]
fn pinball(score: f64, label: f64, alpha: f64) -> Parts {
    let r = score - label;
    let g = if r >= 0.0 { 1.0 - alpha } else { -alpha };
    Parts::new(r * g, g, 1.0)
}

#[inline(always)]
fn poisson(score: f64, label: f64) -> Parts {
    /// `e^0.7`: as if the step went up to a score 0.7 further, so that it does not overshoot where the mean is low.
    const CAUTION: f64 = 2.013_752_707_470_476_6;
    let mean = exp(score);
    Parts::new(mean - label * score, mean - label, mean * CAUTION)
}

#[inline(always)]
fn gamma(score: f64, label: f64) -> Parts {
    let ratio = label * exp(-score);
    Parts::new(ratio + score, 1.0 - ratio, ratio)
}

#[inline(always)]
fn tweedie(score: f64, label: f64, power: f64) -> Parts {
    let (low, high) = (1.0 - power, 2.0 - power);
    let (a, b) = (label * exp(low * score), exp(high * score));
    Parts::new(b / high - a / low, b - a, high * b - low * a)
}

#[inline(always)]
fn log_loss(score: f64, label: f64) -> Parts {
    let e = exp(-score.abs());
    let factor = 1.0 + e;
    let inverse = 1.0 / factor;
    let p = if score >= 0.0 { inverse } else { e * inverse };
    // 1 − p without cancellation.
    let q = if score >= 0.0 { e * inverse } else { inverse };
    let g = if label > 0.5 { -q } else { p };
    let loss = (if score > 0.0 { score } else { 0.0 }) - label * score;
    Parts { loss, factor, g, h: p * q }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Objective; 8] = [
        Objective::BinaryLogLoss,
        Objective::SquaredError,
        Objective::AbsoluteError,
        Objective::Huber { delta: 0.7 },
        Objective::Quantile { alpha: 0.8 },
        Objective::Poisson,
        Objective::Gamma,
        Objective::Tweedie { power: 1.3 },
    ];

    #[test]
    fn log_loss_agrees_with_the_mathematics_library() {
        for i in -4000..4000 {
            let s = f64::from(i) * 0.01;
            for y in [0.0, 1.0] {
                let Parts { loss, factor, g, h } = log_loss(s, y);
                let loss = loss + ln(factor);
                let p = 1.0 / (1.0 + (-s).exp());
                assert!((loss - (s.max(0.0) + (-s.abs()).exp().ln_1p() - y * s)).abs() < 1e-13, "{s}");
                assert!((g - (p - y)).abs() < 1e-15, "{s}");
                assert!((h / (p * (1.0 / (1.0 + s.exp()))) - 1.0).abs() < 1e-13, "{s}");
            }
        }
        for s in [-1e300, -800.0, 0.0, 800.0, 1e300] {
            let Parts { loss, factor, g, h } = log_loss(s, 1.0);
            assert!((1.0..=2.0).contains(&factor));
            assert!(loss.is_finite() && g.is_finite() && h.is_finite() && h >= 0.0, "{s}");
        }
    }

    /// Products of factors stand for sums of logarithms: of scores about 0, where each factor is 2, and of others.
    #[test]
    fn the_sum_of_log_losses_is_that_of_single_rows() {
        for (n, step) in [(4096, 0.0), (9001, 0.001), (3, 0.1)] {
            let scores: Vec<f64> = (0..n).map(|i| f64::from(i - 1000) * step).collect();
            let labels: Vec<f64> = (0..n).map(|i| f64::from(i % 3 == 0)).collect();
            let mut out = vec![Gradient::default(); scores.len()];
            let rows = Rows { scores: &scores, labels: &labels, weights: None };
            let sum = gradients(&Loss::Known(Objective::BinaryLogLoss), rows, &mut out).loss;
            let weights = vec![2.0; scores.len()];
            let twice = Rows { weights: Some(&weights), ..rows };
            let twice = gradients(&Loss::Known(Objective::BinaryLogLoss), twice, &mut out).loss;
            let single = |(s, y): (&f64, &f64)| s.max(0.0) + (-s.abs()).exp().ln_1p() - y * s;
            let expected: f64 = scores.iter().zip(&labels).map(single).sum();
            assert!((sum / expected - 1.0).abs() < 1e-12, "{sum} for {expected}");
            assert!((twice / 2.0 / expected - 1.0).abs() < 1e-12, "{twice} for {expected}");
        }
    }

    #[test]
    fn gradients_are_the_slopes_of_the_losses() {
        const STEP: f64 = 1e-6;
        for objective in ALL {
            let at = |score: f64, label: f64| {
                let rows = Rows { scores: &[score], labels: &[label], weights: None };
                let mut out = [Gradient::default()];
                let loss = gradients_any(objective, rows, &mut out).loss;
                (loss, out[0].g, out[0].h)
            };
            for i in -30..30 {
                for label in [0.0, 1.0] {
                    // Away from the corners of the losses that have some.
                    let score = f64::from(i) * 0.1003 + 0.0511;
                    let label = if objective == Objective::Gamma { label + 0.4 } else { label };
                    let (up, down) = (at(score + STEP, label), at(score - STEP, label));
                    let mut slope = (up.0 - down.0) / (2.0 * STEP);
                    // The square's gradient is that of its half.
                    if objective == Objective::SquaredError {
                        slope /= 2.0;
                    }
                    let (_, g, h) = at(score, label);
                    assert!((g - slope).abs() < 1e-6 * (1.0 + g.abs()), "{objective}: {g} for {slope}");
                    let curvature = (up.1 - down.1) / (2.0 * STEP);
                    let expected = match objective {
                        Objective::Poisson => curvature * 0.7_f64.exp(),
                        Objective::AbsoluteError | Objective::Huber { .. } | Objective::Quantile { .. } => {
                            1.0
                        }
                        _ => curvature,
                    };
                    assert!((h - expected).abs() < 1e-5 * (1.0 + h), "{objective}: {h} for {expected}");
                }
            }
        }
    }

    #[test]
    fn wide_and_narrow_vectors_agree_to_the_bit() {
        let scores: Vec<f64> = (0..1003).map(|i| f64::from(i) * 0.0317 - 15.0).collect();
        let labels: Vec<f64> = (0..1003).map(|i| f64::from(i % 3 == 0)).collect();
        let weights: Vec<f64> = (0..1003).map(|i| f64::from(i % 7) + 0.1).collect();
        let (mut a, mut b) = (vec![Gradient::default(); 1003], vec![Gradient::default(); 1003]);
        for weights in [None, Some(&weights[..])] {
            let rows = Rows { scores: &scores, labels: &labels, weights };
            for objective in ALL {
                let wide = gradients(&Loss::Known(objective), rows, &mut a);
                assert_eq!(wide, gradients_any(objective, rows, &mut b));
                assert_eq!(a, b);
            }
        }
    }
}
