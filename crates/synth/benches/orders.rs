//! Time to generate orders on one core, in memory and streamed.
#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tenure_synth::OrderParams;

fn orders(c: &mut Criterion) {
    let params = OrderParams { customers: 50_000, ..OrderParams::default() };
    let world = params.check().expect("the defaults are valid");
    let log = world.generate(1, 1).expect("one thread needs no pool");
    let highest = log.orders.order.as_deref().unwrap_or_default().iter().max();
    let mut group = c.benchmark_group("orders_50k_customers_24_months");
    group.throughput(Throughput::Elements(highest.map_or(0, |&h| u64::from(h) + 1)));
    group.sample_size(20);
    group.bench_function("generate_1_thread", |b| b.iter(|| black_box(world.generate(42, 1))));
    group.bench_function("batches_of_4096", |b| b.iter(|| world.batches(42, 4096).map(black_box).count()));
    group.finish();

    let instant = [world.end().plus_days(-90)];
    let mut group = c.benchmark_group("oracle_50k_customers_1_instant");
    group.sample_size(10);
    group.bench_function("1_thread", |b| {
        b.iter(|| black_box(world.attainable(&log.orders, &instant, 90, 1)));
    });
    group.finish();
}

criterion_group!(benches, orders);
criterion_main!(benches);
