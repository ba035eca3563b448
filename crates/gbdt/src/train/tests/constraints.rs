//! Constraints hold for the finished model, on any rows.

use std::collections::BTreeMap;

use tenure_core::{Dataset, Error, FitContext, Learner, Target};

use super::laws::{fit, mixed, predictions};
use super::{column, draws, numeric_schema, real, trees};
use crate::{GbdtParams, Monotone};

fn monotone<const N: usize>(features: [(&str, Monotone); N]) -> BTreeMap<String, Monotone> {
    features.map(|(name, direction)| (name.to_owned(), direction)).into()
}

/// Labels that go up and down with f0, f1 and f2, with noise.
fn wavy(data: &Dataset, seed: u64) -> Dataset {
    let noise = draws(data.rows(), seed);
    let known = |v: f64| if v.is_nan() { 0.4 } else { v };
    let y = (0..data.rows()).map(|r| {
        let x = data.row(r);
        (known(x[0]) * 1.7).sin() + (known(x[1]) * 9.0).sin() * known(x[2]) + known(x[9]) * 0.1 + noise[r]
    });
    let y = Target::real("z", y.collect()).unwrap();
    Dataset::new(data.schema().clone(), data.x().to_owned()).unwrap().with_target(y).unwrap()
}

#[test]
fn monotone_features_are_monotone_on_every_pair_of_rows() {
    for (seed, depth, l1, l2, sampled) in
        [(1, Some(6), 0.0, 0.0, 1.0), (2, None, 0.0, 5.0, 1.0), (3, Some(9), 2.0, 1.0, 0.7)]
    {
        let data = wavy(&mixed(1500, seed), seed);
        let params = GbdtParams {
            trees: 25,
            learning_rate: 0.3,
            min_rows: 3,
            depth,
            l1,
            l2,
            row_fraction: sampled,
            node_column_fraction: sampled,
            monotone: monotone([
                ("f0", Monotone::Increasing),
                ("f1", Monotone::Decreasing),
                ("f2", Monotone::Increasing),
            ]),
            ..GbdtParams::default()
        };
        let model = fit(&params, &data, 1).model;
        let mut moved = [0; 3];
        for row in data.x().rows().into_iter().take(300) {
            for (column, sign) in [(0, 1.0), (1, -1.0), (2, 1.0)] {
                let mut row = row.to_vec();
                let mut last = f64::NEG_INFINITY;
                for step in -2..60 {
                    row[column] = f64::from(step) / if column == 0 { 8.0 } else { 50.0 };
                    let mut out = [0.0];
                    model.predict_row(&row, &mut out).unwrap();
                    assert!(sign * out[0] >= last, "seed {seed}: column {column} at {step}");
                    moved[column] += usize::from(step > -2 && sign * out[0] > last);
                    last = sign * out[0];
                }
            }
        }
        assert!(moved.iter().all(|&m| m > 100), "the features are used: {moved:?}");
    }
}

#[test]
fn a_feature_that_goes_the_wrong_way_is_not_used() {
    let x = draws(2000, 8);
    let y: Vec<f64> = x.iter().map(|v| -3.0 * v).collect();
    let data = real(numeric_schema(1), column(&x), y);
    let params = GbdtParams { monotone: monotone([("f0", Monotone::Increasing)]), ..GbdtParams::default() };
    assert!(trees(&params, &data).1.is_empty());
    let params = GbdtParams { monotone: monotone([("f0", Monotone::Decreasing)]), ..params };
    let fitted = fit(&params, &data, 1);
    assert!(fitted.report.history.last().unwrap().train < 1e-3);
}

#[test]
fn missing_values_are_outside_of_the_order() {
    // Known values rise; missing ones belong to the middle, which no order forbids.
    let mut x = draws(3000, 9);
    let mut y: Vec<f64> = x.iter().map(|v| 10.0 * v).collect();
    for at in (0..3000).step_by(5) {
        x[at] = f64::NAN;
        y[at] = 50.0;
    }
    let params = GbdtParams { monotone: monotone([("f0", Monotone::Increasing)]), ..GbdtParams::default() };
    let model = fit(&params, &real(numeric_schema(1), column(&x), y), 1).model;
    let predicted = model.predict(column(&[0.05, 0.95, f64::NAN]).view()).unwrap();
    assert!(predicted[[0, 0]] < 2.0 && (8.0..11.0).contains(&predicted[[1, 0]]) && predicted[[2, 0]] > 45.0);
}

#[test]
fn features_on_a_path_share_a_group() {
    let data = wavy(&mixed(3000, 4), 4);
    let names = |group: &[&str]| group.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
    let groups = [names(&["f0", "f1"]), names(&["f1", "f2", "c"]), names(&["f5"])];
    let params = GbdtParams { trees: 30, interactions: groups.to_vec(), ..GbdtParams::default() };
    let (_, trees) = trees(&params, &data);
    let columns = [vec![0, 1], vec![1, 2, 9], vec![5]];
    let mut together = 0;
    for tree in &trees {
        let mut open = vec![(tree.root(), Vec::new())];
        while let Some((at, path)) = open.pop() {
            if at < 0 {
                assert!(columns.iter().any(|g| path.iter().all(|f| g.contains(f))), "{path:?}");
                together += usize::from(path.contains(&2) && path.contains(&9));
                continue;
            }
            let node = &tree.nodes[at as usize];
            let path: Vec<u32> = path.iter().copied().chain([node.feature]).collect();
            open.extend([(node.left, path.clone()), (node.right, path)]);
        }
    }
    assert!(together > 0, "a group's features do interact");
    let notes = fit(&params, &data, 1).report.notes;
    assert!(notes.contains(&"5 features are in no group of `interactions` and are not used".to_owned()));
}

#[test]
fn constraints_that_forbid_nothing_change_nothing() {
    let data = mixed(2000, 6);
    let free = GbdtParams { trees: 10, ..GbdtParams::default() };
    let all = data.schema().features().iter().map(|f| f.name.clone()).collect();
    let together = GbdtParams { interactions: vec![all], ..free.clone() };
    assert_eq!(predictions(&fit(&free, &data, 1), &data), predictions(&fit(&together, &data, 1), &data));
}

#[test]
fn names_are_checked_against_the_data() {
    let data = mixed(100, 7);
    let message = |params: GbdtParams| {
        params.check().unwrap().fit(&data, None, &FitContext::new(1)).map(|_| ()).unwrap_err().to_string()
    };
    let of = |name: &str| GbdtParams {
        monotone: monotone([(name, Monotone::Increasing)]),
        ..GbdtParams::default()
    };
    assert!(message(of("f99")).starts_with("parameter `monotone` is `f99`; expected names"));
    assert!(message(of("c")).ends_with("expected numeric features"));
    let params = GbdtParams { interactions: vec![vec!["g".into()]], ..GbdtParams::default() };
    assert!(message(params).starts_with("parameter `interactions` is `g`"));
    let context = FitContext::new(1);
    let error = of("f99").check().unwrap().fit(&data, None, &context).unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }));
}
