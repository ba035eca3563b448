//! Customers drawn from the models, with what they did afterwards.
#![allow(dead_code, missing_docs, reason = "each test uses its part")]

use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Beta, Distribution, Exp, Gamma};
use rand_pcg::Pcg64Mcg;
use tenure_ltv::probabilistic::{BgNbdParams, GammaGammaParams, ParetoNbdParams, Summaries};

/// A drawn customer: summary, and purchases and spend within the horizon after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) x: f64,
    pub(crate) recency: f64,
    pub(crate) age: f64,
    pub(crate) mean_spend: f64,
    pub(crate) future: u32,
    pub(crate) future_spend: f64,
}

pub(crate) fn generator(seed: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(seed)
}

/// Purchases of a rate until `age + horizon`; `leaves` says after each one (or at a time) when it is over.
fn walk(
    rate: f64,
    mut leaves: impl FnMut(&mut Pcg64Mcg, f64) -> bool,
    last: f64,
    age: f64,
    horizon: f64,
    rng: &mut Pcg64Mcg,
) -> (f64, f64, u32) {
    let gap = Exp::new(rate).unwrap();
    let (mut t, mut x, mut recency, mut future) = (0.0, 0.0, 0.0, 0);
    loop {
        t += gap.sample(rng);
        if t > age + horizon || t > last {
            return (x, recency, future);
        }
        if t <= age {
            x += 1.0;
            recency = t;
        } else {
            future += 1;
        }
        if leaves(rng, t) {
            return (x, recency, future);
        }
    }
}

pub(crate) fn bg_nbd(of: &BgNbdParams, age: f64, horizon: f64, rng: &mut Pcg64Mcg) -> Drawn {
    let rate = Gamma::new(of.r, 1.0 / of.alpha).unwrap().sample(rng).max(1e-12);
    let p = Beta::new(of.a, of.b).unwrap().sample(rng);
    let leaves = |rng: &mut Pcg64Mcg, _: f64| rng.random::<f64>() < p;
    let (x, recency, future) = walk(rate, leaves, f64::INFINITY, age, horizon, rng);
    Drawn { x, recency, age, mean_spend: f64::NAN, future, future_spend: 0.0 }
}

pub(crate) fn pareto_nbd(of: &ParetoNbdParams, age: f64, horizon: f64, rng: &mut Pcg64Mcg) -> Drawn {
    let rate = Gamma::new(of.r, 1.0 / of.alpha).unwrap().sample(rng).max(1e-12);
    let dropout = Gamma::new(of.s, 1.0 / of.beta).unwrap().sample(rng).max(1e-12);
    let last = Exp::new(dropout).unwrap().sample(rng);
    let (x, recency, future) = walk(rate, |_, _| false, last, age, horizon, rng);
    Drawn { x, recency, age, mean_spend: f64::NAN, future, future_spend: 0.0 }
}

/// Gives a drawn customer spends.
pub(crate) fn spends(of: &GammaGammaParams, drawn: &mut Drawn, rng: &mut impl Rng) {
    let rate = Gamma::new(of.q, 1.0 / of.v).unwrap().sample(rng).max(1e-300);
    let mut sum = |n: f64| if n > 0.0 { Gamma::new(of.p * n, 1.0 / rate).unwrap().sample(rng) } else { 0.0 };
    drawn.mean_spend = if drawn.x > 0.0 { sum(drawn.x) / drawn.x } else { f64::NAN };
    drawn.future_spend = sum(f64::from(drawn.future));
}

pub(crate) fn summaries(drawn: &[Drawn]) -> Summaries {
    let column = |of: fn(&Drawn) -> f64| drawn.iter().map(of).collect::<Vec<_>>();
    Summaries::new(&column(|d| d.x), &column(|d| d.recency), &column(|d| d.age))
        .unwrap()
        .with_mean_spend(column(|d| d.mean_spend))
        .unwrap()
}

pub(crate) const CDNOW_BG: BgNbdParams = BgNbdParams { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
pub(crate) const CDNOW_PARETO: ParetoNbdParams =
    ParetoNbdParams { r: 0.553, alpha: 10.578, s: 0.606, beta: 11.669 };
pub(crate) const CDNOW_SPEND: GammaGammaParams = GammaGammaParams { p: 6.25, q: 3.74, v: 15.44 };
