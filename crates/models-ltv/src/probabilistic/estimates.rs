//! Parameters of a fit, what a fit estimates, and how sure it is.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;

use super::newton::{Derivatives, inverse};
use crate::Result;

/// How the probabilistic models are fitted. Checked when a fit begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitParams {
    /// Strength of the L2 penalty on the logarithms of the parameters, at least 0: the mean log-likelihood is
    /// lessened by `l2 · Σ θ²`. Times are divided by the customers' mean age first (spends by the mean
    /// spend), so that 0 is a neutral value.
    pub l2: f64,
    /// The same on the coefficients of covariates, which are divided by their standard deviations first.
    pub l2_covariates: f64,
    /// Where the search begins: the model's parameters in their own units, in their own order, all above 0.
    /// `None` for a start of the model's own.
    pub start: Option<Vec<f64>>,
    /// Newton steps, at least 1.
    pub max_iterations: usize,
    /// Coverage of the confidence intervals, above 0 and below 1.
    pub level: f64,
}

impl Default for FitParams {
    fn default() -> Self {
        Self { l2: 0.0, l2_covariates: 0.0, start: None, max_iterations: 500, level: 0.95 }
    }
}

impl FitParams {
    pub(crate) fn check(&self, parameters: usize) -> Result<()> {
        let not_negative = |v: f64| v.is_finite() && v >= 0.0;
        require("l2", self.l2, not_negative(self.l2), "finite, at least 0")?;
        let l2 = self.l2_covariates;
        require("l2_covariates", l2, not_negative(l2), "finite, at least 0")?;
        require("max_iterations", self.max_iterations, self.max_iterations > 0, "at least 1")?;
        require("level", self.level, self.level > 0.0 && self.level < 1.0, "above 0 and below 1")?;
        if let Some(start) = &self.start {
            let good = start.len() == parameters && start.iter().all(|v| v.is_finite() && *v > 0.0);
            require("start", format!("{start:?}"), good, format!("{parameters} finite numbers above 0"))?;
        }
        Ok(())
    }
}

/// One estimated number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The parameter (`r`, `alpha`, …), or `<rate>:<covariate>` for a coefficient.
    pub name: String,
    /// The estimate.
    pub value: f64,
    /// Its standard error, from the observed information; of a parameter by the delta method from that of its
    /// logarithm.
    pub standard_error: f64,
    /// Lower end of the confidence interval, symmetric on the log scale of a parameter.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How a fit went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimates {
    /// The estimates: parameters first, then coefficients.
    pub estimates: Vec<Estimate>,
    /// Covariance of the logarithms of the parameters and the coefficients themselves, row by row.
    pub covariance: Vec<f64>,
    /// Log-likelihood at the estimates, in the units of the data and without the penalty.
    pub log_likelihood: f64,
    /// Sum of the customers' weights.
    pub customers: f64,
    /// Newton steps of the final search.
    pub iterations: usize,
    /// Coverage of the confidence intervals.
    pub level: f64,
}

impl Estimates {
    /// The estimate of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Estimate> {
        self.estimates.iter().find(|e| e.name == name)
    }

    /// Akaike's criterion: `2 k − 2 ln L`; smaller is better.
    #[must_use]
    pub fn aic(&self) -> f64 {
        2.0 * self.estimates.len() as f64 - 2.0 * self.log_likelihood
    }

    /// From the optimum on the search's scale: `units` is what each logarithm (or coefficient) is shifted (or
    /// multiplied) by to come to the data's units. `None` where the information is not positive definite.
    pub(crate) fn new(
        optimum: &Optimum<'_>,
        log_likelihood: f64,
        customers: f64,
        level: f64,
    ) -> Option<Self> {
        let Optimum { names, at, here, logs, shift, factor, iterations } = *optimum;
        let n = at.len();
        let mut covariance = inverse(&here.hessian, n)?;
        for (place, value) in covariance.iter_mut().enumerate() {
            *value *= factor[place / n] * factor[place % n] / customers;
        }
        let z = normal_quantile(0.5 + 0.5 * level);
        let estimates = (0..n).map(|i| {
            let (centre, deviation) = (at[i] * factor[i] + shift[i], covariance[i * n + i].sqrt());
            let (low, high) = (centre - z * deviation, centre + z * deviation);
            let name = names[i].clone();
            if i < logs {
                let value = centre.exp();
                Estimate { name, value, standard_error: value * deviation, low: low.exp(), high: high.exp() }
            } else {
                Estimate { name, value: centre, standard_error: deviation, low, high }
            }
        });
        let estimates: Vec<_> = estimates.collect();
        let finite = |e: &Estimate| [e.value, e.standard_error, e.low, e.high].iter().all(|v| v.is_finite());
        let sound = estimates.iter().all(finite);
        sound.then_some(Self { estimates, covariance, log_likelihood, customers, iterations, level })
    }
}

/// A point of the search with what it takes to report it.
pub(crate) struct Optimum<'a> {
    pub(crate) names: &'a [String],
    pub(crate) at: &'a [f64],
    pub(crate) here: &'a Derivatives,
    /// How many of the numbers are logarithms; they come first.
    pub(crate) logs: usize,
    pub(crate) shift: &'a [f64],
    pub(crate) factor: &'a [f64],
    pub(crate) iterations: usize,
}

/// The quantile function of the standard normal distribution.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p)
}
