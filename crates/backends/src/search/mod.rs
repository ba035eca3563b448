//! Parameter search: over any backend, or over any function of a point.
//!
//! * A [`SearchSpace`] is plain data: which parameters, by their serialised names, and which values.
//! * A [`Strategy`] chooses the points: a grid, at random, or by the tree-structured Parzen estimator (crate
//!   `tpe`).
//! * An [`Objective`] scores a point fold by fold; over a backend it is cross-validation by a [`Metric`].
//! * [`Pruning`] gives up a trial that after a fold is worse than the median of the trials before it.
//! * A log, one line a fold, lets an interrupted search go on: see [`SearchLog`].
//!
//! The trials follow from the space, the options, the data and the seed alone: they are the same at any number
//! of threads, and a search that is interrupted anywhere and gone on with ends, to the bit, as one that ran
//! through. Trials therefore come one after another; the fits use the threads.
//!
//! # Iterations of a boosted model
//!
//! Where the space names the number of iterations (`trees`), each trial has the number that its point says. Else
//! each fit keeps back a fifth of the fold's *training* rows to stop early on ([`EarlyStopping`]): the rows that
//! a trial is scored on decide nothing in it, so that scores stay comparable between trials with steady and
//! with noisy losses. The best backend found carries the mean number of its folds; [`crate::tune::fit`] finds
//! the number anew, on all rows.
//!
//! # Example
//! ```
//! use ndarray::Array2;
//! use tenure_backends::Backend;
//! use tenure_backends::search::{Search, SearchOptions, SearchSpace, Strategy};
//! use tenure_core::{Dataset, Feature, FitContext, Schema, Target};
//! use tenure_eval::splits::k_fold;
//! # let schema = Schema::new(vec![Feature::numeric("x", "", "")])?;
//! # let x = Array2::from_shape_fn((200, 1), |(i, _)| i as f64);
//! # let y = (0..200).map(|i| f64::from(u8::from(i > 120))).collect();
//! # let data = Dataset::new(schema, x)?.with_target(Target::binary("y", y)?)?;
//!
//! let space: SearchSpace =
//!     serde_json::from_str(r#"{"backend": "logistic", "l2": {"log": [0.001, 1000]}}"#).map_err(|e| e.to_string())?;
//! let options = SearchOptions { strategy: Strategy::Grid { steps: 4 }, ..SearchOptions::default() };
//! let context = FitContext::new(42);
//! let base = Backend::by_name("logistic")?;
//! let found = Search::new(&space, &options, &context).over(&base, &data, &k_fold(200, 3, 42)?)?;
//! assert_eq!(found.trials.trials.len(), 4);
//! let model = found.refit(&data, &context)?.model;
//! # assert_eq!(model.outputs().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cross_validation;
mod engine;
mod log;
mod metric;
mod space;
mod strategy;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Dataset, Error, FitContext, Fitted, Result};
use tenure_eval::splits::Split;

use self::cross_validation::{CrossValidation, data_fingerprint, settings_fingerprint, text_fingerprint};
use self::engine::Engine;
use self::log::Identity;
use crate::Backend;

pub use self::engine::{FoldScore, LogSink, Objective, Pruning, SearchOptions, Trial, TrialState, Trials};
pub use self::log::SearchLog;
pub use self::metric::{Goal, Metric};
pub(crate) use self::space::with_parameter;
pub use self::space::{Dimension, Point, SearchSpace};
pub use self::strategy::Strategy;

/// When the fits of a search over a learner that iterates stop; see [the module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// Most iterations, at least 1.
    pub max_iterations: usize,
    /// A fit ends once its loss has not fallen for so many iterations, at least 1.
    pub patience: usize,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { max_iterations: 2_000, patience: 50 }
    }
}

/// A search, ready to run.
pub struct Search<'a, 'b> {
    space: &'a SearchSpace,
    options: &'a SearchOptions,
    context: &'a FitContext<'b>,
    metric: Option<Metric>,
    stopping: EarlyStopping,
    resume: Option<&'a SearchLog>,
    log: Option<LogSink<'a>>,
    clock: Option<&'a dyn Fn() -> f64>,
}

/// What a search over a backend found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The backend with the best trial's parameters; where its folds stopped early, with the mean number of
    /// their iterations. Ready to fit on all rows.
    pub backend: Backend,
    /// The best trial's point.
    pub point: Point,
    /// What the trials were scored by.
    pub metric: Metric,
    /// All trials.
    pub trials: Trials,
    /// Iterations that the backend carries, where early stopping found them.
    pub iterations: Option<usize>,
    /// What a user should know of, in words.
    pub notes: Vec<String>,
}

impl Found {
    /// Fits the best backend on all rows.
    ///
    /// # Errors
    /// What the backend's fit refuses.
    pub fn refit(&self, data: &Dataset, context: &FitContext<'_>) -> Result<Fitted> {
        self.backend.clone().check()?.fit(data, None, context)
    }
}

impl<'a, 'b> Search<'a, 'b> {
    /// A search of a space. Seed, threads, progress and cancellation are the context's: progress counts folds,
    /// with the best score so far, and a cancellation is heeded before every fold and within its fit.
    #[must_use]
    pub fn new(space: &'a SearchSpace, options: &'a SearchOptions, context: &'a FitContext<'b>) -> Self {
        let stopping = EarlyStopping::default();
        Self { space, options, context, metric: None, stopping, resume: None, log: None, clock: None }
    }

