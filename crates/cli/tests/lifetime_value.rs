//! Lifetime value through the command line: what programs read, and what is refused in words.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::LazyLock;

use common::{Place, data, number};

const WINDOWS: &str = "--observation-days 120 --prediction-days 60 --max-snapshots 2";
const AS_OF: &str = "2024-05-01";

static SHOP: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new("shop");
    place.run("synth orders --customers 400 --months 18 --out orders.csv").text();
    place.run(&format!("ltv train --orders orders.csv --model model --until {AS_OF} {WINDOWS}")).text();
    place
});

#[test]
fn evaluate_prints_the_model_beside_its_baselines() {
    let figures =
        SHOP.run(&format!("ltv evaluate --orders orders.csv --model model --as-of {AS_OF} --json")).json();
    for who in ["model", "baselines/past_spend", "baselines/bg_nbd_gamma_gamma"] {
        for key in ["spearman", "normalised_gini", "top_decile_share", "mae", "rmse", "predicted_total"] {
            assert!(number(&figures, &format!("/{who}/{key}")).is_finite());
        }
    }
    assert!(number(&figures, "/baselines/mean/mae") > number(&figures, "/model/mae"));
    assert!(number(&figures, "/coverage/overall") > 0.8);
    assert_eq!((&figures["judged_on"], figures["deciles"].as_array().unwrap().len()), (&"later".into(), 10));
    let text = SHOP.run(&format!("ltv evaluate --orders orders.csv --model model --as-of {AS_OF}")).text();
    assert!(text.contains("BG/NBD, Gamma-Gamma") && text.contains("past spend"), "{text}");
}

#[test]
fn cv_judges_on_customers_held_out() {
    let line = format!("ltv cv --orders orders.csv --as-of {AS_OF} --folds 2 {WINDOWS} --family gbdt --json");
    let figures = SHOP.run(&line).json();
    assert_eq!(figures["judged_on"], "held_out");
    assert!(number(&figures, "/model/spearman") > 0.2);
}

#[test]
fn predict_writes_one_line_a_customer_and_explain_says_why() {
    let predict = "ltv predict --orders orders.csv --model model --as-of 2024-07-01 --out values.csv --json";
    let summary = SHOP.run(predict).json();
    assert!(number(&summary, "/predicted_total") > 0.0);
    let values = SHOP.read_text("values.csv");
    let (header, first) = (values.lines().next().unwrap(), values.lines().nth(1).unwrap());
    assert_eq!(
        header,
        "customer_id,as_of,predicted_ltv,interval_low,interval_high,value_segment,p_any,\
         prediction_window_months,drivers,model_version"
    );
    assert_eq!(values.lines().count() as f64, number(&summary, "/customers") + 1.0);
    let customer = first.split(',').next().unwrap();
    let explain =
        format!("ltv explain --orders orders.csv --model model --as-of 2024-07-01 --customer {customer}");
    let found = SHOP.run(&format!("{explain} --json")).json();
    let low = number(&found, "/confidence_interval/low");
    assert!(low <= number(&found, "/confidence_interval/high"));
    assert_eq!((&found["value_segment"], found["drivers"].as_array().unwrap().len()), (&"vip".into(), 5));
    let text = SHOP.run(&explain).text();
    assert!(text.contains("expected spend") && text.contains("the value"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let long = "ltv train --orders orders.csv --model long --prediction-days 600";
    SHOP.run(long).refused(3, "600");
    SHOP.run("ltv train --orders orders.csv --model m --family best")
        .refused(2, "two-part, gamma, gbdt, ziln, bg-nbd");
    SHOP.run("ltv train --orders orders.csv").refused(2, "--model");
    SHOP.run(&format!("ltv train --orders orders.csv --model m --family gamma {WINDOWS}"))
        .refused(2, "spends of 0");
    SHOP.run("ltv predict --orders orders.csv --model nowhere --as-of 2024-07-01 --out v.csv")
        .refused(5, "train it first");
    SHOP.run("ltv explain --orders orders.csv --model model --as-of 2024-07-01 --customer me")
        .refused(2, "`me`");
}

#[test]
fn probabilistic_families_print_parameters_with_standard_errors() {
    let Some(orders) = data("cdnow/CDNOW_master.txt.gz") else { return };
    let place = Place::new("cdnow");
    let train = ["ltv", "train", "--orders", &orders, "--family", "bg-nbd", "--until", "1997-10-01"];
    let found = place.run_with(&[train.as_slice(), &["--json"]].concat()).json();
    assert_eq!(number(&found, "/fit/customers"), 23_500.0);
    assert_eq!(found["fit"]["purchases"]["estimates"][0]["name"], "r");
    assert!(number(&found, "/fit/purchases/estimates/0/standard_error") > 0.0);
    assert!(number(&found, "/fit/spend/log_likelihood").is_finite());
    let text = place.run_with(&train).text();
    assert!(text.contains("standard error") && text.contains("gamma-gamma"), "{text}");
}
