//! The log, the features and the fuzzy axes of 100,000 orders of 5,000 customers over two years.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tenure_core::{FitContext, seed};
use tenure_features::{
    CodedColumn, FeatureSet, FuzzyAxes, OrderColumns, OrderLog, SnapshotPlan, training_set,
};

const ORDERS: usize = 100_000;
const CUSTOMERS: u64 = 5_000;

fn columns() -> OrderColumns {
    let draw = |part: u64, n: u64| -> Vec<u32> {
        (0..ORDERS as u64).map(|i| (seed::mix(part, i) % n) as u32).collect()
    };
    let coded = |part, n: u64| CodedColumn {
        codes: draw(part, n),
        names: Arc::new((0..n).map(|i| i.to_string()).collect()),
    };
    OrderColumns {
        customer: coded(1, CUSTOMERS),
        time: draw(2, 730 * 86_400).into_iter().map(i64::from).collect(),
        amount: draw(3, 10_000).into_iter().map(|a| f64::from(a + 1) / 100.0).collect(),
        category: Some(coded(4, 20)),
        channel: Some(coded(5, 4)),
        ..OrderColumns::default()
    }
}

fn bench(c: &mut Criterion) {
    let columns = columns();
    let mut group = c.benchmark_group("features");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS as u64));
    group.bench_function("log_100k_orders", |b| {
        b.iter_batched(|| columns.clone(), |c| OrderLog::from_columns(c).unwrap(), BatchSize::LargeInput);
    });
    let log = OrderLog::from_columns(columns.clone()).unwrap();
    let plan = SnapshotPlan { max_snapshots: Some(12), ..SnapshotPlan::default() };
    let set = FeatureSet::default();
    let train = || training_set(&log, &plan, None, &set, &FitContext::new(0)).unwrap();
    group.bench_function("training_set_12_snapshots", |b| b.iter(|| black_box(train())));
    let table = train();
    group.bench_function("fuzzy_fit_append", |b| {
        b.iter(|| {
            let axes = FuzzyAxes::fit(table.data().schema(), table.data().x()).unwrap();
            axes.append(table.data()).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
