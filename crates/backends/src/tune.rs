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

use tenure_core::params::require;
use tenure_core::{Dataset, Error, FitContext, Iteration, Model, Result, Scale};
use tenure_eval::splits::Split;

use crate::Backend;
use crate::average::AverageModel;

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
    /// The first output for each row, from a fit that has not seen it; NaN for rows in no split's test part,
    /// the mean where a row was in several.
    pub out_of_fold: Vec<f64>,
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
    let mut mean = vec![0.0; data.rows()];
    let (mut iterations, mut notes) = (None, Vec::new());
    let mut scale = Scale::Identity;
    for (part, member) in blend.members.iter().enumerate() {
        let tuned = tune_one(&member.learner, options, data, splits, &context.part(part as u64))?;
        scale = tuned.model.outputs()[0].scale;
        for (sum, value) in mean.iter_mut().zip(&tuned.out_of_fold) {
            *sum += member.weight / total * scale.from_output(*value);
        }
        iterations = iterations.or(tuned.iterations);
        notes.extend(tuned.notes);
        models.push(tuned.model);
        weights.push(member.weight);
    }
    let out_of_fold = mean.into_iter().map(|value| scale.to_output(value)).collect();
    Ok(Tuned { model: Box::new(AverageModel::new(models, &weights)?), out_of_fold, iterations, notes })
}

fn tune_one(
    backend: &Backend,
    options: &TuneOptions,
    data: &Dataset,
    splits: &[Split],
    context: &FitContext<'_>,
) -> Result<Tuned> {
    let learner = backend.iterating(options.max_iterations, Some(options.patience)).check()?;
    let mut sums = vec![(0.0, 0usize); data.rows()];
    let mut histories = Vec::new();
    for (part, split) in splits.iter().enumerate() {
        let test = data.select(&split.test);
        let fitted = learner.fit(&data.select(&split.train), Some(&test), &context.part(part as u64))?;
        for (row, value) in split.test.iter().zip(fitted.model.predict(test.x())?.column(0)) {
            sums[*row].0 += value;
            sums[*row].1 += 1;
        }
        histories.push((fitted.report.history, split.test.len()));
    }
    let out_of_fold =
        sums.into_iter().map(|(sum, n)| if n == 0 { f64::NAN } else { sum / n as f64 }).collect();

    if !backend.iterates() {
        let fitted = backend.clone().check()?.fit(data, None, context)?;
        return Ok(Tuned { model: fitted.model, out_of_fold, iterations: None, notes: fitted.report.notes });
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
