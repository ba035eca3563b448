//! The logistic regression.

use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, Error, FitContext, Fitted, Learner, Result};

use crate::outside::linear::{self, Problem, Solution};

/// Parameters of linfa's logistic regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinfaLogisticParams {
    /// Strength of the L2 penalty on standardised coefficients, at least 0; scikit-learn's `1 / C`.
    pub l2: f64,
    /// Most steps of the solver, at least 1. linfa does not say whether they were enough.
    pub max_iterations: usize,
    /// Done when the gradient is shorter than this; above 0.
    pub tolerance: f64,
}

impl Default for LinfaLogisticParams {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: 100, tolerance: 1e-4 }
    }
}

impl LinfaLogisticParams {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range.
    pub fn check(self) -> Result<LinfaLogistic> {
        require("l2", self.l2, self.l2.is_finite() && self.l2 >= 0.0, "a finite number, at least 0")?;
        require("max_iterations", self.max_iterations, self.max_iterations >= 1, "at least 1")?;
        let positive = self.tolerance.is_finite() && self.tolerance > 0.0;
        require("tolerance", self.tolerance, positive, "a finite number above 0")?;
        Ok(LinfaLogistic { params: self })
    }
}

/// linfa's logistic regression with checked parameters: binary targets and several classes.
#[derive(Debug, Clone)]
pub struct LinfaLogistic {
    params: LinfaLogisticParams,
}

impl LinfaLogistic {
    /// Kind of the artifact, and name of the backend.
    pub const KIND: &'static str = "linfa-logistic";

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &LinfaLogisticParams {
        &self.params
    }
}

impl Learner for LinfaLogistic {
    fn name(&self) -> &str {
        Self::KIND
    }

    fn capabilities(&self) -> Capabilities {
        linear::CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        linear::fit(Self::KIND, train, valid, context, |problem| self.solve(problem))
    }
}

impl LinfaLogistic {
    fn solve(&self, problem: &Problem<'_>) -> Result<Solution> {
        let LinfaLogisticParams { l2, max_iterations, tolerance } = self.params;
        let steps = max_iterations as u64;
        let failed = |e: linfa_logistic::error::Error| Error::Data(format!("{}: {e}", Self::KIND));
        let data =
            super::with_labels(super::matrix(problem.x.clone(), problem.columns)?, problem.labels.to_vec());
        if problem.classes == 2 {
            let params = LogisticRegression::default().alpha(l2).max_iterations(steps);
            let fitted = params.gradient_tolerance(tolerance).fit(&data).map_err(failed)?;
            // It calls the class with more rows positive, or the first it meets; which one, it says.
            let sign = if fitted.labels().pos.class == 1 { 1.0 } else { -1.0 };
            return Ok(Solution {
                intercepts: vec![sign * fitted.intercept()],
                coefficients: fitted.params().iter().map(|c| sign * c).collect(),
            });
        }
        let params = MultiLogisticRegression::default().alpha(l2).max_iterations(steps);
        let fitted = params.gradient_tolerance(tolerance).fit(&data).map_err(failed)?;
        // Columns × classes, sorted.
        Ok(Solution {
            intercepts: fitted.intercept().to_vec(),
            coefficients: fitted.params().t().iter().copied().collect(),
        })
    }
}
