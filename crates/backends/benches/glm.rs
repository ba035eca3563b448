//! Fitting linear models to 100,000 rows of 60 columns on one thread.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use tenure_backends::glm::Family;
use tenure_backends::{Backend, GlmParams, LogisticParams};
use tenure_core::seed::unit;
use tenure_core::{Dataset, Feature, FitContext, Schema, Target};

const ROWS: usize = 100_000;
const FEATURES: usize = 60;

fn data(family: Family) -> Dataset {
    let x = Array2::from_shape_fn((ROWS, FEATURES), |(row, column)| {
        let at = (row * FEATURES + column) as u64;
        2.0 * (unit(1, at) + unit(2, at) + unit(3, at)) - 3.0
    });
    let label = |(row, values): (usize, ndarray::ArrayView1<'_, f64>)| {
        let predictor =
            values.iter().enumerate().map(|(j, v)| 0.05 * (1.0 - 0.5 * (j % 5) as f64) * v).sum::<f64>();
        let draw = unit(4, row as u64);
        match family {
            Family::Binomial => f64::from(draw < 1.0 / (1.0 + (-predictor - 0.5).exp())),
            _ => (0.5 + predictor).exp() * (1e-6 - (1.0 - draw).ln()),
        }
    };
    let labels = x.rows().into_iter().enumerate().map(label).collect();
    let target = match family {
        Family::Binomial => Target::binary("y", labels),
        _ => Target::real("y", labels),
    };
    let schema = Schema::new((0..FEATURES).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect());
    Dataset::new(schema.unwrap(), x).unwrap().with_target(target.unwrap()).unwrap()
}

fn fits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fit_100k_rows_60_columns");
    group.sample_size(10);
    let glm = |family| Backend::Glm(GlmParams { alpha: 1e-3, standardise: false, ..GlmParams::of(family) });
    let (binary, amounts) = (data(Family::Binomial), data(Family::Gamma));
    let cases = [
        ("glm_binomial", glm(Family::Binomial), &binary),
        ("glm_gamma", glm(Family::Gamma), &amounts),
        ("logistic", Backend::Logistic(LogisticParams::default()), &binary),
    ];
    for (name, backend, data) in cases {
        let learner = backend.check().unwrap();
        for threads in [1, 2] {
            let context = FitContext::new(0).with_threads(threads);
            group.bench_function(format!("{name}/{threads}_threads"), |bencher| {
                bencher.iter(|| learner.fit(black_box(data), None, &context).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fits);
criterion_main!(benches);
