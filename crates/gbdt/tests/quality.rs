//! Held-out losses beside those of Python LightGBM on the same rows with the same settings (`golden/quality.py`).
//!
//! With `TENURE_QUALITY_SEEDS=3` it prints the losses of several draws of the data, as the script does with a number.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and may be asked to print"
)]

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView1};
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target, seed};
use tenure_gbdt::{GbdtParams, GradientSampling, Monotone, Objective};

const ROWS: usize = 12_000;

fn draws(from: u64) -> Vec<f64> {
    (0..ROWS as u64).map(|i| seed::unit(from, i)).collect()
}

/// Features and the signal in them.
fn data(seed: u64, levels: usize) -> (Array2<f64>, Vec<f64>) {
    let columns: Vec<Vec<f64>> = (0..7).map(|c| draws(100 * seed + c)).collect();
    let hidden = draws(100 * seed + 10);
    let x = Array2::from_shape_fn((ROWS, 7), |(row, column)| {
        let v = columns[column][row];
        match column {
            2 if hidden[row] < 0.1 => f64::NAN,
            3 if hidden[row] > 0.85 => f64::NAN,
            4 => (v * 8.0).floor(),
            6 => (v * v * levels as f64).floor(),
            _ => v,
        }
    });
    let signal = |x: ArrayView1<'_, f64>| {
        let effect = seed::unit(77, x[6] as u64);
        (4.0 * x[0]).sin()
            + 2.0 * x[1] * if x[2].is_nan() { 0.5 } else { x[2] }
            + if x[3].is_nan() { 0.8 } else { 0.0 }
            + 0.1 * x[4]
            + 2.0 * (effect - 0.5)
    };
    let signal = x.rows().into_iter().map(signal).collect();
    (x, signal)
}

fn target(kind: &str, signal: &[f64], seed: u64) -> Target {
    let (u, v) = (draws(100 * seed + 20), draws(100 * seed + 21));
    let of = |row: usize| {
        let (s, u, v) = (signal[row], u[row], v[row]);
        let logistic = 0.5 * ((u + 1e-9) / (1.0 - u)).ln();
        let amount = (0.7 * s).exp() * -(-u).ln_1p();
        match kind {
            "binary" => f64::from(u < 1.0 / (1.0 + (-1.5 * (s - 1.5)).exp())),
            "real" => s + logistic,
            "positive" => amount + 1e-6,
            "zeros" if v < 0.5 => 0.0,
            "zeros" => amount,
            "classes" => (s + logistic).floor().clamp(0.0, 3.0),
            _ => amount.floor(),
        }
    };
    let values = (0..signal.len()).map(of).collect();
    match kind {
        "binary" => Target::binary("y", values),
        "classes" => Target::classes("y", ["a", "b", "c", "d"], values),
        _ => Target::real("y", values),
    }
    .unwrap()
}

fn dataset(seed: u64, levels: usize, kind: &str) -> Dataset {
    let (x, signal) = data(seed, levels);
    let mut features: Vec<Feature> = (0..6).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    features.push(Feature::categorical("c", (0..levels).map(|i| i.to_string()), ""));
    let data = Dataset::new(Schema::new(features).unwrap(), x).unwrap();
    data.with_target(target(kind, &signal, seed)).unwrap()
}

/// What an output loses.
fn loss(objective: Objective, p: ArrayView1<'_, f64>, y: f64) -> f64 {
    let (all, p) = (p, p[0]);
    match objective {
        Objective::BinaryLogLoss => -(if y == 1.0 { p } else { 1.0 - p }).ln(),
        Objective::SquaredError => (p - y).powi(2),
        Objective::AbsoluteError => (p - y).abs(),
        Objective::Huber { .. } if (p - y).abs() <= 1.0 => 0.5 * (p - y).powi(2),
        Objective::Huber { .. } => (p - y).abs() - 0.5,
        Objective::Quantile { alpha } => ((1.0 - alpha) * (p - y)).max(alpha * (y - p)),
        Objective::Poisson => p - y * p.ln(),
        Objective::Gamma => y / p + p.ln(),
        Objective::Tweedie { .. } => 2.0 * p.sqrt() + 2.0 * y / p.sqrt(),
        _ => -all[y as usize].ln(),
    }
}

