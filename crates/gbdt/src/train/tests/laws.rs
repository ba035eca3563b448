//! Laws that hold for any data.

use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;
use tenure_core::{
    CancelToken, Dataset, Error, Feature, FitContext, Fitted, Learner, Progress, ProgressSink, Schema,
    StopReason, Target,
};

use super::{column, draws, numeric_schema, real};
use crate::{GbdtParams, Monotone, Objective};

pub(super) fn fit(params: &GbdtParams, data: &Dataset, threads: usize) -> Fitted {
    let context = FitContext::new(7).with_threads(threads);
    params.clone().check().unwrap().fit(data, None, &context).unwrap()
}

pub(super) fn predictions(fitted: &Fitted, data: &Dataset) -> Vec<u64> {
    fitted.model.predict(data.x()).unwrap().iter().map(|v| v.to_bits()).collect()
}

/// Mixed columns with missing values and a binary target that depends on them.
pub(super) fn mixed(rows: usize, seed: u64) -> Dataset {
    let mut features: Vec<Feature> = (0..9).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    features.push(Feature::categorical("c", (0..12).map(|i| i.to_string()), ""));
    let u = draws(rows * 11, seed);
    let x = Array2::from_shape_fn((rows, 10), |(r, c)| {
        let v = u[r * 11 + c];
        match c {
            9 => (v * 12.0).floor(),
            _ if v > 0.95 => f64::NAN,
            _ if c % 3 == 0 => (v * 6.0).floor(),
            _ => v,
        }
    });
    let y = (0..rows)
        .map(|r| {
            let p = 0.2
                + 0.4 * f64::from(x[[r, 1]] > 0.5)
                + 0.3 * f64::from((x[[r, 9]] as usize).is_multiple_of(3));
            f64::from(u[r * 11 + 10] < p)
        })
        .collect();
    let schema = Schema::new(features).unwrap();
    Dataset::new(schema, x).unwrap().with_target(Target::binary("y", y).unwrap()).unwrap()
}

#[test]
fn threads_do_not_change_a_bit() {
    let data = mixed(70_000, 1);
    for sampled in [1.0, 0.6] {
        let params = GbdtParams {
            trees: 6,
            row_fraction: sampled,
            column_fraction: sampled,
            node_column_fraction: sampled,
            ..GbdtParams::default()
        };
        let one = fit(&params, &data, 1);
        for threads in [2, 8] {
            let many = fit(&params, &data, threads);
            assert_eq!(one.report, many.report);
            assert_eq!(predictions(&one, &data), predictions(&many, &data));
        }
    }
}

#[test]
fn weights_of_one_change_nothing_and_zero_is_absent() {
    let data = mixed(3000, 2);
    let params = GbdtParams { trees: 20, row_fraction: 0.8, ..GbdtParams::default() };
    let ones = data.clone().with_weights(vec![1.0; 3000]).unwrap();
    assert_eq!(predictions(&fit(&params, &data, 1), &data), predictions(&fit(&params, &ones, 1), &data));
    let zeros = data.clone().with_weights((0..3000).map(|r| f64::from(r % 3 != 0)).collect()).unwrap();
    let present: Vec<usize> = (0..3000).filter(|r| r % 3 != 0).collect();
    let absent = data.select(&present);
    assert_eq!(predictions(&fit(&params, &zeros, 1), &data), predictions(&fit(&params, &absent, 1), &data));
}

#[test]
fn weight_two_is_the_row_twice() {
    let n = 600;
    let x = Array2::from_shape_vec((n, 3), draws(n * 3, 4)).unwrap();
    let y: Vec<f64> = x.rows().into_iter().map(|r| r[0] * 3.0 + f64::from(r[1] > 0.4)).collect();
    let weights: Vec<f64> = (0..n).map(|r| if r % 4 == 0 { 2.0 } else { 1.0 }).collect();
    let twice: Vec<usize> = (0..n).step_by(4).collect();
    let weighted = real(numeric_schema(3), x.clone(), y.clone()).with_weights(weights).unwrap();
    let more = concatenate(Axis(0), &[x.view(), x.select(Axis(0), &twice).view()]).unwrap();
    let labels = y.iter().copied().chain(twice.iter().map(|&r| y[r])).collect();
    let repeated = real(numeric_schema(3), more, labels);
    let params = GbdtParams { trees: 10, min_rows: 1, min_hessian: 10.0, ..GbdtParams::default() };
    let (a, b) = (fit(&params, &weighted, 1), fit(&params, &repeated, 1));
    let (a, b) = (a.model.predict(weighted.x()).unwrap(), b.model.predict(weighted.x()).unwrap());
    let apart = a.iter().zip(&b).filter(|(a, b)| (*a - *b).abs() > 1e-9).count();
    assert_eq!(apart, 0);
}

