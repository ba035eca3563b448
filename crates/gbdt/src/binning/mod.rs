//! Cutting features into at most 255 bins, with one more for missing values.
//!
//! A numeric feature with few different values has a bin for each; with more, bins hold about the same weight of
//! rows. A level of a categorical feature has a bin of its own, except that the rarest share the last one where
//! there are more levels than bins. A feature whose rows all fall into one bin is left out.

mod matrix;

use ndarray::ArrayView2;
use rayon::prelude::*;
use tenure_core::{FeatureKind, Schema, seed};

pub(crate) use matrix::BinnedMatrix;

/// Rows looked at to find the bounds of numeric bins.
const SAMPLE: usize = 200_000;

/// How the values of one feature become bins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bins {
    /// Bin `b` holds the values above `bounds[b - 1]` up to `bounds[b]`; the last has no bound.
    Numeric { bounds: Vec<f64> },
    /// Bin of each level; `None` for a level that no training row has.
    Categorical { of_level: Vec<Option<u8>> },
}

/// One feature that can be split on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BinnedFeature {
    /// Column in the schema.
    pub column: usize,
    pub bins: Bins,
    /// Bins of known values.
    pub known: usize,
    /// Whether training rows lack the value; their bin is number `known`.
    pub missing: bool,
}

impl BinnedFeature {
    /// All bins.
    pub(crate) fn total(&self) -> usize {
        self.known + usize::from(self.missing)
    }

    pub(crate) fn is_categorical(&self) -> bool {
        matches!(self.bins, Bins::Categorical { .. })
    }

    /// The largest value of a numeric bin; `f64::MAX` for the last.
    pub(crate) fn threshold(&self, bin: usize) -> f64 {
        match &self.bins {
            Bins::Numeric { bounds } => bounds.get(bin).copied().unwrap_or(f64::MAX),
            Bins::Categorical { .. } => f64::MAX,
        }
    }
}

/// Training rows: the matrix, which of its rows, and their weights.
#[derive(Clone, Copy)]
pub(crate) struct TrainingRows<'a> {
    pub x: ArrayView2<'a, f64>,
    /// Rows of `x` to learn from, ascending.
    pub rows: &'a [u32],
    /// One weight for each of `rows`.
    pub weights: Option<&'a [f64]>,
}

/// The features worth splitting on, in the order of the schema.
pub(crate) fn find_bins(
    schema: &Schema,
    data: TrainingRows<'_>,
    max: usize,
    seed: u64,
    parallel: bool,
) -> Vec<BinnedFeature> {
    let sample = sample(data.rows.len(), seed);
    let bins = |column: usize| match &schema.features()[column].kind {
        FeatureKind::Numeric => numeric(column, data, &sample, max),
        FeatureKind::Categorical { levels } => categorical(column, levels.len(), data, max),
    };
    let found: Vec<BinnedFeature> = if parallel {
        (0..schema.len()).into_par_iter().map(bins).collect()
    } else {
        (0..schema.len()).map(bins).collect()
    };
    found.into_iter().filter(|f| f.total() > 1).collect()
}

/// Positions among the training rows: all of them, or one drawn from each of `SAMPLE` equal stretches.
fn sample(n: usize, seed: u64) -> Vec<usize> {
    if n <= SAMPLE {
        return (0..n).collect();
    }
    let stretch = n as f64 / SAMPLE as f64;
    (0..SAMPLE).map(|i| (((i as f64 + seed::unit(seed, i as u64)) * stretch) as usize).min(n - 1)).collect()
}

fn numeric(column: usize, data: TrainingRows<'_>, sample: &[usize], max: usize) -> BinnedFeature {
    let missing = data.rows.iter().any(|&row| data.x[[row as usize, column]].is_nan());
    let weight = |at: usize| data.weights.map_or(1.0, |w| w[at]);
    let value = |at: usize| data.x[[data.rows[at] as usize, column]];
    let mut distinct: Vec<(f64, f64)> = match data.weights {
        None => {
            let mut values: Vec<f64> = sample.iter().map(|&at| value(at)).filter(|v| !v.is_nan()).collect();
            values.sort_unstable_by(f64::total_cmp);
            values.into_iter().map(|v| (v, 1.0)).collect()
        }
        Some(_) => {
            let mut values: Vec<(f64, f64)> =
                sample.iter().map(|&at| (value(at), weight(at))).filter(|(v, _)| !v.is_nan()).collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            values
        }
    };
    // Equal values become one with the sum of their weights; −0 equals 0.
    distinct.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let bounds = cut(&distinct, max);
    let known = if distinct.is_empty() { 0 } else { bounds.len() + 1 };
    BinnedFeature { column, bins: Bins::Numeric { bounds }, known, missing }
}

