//! Against an exhaustive search: every feature, every threshold, either side for missing values, all sums in plain
//! `f64` over the rows themselves.

use ndarray::Array2;

use super::{draws, numeric_schema, real, tiny, trees};
use crate::GbdtParams;
use crate::tree::{Rule, Tree};

struct Best {
    gain: f64,
    left: Vec<usize>,
    right: Vec<usize>,
}

fn score(rows: &[usize], y: &[f64], l1: f64, l2: f64) -> f64 {
    let g: f64 = rows.iter().map(|&r| -y[r]).sum();
    let g = (g.abs() - l1).max(0.0);
    g * g / (rows.len() as f64 + l2)
}

/// The split with the greatest gain.
fn exhaustive(x: &Array2<f64>, y: &[f64], rows: &[usize], p: &GbdtParams) -> Option<Best> {
    let mut best: Option<Best> = None;
    for column in 0..x.ncols() {
        for &at in rows {
            for missing_left in [false, true] {
                let threshold = x[[at, column]];
                let goes = |r: &usize| {
                    let v = x[[*r, column]];
                    if v.is_nan() { missing_left } else { v <= threshold || threshold.is_nan() }
                };
                let (left, right): (Vec<usize>, Vec<usize>) = rows.iter().copied().partition(goes);
                if left.len() < p.min_rows || right.len() < p.min_rows {
                    continue;
                }
                let of = |rows: &[usize]| score(rows, y, p.l1, p.l2);
                let gain = of(&left) + of(&right) - of(rows);
                if best.as_ref().is_none_or(|b| gain > b.gain) {
                    best = Some(Best { gain, left, right });
                }
            }
        }
    }
    best.filter(|b| b.gain > 1e-6)
}

/// Grows the whole tree by exhaustive search; returns the gains in order, and the leaves' values.
fn reference(x: &Array2<f64>, y: &[f64], p: &GbdtParams) -> (Vec<f64>, Vec<f64>) {
    let mut leaves: Vec<Vec<usize>> = vec![(0..y.len()).collect()];
    let mut gains = Vec::new();
    while leaves.len() < p.leaves {
        let found = leaves.iter().enumerate().filter_map(|(i, rows)| Some((i, exhaustive(x, y, rows, p)?)));
        let Some((at, best)) = found.max_by(|a, b| a.1.gain.total_cmp(&b.1.gain)) else { break };
        gains.push(best.gain);
        leaves[at] = best.left;
        leaves.push(best.right);
    }
    let value = |rows: &Vec<usize>| {
        let g: f64 = rows.iter().map(|&r| -y[r]).sum();
        -(g.abs() - p.l1).max(0.0).copysign(g) / (rows.len() as f64 + p.l2)
    };
    (gains, leaves.iter().map(value).collect())
}

fn check(rows: usize, columns: usize, seed: u64, params: &GbdtParams) {
    let mut x = Array2::from_shape_vec((rows, columns), draws(rows * columns, seed)).unwrap();
    x.mapv_inplace(|v| if v < 0.15 { f64::NAN } else { (v * 20.0).floor() });
    let noise = draws(rows, seed + 1);
    let mut y: Vec<f64> = (0..rows)
        .map(|r| {
            noise[r] * 3.0
                + if x[[r, 0]] > 9.0 { 2.0 } else { 0.0 }
                + if x[[r, 1]].is_nan() { 1.0 } else { 0.0 }
        })
        .collect();
    let mean = y.iter().sum::<f64>() / rows as f64;
    y.iter_mut().for_each(|y| *y -= mean);
    let (_, trees) = trees(params, &real(numeric_schema(columns), x.clone(), y.clone()));
    let (gains, values) = reference(&x, &y, params);
    let none = Tree { nodes: vec![], leaves: vec![], category_bits: vec![] };
    let tree = trees.first().unwrap_or(&none);
    assert_eq!(tree.nodes.len(), gains.len(), "seed {seed}");
    for (node, gain) in tree.nodes.iter().zip(&gains) {
        assert!((node.gain - gain).abs() < 1e-5 * gain.max(1.0), "seed {seed}: {} for {gain}", node.gain);
        assert!(matches!(node.rule, Rule::Threshold(_)));
    }
    for (leaf, value) in tree.leaves.iter().zip(&values) {
        // Values come from unrounded gradients: only the order of summation differs.
        assert!((leaf.value.abs() - value.abs()).abs() < 1e-12, "seed {seed}: {} for {value}", leaf.value);
    }
}

#[test]
fn gains_and_leaf_values_are_those_of_an_exhaustive_search() {
    for seed in 0..12 {
        check(80, 3, seed * 10, &GbdtParams { leaves: 6, depth: None, min_rows: 5, ..tiny() });
        check(60, 2, seed * 10 + 5, &GbdtParams { leaves: 5, depth: None, l1: 0.7, l2: 2.5, ..tiny() });
    }
}
