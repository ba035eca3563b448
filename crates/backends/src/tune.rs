//! Fitting with a cross-validation inside: how many iterations, and what the model says of rows it has not seen.
//!
//! 1. Each learner is fitted once per split, stopping early on the split's test rows. The predictions for
//!    those test rows are its *out-of-fold* predictions.
//! 2. The number of iterations (trees) is the one with the lowest loss over all splits together; one number from many rows
//!    is steadier than each split's own.
//! 3. The learner is fitted on all rows with that number, several times with different draws of rows and
//!    columns, and the fits are averaged.
//!
//! The out-of-fold predictions are what calibration and thresholds may be learned from.

use ndarray::Array2;
use tenure_core::params::require;
use tenure_core::{Dataset, Error, FitContext, FitReport, Iteration, Model, Result};
use tenure_eval::splits::Split;

use crate::Backend;
use crate::average::{AverageModel, add_on_scale, to_outputs};

/// How to tune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuneOptions {
    /// Fits to average for learners that draw at random, at least 1.
    pub refits: usize,
    /// Most iterations to try, at least 1.
    pub max_iterations: usize,
    /// A split's fit ends once its loss has not fallen for so many iterations, at least 1.
    pub patience: usize,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self { refits: 3, max_iterations: 2_000, patience: 50 }
    }
}

/// What tuning gives.
#[derive(Debug)]
pub struct Tuned {
    /// Fitted on all rows.
    pub model: Box<dyn Model>,
    /// The outputs for each row (rows × outputs), from a fit that has not seen it; NaN for rows in no split's
    /// test part, the mean where a row was in several.
    pub out_of_fold: Array2<f64>,
    /// The out-of-bag predictions of the fit to all rows, of learners that draw them and are fitted once; see
    /// [`tenure_core::FitReport::out_of_bag`].
    pub out_of_bag: Option<Vec<f64>>,
    /// Number of iterations (trees) chosen, for learners that iterate.
    pub iterations: Option<usize>,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// Fits `backend` on all of `data`, tuned over `splits`.
///
/// # Errors
/// [`Error::Parameter`] for options or parameters out of range, [`Error::NotEnoughRows`] without splits,
/// and what the learners' fits refuse.
pub fn fit(
    backend: &Backend,
    options: &TuneOptions,
    data: &Dataset,
    splits: &[Split],
    context: &FitContext<'_>,
) -> Result<Tuned> {
    require("refits", options.refits, options.refits >= 1, "at least 1")?;
    require("max_iterations", options.max_iterations, options.max_iterations >= 1, "at least 1")?;
    require("patience", options.patience, options.patience >= 1, "at least 1")?;
    if splits.is_empty() {
        return Err(Error::NotEnoughRows { found: 0, needed: 1 });
    }
    let Backend::Blend(blend) = backend else {
        return tune_one(backend, options, data, splits, context);
    };
    blend.clone().check()?;
    let total: f64 = blend.members.iter().map(|m| m.weight).sum();
    let mut models = Vec::new();
    let mut weights = Vec::new();
    let mut mean = None;
    let (mut iterations, mut notes) = (None, Vec::new());
    for (part, member) in blend.members.iter().enumerate() {
        let tuned = tune_one(&member.learner, options, data, splits, &context.part(part as u64))?;
        let sums = mean.get_or_insert_with(|| Array2::zeros(tuned.out_of_fold.raw_dim()));
        for (mut sums, values) in sums.rows_mut().into_iter().zip(tuned.out_of_fold.rows()) {
            let mut row = sums.to_vec();
            add_on_scale(tuned.model.outputs(), &values.to_vec(), member.weight / total, &mut row);
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum = value);
        }
        iterations = iterations.or(tuned.iterations);
        notes.extend(tuned.notes);
        models.push(tuned.model);
        weights.push(member.weight);
    }
    let model = AverageModel::new(models, &weights)?;
    let mut out_of_fold = mean.unwrap_or_default();
    for mut row in out_of_fold.rows_mut() {
        let mut outputs = row.to_vec();
        to_outputs(model.outputs(), &mut outputs);
        row.iter_mut().zip(outputs).for_each(|(out, value)| *out = value);
    }
    Ok(Tuned { model: Box::new(model), out_of_fold, out_of_bag: None, iterations, notes })
}

