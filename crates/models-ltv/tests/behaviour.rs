//! Simulated customers: parameters found again, intervals that cover, the same answer from any start and at any
//! number of threads; and data that tell nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;

use ndarray::array;
use tenure_core::{Artifact, FitContext, Metadata, Model, seed};
use tenure_features::{OrderLine, OrderLogBuilder};
use tenure_ltv::Error;
use tenure_ltv::probabilistic::{
    BgBb, BgBbParams, BgNbd, BgNbdParams, CustomerValueModel, Estimates, FitParams, ForecastParams,
    GammaGamma, Opportunities, ParetoNbd, PurchaseModel, Purchases, Summaries, TimeUnit, purchases, value,
};

mod support;
use support::{CDNOW_BG, CDNOW_PARETO, CDNOW_SPEND, Drawn, generator, summaries};

fn context() -> FitContext<'static> {
    FitContext::new(0)
}

fn params() -> FitParams {
    FitParams::default()
}

fn from(start: Vec<f64>) -> FitParams {
    FitParams { start: Some(start), ..params() }
}

/// `n` numbers log-uniform over six decades.
fn random_start(n: u64, at: u64) -> Vec<f64> {
    (0..n).map(|i| 10_f64.powf(6.0 * seed::unit(i, at) - 3.0)).collect()
}

const YEAR: ForecastParams = ForecastParams { periods: 12, period: 52.0 / 12.0, discount: 0.0, level: 0.9 };

/// Ages of 27 to 39 weeks in whole days, as in the CDNOW sample.
fn draw(n: usize, seed: u64, one: impl Fn(f64, &mut rand_pcg::Pcg64Mcg) -> Drawn) -> Vec<Drawn> {
    let mut rng = generator(seed);
    let mut made: Vec<Drawn> = (0..n).map(|i| one(27.0 + (i % 85) as f64 / 7.0, &mut rng)).collect();
    made.iter_mut().for_each(|drawn| support::spends(&CDNOW_SPEND, drawn, &mut rng));
    made
}

fn bg_customers(n: usize, seed: u64) -> Vec<Drawn> {
    draw(n, seed, |age, rng| support::bg_nbd(&CDNOW_BG, age, YEAR.time(), rng))
}

fn pareto_customers(n: usize, seed: u64) -> Vec<Drawn> {
    draw(n, seed, |age, rng| support::pareto_nbd(&CDNOW_PARETO, age, YEAR.time(), rng))
}

/// Within four standard errors.
#[track_caller]
fn found_again(estimates: &Estimates, truth: &[f64]) {
    for (estimate, truth) in estimates.estimates.iter().zip(truth) {
        let off = (estimate.value.ln() - truth.ln()) / (estimate.standard_error / estimate.value);
        assert!(off.abs() < 4.0, "{estimate:?}, drawn with {truth}");
    }
}

#[test]
fn parameters_are_found_again() {
    let customers = summaries(&bg_customers(20_000, 1));
    let BgNbdParams { r, alpha, a, b } = CDNOW_BG;
    let fitted = BgNbd::fit(&customers, &params(), &context()).unwrap();
    found_again(fitted.estimates().unwrap(), &[r, alpha, a, b]);
    let spend = GammaGamma::fit(&customers, &params(), &context()).unwrap();
    found_again(spend.estimates().unwrap(), &[CDNOW_SPEND.p, CDNOW_SPEND.q, CDNOW_SPEND.v]);

    let customers = summaries(&pareto_customers(8_000, 2));
    let fitted = ParetoNbd::fit(&customers, &params(), &context()).unwrap();
    let of = CDNOW_PARETO;
    found_again(fitted.estimates().unwrap(), &[of.r, of.alpha, of.s, of.beta]);
}

#[track_caller]
fn same(found: &[f64], first: &[f64]) {
    for (a, b) in found.iter().zip(first) {
        assert!((a / b - 1.0).abs() < 1e-6, "{found:?} {first:?}");
    }
}