/// Bounds between the bins of ascending (value, weight) pairs: a value heavier than a fair share has a bin of its
/// own, and the rest is cut into even parts.
fn cut(distinct: &[(f64, f64)], max: usize) -> Vec<f64> {
    let between = |i: usize| {
        let (low, high) = (distinct[i].0, distinct[i + 1].0);
        let middle = low / 2.0 + high / 2.0;
        if middle >= low && middle < high { middle } else { low }
    };
    if distinct.len() <= max {
        return (0..distinct.len().saturating_sub(1)).map(between).collect();
    }
    let total: f64 = distinct.iter().map(|d| d.1).sum();
    let fair = total / max as f64;
    let heavy = distinct.iter().filter(|d| d.1 >= fair);
    let (heavy_bins, heavy_weight) = heavy.fold((0, 0.0), |(n, w), d| (n + 1, w + d.1));
    let mut light_bins = max - heavy_bins;
    let mut light_weight = total - heavy_weight;
    let mut share = light_weight / light_bins.max(1) as f64;
    let mut bounds = Vec::with_capacity(max - 1);
    let mut filled = 0.0;
    for i in 0..distinct.len() - 1 {
        let weight = distinct[i].1;
        let heavy = weight >= fair;
        let next = distinct[i + 1].1;
        if !heavy {
            light_weight -= weight;
        }
        filled += weight;
        // Before a heavy value a bin may close half full, so that it need not share with it.
        if heavy || filled >= share || (next >= fair && filled >= share / 2.0) {
            bounds.push(between(i));
            filled = 0.0;
            if bounds.len() == max - 1 {
                break;
            }
            if !heavy {
                light_bins = light_bins.saturating_sub(1);
                share = light_weight / light_bins.max(1) as f64;
            }
        }
    }
    bounds
}

fn categorical(column: usize, levels: usize, data: TrainingRows<'_>, max: usize) -> BinnedFeature {
    let mut weights = vec![0.0; levels];
    let mut missing = false;
    for (at, &row) in data.rows.iter().enumerate() {
        let value = data.x[[row as usize, column]];
        if value.is_nan() {
            missing = true;
        } else {
            weights[value as usize] += data.weights.map_or(1.0, |w| w[at]);
        }
    }
    let mut order: Vec<usize> = (0..levels).filter(|&level| weights[level] > 0.0).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    let mut of_level = vec![None; levels];
    for (rank, &level) in order.iter().enumerate() {
        of_level[level] = Some(rank.min(max - 1) as u8);
    }
    BinnedFeature { column, bins: Bins::Categorical { of_level }, known: order.len().min(max), missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use tenure_core::Feature;

    fn bins_of(values: &[f64], max: usize) -> BinnedFeature {
        let x = Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap();
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        let sample: Vec<usize> = (0..values.len()).collect();
        numeric(0, TrainingRows { x: x.view(), rows: &rows, weights: None }, &sample, max)
    }

    #[test]
    fn few_values_have_a_bin_each_and_bounds_lie_between() {
        let f = bins_of(&[3.0, 1.0, f64::NAN, 1.0, 2.0], 255);
        assert_eq!((f.known, f.missing), (3, true));
        assert_eq!(f.bins, Bins::Numeric { bounds: vec![1.5, 2.5] });
        let next = f64::from_bits(1.0f64.to_bits() + 1);
        assert_eq!(bins_of(&[1.0, next], 255).bins, Bins::Numeric { bounds: vec![1.0] });
        assert_eq!(bins_of(&[-f64::MAX, f64::MAX], 255).bins, Bins::Numeric { bounds: vec![0.0] });
        assert_eq!(bins_of(&[-0.0, 0.0], 255).total(), 1);
    }

    #[test]
    fn many_values_share_bins_of_even_weight() {
        let values: Vec<f64> = (0..10_000).map(|i| if i < 5000 { 0.0 } else { f64::from(i) }).collect();
        let f = bins_of(&values, 64);
        let Bins::Numeric { bounds } = &f.bins else { panic!() };
        assert_eq!(f.known, 64);
        assert!(bounds[0] > 0.0 && bounds[0] < 5001.0, "the heavy value has a bin of its own");
        let counts: Vec<usize> =
            bounds.windows(2).map(|w| values.iter().filter(|&&v| v > w[0] && v <= w[1]).count()).collect();
        assert!(counts.iter().all(|&c| (75..=85).contains(&c)), "{counts:?}");
    }

    #[test]
    fn rare_levels_share_the_last_bin() {
        let levels: Vec<String> = (0..600).map(|i| i.to_string()).collect();
        let schema = Schema::new(vec![Feature::categorical("c", levels, "")]).unwrap();
        let codes: Vec<f64> = (0..500).flat_map(|i| vec![f64::from(i); if i < 10 { 5 } else { 1 }]).collect();
        let x = Array2::from_shape_vec((codes.len(), 1), codes).unwrap();
        let rows: Vec<u32> = (0..x.nrows() as u32).collect();
        let data = TrainingRows { x: x.view(), rows: &rows, weights: None };
        let found = find_bins(&schema, data, 255, 0, false);
        let Bins::Categorical { of_level } = &found[0].bins else { panic!() };
        assert_eq!(
            (found[0].known, of_level[3], of_level[499], of_level[550]),
            (255, Some(3), Some(254), None)
        );
    }
}
