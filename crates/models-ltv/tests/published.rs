//! Fits and forecasts beside published figures and beside lifetimes, mpmath and scipy
//! (`golden/lifetimes_and_mpmath.py`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde_json::Value;
use tenure_core::{FitContext, seed};
use tenure_features::{OrderLine, OrderLogBuilder};
use tenure_ltv::probabilistic::{
    BgBb, BgNbd, BgNbdParams, Covariates, Estimates, FitParams, ForecastParams, GammaGamma, Opportunities,
    ParetoNbd, ParetoNbdParams, PurchaseModel, Summaries, Summary, TimeUnit, purchases, value, value_by,
};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/lifetimes_and_mpmath.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "{found}, expected {expected}");
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).for_each(|(f, e)| close(*f, *e, relative));
}

/// A file of the CDNOW data, where it is.
fn file(name: &str) -> Option<String> {
    let root = std::env::var_os("TENURE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("cdnow").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: {} is not there", path.display());
    }
    text
}

/// The CDNOW sample with mean spends.
fn cdnow() -> Option<Summaries> {
    let text = file("cdnow_customers_summary_with_transactions.csv")?;
    let lines = text.lines().skip(1);
    let rows: Vec<Vec<f64>> = lines.map(|l| l.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    let column = |i: usize| rows.iter().map(|r| r[i]).collect::<Vec<_>>();
    let customers = Summaries::new(&column(1), &column(2), &column(3)).unwrap();
    Some(customers.with_mean_spend(column(4)).unwrap())
}

/// The donations of Fader, Hardie & Shang (2010).
fn donors() -> Opportunities {
    let [x, last, n, weights] = &rows(&golden()["donations"]["table"])[..] else { panic!() };
    Opportunities::new(x, last, n).unwrap().with_weights(weights.clone()).unwrap()
}

/// Starts of each search.
const STARTS: u64 = 1000;

fn context() -> FitContext<'static> {
    FitContext::new(0).with_threads(1)
}

fn exact() -> FitParams {
    FitParams::default()
}

/// From a thousand starts over six decades each model comes to the same parameters, to six digits, on the data of
/// the published fits.
#[test]
fn a_thousand_starts_lead_to_the_published_parameters() {
    let Some(customers) = cdnow() else { return };
    let same = |found: &Estimates, first: &Estimates| {
        for (a, b) in found.estimates.iter().zip(&first.estimates) {
            assert!((a.value / b.value - 1.0).abs() < 1e-6, "{found:?} {first:?}");
        }
    };
    let from = |n: u64, at: u64| {
        let start = (0..n).map(|i| 10_f64.powf(6.0 * seed::unit(i, at) - 3.0)).collect();
        FitParams { start: Some(start), ..exact() }
    };
    let donors = donors();
    let bg = |params: &FitParams| BgNbd::fit(&customers, params, &context()).unwrap();
    let pareto = |params: &FitParams| ParetoNbd::fit(&customers, params, &context()).unwrap();
    let spend = |params: &FitParams| GammaGamma::fit(&customers, params, &context()).unwrap();
    let bg_bb = |params: &FitParams| BgBb::fit(&donors, params, &context()).unwrap();
    let first = (bg(&exact()), pareto(&exact()), spend(&exact()), bg_bb(&exact()));
    for at in 0..STARTS {
        same(bg(&from(4, at)).estimates().unwrap(), first.0.estimates().unwrap());
        same(pareto(&from(4, at)).estimates().unwrap(), first.1.estimates().unwrap());
        same(spend(&from(3, at)).estimates().unwrap(), first.2.estimates().unwrap());
        same(bg_bb(&from(4, at)).estimates().unwrap(), first.3.estimates().unwrap());
    }
}

