//! Figures of scikit-learn, SciPy and independent Python formulas; made by golden/make.py.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use serde::Deserialize;
use tenure_eval::calibration::{Calibrator, Method};
use tenure_eval::metrics::{self, Bins};

#[derive(Deserialize)]
struct Golden {
    binary: Vec<Binary>,
    regression: Vec<Regression>,
    calibration: Vec<Calibration>,
}

#[derive(Deserialize)]
struct Binary {
    labels: Vec<f64>,
    probabilities: Vec<f64>,
    other: Vec<f64>,
    weights: Option<Vec<f64>>,
    roc_auc: f64,
    delong_auc: f64,
    standard_error: f64,
    low: f64,
    high: f64,
    difference: f64,
    difference_se: f64,
    p_value: f64,
    average_precision: f64,
    log_loss: f64,
    brier: f64,
    ks: f64,
    ks_scipy: Option<f64>,
    ece_mass: f64,
    ece_width: f64,
    accuracy: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    fpr: Vec<f64>,
    tpr: Vec<f64>,
    curve_precision: Vec<f64>,
    curve_recall: Vec<f64>,
    curve_thresholds: Vec<f64>,
}

#[derive(Deserialize)]
struct Regression {
    actual: Vec<f64>,
    predicted: Vec<f64>,
    zero: Vec<f64>,
    weights: Option<Vec<f64>>,
    mae: f64,
    rmse: f64,
    r2: f64,
    mape: f64,
    gamma: f64,
    poisson: f64,
    tweedie: std::collections::BTreeMap<String, f64>,
    gini: f64,
}

#[derive(Deserialize)]
struct Calibration {
    kind: String,
    probabilities: Vec<f64>,
    labels: Vec<f64>,
    weights: Option<Vec<f64>>,
    grid: Vec<f64>,
    platt: Vec<f64>,
    beta: Vec<f64>,
    isotonic: Vec<f64>,
    betacal: Option<Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/golden.json")).expect("the fields above")
}

#[track_caller]
fn check(name: &str, found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance * expected.abs().max(1e-3), "{name}: found {found}, expected {expected}");
}

#[track_caller]
fn check_all(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{name}: found {found}, expected {expected}");
    }
}

#[test]
fn binary_metrics_equal_scikit_learn() {
    for case in golden().binary {
        let (y, p, w) = (&case.labels[..], &case.probabilities[..], case.weights.as_deref());
        check("roc_auc", metrics::roc_auc(y, p, w).unwrap(), case.roc_auc, 1e-12);
        let ap = metrics::average_precision(y, p, w).unwrap();
        check("average_precision", ap, case.average_precision, 1e-12);
        check("log_loss", metrics::log_loss(y, p, w).unwrap(), case.log_loss, 1e-12);
        check("brier", metrics::brier(y, p, w).unwrap(), case.brier, 1e-12);
        check("ks", metrics::ks(y, p, w).unwrap(), case.ks, 1e-12);
        if let Some(ks) = case.ks_scipy {
            check("ks of scipy", metrics::ks(y, p, w).unwrap(), ks, 1e-12);
        }
        check("ece mass", metrics::ece(y, p, w, Bins::default()).unwrap(), case.ece_mass, 1e-12);
        check("ece width", metrics::ece(y, p, w, Bins::EqualWidth(15)).unwrap(), case.ece_width, 1e-12);
        check("accuracy", metrics::accuracy(y, p, w, 0.6).unwrap(), case.accuracy, 1e-12);
        check("recall", metrics::recall(y, p, w, 0.6).unwrap(), case.recall, 1e-12);
        check("f1", metrics::f1(y, p, w, 0.6).unwrap(), case.f1, 1e-12);
        match metrics::precision(y, p, w, 0.6) {
            Ok(found) => check("precision", found, case.precision, 1e-12),
            Err(_) => assert_eq!(case.precision, 0.0), // scikit-learn's word for "not defined"
        }
    }
}

