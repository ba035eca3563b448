//! Edge cases of the metrics: each has a defined answer.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use tenure_eval::metrics::*;

type Binary = fn(&[f64], &[f64], Option<&[f64]>) -> tenure_eval::Result<f64>;

const RANKING: [(&str, Binary); 3] =
    [("roc_auc", roc_auc), ("average_precision", average_precision), ("ks", ks)];
const PROBABILITY: [Binary; 2] = [log_loss, brier];
const REGRESSION: [Binary; 5] = [mae, rmse, r2, mape, normalised_gini];

#[track_caller]
fn refused<T: std::fmt::Debug>(result: tenure_eval::Result<T>, words: &str) {
    assert_eq!(result.expect_err(words).to_string(), words);
}

#[test]
fn empty_input_and_lengths_and_weights() {
    let all = RANKING.map(|r| r.1).into_iter().chain(PROBABILITY).chain(REGRESSION);
    for metric in all {
        refused(metric(&[], &[], None), "there are no rows to judge");
        let unequal = metric(&[0.0, 1.0], &[0.5], None).unwrap_err().to_string();
        assert!(unequal.starts_with("1 ") && unequal.contains("for 2 rows"), "{unequal}");
        refused(
            metric(&[0.0, 1.0], &[0.5, 0.5], Some(&[0.0, 0.0])),
            "all weights are 0; at least one row must count",
        );
        refused(
            metric(&[0.0, 1.0], &[0.5, 0.5], Some(&[1.0, -1.0])),
            "the weight of row 1 is -1; expected a finite number, at least 0",
        );
        refused(metric(&[0.0, 1.0], &[0.5, 0.5], Some(&[1.0])), "1 weights for 2 rows; one a row is needed");
        assert!(
            metric(&[0.0, 1.0], &[0.5, f64::NAN], None).unwrap_err().to_string().contains("row 1 is NaN")
        );
        assert!(
            metric(&[f64::NAN, 1.0], &[0.5, 0.5], None).unwrap_err().to_string().contains("row 0 is NaN")
        );
    }
}

#[test]
fn one_class() {
    for (name, metric) in RANKING {
        refused(
            metric(&[1.0, 1.0], &[0.1, 0.2], None),
            &format!("one class only: all 2 rows are labelled 1; {name} needs both classes"),
        );
        // A class without weight is absent.
        refused(
            metric(&[0.0, 1.0], &[0.1, 0.2], Some(&[1.0, 0.0])),
            &format!("one class only: all 1 rows are labelled 0; {name} needs both classes"),
        );
    }
    assert_eq!(brier(&[1.0, 1.0], &[1.0, 0.5], None).unwrap(), 0.125);
    assert!(log_loss(&[1.0], &[1.0], None).unwrap() < 1e-15);
}

#[test]
fn labels_and_probabilities_out_of_range() {
    refused(roc_auc(&[0.0, 2.0], &[0.1, 0.2], None), "the label of row 1 is 2; expected 0 or 1");
    refused(
        brier(&[0.0, 1.0], &[0.1, 1.2], None),
        "the probability of row 1 is 1.2; expected a number from 0 to 1",
    );
    refused(
        roc_auc(&[0.0, 1.0], &[0.0, f64::INFINITY], None),
        "the score of row 1 is inf; expected a finite number",
    );
}

#[test]
fn ties_count_half_and_zeros_are_one_score() {
    assert_eq!(roc_auc(&[0.0, 1.0, 1.0, 0.0], &[0.3; 4], None).unwrap(), 0.5);
    assert_eq!(roc_auc(&[0.0, 1.0], &[-0.0, 0.0], None).unwrap(), 0.5);
    assert_eq!(average_precision(&[0.0, 1.0], &[0.3; 2], None).unwrap(), 0.5);
    assert_eq!(ks(&[0.0, 1.0], &[0.3; 2], None).unwrap(), 0.0);
    assert_eq!(roc_auc(&[1.0, 0.0], &[-5.0, -7.0], None).unwrap(), 1.0);
}

#[test]
fn weight_two_equals_the_row_twice() {
    let (y, p, w) = ([0.0, 1.0, 0.0, 1.0], [0.1, 0.4, 0.4, 0.8], [2.0, 1.0, 3.0, 0.0]);
    let (y2, p2) = ([0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.1, 0.1, 0.4, 0.4, 0.4, 0.4]);
    for (_, metric) in RANKING {
        assert_eq!(metric(&y, &p, Some(&w)).unwrap(), metric(&y2, &p2, None).unwrap());
    }
    let bins = Bins::EqualMass(3);
    assert_eq!(ece(&y, &p, Some(&w), bins).unwrap(), ece(&y2, &p2, None, bins).unwrap());
}