struct Case {
    name: &'static str,
    levels: usize,
    labels: &'static str,
    objective: Objective,
    params: GbdtParams,
}

fn cases() -> Vec<Case> {
    let params = || GbdtParams {
        trees: 100,
        learning_rate: 0.1,
        early_stopping_rounds: None,
        ..GbdtParams::default()
    };
    let case = |name, levels, labels, objective, params: GbdtParams| {
        let params = GbdtParams { objective: Some(objective), ..params };
        Case { name, levels, labels, objective, params }
    };
    let names = |features: &[&str]| features.iter().map(|&f| f.to_owned()).collect::<Vec<_>>();
    let drawn = GbdtParams { row_fraction: 0.6, column_fraction: 0.7, node_column_fraction: 0.7, ..params() };
    let sampled = GbdtParams { gradient_sampling: Some(GradientSampling::default()), ..params() };
    let monotone = ["f1", "f2", "f4"].map(|f| (f.to_owned(), Monotone::Increasing)).into();
    let interactions = vec![names(&["f0", "c"]), names(&["f1", "f2", "f3", "f4"])];
    use Objective::{
        AbsoluteError, BinaryLogLoss, Gamma, Huber, Poisson, Quantile, Softmax, SquaredError, Tweedie,
    };
    vec![
        case("binary", 12, "binary", BinaryLogLoss, params()),
        case("squared", 12, "real", SquaredError, params()),
        case("absolute", 12, "real", AbsoluteError, params()),
        case("huber", 12, "real", Huber { delta: 1.0 }, params()),
        case("quantile", 12, "real", Quantile { alpha: 0.8 }, params()),
        case("poisson", 12, "counts", Poisson, params()),
        case("gamma", 12, "positive", Gamma, params()),
        case("tweedie", 12, "zeros", Tweedie { power: 1.5 }, params()),
        case("classes", 12, "classes", Softmax, params()),
        case("binary, 240 levels", 240, "binary", BinaryLogLoss, params()),
        case("binary, 600 levels", 600, "binary", BinaryLogLoss, params()),
        case("squared, 600 levels", 600, "real", SquaredError, params()),
        case("binary, goss", 12, "binary", BinaryLogLoss, sampled),
        case("squared, bagging", 12, "real", SquaredError, drawn),
        case("squared, monotone", 12, "real", SquaredError, GbdtParams { monotone, ..params() }),
        case("squared, interactions", 12, "real", SquaredError, GbdtParams { interactions, ..params() }),
    ]
}

fn held_out(case: &Case, seed: u64) -> f64 {
    let train = dataset(seed, case.levels, case.labels);
    let test = dataset(seed + 1, case.levels, case.labels);
    let fitted = case.params.clone().check().unwrap().fit(&train, None, &FitContext::new(1)).unwrap();
    let p = fitted.model.predict(test.x()).unwrap();
    let y = test.target().unwrap().values();
    y.iter().zip(p.rows()).map(|(&y, p)| loss(case.objective, p, y)).sum::<f64>() / ROWS as f64
}

#[test]
fn held_out_losses_are_those_of_lightgbm() {
    let golden: BTreeMap<String, f64> = serde_json::from_str(include_str!("golden/quality.json")).unwrap();
    let seeds: u64 = std::env::var("TENURE_QUALITY_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut worse = Vec::new();
    for case in cases() {
        let losses: Vec<f64> = (0..seeds).map(|at| held_out(&case, 2 * at + 1)).collect();
        let text: Vec<String> = losses.iter().map(|loss| format!("{loss:.5}")).collect();
        println!("{:24} {}", case.name, text.join(" "));
        // Which of equally good splits is taken is chance; over draws of the data it is worth about half of this.
        let expected = golden[case.name];
        if losses[0] > expected + 0.01 * expected.abs() {
            worse.push(format!("{}: {} for {expected}", case.name, losses[0]));
        }
    }
    assert!(worse.is_empty(), "{worse:#?}");
}
