//! `tenure table cv`

use std::time::Instant;

use anyhow::Result;
use serde::{Serialize, Serializer};
use tenure_backends::Backend;
use tenure_core::{Dataset, Error, ErrorKind, FitContext, Progress};
use tenure_eval::splits::{self, Split};
use tenure_io::TableReport;

use super::figures::{self, Figures};
use super::learn::{self, ALL, Learned};
use crate::args::TableCv;
use crate::output::{self, columns, count};
use crate::session::Session;

/// Mean and standard deviation over folds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    mean: f64,
    sd: f64,
}

/// A figure's spread by its name, the one to judge by first.
#[derive(Default)]
struct Spreads(Vec<(&'static str, Spread)>);

impl Serialize for Spreads {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, spread)| (name, spread)))
    }
}

/// What one learner did.
#[derive(Serialize)]
struct Judged {
    backend: String,
    metrics: Spreads,
    /// Seconds of fitting, all folds together.
    fit_seconds: f64,
    /// Seconds of predicting, all folds together.
    predict_seconds: f64,
    /// Trees of each fold, where they were found by cross-validation.
    trees: Vec<usize>,
}

/// A learner that cannot learn this.
#[derive(Serialize)]
struct Refused {
    backend: String,
    why: String,
}

/// What both forms of the answer begin with.
#[derive(Serialize)]
struct Setting {
    task: &'static str,
    rows: usize,
    folds: usize,
    /// Always answering the mean of the training rows, or the shares of the classes.
    baseline: Spreads,
    table: TableReport,
}

/// What `--json` prints of one learner.
#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    setting: Setting,
    #[serde(flatten)]
    judged: Judged,
}

/// What `--json` prints of all.
#[derive(Serialize)]
struct Compared {
    #[serde(flatten)]
    setting: Setting,
    backends: Vec<Judged>,
    refused: Vec<Refused>,
}

