//! An evaluation as one page: all tasks beside each other, then each of its own.

use tenure_core::{Model, OutputKind};
use tenure_eval::report::{
    BinaryEvaluation, Cell, ExplainedRow, ExplainedValue, Factor, Importance, KeyFigure, NumberFormat, Part,
    PredictedModel, RegressionEvaluation, Report, Role, ScoredModel, Section, Table, TableRow, ValueWording,
    Wording,
};
use tenure_features::marketplace::{
    CHURN_RISK_14D, CHURN_RISK_30D, FIRST_SESSION_SUCCESS, HEALTH_SCORE, SESSION_VELOCITY, SUPPLY_DEMAND,
};

use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::evaluate::{Evaluation, HealthFigures};
use crate::figures::{TaskFigures, TaskMap};
use crate::model::HealthModel;

const FIGURE: NumberFormat = NumberFormat::Number { decimals: 3 };
const COUNT: NumberFormat = NumberFormat::Number { decimals: 0 };
const IMPORTANCE: &str = "Measured as the mean size of the integrated gradients over up to 1,000 customers.";
/// Reasons shown of one customer.
const MOST_FACTORS: usize = 5;

/// The report; its `to_html` makes the file.
///
/// # Errors
/// As [`Model::explain_row`], and what the metrics refuse.
pub fn report(model: &HealthModel, evaluation: &Evaluation) -> Result<Report> {
    let figures = &evaluation.figures;
    let mut page = Report {
        title: "Marketplace health".into(),
        subtitle: format!(
            "{} customers that the model has not learned from",
            COUNT.show(figures.rows as f64)
        ),
        headline: headline(figures),
        figures: figures.benchmarks.iter().map(key_figure).collect(),
        sections: vec![all_tasks(figures)],
        notes: figures.notes.clone(),
        ..Report::default()
    };
    if !figures.benchmarks.is_empty() {
        page.sections.push(expectations(&figures.benchmarks));
    }
    if !figures.segments.is_empty() {
        page.sections.push(segments(figures));
    }
    for task in model.tasks() {
        if let &[output] = task.outputs.as_slice()
            && figures.metrics.contains_key(&task.name)
        {
            add(&mut page, &task_name(&task.name), of_task(model, evaluation, output)?);
        }
    }
    page.notes.push(format!("Model {}.", figures.model_version));
    Ok(page)
}

/// Adds what the report of one task says.
fn add(page: &mut Report, task: &str, of_task: Report) {
    page.warnings.extend(of_task.warnings.into_iter().map(|warning| format!("{task}: {warning}")));
    let mut lead = Some(of_task.headline);
    page.sections.extend(of_task.sections.into_iter().map(|section| Section {
        title: format!("{task}: {}", decapitalised(&section.title)),
        lead: lead.take().into_iter().chain([section.lead]).collect::<Vec<_>>().join(" "),
        parts: section.parts,
    }));
    for term in of_task.glossary {
        if page.glossary.iter().all(|known| known.term != term.term) {
            page.glossary.push(term);
        }
    }
}

fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What a task is called.
fn task_name(task: &str) -> String {
    match task {
        FIRST_SESSION_SUCCESS => "First session".into(),
        SESSION_VELOCITY => "Sessions a week".into(),
        CHURN_RISK_14D => "Churn within 14 days".into(),
        CHURN_RISK_30D => "Churn within 30 days".into(),
        SUPPLY_DEMAND => "Supply and demand".into(),
        HEALTH_SCORE => "Health score".into(),
        other => other.to_owned(),
    }
}

fn headline(figures: &HealthFigures) -> String {
    let of = |task: &str, metric: &str| figures.metrics.get(task)?.get(metric);
    let churn = of(CHURN_RISK_30D, "auc").map(|auc| {
        format!("Of two customers, one of whom leaves within 30 days, the model picks the right one in {} of 100 cases.", COUNT.show(100.0 * auc))
    });
    let health = of(HEALTH_SCORE, "mae")
        .map(|mae| format!("Its health score is off by {} points on average.", FIGURE.show(mae)));
    churn.into_iter().chain(health).collect::<Vec<_>>().join(" ")
}

fn key_figure(line: &Benchmark) -> KeyFigure {
    let best = line.oracle.map(|best| format!("; best attainable {}", FIGURE.show(best)));
    KeyFigure {
        label: line.label.clone(),
        value: FIGURE.show(line.model),
        note: format!("{}{}", line.verdict.name(), best.unwrap_or_default()),
    }
}

