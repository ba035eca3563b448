//! From a million customer summaries to fitted models and a 12-month value with interval for each, on one
//! thread.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test or measurement may stop at once")]

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::RngExt;
use tenure_core::FitContext;
use tenure_ltv::probabilistic::{
    BgNbd, BgNbdParams, FitParams, ForecastParams, GammaGamma, ParetoNbd, Summaries, TimeUnit, value,
};

#[path = "../tests/support/mod.rs"]
mod support;

const CUSTOMERS: usize = 1_000_000;

/// Two years of customers; in whole days, as a log gives them, or with times that hardly repeat.
fn customers(whole_days: bool) -> Summaries {
    // The parameters of the CDNOW sample, in days.
    let of = BgNbdParams { alpha: 7.0 * support::CDNOW_BG.alpha, ..support::CDNOW_BG };
    let mut rng = support::generator(1);
    let drawn = (0..CUSTOMERS).map(|_| {
        let age = 730.0 * rng.random::<f64>();
        let age = if whole_days { age.ceil() } else { age };
        let mut drawn = support::bg_nbd(&of, age, 0.0, &mut rng);
        support::spends(&support::CDNOW_SPEND, &mut drawn, &mut rng);
        if whole_days && drawn.x > 0.0 {
            // Several purchases of a day are one.
            drawn.recency = drawn.recency.ceil().max(1.0);
            drawn.x = drawn.x.min(drawn.recency);
        }
        drawn
    });
    support::summaries(&drawn.collect::<Vec<_>>())
}

fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one_million_customers");
    group.sample_size(10);
    let context = FitContext::new(0).with_threads(1);
    let one = NonZeroUsize::new(1);
    let params = FitParams::default();
    let year = ForecastParams { discount: 0.01, ..ForecastParams::months(12, TimeUnit::Day) };
    for (name, whole_days) in [("days", true), ("any_time", false)] {
        let customers = customers(whole_days);
        let all = |customers: &Summaries| {
            let model = BgNbd::fit(customers, &params, &context).unwrap().params();
            let spend = GammaGamma::fit(customers, &params, &context).unwrap().params();
            value(&model, &spend, customers, &year, one).unwrap()
        };
        group.bench_function(format!("bg_nbd_fit_and_value/{name}"), |b| {
            b.iter(|| all(black_box(&customers)))
        });
        group.bench_function(format!("bg_nbd_fit/{name}"), |b| {
            b.iter(|| BgNbd::fit(black_box(&customers), &params, &context).unwrap());
        });
        group.bench_function(format!("pareto_nbd_fit/{name}"), |b| {
            b.iter(|| ParetoNbd::fit(black_box(&customers), &params, &context).unwrap());
        });
        group.bench_function(format!("gamma_gamma_fit/{name}"), |b| {
            b.iter(|| GammaGamma::fit(black_box(&customers), &params, &context).unwrap());
        });
        let bg = BgNbd::fit(&customers, &params, &context).unwrap().params();
        let pareto = ParetoNbd::fit(&customers, &params, &context).unwrap().params();
        let spend = support::CDNOW_SPEND;
        group.bench_function(format!("bg_nbd_value/{name}"), |b| {
            b.iter(|| value(&bg, &spend, black_box(&customers), &year, one).unwrap());
        });
        group.bench_function(format!("pareto_nbd_value/{name}"), |b| {
            b.iter(|| value(&pareto, &spend, black_box(&customers), &year, one).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
