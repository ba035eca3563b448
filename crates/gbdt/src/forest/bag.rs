//! Which rows a tree learns from, and how often.
//!
//! Each draw follows from the seed of the tree and the place of the row among those that can be learned from: rows
//! that cannot (no label, weight 0) do not shift the draws of others.

use tenure_core::seed::{mix, unit};

use super::ForestParams;

/// Above this mean a Poisson draw is a rounded normal one.
const LARGE_MEAN: f64 = 30.0;

/// Mean weight beyond which a row more or less is lost in rounding anyway.
const MOST_MEAN: f64 = 1e9;

/// How rows are drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bagging<'a> {
    pub bootstrap: bool,
    pub fraction: f64,
    /// `None` where all are 1.
    pub weights: Option<&'a [f64]>,
    pub rows: usize,
}

impl<'a> Bagging<'a> {
    pub(super) fn new(params: &ForestParams, rows: usize, weights: Option<&'a [f64]>) -> Self {
        Self { bootstrap: params.bootstrap, fraction: params.row_fraction, weights, rows }
    }

    /// Draws: how often each row counts, and the rows that count at all. Where chance would draw none, all count.
    pub(super) fn draw(&self, seed: u64, counts: &mut Vec<f64>, drawn: &mut Vec<u32>) {
        let weight = |row: usize| self.weights.map_or(1.0, |w| w[row]);
        counts.clear();
        match (self.bootstrap, self.weights) {
            (true, None) => {
                let table = Cumulative::new(self.fraction);
                counts.extend((0..self.rows).map(|row| table.draw(mix(seed, row as u64))));
            }
            (true, Some(weights)) => counts.extend(
                weights.iter().enumerate().map(|(row, w)| poisson(w * self.fraction, mix(seed, row as u64))),
            ),
            (false, _) if self.fraction >= 1.0 => counts.extend((0..self.rows).map(weight)),
            (false, _) => counts.extend(
                (0..self.rows)
                    .map(|row| if unit(seed, row as u64) < self.fraction { weight(row) } else { 0.0 }),
            ),
        }
        if counts.iter().all(|&count| count == 0.0) {
            counts.clear();
            counts.extend((0..self.rows).map(weight));
        }
        drawn.clear();
        drawn.resize(self.rows, 0);
        let mut kept = 0;
        for (row, &count) in counts.iter().enumerate() {
            drawn[kept] = row as u32;
            kept += usize::from(count > 0.0);
        }
        drawn.truncate(kept);
    }
}

/// A Poisson distribution with a mean of at most 1, to be drawn from often.
struct Cumulative([u64; 12]);

impl Cumulative {
    fn new(mean: f64) -> Self {
        let (mut p, mut below) = ((-mean).exp(), 0.0);
        Self(std::array::from_fn(|k| {
            below += p;
            p *= mean / (k + 1) as f64;
            // Saturates at the top, which is never drawn above.
            (below * 2.0_f64.powi(64)) as u64
        }))
    }

    #[inline(always)]
    fn draw(&self, bits: u64) -> f64 {
        // Four without a branch; more is drawn by two rows in a hundred.
        let count = self.0[..4].iter().map(|&below| u32::from(bits >= below)).sum::<u32>();
        let more = if count == 4 { self.0[4..].iter().filter(|&&below| bits >= below).count() } else { 0 };
        f64::from(count) + more as f64
    }
}

/// A draw from a Poisson distribution: inversion, or for a large mean the normal distribution rounded.
fn poisson(mean: f64, bits: u64) -> f64 {
    let uniform = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
    if mean > LARGE_MEAN {
        // 1 − u is above 0.
        let radius = (-2.0 * (1.0 - uniform(bits)).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * uniform(mix(bits, 0))).cos();
        return (mean + mean.sqrt() * normal).round().max(0.0);
    }
    let u = uniform(bits);
    let (mut p, mut count) = ((-mean).exp(), 0.0);
    let mut below = p;
    while u >= below && count < 200.0 {
        count += 1.0;
        p *= mean / count;
        below += p;
    }
    count
}

/// Weights as numbers of rows: a mean of at least 1, and at most [`MOST_MEAN`], so that squares of sums stay finite.
pub(super) fn scaled(mut weights: Vec<f64>, total: f64) -> Vec<f64> {
    let mean = total / weights.len().max(1) as f64;
    let wanted = mean.clamp(1.0, MOST_MEAN);
    if mean != wanted {
        weights.iter_mut().for_each(|w| *w = *w / mean * wanted);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_poisson() {
        let n = 200_000;
        let table = Cumulative::new(1.0);
        for mean in [0.3, 1.0, 2.5, 29.0, 31.0, 1e6] {
            let draws: Vec<f64> = (0..n).map(|i| poisson(mean, mix(9, i))).collect();
            let average = draws.iter().sum::<f64>() / n as f64;
            let variance = draws.iter().map(|d| (d - average).powi(2)).sum::<f64>() / n as f64;
            let noise = (mean / n as f64).sqrt();
            assert!((average - mean).abs() < 5.0 * noise, "{mean}: {average}");
            assert!((variance / mean - 1.0).abs() < 0.03, "{mean}: variance {variance}");
            if mean == 1.0 {
                assert!((0..n).zip(&draws).all(|(i, &d)| table.draw(mix(9, i)) == d));
            }
        }
    }

    #[test]
    fn rows_without_replacement_keep_their_weight() {
        let weights: Vec<f64> = (1..=1000).map(f64::from).collect();
        let bag = Bagging { bootstrap: false, fraction: 0.4, weights: Some(&weights), rows: 1000 };
        let (mut counts, mut drawn) = (Vec::new(), Vec::new());
        bag.draw(3, &mut counts, &mut drawn);
        assert!((330..470).contains(&drawn.len()), "{}", drawn.len());
        assert!(drawn.is_sorted());
        for (row, &count) in counts.iter().enumerate() {
            let expected = if drawn.contains(&(row as u32)) { weights[row] } else { 0.0 };
            assert_eq!(count, expected);
        }
    }

    #[test]
    fn a_bag_is_never_empty() {
        let (mut counts, mut drawn) = (Vec::new(), Vec::new());
        for seed in 0..50 {
            Bagging { bootstrap: true, fraction: 0.01, weights: None, rows: 2 }.draw(
                seed,
                &mut counts,
                &mut drawn,
            );
            assert!(!drawn.is_empty());
        }
    }

    #[test]
    fn small_weights_are_scaled_and_large_ones_kept() {
        assert_eq!(scaled(vec![0.25, 0.75], 1.0), [0.5, 1.5]);
        assert_eq!(scaled(vec![1.0, 3.0], 4.0), [1.0, 3.0]);
        assert_eq!(scaled(vec![1e300, 1e300], 2e300), [1e9, 1e9]);
    }
}
