//! An evaluation as the report that a manager reads.

use tenure_eval::report::{
    BinaryEvaluation, ExplainedRow, Factor, Importance, KeyFigure, Role, ScoredModel, Wording,
};

use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::model::EngagementModel;
use crate::send_time::SendTimeRequest;

/// Everything the report shows; [`BinaryEvaluation::report`] and then `to_html` make the file.
///
/// # Errors
/// As [`tenure_core::Model::explain_row`].
pub fn report(model: &EngagementModel, evaluation: &Evaluation) -> Result<BinaryEvaluation> {
    let figures = &evaluation.figures;
    let scored = |name: &str, role, probabilities: &[f64]| ScoredModel {
        name: name.to_owned(),
        role,
        probabilities: probabilities.to_vec(),
    };
    let settings = model.settings();
    let overall = vec![settings.engagement_rate; evaluation.labels.len()];
    let mut models = vec![
        scored("Model", Role::Model, &evaluation.model),
        scored("Overall rate", Role::Baseline, &overall),
    ];
    models.extend(evaluation.own_rate.as_ref().map(|p| scored("Recipient's own rate", Role::Baseline, p)));
    models.extend(evaluation.oracle.as_ref().map(|p| scored("Best attainable", Role::Oracle, p)));
    let test = model.time_test();
    let time = format!(
        "Does the time of sending matter? A test of all time terms together has p = {:.3} over {} messages.",
        test.p_value, test.rows
    );
    Ok(BinaryEvaluation {
        title: "Which messages will be engaged with".into(),
        subject: format!("{} messages, {} of them engaged with", figures.messages, figures.engaged),
        wording: wording(),
        training: vec![
            key_figure("Messages learned from", settings.rows.to_string()),
            key_figure("Of them engaged with", format!("{:.1} %", 100.0 * settings.engagement_rate)),
        ],
        models,
        labels: evaluation.labels.clone(),
        threshold: settings.threshold.clamp(0.0, 1.0),
        importances: Importance::of_contributions(model, evaluation.x.view())?,
        importance_method:
            "Average size of each feature's contribution to the log-odds over the messages judged.".into(),
        explained: explained(model, evaluation)?,
        notes: figures
            .notes
            .iter()
            .cloned()
            .chain([time, format!("Model version {}.", settings.version)])
            .collect(),
        ..BinaryEvaluation::default()
    })
}

fn key_figure(label: &str, value: String) -> KeyFigure {
    KeyFigure { label: label.into(), value, ..KeyFigure::default() }
}

fn wording() -> Wording {
    Wording {
        item: "message".into(),
        items: "messages".into(),
        happened: "engaged".into(),
        did_not: "ignored it".into(),
        positives: "messages that were engaged with".into(),
        negatives: "messages that were ignored".into(),
        risk: "chance of engagement".into(),
        top: "most promising".into(),
    }
}

/// The most promising, one in the middle and the least promising.
fn explained(model: &EngagementModel, evaluation: &Evaluation) -> Result<Vec<ExplainedRow>> {
    let mut order: Vec<usize> = (0..evaluation.model.len()).collect();
    order.sort_by(|&a, &b| evaluation.model[b].total_cmp(&evaluation.model[a]));
    let mut places = vec![0, order.len() / 2, order.len().saturating_sub(1)];
    places.dedup();
    let rows = places.into_iter().filter_map(|place| order.get(place));
    rows.map(|&row| {
        let values = evaluation.x.row(row).to_vec();
        let decision = model.decide(&format!("row {}", row + 1), &values, &SendTimeRequest::default())?;
        let factors = decision.engagement_factors;
        let mut reasons: Vec<_> = factors.positive.into_iter().chain(factors.negative).collect();
        reasons.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
        Ok(ExplainedRow {
            id: decision.message_id,
            probability: decision.engagement_probability,
            interval: Some((decision.interval.low, decision.interval.high)),
            level: if decision.likely { "likely" } else { "unlikely" }.into(),
            factors: reasons.into_iter().map(|r| Factor { text: r.text, effect: r.effect }).collect(),
            recommendation: decision.send_time.verdict,
        })
    })
    .collect()
}
