//! Figures of health models as text.

use std::collections::BTreeMap;

use tenure_health::{Benchmark, HealthFigures, HealthModel, TaskFigures, TaskMap};

use crate::output::{columns, count, percent};

const BINARY: [&str; 4] = ["auc", "accuracy", "log_loss", "ece"];
const NUMBER: [&str; 3] = ["mae", "rmse", "r2"];

/// All figures by `<task>.<metric>`.
pub fn flat(figures: &TaskMap) -> BTreeMap<String, f64> {
    let named = figures.iter().flat_map(|(task, of)| {
        of.metrics().iter().filter_map(move |metric| Some((format!("{task}.{metric}"), of.get(metric)?)))
    });
    named.collect()
}

/// What an evaluation found.
pub fn evaluation(figures: &HealthFigures) -> String {
    let mut out = format!("{} customers judged.\n\n", count(figures.rows));
    let maps = [
        ("model", Some(&figures.metrics)),
        ("linear models", Some(&figures.baselines.linear)),
        ("the mean", Some(&figures.baselines.mean)),
        ("best attainable", figures.oracle.as_ref()),
    ];
    let maps: Vec<_> = maps.into_iter().filter_map(|(name, map)| Some((name, map?))).collect();
    out += &table(&figures.tasks, &maps);
    if !figures.segments.is_empty() {
        out += &format!("\n{}", segments(figures));
    }
    if !figures.share_of_attainable.is_empty() {
        let shares = figures
            .tasks
            .iter()
            .filter_map(|task| Some(format!("{task} {}", percent(*figures.share_of_attainable.get(task)?))));
        let shares: Vec<String> = shares.collect();
        out += &format!(
            "\nOf the lift over chance that is attainable the model reaches: {}.\n",
            shares.join(", ")
        );
    }
    if !figures.benchmarks.is_empty() {
        out += &format!("\n{}", benchmarks(&figures.benchmarks));
    }
    for (target, labels) in &figures.masked_labels {
        out += &format!("{} labels of {target} are not known and were not judged.\n", count(*labels));
    }
    for note in &figures.notes {
        out += &format!("note: {note}\n");
    }
    out
}

/// The figures of a model alone.
pub fn tasks(model: &HealthModel, figures: &TaskMap) -> String {
    let names: Vec<String> = model.tasks().into_iter().map(|task| task.name).collect();
    table(&names, &[("model", figures)])
}

/// Two tables, of probabilities and of numbers, one line for each task and each way to answer it.
fn table(tasks: &[String], maps: &[(&str, &TaskMap)]) -> String {
    let block = |title: &str, metrics: &[&str], binary: bool| {
        let header = [title, ""].into_iter().chain(metrics.iter().copied());
        let mut rows = vec![header.map(|text| text.replace('_', " ")).collect::<Vec<_>>()];
        for task in tasks {
            let of_kind = |figures: &&TaskFigures| matches!(figures, TaskFigures::Binary(_)) == binary;
            for (at, (name, map)) in maps.iter().enumerate() {
                let Some(figures) = map.get(task).filter(of_kind) else { continue };
                let label = if at == 0 { task.clone() } else { String::new() };
                let figure = |metric: &&str| figures.get(metric).map_or("–".into(), |v| format!("{v:.4}"));
                rows.push(
                    [label, (*name).to_owned()].into_iter().chain(metrics.iter().map(figure)).collect(),
                );
            }
        }
        if rows.len() > 1 { columns(&rows) } else { String::new() }
    };
    let blocks = [block("probability of", &BINARY, true), block("number", &NUMBER, false)];
    blocks.into_iter().filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The main figure of each task, by segment.
fn segments(figures: &HealthFigures) -> String {
    let tasks: Vec<&String> =
        figures.tasks.iter().filter(|task| figures.metrics.contains_key(*task)).collect();
    let main = |task: &str| figures.metrics.get(task).map_or("", |of| of.metrics()[0]);
    let header = ["by segment".to_owned(), "customers".to_owned()].into_iter();
    let mut rows =
        vec![header.chain(tasks.iter().map(|task| format!("{task} {}", main(task)))).collect::<Vec<_>>()];
    for (segment, of) in &figures.segments {
        let figure = |task: &&String| {
            of.metrics
                .get(*task)
                .and_then(|figures| figures.get(main(task)))
                .map_or("–".into(), |v| format!("{v:.3}"))
        };
        rows.push([segment.clone(), count(of.rows)].into_iter().chain(tasks.iter().map(figure)).collect());
    }
    columns(&rows)
}

/// The table of the training guide, with the model's figures and the oracle's.
fn benchmarks(lines: &[Benchmark]) -> String {
    let header = ["", "model", "best attainable", "expected", "good", "excellent", "the model is"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for line in lines {
        let sign = if line.excellent > line.good { '>' } else { '<' };
        let [a, b] = line.expected;
        rows.push(vec![
            line.label.clone(),
            format!("{:.3}", line.model),
            line.oracle.map_or("–".into(), |best| format!("{best:.3}")),
            format!("{}–{}", a.min(b), a.max(b)),
            format!("{sign} {}", line.good),
            format!("{sign} {}", line.excellent),
            line.verdict.name().to_owned(),
        ]);
    }
    columns(&rows)
}