#[test]
fn early_stopping_keeps_the_best_trees() {
    let (train, valid) = (mixed(800, 3), mixed(800, 4));
    let params = GbdtParams {
        trees: 400,
        learning_rate: 0.3,
        early_stopping_rounds: Some(8),
        ..GbdtParams::default()
    };
    let fitted = params.clone().check().unwrap().fit(&train, Some(&valid), &FitContext::new(1)).unwrap();
    let losses: Vec<f64> = fitted.report.history.iter().map(|i| i.valid.unwrap()).collect();
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(fitted.report.stopped, StopReason::EarlyStopping);
    assert_eq!((fitted.report.iterations, losses.len()), (best + 1, best + 9));
    // The model's own validation loss is the one reported for its last tree.
    let p = fitted.model.predict(valid.x()).unwrap();
    let y = valid.target().unwrap().values();
    let loss: f64 = p.iter().zip(y).map(|(p, y)| -(if *y == 1.0 { *p } else { 1.0 - p }).ln()).sum();
    assert!((loss / 800.0 - losses[best]).abs() < 1e-9);
    let none = fit(&GbdtParams { trees: 3, ..params }, &train, 1);
    assert!(none.report.notes.iter().any(|n| n.contains("all trees are kept")));
    assert_eq!((none.report.iterations, none.report.stopped), (3, StopReason::Iterations));
}

struct CancelAt(u64, CancelToken);

impl ProgressSink for CancelAt {
    fn report(&self, progress: Progress<'_>) {
        assert_eq!((progress.stage, progress.total), ("boosting", Some(50)));
        assert!(progress.done <= self.0, "went on after it was cancelled");
        if progress.done == self.0 {
            self.1.cancel();
        }
    }
}

#[test]
fn cancelling_stops_within_one_tree() {
    let token = CancelToken::default();
    let sink = CancelAt(5, token.clone());
    let context = FitContext::new(1).with_progress(&sink).with_cancel(token);
    let learner = GbdtParams { trees: 50, ..GbdtParams::default() }.check().unwrap();
    let error = learner.fit(&mixed(500, 5), None, &context).unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
}

#[test]
fn unusable_data_are_refused() {
    let learner = GbdtParams::default().check().unwrap();
    let fit =
        |data: &Dataset, valid: Option<&Dataset>| learner.fit(data, valid, &FitContext::new(1)).unwrap_err();
    let bare = Dataset::new(numeric_schema(1), column(&[1.0, 2.0])).unwrap();
    assert!(matches!(fit(&bare, None), Error::NoTarget { .. }));
    let binary = |y: Vec<f64>| bare.clone().with_target(Target::binary("y", y).unwrap()).unwrap();
    assert!(matches!(fit(&binary(vec![1.0, 1.0]), None), Error::OneClass { rows: 2, .. }));
    assert!(matches!(fit(&binary(vec![1.0, f64::NAN]), None), Error::OneClass { rows: 1, .. }));
    assert!(matches!(fit(&binary(vec![f64::NAN; 2]), None), Error::NotEnoughRows { found: 0, .. }));
    let number = real(numeric_schema(1), column(&[1.0, 2.0]), vec![0.5, 3.0]);
    let other = real(numeric_schema(2), Array2::zeros((2, 2)), vec![0.5, 3.0]);
    let error = fit(&number, Some(&other));
    assert!(matches!(&error, Error::Columns { unexpected, .. } if unexpected == &["f1"]), "{error}");
    let log_loss = GbdtParams { objective: Some(Objective::BinaryLogLoss), ..GbdtParams::default() };
    let error = log_loss.check().unwrap().fit(&number, None, &FitContext::new(1)).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
}

