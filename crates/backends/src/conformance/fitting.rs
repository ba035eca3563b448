//! Checks that fit.

use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::Array2;
use tenure_core::{
    CancelToken, Dataset, Error, Feature, FitContext, MissingPolicy, Model, OutputKind, Progress,
    ProgressSink, Schema, Target,
};

use super::model::predict;
use super::{Outcome, Subject, Task, data, ensure, same_bits};

pub(super) type Check = fn(&Subject<'_>, Task) -> Outcome;

pub(super) const CHECKS: [(&str, Check); 15] = [
    ("capabilities", capabilities),
    ("same_seed", same_seed),
    ("unknown_label", unknown_label),
    ("report_rows", report_rows),
    ("output_name", output_name),
    ("first_target", first_target),
    ("validation", validation),
    ("missing", missing),
    ("unknown_level", unknown_level),
    ("few_rows", few_rows),
    ("one_class", one_class),
    ("absent_class", absent_class),
    ("constant_column", constant_column),
    ("no_target", no_target),
    ("cancellation", cancellation),
];

/// Fits with a fixed seed on one thread.
pub(super) fn fit(subject: &Subject<'_>, data: &Dataset) -> Result<Box<dyn Model>, String> {
    fit_with(subject, data, &FitContext::new(7).with_threads(1))
}

fn fit_with(
    subject: &Subject<'_>,
    data: &Dataset,
    context: &FitContext<'_>,
) -> Result<Box<dyn Model>, String> {
    let fitted = subject.learner.fit(data, None, context).map_err(|e| format!("fitting failed: {e}"))?;
    Ok(fitted.model)
}

pub(super) fn table(subject: &Subject<'_>, task: Task, rows: usize) -> Dataset {
    data::table(task, rows, 1, subject.learner.capabilities())
}

fn capabilities(subject: &Subject<'_>, task: Task) -> Outcome {
    let model = fit(subject, &table(subject, task, 300))?;
    let (learner, model) = (subject.learner.capabilities(), model.capabilities());
    ensure(learner == model, || format!("the learner claims {learner:?}, the model {model:?}"))
}

fn same_seed(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 2_000);
    let one = fit_with(subject, &data, &FitContext::new(3).with_threads(1))?;
    for threads in [1, 8] {
        let other = fit_with(subject, &data, &FitContext::new(3).with_threads(threads))?;
        ensure(one.to_artifact() == other.to_artifact(), || format!("another model at {threads} threads"))?;
        same_bits(&predict(one.as_ref(), data.x())?, &predict(other.as_ref(), data.x())?)
            .map_err(|e| format!("at {threads} threads: {e}"))?;
    }
    Ok(())
}

fn unknown_label(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let half: Vec<usize> = (0..data.rows()).filter(|row| row % 2 == 0).collect();
    let known = data.select(&half);
    let labels = labels(&data)?;
    let masked = (0..data.rows()).map(|row| if row % 2 == 0 { labels[row] } else { f64::NAN }).collect();
    let masked = with_labels(&data, task, masked)?;
    let gap = mean_gap(
        &predict(fit(subject, &masked)?.as_ref(), data.x())?,
        &predict(fit(subject, &known)?.as_ref(), data.x())?,
    );
    ensure(gap <= 1e-9, || format!("rows without label move predictions by {gap} on average"))
}

fn report_rows(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let known = |row: usize| !row.is_multiple_of(5);
    let weights = subject.learner.capabilities().weights;
    let counted = |row: usize| !weights || !row.is_multiple_of(7);
    let labels = labels(&data)?.iter().enumerate();
    let labels = labels.map(|(row, &y)| if known(row) { y } else { f64::NAN }).collect();
    let mut masked = with_labels(&data, task, labels)?;
    if weights {
        let weights = (0..data.rows()).map(|row| f64::from(u8::from(counted(row)))).collect();
        masked = masked.with_weights(weights).map_err(|e| e.to_string())?;
    }
    let expected = (0..data.rows()).filter(|&row| known(row) && counted(row)).count();
    let fitted = subject.learner.fit(&masked, None, &FitContext::new(7));
    let found = fitted.map_err(|e| format!("fitting failed: {e}"))?.report.rows;
    ensure(found == expected, || format!("{expected} rows were learned from, the report says {found}"))
}

