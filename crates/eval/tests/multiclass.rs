//! Several classes, and further regression losses: against scikit-learn and SciPy (golden/multiclass.py), and
//! what is refused.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2, array};
use serde::Deserialize;
use tenure_eval::Error;
use tenure_eval::metrics::{self, MulticlassReport};

#[derive(Deserialize)]
struct Golden {
    multiclass: Vec<Multiclass>,
    regression: Vec<Regression>,
}

#[derive(Deserialize)]
struct Multiclass {
    labels: Vec<f64>,
    probabilities: Vec<f64>,
    classes: usize,
    weights: Option<Vec<f64>>,
    accuracy: f64,
    roc_auc_macro: f64,
    roc_auc_ovr: Option<f64>,
    log_loss: f64,
    log_loss_base: f64,
    brier: f64,
    f1_macro: f64,
    f1_weighted: f64,
    f1_micro: f64,
    precision: Vec<Option<f64>>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    roc_auc: Vec<f64>,
    average_precision: Vec<f64>,
    confusion: Vec<Vec<f64>>,
    ece: Vec<f64>,
    ece_top: f64,
}

#[derive(Deserialize)]
struct Regression {
    actual: Vec<f64>,
    predicted: Vec<f64>,
    zero: Vec<f64>,
    weights: Option<Vec<f64>>,
    pinball: BTreeMap<String, f64>,
    huber: BTreeMap<String, f64>,
    d2: BTreeMap<String, f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/multiclass.json")).unwrap()
}

#[track_caller]
fn check(name: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= 1e-12 * expected.abs().max(1e-3), "{name}: found {found}, expected {expected}");
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|c| format!("class {c}")).collect()
}

#[test]
fn reports_equal_scikit_learn() {
    for case in golden().multiclass {
        let p = Array2::from_shape_vec((case.labels.len(), case.classes), case.probabilities).unwrap();
        let (y, w) = (&case.labels[..], case.weights.as_deref());
        let report = MulticlassReport::new(&names(case.classes), y, p.view(), w).unwrap();
        check("accuracy", report.accuracy, case.accuracy);
        check("roc_auc_macro", report.roc_auc_macro, case.roc_auc_macro);
        check("roc_auc_ovr", report.roc_auc_macro, case.roc_auc_ovr.unwrap_or(report.roc_auc_macro));
        check("log_loss", report.log_loss, case.log_loss);
        check("log_loss_base", report.log_loss_base, case.log_loss_base);
        check("brier", report.brier, case.brier);
        check("f1_macro", report.f1_macro, case.f1_macro);
        check("f1_weighted", report.f1_weighted, case.f1_weighted);
        check("f1_micro", report.f1_micro, case.f1_micro);
        check("ece_classwise", report.ece_classwise, case.ece.iter().sum::<f64>() / case.classes as f64);
        check("ece_top", report.ece_top, case.ece_top);
        for (c, class) in report.classes.iter().enumerate() {
            assert_eq!(class.precision.is_some(), case.precision[c].is_some());
            check("precision", class.precision.unwrap_or(0.0), case.precision[c].unwrap_or(0.0));
            check("recall", class.recall.unwrap(), case.recall[c]);
            check("f1", class.f1.unwrap(), case.f1[c]);
            check("roc_auc", class.roc_auc.unwrap(), case.roc_auc[c]);
            check("average_precision", class.average_precision.unwrap(), case.average_precision[c]);
            check("ece", class.ece, case.ece[c]);
            for (found, expected) in report.confusion[c].iter().zip(&case.confusion[c]) {
                check("confusion", *found, *expected);
            }
        }
        let back: MulticlassReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(back, report);
        functions_agree(&report, y, p.view(), w);
    }
}

/// The functions for one figure give the report's figures.
fn functions_agree(report: &MulticlassReport, y: &[f64], p: ArrayView2<'_, f64>, w: Option<&[f64]>) {
    assert_eq!(metrics::multiclass_log_loss(y, p, w).unwrap(), report.log_loss);
    assert_eq!(metrics::multiclass_brier(y, p, w).unwrap(), report.brier);
    assert_eq!(metrics::multiclass_accuracy(y, p, w).unwrap(), report.accuracy);
    assert_eq!(metrics::roc_auc_macro(y, p, w).unwrap(), report.roc_auc_macro);
    assert_eq!(metrics::f1_macro(y, p, w).unwrap(), report.f1_macro);
    assert_eq!(metrics::confusion_matrix(y, p, w).unwrap(), report.confusion);
}

#[test]
fn two_classes_are_the_binary_figures() {
    let (y, p) = ([0.0, 1.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.1, 0.8, 0.6]);
    let w = [1.0, 2.0, 0.5, 0.0, 3.0];
    let both = Array2::from_shape_fn((5, 2), |(r, c)| if c == 1 { p[r] } else { 1.0 - p[r] });
    let report = MulticlassReport::new(&names(2), &y, both.view(), Some(&w)).unwrap();
    check("log loss", report.log_loss, metrics::log_loss(&y, &p, Some(&w)).unwrap());
    check("brier", report.brier, 2.0 * metrics::brier(&y, &p, Some(&w)).unwrap());
    check("roc auc", report.roc_auc_macro, metrics::roc_auc(&y, &p, Some(&w)).unwrap());
    check("accuracy", report.accuracy, metrics::accuracy(&y, &p, Some(&w), 0.5).unwrap());
}

