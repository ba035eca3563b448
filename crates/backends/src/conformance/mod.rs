//! The suite that every learner passes, ours or yours.
//!
//! ```
//! use tenure_backends::{Backend, conformance::{self, Subject, Task}};
//!
//! let learner = Backend::by_name("logistic")?.check()?;
//! let failures = conformance::check(&Subject {
//!     learner: learner.as_ref(),
//!     load: &tenure_backends::load,
//!     tasks: &[Task::Binary],
//! });
//! assert!(failures.is_empty(), "{}", conformance::summary(&failures));
//! # Ok::<(), tenure_core::Error>(())
//! ```
//!
//! What is checked, each under the name that a failure carries:
//!
//! | check | what must hold |
//! |---|---|
//! | `capabilities` | learner and fitted model claim the same |
//! | `same_seed` | one seed gives one model and one set of predictions, at 1 and at 8 threads |
//! | `unknown_label` | a row whose label is NaN is a row that is not there |
//! | `report_rows` | the report counts the rows with a known label and a weight above 0 |
//! | `output_name` | one output, named as the target, that answers the target in the target's kind; of several classes one for each, in their order, named `<target>_<class>` |
//! | `first_target` | of two targets the first is learned, as if it were alone |
//! | `validation` | a validation set of the same columns is taken; permuted, missing or extra columns are named |
//! | `missing` | NaN is answered for, or refused in training and in prediction, as claimed |
//! | `unknown_level` | a category beyond the known levels is a missing one, to the bit, where categories are claimed |
//! | `few_rows` | one row or none is an answer: a model or an error in words |
//! | `one_class` | a classifier refuses a single class |
//! | `absent_class` | a class without rows has an output like the others, with a probability near 0 |
//! | `constant_column` | a column without information is no obstacle: the mean is predicted |
//! | `no_target` | a data set without target is refused |
//! | `cancellation` | a cancelled fit ends within one iteration |
//! | `unit_weights` | weights of one change no bit; or weights are refused |
//! | `double_weight` | a weight of two is the row twice: within 1e-6 of the spread where weights are exact, else 0.15 |
//! | `unequal_weights` | weights of 1, 2 and 3 are rows once, twice and thrice: so too, and the mean within 0.02 (a number: of the labels' deviation) |
//! | `zero_weight` | a row of weight zero is a row that is not there |
//! | `offsets` | a constant offset lowers the answers by as much, the known truth leaves little to learn; or offsets are refused, as always for several classes |
//! | `output_range` | one finite number per row and output; probabilities within 0 and 1, those of a target's classes summing to 1 within 1e-9 |
//! | `output_shape` | room for too few or too many rows or outputs is refused |
//! | `rows_alone` | a row gives the same bits alone, in a batch, in a part of it and in another order |
//! | `columns` | a batch or a row of another width is refused, in a batch with both widths |
//! | `infinite` | an infinity is refused, naming the feature |
//! | `explanations` | baseline and contributions add up to the output within 1e-6 |
//! | `explain_bounds` | explaining refuses no such output, another width and infinities, and answers for missing values |
//! | `save_and_load` | the restored model predicts the same bits and has the same artifact |
//! | `foreign_artifact` | the loader refuses another kind and a newer version, by their errors |
//! | `damaged_artifact` | a part or child that is missing, or a part cut short, is an error |
//!
//! A panic anywhere in a check is a failure of that check (the panic hook still prints it; a program built
//! with `panic = "abort"` ends).
//!
//! A domain model that wraps a backend is checked by [`check_model`], which runs the part that needs no
//! fitting: `output_range` and all that follow it.

mod data;
mod fitting;
mod model;
mod stored;
mod weights;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::ArrayView2;
use tenure_core::{Artifact, Learner, Model, Result};

/// What a learner claims to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Task {
    /// A target of zeros and ones.
    Binary,
    /// A numeric target.
    Regression,
    /// A target of three classes.
    Multiclass,
}

/// Restores a model from its artifact.
pub type Loader<'a> = &'a dyn Fn(&Artifact) -> Result<Box<dyn Model>>;

