//! The BG/BB model.

use serde::{Deserialize, Serialize};
use tenure_core::FitContext;
use tenure_core::params::require;

use super::estimates::{Estimates, FitParams};
use super::fit::{Likelihood, Local, N, Shift, fit};
use super::rising::Rising;
use super::summary::{Summaries, Summary, count};
use crate::{Error, Result};

/// Most opportunities of one customer: the likelihood goes over each.
const MOST: u32 = 100_000;

/// Parameters of the BG/BB model (Fader, Hardie & Shang 2010), for purchases that can happen at given
/// opportunities only (a yearly appeal, a conference).
///
/// At the beginning of each opportunity a customer who is still active leaves for good with a probability θ
/// that differs as a Beta distribution does (`gamma`, `delta`); who stays buys with a probability p that
/// differs as a Beta distribution does (`alpha`, `beta`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BgBbParams {
    /// First parameter of the purchase probabilities: their mean is `alpha / (alpha + beta)`.
    pub alpha: f64,
    /// Second parameter of the purchase probabilities.
    pub beta: f64,
    /// First parameter of the dropout probabilities: their mean is `gamma / (gamma + delta)`.
    pub gamma: f64,
    /// Second parameter of the dropout probabilities.
    pub delta: f64,
}

impl BgBbParams {
    /// Checks that all are finite and above 0.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<Self> {
        let Self { alpha, beta, gamma, delta } = self;
        for (name, value) in [("alpha", alpha), ("beta", beta), ("gamma", gamma), ("delta", delta)] {
            require(name, value, value.is_finite() && value > 0.0, "finite, above 0")?;
        }
        Ok(self)
    }
}

/// Customers by opportunities: purchases `x`, the opportunity `t_x` of the last one (1 is the first; 0 where
/// there was none), and the number of opportunities `n`: `x ≤ t_x ≤ n`, and `t_x = 0` where `x = 0`.
///
/// The rows are [`Summaries`] whose ages are opportunities.
#[derive(Debug, Clone, PartialEq)]
pub struct Opportunities(Summaries);

impl Opportunities {
    /// From three columns of whole numbers.
    ///
    /// # Errors
    /// [`Error::Summary`] naming row and column; [`tenure_core::Error::Shape`] where the lengths differ.
    pub fn new(frequency: &[f64], recency: &[f64], opportunities: &[f64]) -> Result<Self> {
        let made = Summaries::new(frequency, recency, opportunities)?;
        for row in 0..made.len() {
            let Summary { frequency, recency, age } = made.at(row);
            let wrong = |field, value, expected| Err(Error::Summary { row, field, value, expected });
            let last = count(row, "recency", recency)?;
            if count(row, "opportunities", age)? > MOST {
                return wrong("opportunities", age, "at most 100000");
            }
            if last < frequency {
                return wrong("recency", recency, "at least the frequency: one purchase an opportunity");
            }
        }
        Ok(Self(made))
    }

    /// From one row of yes and no a customer, the earliest opportunity first.
    ///
    /// # Errors
    /// As [`Opportunities::new`].
    pub fn from_history<'a>(bought: impl IntoIterator<Item = &'a [bool]>) -> Result<Self> {
        let (mut x, mut last, mut n) = (Vec::new(), Vec::new(), Vec::new());
        for row in bought {
            x.push(row.iter().filter(|b| **b).count() as f64);
            last.push(row.iter().rposition(|b| *b).map_or(0, |at| at + 1) as f64);
            n.push(row.len() as f64);
        }
        Self::new(&x, &last, &n)
    }

    /// With how many customers each row stands for, or how much it counts.
    ///
    /// # Errors
    /// As [`Summaries::with_weights`].
    pub fn with_weights(self, weights: Vec<f64>) -> Result<Self> {
        Ok(Self(self.0.with_weights(weights)?))
    }

    /// With mean spends.
    ///
    /// # Errors
    /// As [`Summaries::with_mean_spend`].
    pub fn with_mean_spend(self, mean_spend: Vec<f64>) -> Result<Self> {
        Ok(Self(self.0.with_mean_spend(mean_spend)?))
    }

    /// The rows.
    #[must_use]
    pub fn summaries(&self) -> &Summaries {
        &self.0
    }
}

/// [`Rising`] at α, β, α+β, δ, γ+δ for every count up to the most opportunities (and one more).
pub(crate) struct Counts([Vec<Rising>; 5]);

impl Counts {
    fn new(&[alpha, beta, gamma, delta]: &[f64; N], most: usize) -> Self {
        let column = |p: f64| {
            let mut sums = vec![Rising::default()];
            for i in 0..=most {
                let (before, inverse) = (sums[i], 1.0 / (p + i as f64));
                sums.push(Rising {
                    ln: before.ln - inverse.ln(),
                    first: before.first + inverse,
                    second: before.second - inverse * inverse,
                });
            }
            sums
        };
        Self([alpha, beta, alpha + beta, delta, gamma + delta].map(column))
    }

