//! Small numerical tools.

use statrs::function::{beta, erf};

/// Neumaier's compensated sum: the error does not grow with the number of terms.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.lost +=
            if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        self.sum = next;
    }

    pub(crate) fn value(self) -> f64 {
        // An overflow leaves infinity − infinity in the correction.
        if self.lost.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::default();
        values.into_iter().for_each(|v| sum.add(v));
        sum
    }
}

/// The `z` with `P(|Z| ≤ z) = level` for a standard normal `Z`.
pub(crate) fn two_sided_z(level: f64) -> f64 {
    std::f64::consts::SQRT_2 * erf::erf_inv(level)
}

/// `P(|Z| > |z|)` for a standard normal `Z`.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    erf::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// `ln(p / (1 − p))` with `p` kept `edge` away from 0 and 1.
pub(crate) fn logit(p: f64, edge: f64) -> f64 {
    let p = p.clamp(edge, 1.0 - edge);
    p.ln() - (-p).ln_1p()
}

/// The inverse of the log-odds, without overflow.
pub(crate) fn expit(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// Jeffreys' equal-tailed interval for a rate after `hits` of `rows` (Brown, Cai & DasGupta 2001): quantiles
/// of Beta(hits + ½, rows − hits + ½); 0 is in it when there was no hit, and 1 when all were hits.
pub(crate) fn jeffreys(hits: f64, rows: f64, level: f64) -> (f64, f64) {
    let (a, b) = (hits + 0.5, rows - hits + 0.5);
    let tail = (1.0 - level) / 2.0;
    let low = if hits <= 0.0 { 0.0 } else { beta_quantile(a, b, tail) };
    let high = if hits >= rows { 1.0 } else { beta_quantile(a, b, 1.0 - tail) };
    (low, high)
}

/// Bisection on the distribution function: 60 steps leave no more than 1e-18 of the unit interval.
fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (0.0f64, 1.0f64);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if beta::beta_reg(a, b, middle) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The non-decreasing sequence closest to `values` in weighted squares, in place (pool adjacent violators,
/// Ayer et al. 1955).
pub(crate) fn pool_adjacent_violators(values: &mut [f64], weights: &[f64]) {
    // Blocks of (weighted sum, weight, rows).
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(values.len());
    for (&value, &weight) in values.iter().zip(weights) {
        let mut block = (value * weight, weight, 1);
        while let Some(&(sum, mass, rows)) = blocks.last() {
            if sum / mass < block.0 / block.1 {
                break;
            }
            block = (sum + block.0, mass + block.1, rows + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut at = 0;
    for (sum, mass, rows) in blocks {
        values[at..at + rows].fill(sum / mass);
        at += rows;
    }
}

/// Piecewise linear through points of rising `x`, constant beyond both ends; never outside its two
/// neighbours.
pub(crate) fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let above = points.partition_point(|point| point.0 < x);
    match (above.checked_sub(1).and_then(|i| points.get(i)), points.get(above)) {
        (Some(&(x0, y0)), Some(&(x1, y1))) => {
            let y = y0 + (y1 - y0) * ((x - x0) / (x1 - x0));
            y.max(y0.min(y1)).min(y0.max(y1))
        }
        (None, Some(&(_, y))) | (Some(&(_, y)), None) => y,
        (None, None) => x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Golden {
        jeffreys: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        hits: f64,
        rows: f64,
        level: f64,
        low: f64,
        high: f64,
    }

    #[test]
    fn jeffreys_intervals_equal_scipy() {
        let golden: Golden = serde_json::from_str(include_str!("../tests/golden/golden.json")).unwrap();
        assert!(!golden.jeffreys.is_empty());
        for case in golden.jeffreys {
            let (low, high) = jeffreys(case.hits, case.rows, case.level);
            assert!((low - case.low).abs() < 1e-9, "{} of {}: {low}, {}", case.hits, case.rows, case.low);
            assert!((high - case.high).abs() < 1e-9, "{} of {}: {high}, {}", case.hits, case.rows, case.high);
        }
    }

    #[test]
    fn compensated_sums_keep_small_terms() {
        assert_eq!([1e100, 1.0, -1e100].into_iter().collect::<Sum>().value(), 1.0);
    }

    #[test]
    fn violators_are_pooled_by_weight() {
        let mut values = [1.0, 4.0, 1.0, 5.0];
        pool_adjacent_violators(&mut values, &[1.0, 1.0, 2.0, 1.0]);
        assert_eq!(values, [1.0, 2.0, 2.0, 5.0]);
    }
}