pub fn run(args: &TableCv, session: &Session) -> Result<()> {
    let names = learn::names(&args.learn)?; // wrong arguments before a long read
    let (data, table) = super::read(&args.read)?;
    let target = data.target()?;
    learn::require_classes(&data)?;
    let task = figures::task(target.kind());
    let context = session.context(args.learn.seed);
    let outer = outer_folds(&data, args.folds, args.learn.seed)?;
    let (mut judged, mut refused) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let done = (at * outer.len()) as u64;
        let total = (names.len() * outer.len()) as u64;
        let answer = learn::backend(&args.learn, name, &data)
            .and_then(|backend| judge(&backend, args, &data, &outer, &context, (done, total)));
        match answer {
            Ok(found) => judged.push(found),
            Err(error) if args.learn.backend == ALL && cannot_learn(&error) => {
                refused.push(Refused { backend: (*name).to_owned(), why: error.root_cause().to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    session.finish();
    let setting =
        Setting { task, rows: data.rows(), folds: outer.len(), baseline: baseline(&data, &outer)?, table };
    if args.learn.backend == ALL {
        let report = Compared { setting, backends: judged, refused };
        return if args.json { output::json(&report) } else { output::text(&compared(&report)) };
    }
    let Some(judged) = judged.pop() else {
        return Err(Error::Internal("one learner was asked for and none was judged".into()).into());
    };
    let report = One { setting, judged };
    if args.json { output::json(&report) } else { output::text(&one(&report)) }
}

/// Whether the learner said that this is not for it, which a comparison notes and goes on.
fn cannot_learn(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<Error>().map(Error::kind);
    matches!(kind, Some(ErrorKind::Caller | ErrorKind::Data))
}

/// Fits and predicts each fold. `done` and `total` are folds of all learners.
fn judge(
    backend: &Backend,
    args: &TableCv,
    data: &Dataset,
    outer: &[Split],
    context: &FitContext<'_>,
    (done, total): (u64, u64),
) -> Result<Judged> {
    let (mut figures, mut trees) = (Vec::new(), Vec::new());
    let (mut fit_seconds, mut predict_seconds) = (0.0, 0.0);
    for (fold, split) in outer.iter().enumerate() {
        let silent = FitContext { progress: &(), ..context.part(fold as u64) };
        let judged = judge_fold(backend, args.learn.trees, data, split, &silent);
        let judged = judged.map_err(|error| match is_of_data(&error) {
            // Rows and counts in its words are those of the fold.
            true => error.context(format!("in fold {} of {}", fold + 1, outer.len())),
            false => error,
        })?;
        fit_seconds += judged.fit_seconds;
        predict_seconds += judged.predict_seconds;
        trees.extend(judged.trees.filter(|_| args.learn.trees.is_none()));
        let figure = judged.figures.first().copied();
        figures.push(judged.figures);
        let (done, stage) = (done + fold as u64 + 1, "cross-validating");
        context.progress.report(Progress { stage, done, total: Some(total), figure });
    }
    let backend = learn::name_of(backend)?;
    Ok(Judged { backend, metrics: spread(&figures), fit_seconds, predict_seconds, trees })
}

/// What a learner did in one fold.
struct JudgedFold {
    figures: Figures,
    fit_seconds: f64,
    predict_seconds: f64,
    trees: Option<usize>,
}

fn judge_fold(
    backend: &Backend,
    trees: Option<usize>,
    data: &Dataset,
    split: &Split,
    context: &FitContext<'_>,
) -> Result<JudgedFold> {
    let (train, test) = (data.select(&split.train), data.select(&split.test));
    let started = Instant::now();
    let Learned { model, trees, .. } = learn::learn(backend, trees, &train, context)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let predictions = model.predict(test.x())?;
    let predict_seconds = started.elapsed().as_secs_f64();
    Ok(JudgedFold {
        figures: figures::judge(&test, predictions.view())?,
        fit_seconds,
        predict_seconds,
        trees,
    })
}

/// Whether the error is about rows, by whichever crate.
fn is_of_data(error: &anyhow::Error) -> bool {
    let own = error.downcast_ref::<Error>().map(Error::kind);
    own.or_else(|| error.downcast_ref::<tenure_eval::Error>().map(tenure_eval::Error::kind))
        == Some(ErrorKind::Data)
}

/// Later rows are judged after learning from earlier ones where the table has an order; else as within.
pub fn outer_folds(data: &Dataset, folds: usize, seed: u64) -> Result<Vec<Split>> {
    match data.times() {
        Some(times) => Ok(splits::time_series(times, folds, 0)?),
        None => learn::folds(data, folds, seed),
    }
}

fn baseline(data: &Dataset, outer: &[Split]) -> Result<Spreads> {
    let of_fold = |split: &Split| -> Result<Figures> {
        let test = data.select(&split.test);
        let answer = figures::know_nothing(&data.select(&split.train), test.rows())?;
        figures::judge(&test, answer.view())
    };
    Ok(spread(&outer.iter().map(of_fold).collect::<Result<Vec<_>>>()?))
}

fn spread(folds: &[Figures]) -> Spreads {
    let Some(first) = folds.first() else { return Spreads::default() };
    let names = first.iter().map(|(name, _)| *name);
    let spreads = names
        .enumerate()
        .map(|(i, name)| {
            let values: Vec<f64> = folds.iter().map(|fold| fold[i].1).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            let sd = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
            (name, Spread { mean, sd })
        })
        .collect();
    Spreads(spreads)
}

fn head(setting: &Setting) -> String {
    let Setting { task, rows, folds, table, .. } = setting;
    format!("{table}\n{} rows, {folds} folds, task {task}:\n", count(*rows))
}

fn one(report: &One) -> String {
    let One { setting, judged } = report;
    let know_nothing = match setting.task {
        "multiclass" => "shares of the training rows",
        _ => "mean of the training rows",
    };
    let mut rows = vec![["", &judged.backend, "sd", know_nothing].map(str::to_owned).to_vec()];
    for ((name, spread), (_, baseline)) in judged.metrics.0.iter().zip(&setting.baseline.0) {
        let baseline = format!("{:.4}", baseline.mean);
        rows.push(vec![
            (*name).to_owned(),
            format!("{:.4}", spread.mean),
            format!("{:.4}", spread.sd),
            baseline,
        ]);
    }
    let mut out = head(setting) + &columns(&rows);
    if !judged.trees.is_empty() {
        let trees: Vec<String> = judged.trees.iter().map(usize::to_string).collect();
        out += &format!("Trees, found within each fold's training rows: {}.\n", trees.join(", "));
    }
    out
}

/// A line for each learner, a column for each figure.
fn compared(report: &Compared) -> String {
    let Compared { setting, backends, refused } = report;
    let names: Vec<&str> = setting.baseline.0.iter().map(|(name, _)| *name).collect();
    let mut rows = vec![["learner"].iter().chain(&names).map(|name| (*name).to_owned()).collect::<Vec<_>>()];
    rows[0].extend(["fit s", "predict s"].map(str::to_owned));
    let line = |name: &str, figures: &Spreads| -> Vec<String> {
        let cells = figures.0.iter().map(|(_, spread)| format!("{:.4}", spread.mean));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    for judged in backends {
        let mut row = line(&judged.backend, &judged.metrics);
        row.extend([judged.fit_seconds, judged.predict_seconds].map(|s| format!("{s:.2}")));
        rows.push(row);
    }
    rows.push(line("(nothing known)", &setting.baseline));
    let mut out = head(setting) + &columns(&rows);
    for Refused { backend, why } in refused {
        out += &format!("{backend} took no part: {why}\n");
    }
    out
}
