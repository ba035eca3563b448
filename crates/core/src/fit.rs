//! Fitting: checked parameters in, model and report out.

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::{Capabilities, Dataset, Error, Model, Result};

/// Checked parameters, ready to fit: the only way to a [`Model`].
pub trait Learner: Debug + Send + Sync {
    /// Short name of the backend, as on the command line (`gbdt`, `logistic`).
    fn name(&self) -> &str;

    /// What the fitted model will be able to do.
    fn capabilities(&self) -> Capabilities;

    /// Learns the first target of `train`. `valid` serves early stopping only and never the fit itself.
    ///
    /// Same data, parameters and seed give the same model bit for bit, whatever the thread count.
    ///
    /// # Errors
    /// [`Error::NoTarget`], [`Error::OneClass`], [`Error::NotEnoughRows`], [`Error::Unsupported`] for a kind
    /// of target, a weight or a column the learner cannot honour, [`Error::Columns`] where the schemas of the
    /// two sets differ, [`Error::Cancelled`].
    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted>;
}

/// What a fit returns.
#[derive(Debug)]
pub struct Fitted {
    /// The model.
    pub model: Box<dyn Model>,
    /// How the fit went.
    pub report: FitReport,
}

/// How a fit went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Rows with a known label that were learned from.
    pub rows: usize,
    /// Name of the loss in `history`, e.g. `log_loss`.
    pub loss: String,
    /// Loss after each iteration, for learners that iterate.
    pub history: Vec<Iteration>,
    /// Number of iterations that the model keeps.
    pub iterations: usize,
    /// Why it ended.
    pub stopped: StopReason,
    /// Decisions taken on the way that a user should know of, in words.
    pub notes: Vec<String>,
    /// What each training row was predicted by the parts of the model that did not learn from it, for learners
    /// that draw rows (a random forest): rows × outputs, row by row, in the order of the training set; NaN for
    /// a row without a label, and for one that every part learned from.
    #[serde(skip)]
    pub out_of_bag: Option<Vec<f64>>,
}

/// The losses after one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// Mean loss on the training rows.
    pub train: f64,
    /// Mean loss on the validation rows, where there are some.
    pub valid: Option<f64>,
}

/// Why a fit ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The solver reached its tolerance.
    #[default]
    Converged,
    /// All iterations that were asked for were done.
    Iterations,
    /// The validation loss stopped falling.
    EarlyStopping,
    /// Nothing was left to learn (no split with a gain).
    Exhausted,
}

/// A step of long work.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is being done, as a present participle: `boosting`, `building features`.
    pub stage: &'a str,
    /// Steps done of this stage.
    pub done: u64,
    /// Steps in all, where known.
    pub total: Option<u64>,
    /// A figure worth watching, with its name, e.g. `("log_loss", 0.43)`.
    pub figure: Option<(&'a str, f64)>,
}

/// Somebody who watches long work. `()` watches nothing.
pub trait ProgressSink: Send + Sync {
    /// Called at most a few thousand times a fit, always from the thread that called `fit`.
    fn report(&self, progress: Progress<'_>);
}

impl ProgressSink for () {
    fn report(&self, _: Progress<'_>) {}
}

/// Asks long work to stop; clones share the request.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks for the work to stop at the end of the current iteration.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a fit needs beside data and parameters.
#[derive(Clone)]
pub struct FitContext<'a> {
    /// Every random draw of the fit follows from it.
    pub seed: u64,
    /// Threads to use; `None` for all of the machine's. The result does not depend on it.
    pub threads: Option<NonZeroUsize>,
    /// Who watches.
    pub progress: &'a dyn ProgressSink,
    /// How to stop it.
    pub cancel: CancelToken,
}

impl Debug for FitContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FitContext")
            .field("seed", &self.seed)
            .field("threads", &self.threads)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

impl FitContext<'static> {
    /// All threads, nobody watching.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, threads: None, progress: &(), cancel: CancelToken::default() }
    }
}

impl<'a> FitContext<'a> {
    /// The same with another number of threads; 0 means all of the machine's.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = NonZeroUsize::new(threads);
        self
    }

    /// The same, watched.
    #[must_use]
    pub fn with_progress<'b>(self, progress: &'b dyn ProgressSink) -> FitContext<'b> {
        FitContext { seed: self.seed, threads: self.threads, progress, cancel: self.cancel }
    }

    /// The same, to be stopped by this token.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancelToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// The same for a part of the work: a seed of its own, derived from this one and `part`.
    #[must_use]
    pub fn part(&self, part: u64) -> Self {
        Self { seed: crate::seed::mix(self.seed, part), ..self.clone() }
    }

    /// To be called once an iteration.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once somebody asked.
    pub fn check_cancelled(&self, stage: &str) -> Result<()> {
        if self.cancel.is_cancelled() { Err(Error::Cancelled { stage: stage.to_owned() }) } else { Ok(()) }
    }
}