/// A learner to check.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The learner, its parameters checked.
    pub learner: &'a dyn Learner,
    /// Restores its models.
    pub load: Loader<'a>,
    /// What it claims to learn.
    pub tasks: &'a [Task],
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("learner", &self.learner)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Name of the check.
    pub check: &'static str,
    /// Task and backend.
    pub subject: String,
    /// What happened instead.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.check, self.subject, self.detail)
    }
}

/// All failures, a line each.
#[must_use]
pub fn summary(failures: &[Failure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Runs every check for every task; an empty list means that the learner keeps the contract.
#[must_use]
pub fn check(subject: &Subject<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    let name = guarded(|| Ok(subject.learner.name().to_owned())).unwrap_or_else(|panic| panic);
    for &task in subject.tasks {
        let mut run = |check: &'static str, outcome: Outcome| {
            if let Err(detail) = outcome {
                failures.push(Failure { check, subject: format!("{task:?}, {name}"), detail });
            }
        };
        for (name, check) in fitting::CHECKS.iter().chain(&weights::CHECKS) {
            run(name, guarded(|| check(subject, task)));
        }
        let fitted = guarded(|| {
            let data = data::table(task, 300, 1, subject.learner.capabilities());
            Ok((fitting::fit(subject, &data)?, data))
        });
        match fitted {
            Ok((model, data)) => {
                for (name, check) in model_checks() {
                    run(name, guarded(|| check(model.as_ref(), data.x(), subject.load)));
                }
            }
            // `capabilities` made the same fit: where it passed, one seed gave a model and then none.
            Err(detail) => run("same_seed", Err(detail)),
        }
    }
    failures
}

/// Runs the checks that need a fitted model and some rows only.
#[must_use]
pub fn check_model(model: &dyn Model, rows: ArrayView2<'_, f64>, load: Loader<'_>) -> Vec<Failure> {
    let subject = guarded(|| {
        let first = model.outputs().first();
        Ok(first.map_or("model", |o| o.name.as_str()).to_owned())
    });
    let subject = subject.unwrap_or_else(|panic| panic);
    let failed = |(name, check): &(&'static str, model::Check)| {
        let detail = guarded(|| check(model, rows, load)).err()?;
        Some(Failure { check: name, subject: subject.clone(), detail })
    };
    model_checks().filter_map(failed).collect()
}

fn model_checks() -> impl Iterator<Item = &'static (&'static str, model::Check)> {
    model::CHECKS.iter().chain(&stored::CHECKS)
}

/// A panic is an error in words.
fn guarded<T>(work: impl FnOnce() -> std::result::Result<T, String>) -> std::result::Result<T, String> {
    // What a panic leaves behind is dropped, or is read by further checks whose failures are reported too.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_words(panic.as_ref())))
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without words"))
}

/// `Err` says what happened instead.
type Outcome = std::result::Result<(), String>;

/// `Err(words())` unless `holds`.
fn ensure(holds: bool, words: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(words()) }
}

/// Whether two lists of numbers are the same bits; the first difference in words otherwise.
fn same_bits<'a>(a: impl IntoIterator<Item = &'a f64>, b: impl IntoIterator<Item = &'a f64>) -> Outcome {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    for i in 0.. {
        match (a.next(), b.next()) {
            (None, None) => break,
            (Some(a), Some(b)) => {
                ensure(a.to_bits() == b.to_bits(), || format!("value {i} is {a:e} and {b:e}"))?;
            }
            _ => return Err(format!("value {i} is there once only")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_the_checks_in_their_order() {
        let table = include_str!("mod.rs").lines();
        let listed: Vec<&str> =
            table.filter_map(|line| Some(line.strip_prefix("//! | `")?.split_once('`')?.0)).collect();
        let fitting = fitting::CHECKS.iter().chain(&weights::CHECKS).map(|(name, _)| *name);
        let checks: Vec<&str> = fitting.chain(model_checks().map(|(name, _)| *name)).collect();
        assert_eq!(listed, checks);
    }
}