#[test]
fn any_start_leads_to_the_same_optimum() {
    let customers = summaries(&bg_customers(600, 3));
    let values = |e: &Estimates| e.estimates.iter().map(|e| e.value).collect::<Vec<_>>();
    let bg = |p: &FitParams| values(BgNbd::fit(&customers, p, &context()).unwrap().estimates().unwrap());
    let pareto =
        |p: &FitParams| values(ParetoNbd::fit(&customers, p, &context()).unwrap().estimates().unwrap());
    let spend =
        |p: &FitParams| values(GammaGamma::fit(&customers, p, &context()).unwrap().estimates().unwrap());
    let first = bg(&params());
    (0..1000).for_each(|at| same(&bg(&from(random_start(4, at))), &first));
    let first = pareto(&params());
    (0..30).for_each(|at| same(&pareto(&from(random_start(4, at))), &first));
    let first = spend(&params());
    (0..1000).for_each(|at| same(&spend(&from(random_start(3, at))), &first));
}

/// Shares of customers whose later purchases and spend lie within their intervals, and those above them.
fn coverage(model: &dyn PurchaseModel, drawn: &[Drawn]) -> [f64; 4] {
    let forecasts = value(model, &CDNOW_SPEND, &summaries(drawn), &YEAR, None).unwrap();
    let share = |of: &dyn Fn(&Drawn, &tenure_ltv::probabilistic::ValueForecast) -> bool| {
        drawn.iter().zip(&forecasts).filter(|(d, f)| of(d, f)).count() as f64 / drawn.len() as f64
    };
    [
        share(&|d, f| (f.purchases.purchases_low..=f.purchases.purchases_high).contains(&d.future)),
        share(&|d, f| d.future > f.purchases.purchases_high),
        share(&|d, f| (f.value_low..=f.value_high).contains(&d.future_spend)),
        share(&|d, f| d.future_spend > f.value_high),
    ]
}

#[test]
fn intervals_cover_what_happens() {
    let cases: [(&dyn PurchaseModel, Vec<Drawn>); 2] =
        [(&CDNOW_BG, bg_customers(40_000, 4)), (&CDNOW_PARETO, pareto_customers(40_000, 5))];
    for (model, drawn) in cases {
        let [purchases, above, spend, spend_above] = coverage(model, &drawn);
        // Counts are whole, so that intervals cover more than they must; nothing is below 0.
        assert!((0.9..1.0).contains(&purchases) && above < 0.05, "{purchases} {above}");
        // The spend is as good as continuous above 0, and the interval is at 0 for most from below.
        assert!((spend_above - 0.05).abs() < 0.01, "{spend_above}");
        assert!((0.9..0.96).contains(&spend), "{spend}");
        // Means, too.
        let forecasts = value(model, &CDNOW_SPEND, &summaries(&drawn), &YEAR, None).unwrap();
        let expected: f64 = forecasts.iter().map(|f| f.purchases.purchases).sum();
        let happened: f64 = drawn.iter().map(|d| f64::from(d.future)).sum();
        assert!((happened / expected - 1.0).abs() < 0.05, "{happened} {expected}");
        let expected: f64 = forecasts.iter().map(|f| f.value).sum();
        let happened: f64 = drawn.iter().map(|d| d.future_spend).sum();
        assert!((happened / expected - 1.0).abs() < 0.06, "{happened} {expected}");
    }
}

/// Hundreds of purchases behind and ahead; who has surely left is left out, being covered for certain.
#[test]
fn intervals_of_frequent_buyers_cover_too() {
    let of = BgNbdParams { r: 4.0, alpha: 0.5, a: 0.4, b: 30.0 };
    let mut rng = generator(6);
    let all = (0..8_000).map(|_| support::bg_nbd(&of, 100.0, YEAR.time(), &mut rng));
    let alive = |d: &Drawn| {
        of.probability_alive(&tenure_ltv::probabilistic::Summary::new(d.x, d.recency, d.age).unwrap())
    };
    let mut drawn: Vec<Drawn> = all.filter(|d| alive(d) > 0.97).collect();
    assert!(drawn.len() > 1000 && drawn.iter().filter(|d| d.future > 100).count() > 500, "{}", drawn.len());
    drawn.iter_mut().for_each(|d| support::spends(&CDNOW_SPEND, d, &mut rng));
    let [purchases, above, spend, spend_above] = coverage(&of, &drawn);
    assert!((purchases - 0.9).abs() < 0.05 && (above - 0.05).abs() < 0.015, "{purchases} {above}");
    assert!((spend - 0.9).abs() < 0.05 && (spend_above - 0.05).abs() < 0.015, "{spend} {spend_above}");
}

