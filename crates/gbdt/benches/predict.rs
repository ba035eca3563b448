//! Scoring and explaining: 300 trees of 31 leaves and depth 6 over 60 features, and models of other shapes.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, ArrayView1};
use tenure_core::seed::unit;
use tenure_core::{Dataset, Feature, FitContext, Learner, Model, Schema, Target};
use tenure_gbdt::{GbdtParams, TreeModel};

const FEATURES: usize = 60;
const ROWS: usize = 10_000;

fn rows(seed: u64, rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, FEATURES), |(row, column)| unit(seed, (row * FEATURES + column) as u64))
}

/// A model fitted to 20,000 rows whose label depends on many features, so that the trees use them all.
fn model(params: GbdtParams, classes: usize) -> TreeModel {
    let x = rows(1, 20_000);
    let label = |(at, row): (usize, ArrayView1<'_, f64>)| {
        let signal: f64 = row.iter().enumerate().map(|(i, v)| (v * (1 + i % 7) as f64).sin()).sum();
        let signal = (signal + 4.0 * unit(2, at as u64) - 22.0) / 4.0 + classes as f64 / 2.0;
        signal.floor().clamp(0.0, classes as f64 - 1.0)
    };
    let labels = x.rows().into_iter().enumerate().map(label).collect();
    let target = match classes {
        2 => Target::binary("y", labels),
        _ => Target::classes("y", (0..classes).map(|class| class.to_string()), labels),
    };
    let schema = Schema::new((0..FEATURES).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect());
    let data = Dataset::new(schema.unwrap(), x).unwrap().with_target(target.unwrap()).unwrap();
    let fitted = params.check().unwrap().fit(&data, None, &FitContext::new(42)).unwrap();
    TreeModel::from_artifact(&fitted.model.to_artifact()).unwrap()
}

fn params(trees: usize, leaves: usize, depth: usize) -> GbdtParams {
    GbdtParams { trees, leaves, depth: Some(depth), early_stopping_rounds: None, ..GbdtParams::default() }
}

fn predict(criterion: &mut Criterion) {
    measure(criterion, "300_trees_31_leaves_depth_6", &model(params(300, 31, 6), 2), true);
    measure(criterion, "10_trees_31_leaves_depth_6", &model(params(10, 31, 6), 2), false);
    measure(criterion, "5_classes_100_trees_31_leaves_depth_6", &model(params(100, 31, 6), 5), false);
    measure(criterion, "100_trees_300_leaves_depth_14", &model(params(100, 300, 14), 2), false);
}

fn measure(criterion: &mut Criterion, name: &str, model: &TreeModel, interactions: bool) {
    let x = rows(3, ROWS);
    let outputs = model.outputs().len();
    let mut group = criterion.benchmark_group(format!("predict_{name}"));

    let mut out = Array2::zeros((ROWS, outputs));
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("batch_10k_rows", |bencher| {
        bencher.iter(|| model.predict_into(black_box(x.view()), out.view_mut()));
    });
    let some = x.slice(ndarray::s![..256, ..]);
    let mut explained = Array2::zeros(some.raw_dim());
    group.throughput(Throughput::Elements(256));
    group.bench_function("shap_256_rows", |bencher| {
        bencher.iter(|| model.explain_into(black_box(some), 0, explained.view_mut()));
    });

    // Another row each time: the same one would teach the branch predictor its way.
    group.throughput(Throughput::Elements(1));
    let mut next = x.rows().into_iter().cycle();
    let mut row = || next.next().unwrap().to_slice().unwrap();
    group.bench_function("one_row", |bencher| {
        let mut out = vec![0.0; outputs];
        bencher.iter(|| model.predict_row(black_box(row()), &mut out));
    });
    group.bench_function("shap_one_row", |bencher| {
        bencher.iter(|| model.explain_row(black_box(row()), 0));
    });
    if interactions {
        group.bench_function("interactions_one_row", |bencher| {
            bencher.iter(|| model.interaction_row(black_box(row()), 0));
        });
    }
    group.finish();
}

criterion_group!(benches, predict);
criterion_main!(benches);
