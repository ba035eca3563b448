//! Log loss of several classes.

use super::gradient::{Gradient, LANES, Totals};
use super::math::{exp, ln};

/// Rows of one chunk: a slice of scores for each class.
#[derive(Clone, Copy)]
pub(crate) struct ClassRows<'a> {
    pub scores: &'a [&'a [f64]],
    /// Indices of classes.
    pub labels: &'a [f64],
    pub weights: Option<&'a [f64]>,
}

/// Fills `out`, a slice for each class, and sums up; the loss is in the totals of class 0. All slices have the same
/// length.
pub(crate) fn softmax(rows: ClassRows<'_>, out: &mut [&mut [Gradient]], totals: &mut [Totals]) {
    let mut block = vec![[0.0; LANES]; out.len()];
    #[cfg(target_arch = "x86_64")]
    if crate::simd::avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { softmax_avx2(rows, out, totals, &mut block) };
    }
    softmax_any(rows, out, totals, &mut block);
}

/// The same arithmetic, compiled for wider vectors: no operation is fused or reordered, so the bits agree.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn softmax_avx2(
    rows: ClassRows<'_>,
    out: &mut [&mut [Gradient]],
    totals: &mut [Totals],
    block: &mut [[f64; LANES]],
) {
    softmax_any(rows, out, totals, block);
}

#[inline(always)]
fn softmax_any(
    rows: ClassRows<'_>,
    out: &mut [&mut [Gradient]],
    totals: &mut [Totals],
    block: &mut [[f64; LANES]],
) {
    let classes = out.len();
    // The diagonal alone would understate the curvature, as classes move together (Friedman 2001, algorithm 6).
    let factor = classes as f64 / (classes as f64 - 1.0);
    totals.fill(Totals::EMPTY);
    let mut losses = [0.0; LANES];
    for start in (0..rows.labels.len()).step_by(LANES) {
        let len = LANES.min(rows.labels.len() - start);
        let (mut y, mut w) = ([0.0; LANES], [0.0; LANES]);
        y[..len].copy_from_slice(&rows.labels[start..start + len]);
        match rows.weights {
            Some(weights) => w[..len].copy_from_slice(&weights[start..start + len]),
            None => w[..len].fill(1.0),
        }
        let (mut greatest, mut own) = ([f64::NEG_INFINITY; LANES], [0.0; LANES]);
        for (class, (block, scores)) in block.iter_mut().zip(rows.scores).enumerate() {
            block[..len].copy_from_slice(&scores[start..start + len]);
            for lane in 0..LANES {
                let s = block[lane];
                greatest[lane] = if s > greatest[lane] { s } else { greatest[lane] };
                own[lane] = if y[lane] == class as f64 { s } else { own[lane] };
            }
        }
        let mut sum = [0.0; LANES];
        for block in block.iter_mut() {
            for lane in 0..LANES {
                block[lane] = exp(block[lane] - greatest[lane]);
                sum[lane] += block[lane];
            }
        }
        for lane in 0..LANES {
            losses[lane] += (ln(sum[lane]) - (own[lane] - greatest[lane])) * w[lane];
        }
        for (class, ((block, out), totals)) in
            block.iter().zip(out.iter_mut()).zip(totals.iter_mut()).enumerate()
        {
            let (mut g, mut h) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                let p = block[lane] / sum[lane];
                g[lane] = (p - if y[lane] == class as f64 { 1.0 } else { 0.0 }) * w[lane];
                h[lane] = factor * (p * (1.0 - p)) * w[lane];
            }
            for (lane, out) in out[start..start + len].iter_mut().enumerate() {
                let (g, h) = (g[lane], h[lane]);
                *out = Gradient { g, h };
                *totals = totals.add(Totals { loss: 0.0, g_abs: g.abs(), h, h_min: h, h_max: h });
            }
        }
    }
    totals[0].loss = losses.into_iter().fold(0.0, |a, b| a + b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_the_loss_and_both_widths_agree() {
        let n = 1003;
        let of = |k: usize| (0..n).map(move |i| ((i * 37 + k * 11) % 83) as f64 * 0.2 - 8.0).collect();
        let scores: [Vec<f64>; 3] = [of(0), of(1), of(2)];
        let labels: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
        let weights: Vec<f64> = (0..n).map(|i| (i % 5) as f64 + 0.5).collect();
        let slices: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
        for weights in [None, Some(&weights[..])] {
            let rows = ClassRows { scores: &slices, labels: &labels, weights };
            let mut found = vec![vec![Gradient::default(); n]; 3];
            let mut totals = [Totals::EMPTY; 3];
            softmax(rows, &mut found.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>(), &mut totals);
            let mut narrow = vec![vec![Gradient::default(); n]; 3];
            let mut narrow_totals = [Totals::EMPTY; 3];
            let mut views: Vec<_> = narrow.iter_mut().map(Vec::as_mut_slice).collect();
            softmax_any(rows, &mut views, &mut narrow_totals, &mut [[0.0; LANES]; 3]);
            assert_eq!((&found, totals), (&narrow, narrow_totals));
            let mut loss = 0.0;
            for row in 0..n {
                let e = [0, 1, 2].map(|k: usize| scores[k][row].exp());
                let sum: f64 = e.iter().sum();
                let w = weights.map_or(1.0, |w| w[row]);
                loss -= w * (e[row % 3] / sum).ln();
                for k in 0..3 {
                    let p = e[k] / sum;
                    let expected = (w * (p - f64::from(row % 3 == k)), w * 1.5 * p * (1.0 - p));
                    assert!((found[k][row].g - expected.0).abs() < 1e-13);
                    assert!((found[k][row].h - expected.1).abs() < 1e-13);
                }
            }
            assert!((totals[0].loss / loss - 1.0).abs() < 1e-12);
        }
    }
}
