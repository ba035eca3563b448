//! Reports: what gets onto the page, and that nothing breaks out of it.

// The helpers are test code too; clippy's exemption only knows `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod support;

use support::check;
use tenure_core::seed::unit;
use tenure_eval::Error;
use tenure_eval::report::{
    BinaryEvaluation, ExplainedRow, Factor, Importance, KeyFigure, Part, ProfitAssumptions, Report, Role,
    ScoredModel, SpanKind, TimeSpan, Timeline, TimelineRow,
};

fn scored(name: &str, role: Role, probabilities: Vec<f64>) -> ScoredModel {
    ScoredModel { name: name.into(), role, probabilities }
}

fn evaluation(rows: u64) -> BinaryEvaluation {
    let truth: Vec<f64> = (0..rows).map(|i| unit(1, i)).collect();
    let labels = (0..rows).map(|i| f64::from(unit(2, i) < truth[i as usize])).collect();
    let blurred = |by: f64| (0..rows).map(|i| (1.0 - by) * truth[i as usize] + by * unit(3, i)).collect();
    BinaryEvaluation {
        title: "Who will leave?".into(),
        subject: "Invented customers".into(),
        models: vec![
            scored("Oracle", Role::Oracle, truth.clone()),
            scored("Rules", Role::Baseline, blurred(0.6)),
            scored("Model", Role::Model, blurred(0.2)),
        ],
        labels,
        threshold: 0.6,
        profit: Some(ProfitAssumptions {
            contact_cost: 5.0,
            saved_value: 60.0,
            success_rate: 0.25,
            currency: "€".into(),
        }),
        ..BinaryEvaluation::default()
    }
}

fn table<'a>(report: &'a Report, section: &str) -> &'a tenure_eval::report::Table {
    let section = report.sections.iter().find(|s| s.title.contains(section)).unwrap();
    let is_table = |part: &'a Part| if let Part::Table(table) = part { Some(table) } else { None };
    section.parts.iter().find_map(is_table).unwrap()
}

#[test]
fn a_full_report_is_well_formed_small_and_repeatable() {
    let evaluation = evaluation(5_000);
    let page = evaluation.report().unwrap().to_html();
    check(&page);
    assert_eq!(page, evaluation.report().unwrap().to_html());
}

#[test]
fn figures_are_those_of_the_metrics_and_the_model_comes_first() {
    let evaluation = evaluation(2_000);
    let report = evaluation.report().unwrap();
    let figures = table(&report, "Against simpler ways");
    assert_eq!(figures.columns, ["Figure", "Model", "Rules", "Oracle"]);
    let auc = figures.rows.iter().find(|r| r.label == "AUC").unwrap();
    let model = &evaluation.models[2].probabilities;
    let expected = tenure_eval::metrics::roc_auc(&evaluation.labels, model, None).unwrap();
    assert!((auc.cells[0].value.unwrap() - expected).abs() < 1e-12);
    assert!(auc.cells[0].strong && !auc.cells[1].strong && !auc.cells[2].strong);
    // The headline counts the hundred highest scores.
    let mut order: Vec<usize> = (0..2_000).collect();
    order.sort_by(|&a, &b| model[b].total_cmp(&model[a]));
    let found: f64 = order[..100].iter().map(|&i| evaluation.labels[i]).sum();
    assert!(report.headline.starts_with("Of the 100 customers"), "{}", report.headline);
    assert!(report.headline.contains(&format!(", {found} left;")), "{}", report.headline);
}

#[test]
fn the_decision_table_counts_rows_at_the_threshold() {
    let evaluation = evaluation(1_000);
    let report = evaluation.report().unwrap();
    let decision = table(&report, "draw the line");
    let model = &evaluation.models[2].probabilities;
    let count = |acted: bool, label: f64| {
        let rows = model.iter().zip(&evaluation.labels);
        rows.filter(|&(&p, &y)| (p >= 0.6) == acted && y == label).count() as f64
    };
    let cells: Vec<f64> = decision.rows.iter().flat_map(|r| &r.cells).map(|c| c.value.unwrap()).collect();
    assert_eq!(cells, [count(true, 1.0), count(true, 0.0), count(false, 1.0), count(false, 0.0)]);
}