fn cell(value: Option<f64>) -> Cell {
    Cell { text: FIGURE.show(value.unwrap_or(f64::NAN)), value, ..Cell::default() }
}

/// Every figure of every task, by model, baselines and oracle.
fn all_tasks(figures: &HealthFigures) -> Section {
    let maps = [
        ("Model", Some(&figures.metrics)),
        ("Linear models", Some(&figures.baselines.linear)),
        ("Mean", Some(&figures.baselines.mean)),
        ("Best attainable", figures.oracle.as_ref()),
    ];
    let shown: Vec<_> = maps.into_iter().filter_map(|(name, map)| Some((name, map?))).collect();
    let mut rows = Vec::new();
    for task in &figures.tasks {
        let Some(own) = figures.metrics.get(task) else { continue };
        for metric in own.metrics() {
            let value = |map: &TaskMap| map.get(task).and_then(|figures| figures.get(metric));
            rows.push(TableRow {
                label: task_name(task),
                note: metric_name(metric).into(),
                cells: shown.iter().map(|(_, map)| cell(value(map))).collect(),
            });
        }
    }
    Section {
        title: "All tasks".into(),
        lead: "The network beside a regression on all features for each task, beside the same answer for everybody, and \
               beside what nothing can beat where the truth is known."
            .into(),
        parts: vec![Part::Table(Table {
            columns: ["Task"].into_iter().chain(shown.iter().map(|(name, _)| *name)).map(str::to_owned).collect(),
            rows,
            ..Table::default()
        })],
    }
}

fn metric_name(metric: &str) -> &'static str {
    match metric {
        "auc" => "AUC; higher is better, 0.5 is guessing",
        "accuracy" => "share of right decisions at one half; higher is better",
        "log_loss" => "log loss; lower is better",
        "ece" => "calibration error; lower is better",
        "mae" => "mean absolute error; lower is better",
        "rmse" => "root of the mean squared error; lower is better",
        _ => "share of the variance explained; higher is better",
    }
}

/// The table of the training guide.
fn expectations(lines: &[Benchmark]) -> Section {
    let row = |line: &Benchmark| {
        let better = if line.excellent > line.good { ">" } else { "<" };
        let text = |text: String| Cell { text, ..Cell::default() };
        let [worse, better_end] = line.expected;
        TableRow {
            label: line.label.clone(),
            note: line.verdict.name().into(),
            cells: vec![
                cell(Some(line.model)),
                cell(line.oracle),
                text(format!("{worse} to {better_end}")),
                text(format!("{better} {}", line.good)),
                text(format!("{better} {}", line.excellent)),
            ],
        }
    };
    let columns = ["Figure", "Model", "Best attainable", "Expected", "Good", "Excellent"];
    Section {
        title: "Against the guide's expectations".into(),
        lead:
            "The columns of the training guide. Where the best attainable is not excellent, no model can be."
                .into(),
        parts: vec![Part::Table(Table {
            columns: columns.map(str::to_owned).to_vec(),
            rows: lines.iter().map(row).collect(),
            ..Table::default()
        })],
    }
}

fn segments(figures: &HealthFigures) -> Section {
    let main = |own: &TaskFigures| own.metrics()[0];
    let tasks: Vec<&String> =
        figures.tasks.iter().filter(|task| figures.metrics.contains_key(*task)).collect();
    let row = |(segment, of): (&String, &crate::SegmentFigures)| TableRow {
        label: segment.replace('_', " "),
        note: format!("{} customers", COUNT.show(of.rows as f64)),
        cells: tasks
            .iter()
            .map(|task| cell(of.metrics.get(*task).and_then(|figures| figures.get(main(figures)))))
            .collect(),
    };
    let heading = |task: &&String| {
        let metric = if main(&figures.metrics[*task]) == "auc" { "AUC" } else { "mean absolute error" };
        format!("{}, {metric}", task_name(task))
    };
    Section {
        title: "By segment".into(),
        lead: "Within a segment customers are alike: a model that only tells segments apart shows 0.5 here."
            .into(),
        parts: vec![Part::Table(Table {
            columns: ["Segment".to_owned()].into_iter().chain(tasks.iter().map(heading)).collect(),
            rows: figures.segments.iter().map(row).collect(),
            ..Table::default()
        })],
    }
}

