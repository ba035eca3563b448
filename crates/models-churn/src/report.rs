//! An evaluation as the report that a manager reads.

use tenure_eval::report::{
    BinaryEvaluation, ExplainedRow, Factor, Importance, KeyFigure, NumberFormat, ProfitAssumptions, Role,
    ScoredModel, SpanKind, TimeSpan, Timeline, TimelineRow,
};
use tenure_features::Timestamp;

use crate::decision::ChurnPrediction;
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::model::ChurnModel;

/// Everything the report shows; [`BinaryEvaluation::report`] and then `to_html` make the file.
///
/// # Errors
/// As [`tenure_core::Model::explain_row`].
pub fn report(model: &ChurnModel, evaluation: &Evaluation) -> Result<BinaryEvaluation> {
    let figures = &evaluation.figures;
    let scored = |name: &str, role, probabilities: &[f64]| ScoredModel {
        name: name.to_owned(),
        role,
        probabilities: probabilities.to_vec(),
    };
    let mut models = vec![
        scored("Model", Role::Model, &evaluation.model),
        scored("Recency only", Role::Baseline, &evaluation.recency),
        scored("Rules", Role::Baseline, &evaluation.rules),
    ];
    models.extend(evaluation.oracle.as_ref().map(|p| scored("Best attainable", Role::Oracle, p)));
    let settings = model.settings();
    Ok(BinaryEvaluation {
        title: "Which customers are about to leave".into(),
        subject: format!(
            "{} customers, scored as of {} and checked until {}",
            figures.customers, figures.as_of, figures.window_end
        ),
        timeline: timeline(model, figures.as_of),
        training: training(model),
        models,
        labels: evaluation.labels.clone(),
        threshold: settings.threshold.clamp(0.0, 1.0),
        profit: Some(ProfitAssumptions {
            contact_cost: settings.params.profit.contact_cost,
            saved_value: settings.saved_value,
            success_rate: settings.params.profit.success_rate,
            currency: String::new(),
        }),
        importances: Importance::of_contributions(model, evaluation.x.view())?,
        importance_method:
            "Average size of each feature's contribution to the log-odds (SHAP) over the customers \
                            judged."
                .into(),
        explained: explained(model, evaluation)?,
        notes: figures
            .notes
            .iter()
            .cloned()
            .chain([format!("Model version {}.", settings.version)])
            .collect(),
        ..BinaryEvaluation::default()
    })
}

fn training(model: &ChurnModel) -> Vec<KeyFigure> {
    let settings = model.settings();
    let figure =
        |label: &str, value: String| KeyFigure { label: label.into(), value, ..KeyFigure::default() };
    let rows = NumberFormat::Number { decimals: 0 }.show(settings.rows as f64);
    vec![
        figure("Rows learned from (customers at a snapshot)", rows),
        figure("Of them left", format!("{:.1} %", 100.0 * settings.churn_rate)),
        figure("Monthly snapshots", settings.snapshots.len().to_string()),
        figure("No order used from", settings.until.to_string()),
    ]
}

fn timeline(model: &ChurnModel, as_of: Timestamp) -> Timeline {
    let params = &model.settings().params;
    let window = |from: Timestamp, days: i64, kind| TimeSpan {
        kind,
        start_day: from.day_number(),
        end_day: from.plus_days(days).day_number(),
    };
    let (observation, prediction) = (i64::from(params.observation_days), i64::from(params.prediction_days));
    let row = |label: &str, note: String, at: &[Timestamp]| TimelineRow {
        label: label.into(),
        note,
        spans: at
            .iter()
            .flat_map(|&at| {
                [
                    window(at.plus_days(-observation), observation, SpanKind::Observed),
                    window(at, 0, SpanKind::Prediction),
                    window(at, prediction, SpanKind::Outcome),
                ]
            })
            .collect(),
    };
    let snapshots = &model.settings().snapshots;
    Timeline {
        caption: format!(
            "At each snapshot the model sees the {observation} days before it (and totals of what came earlier), and \
             learns who bought nothing in the {prediction} days after it. The evaluation repeats this later, on \
             days the model has not seen."
        ),
        rows: vec![
            row("Training", format!("{} monthly snapshots", snapshots.len()), snapshots),
            row("Evaluation", format!("as of {as_of}"), &[as_of]),
        ],
    }
}

/// The riskiest, one at the threshold, one in the middle and the safest.
fn explained(model: &ChurnModel, evaluation: &Evaluation) -> Result<Vec<ExplainedRow>> {
    let mut order: Vec<usize> = (0..evaluation.model.len()).collect();
    order.sort_by(|&a, &b| evaluation.model[b].total_cmp(&evaluation.model[a]));
    let threshold = model.settings().threshold;
    let at_threshold = order.partition_point(|&i| evaluation.model[i] >= threshold).saturating_sub(1);
    let mut places = vec![0, at_threshold, order.len() / 2, order.len().saturating_sub(1)];
    places.sort_unstable();
    places.dedup();
    places
        .into_iter()
        .filter_map(|place| order.get(place))
        .map(|&i| {
            let row = evaluation.x.row(i).to_vec();
            let decision = model.decide(&evaluation.customers[i], evaluation.figures.as_of, &row)?;
            Ok(explained_row(decision))
        })
        .collect()
}

fn explained_row(decision: ChurnPrediction) -> ExplainedRow {
    ExplainedRow {
        id: decision.customer_id,
        probability: decision.churn_probability,
        interval: Some((decision.interval.low, decision.interval.high)),
        level: format!("{} risk, {} confidence", decision.risk_level, decision.confidence),
        factors: decision
            .risk_factors
            .into_iter()
            .map(|f| Factor { text: f.text, effect: f.effect })
            .collect(),
        recommendation: decision.recommendation,
    }
}
