//! Checks that fit.

use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::Array2;
use tenure_core::{
    CancelToken, Dataset, Error, Feature, FitContext, MissingPolicy, Model, Progress, ProgressSink, Schema,
    Target,
};

use super::model::predict;
use super::{Outcome, Subject, Task, data, ensure, same_bits};

type Check = fn(&Subject<'_>, Task) -> Outcome;

pub(super) const CHECKS: [(&str, Check); 12] = [
    ("capabilities", capabilities),
    ("same_seed", same_seed),
    ("unit_weights", unit_weights),
    ("double_weight", double_weight),
    ("zero_weight", zero_weight),
    ("unknown_label", unknown_label),
    ("missing", missing),
    ("few_rows", few_rows),
    ("one_class", one_class),
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

fn table(subject: &Subject<'_>, task: Task, rows: usize) -> Dataset {
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

fn unit_weights(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let ones = with_weights(&data, vec![1.0; data.rows()])?;
    if !subject.learner.capabilities().weights {
        return refused(subject, &ones);
    }
    let (with, without) = (fit(subject, &ones)?, fit(subject, &data)?);
    same_bits(&predict(with.as_ref(), data.x())?, &predict(without.as_ref(), data.x())?)
}

fn double_weight(subject: &Subject<'_>, task: Task) -> Outcome {
    let capabilities = subject.learner.capabilities();
    if !capabilities.weights {
        return Ok(());
    }
    let data = table(subject, task, 300);
    let twos = with_weights(&data, vec![2.0; data.rows()])?;
    let twice = data.select(&(0..data.rows()).flat_map(|row| [row, row]).collect::<Vec<_>>());
    let weighted = predict(fit(subject, &twos)?.as_ref(), data.x())?;
    let repeated = predict(fit(subject, &twice)?.as_ref(), data.x())?;
    if capabilities.weights_exact {
        return same_bits(&weighted, &repeated);
    }
    // A learner that counts rows (for its limits) may grow another tree, but not another kind of answer.
    let gap = mean_gap(&weighted, &repeated) / spread(&repeated);
    ensure(gap <= 0.15, || format!("weight two and the row twice differ by {gap} of the spread on average"))
}

fn zero_weight(subject: &Subject<'_>, task: Task) -> Outcome {
    if !subject.learner.capabilities().weights {
        return Ok(());
    }
    let data = table(subject, task, 300);
    let half: Vec<usize> = (0..data.rows()).filter(|row| row % 2 == 0).collect();
    let weights = (0..data.rows()).map(|row| f64::from(u8::from(row % 2 == 0))).collect();
    let weighted = predict(fit(subject, &with_weights(&data, weights)?)?.as_ref(), data.x())?;
    let absent = predict(fit(subject, &data.select(&half))?.as_ref(), data.x())?;
    let gap = mean_gap(&weighted, &absent);
    ensure(gap <= 1e-9, || format!("rows of weight zero move predictions by {gap} on average"))
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

fn missing(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let model = fit(subject, &data)?;
    let all_missing = Array2::from_elem((1, data.schema().len()), f64::NAN);
    let answer = model.predict(all_missing.view());
    match (subject.learner.capabilities().missing, answer) {
        (MissingPolicy::Refused, Err(Error::Unsupported { .. } | Error::NotFinite { .. })) => Ok(()),
        (MissingPolicy::Refused, other) => Err(format!("it refuses missing values, yet: {other:?}")),
        (_, Ok(out)) if out.iter().all(|v| v.is_finite()) => Ok(()),
        (policy, other) => Err(format!("{policy:?}, yet a row of missing values gives {other:?}")),
    }
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
    if task != Task::Binary {
        return Ok(());
    }
    let data = table(subject, task, 300);
    let ones = with_labels(&data, task, vec![1.0; data.rows()])?;
    match subject.learner.fit(&ones, None, &FitContext::new(7)) {
        Err(Error::OneClass { .. }) => Ok(()),
        other => Err(format!("all labels are 1: {other:?}")),
    }
}

fn constant_column(subject: &Subject<'_>, task: Task) -> Outcome {
    let rows = 40;
    let schema = Schema::new(vec![Feature::numeric("constant", "", "")]).map_err(|e| e.to_string())?;
    let target = table(subject, task, rows).target().map_err(|e| e.to_string())?.clone();
    let data = Dataset::new(schema, Array2::from_elem((rows, 1), 4.0)).and_then(|d| d.with_target(target));
    let data = data.map_err(|e| e.to_string())?;
    let out = predict(fit(subject, &data)?.as_ref(), data.x())?;
    let labels = labels(&data)?;
    let mean = labels.iter().sum::<f64>() / rows as f64;
    let worst = out.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
    ensure(worst <= 1e-6, || format!("a constant column predicts {worst} away from the mean {mean}"))
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

fn refused(subject: &Subject<'_>, data: &Dataset) -> Outcome {
    match subject.learner.fit(data, None, &FitContext::new(7)) {
        Err(Error::Unsupported { .. }) => Ok(()),
        other => Err(format!("weights are not supported, yet: {:?}", other.map(|f| f.report))),
    }
}

fn labels(data: &Dataset) -> Result<&[f64], String> {
    data.target().map(Target::values).map_err(|e| e.to_string())
}

fn with_weights(data: &Dataset, weights: Vec<f64>) -> Result<Dataset, String> {
    data.clone().with_weights(weights).map_err(|e| e.to_string())
}

fn with_labels(data: &Dataset, task: Task, labels: Vec<f64>) -> Result<Dataset, String> {
    let target = match task {
        Task::Binary => Target::binary("outcome", labels),
        Task::Regression => Target::real("outcome", labels),
    };
    let plain = Dataset::new(data.schema().clone(), data.x().to_owned());
    plain.and_then(|d| d.with_target(target?)).map_err(|e| e.to_string())
}

fn mean_gap(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().map(|d| d.abs()).sum::<f64>() / a.len().max(1) as f64
}

/// Standard deviation; 1 where there is none.
fn spread(a: &Array2<f64>) -> f64 {
    let sd = a.std(0.0);
    if sd > 0.0 { sd } else { 1.0 }
}