/// The order log of the sample leads to the published summaries; what came later lies within its intervals.
#[test]
fn the_log_of_cdnow_becomes_its_summaries() {
    let (Some(published), Some(text)) = (cdnow(), file("CDNOW_sample.txt")) else { return };
    let mut builder = OrderLogBuilder::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, id, day, _, amount] = fields[..] else { panic!("{line}") };
        let date = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
        // A few orders were free of charge: orders nonetheless.
        let amount = amount.parse::<f64>().unwrap().max(0.01);
        builder.push(OrderLine::new(id, date.parse().unwrap(), amount));
    }
    let log = builder.build().unwrap();
    let at = |text: &str| text.parse().unwrap();
    let (customers, index) = Summaries::from_log(&log, at("1997-09-30T23:59:59Z"), TimeUnit::Week).unwrap();
    assert_eq!(customers.len(), published.len());
    assert_eq!(customers.frequency(), published.frequency());
    for row in 0..customers.len() {
        assert!((customers.recency()[row] - published.recency()[row]).abs() < 0.0051);
        assert!((customers.age()[row] - published.age()[row]).abs() < 0.0051);
    }
    // The 39 weeks after.
    let (later, whole) = Summaries::from_log(&log, at("1998-06-30T23:59:59Z"), TimeUnit::Week).unwrap();
    assert_eq!(index, whole);
    let model = BgNbd::fit(&customers, &exact(), &context()).unwrap().params();
    let plan = ForecastParams { periods: 39, period: 1.0, discount: 0.0, level: 0.9 };
    let forecasts = purchases(&model, &customers, &plan, None).unwrap();
    let bought = |row: usize| later.frequency()[row] - customers.frequency()[row];
    let happened: u32 = (0..later.len()).map(bought).sum();
    let expected: f64 = forecasts.iter().map(|f| f.purchases).sum();
    let inside = |row: &usize| {
        (forecasts[*row].purchases_low..=forecasts[*row].purchases_high).contains(&bought(*row))
    };
    let covered = (0..later.len()).filter(inside).count() as f64 / later.len() as f64;
    println!("expected {expected:.0}, happened {happened}, coverage {covered:.3}");
    assert!((expected / f64::from(happened) - 1.0).abs() < 0.15, "{expected} {happened}");
    assert!(covered > 0.9, "{covered}");
}

#[test]
fn bg_nbd_on_cdnow() {
    let Some(customers) = cdnow() else { return };
    let fitted = BgNbd::fit(&customers, &exact(), &context()).unwrap();
    let BgNbdParams { r, alpha, a, b } = fitted.params();
    // Fader, Hardie & Lee (2005a): .243, 4.414, .793, 2.426, and -9582.4.
    for (found, published) in [(r, 0.243), (alpha, 4.414), (a, 0.793), (b, 2.426)] {
        assert!((found - published).abs() < 6e-4, "{found} {published}");
    }
    let estimates = fitted.estimates().unwrap();
    assert!((estimates.log_likelihood + 9582.43).abs() < 0.01, "{}", estimates.log_likelihood);
    let golden = &golden()["cdnow"]["bg_nbd"];
    all_close(&[r, alpha, a, b], &numbers(&golden["params"]), 2e-4);
    close(estimates.log_likelihood, golden["log_likelihood"].as_f64().unwrap(), 1e-8);
    let errors: Vec<f64> = estimates.estimates.iter().map(|e| e.standard_error).collect();
    all_close(&errors, &numbers(&golden["standard_errors"]), 2e-3);
}

#[test]
fn pareto_nbd_on_cdnow() {
    let Some(customers) = cdnow() else { return };
    let fitted = ParetoNbd::fit(&customers, &exact(), &context()).unwrap();
    let ParetoNbdParams { r, alpha, s, beta } = fitted.params();
    // Fader & Hardie (2005): .553, 10.578, .606, 11.669, and -9595.0.
    for (found, published) in [(r, 0.553), (alpha, 10.578), (s, 0.606), (beta, 11.669)] {
        assert!((found - published).abs() < 2e-3, "{found} {published}");
    }
    let log_likelihood = fitted.estimates().unwrap().log_likelihood;
    assert!((log_likelihood + 9594.976).abs() < 0.01, "{log_likelihood}");
    let golden = &golden()["cdnow"]["pareto_nbd"];
    all_close(&[r, alpha, s, beta], &numbers(&golden["params"]), 1e-4);
    close(log_likelihood, golden["log_likelihood"].as_f64().unwrap(), 1e-8);
}

#[test]
fn gamma_gamma_on_cdnow() {
    let Some(customers) = cdnow() else { return };
    let fitted = GammaGamma::fit(&customers, &exact(), &context()).unwrap();
    let of = fitted.params();
    // Fader & Hardie (2013): 6.25, 3.74, 15.44.
    for (found, published) in [(of.p, 6.25), (of.q, 3.74), (of.v, 15.44)] {
        assert!((found - published).abs() < 0.011, "{found} {published}");
    }
    let golden = &golden()["cdnow"]["gamma_gamma"];
    all_close(&[of.p, of.q, of.v], &numbers(&golden["params"]), 2e-4);
    let estimates = fitted.estimates().unwrap();
    close(estimates.log_likelihood, golden["log_likelihood"].as_f64().unwrap(), 1e-8);
    let errors: Vec<f64> = estimates.estimates.iter().map(|e| e.standard_error).collect();
    all_close(&errors, &numbers(&golden["standard_errors"]), 2e-3);
    let spends = of.expected_spends(&customers).unwrap();
    let at = numbers(&self::golden()["cdnow"]["rows"]);
    let some: Vec<f64> = at.iter().map(|row| spends[*row as usize]).collect();
    all_close(&some, &numbers(&golden["expected"]), 1e-4);
    // lifetimes, Quickstart: 35.25 on average.
    assert!((spends.iter().sum::<f64>() / 2357.0 - 35.25).abs() < 0.01);
}

