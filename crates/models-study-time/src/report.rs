//! An evaluation as a report to look at.

use tenure_eval::report::{
    Axis, Cell, ExplainedValue, Factor, Importance, KeyFigure, LineChart, NumberFormat, Part, Point,
    PredictedModel, Reference, RegressionEvaluation, Report, Role, Section, Series, Table, TableRow, Tone,
    ValueIntervals, ValueWording,
};

use crate::error::Result;
use crate::evaluate::{Evaluation, SegmentFigures};
use crate::model::StudyModel;

const NUMBER: NumberFormat = NumberFormat::Number { decimals: 2 };
const SHARE: NumberFormat = NumberFormat::Percent { decimals: 1 };
/// Dots that a plot shows at most, taken evenly.
const DOTS: usize = 1_000;

/// The name of the true means in a report. It draws one value a row, so that its MAE of them is theirs, a little above
/// that of the true medians, which [`OracleFigures`](crate::OracleFigures) has.
pub(crate) const ORACLE: &str = "Best attainable (true mean)";

/// The words of a report on a target of this unit.
pub(crate) fn wording(unit: &str) -> ValueWording {
    let words = |item: &str, items: &str, value: &str| ValueWording {
        item: item.into(),
        items: items.into(),
        value: value.into(),
        unit: unit.into(),
    };
    if unit == "hours" { words("session", "sessions", "study time") } else { words("row", "rows", "value") }
}

/// The report, with every row predicted against actual and its residual; its `to_html` makes the file.
///
/// # Errors
/// As [`tenure_core::Model::explain_row`], and what the metrics refuse.
pub fn report(model: &StudyModel, e: &Evaluation) -> Result<Report> {
    let settings = model.settings();
    let ranges: Vec<_> = e.model.iter().map(|&hours| model.interval(hours)).collect();
    let mut models = vec![("Model", Role::Model, e.model.clone())];
    models.extend(e.estimate.clone().map(|said| ("Estimated base time", Role::Baseline, said)));
    models.push(("Mean", Role::Baseline, e.mean.clone()));
    models.extend(e.oracle.clone().map(|truth| (ORACLE, Role::Oracle, truth)));
    let named = |(name, role, predictions): (&str, Role, Vec<f64>)| PredictedModel {
        name: name.into(),
        role,
        predictions,
    };
    let figure = |label: &str, value: String| KeyFigure { label: label.into(), value, note: String::new() };
    let actual = e.data.target()?.values().to_vec();
    let evaluation = RegressionEvaluation {
        title: if settings.unit == "hours" {
            "How long will it take".into()
        } else {
            settings.target.clone()
        },
        subject: format!("{} rows whose {} is known", e.ids.len(), settings.target),
        wording: wording(&settings.unit),
        format: NUMBER,
        training: vec![
            figure("Learned from", settings.rows.to_string()),
            figure("Their mean", NUMBER.show(settings.mean)),
            figure("Learner", format!("{} × {}", settings.params.ensemble, settings.params.learner.name())),
        ],
        models: models.into_iter().map(named).collect(),
        intervals: Some(ValueIntervals {
            low: ranges.iter().map(|range| range.low).collect(),
            high: ranges.iter().map(|range| range.high).collect(),
            level: settings.params.interval_level,
        }),
        importances: Importance::of_contributions(model, e.data.x())?,
        importance_method:
            "Average size of each feature's contribution (SHAP; of networks integrated gradients) over \
                            the rows judged."
                .into(),
        explained: explained(model, e)?,
        notes: vec![format!("Model version {}.", settings.version)],
        actual: actual.clone(),
        ..RegressionEvaluation::default()
    };
    let mut report = evaluation.report()?;
    let place = report.sections.len().min(3);
    report.sections.insert(place, plots(&settings.unit, &e.model, &actual));
    if !e.figures.segments.is_empty() {
        report.sections.push(segments(&e.figures.segments));
    }
    Ok(report)
}

