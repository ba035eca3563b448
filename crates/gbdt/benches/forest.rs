//! Training time of forests on small seeded data.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target, seed};
use tenure_gbdt::ForestParams;

fn data(rows: usize, columns: usize) -> Dataset {
    let x = Array2::from_shape_fn((rows, columns), |(r, c)| seed::unit(7, (r * columns + c) as u64));
    let y = x.rows().into_iter().enumerate();
    let y = y.map(|(r, x)| {
        f64::from(seed::unit(8, r as u64) < 0.1 + 0.5 * x[0] * x[1] + 0.3 * f64::from(x[2] > 0.7))
    });
    let target = Target::binary("y", y.collect()).expect("zeros and ones");
    let features = (0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    let schema = Schema::new(features).expect("different names");
    Dataset::new(schema, x).and_then(|d| d.with_target(target)).expect("finite values, matching lengths")
}

fn forest(c: &mut Criterion) {
    let mut group = c.benchmark_group("forest");
    group.sample_size(10);
    let data = data(7_000, 60);
    let common = ForestParams { trees: 20, depth: Some(12), min_rows: 1, ..ForestParams::default() };
    let extra = ForestParams { extra: true, bootstrap: false, ..common.clone() };
    for (name, params) in [("drawn", common), ("extra", extra)] {
        let learner = params.check().expect("parameters in range");
        for threads in [1, 2] {
            let context = FitContext::new(42).with_threads(threads);
            group.bench_function(format!("{name}_7000x60_20trees_{threads}threads"), |b| {
                b.iter(|| learner.fit(black_box(&data), None, &context).expect("two classes"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, forest);
criterion_main!(benches);
