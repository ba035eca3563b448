//! An evaluation as the report that a manager reads.

use tenure_eval::report::{
    BinaryEvaluation, ExplainedRow, Factor, Importance, KeyFigure, NumberFormat, Report, Role, ScoredModel,
    Wording,
};

use super::evaluate::ContactEvaluation;
use super::model::ContactChurnModel;
use crate::error::Result;

/// The report; its `to_html` makes the file.
///
/// # Errors
/// As [`tenure_core::Model::explain_row`], and what the metrics refuse.
pub fn report(model: &ContactChurnModel, evaluation: &ContactEvaluation) -> Result<Report> {
    let settings = model.settings();
    let scored =
        |name: &str, role, p: &[f64]| ScoredModel { name: name.into(), role, probabilities: p.to_vec() };
    let mut models = vec![
        scored("Model", Role::Model, &evaluation.model),
        scored("Logistic regression", Role::Baseline, &evaluation.logistic),
    ];
    models.extend(evaluation.rules.as_deref().map(|p| scored("Rules", Role::Baseline, p)));
    models.extend(evaluation.oracle.as_deref().map(|p| scored("Best attainable", Role::Oracle, p)));
    let count = |n: usize| NumberFormat::Number { decimals: 0 }.show(n as f64);
    let fact = |label: &str, value| KeyFigure { label: label.into(), value, note: String::new() };
    let notes = evaluation.figures.notes.iter().cloned();
    let report = BinaryEvaluation {
        title: "Which contacts are about to fall silent".into(),
        subject: format!(
            "{} contacts whose later silence or activity is known",
            count(evaluation.labels.len())
        ),
        wording: Wording {
            item: "contact".into(),
            items: "contacts".into(),
            happened: "fell silent".into(),
            did_not: "stayed".into(),
            positives: "contacts who fell silent".into(),
            negatives: "contacts who stayed".into(),
            risk: "risk of silence".into(),
            top: "riskiest".into(),
        },
        training: vec![
            fact("Rows learned from (contacts at an instant)", count(settings.rows)),
            fact("Of them fell silent", NumberFormat::Percent { decimals: 1 }.show(settings.churn_rate)),
        ],
        models,
        labels: evaluation.labels.clone(),
        threshold: settings.threshold.clamp(0.0, 1.0),
        importances: Importance::of_contributions(model, evaluation.x.view())?,
        importance_method:
            "Average size of each feature's contribution to the log-odds (SHAP) over the contacts judged."
                .into(),
        explained: explained(model, evaluation)?,
        notes: notes.chain([format!("Model version {}.", settings.version)]).collect(),
        ..BinaryEvaluation::default()
    };
    Ok(report.report()?)
}

/// The riskiest, one at the threshold, one in the middle and the safest.
fn explained(model: &ContactChurnModel, e: &ContactEvaluation) -> Result<Vec<ExplainedRow>> {
    let mut order: Vec<usize> = (0..e.model.len()).collect();
    order.sort_by(|&a, &b| e.model[b].total_cmp(&e.model[a]));
    let threshold = model.settings().threshold;
    let at_threshold = order.partition_point(|&i| e.model[i] >= threshold).saturating_sub(1);
    let mut places = vec![0, at_threshold, order.len() / 2, order.len().saturating_sub(1)];
    places.sort_unstable();
    places.dedup();
    let rows = places.into_iter().filter_map(|place| order.get(place));
    let explained = |&row: &usize| {
        let decision = model.decide(&e.ids[row], &e.x.row(row).to_vec())?;
        let factor = |f: crate::decision::RiskFactor| Factor { text: f.text, effect: f.effect };
        Ok(ExplainedRow {
            id: decision.contact_id,
            probability: decision.churn_probability,
            interval: Some((decision.interval.low, decision.interval.high)),
            level: format!("{} risk, {:.0} % sure", decision.risk_level, 100.0 * decision.confidence),
            factors: decision.risk_factors.into_iter().map(factor).collect(),
            recommendation: decision.recommendations.join(" "),
        })
    };
    rows.map(explained).collect()
}
