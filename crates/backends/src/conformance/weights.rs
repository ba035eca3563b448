//! Checks of what a row counts for: weights and offsets.

use ndarray::Array2;
use tenure_core::{Dataset, Model, Scale};

use super::fitting::{Check, fit, labels, mean_gap, refused, table};
use super::model::predict;
use super::{Outcome, Subject, Task, data, ensure, same_bits};

pub(super) const CHECKS: [(&str, Check); 5] = [
    ("unit_weights", unit_weights),
    ("double_weight", double_weight),
    ("unequal_weights", unequal_weights),
    ("zero_weight", zero_weight),
    ("offsets", offsets),
];

fn unit_weights(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let ones = with_weights(&data, vec![1.0; data.rows()])?;
    if !subject.learner.capabilities().weights {
        return refused(subject, &ones, "weights");
    }
    let (with, without) = (fit(subject, &ones)?, fit(subject, &data)?);
    same_bits(&predict(with.as_ref(), data.x())?, &predict(without.as_ref(), data.x())?)
}

fn double_weight(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    weighted_is_repeated(subject, &data, &vec![2; data.rows()])?;
    Ok(())
}

fn unequal_weights(subject: &Subject<'_>, task: Task) -> Outcome {
    let data = table(subject, task, 300);
    let counts: Vec<usize> = (0..data.rows()).map(|row| 1 + row % 3).collect();
    weighted_is_repeated(subject, &data, &counts)?;

    // High labels weigh most, so that any other function of the weight than the weight itself moves the mean:
    // for a binary target the weighted share of ones is 0.71, with squared weights 0.85, without weights 0.5.
    let data = data::noisy(task, 600, 1, subject.learner.capabilities());
    let labels = labels(&data)?;
    let count = |(row, &y): (usize, &f64)| match (row % 6, y >= 1.0) {
        (0, _) => 2,
        (_, high) => 1 + 2 * usize::from(high),
    };
    let counts: Vec<usize> = labels.iter().enumerate().map(count).collect();
    let Some((weighted, repeated)) = weighted_and_repeated(subject, &data, &counts)? else { return Ok(()) };
    let total: f64 = counts.iter().map(|&n| n as f64).sum();
    let mean = |out: &Array2<f64>| {
        out.rows().into_iter().zip(&counts).map(|(v, &n)| v[0] * n as f64).sum::<f64>() / total
    };
    let unit = match task {
        Task::Binary | Task::Multiclass => 1.0,
        Task::Regression => deviation(labels),
    };
    let (with, times) = (mean(&weighted), mean(&repeated));
    ensure((with - times).abs() <= 0.02 * unit, || {
        format!("the mean prediction is {with} with weights of 1, 2 and 3, {times} with rows so many times")
    })
}

/// Compares predictions after a fit with weights to those after a fit with each row so many times, as claimed.
fn weighted_is_repeated(subject: &Subject<'_>, data: &Dataset, counts: &[usize]) -> Outcome {
    let Some((weighted, repeated)) = weighted_and_repeated(subject, data, counts)? else { return Ok(()) };
    // A learner that counts rows (for its limits) may grow another tree, but not another kind of answer.
    let exact = subject.learner.capabilities().weights_exact;
    let allowed = if exact { 1e-6 } else { 0.15 };
    let gap = mean_gap(&weighted, &repeated) / spread(&repeated);
    ensure(gap <= allowed, || {
        format!("weights and repeated rows differ by {gap} of the spread on average, {allowed} is allowed")
    })
}

/// Predictions after a fit with weights, and after one with repeated rows.
type Both = (Array2<f64>, Array2<f64>);

/// Predictions for all rows after either fit; `None` where the learner takes no weights.
fn weighted_and_repeated(
    subject: &Subject<'_>,
    data: &Dataset,
    counts: &[usize],
) -> Result<Option<Both>, String> {
    if !subject.learner.capabilities().weights {
        return Ok(None);
    }
    let weighted = with_weights(data, counts.iter().map(|&n| n as f64).collect())?;
    let rows: Vec<usize> =
        counts.iter().enumerate().flat_map(|(row, &n)| std::iter::repeat_n(row, n)).collect();
    let weighted = predict(fit(subject, &weighted)?.as_ref(), data.x())?;
    let repeated = predict(fit(subject, &data.select(&rows))?.as_ref(), data.x())?;
    Ok(Some((weighted, repeated)))
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

fn offsets(subject: &Subject<'_>, task: Task) -> Outcome {
    const OFFSET: f64 = 0.7;
    let data = table(subject, task, 300);
    let constant = with_offsets(&data, vec![OFFSET; data.rows()])?;
    // For several classes, one number a row says nothing.
    if !subject.learner.capabilities().offsets || task == Task::Multiclass {
        return refused(subject, &constant, "offsets");
    }
    let (without, with) = (fit(subject, &data)?, fit(subject, &constant)?);
    let shift = mean(&scores(without.as_ref(), &data)?) - mean(&scores(with.as_ref(), &data)?);
    ensure((shift - OFFSET).abs() <= 0.05, || {
        format!("offsets of {OFFSET} in every row lower the answers by {shift} on the output's scale")
    })?;

    let data = data::known_truth(task, 1_000, 1, subject.learner.capabilities());
    let told = with_offsets(&data, data.x().column(0).to_vec())?;
    let size = |data: &Dataset| -> Result<f64, String> {
        let scores = scores(fit(subject, data)?.as_ref(), data)?;
        Ok(mean(&scores.iter().map(|s| s.abs()).collect::<Vec<_>>()))
    };
    let (untold, told) = (size(&data)?, size(&told)?);
    ensure(told <= 0.5 * untold, || {
        format!(
            "the size of the answers is {untold} on the output's scale, and {told} with the truth as offsets"
        )
    })
}

/// The first output of each row on the scale on which offsets are meant, within bounds where that has none.
fn scores(model: &dyn Model, data: &Dataset) -> Result<Vec<f64>, String> {
    let scale = model.outputs().first().ok_or("the model has no output")?.scale;
    let bounded = |score: f64| if scale == Scale::Identity { score } else { score.clamp(-36.0, 36.0) };
    let out = predict(model, data.x())?;
    Ok(out.column(0).iter().map(|&v| bounded(scale.from_output(v))).collect())
}

fn with_weights(data: &Dataset, weights: Vec<f64>) -> Result<Dataset, String> {
    data.clone().with_weights(weights).map_err(|e| e.to_string())
}

fn with_offsets(data: &Dataset, offsets: Vec<f64>) -> Result<Dataset, String> {
    data.clone().with_offsets(offsets).map_err(|e| e.to_string())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    mean(&values.iter().map(|v| (v - centre).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// Standard deviation; 1 where there is none.
fn spread(a: &Array2<f64>) -> f64 {
    let sd = a.std(0.0);
    if sd > 0.0 { sd } else { 1.0 }
}
