//! An evaluation as the report that a manager reads.

use tenure_eval::report::{
    ExplainedValue, Factor, Importance, KeyFigure, NumberFormat, PredictedModel, RegressionEvaluation, Role,
    Timeline, ValueIntervals, ValueWording,
};

use crate::error::Result;
use crate::evaluate::{Evaluation, JudgedOn};
use crate::model::LtvModel;

/// Everything the report shows; [`RegressionEvaluation::report`] and then `to_html` make the file.
///
/// `model` is the one judged; where customers were held out there is none, and nothing of it is explained.
///
/// # Errors
/// As [`tenure_core::Model::explain_row`].
pub fn report(model: Option<&LtvModel>, evaluation: &Evaluation) -> Result<RegressionEvaluation> {
    let figures = &evaluation.figures;
    let predicted = |name: &str, role, values: &[f64]| PredictedModel {
        name: name.to_owned(),
        role,
        predictions: values.to_vec(),
    };
    let mut models = vec![predicted("Model", Role::Model, &evaluation.predicted)];
    let baseline = |name, values| predicted(name, Role::Baseline, values);
    models.extend(evaluation.bg_nbd_gamma_gamma.as_deref().map(|v| baseline("BG/NBD, Gamma-Gamma", v)));
    models.push(baseline("Past spend", &evaluation.past_spend));
    models.extend(evaluation.oracle.as_deref().map(|v| predicted("Best attainable", Role::Oracle, v)));
    let how = match figures.judged_on {
        JudgedOn::Later => "by a model that was trained before",
        JudgedOn::Seen => "by a model that has learned from later orders",
        JudgedOn::HeldOut => "held out, each part by a model that learned from the others",
    };
    let (low, high) = evaluation.intervals.iter().copied().unzip();
    let coverage = figures.coverage.segments.iter().map(|s| {
        let share = NumberFormat::Percent { decimals: 1 }.show(s.coverage);
        format!(
            "Intervals of the segment {} hold the spend of {share} of its {} customers.",
            s.segment, s.rows
        )
    });
    let notes = figures.notes.iter().cloned().chain(coverage);
    Ok(RegressionEvaluation {
        title: "What customers are worth".into(),
        subject: format!(
            "{} customers, valued as of {} ({how}) and checked until {}",
            NumberFormat::Number { decimals: 0 }.show(figures.customers as f64),
            figures.as_of,
            figures.window_end
        ),
        wording: ValueWording {
            item: "customer".into(),
            items: "customers".into(),
            value: "spend".into(),
            unit: String::new(),
        },
        format: NumberFormat::Number { decimals: 2 },
        timeline: model.map(|model| timeline(model, evaluation)).unwrap_or_default(),
        training: model.map(training).unwrap_or_default(),
        models,
        actual: evaluation.actual.clone(),
        intervals: Some(ValueIntervals { low, high, level: figures.coverage.level }),
        importances: match model {
            Some(model) => Importance::of_contributions(model, evaluation.x.view())?,
            None => Vec::new(),
        },
        importance_method:
            "Average size of each feature's contribution to the logarithm of the value (SHAP) over the \
                            customers judged."
                .into(),
        explained: model.map(|model| explained(model, evaluation)).transpose()?.unwrap_or_default(),
        warnings: match figures.judged_on {
            JudgedOn::Seen => {
                vec!["The model has seen what it is judged on: these are not figures of new data.".into()]
            }
            _ => Vec::new(),
        },
        notes: notes.chain([format!("Model version {}.", figures.model_version)]).collect(),
    })
}

fn timeline(model: &LtvModel, evaluation: &Evaluation) -> Timeline {
    let (settings, as_of) = (model.settings(), evaluation.figures.as_of);
    let (observed, outcome) =
        (i64::from(settings.params.observation_days), i64::from(settings.params.prediction_days));
    let snapshots: Vec<i64> = settings.snapshots.iter().map(|at| at.day_number()).collect();
    let mut timeline = Timeline::of_snapshots(&snapshots, as_of.day_number(), observed, outcome);
    timeline.caption = format!(
        "At each snapshot the model sees the {observed} days before it (and totals of what came earlier), and learns what \
         customers spent in the {outcome} days after it."
    );
    let notes = [format!("{} monthly snapshots", snapshots.len()), format!("as of {as_of}")];
    timeline.rows.iter_mut().zip(notes).for_each(|(row, note)| row.note = note);
    timeline
}

fn training(model: &LtvModel) -> Vec<KeyFigure> {
    let settings = model.settings();
    let figure =
        |label: &str, value: String| KeyFigure { label: label.into(), value, ..KeyFigure::default() };
    let number = |value: f64, decimals| NumberFormat::Number { decimals }.show(value);
    vec![
        figure("Rows learned from (customers at a snapshot)", number(settings.rows as f64, 0)),
        figure("Of them spent anything", NumberFormat::Percent { decimals: 1 }.show(settings.spending_rate)),
        figure("Mean spend", number(settings.mean_spend, 2)),
        figure("Family", settings.params.family.name().to_owned()),
        figure("No order used from", settings.until.to_string()),
    ]
}

/// The most valuable, one of the best tenth, one in the middle and the least valuable.
fn explained(model: &LtvModel, evaluation: &Evaluation) -> Result<Vec<ExplainedValue>> {
    let mut order: Vec<usize> = (0..evaluation.predicted.len()).collect();
    order.sort_by(|&a, &b| evaluation.predicted[b].total_cmp(&evaluation.predicted[a]));
    let mut places = vec![0, order.len() / 10, order.len() / 2, order.len().saturating_sub(1)];
    places.dedup();
    let rows = places.into_iter().filter_map(|place| order.get(place));
    rows.map(|&row| {
        let (id, x) = (&evaluation.customers[row], evaluation.x.row(row).to_vec());
        let of = model.decide(id, evaluation.figures.as_of, &x)?;
        let factors = of.drivers.into_iter().map(|d| Factor { text: d.text, effect: d.factor.ln() });
        Ok(ExplainedValue {
            id: of.customer_id,
            value: of.predicted_ltv,
            interval: Some((of.confidence_interval.low, of.confidence_interval.high)),
            level: of.value_segment.to_string(),
            factors: factors.collect(),
            recommendation: String::new(),
        })
    })
    .collect()
}