#[test]
fn certain_and_wrong_costs_a_finite_loss() {
    assert!((log_loss(&[1.0], &[0.0], None).unwrap() - 36.04).abs() < 0.01);
    assert!((log_loss(&[0.0], &[1.0], None).unwrap() - 36.04).abs() < 0.01);
}

#[test]
fn delong_at_its_edges() {
    refused(
        roc_auc_interval(&[0.0, 0.0, 1.0], &[0.1, 0.2, 0.3], None, 0.9),
        "roc_auc_interval is not defined: class 1 has one row; its spread needs two",
    );
    let y = [0.0, 0.0, 1.0, 1.0];
    let sure = roc_auc_interval(&y, &[0.1, 0.2, 0.3, 0.4], None, 0.9).unwrap();
    assert_eq!((sure.auc, sure.low, sure.high), (1.0, 1.0, 1.0));
    refused(
        roc_auc_interval(&y, &[0.1, 0.2, 0.3, 0.4], None, 1.0),
        "parameter `level` is 1; expected between 0 and 1, both excluded",
    );
    let same = delong_test(&y, &[0.1, 0.3, 0.2, 0.4], &[1.0, 3.0, 2.0, 4.0], None).unwrap();
    assert_eq!((same.z, same.p_value), (0.0, 1.0));
    assert!(
        delong_test(&y, &[0.1, 0.2, 0.3, 0.4], &[0.4, 0.3, 0.2, 0.1], None)
            .unwrap_err()
            .to_string()
            .contains("the difference is the same in every row")
    );
}

#[test]
fn delong_intervals_cover() {
    // Two normal classes a distance of 1 apart have an AUC of Φ(1/√2) = 0.7602.
    let (mut covered, runs, rows) = (0, 600, 120);
    for run in 0..runs {
        let unit = |i: u64| tenure_core::seed::unit(run, i).max(1e-300);
        let normal =
            |i: u64| (-2.0 * unit(2 * i).ln()).sqrt() * (std::f64::consts::TAU * unit(2 * i + 1)).cos();
        let labels: Vec<f64> = (0..rows).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
        let scores: Vec<f64> = (0..rows as u64).map(|i| normal(i) + labels[i as usize]).collect();
        let interval = roc_auc_interval(&labels, &scores, None, 0.9).unwrap();
        covered += u64::from(interval.low <= 0.760_249_938 && 0.760_249_938 <= interval.high);
    }
    let share = covered as f64 / runs as f64;
    assert!((0.87..=0.93).contains(&share), "{share}");
}

#[test]
fn figures_at_a_threshold() {
    let (y, p) = ([0.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.2, 0.1]);
    let at = confusion(&y, &p, None, 0.5).unwrap();
    assert_eq!((at.true_positives, at.false_positives, at.false_negatives), (1.0, 1.0, 1.0));
    refused(precision(&y, &p, None, 0.9), "precision is not defined: no score is at least the threshold 0.9");
    refused(recall(&[0.0], &[0.3], None, 0.5), "recall is not defined: no row is positive");
    refused(f1(&[0.0], &[0.3], None, 0.5), "f1 is not defined: no row is positive, nor taken as positive");
    assert_eq!(f1(&y, &p, None, 0.9).unwrap(), 0.0);
    refused(accuracy(&y, &p, None, f64::NAN), "parameter `threshold` is NaN; expected a number");
}

#[test]
fn gains_spread_ties_evenly() {
    let (y, p) = ([1.0, 0.0, 1.0, 0.0], [0.9, 0.5, 0.5, 0.5]);
    let rows = gains(&y, &p, None, 4).unwrap();
    let positives: Vec<f64> = rows.iter().map(|r| r.positives).collect();
    for (found, expected) in positives.iter().zip([1.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]) {
        assert!((found - expected).abs() < 1e-15, "{positives:?}");
    }
    assert_eq!((rows[0].lift, rows[3].cumulative_gain, rows[3].cumulative_lift), (2.0, 1.0, 1.0));
    assert_eq!(precision_at_k(&y, &p, None, 1).unwrap(), 1.0);
    assert!((precision_at_k(&y, &p, None, 2).unwrap() - 2.0 / 3.0).abs() < 1e-15);
    assert!((recall_at_k(&y, &p, None, 2).unwrap() - 2.0 / 3.0).abs() < 1e-15);
    assert_eq!(lift_at(&y, &p, None, 0.25).unwrap(), 2.0);
    refused(
        precision_at_k(&y, &p, None, 5),
        "parameter `k` is 5; expected at least 1 and at most the weight of all rows",
    );
    refused(
        gains(&y, &p, None, 5),
        "parameter `slices` is 5; expected at least 1 and at most the number of rows",
    );
}