#[test]
fn a_class_without_rows_says_none_and_is_left_out_of_averages() {
    let p = array![[0.7, 0.2, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [0.3, 0.3, 0.4, 0.0], [0.6, 0.4, 0.0, 0.0]];
    let report = MulticlassReport::new(&names(4), &[0.0, 1.0, 1.0, 0.0], p.view(), None).unwrap();
    // Taken for class 2 is one row which is not of it; class 3 is never taken.
    assert_eq!(
        (report.classes[2].f1, report.classes[2].precision, report.classes[2].recall),
        (Some(0.0), Some(0.0), None)
    );
    assert_eq!((report.classes[3].f1, report.classes[3].roc_auc), (None, None));
    assert_eq!(report.roc_auc_macro, (0.75 + report.classes[0].roc_auc.unwrap()) / 2.0);
    check("f1_macro", report.f1_macro, (1.0 + 2.0 / 3.0 + 0.0) / 3.0);
    check("base", report.log_loss_base, 2f64.ln());
}

#[test]
fn certainty_that_is_wrong_costs_36_and_equal_probabilities_take_the_first_class() {
    let p = array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    check(
        "clipped",
        metrics::multiclass_log_loss(&[2.0, 1.0], p.view(), None).unwrap() * 2.0,
        36.043_653_389_117_15,
    );
    let third = Array2::from_elem((3, 3), 1.0 / 3.0);
    assert_eq!(metrics::confusion_matrix(&[0.0, 1.0, 2.0], third.view(), None).unwrap()[2], [1.0, 0.0, 0.0]);
}

#[test]
fn what_cannot_be_judged_is_named() {
    let good = array![[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]];
    let refused = |classes: usize, y: &[f64], p: &Array2<f64>, w: Option<&[f64]>| -> String {
        MulticlassReport::new(&names(classes), y, p.view(), w).unwrap_err().to_string()
    };
    let check = |found: String, words: &str| assert_eq!(found, words);
    check(
        refused(2, &[0.0, 1.0], &good, None),
        "parameter `classes` is 2 names; expected one name for each column of the probabilities",
    );
    let index = "the label of row 1 is 3; expected the index of a class, below the number of columns";
    check(refused(3, &[0.0, 3.0], &good, None), index);
    check(refused(3, &[0.0, 0.5], &good, None), &index.replace("is 3", "is 0.5"));
    check(refused(3, &[0.0, f64::NAN], &good, None), &index.replace("is 3", "is NaN"));
    let far = array![[0.5, 0.3, 0.2], [0.1, 0.2, 0.5]];
    let sum = refused(3, &[0.0, 1.0], &far, None);
    assert!(
        sum.starts_with("the sum of the probabilities of row 1 is 0.8") && sum.ends_with("to within 1e-5")
    );
    let negative = array![[0.5, 0.3, 0.2], [-0.5, 1.0, 0.5]];
    check(
        refused(3, &[0.0, 1.0], &negative, None),
        "the probability of row 1 is -0.5; expected a number from 0 to 1",
    );
    check(refused(3, &[0.0], &good, None), "2 rows of probabilities for 1 rows; one a row is needed");
    check(
        refused(3, &[0.0, 1.0], &good, Some(&[0.0, 0.0])),
        "all weights are 0; at least one row must count",
    );
    let one = "the report is not defined: all rows that count have the same class; two classes are needed";
    check(refused(3, &[1.0, 1.0], &good, None), one);
    check(refused(3, &[0.0, 1.0], &good, Some(&[0.0, 1.0])), one);
    let none = Array2::zeros((0, 3));
    assert!(matches!(MulticlassReport::new(&names(3), &[], none.view(), None), Err(Error::Empty)));
    let single = Array2::ones((2, 1));
    check(
        refused(1, &[0.0, 0.0], &single, None),
        "parameter `classes` is 1; expected at least 2 columns of probabilities",
    );
}

#[test]
fn regression_losses_equal_scikit_learn_and_scipy() {
    for case in golden().regression {
        let (y, p, w) = (&case.actual[..], &case.predicted[..], case.weights.as_deref());
        for (quantile, expected) in case.pinball {
            check("pinball", metrics::pinball_loss(y, p, w, quantile.parse().unwrap()).unwrap(), expected);
        }
        for (delta, expected) in case.huber {
            check("huber", metrics::huber_loss(y, p, w, delta.parse().unwrap()).unwrap(), expected);
        }
        for (power, expected) in case.d2 {
            let power: f64 = power.parse().unwrap();
            let actual = if power < 2.0 { &case.zero[..] } else { y };
            check("d2", metrics::d2_tweedie(actual, p, w, power).unwrap(), expected);
        }
    }
}

#[test]
fn regression_losses_refuse_their_parameters() {
    let (y, p) = ([1.0, 2.0], [1.0, 1.0]);
    let check = |found: Result<f64, Error>, words: &str| assert_eq!(found.unwrap_err().to_string(), words);
    let quantile = "parameter `quantile` is 1; expected between 0 and 1, both excluded";
    check(metrics::pinball_loss(&y, &p, None, 1.0), quantile);
    check(metrics::huber_loss(&y, &p, None, 0.0), "parameter `delta` is 0; expected a finite number above 0");
    check(
        metrics::huber_loss(&y, &p, None, f64::NAN),
        "parameter `delta` is NaN; expected a finite number above 0",
    );
    check(
        metrics::d2_tweedie(&[1.0, 1.0], &p, None, 1.0),
        "d2_tweedie is not defined: all actual values are equal",
    );
    check(
        metrics::d2_tweedie(&y, &[0.0, 1.0], None, 1.5),
        "the prediction of row 0 is 0; expected a number above 0",
    );
}
