//! Reports on predicted numbers: what gets onto the page, and that the figures are those of the metrics.

// The helpers are test code too; clippy's exemption only knows `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod support;

use support::check;
use tenure_core::seed::unit;
use tenure_eval::metrics::{interval_coverage, mae, r2, rmse, spearman};
use tenure_eval::report::{
    ExplainedValue, Factor, Importance, KeyFigure, NumberFormat, Part, PredictedModel, RegressionEvaluation,
    Report, Role, Table, ValueIntervals, ValueWording,
};

fn predicted(name: &str, role: Role, predictions: Vec<f64>) -> PredictedModel {
    PredictedModel { name: name.into(), role, predictions }
}

/// Scores with noise of up to ±10 around an expectation that the model knows but for ±4.
fn evaluation(rows: u64) -> RegressionEvaluation {
    let expected: Vec<f64> = (0..rows).map(|i| 10.0 + 80.0 * unit(1, i)).collect();
    let blurred = |stream: u64, by: f64| -> Vec<f64> {
        let noise = |i: u64| by * (2.0 * unit(stream, i) - 1.0);
        (0..rows).map(|i| (expected[i as usize] + noise(i)).clamp(0.0, 100.0)).collect()
    };
    let actual = blurred(2, 10.0);
    let model = blurred(3, 4.0);
    let mean = actual.iter().sum::<f64>() / rows as f64;
    let range = |by: f64| model.iter().map(|p| p + by).collect();
    RegressionEvaluation {
        title: "Lead scores".into(),
        subject: "Invented leads".into(),
        wording: ValueWording {
            item: "lead".into(),
            items: "leads".into(),
            value: "score".into(),
            unit: "points".into(),
        },
        intervals: Some(ValueIntervals { low: range(-10.5), high: range(10.5), level: 0.9 }),
        training: vec![KeyFigure { label: "Rows".into(), value: "1,000".into(), note: String::new() }],
        models: vec![
            predicted("Oracle", Role::Oracle, expected.clone()),
            predicted("Mean", Role::Baseline, vec![mean; rows as usize]),
            predicted("Model", Role::Model, model.clone()),
        ],
        actual,
        importances: vec![Importance {
            feature: "reply_rate".into(),
            importance: 2.0,
            ..Importance::default()
        }],
        importance_method: "Invented.".into(),
        explained: vec![ExplainedValue {
            id: "L1".into(),
            value: model[0],
            interval: Some((model[0] - 10.5, model[0] + 10.5)),
            level: "hot".into(),
            factors: vec![Factor { text: "answers quickly".into(), effect: 7.5 }],
            recommendation: "Call today.".into(),
        }],
        ..RegressionEvaluation::default()
    }
}

fn table<'a>(report: &'a Report, section: &str) -> &'a Table {
    let section = report.sections.iter().find(|s| s.title == section).unwrap();
    section.parts.iter().find_map(|p| if let Part::Table(t) = p { Some(t) } else { None }).unwrap()
}

#[test]
fn a_full_report_is_well_formed_and_repeatable() {
    let report = evaluation(1_000).report().unwrap();
    let page = report.to_html();
    check(&page);
    assert_eq!(page, evaluation(1_000).report().unwrap().to_html());
    for words in ["Do the ranges hold?", "A few leads, explained", "reply_rate", "Call today.", "Oracle"] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(report.warnings, [""; 0]);
    let json: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(json.headline, report.headline);
}

