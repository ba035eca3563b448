//! LightGBM and XGBoost behind this crate against themselves in Python, see `golden/third_party.py`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(any(feature = "lightgbm", feature = "xgboost"))]

use ndarray::Array2;
use serde_json::Value;
use tenure_backends::Backend;
use tenure_core::{Dataset, Feature, FitContext, Model, Schema, Target};

const ROWS: usize = 600;

fn hashed(row: usize, column: usize) -> usize {
    (row * 7919 + column * 104_729 + row * row * 31 + row * column * 17) % 1009 % 1000
}

/// The data of the script, with the labels of a task.
fn data(task: &str) -> Dataset {
    let x = Array2::from_shape_fn((ROWS, 5), |(row, column)| match column {
        1 if hashed(row, 20) < 100 => f64::NAN,
        4 => (hashed(row, 9) % 6) as f64,
        _ => hashed(row, column) as f64 / 40.0,
    });
    let signal = x.rows().into_iter().enumerate().map(|(row, v)| {
        let known = if v[1].is_nan() { 30.0 } else { v[1] };
        let bonus = if v[4] == 2.0 { 4.0 } else { 0.0 };
        0.5 * v[0] - 0.3 * known + bonus + hashed(row, 30) as f64 / 100.0
    });
    let above = |limit: f64, s: f64| f64::from(u8::from(s > limit));
    let target = match task {
        "real" => Target::real("y", signal.collect()),
        "binary" => Target::binary("y", signal.map(|s| above(6.0, s)).collect()),
        _ => Target::classes("y", ["a", "b", "c"], signal.map(|s| above(3.0, s) + above(9.0, s)).collect()),
    };
    let mut features: Vec<Feature> = (0..4).map(|c| Feature::numeric(format!("x{c}"), "", "")).collect();
    features.push(Feature::categorical("kind", ["a", "b", "c", "d", "e", "f"], ""));
    let weights = (0..ROWS).map(|row| 1.0 + (hashed(row, 40) % 3) as f64).collect();
    let data = Dataset::new(Schema::new(features).unwrap(), x).unwrap().with_target(target.unwrap());
    data.unwrap().with_weights(weights).unwrap()
}

fn fitted(json: &str, task: &str) -> (Box<dyn Model>, Dataset) {
    let data = data(task);
    let learner = serde_json::from_str::<Backend>(json).unwrap().check().unwrap();
    (learner.fit(&data, None, &FitContext::new(1)).unwrap().model, data)
}

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/third_party.json")).unwrap()
}

/// All numbers of nested lists.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn assert_close(found: &[f64], expected: &[f64], allowed: f64) {
    assert_eq!(found.len(), expected.len());
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= allowed * b.abs().max(1.0), "number {at}: {a} and {b}");
    }
}

/// The golden contributions of one output, classes centred beside each other, and the baseline.
fn centred(all: &[f64], outputs: usize, output: usize) -> (Vec<f64>, f64) {
    let width = all.len() / outputs;
    let shared = |at: usize| (0..outputs).map(|k| all[k * width + at]).sum::<f64>() / outputs as f64;
    let value = |at: usize| all[output * width + at] - if outputs > 1 { shared(at) } else { 0.0 };
    ((0..width - 1).map(value).collect(), value(width - 1))
}

fn assert_contributions(model: &dyn Model, data: &Dataset, golden: &Value, baseline: &[f64], allowed: f64) {
    let outputs = model.outputs().len();
    for row in 0..3 {
        let mut all = numbers(&golden[row]);
        let width = all.len() / outputs;
        baseline.iter().enumerate().for_each(|(k, b)| all[(k + 1) * width - 1] += b);
        for output in 0..outputs {
            let found = model.explain_row(&data.row(row).to_vec(), output).unwrap();
            let (expected, start) = centred(&all, outputs, output);
            assert_close(&found.contributions, &expected, allowed);
            assert_close(&[found.baseline], &[start], allowed);
        }
    }
}

#[cfg(feature = "lightgbm")]
#[test]
fn lightgbm_is_python_s_lightgbm() {
    let json = r#"{"backend": "lightgbm", "trees": 20, "learning_rate": 0.1, "leaves": 15, "depth": 5, "min_rows": 10,
        "l1": 0.1, "l2": 0.5, "bins": 63,
        "categorical": {"smoothing": 10.0, "l2": 10.0, "max_categories": 32, "min_group_rows": 20}}"#;
    for task in ["real", "binary", "classes"] {
        let golden = &golden()["lightgbm"][task];
        let (model, data) = fitted(json, task);
        let expected = numbers(&golden["predicted"]);
        let rows = expected.len() / model.outputs().len();
        let found = model.predict(data.x().slice(ndarray::s![..rows, ..])).unwrap();
        assert_close(found.as_slice().unwrap(), &expected, 1e-12);
        assert_contributions(model.as_ref(), &data, &golden["contributions"], &[], 1e-12);
    }
}

#[cfg(feature = "xgboost")]
#[test]
fn xgboost_is_python_s_xgboost() {
    let json = r#"{"backend": "xgboost", "trees": 20, "learning_rate": 0.1, "leaves": 15, "depth": 5,
        "min_hessian": 2.0, "l1": 0.1, "l2": 0.5, "min_gain": 0.05, "bins": 63}"#;
    for task in ["real", "binary", "classes"] {
        let golden = &golden()["xgboost"][task];
        let (model, data) = fitted(json, task);
        let baseline = numbers(&golden["baseline"]);
        let margins = numbers(&golden["margins"]);
        let outputs = model.outputs().len();
        for (row, margins) in margins.chunks_exact(outputs).enumerate() {
            let found = model.predict(data.x().slice(ndarray::s![row..=row, ..])).unwrap();
            let scores: Vec<f64> = margins.iter().zip(&baseline).map(|(m, b)| m + b).collect();
            let expected: Vec<f64> = match task {
                "real" => scores,
                "binary" => scores.iter().map(|s| 1.0 / (1.0 + (-s).exp())).collect(),
                _ => {
                    let total: f64 = scores.iter().map(|s| s.exp()).sum();
                    scores.iter().map(|s| s.exp() / total).collect()
                }
            };
            // Both compute in 32 bits, in the same order but for the baseline.
            assert_close(found.as_slice().unwrap(), &expected, 1e-6);
        }
        assert_contributions(model.as_ref(), &data, &golden["contributions"], &baseline, 1e-5);
    }
}