/// Forecasts at the very parameters of lifetimes.
#[test]
fn forecasts_are_those_of_lifetimes() {
    let Some(customers) = cdnow() else { return };
    let golden = golden();
    let at: Vec<usize> = numbers(&golden["cdnow"]["rows"]).iter().map(|v| *v as usize).collect();
    let [p, q, v] = numbers(&golden["cdnow"]["gamma_gamma"]["params"])[..] else { panic!() };
    let spend = tenure_ltv::probabilistic::GammaGammaParams { p, q, v };
    let year = ForecastParams { periods: 12, period: 4.345, discount: 0.01, level: 0.9 };
    let models: [(&str, Box<dyn PurchaseModel>); 2] = {
        let [r, alpha, a, b] = numbers(&golden["cdnow"]["bg_nbd"]["params"])[..] else { panic!() };
        let bg = BgNbdParams { r, alpha, a, b };
        let [r, alpha, s, beta] = numbers(&golden["cdnow"]["pareto_nbd"]["params"])[..] else { panic!() };
        [("bg_nbd", Box::new(bg)), ("pareto_nbd", Box::new(ParetoNbdParams { r, alpha, s, beta }))]
    };
    for (name, model) in models {
        let golden = &golden["cdnow"][name];
        let each = |f: &dyn Fn(&Summary) -> f64| -> Vec<f64> {
            at.iter().map(|&row| f(&customers.get(row).unwrap())).collect()
        };
        all_close(&each(&|of| model.probability_alive(of)), &numbers(&golden["alive"]), 1e-9);
        for time in [1.0, 39.0, 200.0] {
            let expected = numbers(&golden["expected"][format!("{time:.1}")]);
            all_close(&each(&|of| model.expected_purchases(of, time)), &expected, 1e-9);
        }
        for time in [1.0, 39.0, 500.0] {
            let expected = golden["new_expected"][format!("{time:.1}")].as_f64().unwrap();
            close(model.expected_purchases_new(time), expected, 1e-9);
        }
        for (n, expected) in golden["exactly"].as_array().into_iter().flatten().enumerate() {
            all_close(&each(&|of| model.purchase_probability(of, 39.0, n as u32)), &numbers(expected), 1e-7);
        }
        for (n, expected) in golden["new_exactly"].as_array().into_iter().flatten().enumerate() {
            close(model.purchase_probability_new(39.0, n as u32), expected.as_f64().unwrap(), 1e-9);
        }
        let values = value(&*model, &spend, &customers, &year, None).unwrap();
        let clv: Vec<f64> = at.iter().map(|&row| values[row].value).collect();
        all_close(&clv, &numbers(&golden["clv"]), 1e-9);
        if name == "bg_nbd" {
            // lifetimes, Quickstart: customers 1, 2, 3 and 6, with months of 30 units (of weeks, in fact).
            let long = ForecastParams { period: 30.0, ..year };
            let values = value(&*model, &spend, &customers, &long, None).unwrap();
            for (row, published) in [(0, 140.10), (1, 18.94), (2, 38.18), (5, 1003.87)] {
                assert!(
                    (values[row].value / published - 1.0).abs() < 1e-3,
                    "{} {published}",
                    values[row].value
                );
            }
        }
    }
}

#[test]
fn bg_bb_on_donations() {
    let golden = &golden()["donations"];
    let table = donors();
    let fitted = BgBb::fit(&table, &exact(), &context()).unwrap();
    let of = fitted.params();
    // Fader, Hardie & Shang (2010): 1.204, 0.750, 0.657, 2.783, and -33225.6.
    for (found, published) in [(of.alpha, 1.204), (of.beta, 0.750), (of.gamma, 0.657), (of.delta, 2.783)] {
        assert!((found - published).abs() < 6e-4, "{found} {published}");
    }
    let log_likelihood = fitted.estimates().unwrap().log_likelihood;
    assert!((log_likelihood + 33225.6).abs() < 0.05);
    close(log_likelihood, golden["log_likelihood"].as_f64().unwrap(), 1e-9);
    all_close(&[of.alpha, of.beta, of.gamma, of.delta], &numbers(&golden["params"]), 2e-4);

    let [alpha, beta, gamma, delta] = numbers(&golden["params"])[..] else { panic!() };
    let of = tenure_ltv::probabilistic::BgBbParams { alpha, beta, gamma, delta };
    let each = |f: &dyn Fn(&Summary) -> f64| -> Vec<f64> {
        (0..table.summaries().len()).map(|row| f(&table.summaries().get(row).unwrap())).collect()
    };
    all_close(&each(&|c| of.probability_alive(c)), &numbers(&golden["alive_now"]), 1e-9);
    all_close(&each(&|c| of.probability_alive_at(c, 1)), &numbers(&golden["alive_next"]), 1e-9);
    all_close(&each(&|c| of.expected_purchases(c, 5.0)), &numbers(&golden["expected_5"]), 1e-9);
    // The distribution has that mean.
    let mean = |c: &Summary| (1..=5).map(|k| f64::from(k) * of.purchase_probability(c, 5.0, k)).sum();
    all_close(&each(&mean), &numbers(&golden["expected_5"]), 1e-9);
}

