//! The Pareto/NBD model.

use serde::{Deserialize, Serialize};
use tenure_core::FitContext;
use tenure_core::params::require;

use super::covariates::Covariates;
use super::effects::Effects;
use super::estimates::{Estimates, FitParams};
use super::fit::{Likelihood, Local, N, Shift, fit, tables};
use super::quadrature::composite;
use super::rising::Rising;
use super::summary::{Summaries, Summary};
use crate::Result;

/// Parameters of the Pareto/NBD model (Schmittlein, Morrison & Colombo 1987).
///
/// While active, a customer buys at random times, at a rate λ that differs between customers as a Gamma
/// distribution does (shape `r`, rate `alpha`); the time until the customer leaves for good is exponential, its
/// rate μ differing as a Gamma distribution does (shape `s`, rate `beta`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParetoNbdParams {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate of the purchase rates, a time: the mean rate is `r / alpha`.
    pub alpha: f64,
    /// Shape of the dropout rates.
    pub s: f64,
    /// Rate of the dropout rates, a time: the mean rate is `s / beta`.
    pub beta: f64,
}

impl ParetoNbdParams {
    /// Checks that all are finite and above 0.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<Self> {
        for (name, value) in [("r", self.r), ("alpha", self.alpha), ("s", self.s), ("beta", self.beta)] {
            require(name, value, value.is_finite() && value > 0.0, "finite, above 0")?;
        }
        Ok(self)
    }

    /// `ln ((1 − P(alive)) / P(alive))`; −∞ where the last purchase was just now.
    pub(crate) fn ln_odds_dead(&self, of: &Summary) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        Gone::new([r, alpha, s, beta], of).ln_odds(|_, _| ())
    }
}

/// `ln W` of `W = s ∫ ((α+T)/(α+y))^(r+x) ((β+T)/(β+y))^s dy/(β+y)` over `y` from `t_x` to `T`: the odds that
/// the customer is gone, leaving at `y`. The closed form has two Gauss hypergeometric functions, one pair for
/// α ≥ β and one for α < β, and a difference that cancels; the integrand is a smooth falling function of
/// `ln(min(α, β) + y)`, which 6 to 16 nodes integrate to rounding, derivatives included, whatever α − β is.
struct Gone {
    /// `r + x`
    shape: f64,
    alpha: f64,
    s: f64,
    beta: f64,
    recency: f64,
    age: f64,
}

/// What the integrand is at a node.
struct Node {
    /// `ln (α+T)/(α+y)`
    ln_alpha: f64,
    /// `ln (β+T)/(β+y)`
    ln_beta: f64,
    /// `1/(α+y)`
    per_alpha: f64,
    /// `1/(β+y)`
    per_beta: f64,
}

impl Gone {
    fn new([r, alpha, s, beta]: [f64; N], of: &Summary) -> Self {
        Self { shape: r + f64::from(of.frequency), alpha, s, beta, recency: of.recency, age: of.age }
    }

    /// Calls `at(node, weight)` with weights that are relative to the first point of the range; their sum is
    /// what the result is the logarithm of, up to the shift.
    fn ln_odds(&self, mut at: impl FnMut(&Node, f64)) -> f64 {
        let &Self { shape, alpha, s, beta, recency, age } = self;
        if recency >= age {
            return f64::NEG_INFINITY;
        }
        let least = alpha.min(beta);
        let (ln_alpha_age, ln_beta_age) = ((alpha + age).ln(), (beta + age).ln());
        // Of w = ln(least + y); the integrand times dy/dw.
        let (from, mut to) = ((least + recency).ln(), (least + age).ln());
        let fall = |y: f64| (least + y) * (shape / (alpha + y) + (s + 1.0) / (beta + y)) - 1.0;
        let height = |w: f64| {
            let inner = w.exp();
            let (over_alpha, over_beta) = (inner + (alpha - least), inner + (beta - least));
            let ln_alpha = if alpha == least { w } else { over_alpha.ln() };
            let ln_beta = if beta == least { w } else { over_beta.ln() };
            let node = Node {
                ln_alpha: ln_alpha_age - ln_alpha,
                ln_beta: ln_beta_age - ln_beta,
                per_alpha: 1.0 / over_alpha,
                per_beta: 1.0 / over_beta,
            };
            (shape * node.ln_alpha + s * node.ln_beta - ln_beta + w, node)
        };
        // The fall steepens with y: beyond this point nothing is left that a sum could see.
        let steep = fall(recency);
        if steep * (to - from) > 45.0 {
            to = from + 45.0 / steep;
        }
        let top = height(from).0;
        let decay = top - height(to).0;
        let mut sum = 0.0;
        composite(from, to, decay.abs(), |w, h| {
            let (ln_value, node) = height(w);
            let weight = h * (ln_value - top).exp();
            sum += weight;
            at(&node, weight);
        });
        top + sum.ln() + s.ln()
    }
}