    /// Scores by this metric instead of [`Metric::usual`].
    #[must_use]
    pub fn by(self, metric: Metric) -> Self {
        Self { metric: Some(metric), ..self }
    }

    /// With another early stopping.
    #[must_use]
    pub fn stopping(self, stopping: EarlyStopping) -> Self {
        Self { stopping, ..self }
    }

    /// Goes on with the log of a search that was interrupted.
    #[must_use]
    pub fn resuming(self, log: &'a SearchLog) -> Self {
        Self { resume: Some(log), ..self }
    }

    /// Hands out the lines of the log as they come up, without line feed; see [`SearchLog`]. An error of the
    /// sink ends the search.
    #[must_use]
    pub fn with_log(self, sink: LogSink<'a>) -> Self {
        Self { log: Some(sink), ..self }
    }

    /// Takes the time of each fold, in seconds since any instant; without a clock, times are not known.
    #[must_use]
    pub fn with_clock(self, clock: &'a dyn Fn() -> f64) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Searches the parameters of a backend, scored on the splits' test rows after learning from their
    /// training rows. Weights count in both; with offsets, the rows are judged at theirs. Rows without a label
    /// are left out.
    ///
    /// # Errors
    /// What [`SearchSpace::check`] and [`Metric::check`] refuse, [`Error::Parameter`] for options out of range,
    /// [`Error::NotEnoughRows`] for splits without rows, [`Error::Data`] where no trial could be completed or
    /// the log is damaged or of another search, [`Error::Cancelled`], and what the sink says.
    pub fn over(self, base: &Backend, data: &Dataset, splits: &[Split]) -> Result<Found> {
        let EarlyStopping { max_iterations, patience } = self.stopping;
        require("max_iterations", max_iterations, max_iterations >= 1, "at least 1")?;
        require("patience", patience, patience >= 1, "at least 1")?;
        let metric = self.metric.unwrap_or(Metric::usual(data.target()?.kind()));
        let (space, context) = (self.space, self.context);
        let mut objective =
            CrossValidation::new(base, space, metric, self.stopping, (data, splits), context)?;
        let more = format!("{metric} {max_iterations} {patience}");
        let settings = settings_fingerprint(Some(base), space, self.options, &more)?;
        let trials = self.engine(data_fingerprint(data, splits), settings).run(&mut objective)?;

        let best = trials.best_trial().ok_or_else(|| Error::Internal("a search without a best".into()))?;
        let point = best.point.clone();
        let iterations = mean_iterations(best);
        let backend = space.backend_at(base, &point)?;
        let backend = iterations.map_or(backend.clone(), |n| backend.iterating(n, None));
        let notes = notes(&trials, space);
        Ok(Found { backend, point, metric, trials, iterations, notes })
    }

    /// Searches the lowest or highest mean score of any function of a point. `name` tells logs of different
    /// functions apart. The space's `backend` is not looked at.
    ///
    /// # Errors
    /// As [`Search::over`], without data.
    pub fn run(self, objective: &mut dyn Objective, name: &str) -> Result<Trials> {
        let settings = settings_fingerprint(None, self.space, self.options, &objective.folds().to_string())?;
        self.engine(text_fingerprint(name, 0), settings).run(objective)
    }

    fn engine(self, data: u64, settings: u64) -> Engine<'a, 'b> {
        let identity = Identity {
            version: Identity::VERSION,
            seed: self.context.seed,
            data: format!("{data:016x}"),
            settings: format!("{settings:016x}"),
        };
        let Self { space, options, context, resume, log, clock, .. } = self;
        Engine { space, options, context, identity, resume, log, clock }
    }
}

/// The mean over the folds that stopped early, rounded.
fn mean_iterations(trial: &Trial) -> Option<usize> {
    let counts: Vec<usize> = trial.folds.iter().filter_map(|fold| fold.iterations).collect();
    let sum: usize = counts.iter().sum();
    (!counts.is_empty()).then(|| ((sum as f64 / counts.len() as f64).round() as usize).max(1))
}

/// What a user should know of the trials.
fn notes(trials: &Trials, space: &SearchSpace) -> Vec<String> {
    let count = |state| trials.trials.iter().filter(|t| t.state == state).count();
    let (pruned, failed) = (count(TrialState::Pruned), count(TrialState::Failed));
    let mut notes = vec![format!(
        "{} trials of {}: {} complete, {pruned} given up early, {failed} failed",
        trials.trials.len(),
        space.backend,
        count(TrialState::Complete),
    )];
    notes.extend(
        trials.trials.iter().find_map(|t| Some(format!("trial {}: {}", t.number, t.reason.as_ref()?))),
    );
    let edge = |(name, dimension): (&String, &Dimension)| {
        let value = trials.best_trial()?.point.get(name)?;
        dimension.is_edge(value).then(|| {
            format!("the best `{name}` = {value} is at the edge of its range: a wider range may hold better")
        })
    };
    notes.extend(space.dimensions.iter().filter_map(edge));
    notes
}
