//! Fuzzy axes: a partition learned from training rows.

#![allow(clippy::unwrap_used, reason = "a test")]

use ndarray::{Array2, array};
use proptest::prelude::*;
use tenure_core::{Dataset, Feature, Schema, Target};
use tenure_features::{FuzzyAxes, OrderFeatures};

fn schema(names: &[&str]) -> Schema {
    Schema::new(names.iter().map(|n| Feature::numeric(*n, "", "")).collect()).unwrap()
}

#[test]
fn all_thirteen_axes_have_three_levels() {
    let schema = Schema::new(OrderFeatures::default().features()).unwrap();
    let axes = FuzzyAxes::fit(&schema, Array2::zeros((3, schema.len())).view()).unwrap();
    assert_eq!((axes.axes().len(), axes.output().len()), (13, 39));
    assert!(axes.output().position("fuzzy_inter_purchase_regularity_2").is_some());
    assert_eq!(axes.appended_schema().unwrap().len(), OrderFeatures::width() + 39);
}

#[test]
fn missing_stays_missing_and_constants_are_medium() {
    let schema = schema(&["recency_days", "basket_size", "tenure_days"]);
    let x = array![[1.0, f64::NAN, 5.0], [f64::NAN, f64::NAN, 5.0], [3.0, f64::NAN, 5.0]];
    let axes = FuzzyAxes::fit(&schema, x.view()).unwrap();
    let out = axes.transform(array![[f64::NAN, 2.0, 5.0]].view()).unwrap();
    // Axes stand in the order of the built-in features: recency, tenure, basket size.
    let missing: Vec<bool> = out.row(0).iter().map(|v| v.is_nan()).collect();
    assert_eq!(missing, [true, true, true, false, false, false, true, true, true]);
    let tenure = axes.axes().iter().find(|a| a.name() == "tenure").unwrap();
    assert_eq!(tenure.memberships(5.0), [0.0, 1.0, 0.0]);
    assert_eq!(tenure.memberships(4.9), [1.0, 0.0, 0.0]);
    assert_eq!(tenure.memberships(5.1), [0.0, 0.0, 1.0]);
}

#[test]
fn json_keeps_every_bit_and_refuses_what_does_not_rise() {
    let schema = schema(&["recency_days", "basket_size"]);
    let x = array![[0.1, f64::NAN], [0.7, f64::NAN], [1.0 / 3.0, f64::NAN]];
    let axes = FuzzyAxes::fit(&schema, x.view()).unwrap();
    let text = serde_json::to_string(&axes).unwrap();
    assert_eq!(serde_json::from_str::<FuzzyAxes>(&text).unwrap(), axes);
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["axes"][0]["breakpoints"] = serde_json::json!([3.0, 2.0, 1.0]);
    assert!(serde_json::from_value::<FuzzyAxes>(value).unwrap_err().to_string().contains("do not rise"));
}

#[test]
fn appending_keeps_targets_and_agrees_with_single_rows() {
    let x = array![[1.0, 9.0], [2.0, 8.0], [3.0, 7.0], [f64::NAN, 6.0]];
    let data = Dataset::new(schema(&["recency_days", "other"]), x)
        .unwrap()
        .with_target(Target::binary("churned", vec![0.0, 1.0, 0.0, 1.0]).unwrap())
        .unwrap()
        .with_times(vec![1, 2, 3, 4])
        .unwrap();
    let axes = FuzzyAxes::fit(data.schema(), data.x()).unwrap();
    let appended = axes.append(&data).unwrap();
    assert_eq!(appended.target().unwrap(), data.target().unwrap());
    assert_eq!(appended.times(), data.times());
    for i in 0..4 {
        let mut row = data.row(i).to_vec();
        axes.append_row(&mut row).unwrap();
        let bits = |v: Vec<f64>| v.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(row), bits(appended.row(i).to_vec()));
    }
    assert!(axes.append(&appended).unwrap_err().to_string().contains("unexpected features [fuzzy_recency_0"));
}

proptest! {
    #[test]
    fn memberships_are_a_partition(
        train in proptest::collection::vec(prop_oneof![-1e6..1e6, Just(0.0), Just(1.0)], 1..60),
        values in proptest::collection::vec(prop_oneof![-2e6..2e6, Just(0.0), Just(1.0)], 1..20),
    ) {
        let x = Array2::from_shape_vec((train.len(), 1), train).unwrap();
        let axes = FuzzyAxes::fit(&schema(&["tenure_days"]), x.view()).unwrap();
        let mut values = values;
        values.sort_by(f64::total_cmp);
        let memberships: Vec<[f64; 3]> = values.iter().map(|&v| axes.axes()[0].memberships(v)).collect();
        for m in &memberships {
            prop_assert!(m.iter().all(|v| (0.0..=1.0).contains(v)), "{m:?}");
            prop_assert!((m.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        for pair in memberships.windows(2) {
            prop_assert!(pair[0][0] >= pair[1][0] && pair[0][2] <= pair[1][2], "low falls, high rises");
        }
    }
}
