//! Logistic regression with an L2 penalty.
//!
//! Minimises `Σ wᵢ · log_loss(yᵢ, σ(b + xᵢ·β)) + ½ λ ‖β‖²` by the solver of [`crate::glm`]: Newton's method
//! with step halving, for many rows quasi-Newton steps. The intercept is not penalised. Without penalty, columns
//! that separate the classes are an error that names one.
//!
//! Inputs are prepared as scikit-learn users do by hand: numeric columns are trimmed to the range of nearly all
//! training values, then centred and divided by their standard deviation, where the tails are long after a
//! signed logarithm; a missing number counts as
//! the mean and, where training saw some missing, sets an indicator of its own; a categorical column becomes
//! one indicator per level, and one for missing or unknown.
//!
//! Each feature then adds one term of its own to the log-odds, so the model *is* its explanation: the
//! baseline is the mean log-odds of the training rows, a contribution is the term's distance from its mean.
//!
//! When to use it: few rows, effects that are smooth and additive, a second opinion beside boosted trees.

mod design;
mod model;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{
    Capabilities, Dataset, Error, FitContext, FitReport, Fitted, Iteration, Learner, MissingPolicy, Output,
    Progress, Result, StopReason, TargetKind,
};

use crate::glm::family::{Family, Link, Shape};
use crate::glm::passes::Rows;
use crate::glm::sample::Sample;
use crate::glm::solver::{self, Limits, Penalty, State};
use tenure_gbdt::Threads;

pub use model::LogisticModel;

/// Parameters of a logistic regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticParams {
    /// Strength λ of the L2 penalty on standardised coefficients, at least 0; scikit-learn's `1 / C`.
    pub l2: f64,
    /// Most steps over all rows, at least 1.
    pub max_iterations: usize,
    /// Done when no coefficient moves further than this in one step; above 0.
    pub tolerance: f64,
    /// Levels with fewer training rows than this share one indicator; at least 1.
    pub min_level_rows: usize,
    /// Share of the training values at either end that counts as its edge: a value beyond enters as the edge
    /// does, so that no prediction rests on a line drawn past the data. 0 to below 0.5.
    pub trim: f64,
    /// Whether skewed numeric columns enter as `sign(x) · ln(1 + |x| / s)`, `s` being the median of `|x|`.
    pub tame_tails: bool,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self {
            l2: 1.0,
            max_iterations: 100,
            tolerance: 1e-8,
            min_level_rows: 10,
            trim: 0.01,
            tame_tails: true,
        }
    }
}

impl LogisticParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(self) -> Result<Logistic> {
        require("l2", self.l2, self.l2.is_finite() && self.l2 >= 0.0, "a finite number, at least 0")?;
        require("max_iterations", self.max_iterations, self.max_iterations >= 1, "at least 1")?;
        let positive = self.tolerance.is_finite() && self.tolerance > 0.0;
        require("tolerance", self.tolerance, positive, "a finite number above 0")?;
        require("min_level_rows", self.min_level_rows, self.min_level_rows >= 1, "at least 1")?;
        require("trim", self.trim, (0.0..0.5).contains(&self.trim), "0 to below 0.5")?;
        Ok(Logistic { params: self })
    }
}

const STAGE: &str = "fitting coefficients";

/// Checked parameters of a logistic regression.
#[derive(Debug, Clone)]
pub struct Logistic {
    params: LogisticParams,
}

pub(crate) const CAPABILITIES: Capabilities = Capabilities::new(MissingPolicy::Learned)
    .with_weights()
    .with_offsets()
    .with_categories()
    .with_explanations();

impl Learner for Logistic {
    fn name(&self) -> &str {
        "logistic"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let target = train.target()?;
        if *target.kind() != TargetKind::Binary {
            return Err(Error::unsupported(
                self.name(),
                format!("the target `{}`: it is not binary", target.name()),
            ));
        }
        if let Some(valid) = valid {
            valid.require_columns_of(train)?;
        }
        let sample = Sample::of(train)?;
        require_two_classes(target.name(), &sample)?;
        let threads = Threads::new(context, sample.len() * train.schema().len())?;
        let design = design::Design::learn(train.schema(), &sample, &self.params, &threads);
        context.check_cancelled(STAGE)?;
        let blocks = design.blocks(&sample, &threads);
        let rows = Rows {
            x: &blocks,
            y: &sample.y,
            w: &sample.w,
            offsets: sample.offsets.as_deref(),
            every: 1,
            shape: Shape { variance: Family::Binomial.variance(), link: Link::Logit },
            threads: &threads,
        };
        let mut penalty = Penalty::none(design.width());
        penalty.l2[1..].fill(self.params.l2);
        let limits = Limits {
            max_iterations: self.params.max_iterations,
            tolerance: self.params.tolerance,
            unit: 1.0,
            intercept: true,
        };
        let mut start = vec![0.0; design.width()];
        let (share, total) = (sample.mean_target(), sample.total_weight());
        start[0] = (share / (1.0 - share)).ln();
        let mut history = Vec::new();
        let solution = solver::solve(&rows, &penalty, limits, start, |step, loss| {
            let loss = loss / total;
            history.push(Iteration { train: loss, valid: None });
            let total = Some(self.params.max_iterations as u64);
            let figure = Some(("log_loss", loss));
            context.progress.report(Progress { stage: STAGE, done: step as u64, total, figure });
            context.check_cancelled(STAGE)
        })?;
        if let State::Separated(column) = solution.state {
            let feature = design.feature_of(column).map_or("", |at| &train.schema().features()[at].name);
            return Err(Error::Data(format!(
                "the target `{}` is separated by `{feature}`, alone or with others, so that no finite \
                 coefficients fit best; a penalty (`l2` above 0) gives an answer",
                target.name()
            )));
        }

        let mut notes = Vec::new();
        if sample.skipped > 0 {
            let skipped = sample.skipped;
            notes.push(format!("{skipped} rows have no label or no weight and were left out"));
        }
        let converged = solution.state == State::Converged;
        if !converged {
            let steps = solution.iterations;
            notes.push(format!("the coefficients still moved after {steps} steps; the last are kept"));
        }
        let output = Output::probability(target.name());
        let model =
            LogisticModel::new(train.schema().clone(), output, design.terms(&solution.beta, &rows.means()));
        let stopped = if converged { StopReason::Converged } else { StopReason::Iterations };
        let report = FitReport {
            rows: sample.len(),
            loss: "log_loss".into(),
            iterations: history.len(),
            history,
            stopped,
            notes,
            out_of_bag: None,
        };
        Ok(Fitted { model: Box::new(model), report })
    }
}

fn require_two_classes(target: &str, sample: &Sample<'_>) -> Result<()> {
    let Some(first) = sample.y.first() else {
        return Err(Error::NotEnoughRows { found: 0, needed: 2 });
    };
    if sample.y.iter().any(|y| y != first) {
        return Ok(());
    }
    Err(Error::OneClass { target: target.to_owned(), class: first.to_string(), rows: sample.len() })
}
