//! Fits whose answer is known: by hand, by an exhaustive search in plain `f64`, or by a law.

mod bits;
mod constraints;
mod continuing;
mod laws;
mod objectives;
mod reference;

use ndarray::Array2;
use tenure_core::{Dataset, Feature, FitContext, Schema, Target, seed};

use super::finish::leaf_of;
use super::sampling;
use crate::GbdtParams;
use crate::tree::{Rule, Tree};

/// Parameters that follow tiny data.
pub(super) fn tiny() -> GbdtParams {
    let mut params = GbdtParams { trees: 1, learning_rate: 1.0, min_rows: 1, ..GbdtParams::default() };
    params.categorical.min_group_rows = 1;
    params.categorical.smoothing = 0.0;
    params.categorical.l2 = 0.0;
    params
}

pub(super) fn numeric_schema(columns: usize) -> Schema {
    Schema::new((0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect()).unwrap()
}

pub(super) fn real(schema: Schema, x: Array2<f64>, y: Vec<f64>) -> Dataset {
    Dataset::new(schema, x).unwrap().with_target(Target::real("y", y).unwrap()).unwrap()
}

pub(super) fn column(values: &[f64]) -> Array2<f64> {
    Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
}

/// Base score and trees.
pub(super) fn trees(params: &GbdtParams, data: &Dataset) -> (f64, Vec<Tree>) {
    let boosting = super::boost::boosted(params, data, &FitContext::new(1)).unwrap();
    (boosting.0, boosting.1)
}

/// Numbers in [0, 1) from a seed.
pub(super) fn draws(n: usize, from: u64) -> Vec<f64> {
    (0..n as u64).map(|i| seed::unit(from, i)).collect()
}

#[test]
fn the_best_numeric_split_is_found() {
    let data = real(numeric_schema(1), column(&[1.0, 2.0, 3.0, 10.0]), vec![0.0, 0.0, 4.0, 4.0]);
    let (base, trees) = trees(&GbdtParams { leaves: 2, ..tiny() }, &data);
    assert_eq!(base, 2.0);
    let node = trees[0].nodes[0];
    assert_eq!((node.rule, node.cover), (Rule::Threshold(2.5), 4.0));
    // Children −4²/2 … : 16/2 + 16/2 − 0.
    assert!((node.gain - 16.0).abs() < 1e-6, "{}", node.gain);
    assert_eq!(
        trees[0].leaves.iter().map(|l| (l.value, l.cover)).collect::<Vec<_>>(),
        [(-2.0, 2.0), (2.0, 2.0)]
    );
    // None was missing: NaN goes left, the sides being equal.
    assert!(node.missing_left);
}

#[test]
fn missing_values_go_to_the_side_they_resemble() {
    for (label, left) in [(0.0, true), (4.0, false)] {
        let x = column(&[1.0, 2.0, 3.0, 4.0, f64::NAN]);
        let data = real(numeric_schema(1), x, vec![0.0, 0.0, 4.0, 4.0, label]);
        let node = trees(&GbdtParams { leaves: 2, ..tiny() }, &data).1[0].nodes[0];
        assert_eq!((node.rule, node.missing_left), (Rule::Threshold(2.5), left));
    }
}

#[test]
fn missing_alone_can_be_split_off() {
    let data = real(numeric_schema(1), column(&[1.0, 1.0, f64::NAN, f64::NAN]), vec![0.0, 0.0, 3.0, 3.0]);
    let tree = &trees(&tiny(), &data).1[0];
    assert_eq!((tree.nodes[0].rule, tree.nodes[0].missing_left), (Rule::Threshold(f64::MAX), false));
    assert_eq!(tree.leaves[leaf_of(tree, &[f64::NAN])].value, 1.5);
}

#[test]
fn categories_are_grouped_and_unseen_ones_are_missing() {
    let levels: Vec<String> = (0..70).map(|i| i.to_string()).collect();
    let schema = Schema::new(vec![Feature::categorical("c", levels, "")]).unwrap();
    let codes: Vec<f64> = (0..60).map(|i| f64::from(i % 6)).collect();
    let y = codes.iter().map(|&c| if [0.0, 3.0, 4.0].contains(&c) { 1.0 } else { 0.0 }).collect();
    let tree = &trees(&tiny(), &real(schema, column(&codes), y)).1[0];
    assert_eq!((tree.nodes.len(), tree.nodes[0].missing_left), (1, true));
    let value = |c: f64| tree.leaves[leaf_of(tree, &[c])].value;
    assert_eq!([0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(value), [0.5, -0.5, -0.5, 0.5, 0.5, -0.5]);
    assert_eq!(value(69.0), value(f64::NAN));
}

#[test]
fn few_categories_are_tried_one_against_the_rest() {
    let schema = Schema::new(vec![Feature::categorical("c", ["a", "b", "c"], "")]).unwrap();
    let codes = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0];
    let data = real(schema, column(&codes), vec![1.0, 1.0, 5.0, 5.0, 1.0, 1.0]);
    let tree = &trees(&tiny(), &data).1[0];
    assert_eq!(tree.nodes.len(), 1);
    assert_ne!(leaf_of(tree, &[1.0]), leaf_of(tree, &[0.0]));
    assert_eq!(leaf_of(tree, &[2.0]), leaf_of(tree, &[0.0]));
}

#[test]
fn least_rows_are_counted_whatever_the_weights() {
    // By Hessians, the one heavy row would pass for many.
    let mut x = vec![0.0; 40];
    x[0] = 1.0;
    x[1] = 2.0;
    let y = x.iter().map(|v| if *v > 0.0 { 10.0 } else { 0.0 }).collect();
    let mut weights = vec![0.01; 40];
    weights[0] = 100.0;
    let data = real(numeric_schema(1), column(&x), y).with_weights(weights).unwrap();
    assert!(trees(&GbdtParams { min_rows: 3, ..tiny() }, &data).1.is_empty());
    assert_eq!(trees(&GbdtParams { min_rows: 2, ..tiny() }, &data).1[0].nodes.len(), 1);
}

#[test]
fn rows_outside_the_sample_are_scored_by_the_tree() {
    let mut index = Vec::new();
    sampling::rows(100, 0.5, 3, &mut index);
    assert!(index.len() > 30 && index.len() < 70);
    let x = draws(4000, 5);
    let y: Vec<f64> = x.iter().map(|v| (v * 9.0).floor()).collect();
    let params = GbdtParams { trees: 100, learning_rate: 0.2, row_fraction: 0.5, ..GbdtParams::default() };
    let (base, trees) = trees(&params, &real(numeric_schema(1), column(&x), y.clone()));
    let error = x.iter().zip(&y).map(|(&x, y)| {
        let sum: f64 = trees.iter().map(|t| t.leaves[leaf_of(t, &[x])].value).sum();
        (base + sum - y).abs()
    });
    assert!(error.sum::<f64>() / 4000.0 < 0.1);
}