fn output_name(subject: &Subject<'_>, task: Task) -> Outcome {
    let model = fit(subject, &table(subject, task, 300))?;
    let expected: Vec<(String, OutputKind)> = match task {
        Task::Binary => vec![("outcome".into(), OutputKind::Probability)],
        Task::Regression => vec![("outcome".into(), OutputKind::Value)],
        Task::Multiclass => data::CLASSES
            .map(|c| (format!("outcome_{c}"), OutputKind::ClassProbability { class: c.into() }))
            .to_vec(),
    };
    let outputs = model.outputs();
    let found: Vec<_> = outputs.iter().map(|o| (o.name.clone(), o.kind.clone())).collect();
    let answers = outputs.iter().all(|o| o.target == "outcome");
    ensure(answers && found == expected, || format!("the target is `outcome`, the outputs are {outputs:?}"))
}

fn first_target(subject: &Subject<'_>, task: Task) -> Outcome {
    let one = table(subject, task, 300);
    let most = if task == Task::Multiclass { 2.0 } else { 1.0 };
    let opposite = labels(&one)?.iter().map(|y| most - y).collect();
    let two = one.clone().with_target(data::target(task, "second", opposite).map_err(|e| e.to_string())?);
    let two = two.map_err(|e| e.to_string())?;
    let (alone, first) = (fit(subject, &one)?, fit(subject, &two)?);
    ensure(first.outputs() == alone.outputs(), || format!("the outputs are {:?}", first.outputs()))?;
    ensure(first.to_artifact() == alone.to_artifact(), || "a second target changes the model".into())?;
    same_bits(&predict(first.as_ref(), one.x())?, &predict(alone.as_ref(), one.x())?)
}

fn validation(subject: &Subject<'_>, task: Task) -> Outcome {
    let train = table(subject, task, 300);
    let valid = data::table(task, 150, 2, subject.learner.capabilities());
    let fit = |valid: &Dataset| subject.learner.fit(&train, Some(valid), &FitContext::new(7));
    let fitted = fit(&valid).map_err(|e| format!("the same columns: {e}"))?;
    predict(fitted.model.as_ref(), valid.x())?;
    fn has(names: &[String], name: &str) -> bool {
        names.iter().any(|n| n == name)
    }
    let refused = |what: &str, columns: &[usize], named: fn(&[String], &[String]) -> bool| -> Outcome {
        match fit(&with_columns(&valid, task, columns)?) {
            Err(Error::Columns { missing, unexpected }) if named(&missing, &unexpected) => Ok(()),
            other => Err(format!("{what}: {:?}", other.map(|f| f.report))),
        }
    };
    refused("columns 1 and 2 in each other's place", &[0, 2, 1, 3, 4], |m, u| {
        has(m, "noise") || has(u, "noise")
    })?;
    refused("the last column is missing", &[0, 1, 2, 3], |missing, _| has(missing, "plan"))?;
    refused("an extra column", &[0, 1, 2, 3, 4, 5], |_, unexpected| has(unexpected, "extra"))
}

