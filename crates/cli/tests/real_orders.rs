//! Churn on real order logs: train on the past, judge on the future, through the command line.

mod common;

use common::{Place, data, number};

/// Trains up to `until`, evaluates as of `as_of`, and holds the result against what it must beat.
fn judge(place: &Place, orders: &str, until: &str, as_of: &str, least_auc: f64) {
    let train = ["churn", "train", "--orders", orders, "--until", until, "--model", "model"];
    place.run_with(&train).text();
    let evaluate = ["churn", "evaluate", "--orders", orders, "--as-of", as_of, "--model", "model", "--json"];
    let figures = place.run_with(&evaluate).json();
    let auc = |who: &str| number(&figures, &format!("/{who}/roc_auc"));
    let (own, rules, recency) = (auc("model"), auc("baselines/rules"), auc("baselines/recency"));
    let (calibrated, raw) = (number(&figures, "/model/ece"), number(&figures, "/uncalibrated/ece"));
    assert!(own >= least_auc, "AUC {own}");
    assert!(own > rules && own > recency, "AUC {own}, rules {rules}, recency {recency}");
    assert!(calibrated < raw, "calibration error {calibrated} after, {raw} before");
}

#[test]
fn cdnow_is_learned_and_calibrated() {
    let Some(orders) = data("cdnow/CDNOW_master.txt.gz") else { return };
    judge(&Place::new("cdnow"), &orders, "1998-03-31", "1998-04-01", 0.700);
}

#[test]
fn online_retail_is_learned_and_calibrated() {
    let Some(orders) = data("online_retail_2009_2010/online_retail_II_2009_2010.csv.gz") else { return };
    judge(&Place::new("retail"), &orders, "2010-09-10", "2010-09-10", 0.710);
}

#[test]
fn a_log_without_header_is_read_by_column_numbers() {
    let Some(orders) = data("cdnow/CDNOW_sample.txt") else { return };
    let place = Place::new("sample");
    let columns = ["--customer-col", "1", "--time-col", "3", "--amount-col", "5"];
    let train = ["churn", "train", "--orders", &orders, "--model", "model", "--json"];
    let report = place.run_with(&[train.as_slice(), &columns].concat()).json();
    assert_eq!((&report["orders"]["lines"], &report["orders"]["customers"]), (&6919.into(), &2357.into()));
    let predict = ["churn", "predict", "--orders", &orders, "--model", "model", "--as-of", "1998-07-01"];
    let summary =
        place.run_with(&[predict.as_slice(), &columns, &["--out", "scores.csv", "--json"]].concat()).json();
    assert_eq!(summary["model_version"], report["model_version"]);
    assert!(number(&summary, "/customers") > 100.0);
}
