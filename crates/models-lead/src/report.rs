//! An evaluation as the report that a sales team reads.

use tenure_core::Model;
use tenure_eval::report::{
    BinaryEvaluation, Cell, ExplainedRow, ExplainedValue, Factor, Importance, KeyFigure, NumberFormat, Part,
    PredictedModel, RegressionEvaluation, Report, Role, ScoredModel, Section, Table, TableRow,
    ValueIntervals, ValueWording, Wording,
};

use crate::decision::LeadScore;
use crate::error::Result;
use crate::evaluate::{Evaluation, TierFigures};
use crate::model::LeadModel;
use crate::params::Goal;

const TITLE: &str = "Which leads are worth a call";
const POINTS: NumberFormat = NumberFormat::Number { decimals: 1 };
const SHARE: NumberFormat = NumberFormat::Percent { decimals: 1 };

/// The report; its `to_html` makes the file.
///
/// # Errors
/// As [`Model::explain_row`], and what the metrics refuse.
pub fn report(model: &LeadModel, evaluation: &Evaluation) -> Result<Report> {
    let mut report = match model.settings().goal {
        Goal::Score => scores(model, evaluation)?.report()?,
        Goal::Conversion => conversions(model, evaluation)?.report()?,
    };
    // Behind the comparison with simpler ways.
    let place = report.sections.len().min(2);
    report.sections.insert(place, tiers(model, &evaluation.figures.tiers));
    Ok(report)
}

/// All predictions with their names and roles.
fn models(e: &Evaluation) -> Vec<(&'static str, Role, Vec<f64>)> {
    let mut models = vec![("Model", Role::Model, e.model.clone())];
    models.extend(e.linear.clone().map(|p| ("Linear model", Role::Baseline, p)));
    models.extend(e.rules.clone().map(|p| ("Rules", Role::Baseline, p)));
    models.push(("Mean", Role::Baseline, e.mean.clone()));
    models.extend(e.oracle.clone().map(|p| ("Best attainable", Role::Oracle, p)));
    models
}

fn scores(model: &LeadModel, e: &Evaluation) -> Result<RegressionEvaluation> {
    let ranges: Vec<_> = e.model.iter().map(|&score| model.interval(score)).collect();
    let intervals = ranges.first().map(|first| ValueIntervals {
        low: ranges.iter().map(|r| r.low).collect(),
        high: ranges.iter().map(|r| r.high).collect(),
        level: first.level,
    });
    let explained = explained(model, e)?.into_iter().map(|lead| ExplainedValue {
        id: lead.lead_id.clone(),
        value: lead.score,
        interval: Some((lead.interval.low, lead.interval.high)),
        level: verdict(&lead),
        factors: factors(&lead),
        recommendation: lead.recommendation,
    });
    let named = |(name, role, predictions): (&str, Role, Vec<f64>)| PredictedModel {
        name: name.into(),
        role,
        predictions,
    };
    Ok(RegressionEvaluation {
        title: TITLE.into(),
        subject: subject(e),
        wording: ValueWording {
            item: "lead".into(),
            items: "leads".into(),
            value: "score".into(),
            unit: "points".into(),
        },
        training: training(model),
        models: models(e).into_iter().map(named).collect(),
        actual: e.actual.clone(),
        intervals,
        importances: Importance::of_contributions(model, e.x.view())?,
        importance_method: importance_method("points"),
        explained: explained.collect(),
        notes: notes(model, e),
        ..RegressionEvaluation::default()
    })
}

fn conversions(model: &LeadModel, e: &Evaluation) -> Result<BinaryEvaluation> {
    let explained = explained(model, e)?.into_iter().map(|lead| ExplainedRow {
        id: lead.lead_id.clone(),
        probability: lead.score / 100.0,
        interval: Some((lead.interval.low / 100.0, lead.interval.high / 100.0)),
        level: verdict(&lead),
        factors: factors(&lead),
        recommendation: lead.recommendation,
    });
    let named = |(name, role, probabilities): (&str, Role, Vec<f64>)| ScoredModel {
        name: name.into(),
        role,
        probabilities,
    };
    Ok(BinaryEvaluation {
        title: TITLE.into(),
        subject: subject(e),
        wording: Wording {
            item: "lead".into(),
            items: "leads".into(),
            happened: "converted".into(),
            did_not: "did not".into(),
            positives: "leads that converted".into(),
            negatives: "leads that did not".into(),
            risk: "chance of converting".into(),
            top: "most promising".into(),
        },
        training: training(model),
        models: models(e).into_iter().map(named).collect(),
        labels: e.actual.clone(),
        threshold: (model.settings().bounds.warm / 100.0).clamp(0.0, 1.0),
        importances: Importance::of_contributions(model, e.x.view())?,
        importance_method: importance_method("log-odds"),
        explained: explained.collect(),
        notes: notes(model, e),
        ..BinaryEvaluation::default()
    })
}

