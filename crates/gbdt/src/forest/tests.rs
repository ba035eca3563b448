//! Laws that every forest keeps, on the trees themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ndarray::Array2;
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target, seed};

use super::bag::Bagging;
use super::fit::{Parts, ROWS, parts};
use super::{Columns, Criterion, ForestParams};
use crate::train::leaf_of;
use crate::tree::{Rule, Tree};

fn draw(row: usize, column: u64) -> f64 {
    seed::unit(seed::mix(11, column), row as u64)
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Binary,
    Classes,
    Number,
}

/// Three numeric columns, of which the second is missing in a fifth of the rows, and a category of 70 levels.
fn data(kind: Kind, rows: usize) -> Dataset {
    let x = Array2::from_shape_fn((rows, 4), |(row, column)| match column {
        1 if draw(row, 9) < 0.2 => f64::NAN,
        2 => (draw(row, 2) * 4.0).floor(),
        3 => (draw(row, 3) * 70.0).floor(),
        _ => draw(row, column as u64),
    });
    let signal = |row: usize| {
        let second = if x[[row, 1]].is_nan() { 0.9 } else { x[[row, 1]] };
        x[[row, 0]] + second + 0.2 * x[[row, 2]] + 0.5 * f64::from(x[[row, 3]] % 3.0 == 0.0) + draw(row, 5)
    };
    let values = (0..rows).map(|row| match kind {
        Kind::Binary => f64::from(u8::from(signal(row) > 1.9)),
        Kind::Classes => ((signal(row) / 1.2).floor()).clamp(0.0, 2.0),
        Kind::Number => 100.0 + signal(row),
    });
    let values = values.collect();
    let target = match kind {
        Kind::Binary => Target::binary("y", values),
        Kind::Classes => Target::classes("y", ["low", "middle", "high"], values),
        Kind::Number => Target::real("y", values),
    };
    let features = vec![
        Feature::numeric("a", "", ""),
        Feature::numeric("b", "", ""),
        Feature::numeric("few", "", ""),
        Feature::categorical("c", (0..70).map(|l| l.to_string()), ""),
    ];
    Dataset::new(Schema::new(features).unwrap(), x).unwrap().with_target(target.unwrap()).unwrap()
}

fn grown(params: &ForestParams, data: &Dataset, seed: u64) -> Parts {
    parts(params, data, None, &FitContext::new(seed).with_threads(1)).unwrap()
}

fn depth(tree: &Tree, at: i32) -> usize {
    if at < 0 {
        0
    } else {
        tree.nodes[at as usize].children().map(|child| 1 + depth(tree, child)).max().unwrap()
    }
}

impl crate::tree::Node {
    fn children(&self) -> impl Iterator<Item = i32> {
        [self.left, self.right].into_iter()
    }
}

const KINDS: [Kind; 3] = [Kind::Binary, Kind::Classes, Kind::Number];

#[test]
fn limits_are_kept() {
    for kind in KINDS {
        for extra in [false, true] {
            let params = ForestParams {
                trees: 10,
                depth: Some(4),
                min_rows: 7,
                min_rows_split: 40,
                extra,
                ..ForestParams::default()
            };
            let found = grown(&params, &data(kind, 600), 1);
            let mut deepest = 0;
            for tree in &found.trees {
                tree.check(&found.spec.schema).unwrap();
                assert!(tree.leaves.iter().all(|leaf| leaf.cover >= 7.0));
                assert!(tree.nodes.iter().all(|node| node.cover >= 40.0 && node.gain >= 0.0));
                deepest = deepest.max(depth(tree, tree.root()));
                for node in &tree.nodes {
                    let sum = tree.cover(node.left) + tree.cover(node.right);
                    assert!((sum - node.cover).abs() < 1e-9 * sum);
                }
            }
            assert_eq!(deepest, 4, "{kind:?}");
        }
    }
}

#[test]
fn a_split_must_gain_what_is_asked() {
    let params = |min_gain| ForestParams { trees: 5, min_rows: 1, min_gain, ..ForestParams::default() };
    let data = data(Kind::Number, 400);
    let free = grown(&params(0.0), &data, 1);
    let asked = grown(&params(0.01), &data, 1);
    assert!(asked.trees[0].nodes.len() * 4 < free.trees[0].nodes.len());
    assert!(!asked.trees[0].nodes.is_empty());
    // Gains are shares of the five trees, and weights the drawn rows.
    for tree in &asked.trees {
        let rows = tree.nodes[0].cover;
        assert!(tree.nodes.iter().all(|node| node.gain * 5.0 >= 0.01 * rows * 0.999));
    }
}