#[test]
fn nothing_the_caller_writes_breaks_out() {
    let evil = "</script><script>alert('x')</script>\"' onload=\"x\" <!-- & \u{0}\u{1b}";
    let text = || evil.to_owned();
    let mut evaluation = evaluation(300);
    evaluation.title = text();
    evaluation.subject = text();
    evaluation.models.iter_mut().for_each(|m| m.name = text());
    evaluation.wording.items = text();
    evaluation.wording.risk = text();
    evaluation.wording.happened = text();
    evaluation.profit.as_mut().unwrap().currency = text();
    evaluation.importances =
        vec![Importance { feature: text(), unit: text(), description: text(), importance: 1.0 }];
    evaluation.importance_method = text();
    evaluation.training = vec![KeyFigure { label: text(), value: text(), note: text() }];
    let spans = vec![TimeSpan { kind: SpanKind::Observed, start_day: i64::MIN, end_day: i64::MAX }];
    evaluation.timeline =
        Timeline { caption: text(), rows: vec![TimelineRow { label: text(), note: text(), spans }] };
    evaluation.explained = vec![ExplainedRow {
        id: text(),
        probability: 0.4,
        interval: Some((0.3, 0.5)),
        level: text(),
        factors: vec![Factor { text: text(), effect: f64::NAN }, Factor { text: text(), effect: -1.0 }],
        recommendation: text(),
    }];
    evaluation.warnings = vec![text()];
    evaluation.notes = vec![text()];
    let page = evaluation.report().unwrap().to_html();
    check(&page);
    assert!(!page.contains("alert('x')") && !page.contains("<script>alert") && !page.contains('\u{0}'));
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(&#39;x&#39;)"));
}

#[test]
fn one_model_alone_is_enough() {
    let mut evaluation = evaluation(1_000);
    evaluation.models.retain(|m| m.role == Role::Model);
    evaluation.profit = None;
    let report = evaluation.report().unwrap();
    check(&report.to_html());
    assert_eq!(table(&report, "The figures").columns, ["Figure", "Model"]);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn few_rows_are_reported_with_a_warning() {
    for rows in [4, 20] {
        let report = evaluation(rows).report().unwrap();
        check(&report.to_html());
        assert!(report.warnings[0].starts_with("Few customers"), "{:?}", report.warnings);
    }
}

#[test]
fn equal_scores_are_reported_with_a_warning() {
    let mut evaluation = evaluation(400);
    evaluation.models[2].probabilities = vec![0.5; 400];
    let report = evaluation.report().unwrap();
    check(&report.to_html());
    assert!(report.warnings.iter().any(|w| w.contains("cannot rank")), "{:?}", report.warnings);
}

#[test]
fn a_model_no_better_than_a_baseline_is_called_so() {
    let mut evaluation = evaluation(2_000);
    evaluation.models[2].probabilities = evaluation.models[1].probabilities.clone();
    let warnings = evaluation.report().unwrap().warnings;
    assert!(warnings.iter().any(|w| w.contains("does not rank better than Rules")), "{warnings:?}");
}

#[test]
fn weights_count_rows_several_times() {
    let single = evaluation(500);
    let mut doubled = single.clone();
    doubled.weights = Some(vec![2.0; 500]);
    let (single, doubled) = (single.report().unwrap(), doubled.report().unwrap());
    check(&doubled.to_html());
    let value = |report: &Report| table(report, "draw the line").rows[0].cells[0].value.unwrap();
    assert_eq!(value(&doubled), 2.0 * value(&single));
}

#[test]
fn what_cannot_be_judged_is_refused_by_name() {
    let refused = |change: fn(&mut BinaryEvaluation)| {
        let mut evaluation = evaluation(100);
        change(&mut evaluation);
        evaluation.report().unwrap_err()
    };
    assert!(matches!(
        refused(|e| e.models.retain(|m| m.role != Role::Model)),
        Error::Parameter { name: "models", .. }
    ));
    assert!(matches!(refused(|e| e.threshold = f64::NAN), Error::Parameter { name: "threshold", .. }));
    assert!(matches!(refused(|e| e.labels.truncate(99)), Error::Lengths { .. }));
    assert!(matches!(refused(|e| e.labels.fill(0.0)), Error::OneClass { .. }));
    assert!(matches!(refused(|e| e.models[0].probabilities[3] = 1.5), Error::Value { row: 3, .. }));
    let cost = |e: &mut BinaryEvaluation| e.profit.as_mut().unwrap().contact_cost = f64::INFINITY;
    assert!(matches!(refused(cost), Error::Parameter { name: "contact_cost", .. }));
}

#[test]
fn the_json_holds_the_same_report() {
    let report = evaluation(200).report().unwrap();
    let back: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(back.to_html(), report.to_html());
}
