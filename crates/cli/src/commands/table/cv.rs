//! `tenure table cv`

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use tenure_core::{Dataset, Error, FitContext, Progress, TargetKind};
use tenure_eval::metrics::{BinaryReport, RegressionReport};
use tenure_eval::splits::{self, Split};
use tenure_io::TableReport;

use super::learn::{self, Learned};
use crate::args::TableCv;
use crate::output::{self, columns, count};
use crate::session::Session;

/// Mean and standard deviation over folds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    mean: f64,
    sd: f64,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    task: &'static str,
    rows: usize,
    folds: usize,
    backend: String,
    metrics: BTreeMap<&'static str, Spread>,
    /// Always answering the mean of the training rows.
    baseline: BTreeMap<&'static str, Spread>,
    /// Trees of each fold, where they were found by cross-validation.
    trees: Vec<usize>,
    table: TableReport,
}

type Figures = Vec<(&'static str, f64)>;

pub fn run(args: &TableCv, session: &Session) -> Result<()> {
    learn::backend(&args.learn, 0)?; // wrong arguments before a long read
    let (data, table) = super::read(&args.read)?;
    let backend = learn::backend(&args.learn, data.rows())?;
    let binary = *data.target()?.kind() == TargetKind::Binary;
    if binary {
        data.target()?.require_two_classes()?;
    }
    let context = session.context(args.learn.seed);
    let outer = outer_folds(&data, args.folds, args.learn.seed)?;
    let (mut own, mut baseline, mut trees) = (Vec::new(), Vec::new(), Vec::new());
    for (done, split) in outer.iter().enumerate() {
        let train = data.select(&split.train);
        let test = data.select(&split.test);
        let silent = FitContext { progress: &(), ..context.part(done as u64) };
        let Learned { model, trees: found, .. } = learn::learn(&backend, args.learn.trees, &train, &silent)?;
        let labels = test.target()?.values();
        own.push(figures(binary, labels, &model.predict(test.x())?.column(0).to_vec())?);
        let mean = train.target()?.values().iter().sum::<f64>() / train.rows() as f64;
        baseline.push(figures(binary, labels, &vec![mean; test.rows()])?);
        trees.extend(found.filter(|_| args.learn.trees.is_none()));
        let (total, stage) = (Some(outer.len() as u64), "cross-validating");
        let figure = own.last().and_then(|f| f.first()).copied();
        context.progress.report(Progress { stage, done: done as u64 + 1, total, figure });
    }
    session.finish();
    let report = Report {
        task: if binary { "binary" } else { "regression" },
        rows: data.rows(),
        folds: outer.len(),
        backend: args.learn.backend.clone(),
        metrics: spread(&own),
        baseline: spread(&baseline),
        trees,
        table,
    };
    if args.json { output::json(&report) } else { output::text(&text(&report)) }
}

/// Later rows are judged after learning from earlier ones where the table has an order; else as within.
fn outer_folds(data: &Dataset, folds: usize, seed: u64) -> Result<Vec<Split>> {
    match data.times() {
        Some(times) => Ok(splits::time_series(times, folds, 0)?),
        None => learn::folds(data, folds, seed),
    }
}

fn figures(binary: bool, labels: &[f64], predictions: &[f64]) -> Result<Figures> {
    if binary {
        let report = BinaryReport::new(labels, predictions, None, 0.5)?;
        return Ok(vec![
            ("roc_auc", report.roc_auc),
            ("log_loss", report.log_loss),
            ("brier", report.brier),
            ("ece", report.ece),
            ("average_precision", report.average_precision),
            ("accuracy", report.accuracy),
        ]);
    }
    let report = RegressionReport::new(labels, predictions, None)?;
    let r2 = report.r2.ok_or_else(|| Error::Data("R² is not defined: a fold's target is constant".into()))?;
    Ok(vec![("rmse", report.rmse), ("mae", report.mae), ("r2", r2)])
}

fn spread(folds: &[Figures]) -> BTreeMap<&'static str, Spread> {
    let Some(first) = folds.first() else { return BTreeMap::new() };
    let names = first.iter().map(|(name, _)| *name);
    names
        .enumerate()
        .map(|(i, name)| {
            let values: Vec<f64> = folds.iter().map(|fold| fold[i].1).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            let sd = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
            (name, Spread { mean, sd })
        })
        .collect()
}

fn text(report: &Report) -> String {
    let mut rows = vec![["", &report.backend, "sd", "mean of the training rows"].map(str::to_owned).to_vec()];
    for (name, spread) in &report.metrics {
        let baseline = report.baseline.get(name).map_or_else(String::new, |b| format!("{:.4}", b.mean));
        rows.push(vec![
            (*name).to_owned(),
            format!("{:.4}", spread.mean),
            format!("{:.4}", spread.sd),
            baseline,
        ]);
    }
    let mut out = format!(
        "{}\n{} rows, {} folds, task {}:\n{}",
        report.table,
        count(report.rows),
        report.folds,
        report.task,
        columns(&rows)
    );
    if !report.trees.is_empty() {
        let trees: Vec<String> = report.trees.iter().map(usize::to_string).collect();
        out += &format!("Trees, found within each fold's training rows: {}.\n", trees.join(", "));
    }
    out
}