/// Also shows that a row takes the same way by its bins in training and by its values in the model.
#[test]
fn out_of_bag_predictions_are_the_means_of_the_trees_that_did_not_see_the_row() {
    for kind in KINDS {
        for (extra, bootstrap) in [(false, true), (true, false)] {
            let row_fraction = if bootstrap { 1.0 } else { 0.5 };
            let params =
                ForestParams { trees: 12, extra, bootstrap, row_fraction, min_rows: 2, ..Default::default() };
            let data = data(kind, 300);
            let found = grown(&params, &data, 5);
            let outputs = found.bases.len();
            let out_of_bag = found.report.out_of_bag.unwrap();
            assert_eq!(out_of_bag.len(), 300 * outputs);
            let bagging = Bagging::new(&params, 300, None);
            let mut sums = vec![0.0; 300 * outputs];
            let mut trees = vec![0.0; 300];
            let (mut counts, mut index) = (Vec::new(), Vec::new());
            for (number, of_tree) in found.trees.chunks(outputs).enumerate() {
                bagging.draw(seed::mix(seed::mix(5, ROWS), number as u64), &mut counts, &mut index);
                for row in (0..300).filter(|&row| counts[row] == 0.0) {
                    trees[row] += 1.0;
                    for (k, tree) in of_tree.iter().enumerate() {
                        let leaf = leaf_of(tree, data.row(row).as_slice().unwrap());
                        sums[row * outputs + k] += tree.leaves[leaf].value * 12.0;
                    }
                }
            }
            for (at, &found_mean) in out_of_bag.iter().enumerate() {
                let expected = found.bases[at % outputs] + sums[at] / trees[at / outputs];
                assert!(
                    (found_mean - expected).abs() < 1e-9 || (found_mean.is_nan() && expected.is_nan()),
                    "{kind:?}, row {at}: {found_mean} and {expected}"
                );
            }
            assert!(found.report.history.len() > 5);
            let (first, last) = (found.report.history[0].train, found.report.history.last().unwrap().train);
            assert!(last < first, "{kind:?}: the out-of-bag loss goes from {first} to {last}");
        }
    }
}

/// Impurity of the rows times their number, straight from the definitions.
fn impurity(labels: &[f64], criterion: Criterion) -> f64 {
    let n = labels.len() as f64;
    if criterion == Criterion::SquaredError {
        let mean = labels.iter().sum::<f64>() / n;
        return labels.iter().map(|y| (y - mean).powi(2)).sum();
    }
    let share = |class: usize| labels.iter().filter(|&&y| y == class as f64).count() as f64 / n;
    let of = |p: f64| match criterion {
        Criterion::Entropy if p > 0.0 => -p * p.ln(),
        Criterion::Entropy => 0.0,
        _ => p * (1.0 - p),
    };
    n * (0..3).map(|class| of(share(class))).sum::<f64>()
}

#[test]
fn the_first_split_is_the_best_there_is() {
    let cases = [
        (Kind::Binary, Criterion::Gini),
        (Kind::Binary, Criterion::Entropy),
        (Kind::Classes, Criterion::Gini),
        (Kind::Classes, Criterion::Entropy),
        (Kind::Number, Criterion::SquaredError),
    ];
    for (kind, criterion) in cases {
        for start in [0, 100, 200, 300] {
            // The category is left out: for three classes its best division is not sought everywhere.
            let all = data(kind, 400).select(&(start..start + 60).collect::<Vec<_>>());
            let x = all.x().slice(ndarray::s![.., ..3]).to_owned();
            let schema = Schema::new(all.schema().features()[..3].to_vec()).unwrap();
            let data = Dataset::new(schema, x).unwrap().with_target(all.target().unwrap().clone()).unwrap();
            let params = ForestParams {
                trees: 1,
                depth: Some(1),
                min_rows: 4,
                bootstrap: false,
                columns: Some(Columns::All),
                criterion: Some(criterion),
                ..ForestParams::default()
            };
            let labels = data.target().unwrap().values();
            let mut best = f64::INFINITY;
            for column in 0..3 {
                for cut in data.x().column(column).iter().chain(&[f64::MAX]) {
                    for missing_left in [false, true] {
                        let goes = |v: f64| if v.is_nan() { missing_left } else { v <= *cut };
                        let sides = [true, false].map(|side| -> Vec<f64> {
                            let rows = data.x().column(column).to_vec().into_iter().zip(labels);
                            rows.filter(|&(v, _)| goes(v) == side).map(|(_, &y)| y).collect()
                        });
                        if sides.iter().all(|side| side.len() >= 4) {
                            best = best.min(sides.iter().map(|side| impurity(side, criterion)).sum());
                        }
                    }
                }
            }
            let found = grown(&params, &data, 1);
            // For several classes the gain is shared out among their trees.
            let gain: f64 = found.trees.iter().map(|tree| tree.nodes[0].gain).sum();
            let expected = impurity(labels, criterion) - best;
            assert!((gain - expected).abs() < 1e-9, "{kind:?} {criterion:?}: {gain} for {expected}");
        }
    }
}

