//! Scoring and explaining with 300 trees of 31 leaves, depth 6, over 60 features.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array2;
use tenure_core::seed::unit;
use tenure_core::{Dataset, Feature, FitContext, Learner, Model, Schema, Target};
use tenure_gbdt::{GbdtParams, TreeModel};

const FEATURES: usize = 60;

fn rows(seed: u64, rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, FEATURES), |(row, column)| unit(seed, (row * FEATURES + column) as u64))
}

/// A model fitted to 20,000 rows whose label depends on many features, so that the trees use them all.
fn model() -> TreeModel {
    let x = rows(1, 20_000);
    let label = |(at, row): (usize, ndarray::ArrayView1<'_, f64>)| {
        let signal: f64 = row.iter().enumerate().map(|(i, v)| (v * (1 + i % 7) as f64).sin()).sum();
        f64::from(signal + 4.0 * unit(2, at as u64) > 22.0)
    };
    let labels = x.rows().into_iter().enumerate().map(label).collect();
    let schema = Schema::new((0..FEATURES).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect());
    let data = Dataset::new(schema.unwrap(), x).unwrap();
    let data = data.with_target(Target::binary("y", labels).unwrap()).unwrap();
    let params = GbdtParams { trees: 300, leaves: 31, depth: Some(6), ..GbdtParams::default() };
    let fitted = params.check().unwrap().fit(&data, None, &FitContext::new(42)).unwrap();
    TreeModel::from_artifact(&fitted.model.to_artifact()).unwrap()
}

fn predict(criterion: &mut Criterion) {
    let model = model();
    let x = rows(3, 10_000);
    let mut group = criterion.benchmark_group("predict_300_trees_60_features");

    let mut out = Array2::zeros((x.nrows(), 1));
    group.throughput(Throughput::Elements(x.nrows() as u64));
    group.bench_function("batch_10k_rows", |bencher| {
        bencher.iter(|| model.predict_into(black_box(x.view()), out.view_mut()));
    });

    // Another row each time: the same one would teach the branch predictor its way.
    group.throughput(Throughput::Elements(1));
    let mut next = x.rows().into_iter().cycle();
    let mut row = || next.next().unwrap().to_slice().unwrap();
    group.bench_function("one_row", |bencher| {
        let mut out = [0.0];
        bencher.iter(|| model.predict_row(black_box(row()), &mut out));
    });
    group.bench_function("shap_one_row", |bencher| {
        bencher.iter(|| model.explain_row(black_box(row()), 0));
    });
    group.finish();
}

criterion_group!(benches, predict);
criterion_main!(benches);
