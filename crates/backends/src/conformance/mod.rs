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
//! | `output_range` | one finite number per row and output; probabilities within 0 and 1 |
//! | `rows_alone` | a row gives the same bits alone, in a batch, in a part of it and in another order |
//! | `save_and_load` | the restored model predicts the same bits and has the same artifact |
//! | `unit_weights` | weights of one change no bit |
//! | `double_weight` | a weight of two is the row twice, to the bit or to 1e-6 as claimed; or weights are refused |
//! | `zero_weight` | a row of weight zero is a row that is not there |
//! | `columns` | another width, a missing or an unexpected column is named |
//! | `infinite` | an infinity is refused, naming the feature |
//! | `missing` | NaN is learned from, imputed or refused, as claimed |
//! | `unknown_label` | a row whose label is NaN is a row that is not there |
//! | `few_rows` | one row or none is an answer: a model or an error in words |
//! | `one_class` | a classifier refuses a single class |
//! | `constant_column` | a column without information is no obstacle |
//! | `no_target` | a data set without target is refused |
//! | `explanations` | baseline and contributions add up to the output within 1e-6 |
//! | `cancellation` | a cancelled fit ends within one iteration |
//!
//! A domain model that wraps a backend is checked by [`check_model`], which runs the part that needs no
//! fitting: `output_range`, `rows_alone`, `save_and_load`, `columns`, `infinite`, `explanations`.

mod data;
mod fitting;
mod model;

use std::fmt;

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
    for &task in subject.tasks {
        let mut run = |check: &'static str, outcome: Outcome| {
            if let Err(detail) = outcome {
                let subject = format!("{task:?}, {}", subject.learner.name());
                failures.push(Failure { check, subject, detail });
            }
        };
        for (name, check) in fitting::CHECKS {
            run(name, check(subject, task));
        }
        let data = data::table(task, 300, 1, subject.learner.capabilities());
        match fitting::fit(subject, &data) {
            Ok(model) => {
                for (name, check) in model::CHECKS {
                    run(name, check(model.as_ref(), data.x(), subject.load));
                }
            }
            Err(detail) => run("same_seed", Err(detail)),
        }
    }
    failures
}

/// Runs the checks that need a fitted model and some rows only.
#[must_use]
pub fn check_model(model: &dyn Model, rows: ArrayView2<'_, f64>, load: Loader<'_>) -> Vec<Failure> {
    let failed = |(name, check): &(&'static str, model::Check)| {
        let detail = check(model, rows, load).err()?;
        let subject = model.outputs().first().map_or("model", |o| o.name.as_str()).to_owned();
        Some(Failure { check: name, subject, detail })
    };
    model::CHECKS.iter().filter_map(failed).collect()
}

/// `Err` says what happened instead.
type Outcome = std::result::Result<(), String>;

/// `Err(words())` unless `holds`.
fn ensure(holds: bool, words: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(words()) }
}

/// Whether two lists of numbers are the same bits; the first difference in words otherwise.
fn same_bits<'a>(a: impl IntoIterator<Item = &'a f64>, b: impl IntoIterator<Item = &'a f64>) -> Outcome {
    for (i, (a, b)) in a.into_iter().zip(b).enumerate() {
        ensure(a.to_bits() == b.to_bits(), || format!("value {i} is {a:e} and {b:e}"))?;
    }
    Ok(())
}
