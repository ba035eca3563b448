//! The logistic regression.

use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, Error, FitContext, Fitted, Learner, Result};

use crate::outside::linear::{self, Problem, Solution};

/// Parameters of smartcore's logistic regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmartcoreLogisticParams {
    /// Strength of the L2 penalty on standardised coefficients, at least 0; scikit-learn's `1 / C`.
    pub l2: f64,
    /// `None`: smartcore decides, and cannot be told.
    pub max_iterations: Option<usize>,
    /// `None`: smartcore decides, and cannot be told.
    pub tolerance: Option<f64>,
}

impl Default for SmartcoreLogisticParams {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: None, tolerance: None }
    }
}

impl SmartcoreLogisticParams {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a penalty out of its range; [`Error::Unsupported`] for what smartcore cannot be told.
    pub fn check(self) -> Result<SmartcoreLogistic> {
        require("l2", self.l2, self.l2.is_finite() && self.l2 >= 0.0, "a finite number, at least 0")?;
        for (name, set) in
            [("max_iterations", self.max_iterations.is_some()), ("tolerance", self.tolerance.is_some())]
        {
            if set {
                let what = format!("`{name}`: its solver has its own");
                return Err(Error::unsupported(SmartcoreLogistic::KIND, what));
            }
        }
        Ok(SmartcoreLogistic { params: self })
    }
}

/// smartcore's logistic regression with checked parameters: binary targets and several classes.
#[derive(Debug, Clone)]
pub struct SmartcoreLogistic {
    params: SmartcoreLogisticParams,
}

impl SmartcoreLogistic {
    /// Kind of the artifact, and name of the backend.
    pub const KIND: &'static str = "smartcore-logistic";

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &SmartcoreLogisticParams {
        &self.params
    }
}

impl Learner for SmartcoreLogistic {
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

impl SmartcoreLogistic {
    fn solve(&self, problem: &Problem<'_>) -> Result<Solution> {
        let x = super::matrix(&problem.x, problem.columns)?;
        let labels = problem.labels.iter().map(|&class| i32::try_from(class).unwrap_or(i32::MAX));
        let labels: Vec<i32> = labels.collect();
        let params = LogisticRegressionParameters::default().with_alpha(self.params.l2);
        let fitted = LogisticRegression::fit(&x, &labels, params).map_err(|e| super::failed(&e))?;
        // Scores × columns and scores × 1; smartcore sorts the classes.
        let (coefficients, intercepts) = (fitted.coefficients(), fitted.intercept());
        let scores = coefficients.shape().0;
        let each = |score: usize| (0..problem.columns).map(move |column| *coefficients.get((score, column)));
        Ok(Solution {
            intercepts: (0..scores).map(|score| *intercepts.get((score, 0))).collect(),
            coefficients: (0..scores).flat_map(each).collect(),
        })
    }
}