fn subject(e: &Evaluation) -> String {
    format!(
        "{} leads whose outcome is known",
        NumberFormat::Number { decimals: 0 }.show(e.actual.len() as f64)
    )
}

fn training(model: &LeadModel) -> Vec<KeyFigure> {
    let settings = model.settings();
    let figure = |label: &str, value: String| KeyFigure { label: label.into(), value, note: String::new() };
    let mean = match settings.goal {
        Goal::Score => figure("Their mean score", POINTS.show(settings.mean)),
        Goal::Conversion => figure("Of them converted", SHARE.show(settings.mean)),
    };
    let count = |n: usize| NumberFormat::Number { decimals: 0 }.show(n as f64);
    vec![
        figure("Leads learned from", count(settings.rows)),
        mean,
        figure("Facts about each", count(model.schema().len())),
        figure(
            "Learner",
            settings.backend.clone().check().map_or_else(|e| e.to_string(), |l| l.name().to_owned()),
        ),
    ]
}

fn notes(model: &LeadModel, e: &Evaluation) -> Vec<String> {
    let version = format!("Model version {}.", model.settings().version);
    e.figures.notes.iter().cloned().chain([version]).collect()
}

fn importance_method(unit: &str) -> String {
    format!("Average size of each feature's contribution in {unit} (SHAP) over the leads judged.")
}

/// What each tier holds, and what became of it.
fn tiers(model: &LeadModel, tiers: &[TierFigures]) -> Section {
    let goal = model.settings().goal;
    let bounds = model.settings().bounds;
    let cell =
        |text: String, value: f64| Cell { text, note: String::new(), value: Some(value), strong: false };
    let row = |tier: &TierFigures| {
        let mut cells = vec![
            cell(NumberFormat::Number { decimals: 0 }.show(tier.leads as f64), tier.leads as f64),
            cell(POINTS.show(tier.mean_score), tier.mean_score),
            cell(POINTS.show(tier.mean_actual), tier.mean_actual),
            cell(SHARE.show(tier.mean_confidence), tier.mean_confidence),
        ];
        cells.extend(tier.share_right.map(|share| cell(SHARE.show(share), share)));
        TableRow { label: tier.tier.to_string(), note: String::new(), cells }
    };
    let (actual, right) = match goal {
        Goal::Score => ("Mean actual score", Some("Rightly there")),
        Goal::Conversion => ("Converted, of 100", None),
    };
    let columns = ["Tier", "Leads", "Mean score", actual, "Stated confidence"].into_iter().chain(right);
    Section {
        title: "What the tiers hold".into(),
        lead: format!(
            "A lead is hot from {} and warm from {}.",
            POINTS.show(bounds.hot),
            POINTS.show(bounds.warm)
        ),
        parts: vec![Part::Table(Table {
            title: String::new(),
            caption: "A good score is the same as what became of the leads on average, in every tier.".into(),
            columns: columns.map(str::to_owned).collect(),
            rows: tiers.iter().map(row).collect(),
        })],
    }
}

/// The best lead, the last of the hot and of the warm, and the worst.
fn explained(model: &LeadModel, e: &Evaluation) -> Result<Vec<LeadScore>> {
    let scores = model.scores(e.x.view())?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let bounds = model.settings().bounds;
    let last = |bound: f64| order.partition_point(|&i| scores[i] >= bound).saturating_sub(1);
    let mut places = vec![0, last(bounds.hot), last(bounds.warm), order.len().saturating_sub(1)];
    places.sort_unstable();
    places.dedup();
    let chosen = places.into_iter().filter_map(|place| order.get(place));
    Ok(chosen
        .map(|&row| model.decide(&e.ids[row], &e.x.row(row).to_vec()))
        .collect::<tenure_core::Result<_>>()?)
}

fn verdict(lead: &LeadScore) -> String {
    format!("{}, {:.0} % sure", lead.quality_tier, 100.0 * lead.confidence)
}

/// Both kinds, most first.
fn factors(lead: &LeadScore) -> Vec<Factor> {
    let all = lead.factors.positive.iter().chain(&lead.factors.negative);
    let mut factors: Vec<Factor> = all.map(|f| Factor { text: f.text.clone(), effect: f.effect }).collect();
    factors.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    factors
}