/// What the report of one output says.
fn of_task(model: &HealthModel, e: &Evaluation, output: usize) -> Result<Report> {
    let kind = &model.outputs()[output];
    let target = kind.target.as_str();
    let labels = e.table.data.target_named(target)?.values();
    let known: Vec<usize> = (0..labels.len()).filter(|&row| !labels[row].is_nan()).collect();
    let of = |predicted: &ndarray::Array2<f64>| -> Vec<f64> {
        known.iter().map(|&row| predicted[[row, output]]).collect()
    };
    let actual: Vec<f64> = known.iter().map(|&row| labels[row]).collect();
    let mut models = vec![("Model", Role::Model, of(&e.model))];
    models.push(("Linear model", Role::Baseline, of(&e.linear)));
    models.push(("Mean", Role::Baseline, of(&e.mean)));
    models.extend(e.oracle.as_ref().map(|oracle| ("Best attainable", Role::Oracle, of(oracle))));
    models.retain(|(_, _, predicted)| !predicted.iter().any(|value| value.is_nan()));
    let importances = Importance::of_output(model, e.table.data.x(), output)?;
    let rows = extremes(&known, &e.model.column(output).to_vec());
    let explained = |row: usize| -> Result<(String, f64, Vec<Factor>)> {
        let reasons = model.reasons(&e.table.data.row(row).to_vec(), target, MOST_FACTORS)?;
        let factors = reasons.into_iter().map(|reason| Factor { text: reason.text, effect: reason.effect });
        Ok((e.table.ids[row].clone(), e.model[[row, output]], factors.collect()))
    };
    let explained = rows.into_iter().map(explained).collect::<Result<Vec<_>>>()?;
    if kind.kind == OutputKind::Value {
        let named = |(name, role, predictions): (&str, Role, Vec<f64>)| PredictedModel {
            name: name.into(),
            role,
            predictions,
        };
        let row = |(id, value, factors)| ExplainedValue { id, value, factors, ..ExplainedValue::default() };
        let evaluation = RegressionEvaluation {
            wording: ValueWording {
                item: "customer".into(),
                items: "customers".into(),
                value: decapitalised(&task_name(target)),
                unit: kind.unit.clone(),
            },
            format: NumberFormat::Number { decimals: 2 },
            models: models.into_iter().map(named).collect(),
            actual,
            importances,
            importance_method: IMPORTANCE.into(),
            explained: explained.into_iter().map(row).collect(),
            ..RegressionEvaluation::default()
        };
        return Ok(evaluation.report()?);
    }
    let named = |(name, role, probabilities): (&str, Role, Vec<f64>)| ScoredModel {
        name: name.into(),
        role,
        probabilities,
    };
    let row =
        |(id, probability, factors)| ExplainedRow { id, probability, factors, ..ExplainedRow::default() };
    let evaluation = BinaryEvaluation {
        wording: wording(target),
        models: models.into_iter().map(named).collect(),
        labels: actual,
        threshold: 0.5,
        importances,
        importance_method: IMPORTANCE.into(),
        explained: explained.into_iter().map(row).collect(),
        ..BinaryEvaluation::default()
    };
    Ok(evaluation.report()?)
}

/// The rows of the highest, the middle and the lowest prediction.
fn extremes(known: &[usize], predicted: &[f64]) -> Vec<usize> {
    let mut order = known.to_vec();
    order.sort_by(|&a, &b| predicted[b].total_cmp(&predicted[a]));
    let mut places = vec![0, order.len() / 2, order.len().saturating_sub(1)];
    places.dedup();
    places.into_iter().filter_map(|place| order.get(place).copied()).collect()
}

fn wording(target: &str) -> Wording {
    match target {
        CHURN_RISK_14D | CHURN_RISK_30D => Wording::default(),
        FIRST_SESSION_SUCCESS => Wording {
            happened: "had a good first session".into(),
            did_not: "did not".into(),
            positives: "customers with a good first session".into(),
            negatives: "customers without".into(),
            risk: "chance of a good first session".into(),
            top: "most promising".into(),
            ..Wording::default()
        },
        other => Wording {
            happened: format!("had the event `{other}`"),
            did_not: "did not".into(),
            positives: "customers with the event".into(),
            negatives: "customers without".into(),
            risk: "probability".into(),
            top: "highest".into(),
            ..Wording::default()
        },
    }
}