#[test]
fn threads_change_no_bit() {
    let customers = summaries(&bg_customers(20_000, 7));
    let threads = |n: usize| {
        let context = FitContext::new(0).with_threads(n);
        let bg = BgNbd::fit(&customers, &params(), &context).unwrap();
        let spend = GammaGamma::fit(&customers, &params(), &context).unwrap();
        let made = value(&bg.params(), &spend.params(), &customers, &YEAR, NonZeroUsize::new(n)).unwrap();
        (bg, spend, made)
    };
    let one = threads(1);
    assert_eq!(one, threads(3));
    // Nor do the other rows: a few alone, in another order.
    let rows = [19_999, 3, 777];
    let column = |f: &dyn Fn(usize) -> f64| rows.iter().map(|&r| f(r)).collect::<Vec<_>>();
    let few = Summaries::new(
        &column(&|r| f64::from(customers.frequency()[r])),
        &column(&|r| customers.recency()[r]),
        &column(&|r| customers.age()[r]),
    );
    let few = few.unwrap().with_mean_spend(column(&|r| customers.mean_spend().unwrap()[r])).unwrap();
    let made = value(&one.0.params(), &one.1.params(), &few, &YEAR, None).unwrap();
    assert_eq!(made, rows.map(|r| one.2[r]));
}

#[test]
fn weights_are_counts() {
    let drawn = bg_customers(800, 8);
    let twice: Vec<Drawn> = drawn.iter().chain(&drawn[..300]).copied().collect();
    let weights = (0..800).map(|i| if i < 300 { 2.0 } else { 1.0 }).collect();
    let weighted = summaries(&drawn).with_weights(weights).unwrap();
    let fits = |of: &Summaries| {
        let bg = BgNbd::fit(of, &params(), &context()).unwrap();
        let spend = GammaGamma::fit(of, &params(), &context()).unwrap();
        [bg.estimates().unwrap().clone(), spend.estimates().unwrap().clone()]
    };
    for (a, b) in fits(&weighted).iter().zip(&fits(&summaries(&twice))) {
        assert!((a.log_likelihood / b.log_likelihood - 1.0).abs() < 1e-12);
        for (a, b) in a.estimates.iter().zip(&b.estimates) {
            same(&[a.value, a.standard_error], &[b.value, b.standard_error]);
        }
    }
}

