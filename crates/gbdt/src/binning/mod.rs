//! Cutting features into at most 255 bins, with one more for missing values.
//!
//! A numeric feature with few different values has a bin for each; with more, bins hold about the same weight of
//! rows. A level of a categorical feature has a bin of its own; a feature with more levels than bins is binned several
//! times over, each time with other levels in bins of their own and all others in one. A feature whose rows all fall
//! into one bin is left out.

mod matrix;
mod pages;
mod sample;

use ndarray::ArrayView2;
use rayon::prelude::*;
use tenure_core::{FeatureKind, Schema};

pub(crate) use matrix::BinnedMatrix;
pub(crate) use pages::zeroed;

/// How often a feature of many levels is binned at most; what is rarer than the levels that fit shares a bin for good.
const MOST_PARTS: usize = 16;

/// How the values of one feature become bins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bins {
    /// Bin `b` holds the values above `bounds[b - 1]` up to `bounds[b]`; the last has no bound.
    Numeric { bounds: Vec<f64> },
    /// Bin of each level; `None` for a level that no training row has.
    Categorical { of_level: Vec<Option<u8>> },
}

/// One feature that can be split on, or a part of its levels.
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
    let sample = sample::sample(data.rows.len(), seed);
    let missing = sample::missing(data, parallel);
    let weights = || data.weights.map(|w| sample.iter().map(|&at| w[at]).collect());
    let bins = |column: usize, values: Vec<f64>| match &schema.features()[column].kind {
        FeatureKind::Numeric => vec![numeric(column, values, weights(), missing[column], max)],
        FeatureKind::Categorical { levels } => categorical(column, levels.len(), data, max),
    };
    let some = |group: usize| -> Vec<BinnedFeature> {
        let first = group * sample::COLUMNS;
        let values = sample::gather(data.x, data.rows, &sample, first);
        (first..).zip(values).flat_map(|(column, values)| bins(column, values)).collect()
    };
    let groups = 0..schema.len().div_ceil(sample::COLUMNS);
    let found: Vec<BinnedFeature> = if parallel {
        groups.into_par_iter().flat_map_iter(some).collect()
    } else {
        groups.flat_map(some).collect()
    };
    found.into_iter().filter(|f| f.total() > 1).collect()
}

/// How many columns of a schema are left out for want of a second bin.
pub(crate) fn constant_columns(schema: &Schema, features: &[BinnedFeature]) -> usize {
    let mut used: Vec<usize> = features.iter().map(|f| f.column).collect();
    used.dedup();
    schema.len() - used.len()
}

/// The bins of a column with these `values` in the sampled rows, of these `weights`.
fn numeric(
    column: usize,
    mut values: Vec<f64>,
    weights: Option<Vec<f64>>,
    missing: bool,
    max: usize,
) -> BinnedFeature {
    let mut distinct: Vec<(f64, f64)> = match weights {
        None => {
            values.retain(|v| !v.is_nan());
            sample::sort(&mut values);
            values.into_iter().map(|v| (v, 1.0)).collect()
        }
        Some(weights) => {
            let mut values: Vec<(f64, f64)> =
                values.into_iter().zip(weights).filter(|(v, _)| !v.is_nan()).collect();
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

/// Levels by falling weight: the heaviest in the first part, then the next. Splits of one part are splits of the whole
/// feature in which the levels of the others stay together, so that a few nodes do what one split could.
fn categorical(column: usize, levels: usize, data: TrainingRows<'_>, max: usize) -> Vec<BinnedFeature> {
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
    // One bin of each part is for the levels of the others.
    let own = if order.len() > max { max - 1 } else { max };
    let part = |levels_of_part: &[usize]| {
        let mut of_level = vec![None; levels];
        let shared = levels_of_part.len();
        order.iter().for_each(|&level| of_level[level] = Some(shared as u8));
        levels_of_part.iter().enumerate().for_each(|(bin, &level)| of_level[level] = Some(bin as u8));
        let known = shared + usize::from(shared < order.len());
        BinnedFeature { column, bins: Bins::Categorical { of_level }, known, missing }
    };
    if order.is_empty() {
        return vec![part(&[])];
    }
    order.chunks(own).take(MOST_PARTS).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use tenure_core::Feature;

    fn bins_of(values: &[f64], max: usize) -> BinnedFeature {
        numeric(0, values.to_vec(), None, values.iter().any(|v| v.is_nan()), max)
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
    fn more_levels_than_bins_are_binned_in_parts() {
        let levels: Vec<String> = (0..600).map(|i| i.to_string()).collect();
        let schema = Schema::new(vec![Feature::categorical("c", levels, "")]).unwrap();
        let codes: Vec<f64> = (0..500).flat_map(|i| vec![f64::from(i); if i < 10 { 5 } else { 1 }]).collect();
        let x = Array2::from_shape_vec((codes.len(), 1), codes).unwrap();
        let rows: Vec<u32> = (0..x.nrows() as u32).collect();
        let data = TrainingRows { x: x.view(), rows: &rows, weights: None };
        let found = find_bins(&schema, data, 255, 0, false);
        let of = |part: usize, level: usize| match &found[part].bins {
            Bins::Categorical { of_level } => of_level[level],
            Bins::Numeric { .. } => None,
        };
        assert_eq!(found.iter().map(|f| f.known).collect::<Vec<_>>(), [255, 247]);
        assert_eq!(
            [of(0, 3), of(0, 253), of(0, 254), of(0, 499), of(0, 550)].map(|b| b.map(u32::from)),
            [Some(3), Some(253), Some(254), Some(254), None]
        );
        assert_eq!([of(1, 3), of(1, 254), of(1, 499)], [Some(246), Some(0), Some(245)]);
        assert_eq!(constant_columns(&schema, &found), 0);
        assert_eq!(find_bins(&schema, data, 2, 0, false).len(), MOST_PARTS);
    }

    #[test]
    fn no_more_levels_than_bins_have_one_each() {
        let schema = Schema::new(vec![Feature::categorical("c", ["a", "b", "c", "d"], "")]).unwrap();
        let x = Array2::from_shape_vec((4, 1), vec![3.0, 0.0, 3.0, 1.0]).unwrap();
        let data = TrainingRows { x: x.view(), rows: &[0, 1, 2, 3], weights: None };
        for max in [3, 255] {
            let found = find_bins(&schema, data, max, 0, false);
            assert_eq!((found.len(), found[0].known), (1, 3));
            assert_eq!(found[0].bins, Bins::Categorical { of_level: vec![Some(1), Some(2), None, Some(0)] });
        }
    }
}