/// Probability-weighted sums over the nodes: of the slopes of the integrand's logarithm, of its bends, and of
/// products of slopes.
#[derive(Default)]
struct Moments {
    weight: f64,
    slope: [f64; N],
    bend: [f64; N * (N + 1) / 2],
}

impl Moments {
    fn add(&mut self, of: &Gone, r: f64, node: &Node, weight: f64) {
        let &Gone { shape, alpha, s, beta, age, .. } = of;
        let (share_a, other_a) = (alpha / (alpha + age), alpha * node.per_alpha);
        let (share_b, other_b) = (beta / (beta + age), beta * node.per_beta);
        let (less_a, less_b) = (share_a - other_a, share_b - other_b);
        let slope = [r * node.ln_alpha, shape * less_a, 1.0 + s * node.ln_beta, s * less_b - other_b];
        let mut bend = [0.0; N * (N + 1) / 2];
        bend[0] = slope[0];
        bend[1] = r * less_a;
        bend[4] = shape * (share_a * (1.0 - share_a) - other_a * (1.0 - other_a));
        bend[7] = s * node.ln_beta;
        bend[8] = s * less_b;
        let curve = other_b * (1.0 - other_b);
        bend[9] = s * (share_b * (1.0 - share_b) - curve) - curve;
        self.weight += weight;
        let mut at = 0;
        for i in 0..N {
            self.slope[i] += weight * slope[i];
            for j in i..N {
                self.bend[at] += weight * (bend[at] + slope[i] * slope[j]);
                at += 1;
            }
        }
    }
}

pub(crate) struct ParetoNbdLikelihood;

impl Likelihood for ParetoNbdLikelihood {
    const NAME: &'static str = "Pareto/NBD";
    const PARAMETERS: [&'static str; N] = ["r", "alpha", "s", "beta"];
    const TIME: [i32; N] = [0, 1, 0, 1];
    const SHIFTED: [Option<(Shift, f64)>; N] =
        [None, Some((Shift::Transaction, -1.0)), None, Some((Shift::Dropout, -1.0))];
    /// At `r`, by frequency.
    type Tables = Vec<[Rising; 1]>;

    fn tables([r, ..]: &[f64; N], xs: &[u32], _: f64) -> Self::Tables {
        tables([*r], xs)
    }

    /// `ln L = ln Γ(r+x)/Γ(r) − r ln(1 + T/α) − x ln(α+T) − s ln(1 + T/β) + ln(1 + W)`, `W` as in [`Gone`].
    fn local(parameters: &[f64; N], of: &Summary, rank: usize, tables: &Self::Tables) -> Local {
        let &[r, alpha, s, beta] = parameters;
        let [at_r] = &tables[rank];
        let x = f64::from(of.frequency);
        let (share_a, share_b) = (alpha / (alpha + of.age), beta / (beta + of.age));
        let (ln_a, ln_b) = ((of.age / alpha).ln_1p(), (of.age / beta).ln_1p());
        let mut value = at_r.ln - r * ln_a - s * ln_b;
        if of.frequency > 0 {
            value -= x * (alpha + of.age).ln();
        }
        let mut gradient = [r * (at_r.first - ln_a), r - (r + x) * share_a, -s * ln_b, s * (1.0 - share_b)];
        let mut hessian = [0.0; N * (N + 1) / 2];
        hessian[0] = gradient[0] + r * r * at_r.second;
        hessian[1] = r * (1.0 - share_a);
        hessian[4] = -(r + x) * share_a * (1.0 - share_a);
        hessian[7] = gradient[2];
        hessian[8] = gradient[3];
        hessian[9] = -s * share_b * (1.0 - share_b);
        let gone = Gone::new(*parameters, of);
        let mut moments = Moments::default();
        let q = gone.ln_odds(|node, weight| moments.add(&gone, r, node, weight));
        if q > f64::NEG_INFINITY {
            let dead = 1.0 / (1.0 + (-q).exp());
            value += if q > 0.0 { q + (-q).exp().ln_1p() } else { q.exp().ln_1p() };
            let slope = moments.slope.map(|m| m / moments.weight);
            let mut at = 0;
            for i in 0..N {
                gradient[i] += dead * slope[i];
                for j in i..N {
                    // Bends plus the spread of slopes, and the bend of ln(1 + e^q).
                    let spread = moments.bend[at] / moments.weight - slope[i] * slope[j];
                    hessian[at] += dead * (spread + (1.0 - dead) * slope[i] * slope[j]);
                    at += 1;
                }
            }
        }
        Local { value, gradient, hessian }
    }

    fn meaning([r, alpha, s, beta]: &[f64; N]) -> String {
        if s / beta < 1e-5 || *s < 1e-5 {
            "nobody seems to leave: a Poisson process with Gamma rates (NBD) would do".to_owned()
        } else if *s > 1e5 || *beta > 1e5 {
            "the dropout rate does not differ between customers".to_owned()
        } else if *r > 1e5 || *alpha > 1e5 {
            "the purchase rate does not differ between customers".to_owned()
        } else {
            "the data do not tell the parameters apart".to_owned()
        }
    }
}

/// A fitted Pareto/NBD model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParetoNbd {
    params: ParetoNbdParams,
    estimates: Option<Estimates>,
    effects: Option<Effects>,
}