#[test]
fn curves_equal_scikit_learn() {
    for case in golden().binary {
        let (y, p, w) = (&case.labels[..], &case.probabilities[..], case.weights.as_deref());
        let roc = metrics::roc_curve(y, p, w).unwrap();
        check_all("fpr", &roc.iter().map(|r| r.false_positive_rate).collect::<Vec<_>>(), &case.fpr, 1e-12);
        check_all("tpr", &roc.iter().map(|r| r.true_positive_rate).collect::<Vec<_>>(), &case.tpr, 1e-12);
        let curve = metrics::precision_recall_curve(y, p, w).unwrap();
        let part = |f: fn(&metrics::PrecisionRecallPoint) -> f64| curve.iter().map(f).collect::<Vec<_>>();
        check_all("precision", &part(|r| r.precision), &case.curve_precision, 1e-12);
        check_all("recall", &part(|r| r.recall), &case.curve_recall, 1e-12);
        check_all("thresholds", &part(|r| r.threshold), &case.curve_thresholds, 0.0);
    }
}

#[test]
fn delong_equals_the_original_formula() {
    for case in golden().binary {
        let (y, p, w) = (&case.labels[..], &case.probabilities[..], case.weights.as_deref());
        let found = metrics::roc_auc_interval(y, p, w, 0.95).unwrap();
        check("auc", found.auc, case.delong_auc, 1e-12);
        check("standard error", found.standard_error, case.standard_error, 1e-12);
        check("low", found.low, case.low, 1e-10);
        check("high", found.high, case.high, 1e-10);
        let test = metrics::delong_test(y, p, &case.other, w).unwrap();
        check("difference", test.difference, case.difference, 1e-12);
        check("standard error of the difference", test.standard_error, case.difference_se, 1e-10);
        check("p value", test.p_value, case.p_value, 1e-9);
    }
}

#[test]
fn regression_metrics_equal_scikit_learn() {
    for case in golden().regression {
        let (y, p, w) = (&case.actual[..], &case.predicted[..], case.weights.as_deref());
        check("mae", metrics::mae(y, p, w).unwrap(), case.mae, 1e-12);
        check("rmse", metrics::rmse(y, p, w).unwrap(), case.rmse, 1e-12);
        check("r2", metrics::r2(y, p, w).unwrap(), case.r2, 1e-12);
        check("mape", metrics::mape(y, p, w).unwrap(), case.mape, 1e-12);
        check("gamma", metrics::gamma_deviance(y, p, w).unwrap(), case.gamma, 1e-12);
        check("poisson", metrics::poisson_deviance(&case.zero, p, w).unwrap(), case.poisson, 1e-12);
        check("gini", metrics::normalised_gini(y, p, w).unwrap(), case.gini, 1e-12);
        for (power, expected) in case.tweedie {
            let power: f64 = power.parse().unwrap();
            let actual = if power < 2.0 { &case.zero[..] } else { y };
            let found = metrics::tweedie_deviance(actual, p, w, power).unwrap();
            check(&format!("tweedie {power}"), found, expected, 1e-12);
        }
    }
}

#[test]
fn calibrators_equal_the_best_fit() {
    for case in golden().calibration {
        let apply = |method| {
            let weights = case.weights.as_deref();
            Calibrator::fit(method, &case.probabilities, &case.labels, weights).unwrap().apply_all(&case.grid)
        };
        // The reference is a general optimiser, which stops at about 1e-6.
        check_all(&format!("platt {}", case.kind), &apply(Method::Platt), &case.platt, 2e-5);
        check_all(&format!("beta {}", case.kind), &apply(Method::Beta), &case.beta, 2e-4);
        check_all(&format!("isotonic {}", case.kind), &apply(Method::Isotonic), &case.isotonic, 1e-12);
        if let Some(expected) = &case.betacal {
            // Without smoothed targets, hence only close.
            check_all("betacal", &apply(Method::Beta)[1..20], expected, 0.02);
        }
    }
}