/// What the error says, of a fit that must find no optimum.
#[track_caller]
fn nowhere<T: std::fmt::Debug>(made: Result<T, Error>) -> String {
    match made {
        Err(Error::NoInnerOptimum { meaning, .. }) => meaning,
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_that_tell_nothing_are_refused_in_words() {
    let nobody = Summaries::new(&[0.0; 5], &[0.0; 5], &[10.0, 20.0, 30.0, 5.0, 0.0]).unwrap();
    assert!(nowhere(BgNbd::fit(&nobody, &params(), &context())).contains("nobody has bought again"));
    assert!(nowhere(ParetoNbd::fit(&nobody, &params(), &context())).contains("nobody has bought again"));
    let alike = Summaries::new(&[4.0; 50], &[30.0; 50], &[39.0; 50]).unwrap();
    nowhere(BgNbd::fit(&alike, &params(), &context()));
    nowhere(ParetoNbd::fit(&alike, &params(), &context()));
    let one = Summaries::new(&[1.0], &[3.0], &[9.0]).unwrap();
    nowhere(BgNbd::fit(&one, &params(), &context()));
    // Poisson customers with rates that differ, who never leave.
    let stay = BgNbdParams { a: 1e-9, b: 1.0, ..CDNOW_BG };
    let mut rng = generator(9);
    let drawn: Vec<Drawn> = (0..500).map(|_| support::bg_nbd(&stay, 39.0, 0.0, &mut rng)).collect();
    let meaning = nowhere(BgNbd::fit(&summaries_without_spend(&drawn), &params(), &context()));
    assert!(meaning.contains("nobody seems to leave"), "{meaning}");
    // The same with a penalty has an answer.
    let penalised = FitParams { l2: 1e-3, ..params() };
    let fitted = BgNbd::fit(&summaries_without_spend(&drawn), &penalised, &context()).unwrap();
    let of = fitted.params();
    assert!(of.a / (of.a + of.b) < 0.05, "{of:?}");
    BgNbd::fit(&nobody, &penalised, &context()).unwrap();

    let same_spend = alike.clone().with_mean_spend(vec![20.0; 50]).unwrap();
    nowhere(GammaGamma::fit(&same_spend, &params(), &context()));
    let table = Opportunities::new(&[3.0; 9], &[3.0; 9], &[3.0; 9]).unwrap();
    nowhere(BgBb::fit(&table, &params(), &context()));
    let empty = Summaries::new(&[], &[], &[]).unwrap();
    assert!(BgNbd::fit(&empty, &params(), &context()).unwrap_err().to_string().contains("not enough"));
}

fn summaries_without_spend(drawn: &[Drawn]) -> Summaries {
    let column = |of: fn(&Drawn) -> f64| drawn.iter().map(of).collect::<Vec<_>>();
    Summaries::new(&column(|d| d.x), &column(|d| d.recency), &column(|d| d.age)).unwrap()
}

#[test]
fn summaries_are_checked() {
    let wrong =
        |x: f64, last: f64, age: f64| Summaries::new(&[0.0, x], &[0.0, last], &[1.0, age]).unwrap_err();
    for (x, last, age, says) in [
        (1.5, 1.0, 2.0, "row 1: frequency is 1.5"),
        (-1.0, 0.0, 2.0, "row 1: frequency is -1"),
        (f64::NAN, 0.0, 2.0, "frequency is NaN"),
        (1.0, 3.0, 2.0, "recency is 3; expected at least 0, at most the age"),
        (1.0, f64::NAN, 2.0, "recency is NaN"),
        (0.0, 1.0, 2.0, "expected 0 where the frequency is 0"),
        (0.0, 0.0, f64::INFINITY, "age is inf"),
    ] {
        let told = wrong(x, last, age).to_string();
        assert!(told.contains(says), "{told}");
    }
    let good = Summaries::new(&[0.0, 1.0], &[0.0, 1.0], &[1.0, 1.0]).unwrap();
    assert!(good.clone().with_mean_spend(vec![f64::NAN, 0.0]).is_err());
    assert!(good.clone().with_mean_spend(vec![f64::NAN, 3.0]).is_ok());
    assert!(good.clone().with_weights(vec![0.0, 0.0]).is_err());
    assert!(
        Opportunities::new(&[2.0], &[1.0], &[6.0])
            .unwrap_err()
            .to_string()
            .contains("at least the frequency")
    );
    let history: [&[bool]; 2] = [&[false, true, true, false], &[false; 4]];
    let made = Opportunities::from_history(history).unwrap();
    assert_eq!(made, Opportunities::new(&[2.0, 0.0], &[3.0, 0.0], &[4.0, 4.0]).unwrap());
    // A repeat buyer without a mean spend, and a mean that is not finite.
    let told = value(&CDNOW_BG, &CDNOW_SPEND, &good, &YEAR, None).unwrap_err().to_string();
    assert!(told.contains("row 1: mean_spend"), "{told}");
    let heavy = tenure_ltv::probabilistic::GammaGammaParams { q: 0.9, ..CDNOW_SPEND };
    let told = value(&CDNOW_BG, &heavy, &good, &YEAR, None).unwrap_err().to_string();
    assert!(told.contains("row 0: the mean spend is not finite"), "{told}");
}

#[test]
fn forecasts_of_the_extreme_are_finite() {
    let customers = Summaries::new(
        &[0.0, 0.0, 100_000.0, 100_000.0, 30.0, 1.0],
        &[0.0, 0.0, 729.0, 1.0, 0.5, 729.99],
        &[0.0, 1e6, 730.0, 730.0, 730.0, 730.0],
    );
    let customers = customers.unwrap().with_mean_spend(vec![1.0, 1.0, 5.0, 1e-3, 1e9, 20.0]).unwrap();
    let models: [&dyn PurchaseModel; 3] = [&CDNOW_BG, &CDNOW_PARETO, &BgNbdParams { a: 1.0, ..CDNOW_BG }];
    for model in models {
        for period in [1e-6, 30.0, 1e6] {
            let plan = ForecastParams { periods: 3, period, discount: 0.1, level: 0.9 };
            for (row, f) in value(model, &CDNOW_SPEND, &customers, &plan, None).unwrap().iter().enumerate() {
                let told = format!("{model:?} {period} {row} {f:?}");
                let all = [
                    f.purchases.probability_alive,
                    f.purchases.purchases,
                    f.value,
                    f.value_low,
                    f.value_high,
                ];
                assert!(all.iter().all(|v| v.is_finite() && *v >= 0.0), "{told}");
                assert!(
                    f.value_low <= f.value_high && f.purchases.purchases_low <= f.purchases.purchases_high,
                    "{told}"
                );
                assert!(f.purchases.discounted_purchases <= f.purchases.purchases, "{told}");
            }
        }
    }
}

#[test]
fn bg_bb_is_found_again_and_counts_right() {
    let of = BgBbParams { alpha: 1.2, beta: 0.75, gamma: 0.66, delta: 2.78 };
    let mut rng = generator(10);
    use rand::RngExt;
    use rand_distr::{Beta, Distribution};
    let (p, theta) = (Beta::new(of.alpha, of.beta).unwrap(), Beta::new(of.gamma, of.delta).unwrap());
    let rows: Vec<Vec<bool>> = (0..20_000)
        .map(|_| {
            let (p, theta, mut alive) = (p.sample(&mut rng), theta.sample(&mut rng), true);
            let mut year = || {
                alive = alive && rng.random::<f64>() >= theta;
                alive && rng.random::<f64>() < p
            };
            (0..11).map(|_| year()).collect()
        })
        .collect();
    let table = Opportunities::from_history(rows.iter().map(|r| &r[..6])).unwrap();
    let fitted = BgBb::fit(&table, &params(), &context()).unwrap();
    found_again(fitted.estimates().unwrap(), &[of.alpha, of.beta, of.gamma, of.delta]);
    let first: Vec<f64> = fitted.estimates().unwrap().estimates.iter().map(|e| e.value).collect();
    for at in 0..200 {
        let again = BgBb::fit(&table, &from(random_start(4, at)), &context()).unwrap();
        same(&again.estimates().unwrap().estimates.iter().map(|e| e.value).collect::<Vec<_>>(), &first);
    }
    let plan = ForecastParams { periods: 5, period: 1.0, discount: 0.0, level: 0.9 };
    let made = purchases(&of, table.summaries(), &plan, None).unwrap();
    let later = |r: &[bool]| r[6..].iter().filter(|b| **b).count() as u32;
    let inside =
        rows.iter().zip(&made).filter(|(r, f)| (f.purchases_low..=f.purchases_high).contains(&later(r)));
    assert!(inside.count() > 18_000);
    let expected: f64 = made.iter().map(|f| f.purchases).sum();
    let happened: f64 = rows.iter().map(|r| f64::from(later(r))).sum();
    assert!((happened / expected - 1.0).abs() < 0.03, "{happened} {expected}");
}

#[test]
fn a_log_becomes_summaries() {
    let mut builder = OrderLogBuilder::new();
    let at = |text: &str| text.parse::<tenure_features::Timestamp>().unwrap();
    for (id, when, amount) in [
        ("ann", "2024-01-01T08:00:00Z", 5.0),
        ("ann", "2024-01-01T20:00:00Z", 7.0),
        ("ann", "2024-01-15T08:00:00Z", 10.0),
        ("ann", "2024-01-15T09:00:00Z", 20.0),
        ("ann", "2024-01-22T09:00:00Z", 50.0),
        ("ann", "2024-03-01", 99.0),
        ("bob", "2024-01-08", 5.0),
        ("eve", "2024-03-01", 5.0),
    ] {
        builder.push(OrderLine::new(id, at(when), amount));
    }
    let log = builder.build().unwrap();
    let (made, index) = Summaries::from_log(&log, at("2024-02-12"), TimeUnit::Week).unwrap();
    assert_eq!(index, [0, 1]);
    assert_eq!(
        (made.frequency(), made.recency(), made.age()),
        (&[2, 0][..], &[3.0, 0.0][..], &[6.0, 5.0][..])
    );
    assert_eq!(made.mean_spend().unwrap()[0], 40.0);
    let error = Summaries::from_log(&log, at("2023-01-01"), TimeUnit::Day).unwrap_err();
    assert!(error.to_string().contains("no orders"), "{error}");
}

#[test]
fn a_model_is_served_and_stored() {
    let customers = summaries(&bg_customers(3_000, 11));
    let bg = BgNbd::fit(&customers, &params(), &context()).unwrap();
    let spend = GammaGamma::fit(&customers, &params(), &context()).unwrap();
    let model =
        CustomerValueModel::new(Purchases::BgNbd(bg.clone()), Some(spend), YEAR, TimeUnit::Week).unwrap();
    let x = array![[2.0, 30.4, 38.9, 22.0], [0.0, 0.0, 38.9, f64::NAN], [7.0, 29.4, 38.9, 73.7]];
    let made = model.predict(x.view()).unwrap();
    for (row, expected) in x.rows().into_iter().zip(made.rows()) {
        let mut out = [0.0; 8];
        model.predict_row(&row.to_vec(), &mut out).unwrap();
        assert_eq!(out.map(f64::to_bits).to_vec(), expected.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
    }
    let load = |artifact: &Artifact| {
        CustomerValueModel::from_artifact(artifact).map(|m| Box::new(m) as Box<dyn Model>)
    };
    let failures = tenure_backends::conformance::check_model(&model, x.view(), &load);
    assert!(failures.is_empty(), "{}", tenure_backends::conformance::summary(&failures));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.to_artifact().save(&path, &Metadata::default()).unwrap();
    let (artifact, _) = Artifact::load(&path).unwrap();
    let again = CustomerValueModel::from_artifact(&artifact).unwrap();
    assert_eq!(again.purchases(), model.purchases());
    assert_eq!(again.predict(x.view()).unwrap(), made);
    let told = model.predict(array![[2.0, 50.0, 38.9, 22.0]].view()).unwrap_err().to_string();
    assert!(told.contains("recency is 50"), "{told}");
    assert!(model.predict(array![[f64::NAN, 0.0, 38.9, 22.0]].view()).is_err());
    assert!(model.explain_row(&[2.0, 30.4, 38.9, 22.0], 0).is_err());
    // A stored model with a parameter out of range is damaged.
    let mut config = artifact.config.clone();
    config["purchases"]["bg_nbd"]["params"]["alpha"] = serde_json::json!(-1.0);
    let bad = Artifact::from_json(CustomerValueModel::KIND, 1, config);
    assert!(CustomerValueModel::from_artifact(&bad).unwrap_err().to_string().contains("damaged"));
    let text = serde_json::to_string(&bg).unwrap();
    assert_eq!(serde_json::from_str::<BgNbd>(&text).unwrap(), bg);
}