#[test]
fn reliability_bins() {
    let curve = reliability_curve(&[0.0, 1.0, 1.0], &[0.0, 0.5, 1.0], None, Bins::EqualWidth(2)).unwrap();
    assert_eq!((curve.len(), curve[1].rows, curve[1].mean_probability), (2, 2, 0.75));
    assert_eq!(curve[1].observed_rate, 1.0);
    refused(ece(&[1.0], &[0.5], None, Bins::EqualMass(0)), "parameter `bins` is 0; expected at least 1");
    assert_eq!(ece(&[1.0, 0.0], &[0.5, 0.5], None, Bins::default()).unwrap(), 0.0);
    assert_eq!(max_calibration_error(&[1.0, 0.0], &[0.5, 0.7], None, Bins::EqualMass(2)).unwrap(), 0.7);
}

#[test]
fn regression_edges() {
    refused(r2(&[2.0, 2.0], &[1.0, 3.0], None), "r2 is not defined: all actual values are equal");
    refused(
        mape(&[1.0, 0.0], &[1.0, 1.0], None),
        "the actual value of row 1 is 0; expected any number but 0, by which mape divides",
    );
    refused(
        gamma_deviance(&[0.0], &[1.0], None),
        "the actual value of row 0 is 0; expected a number above 0",
    );
    refused(
        poisson_deviance(&[1.0], &[0.0], None),
        "the prediction of row 0 is 0; expected a number above 0",
    );
    refused(
        tweedie_deviance(&[1.0], &[1.0], None, 0.5),
        "parameter `power` is 0.5; expected at most 0 or at least 1",
    );
    refused(
        normalised_gini(&[1.0, 1.0], &[1.0, 2.0], None),
        "normalised_gini is not defined: all actual values are equal",
    );
    refused(rmse(&[1e300], &[-1e300], None), "rmse is not defined: the values are too large to add up");
    assert_eq!(interval_coverage(&[1.0, 2.0], &[1.0, 3.0], &[1.5, 4.0], Some(&[3.0, 1.0])).unwrap(), 0.75);
    assert_eq!(mean_interval_width(&[1.0, 3.0], &[1.5, 4.5], None).unwrap(), 1.0);
    refused(
        interval_coverage(&[1.0], &[2.0], &[1.0], None),
        "the lower end of row 0 is 2; expected at most the upper end",
    );
    // For a 0/1 target the normalised Gini is 2 AUC − 1.
    let (y, p) = ([0.0, 1.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.1, 0.8, 0.15]);
    let expected = 2.0 * roc_auc(&y, &p, None).unwrap() - 1.0;
    assert!((normalised_gini(&y, &p, None).unwrap() - expected).abs() < 1e-14);
}

#[test]
fn reports_hold_the_same_figures() {
    let (y, p) = ([0.0, 1.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.1, 0.8, 0.15]);
    let report = BinaryReport::new(&y, &p, None, 0.9).unwrap();
    assert_eq!(report.roc_auc, roc_auc(&y, &p, None).unwrap());
    assert_eq!(report.precision, None);
    assert_eq!((report.rows, report.base_rate, report.recall), (5, 0.6, 0.0));
    let back: BinaryReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(back, report);
    let report = RegressionReport::new(&[0.0, 0.0], &[1.0, 0.0], None).unwrap();
    assert_eq!((report.r2, report.mape, report.mae, report.bias), (None, None, 0.5, 0.5));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let n = 500;
    let p: Vec<f64> = (0..n).map(|i| (tenure_core::seed::unit(1, i) * 20.0).floor() / 20.0).collect();
    let y: Vec<f64> =
        (0..n).map(|i| f64::from(u8::from(tenure_core::seed::unit(2, i) < p[i as usize]))).collect();
    let order = tenure_core::seed::permutation(n as usize, 3);
    let take = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<_>>();
    let (y2, p2) = (take(&y), take(&p));
    for (_, metric) in RANKING {
        assert_eq!(metric(&y, &p, None).unwrap(), metric(&y2, &p2, None).unwrap());
    }
    assert_eq!(gains(&y, &p, None, 7).unwrap(), gains(&y2, &p2, None, 7).unwrap());
}

#[test]
fn a_rate_knows_how_sure_it_is() {
    // scipy 1.17.1: scipy.stats.beta.ppf([.05, .95], 3.5, 7.5)
    let interval = rate_interval(3.0, 10.0, 0.9).unwrap();
    assert!(
        (interval.low - 0.117_329_38).abs() < 1e-8 && (interval.high - 0.558_126_77).abs() < 1e-8,
        "{interval:?}"
    );
    assert_eq!(rate_interval(0.0, 5.0, 0.95).unwrap().low, 0.0);
    assert!(matches!(rate_interval(0.0, 0.0, 0.95), Err(tenure_eval::Error::Empty)));
    assert!(rate_interval(6.0, 5.0, 0.95).unwrap_err().to_string().contains("`hits` is 6"));
}