/// Frequent buyers, long horizons, parameters at and about the poles of the closed forms: against 40 digits.
#[test]
fn edges_hold() {
    let golden = golden();
    for case in rows(&golden["edges"]["bg_nbd"]) {
        let [r, alpha, a, b, x, last, age, time, if_alive, alive] = case[..] else { panic!() };
        let of = BgNbdParams { r, alpha, a, b };
        let customer = Summary::new(x, last, age).unwrap();
        let mut found = [0.0];
        of.expected_if_alive(x as u32, age, &[time], &mut found);
        assert!((found[0] / if_alive - 1.0).abs() < 1e-10, "{case:?}: {found:?}");
        close(of.probability_alive(&customer), alive, 1e-9);
    }
    let rate = golden["edges"]["rate"].as_f64().unwrap();
    for case in rows(&golden["edges"]["pareto_nbd"]) {
        let [r, alpha, s, beta, x, last, age, ln_l, alive, dert] = case[..] else { panic!() };
        let of = ParetoNbdParams { r, alpha, s, beta };
        let customer = Summary::new(x, last, age).unwrap();
        let found = of.probability_alive(&customer);
        assert!((found - alive).abs() <= 1e-9 * alive + 1e-300, "{case:?}: {found}");
        let found = of.log_likelihood(&customer);
        assert!((found - ln_l).abs() <= 1e-11 * ln_l.abs().max(1.0), "{case:?}: {found}");
        let found = of.discounted_residual_purchases(&customer, rate).unwrap();
        assert!((found - dert).abs() <= 1e-9 * dert + 1e-300, "{case:?}: {found}");
    }
}

#[test]
fn covariates_are_those_of_scipy() {
    let golden = &golden()["covariates"];
    let z = rows(&golden["z"]);
    let values = Array2::from_shape_fn((z.len(), 2), |(i, j)| z[i][j]);
    let covariates = Covariates::new(["first", "second"], values).unwrap();
    let customers = |name: &str| {
        let [x, last, age] = ["x", "t_x", "age"].map(|c| numbers(&golden[name][c]));
        Summaries::new(&x, &last, &age).unwrap()
    };
    let both = Some(&covariates);
    let bg = BgNbd::fit_with(&customers("bg_nbd"), both, both, &exact(), &context()).unwrap();
    let pareto = ParetoNbd::fit_with(&customers("pareto_nbd"), both, both, &exact(), &context()).unwrap();
    for (name, estimates) in [("bg_nbd", bg.estimates()), ("pareto_nbd", pareto.estimates())] {
        let estimates = estimates.unwrap();
        let best = golden[name]["log_likelihood"].as_f64().unwrap();
        assert!((estimates.log_likelihood - best).abs() < 1e-5, "{name} {} {best}", estimates.log_likelihood);
        for (found, expected) in estimates.estimates.iter().zip(numbers(&golden[name]["values"])) {
            let near = 1e-2 * found.standard_error;
            assert!(
                (found.value - expected).abs() < near,
                "{name} {}: {} {expected}",
                found.name,
                found.value
            );
        }
    }
    assert!(bg.estimates().unwrap().get("alpha:first").is_some());
    assert!(bg.params_for(&[1.0], &[0.0, 0.0]).is_err());
    // A customer's own parameters.
    let own = bg.params_for(&z[0], &z[0]).unwrap();
    let coefficient = |name: &str| bg.estimates().unwrap().get(name).unwrap().value;
    let shift = coefficient("alpha:first") * z[0][0] + coefficient("alpha:second") * z[0][1];
    close(own.alpha, bg.params().alpha * (-shift).exp(), 1e-12);
    let spend = tenure_ltv::probabilistic::GammaGammaParams { p: 6.0, q: 4.0, v: 15.0 };
    let customers = customers("bg_nbd").with_mean_spend(vec![30.0; z.len()]).unwrap();
    let year = ForecastParams { periods: 12, period: 4.345, discount: 0.01, level: 0.9 };
    let model_of = |row: usize| bg.params_for(&z[row], &z[row]);
    let values = value_by(model_of, &spend, &customers, &year, None).unwrap();
    let alone = value(&own, &spend, &customers, &year, None).unwrap();
    assert_eq!(values[0], alone[0]);
}