#[test]
fn figures_are_those_of_the_metrics_and_the_model_comes_first() {
    let evaluation = evaluation(500);
    let report = evaluation.report().unwrap();
    let table = table(&report, "Against simpler ways");
    assert_eq!(table.columns, ["Figure", "Model", "Mean", "Oracle"]);
    let (actual, model) = (&evaluation.actual, &evaluation.models[2].predictions);
    let expected = [
        mae(actual, model, None).unwrap(),
        rmse(actual, model, None).unwrap(),
        r2(actual, model, None).unwrap(),
        spearman(actual, model, None).unwrap(),
    ];
    for (row, expected) in table.rows.iter().zip(expected) {
        assert_eq!(row.cells[0].value, Some(expected), "{}", row.label);
        assert!(row.cells[0].strong && !row.cells[1].strong, "{}", row.label);
    }
    // All means are equal: they have no order.
    assert_eq!((table.rows[3].cells[1].value, table.rows[3].cells[1].text.as_str()), (None, "–"));
    let attainable = table.rows.last().unwrap();
    let oracle = r2(actual, &evaluation.models[0].predictions, None).unwrap();
    assert_eq!(attainable.cells[0].value, Some(expected[2] / oracle));
    let intervals = evaluation.intervals.as_ref().unwrap();
    let coverage = interval_coverage(actual, &intervals.low, &intervals.high, None).unwrap();
    let shown = NumberFormat::Percent { decimals: 1 }.show(coverage);
    assert!(report.figures.iter().any(|f| f.label == "Ranges that hold" && f.value == shown));
}

#[test]
fn the_charts_hold_every_row_once() {
    let evaluation = evaluation(503);
    let report = evaluation.report().unwrap();
    let parts = || report.sections.iter().flat_map(|s| &s.parts);
    let columns = parts().find_map(|p| if let Part::Columns(c) = p { Some(c) } else { None }).unwrap();
    assert_eq!(columns.series[0].values.iter().sum::<f64>(), 503.0);
    assert_eq!(columns.categories[10], "0.0");
    let lines: Vec<_> = parts().filter_map(|p| if let Part::Lines(c) = p { Some(c) } else { None }).collect();
    for chart in &lines {
        let points = &chart.series[0].points;
        assert_eq!(points.iter().filter_map(|p| p.count).sum::<f64>(), 503.0);
        assert!(points.windows(2).all(|w| w[0].x < w[1].x));
    }
    let mean = |f: fn(&tenure_eval::report::Point) -> f64| {
        lines[0].series[0].points.iter().map(|p| f(p) * p.count.unwrap()).sum::<f64>() / 503.0
    };
    assert!((mean(|p| p.y) - evaluation.actual.iter().sum::<f64>() / 503.0).abs() < 1e-9);
}

#[test]
fn what_is_no_better_than_a_baseline_or_constant_or_perfect_is_called_so() {
    let mut constant = evaluation(300);
    constant.models[2].predictions = vec![50.0; 300];
    constant.intervals = None;
    let report = constant.report().unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("cannot rank them")), "{:?}", report.warnings);
    check(&report.to_html());

    let mut worse = evaluation(300);
    worse.models[1].predictions = worse.models[0].predictions.clone();
    let report = worse.report().unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("not closer than Mean")), "{:?}", report.warnings);

    let mut perfect = evaluation(300);
    perfect.models[2].predictions = perfect.actual.clone();
    let report = perfect.report().unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("nearly perfect")), "{:?}", report.warnings);
    check(&report.to_html());
}

#[test]
fn few_rows_are_reported_with_a_warning() {
    let mut few = evaluation(1);
    let report = few.report().unwrap();
    assert!(report.warnings[0].starts_with("Only 1 leads"), "{:?}", report.warnings);
    check(&report.to_html());
    few = evaluation(7);
    few.actual = vec![3.0; 7];
    check(&few.report().unwrap().to_html());
}

#[test]
fn what_cannot_be_judged_is_refused_by_name() {
    let words = |change: fn(&mut RegressionEvaluation)| {
        let mut evaluation = evaluation(50);
        change(&mut evaluation);
        evaluation.report().unwrap_err().to_string()
    };
    assert!(words(|e| e.models.truncate(2)).contains("models"));
    assert!(words(|e| e.actual.clear()).contains("0 rows"));
    assert!(words(|e| e.models[2].predictions[3] = f64::NAN).contains("row 3"));
    assert!(words(|e| e.intervals.as_mut().unwrap().level = 1.0).contains("level"));
    assert!(words(|e| e.intervals.as_mut().unwrap().low.truncate(3)).contains("ends of intervals"));
    assert!(words(|e| e.intervals.as_mut().unwrap().low[4] = 1e9).contains("row 4"));
    assert!(words(|e| e.importances[0].importance = f64::NAN).contains("importance"));
}
