//! What programs read: every `--json` parses and has the keys that are documented, and every file of
//! predictions has its columns.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::LazyLock;

use common::{AS_OF, Place, number};
use serde_json::Value;

static SHOP: LazyLock<Place> = LazyLock::new(|| Place::with_shop("shop"));

#[track_caller]
fn numbers(value: &Value, paths: &[&str]) {
    paths.iter().for_each(|path| assert!(number(value, path).is_finite()));
}

#[test]
fn synth_orders_prints_what_was_written() {
    let place = Place::new("synth");
    let written = place.run("synth orders --customers 50 --months 12 --out o.jsonl --json").json();
    numbers(&written, &["/lines", "/spend", "/refunds"]);
    assert_eq!((&written["file"], &written["customers"]), (&"o.jsonl".into(), &50.into()));
    let lines = place.read_text("o.jsonl");
    assert_eq!(lines.lines().count() as f64, number(&written, "/lines"));
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn churn_train_prints_its_report() {
    let line = "churn train --backend logistic --orders orders.csv --model other --json";
    let report = SHOP.run(line).json();
    assert_eq!(report["model"], "other");
    assert!(report["model_version"].as_str().unwrap().starts_with("churn-"));
    numbers(&report, &["/orders/lines", "/training/rows", "/training/churn_rate", "/training/threshold"]);
    numbers(&report, &["/training/calibrated/roc_auc", "/training/uncalibrated/ece"]);
    let snapshots = report["training"]["snapshots"].as_array().unwrap();
    assert!(
        snapshots.len() > 3 && snapshots.iter().all(|s| s["rows"].is_u64() && s["churn_rate"].is_number())
    );
}

#[test]
fn churn_evaluate_prints_model_baselines_and_oracle() {
    let evaluate = format!("churn evaluate --orders orders.csv --model model --as-of {AS_OF} --json");
    let figures = SHOP.run(&format!("{evaluate} --truth truth.csv --report report.html")).json();
    for who in ["model", "uncalibrated", "baselines/rules", "baselines/recency", "oracle/figures"] {
        for key in ["roc_auc", "log_loss", "brier", "ece", "average_precision", "rows", "base_rate"] {
            numbers(&figures, &[&format!("/{who}/{key}")]);
        }
    }
    numbers(&figures, &["/customers", "/churned", "/oracle/share_of_auc_lift"]);
    let (model, oracle) = (number(&figures, "/model/roc_auc"), number(&figures, "/oracle/figures/roc_auc"));
    assert!(model > 0.7 && oracle > 0.8, "{model} {oracle}");
    assert!(SHOP.run(&evaluate).json().get("oracle").is_none());
    assert!(SHOP.read_text("report.html").starts_with("<!"));
}

#[test]
fn churn_predict_writes_one_line_a_customer() {
    let line = |out: &str| {
        format!("churn predict --orders orders.csv --model model --as-of {AS_OF} --out {out} --json")
    };
    let summary = SHOP.run(&line("scores.csv")).json();
    numbers(&summary, &["/customers", "/at_risk"]);
    assert_eq!(summary["by_rules"], 0);
    assert!(summary["risk_levels"].is_object() && summary.get("fallback_reason").is_none());
    let scores = SHOP.read_text("scores.csv");
    assert_eq!(
        scores.lines().next().unwrap(),
        "customer_id,as_of,churn_probability,interval_low,interval_high,is_at_risk,risk_level,confidence,\
         risk_factors,recommendation,model_version"
    );
    assert_eq!(scores.lines().count() as f64, 1.0 + number(&summary, "/customers"));
    SHOP.run(&line("scores.jsonl")).json();
    let rows: Vec<Value> =
        SHOP.read_text("scores.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len() as f64, number(&summary, "/customers"));
    let mut last = 1.0;
    for row in &rows {
        let [low, probability, high] =
            ["/interval_low", "/churn_probability", "/interval_high"].map(|key| number(row, key));
        assert!(0.0 <= low && low <= probability && probability <= high && high <= 1.0, "{row:#}");
        assert!(probability <= last, "the riskiest first");
        assert_eq!(row["model_version"], summary["model_version"]);
        last = probability;
    }
}

#[test]
fn churn_explain_prints_the_decision() {
    let line =
        format!("churn explain --orders orders.csv --model model --as-of {AS_OF} --customer C0000001 --json");
    let decision = SHOP.run(&line).json();
    numbers(&decision, &["/churn_probability", "/interval/low", "/interval/high", "/interval/level"]);
    assert!(decision["is_at_risk"].is_boolean());
    for key in ["customer_id", "as_of", "risk_level", "confidence", "recommendation", "model_version"] {
        assert!(decision[key].is_string(), "{key}");
    }
    let factors = decision["risk_factors"].as_array().unwrap();
    assert!(!factors.is_empty() && factors.iter().all(|f| f["text"].is_string() && f["effect"].is_number()));
}

#[test]
fn quickstart_prints_and_writes_its_figures() {
    let place = Place::new("quickstart");
    let printed = place.run("quickstart --customers 400 --out first --json").json();
    assert_eq!(serde_json::from_slice::<Value>(&place.read("first/metrics.json")).unwrap(), printed);
    numbers(
        &printed,
        &["/evaluation/model/roc_auc", "/evaluation/oracle/share_of_auc_lift", "/training/rows"],
    );
    numbers(&printed, &["/scoring/customers"]);
    let scores = place.read_text("first/predictions.csv");
    assert_eq!(scores.lines().count() as f64, 1.0 + number(&printed, "/scoring/customers"));
    assert!(place.path.join("first/report.html").exists() && place.path.join("first/model/CURRENT").exists());
}

fn table() -> Place {
    let place = Place::new("table");
    let mut text = "age,plan,spend,left\n".to_owned();
    for i in 0..240 {
        let (age, spend) = (20 + i * 7 % 50, i * 37 % 101);
        let left = if age + i * 13 % 29 > 60 { "yes" } else { "no" };
        text += &format!("{age},{},{spend},{left}\n", ["basic", "pro"][i % 2]);
    }
    place.write("table.csv", text);
    place
}

#[test]
fn table_commands_print_the_documented_keys() {
    let place = table();
    let cv = |rest: &str| place.run(&format!("table cv --data table.csv --json --trees 10 {rest}")).json();
    let report = cv("--target left --task binary --folds 4");
    assert_eq!(
        (&report["task"], &report["rows"], &report["folds"]),
        (&"binary".into(), &240.into(), &4.into())
    );
    for key in ["roc_auc", "log_loss", "brier", "ece", "average_precision"] {
        for of in ["metrics", "baseline"] {
            numbers(&report, &[&format!("/{of}/{key}/mean"), &format!("/{of}/{key}/sd")]);
        }
    }
    assert!(number(&report, "/metrics/roc_auc/mean") > 0.8);
    assert_eq!(number(&report, "/baseline/roc_auc/mean"), 0.5);
    let report = cv("--target spend --task regression");
    assert_eq!(
        (&report["task"], &report["rows"], &report["folds"]),
        (&"regression".into(), &240.into(), &5.into())
    );
    for key in ["rmse", "mae", "r2"] {
        for of in ["metrics", "baseline"] {
            numbers(&report, &[&format!("/{of}/{key}/mean"), &format!("/{of}/{key}/sd")]);
        }
    }

    for (target, task, output) in [("left", "binary", "probability"), ("spend", "regression", "prediction")] {
        let train =
            format!("table train --data table.csv --target {target} --task {task} --trees 10 --model {task}");
        let report = place.run(&format!("{train} --json")).json();
        assert_eq!((&report["rows"], &report["model"]), (&240.into(), &task.into()));
        assert!(number(&report, "/fit_seconds") > 0.0);
        let predict = format!("table predict --data table.csv --model {task}");
        assert_eq!(place.run(&format!("{predict} --out {task}.csv --json")).json()["rows"], 240);
        place.run(&format!("{predict} --out {task}.jsonl")).text();
        let csv = place.read_text(&format!("{task}.csv"));
        let (header, rows) = csv.split_once('\n').unwrap();
        assert_eq!((header, rows.lines().count()), (output, 240));
        let lines: Vec<Value> = place
            .read_text(&format!("{task}.jsonl"))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let same = |(line, row): (&Value, &str)| line[output].as_f64() == row.parse().ok();
        assert!(lines.len() == 240 && lines.iter().zip(rows.lines()).all(same));
        let explained =
            place.run(&format!("table explain --data table.csv --model {task} --row 3 --json")).json();
        assert_eq!(explained["row"], 3);
        assert!(
            (number(&explained, &format!("/{output}")) - number(&lines[2], &format!("/{output}"))).abs()
                < 1e-12
        );
        let effects = explained["contributions"].as_array().unwrap();
        assert!(effects.iter().all(|e| e["feature"].is_string() && e["contribution"].is_number()));
        let total: f64 = effects.iter().map(|e| number(e, "/contribution")).sum();
        let total = number(&explained, "/baseline") + total;
        let expected = number(&explained, &format!("/{output}"));
        let total = if task == "binary" { 1.0 / (1.0 + (-total).exp()) } else { total };
        assert!((total - expected).abs() < 1e-9, "{total} {expected}");
    }
}