    /// The probability of the purchases made and of leaving at the beginning of the opportunity after the
    /// `stayed`-th (`left`) or of staying through it, with derivatives.
    fn term(&self, parameters: &[f64; N], x: usize, stayed: usize, left: bool) -> Local {
        let &[alpha, beta, gamma, delta] = parameters;
        let [of_alpha, of_beta, of_both, of_delta, of_sum] = &self.0;
        let (a, b, ab) = (of_alpha[x], of_beta[stayed - x], of_both[stayed]);
        let (d, gd) = (of_delta[stayed], of_sum[stayed + usize::from(left)]);
        let left = f64::from(u8::from(left));
        let ln_gamma = if left > 0.0 { gamma.ln() } else { 0.0 };
        let first = [a.first - ab.first, b.first - ab.first, left / gamma - gd.first, d.first - gd.first];
        let gradient = [alpha * first[0], beta * first[1], gamma * first[2], delta * first[3]];
        let mut hessian = [0.0; 10];
        hessian[0] = gradient[0] + alpha * alpha * (a.second - ab.second);
        hessian[1] = -alpha * beta * ab.second;
        hessian[4] = gradient[1] + beta * beta * (b.second - ab.second);
        hessian[7] = gradient[2] + gamma * gamma * (-left / (gamma * gamma) - gd.second);
        hessian[8] = -gamma * delta * gd.second;
        hessian[9] = gradient[3] + delta * delta * (d.second - gd.second);
        let value = a.ln + b.ln - ab.ln + ln_gamma + d.ln - gd.ln;
        Local { value, gradient, hessian }
    }
}

pub(crate) struct BgBbLikelihood;

impl Likelihood for BgBbLikelihood {
    const NAME: &'static str = "BG/BB";
    const PARAMETERS: [&'static str; N] = ["alpha", "beta", "gamma", "delta"];
    const TIME: [i32; N] = [0; N];
    const SHIFTED: [Option<(Shift, f64)>; N] = [None; N];
    const CONTINUOUS: bool = false;
    type Tables = Counts;

    fn tables(parameters: &[f64; N], xs: &[u32], oldest: f64) -> Counts {
        let most = xs.last().copied().unwrap_or(0).max(oldest as u32).min(MOST);
        Counts::new(parameters, most as usize)
    }

    /// Equation (4) of the paper: a sum over the opportunities at which the customer may have left.
    fn local(parameters: &[f64; N], of: &Summary, _: usize, tables: &Counts) -> Local {
        let (x, last, n) = whole(of);
        let terms = || {
            let stayed = std::iter::once(tables.term(parameters, x, n, false));
            stayed.chain((last..n).map(|until| tables.term(parameters, x, until, true)))
        };
        let top = terms().fold(f64::NEG_INFINITY, |m, t| m.max(t.value));
        let (mut weight, mut sum) = (0.0, Local::default());
        for term in terms() {
            let w = (term.value - top).exp();
            weight += w;
            let mut at = 0;
            for i in 0..N {
                sum.gradient[i] += w * term.gradient[i];
                for j in i..N {
                    sum.hessian[at] += w * (term.hessian[at] + term.gradient[i] * term.gradient[j]);
                    at += 1;
                }
            }
        }
        let gradient = sum.gradient.map(|g| g / weight);
        let mut hessian = sum.hessian.map(|h| h / weight);
        let mut at = 0;
        for i in 0..N {
            for j in i..N {
                hessian[at] -= gradient[i] * gradient[j];
                at += 1;
            }
        }
        Local { value: top + weight.ln(), gradient, hessian }
    }

    fn meaning([alpha, beta, gamma, delta]: &[f64; N]) -> String {
        if gamma / (gamma + delta) < 1e-5 {
            "nobody seems to leave".to_owned()
        } else if *gamma > 1e5 || *delta > 1e5 {
            "the dropout probability does not differ between customers".to_owned()
        } else if *alpha > 1e5 || *beta > 1e5 {
            "the purchase probability does not differ between customers".to_owned()
        } else {
            "the data do not tell the parameters apart".to_owned()
        }
    }
}

/// Purchases, last purchase and opportunities in whole numbers, in this order: a summary that was not made as
/// one of [`Opportunities`] is brought into range.
fn whole(of: &Summary) -> (usize, usize, usize) {
    let x = of.frequency.min(MOST);
    let n = (of.age as u32).clamp(x, MOST);
    (x as usize, (of.recency as u32).clamp(x, n) as usize, n as usize)
}

impl BgBbLikelihood {
    /// Logarithm of the probability of the purchases made and of still being active.
    pub(crate) fn stayed(parameters: &[f64; N], of: &Summary, tables: &Counts) -> f64 {
        let (x, _, n) = whole(of);
        tables.term(parameters, x, n, false).value
    }
}

/// A fitted BG/BB model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BgBb {
    params: BgBbParams,
    estimates: Option<Estimates>,
}

impl BgBb {
    /// Fits by maximum likelihood.
    ///
    /// # Errors
    /// As [`BgNbd::fit`](super::BgNbd::fit).
    pub fn fit(customers: &Opportunities, params: &FitParams, context: &FitContext<'_>) -> Result<Self> {
        let fitted = fit::<BgBbLikelihood>(&customers.0, None, None, params, context)?;
        let [alpha, beta, gamma, delta] = fitted.parameters;
        Ok(Self { params: BgBbParams { alpha, beta, gamma, delta }, estimates: Some(fitted.estimates) })
    }

    /// A model whose parameters are known.
    ///
    /// # Errors
    /// As [`BgBbParams::check`].
    pub fn from_params(params: BgBbParams) -> Result<Self> {
        Ok(Self { params: params.check()?, estimates: None })
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> BgBbParams {
        self.params
    }

    /// How the fit went; `None` where the parameters were given.
    #[must_use]
    pub fn estimates(&self) -> Option<&Estimates> {
        self.estimates.as_ref()
    }
}