impl ParetoNbd {
    /// Fits by maximum likelihood.
    ///
    /// # Errors
    /// As [`BgNbd::fit`](super::BgNbd::fit).
    pub fn fit(customers: &Summaries, params: &FitParams, context: &FitContext<'_>) -> Result<Self> {
        Self::fit_with(customers, None, None, params, context)
    }

    /// Fits with covariates.
    ///
    /// # Errors
    /// As [`ParetoNbd::fit`].
    pub fn fit_with(
        customers: &Summaries,
        transaction: Option<&Covariates>,
        dropout: Option<&Covariates>,
        params: &FitParams,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        let fitted = fit::<ParetoNbdLikelihood>(customers, transaction, dropout, params, context)?;
        let [r, alpha, s, beta] = fitted.parameters;
        let effects = Effects::new::<ParetoNbdLikelihood>(&fitted, transaction, dropout);
        Ok(Self { params: ParetoNbdParams { r, alpha, s, beta }, estimates: Some(fitted.estimates), effects })
    }

    /// A model whose parameters are known.
    ///
    /// # Errors
    /// As [`ParetoNbdParams::check`].
    pub fn from_params(params: ParetoNbdParams) -> Result<Self> {
        Ok(Self { params: params.check()?, estimates: None, effects: None })
    }

    /// The parameters of a customer with these covariates, in the order of the fit; those of a model that was
    /// fitted without any are the same for all.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] where there are not as many values as covariates;
    /// [`tenure_core::Error::Parameter`] where they lead to a parameter that is no finite number above 0.
    pub fn params_for(&self, transaction: &[f64], dropout: &[f64]) -> Result<ParetoNbdParams> {
        let ParetoNbdParams { r, alpha, s, beta } = self.params;
        let effects = self.effects.clone().unwrap_or_default();
        let [r, alpha, s, beta] =
            effects.apply::<ParetoNbdLikelihood>([r, alpha, s, beta], transaction, dropout)?;
        ParetoNbdParams { r, alpha, s, beta }.check()
    }

    /// Whether it was fitted with covariates, so that each customer has parameters of its own.
    #[must_use]
    pub fn has_covariates(&self) -> bool {
        self.effects.is_some()
    }

    /// The parameters; with covariates, those of a customer whose covariates are all 0.
    #[must_use]
    pub fn params(&self) -> ParetoNbdParams {
        self.params
    }

    /// How the fit went; `None` where the parameters were given.
    #[must_use]
    pub fn estimates(&self) -> Option<&Estimates> {
        self.estimates.as_ref()
    }
}