fn missing(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let model = fit(subject, &data)?;
    let all_missing = Array2::from_elem((1, data.schema().len()), f64::NAN);
    let refused = |answer: &Result<(), Error>| {
        matches!(answer, Err(Error::Unsupported { .. } | Error::NotFinite { .. }))
    };
    match subject.learner.capabilities().missing {
        MissingPolicy::Refused => {
            let mut x = data.x().to_owned();
            x[[1, 1]] = f64::NAN;
            let target = data.target().map_err(|e| e.to_string())?.clone();
            let holed = Dataset::new(data.schema().clone(), x).and_then(|d| d.with_target(target));
            let trained = subject.learner.fit(&holed.map_err(|e| e.to_string())?, None, &FitContext::new(7));
            for answer in [trained.map(|_| ()), model.predict(all_missing.view()).map(|_| ())] {
                ensure(refused(&answer), || format!("it refuses missing values, yet: {answer:?}"))?;
            }
            Ok(())
        }
        policy => match model.predict(all_missing.view()) {
            Ok(out) if out.iter().all(|v| v.is_finite()) => Ok(()),
            other => Err(format!("{policy:?}, yet a row of missing values gives {other:?}")),
        },
    }
}

fn unknown_level(subject: &Subject<'_>, task: Task) -> Outcome {
    let capabilities = subject.learner.capabilities();
    if !capabilities.categorical {
        return Ok(());
    }
    let data = data::levels(task, 600, 1, capabilities);
    let model = fit(subject, &data)?;
    let with = |value: f64| {
        let mut rows = data.x().slice(ndarray::s![..20, ..]).to_owned();
        rows.column_mut(4).fill(value);
        rows
    };
    let missing = model.predict(with(f64::NAN).view());
    for level in [3.0, 64.0, 1e9, 1e300] {
        match (model.predict(with(level).view()), &missing) {
            (Ok(unknown), Ok(missing)) => {
                same_bits(&unknown, missing).map_err(|e| format!("level {level} of 3 and missing: {e}"))?;
            }
            (Err(_), Err(_)) => {}
            (unknown, missing) => {
                return Err(format!("level {level} of 3 gives {unknown:?}, missing {missing:?}"));
            }
        }
    }
    Ok(())
}

fn few_rows(subject: &Subject<'_>, task: Task) -> Outcome {
    for rows in [0, 1] {
        let data = table(subject, task, 300).select(&(0..rows).collect::<Vec<_>>());
        match subject.learner.fit(&data, None, &FitContext::new(7)) {
            Ok(fitted) => {
                let out = predict(fitted.model.as_ref(), data.x())?;
                ensure(out.iter().all(|v| v.is_finite()), || format!("{rows} rows: {out:?}"))?;
            }
            Err(Error::NotEnoughRows { .. } | Error::OneClass { .. }) => {}
            Err(other) => return Err(format!("{rows} rows: {other}")),
        }
    }
    Ok(())
}

fn one_class(subject: &Subject<'_>, task: Task) -> Outcome {
    if task == Task::Regression {
        return Ok(());
    }
    let data = table(subject, task, 300);
    let ones = with_labels(&data, task, vec![1.0; data.rows()])?;
    match subject.learner.fit(&ones, None, &FitContext::new(7)) {
        Err(Error::OneClass { .. }) => Ok(()),
        other => Err(format!("all labels are 1: {other:?}")),
    }
}

fn absent_class(subject: &Subject<'_>, task: Task) -> Outcome {
    if task != Task::Multiclass {
        return Ok(());
    }
    let data = table(subject, task, 300);
    // Nobody is of the class in the middle.
    let labels = labels(&data)?.iter().map(|&y| if y == 0.0 { 0.0 } else { 2.0 }).collect();
    let out = predict(fit(subject, &with_labels(&data, task, labels)?)?.as_ref(), data.x())?;
    ensure(out.ncols() == 3, || format!("{} outputs for 3 classes", out.ncols()))?;
    let worst = out.column(1).iter().fold(0.0_f64, |a, &b| a.max(b));
    ensure(worst <= 0.05, || format!("a class that nobody is of has a probability of {worst}"))
}