fn tune_one(
    backend: &Backend,
    options: &TuneOptions,
    data: &Dataset,
    splits: &[Split],
    context: &FitContext<'_>,
) -> Result<Tuned> {
    let learner = backend.iterating(options.max_iterations, Some(options.patience)).check()?;
    let mut out_of_fold: Option<Array2<f64>> = None;
    let mut times = vec![0.0; data.rows()];
    let mut histories = Vec::new();
    for (part, split) in splits.iter().enumerate() {
        let test = data.select(&split.test);
        let fitted = learner.fit(&data.select(&split.train), Some(&test), &context.part(part as u64))?;
        let predicted = fitted.model.predict(test.x())?;
        let sums = out_of_fold.get_or_insert_with(|| Array2::zeros((data.rows(), predicted.ncols())));
        for (&row, values) in split.test.iter().zip(predicted.rows()) {
            let mut sums = sums.row_mut(row);
            sums += &values;
            times[row] += 1.0;
        }
        histories.push((fitted.report.history, split.test.len()));
    }
    let mut out_of_fold = out_of_fold.unwrap_or_default();
    for (mut row, n) in out_of_fold.rows_mut().into_iter().zip(times) {
        // No times at all: 0 / 0, which is NaN.
        row /= n;
    }

    if !backend.iterates() {
        let fitted = backend.clone().check()?.fit(data, None, context)?;
        let FitReport { out_of_bag, notes, .. } = fitted.report;
        return Ok(Tuned { model: fitted.model, out_of_fold, out_of_bag, iterations: None, notes });
    }
    let iterations = best_length(&histories).unwrap_or(options.max_iterations);
    let learner = backend.iterating(iterations, None).check()?;
    let mut models = Vec::with_capacity(options.refits);
    let mut notes =
        vec![format!("{iterations} iterations of {}, chosen over {} splits", learner.name(), splits.len())];
    for refit in 0..options.refits {
        let fitted = learner.fit(data, None, &context.part((splits.len() + refit) as u64))?;
        notes.extend(fitted.report.notes.into_iter().filter(|_| refit == 0));
        models.push(fitted.model);
    }
    let equal = vec![1.0; models.len()];
    Ok(Tuned {
        model: Box::new(AverageModel::new(models, &equal)?),
        out_of_fold,
        out_of_bag: None,
        iterations: Some(iterations),
        notes,
    })
}

/// The number of iterations with the lowest validation loss over all fits, each weighing as many rows as it
/// has; only lengths that every fit reached are compared. The first of equals; `None` without any loss.
fn best_length(histories: &[(Vec<Iteration>, usize)]) -> Option<usize> {
    let shortest = histories.iter().map(|(history, _)| history.len()).min()?;
    let loss = |i: usize| -> Option<f64> {
        histories.iter().map(|(history, rows)| Some(history[i].valid? * *rows as f64)).sum()
    };
    let mut best: Option<(usize, f64)> = None;
    for i in 0..shortest {
        let value = loss(i)?;
        if best.is_none_or(|(_, lowest)| value < lowest) {
            best = Some((i + 1, value));
        }
    }
    best.map(|(length, _)| length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_length_is_judged_over_all_splits() {
        let history = |losses: &[f64]| -> Vec<Iteration> {
            losses.iter().map(|&l| Iteration { train: 0.0, valid: Some(l) }).collect()
        };
        let two = [(history(&[3.0, 1.0, 2.0, 0.1]), 10), (history(&[3.0, 2.5, 1.0]), 10)];
        assert_eq!(best_length(&two), Some(3));
        assert_eq!(best_length(&[(history(&[1.0, 1.0]), 5)]), Some(1));
        assert_eq!(best_length(&[(Vec::new(), 5)]), None);
    }
}