/// Predicted against actual, and residuals over what was predicted, row by row.
fn plots(unit: &str, predicted: &[f64], actual: &[f64]) -> Section {
    let step = predicted.len().div_ceil(DOTS).max(1);
    let axis = |what: &str| Axis {
        label: if unit.is_empty() { what.to_owned() } else { format!("{what} ({unit})") },
        format: NUMBER,
        min: None,
        max: None,
    };
    let mut order: Vec<usize> = (0..predicted.len()).step_by(step).collect();
    order.sort_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let series = |y: &dyn Fn(usize) -> f64| {
        let points = order.iter().map(|&row| Point::new(predicted[row], y(row))).collect();
        vec![Series { name: "Rows".into(), tone: Tone::Model, points, dots: true }]
    };
    let ends = order.first().zip(order.last()).map_or((0.0, 0.0), |(&a, &b)| (predicted[a], predicted[b]));
    let line = |label: &str, from: f64, to: f64| {
        vec![Reference { label: label.into(), from: (ends.0, from), to: (ends.1, to) }]
    };
    let chart = |title: &str, term: &str, caption: &str, y, series, references| {
        let (title, term, caption) = (title.into(), term.into(), caption.into());
        let x = axis("Predicted");
        Part::Lines(LineChart { title, term, caption, x, y, series, references, markers: Vec::new() })
    };
    Section {
        title: "Row by row".into(),
        lead: String::new(),
        parts: vec![
            chart(
                "Predicted and actual",
                "Predicted against actual",
                "A dot a row: to the right what was predicted, upwards what it really was. Dots on the line are exact.",
                axis("Actual"),
                series(&|row| actual[row]),
                line("Exact", ends.0, ends.1),
            ),
            chart(
                "What is left over",
                "Residuals over predictions",
                "A dot a row: upwards actual less predicted. Dots should lie around the line without a bend; a funnel \
                 tells that large values are harder to foretell.",
                axis("Actual less predicted"),
                series(&|row| actual[row] - predicted[row]),
                line("Exact", 0.0, 0.0),
            ),
        ],
    }
}

fn segments(segments: &[SegmentFigures]) -> Section {
    let cell =
        |text: String, value: f64| Cell { text, note: String::new(), value: Some(value), strong: false };
    let row = |s: &SegmentFigures| TableRow {
        label: format!(
            "{}: {}",
            s.by.replace('_', " "),
            if s.segment.is_empty() { "not known" } else { &s.segment }
        ),
        note: String::new(),
        cells: vec![
            cell(s.rows.to_string(), s.rows as f64),
            cell(NUMBER.show(s.mae), s.mae),
            cell(NUMBER.show(s.bias), s.bias),
            cell(SHARE.show(s.coverage), s.coverage),
        ],
    };
    Section {
        title: "For whom does it work?".into(),
        lead: "The same figures for each kind of session.".into(),
        parts: vec![Part::Table(Table {
            title: String::new(),
            caption: "Bias is predicted less actual, on average.".into(),
            columns: ["Kind", "Rows", "MAE", "Bias", "Ranges that hold"].map(str::to_owned).to_vec(),
            rows: segments.iter().map(row).collect(),
        })],
    }
}

/// The shortest, the middle and the longest prediction.
fn explained(model: &StudyModel, e: &Evaluation) -> Result<Vec<ExplainedValue>> {
    let mut order: Vec<usize> = (0..e.model.len()).collect();
    order.sort_by(|&a, &b| e.model[a].total_cmp(&e.model[b]));
    let mut places = vec![0, order.len() / 2, order.len().saturating_sub(1)];
    places.dedup();
    let mut rows = Vec::new();
    for row in places.into_iter().filter_map(|place| order.get(place).copied()) {
        let found = model.decide(&e.ids[row], &e.data.row(row).to_vec())?;
        let factors = found.reasons.into_iter().map(|r| Factor { text: r.text, effect: r.effect });
        rows.push(ExplainedValue {
            id: found.id,
            value: found.hours,
            interval: Some((found.interval.low, found.interval.high)),
            factors: factors.collect(),
            ..ExplainedValue::default()
        });
    }
    Ok(rows)
}