fn constant_column(subject: &Subject<'_>, task: Task) -> Outcome {
    let rows = 40;
    let schema = Schema::new(vec![Feature::numeric("constant", "", "")]).map_err(|e| e.to_string())?;
    let target = table(subject, task, rows).target().map_err(|e| e.to_string())?.clone();
    let data = Dataset::new(schema, Array2::from_elem((rows, 1), 4.0)).and_then(|d| d.with_target(target));
    let data = data.map_err(|e| e.to_string())?;
    let out = predict(fit(subject, &data)?.as_ref(), data.x())?;
    let labels = labels(&data)?;
    for (output, answers) in out.columns().into_iter().enumerate() {
        let truth = |y: f64| match task {
            Task::Multiclass => f64::from(u8::from(y == output as f64)),
            _ => y,
        };
        let mean = labels.iter().map(|&y| truth(y)).sum::<f64>() / rows as f64;
        let worst = answers.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
        ensure(worst <= 1e-6, || {
            format!("a constant column predicts {worst} away from the mean {mean} of output {output}")
        })?;
    }
    Ok(())
}

fn no_target(subject: &Subject<'_>, task: Task) -> Outcome {
    let with = table(subject, task, 50);
    let without = Dataset::new(with.schema().clone(), with.x().to_owned()).map_err(|e| e.to_string())?;
    match subject.learner.fit(&without, None, &FitContext::new(7)) {
        Err(Error::NoTarget { .. }) => Ok(()),
        other => Err(format!("without a target: {other:?}")),
    }
}

/// Cancels at the first report of progress and counts those that follow.
struct CancelAtOnce {
    token: CancelToken,
    reports: AtomicU64,
}

impl ProgressSink for CancelAtOnce {
    fn report(&self, _: Progress<'_>) {
        self.token.cancel();
        self.reports.fetch_add(1, Ordering::Relaxed);
    }
}

fn cancellation(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let sink = CancelAtOnce { token: CancelToken::default(), reports: AtomicU64::new(0) };
    let context = FitContext::new(7).with_cancel(sink.token.clone()).with_progress(&sink);
    let outcome = subject.learner.fit(&data, None, &context);
    let reports = sink.reports.load(Ordering::Relaxed);
    match outcome {
        Err(Error::Cancelled { .. }) if reports <= 2 => Ok(()),
        other => {
            Err(format!("cancelled at the first of {reports} reports, yet: {:?}", other.map(|f| f.report)))
        }
    }
}

/// A fit of data that the learner says it cannot honour must say so.
pub(super) fn refused(subject: &Subject<'_>, data: &Dataset, what: &str) -> Outcome {
    match subject.learner.fit(data, None, &FitContext::new(7)) {
        Err(Error::Unsupported { .. }) => Ok(()),
        other => Err(format!("{what} are not supported, yet: {:?}", other.map(|f| f.report))),
    }
}

pub(super) fn labels(data: &Dataset) -> Result<&[f64], String> {
    data.target().map(Target::values).map_err(|e| e.to_string())
}

fn with_labels(data: &Dataset, task: Task, labels: Vec<f64>) -> Result<Dataset, String> {
    let plain = Dataset::new(data.schema().clone(), data.x().to_owned());
    plain.and_then(|d| d.with_target(data::target(task, "outcome", labels)?)).map_err(|e| e.to_string())
}

/// The columns with these numbers; a number past the last adds a column of its own.
fn with_columns(data: &Dataset, task: Task, columns: &[usize]) -> Result<Dataset, String> {
    let features = data.schema().features();
    let extra = || Feature::numeric("extra", "", "Nobody asked for it");
    let schema = columns.iter().map(|&c| features.get(c).cloned().unwrap_or_else(extra)).collect();
    let x = Array2::from_shape_fn((data.rows(), columns.len()), |(row, at)| {
        data.x().get((row, columns[at])).copied().unwrap_or(0.0)
    });
    let target = data::target(task, "outcome", labels(data)?.to_vec());
    let built = Schema::new(schema).and_then(|s| Dataset::new(s, x)).and_then(|d| d.with_target(target?));
    built.map_err(|e| e.to_string())
}

pub(super) fn mean_gap(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().map(|d| d.abs()).sum::<f64>() / a.len().max(1) as f64
}