#[test]
fn nothing_to_split_gives_the_mean() {
    for (x, y) in [
        (vec![3.0], vec![7.0]),
        (vec![1.0; 100], (0..100).map(f64::from).collect()),
        ((0..30).map(f64::from).collect(), (0..30).map(f64::from).collect()),
        ((0..100).map(f64::from).collect(), vec![5.0; 100]),
    ] {
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let fitted = fit(&GbdtParams::default(), &real(numeric_schema(1), column(&x), y), 1);
        assert_eq!((fitted.report.stopped, fitted.report.iterations), (StopReason::Exhausted, 0));
        let mut out = [0.0];
        fitted.model.predict_row(&[2.0], &mut out).unwrap();
        assert!((out[0] - mean).abs() < 1e-12);
    }
}

#[test]
fn rows_without_a_label_are_left_out_and_counted() {
    let x: Vec<f64> = (0..100).map(f64::from).collect();
    let y = (0..100).map(|i| if i % 4 == 0 { f64::NAN } else { f64::from(i) }).collect();
    let report = fit(&GbdtParams::default(), &real(numeric_schema(1), column(&x), y), 1).report;
    assert_eq!(report.rows, 75);
    assert!(report.notes.contains(&"25 training rows without a label were left out".to_owned()));
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -5.0..5.0_f64,
        2 => Just(f64::NAN),
        1 => Just(0.0),
        1 => prop::sample::select(vec![1e300, -1e300, 5e-324, -5e-324, f64::MAX, f64::MIN, -0.0]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_data_make_it_panic(
        rows in 0..60_usize,
        columns in 0..5_usize,
        values in prop::collection::vec(value(), 300),
        labels in prop::collection::vec(value(), 60),
        weights in prop::option::of(prop::collection::vec(prop_oneof![Just(0.0), 0.1..3.0, Just(1e300)], 60)),
        binary in any::<bool>(),
        levels in 1..5_usize,
        fraction in prop_oneof![Just(1.0), 0.1..1.0],
        bins in 2..256_usize,
        objective in prop::option::of(prop::sample::select(vec![
            Objective::AbsoluteError,
            Objective::Huber { delta: 0.5 },
            Objective::Quantile { alpha: 0.9 },
            Objective::Poisson,
            Objective::Gamma,
            Objective::Tweedie { power: 1.5 },
        ])),
        monotone in any::<bool>(),
    ) {
        let mut features: Vec<Feature> =
            (0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
        features.push(Feature::categorical("c", (0..levels).map(|i| i.to_string()), ""));
        let x = Array2::from_shape_fn((rows, columns + 1), |(r, c)| {
            let v = values[r * 5 + c];
            if c < columns || v.is_nan() { v } else { (v.abs() as usize % levels) as f64 }
        });
        let label = |v: &f64| if v.is_nan() { *v } else { f64::from(*v > 0.0) };
        let target = if binary {
            Target::binary("y", labels[..rows].iter().map(label).collect())
        } else {
            Target::real("y", labels[..rows].to_vec())
        };
        let mut data = Dataset::new(Schema::new(features).unwrap(), x).unwrap();
        data = data.with_target(target.unwrap()).unwrap();
        if let Some(weights) = weights
            && let Ok(weighted) = data.clone().with_weights(weights[..rows].to_vec())
        {
            data = weighted;
        }
        let params = GbdtParams {
            trees: 5, min_rows: 2, row_fraction: fraction, column_fraction: fraction, bins, objective,
            ..GbdtParams::default()
        };
        let mut params = params;
        if monotone && columns > 0 {
            params.monotone.insert("f0".into(), Monotone::Increasing);
        }
        if let Ok(fitted) = params.check().unwrap().fit(&data, Some(&data), &FitContext::new(1)) {
            let predicted = fitted.model.predict(data.x()).unwrap();
            prop_assert!(predicted.iter().all(|p| p.is_finite()));
        }
    }
}