#[test]
fn a_random_cut_is_spread_evenly() {
    let x = Array2::from_shape_fn((200, 1), |(row, _)| (row as f64).powi(2));
    let y = (0..200).map(|row| f64::from(row % 2)).collect();
    let schema = Schema::new(vec![Feature::numeric("a", "", "")]).unwrap();
    let data = Dataset::new(schema, x).unwrap().with_target(Target::binary("y", y).unwrap()).unwrap();
    let params = ForestParams {
        trees: 2000,
        depth: Some(1),
        min_rows: 1,
        extra: true,
        bootstrap: false,
        ..ForestParams::default()
    };
    let greatest = 199.0_f64.powi(2);
    let cuts = grown(&params, &data, 1).trees.into_iter().map(|tree| match tree.nodes[0].rule {
        Rule::Threshold(threshold) => threshold / greatest,
        Rule::Categories { .. } => panic!("a numeric feature"),
    });
    let mut cuts: Vec<f64> = cuts.collect();
    cuts.sort_by(f64::total_cmp);
    // Kolmogorov's distance to the uniform distribution, bins included.
    let distance = cuts.iter().enumerate().map(|(i, cut)| (cut - i as f64 / 2000.0).abs());
    let distance = distance.fold(0.0, f64::max);
    assert!(distance < 0.05, "{distance}");
}

#[test]
fn categories_that_tell_the_class_are_divided_by_it() {
    // 60 levels, three classes of 20 levels each that no order of the levels shows.
    let levels = 60;
    let class_of = |level: usize| ((seed::mix(4, level as u64) >> 7) % 3) as f64;
    let x = Array2::from_shape_fn((levels * 10, 1), |(row, _)| (row % levels) as f64);
    let y = (0..levels * 10).map(|row| class_of(row % levels)).collect();
    let schema =
        Schema::new(vec![Feature::categorical("c", (0..levels).map(|l| l.to_string()), "")]).unwrap();
    let target = Target::classes("y", ["a", "b", "c"], y).unwrap();
    let data = Dataset::new(schema, x).unwrap().with_target(target).unwrap();
    let params = ForestParams { trees: 1, bootstrap: false, min_rows: 1, ..ForestParams::default() };
    let found = grown(&params, &data, 1);
    assert_eq!(found.trees[0].nodes.len(), 2, "two splits tell three classes apart");
    let extra = ForestParams { extra: true, ..params };
    assert!(grown(&extra, &data, 1).trees[0].nodes.len() >= 2);
}

#[test]
fn rows_without_weight_are_out_of_every_bag_and_rows_without_label_in_none() {
    let data = data(Kind::Binary, 200);
    let mut labels = data.target().unwrap().values().to_vec();
    labels[3] = f64::NAN;
    let weights = (0..200).map(|row| f64::from(u8::from(row != 5))).collect();
    let data = Dataset::new(data.schema().clone(), data.x().to_owned())
        .and_then(|d| d.with_target(Target::binary("y", labels)?)?.with_weights(weights))
        .unwrap();
    let learner = ForestParams { trees: 20, ..ForestParams::default() }.check().unwrap();
    let fitted = learner.fit(&data, None, &FitContext::new(1)).unwrap();
    let out_of_bag = fitted.report.out_of_bag.unwrap();
    assert!(out_of_bag[3].is_nan());
    assert_eq!(out_of_bag[5], fitted.model.predict(data.x()).unwrap()[[5, 0]]);
    assert_eq!(fitted.report.rows, 198);
    let learner = ForestParams { trees: 3, bootstrap: false, ..ForestParams::default() }.check().unwrap();
    let report = learner.fit(&data, None, &FitContext::new(1)).unwrap().report;
    assert_eq!((report.out_of_bag, report.history), (None, vec![]));
}
